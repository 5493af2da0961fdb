#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What MPIs do differently: a broadcast may write where it sends from, also when a run goes on from its checkpoint; and a launcher of
# another MPI starts ranks that do not find each other.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
cat >p.yaml <<'END'
pipeline: toy
output: out
steps:
  one: {stage: sum, units: 600, seconds: 0.05}
END
strict() { ranks "$1" env LD_PRELOAD="$BUILD/tests/libstrict_mpi.so" SULCUS_NODES=2 "$TOY" run p.yaml --quiet "${@:2}"; }
ranks 2 "$TOY" run p.yaml --quiet -s steps.one.seconds=0
digests out >whole.txt
rm -rf out
LD_PRELOAD=$BUILD/tests/libstrict_mpi.so SULCUS_NODES=2 mpirun --oversubscribe --bind-to none -q -n 3 "$TOY" run p.yaml --quiet \
  -s checkpoint=0.1s >stdout 2>stderr </dev/null &
for _ in $(seq 600); do grep -qs '"event":"saved"' out/journal.jsonl && break; sleep 0.05; done
kill -USR1 $!
code=0
wait $! || code=$?
is "exit code of a run that stops" "$code" 75
is "tasks done then" "$(digests out)" ""
says "a checkpoint" out/journal.jsonl '"event":"saved"'
for ranks in 3 4; do
  [ $ranks = 4 ] || cp -r out kept
  rm -rf out
  cp -r kept out
  strict $ranks -s steps.one.seconds=0
  is "exit code on $ranks ranks" "$code" 0
  says "a run that goes on" out/journal.jsonl '"event":"resumed"'
  digests out | cmp -s - whole.txt || fail "other bits on $ranks ranks"
done

# Lone ranks: each is refused with its line before it takes the lease. A batch script of many tasks may start one process, though.
refused() { # WHAT PATTERN COMMAND...
  local what=$1 pattern=$2
  shift 2
  rm -rf lone
  code=0
  timeout 60 "$@" "$TOY" run p.yaml --quiet -s output=lone >stdout 2>stderr || code=$?
  is "exit code of $what" $code 2
  says "$what" stderr "^sulcus: error: $pattern"
  [ ! -e lone ] || fail "$what left an output folder"
}
refused "four tasks of srun" 'srun started 4 tasks, and MPI sees one in each; launch with .srun --mpi=pmix' env SLURM_STEP_NUM_TASKS=4 SLURM_NTASKS=4
is "lines" "$(wc -l <stderr)" 1
refused "four processes of another mpiexec" 'mpiexec started 4 processes, .*mpirun of this program.s MPI, [A-Z]' env PMI_SIZE=4
refused "srun with PMI" 'srun started 4 tasks' env PMI_SIZE=4 SLURM_STEP_NUM_TASKS=4
if command -v mpiexec.mpich >/dev/null && command -v mpirun.openmpi >/dev/null; then # a launcher that is not this program's
  foreign=(mpiexec.mpich)
  [ "$mpi" = openmpi ] || foreign=(mpirun.openmpi --oversubscribe -q)
  timeout 60 "${foreign[@]}" -n 4 sh -c '"$@"; echo $? >>codes' - "$TOY" run p.yaml --quiet -s output=lone >stdout 2>stderr
  is "exit codes of the other launcher's ranks" "$(tr '\n' ' ' <codes)" "2 2 2 2 "
  is "lines of the other launcher's ranks" "$(grep -c '^sulcus: error: .* started 4 processes, and MPI sees one in each' stderr)" 4
fi
for fine in "SLURM_NTASKS=4" "SLURM_STEP_NUM_TASKS=1" "OMPI_COMM_WORLD_SIZE=1 SLURM_STEP_NUM_TASKS=4" "PMI_SIZE=1 SLURM_STEP_NUM_TASKS=4"; do
  env $fine "$TOY" run p.yaml --quiet -s steps.one.units=4 -s steps.one.seconds=0 -s output=lone >stdout 2>stderr || fail "refused with $fine"
  rm -rf lone
done
finish
