#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Teams without a model: units that need all members of a team give the same bits however many share them out, in shared memory, over TCP and
# between "nodes"; who fails or stops does so for its whole team, and alone.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
echo 1 >numbers
cat >p.yaml <<'END'
pipeline: teams
output: out
numbers:
  a: {path: numbers}
steps:
  chain: {stage: chain, numbers: a, units: 40, blocks: [1, 30], places: [6, 13]}
  sums: {stage: sum, numbers: a, units: 20}
  long: {stage: chain, numbers: a, units: 300, blocks: 3}
END
ranks 1 "$TOY" run p.yaml
is "exit code" $code 0
digests out >reference.txt
is "tasks" "$(wc -l <reference.txt)" 6

while read -r n over threads settings; do
  rm -rf out
  # shellcheck disable=SC2086
  ranks "$n" env $settings "$TOY" run p.yaml -s layers_over="$over" -s threads="$threads" --quiet
  is "exit code at teams of $over of $n ranks $settings" $code 0
  is "stderr at teams of $over of $n ranks" "$(cat stderr)" ""
  digests out | cmp -s - reference.txt || fail "other bits at teams of $over of $n ranks $settings"
done <<'END'
2 2 1
3 3 2
4 2 2
6 3 1
6 6 1 SULCUS_NODES=3
6 2 1 SULCUS_NODES=2
4 4 2 SULCUS_NODES=2 OMPI_MCA_btl=tcp,self
END

# A number of ranks that is no multiple.
rm -rf out
ranks 3 "$TOY" run p.yaml -s layers_over=2
is "exit code of 3 ranks in teams of 2" $code 2
is "lines on stderr" "$(wc -l <stderr)" 1
says "the refusal" stderr "layers_over=2: teams of 2 do not go into 3 ranks"

# One member fails: its task fails on all, with one line and the member's own words; the other point of the sweep is done, and a resume makes the rest.
for place in 0 7 12; do # of the first, the second and the third member
  rm -rf out
  ranks 6 env SULCUS_NODES=2 "$TOY" run p.yaml -s layers_over=3 -s "steps.chain.fail_place=$place" -s "steps.chain.fail_unit=[-1,11]" \
    -s steps.chain.places=13 -s steps.chain.blocks=9 --only chain
  is "exit code where place $place fails" $code 3
  is "lines on stderr where place $place fails" "$(wc -l <stderr)" 1
  says "the failure" stderr "place $place was told to fail"
  digests out >partly.txt
  is "the other point where place $place fails" "$(wc -l <partly.txt)" 1
done

# The first member is told, on another node too: it does not run what is left of the task.
rm -rf out
begin=$(date +%s%N)
ranks 2 env SULCUS_NODES=2 "$TOY" run p.yaml -s layers_over=2 -s steps.long.fail_unit=3 -s steps.long.fail_place=9 -s steps.long.seconds=0.01 --only long
elapsed=$((($(date +%s%N) - begin) / 1000000))
is "exit code of a task that fails early" $code 3
[ $elapsed -lt 20000 ] || fail "a task that fails at once took $elapsed ms of the 54 s that all of it takes"

# Stopped and killed, with members on different nodes: a checkpoint holds units that all members have added to, and teams of another size go on.
rm -rf out
saves() { cat out/journal.jsonl 2>/dev/null | grep -c '"event":"saved".*long'; }
stopped() { # SIGNAL RANKS NODES TEAM: when the checkpoint has grown twice
  local saved processes
  saved=$(saves)
  SULCUS_NODES=$3 $mpirun_anyhow -n "$2" "$TOY" run p.yaml -s layers_over="$4" -s steps.long.seconds=0.005 \
    -s checkpoint=0.2s >stdout 2>stderr </dev/null &
  local started=$!
  for _ in $(seq 200); do
    [ "$(saves)" -gt $((saved + 1)) ] && break
    sleep 0.05
  done
  processes=$(ranks_of $started)
  kill -"$1" $started
  code=0
  wait $started 2>/dev/null || code=$?
  gone $processes
}
stopped USR1 4 2 4
is "exit code of a stopped run" $code 75
says "the stop" stderr "interrupted; run the same command again"
stopped KILL 4 2 2
says "a team of another size" stdout "long goes on: round 1, "
ranks 3 "$TOY" run p.yaml -s layers_over=3
is "exit code of the resume" $code 0
says "the resume" stdout "long goes on: round 1, "
digests out | cmp -s - reference.txt || fail "other bits after stops"

# The comparison can fail.
ranks 2 "$TOY" run p.yaml -s layers_over=2 -s steps.long.blocks=4
digests out | cmp -s - reference.txt && fail "the comparison sees no difference"
finish
