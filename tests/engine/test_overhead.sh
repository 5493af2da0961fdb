#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the engine costs: 10,000 units of nothing in under 1 ms each; uneven units leave no rank idle for longer than one takes.
. "$SOURCE/tests/lib.sh"
cd "$scratch" || exit 1
printf 'pipeline: t\noutput: out\nsteps:\n  many: {stage: sum, units: 10000, width: 1}\n' >many.yaml
seconds() { sed -n 's/.*"event":"done".*"seconds":\([0-9.e-]*\).*/\1/p' "$1/journal.jsonl" | tail -1; }
for n in 1 2 3; do
  rm -rf out
  ranks $n "$TOY" run many.yaml --quiet
  is "exit code at $n ranks" $code 0
  took=$(seconds out)
  echo "10,000 units at $n ranks: $took s, $(awk "BEGIN {print $took * 100}") us a unit"
  awk "BEGIN {exit !($took < 10)}" || fail "more than 1 ms a unit at $n ranks"
done

# 1 to 50 ms a unit, 8 ranks that only sleep: 400 units of 25.5 ms on average take 1.275 s at best, and one unit more at most.
printf 'pipeline: t\noutput: out\nsteps:\n  uneven: {stage: sum, units: 400, width: 1, uneven: 0.001}\n' >uneven.yaml
for nodes in 1 2; do
  rm -rf out
  ranks 8 env SULCUS_NODES=$nodes "$TOY" run uneven.yaml --quiet
  is "exit code of uneven units" $code 0
  took=$(seconds out)
  echo "uneven units on 8 ranks, $nodes nodes: $took s; 1.275 s at best"
  awk "BEGIN {exit !($took < 3)}" || fail "uneven units took $took s"
done
finish
