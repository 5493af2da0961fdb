#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the engine costs: 10,000 units of nothing in under 1 ms each; uneven units leave no rank idle for longer than one takes.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
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

# Checkpoints as often as may be: what they cost, the waiting for units in flight included, stays near 2% (the last one may go beyond; the
# best of three, since a disk that others use may hold one of them up).
printf 'pipeline: t\noutput: out\nsteps:\n  wide: {stage: sum, units: 240, width: 20000, seconds: 0.02}\n' >wide.yaml
within_budget() { # RANKS
  rm -rf out
  ranks "$1" "$TOY" run wide.yaml --quiet -s checkpoint=0.02s
  is "exit code with many checkpoints" $code 0
  spent=$(sed -n 's/.*"event":"end".*"saving_seconds":\([0-9.e-]*\).*/\1/p' out/journal.jsonl)
  saves=$(grep -c '"event":"saved"' out/journal.jsonl)
  echo "$saves checkpoints at $1 ranks: $spent s of $(seconds out) s"
  [ "$saves" -gt 0 ] || fail "no checkpoint at $1 ranks"
  awk "BEGIN {exit !($spent < 0.02 * $(seconds out) + 1.5 * $spent / $saves)}"
}
for n in 1 2; do
  within_budget $n || within_budget $n || within_budget $n || fail "checkpoints cost $spent s at $n ranks"
done

# Ten thousand tasks: a plan of them, and a finished pipeline of a thousand again, in under a second (the best of three: others compute too).
printf 'pipeline: t\noutput: out\nsteps:\n  a: {stage: sum, scale: [%s]}\n  b: {stage: total, from: a}\n' "$(seq -s, 1 5000)" >tasks.yaml
best() { # COMMAND...: milliseconds
  local least=1000000 start took
  for _ in 1 2 3; do
    start=$(date +%s%N)
    "$@" >stdout 2>stderr || fail "$*: $?"
    took=$((($(date +%s%N) - start) / 1000000))
    [ $took -ge $least ] || least=$took
  done
  echo $least
}
rm -rf out
took=$(best "$TOY" plan tasks.yaml)
echo "a plan of $(grep -c '^run\|^wait' stdout) tasks: $took ms"
[ "$(grep -c '^run\|^wait' stdout)" = 10000 ] || fail "the plan has other tasks"
[ "$took" -lt 1000 ] || fail "a plan of 10,000 tasks takes $took ms"
printf 'pipeline: t\noutput: out\nsteps:\n  a: {stage: sum, units: 1, width: 1, scale: [%s]}\n  b: {stage: total, from: a}\n' "$(seq -s, 1 200)" >done.yaml
ranks 1 "$TOY" run done.yaml --quiet
took=$(best "$TOY" run done.yaml)
says "the finished pipeline" stdout "0 done, 400 skipped"
echo "a finished pipeline of 400 tasks again: $took ms"
[ "$took" -lt 1000 ] || fail "a finished pipeline again takes $took ms"
finish
