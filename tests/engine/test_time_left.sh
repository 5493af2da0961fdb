#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a run says is left, where a task's short round waits for another task's long one: 49 rounds of 4 units, which are taken to cost
# what the other's do, are 10 seconds behind the 11 of that one; the time that its finished round waited is not taken for its pace.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
cat >p.yaml <<'END'
pipeline: toy
output: out
oversubscribe: true
threads: 2
steps:
  short: {stage: sum, units: 4, rounds: 50, seconds: 0.01, width: 10}
  long: {stage: sum, units: 220, rounds: 1, seconds: 0.1, width: 10}
END
ranks 1 "$TOY" run p.yaml --quiet
is 'exit code' "$code" 0
grep '"event":"progress".*"task":"short"' out/journal.jsonl | head -1 >told
left=$(sed -n 's/.*"left":\([0-9.e+-]*\).*/\1/p' told)
rate=$(sed -n 's/.*"rate":\([0-9.e+-]*\).*/\1/p' told)
awk -v a="$left" 'BEGIN {exit !(a != "" && a > 5 && a < 40)}' || fail "after 10 of 12 seconds it has '$left' left"
awk -v a="$rate" 'BEGIN {exit !(a > 20)}' || fail "four units of 10 ms at '$rate' a second"

cat >q.yaml <<'END'
pipeline: toy
output: other
oversubscribe: true
threads: 2
steps:
  quick: {stage: sum, units: 400, seconds: 0.01, width: 10}
  slow: {stage: sum, units: 80, seconds: 0.4, width: 10}
END
ranks 1 "$TOY" run q.yaml --quiet
is 'exit code' "$code" 0
left=$(grep '"event":"progress".*"task":"slow"' other/journal.jsonl | head -1 | sed 's/.*"left":\([0-9.e+-]*\).*/\1/')
awk -v a="$left" 'BEGIN {exit !(a != "" && a > 5 && a < 16)}' || fail "after 10 of 18 seconds it has '$left' left"
finish
