#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Limits of a shell and readers that go away: the size and number of files (ulimit -f, -n), the stack (-s), a full or closed stdout. Exit 4 with one line,
# or the run goes on; never a signal, never "out of memory" or "a newer run".
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
cat >p.yaml <<END
pipeline: small
output: out
models: {vit: {path: $SOURCE/examples/vit-glyph100}}
datasets:
  glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, subsets: coarse, keep: [latin, greek], collect: 0.5, limit: 20}
steps:
  activations: {stage: collect, model: vit, data: glyphs}
  scores: {stage: score, from: activations, measure: [abs, freq]}
  overlap: {stage: intersect, from: scores, fractions: [0.01, 0.1]}
END
"$SULCUS" run p.yaml --quiet >stdout 2>stderr
is 'exit code without limits' $? 0
digests out >reference.txt
largest=$(find out -name '*.nc' -printf '%k\n' | sort -n | tail -1)

# within WHAT LIMIT...: run under that limit; its status in $code, one line where it is not 0.
within() {
  local what=$1
  shift
  rm -rf out
  code=0
  (ulimit "$@"; exec "$SULCUS" run p.yaml --quiet >stdout 2>stderr) || code=$?
  if [ $code = 0 ]; then
    digests out | cmp -s - reference.txt || fail "other bits with $what"
    return
  fi
  is "exit code with $what" "$code" 4
  is "lines with $what" "$(grep -c '^sulcus: error: ' stderr)" 1
  is "artefacts left by $what" "$(find out -name '*.tmp')" ''
}
refused=0
for part in 1 10 30 60 80 90 95 98 99 100 101 105 110 200; do
  within "$part% of the largest file" -f $((largest * part / 100))
  [ $code = 0 ] || refused=$((refused + 1))
done
[ $refused -ge 8 ] || fail "only $refused limits were met"
within 'room for each file' -f $((largest * 2 + 1024))
is 'exit code with room' "$code" 0
for n in 16 17 18 19 20 22 24; do
  within "$n files" -n $n
  grep -q 'newer run' stderr && fail "$n files: takes itself for another run"
done
within 'little stack' -s 96 # HDF5 needs some 70 itself
is 'exit code with little stack' "$code" 0
# Files that whoever started it has left open count.
exec {one}<p.yaml {two}<p.yaml {three}<p.yaml {four}<p.yaml {five}<p.yaml {six}<p.yaml
within '16 files, some open' -n 16
is 'exit code with 16 files, some open' "$code" 4
exec {one}<&- {two}<&- {three}<&- {four}<&- {five}<&- {six}<&-
within '64 files' -n 64
is 'exit code with 64 files' "$code" 0

# gnuplot does not say that its picture is cut; where there is none, there is nothing to cut.
if type gnuplot >/dev/null 2>&1; then
  "$SULCUS" report p.yaml >stdout 2>stderr || fail 'the report'
  for kilobytes in 1 2 4 8 16 24 32 48; do
    code=0
    rm -rf out/report
    (ulimit -f $kilobytes; exec "$SULCUS" report p.yaml >stdout 2>stderr) || code=$?
    [ $code = 0 ] && break
    is "exit code of a report with files of $kilobytes kB" $code 4
    is "lines of a report with files of $kilobytes kB" "$(wc -l <stderr)" 1
  done
  [ $kilobytes -gt 8 ] || fail 'no limit of a report was met'
fi

# A reader that has gone.
rm -rf out
"$SULCUS" run p.yaml 2>stderr | head -1 >stdout
is 'exit codes of run | head' "${PIPESTATUS[*]}" '0 0'
is 'stderr of run | head' "$(cat stderr)" ''
digests out | cmp -s - reference.txt || fail 'other bits of run | head'
for command in describe 'describe --schema' 'describe --man' 'describe --completion' '--version --json' 'plan p.yaml' 'status p.yaml --json'; do
  code=0
  # shellcheck disable=SC2086
  "$SULCUS" $command >/dev/full 2>stderr || code=$?
  is "exit code of $command >/dev/full" $code 4
  is "$command >/dev/full" "$(cat stderr)" 'sulcus: error: stdout: cannot write: No space left on device; free some space'
done
finish
