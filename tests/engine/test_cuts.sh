#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Units run on through checkpoints: a team's layers do not run empty for them, nor do a rank's threads wait, and each holds whole units,
# whatever lane of whatever member had come how far; also where others have nothing left.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
echo 1 >numbers
cat >p.yaml <<'END'
pipeline: cuts
output: out
oversubscribe: true
numbers:
  a: {path: numbers}
steps:
  chain: {stage: chain, numbers: a, units: 50, blocks: 1, places: 12}
  many: {stage: chain, numbers: a, units: 800, blocks: [1, 3], places: 13}
  uneven: {stage: sum, units: 400, width: [10, 3000]}
END
ranks 1 "$TOY" run p.yaml -s threads=1 --quiet
is 'exit code' $code 0
digests out >reference.txt
below() { awk -v a="$1" -v b="$2" 'BEGIN {exit !(a != "" && a < b)}'; }
saves() { cat out/journal.jsonl 2>/dev/null | grep -c '"event":"saved"'; }

# A member has 4 places of 20 ms: 50 units are 4 s, and the way through the others 0.16 s, which every checkpoint took when the team ran
# empty for it.
for try in 1 2 3; do
  rm -rf out
  ranks 3 env SULCUS_STATS=1 "$TOY" run p.yaml --quiet --only chain -s threads=1 -s layers_over=3 -s checkpoint=0.2s -s steps.chain.seconds=0.02
  is 'exit code of the team' $code 0
  took=$(sed -n 's/.*"event":"wave".*"seconds":\([0-9.]*\).*/\1/p' out/journal.jsonl)
  grep chain reference.txt | cmp -s - <(digests out) || fail 'other bits with checkpoints'
  below "$took" 4.8 && [ "$(saves)" -gt 4 ] && break
  [ $try -lt 3 ] || fail "a team took $took s for 4.2 s of work, with $(saves) checkpoints"
done
echo "a team took $took s for 4.2 s of work, with $(saves) checkpoints"

# 8 threads have units of 4 to 200 ms, and waited for the longest at each checkpoint a seventh of the time; now for the first one alone.
for try in 1 2 3; do
  rm -rf out
  ranks 1 "$TOY" run p.yaml --quiet --only uneven -s threads=8 -s checkpoint=0.2s -s steps.uneven.uneven=0.004 -s steps.uneven.width=10
  is 'exit code of a rank' $code 0
  waiting=$(sed -n 's/.*"event":"done".*"task":"uneven".*"waiting":\([0-9.e-]*\).*/\1/p' out/journal.jsonl)
  below "$waiting" 0.08 && [ "$(saves)" -gt 3 ] && break
  [ $try -lt 3 ] || fail "8 threads waited $waiting of a wave with $(saves) checkpoints"
done
echo "8 threads waited $waiting of a wave with $(saves) checkpoints"

# Killed at any moment, in lanes, on several nodes, with teams that end at different times and units that move between nodes: none is lost or
# counted twice.
killed() { # RANKS NODES ARGUMENTS...: when there have been three checkpoints more
  local saved started processes n=$1 nodes=$2
  shift 2
  saved=$(saves)
  SULCUS_NODES=$nodes $mpirun_anyhow -n "$n" "$TOY" run p.yaml -s threads=4 -s checkpoint=0.01s --quiet "$@" >stdout 2>stderr </dev/null &
  started=$!
  for _ in $(seq 600); do
    [ "$(saves)" -gt $((saved + 2)) ] && break
    sleep 0.03
  done
  processes=$(ranks_of $started)
  kill -KILL $started 2>/dev/null
  wait $started 2>/dev/null
  gone $processes
}
rm -rf out
for kill in 1 2; do
  killed 6 $kill --only many -s layers_over=$((2 + kill % 2)) -s steps.many.seconds=0.003
done
for kill in 1 2; do
  killed $((5 - kill)) $kill --only uneven -s steps.uneven.uneven=0.002
done
ranks 4 env SULCUS_NODES=2 "$TOY" run p.yaml -s threads=2 -s layers_over=2 -s checkpoint=0.01s -s steps.uneven.uneven=0.001
is 'exit code of the resume' $code 0
for step in many uneven; do
  resumed=$(grep '"event":"resumed"' out/journal.jsonl | grep -c "\"task\":\"$step")
  [ "$resumed" -gt 1 ] || fail "$step went on $resumed times"
done
cmp -s reference.txt <(digests out) || fail 'other bits after kills'
echo "went on $(grep -c '"event":"resumed"' out/journal.jsonl) times, with $(saves) checkpoints"

# A checkpoint that cannot be written ends the run, at once and on all ranks; a unit that fails, its task alone.
rm -rf out
ranks 4 "$TOY" run p.yaml -s threads=2 -s layers_over=2 -s checkpoint=0.05s -s 'steps.many.fail_unit=[-1,300]' -s steps.many.blocks=1 \
  -s steps.many.fail_place=9 -s steps.many.seconds=0.001 --only many
is 'exit code where a unit fails' $code 3
is 'lines on stderr where a unit fails' "$(wc -l <stderr)" 1
is 'the other point' "$(digests out | wc -l)" 1
rm -rf out
mkdir out
: >out/checkpoints # no folder can be made there
begin=$(date +%s)
ranks 4 "$TOY" run p.yaml -s threads=2 -s layers_over=2 -s checkpoint=0.1s -s steps.many.seconds=0.01 --only many
is 'exit code where no checkpoint can be written' $code 4
is 'lines on stderr where no checkpoint can be written' "$(wc -l <stderr)" 1
[ $(($(date +%s) - begin)) -lt 10 ] || fail 'a run whose checkpoints cannot be written goes on'
finish
