#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A task goes on inside a round, after a drain and after a kill, on other numbers of ranks and nodes: nothing saved is done again, and
# the bits are those of a run that was never stopped.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
cat >p.yaml <<'END'
pipeline: toy
output: out
checkpoint: 0.3s
steps:
  quick: {stage: sum, units: 20}
  slow: {stage: sum, from: quick, units: 90, width: 3000, rounds: 2, scale: [1, 2]}
  root: {stage: bisect, target: [4000, 50000]}
END
ranks 3 "$TOY" run p.yaml -s output="$scratch/reference" --quiet
digests reference >reference.txt
is "tasks" "$(wc -l <reference.txt)" 5

# number EVENT MEMBER LABEL: this member of the last line of this event and task.
number() {
  grep "\"event\":\"$1\"" out/journal.jsonl | grep -F "\"task\":\"$3\"" | tail -1 | sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p"
}
saves() { cat out/journal.jsonl 2>/dev/null | grep -c '"event":"saved".*slow'; }
# stopped SIGNAL RANKS NODES: starts a run, sends mpirun the signal when both slow tasks have saved units, and waits for all ranks' ends.
# MPICH's passes no XCPU on.
stopped() {
  : >stdout
  SULCUS_NODES=$3 $mpirun_anyhow -n "$2" "$TOY" run p.yaml -s steps.slow.seconds=0.03 >stdout 2>stderr &
  local started=$! saved processes
  saved=$(saves)
  for _ in $(seq 200); do
    [ "$(saves)" -gt $((saved + 1)) ] && break
    sleep 0.05
  done
  local target=$started
  processes=$(ranks_of $started)
  [ "$1 $mpi" != 'XCPU mpich' ] || target=$(ranks_of $started)
  kill -"$1" $target
  code=0
  wait $started 2>/dev/null || code=$?
  gone $processes
}

stopped USR1 3 2
is "exit code after USR1" $code 75
first=$(number saved done "slow[scale=1]")
stopped KILL 2 1
is "units gone on with after USR1" "$(number resumed done "slow[scale=1]")" "$first"
# A kill may come between a checkpoint and its line in the journal: then the file, which counts, is further on.
place() { echo $(($(number "$1" round "slow[scale=2]") * 90 + $(number "$1" done "slow[scale=2]"))); }
line=$(place saved)
stopped USR2 4 3
[ "$(place resumed)" -ge "$line" ] || fail "gone on from place $(place resumed) after KILL, which is before $line"
stopped XCPU 1 1
is "exit code after XCPU" $code 75
before=$(number saved done "slow[scale=2]")
ranks 2 "$TOY" run p.yaml
is "exit code of the last run" $code 0
is "units gone on with in the last run" "$(number resumed done "slow[scale=2]")" "$before"
digests out | cmp -s - reference.txt || fail "other bits after stops and kills"
is "checkpoints of a finished run" "$(ls out)" "$(printf 'journal.jsonl\nquick\nroot\nslow')"

# One that is damaged is passed over, one of another key is dropped; the others count.
rm -rf out
stopped USR1 2 1
printf 'x' | dd of='out/checkpoints/slow/scale=1.checkpoint' bs=1 seek=900 conv=notrunc 2>/dev/null
"$TOY" fsck "$PWD/out" >fsck.txt 2>fsck.err
is "exit code of fsck beside a damaged checkpoint" $? 3
says "fsck" fsck.txt "checkpoints are whole, 1 are not"
says "fsck" fsck.txt "moved to quarantine/checkpoints/slow/scale=1.checkpoint; the task starts anew"
mv 'out/quarantine/checkpoints/slow/scale=1.checkpoint' out/checkpoints/slow
rm -r out/quarantine
echo torn >'out/checkpoints/slow/scale=2.checkpoint.77.tmp'
ranks 2 "$TOY" run p.yaml
is "exit code with a damaged checkpoint" $code 0
says "a damaged checkpoint" stdout "slow\[scale=1\]: its checkpoint is damaged; it starts anew"
says "the checkpoint beside it" stdout "slow\[scale=2\] goes on"
digests out | cmp -s - reference.txt || fail "other bits with a damaged checkpoint"

rm -rf out
stopped USR1 2 1
ranks 2 "$TOY" run p.yaml -s steps.slow.width=2999
grep -q '"event":"resumed".*slow' out/journal.jsonl && fail "a checkpoint of another key was taken up"
digests out | cmp -s - reference.txt && fail "the comparison sees no difference"

# A point that fails does not stop the others, and only it runs again.
rm -rf out
ranks 3 "$TOY" run p.yaml -s steps.slow.fail_unit='[-1, 60]' -s checkpoint=0.01s -s steps.slow.seconds=0.002
is "exit code of a failing point" $code 3
says "a failing point" stdout "5 done, 0 skipped, 2 failed"
ranks 2 "$TOY" run p.yaml
says "the mended point" stdout "0 done, 5 skipped" # their results are found by their keys, under other names
finish
