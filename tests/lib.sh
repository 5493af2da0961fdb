# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts in tests/engine and tests/run: a scratch folder, MPI's settings, and checks that count.
set -u
. "$SOURCE/jobs/mpi_env.sh"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch" "$scratch.mpi"' EXIT
failures=0
# Open MPI's session folders: two jobs that make the same one at once end with an error, and those of killed runs stay.
export OMPI_MCA_orte_tmpdir_base=$scratch.mpi PRTE_MCA_prte_tmpdir_base=$scratch.mpi
mkdir -m 1777 "$scratch.mpi"

mpi=openmpi # or mpich
# Programs that were built with MPICH are started by its mpiexec, under the same name and with what the tests ask of Open MPI's.
if ldd "${TOY-$SULCUS}" 2>/dev/null | grep -q libmpich; then
  mpi=mpich
  mkdir "$scratch.bin"
  trap 'rm -rf "$scratch" "$scratch.mpi" "$scratch.bin"' EXIT
  cat >"$scratch.bin/mpirun" <<'END'
#!/usr/bin/env bash
arguments=()
ranked=(sh -c 'export OMPI_COMM_WORLD_RANK=$PMI_RANK; exec "$@"' -)
while [ $# -gt 0 ]; do
  case $1 in
  --oversubscribe) export OMPI_MCA_rmaps_base_oversubscribe=1 ;;
  --bind-to | -x) shift ;;
  -q) ;;
  -n | -wdir) arguments+=("$1" "$2"); shift ;;
  *)
    arguments+=("${ranked[@]}")
    while [ $# -gt 0 ] && [ "$1" != : ]; do arguments+=("$1"); shift; done
    [ $# = 0 ] || arguments+=(:)
    ;;
  esac
  [ $# = 0 ] || shift
done
exec mpiexec.mpich "${arguments[@]}"
END
  chmod +x "$scratch.bin/mpirun"
  PATH=$scratch.bin:$PATH
fi

# ranks_of LAUNCHER: their process ids; MPICH's are children of its proxy.
ranks_of() {
  local process
  for process in $(ps -o pid= --ppid "$1"); do
    if [ "$(ps -o comm= -p "$process")" = hydra_pmi_proxy ]; then ranks_of "$process"; else echo "$process"; fi
  done
}

# gone PROCESSES...: waits for their ends. Orphans of a killed mpirun live on for a while, and are nobody's children then.
gone() {
  local n
  for n in $(seq 600); do
    ps -o stat= -p "$(echo "$@" | tr ' ' ,)" | grep -qv '^Z' || return 0
    sleep 0.05
  done
  fail "processes $* are still there after 30 s"
}

# ranks N COMMAND...: runs it on N ranks, stdout in $scratch/stdout, what it says itself on stderr in $scratch/stderr; its status in $code.
ranks() {
  local n=$1
  shift
  code=0
  $mpirun_anyhow -n "$n" "$@" >"$scratch/stdout" 2>"$scratch/stderr.all" </dev/null || code=$?
  grep -v '^$' "$scratch/stderr.all" >"$scratch/stderr"
  return 0
}

fail() {
  failures=$((failures + 1))
  echo "FAILED: $*"
  sed 's/^/  out: /' "$scratch/stdout" | tail -5
  sed 's/^/  err: /' "$scratch/stderr" | tail -5
}

# is WHAT ACTUAL EXPECTED
is() {
  [ "$2" = "$3" ] || fail "$1: got '$2', expected '$3'"
}

# near ACTUAL EXPECTED WITHIN: lists of numbers that agree to that part of each.
near() {
  awk -v a="$1" -v b="$2" -v within="$3" 'BEGIN {n = split(a, x, /[ ,]+/); if (n == 0 || n != split(b, y, /[ ,]+/)) exit 1
    for (i = 1; i <= n; i++) if ((x[i] - y[i]) ^ 2 > (within * y[i]) ^ 2) exit 1}'
}

# batch_error: how far a sample's numbers may be from its own in another batch. Not at all where products are our own; without AVX-512 float32's are
# OpenBLAS's, where last bits depend on how many rows are multiplied at once.
batch_error() { if "$SULCUS" --version | grep -q '^  float32 products *OpenBLAS'; then echo 1e-6; else echo 0; fi; }

# forking_threads: threads of a run whose stages fork. GCC 12's address sanitizer does not know of it: what another thread holds of its allocator is held
# in the child for ever. glibc's allocator does.
forking_threads() { if "$SULCUS" --version | grep -q '^build Sanitize'; then echo 1; else echo 2; fi; }

# says WHAT FILE PATTERN
says() {
  grep -q -e "$3" "$2" || fail "$1: no '$3'"
}

# digests OUTPUT: label and digest of every committed artefact, by the journal's last word on each.
digests() {
  sed -n 's/.*"event":"done".*"task":"\([^"]*\)".*"digest":"\([0-9a-f]*\)".*"file_digest".*/\1 \2/p' "$1/journal.jsonl" |
    awk '{last[$1] = $2} END {for (label in last) print label, last[label]}' | sort
}

finish() {
  [ "$failures" = 0 ] || { echo "$failures checks failed"; exit 1; }
  echo "all checks passed"
}
