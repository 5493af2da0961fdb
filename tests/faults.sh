#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fails one call of the program's own code at a time (tests/faults/shim.c): each write, fsync, rename, link, mkdir, close and open to
# write, and each allocation. The run must end with the right code and one line, at once; the next run must finish with the same bits.
#   tests/faults.sh [SAMPLES|all]     default all, some minutes; SEED chooses the samples (default 1)
# A toy pipeline on one rank, without mpirun: sweeps, rounds, checkpoints, an input file.
set -u
cd "$(dirname "$0")/.."
samples=${1:-all} seed=${SEED:-1}
build=${BUILD:-$PWD/build}
TOY=${TOY:-$build/tests/toy} shim=$build/tests/libfaults.so
. jobs/mpi_env.sh
! ldd "$TOY" | grep -q libmpich || mpirun_anyhow='env OMPI_MCA_rmaps_base_oversubscribe=1 mpiexec.mpich -bind-to none'
export TOY shim OMPI_MCA_ess_singleton_isolated=1 # no daemon for a rank alone
scratch=$(mktemp -d)
export scratch
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
seq 1 7 >numbers
cat >p.yaml <<'END'
pipeline: toy
output: out
numbers: {a: {path: numbers}}
checkpoint: 0.001s
steps:
  one: {stage: sum, units: 30, width: 3000, rounds: 2, scale: [1, 2]}
  with: {stage: sum, numbers: a, from: one, units: 3}
  root: {stage: bisect, target: 20}
  all: {stage: total, from: [with, root]}
END

digests() {
  sed -n 's/.*"event":"done".*"task":"\([^"]*\)".*"digest":"\([0-9a-f]*\)".*"file_digest".*/\1 \2/p' "$1/journal.jsonl" 2>/dev/null |
    awk '{last[$1] = $2} END {for (label in last) print label, last[label]}' | sort
}
# attempt KIND N: one fault; prints what was wrong, or ok, or nothing where there were fewer calls.
attempt() {
  local kind=$1 n=$2 out=$scratch/$1.$2.run code=0 want=4 failed
  [ "$kind" = memory ] && want=1
  # Singletons that make the same session folder at once end with an error of Open MPI's.
  export OMPI_MCA_orte_tmpdir_base=$out.mpi PRTE_MCA_prte_tmpdir_base=$out.mpi
  mkdir "$out.mpi"
  timeout 30 env FAULT_KIND=$kind FAULT_AT=$n FAULT_REPORT=$out.report LD_PRELOAD=$shim "$TOY" run p.yaml --quiet -s output="$out" \
    >"$out.out" 2>"$out.err" || code=$?
  failed=$(cut -d' ' -f2- "$out.report" 2>/dev/null || echo "died")
  if [ "${failed%% *}" = none ]; then
    rm -rf "$out"*
    return
  fi
  # What only tells or tidies (a line of progress, a folder left empty, the journal's close behind its last sync) may fail without
  # ending the run; then all of it must be there. What makes a file safe may not.
  if [ $code = 0 ] && case ${failed%% *} in fsync | rename | link | open | mkdir) false ;; esac; then
    digests "$out" | cmp -s - reference.txt || echo "WRONG $kind $n ($failed): ended with 0, without its artefacts"
  elif [ $code != $want ] || [ "$(grep -c . "$out.err")" != 1 ] || ! grep -q '^sulcus: error: ' "$out.err"; then
    echo "WRONG $kind $n ($failed): exit code $code, expected $want: $(tr '\n' '|' <"$out.err" | head -c 300)"
  fi
  code=0
  timeout 30 "$TOY" run p.yaml --quiet -s output="$out" >"$out.out" 2>"$out.err" || code=$?
  [ $code = 0 ] || echo "WRONG $kind $n ($failed): the next run ended with $code: $(head -c 300 "$out.err")"
  digests "$out" | cmp -s - reference.txt || echo "WRONG $kind $n ($failed): other bits in the next run"
  [ -z "$(find "$out" -name '*.tmp' -o -name 'lease*' -o -name '*.checkpoint' 2>/dev/null)" ] ||
    echo "WRONG $kind $n ($failed): left behind: $(cd "$out" && find . -name '*.tmp' -o -name 'lease*' -o -name '*.checkpoint' | head -3 | tr '\n' ' ')"
  echo ok
  rm -rf "$out"*
}
export -f attempt digests

"$TOY" run p.yaml --quiet || exit 1
digests out >reference.txt
for kind in memory files; do
  FAULT_KIND=$kind FAULT_REPORT=$kind.report LD_PRELOAD=$shim "$TOY" run p.yaml --quiet -s output="$scratch/$kind" || exit 1
  n=$(cut -d' ' -f1 $kind.report)
  [ "$n" -gt 50 ] || { echo "only $n calls of kind $kind were seen"; exit 1; }
  echo "$n calls of kind $kind"
  seq 1 "$n" | sed "s/^/$kind /" >>calls
done
if [ "$samples" != all ]; then
  echo "$samples of them, seed $seed"
  shuf -n "$samples" --random-source=<(yes "$seed") calls >chosen && mv chosen calls
fi
# Two at a time: one waits for the disk while the other computes.
xargs -P 2 -L 1 bash -c 'attempt "$0" "$1"' <calls >results

# The same on one of three ranks alone: its message and code are those of all, and nobody waits for it.
cat >alone.sh <<'END'
if [ "${OMPI_COMM_WORLD_RANK-${PMI_RANK-}}" = "$1" ]; then
  export FAULT_KIND=memory FAULT_AT=$2 FAULT_REPORT=$3 LD_PRELOAD=$shim
fi
shift 3
exec "$@"
END
for i in $(seq "$([ "$samples" = all ] && echo 60 || echo 8)"); do
  n=$(shuf -n 1 -i "$((i % 2 ? 1 : 20))-$((i % 2 ? 20 : 450))" --random-source=<(yes "$seed.$i")) # odd ones while ranks find each other
  rm -rf alone alone.report
  code=0
  timeout 60 $mpirun_anyhow -n 3 bash alone.sh $((i % 3)) "$n" "$scratch/alone.report" "$TOY" run p.yaml --quiet \
    -s output="$scratch/alone" >alone.out 2>alone.err </dev/null || code=$?
  if [ $code = 0 ]; then # fewer calls on that rank, or one that only tells
    digests alone | cmp -s - reference.txt || echo "WRONG memory $n on rank $((i % 3)) alone: ended with 0, without its artefacts" >>results
  elif [ $code != 1 ] || [ "$(grep -c . alone.err)" != 1 ] || ! grep -q '^sulcus: error: ' alone.err; then
    echo "WRONG memory $n on rank $((i % 3)) alone: exit code $code, expected 1: $(tr '\n' '|' <alone.err | head -c 300)" >>results
  fi
  echo ok >>results
done
sort results | grep WRONG
echo "$(grep -c '^ok' results) faults, $(grep -c WRONG results) wrong"
[ "$(grep -c '^ok' results)" -gt 0 ] && ! grep -q WRONG results
