#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What MPIs do differently: a broadcast may write where it sends from, also when a run goes on from its checkpoint.
. "$SOURCE/tests/lib.sh"
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
SLURM_JOB_END_TIME=$(($(date +%s) + 11)) strict 3
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
finish
