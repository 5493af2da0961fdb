#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A failure on one rank is one line and one exit code on all, whatever fails: a unit, a sum, finish, an input, the command line.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
cat >p.yaml <<'END'
pipeline: toy
output: out
steps:
  bad: {stage: sum, units: 300, seconds: 0.001, fail_unit: [-1, 57]}
  slow: {stage: sum, units: 60, seconds: 0.02}
  below: {stage: total, from: bad}
  tail: {stage: total, from: slow}
END

# expect WHAT CODE PATTERN: the last run ended so, with exactly one line on stderr.
expect() {
  is "exit code of $1" "$code" "$2"
  is "lines on stderr of $1" "$(wc -l <stderr)" 1
  says "$1" stderr "^sulcus: error: .*$3"
}

for n in 1 3; do
  for nodes in 1 2; do
    rm -rf out
    ranks $n env SULCUS_NODES=$nodes "$TOY" run p.yaml -s on_error=stop -s steps.slow.seconds=0.2
    expect "stop at $n ranks, $nodes nodes" 3 "bad\[fail_unit=57\]: unit 57 was told to fail"
    is "tasks done after stop" "$(digests out | wc -l)" 0
    says "stop" stdout "not done in [0-6]\.[0-9] s" # the other units would take 4 s more, on one rank 12

    rm -rf out
    ranks $n env SULCUS_NODES=$nodes "$TOY" run p.yaml -s on_error=continue
    expect "continue at $n ranks, $nodes nodes" 3 "bad\[fail_unit=57\]: unit 57 was told to fail"
    is "tasks done after continue" "$(digests out | cut -d' ' -f1 | tr '\n' ' ')" \
      "bad[fail_unit=-1] below[fail_unit=-1] slow tail "
  done
done
# Only the failed one runs again, and a mended parameter is a new one.
ranks 2 "$TOY" run p.yaml
expect "again" 3 "unit 57"
says "again" stdout "0 done, 4 skipped, 1 failed"
ranks 2 "$TOY" run p.yaml -s steps.bad.fail_unit='[-1, 400]'
is "exit code when mended" $code 0
says "mended" stdout "1 done, 5 skipped in" # what is below is found by its key

one() { # SETTINGS...: one step of stage sum with these
  rm -rf out
  printf 'pipeline: one\noutput: out\nnumbers: {a: {path: numbers}}\nsteps:\n  one: {stage: sum, %s}\n' "$1" >one.yaml
}
for n in 1 2 3; do
  one "units: 50, nan_unit: 33"
  ranks $n "$TOY" run one.yaml
  expect "NaN at $n ranks" 5 "one: unit 33 gives -\?nan"
  one "units: 50, fail_finish: true"
  ranks $n "$TOY" run one.yaml
  expect "finish at $n ranks" 4 "finish was told to fail"
  is "artefacts after a failed finish" "$(find out -name '*.nc*')" ""
  one "units: 50, numbers: a"
  ranks $n "$TOY" run one.yaml
  expect "missing input at $n ranks" 3 "numbers: "
  ranks $n "$TOY" run nothing.yaml
  expect "missing pipeline at $n ranks" 2 "nothing.yaml: "
  ranks $n "$TOY" run --onyl one one.yaml
  expect "misspelt option at $n ranks" 2 "did you mean --only"
  ranks $n "$TOY" rum one.yaml
  expect "misspelt command at $n ranks" 2 "did you mean run"
done

# The memory of a node bounds what a wave takes on.
one "units: 50, width: 100000"
ranks 2 "$TOY" run one.yaml -s memory=1MB
expect "too little memory" 2 "raise it"
ranks 2 "$TOY" run one.yaml -s memory=3MB -s steps.one.scale='[1, 2, 3]'
is "exit code when tasks take turns" $code 0

# An output that is a file.
one "units: 50"
touch out
ranks 2 "$TOY" run one.yaml
expect "output is a file" 4 "out"
finish
