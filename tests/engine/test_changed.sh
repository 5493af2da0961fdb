#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An input that is overwritten in place while a task reads it, and put back with its times: exit 3 before anything is committed or saved,
# and the next run gives the bits of the file that its key names.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
seq 1000 1999 >numbers.txt
touch -d '2020-01-01' numbers.txt
cp -p numbers.txt kept.txt
seq 3000 3999 >other.txt # of the same size
pipeline() { # OUTPUT SECONDS MORE
  printf 'pipeline: toy\noutput: %s\nnumbers: {n: {path: numbers.txt}}\nsteps:\n  a: {stage: sum, numbers: n, units: 40, rounds: 3, seconds: %s}\n' "$1" "$2"
}
pipeline reference 0 >reference.yaml
"$TOY" run reference.yaml --quiet >stdout 2>stderr || fail "the reference"
digests reference >reference.txt
overwritten() { cat other.txt >numbers.txt; }
restored() { cat kept.txt >numbers.txt && touch -r kept.txt numbers.txt; }

# begun OUTPUT: waits until the task runs.
begun() {
  for _ in $(seq 100); do
    grep -q '"event":"start",' "$1/journal.jsonl" 2>/dev/null && return
    sleep 0.05
  done
  fail "$1 does not begin"
}
# refused WHAT: the last run
refused() {
  is "exit code, $1" "$code" 3
  is "lines, $1" "$(grep -c '^sulcus: error: ' stderr)" 1
  says "$1" stderr 'numbers.txt: changed while it was read'
  is "committed, $1" "$(digests out)" ''
  is "in place, $1" "$(find out -name '*.nc')" ''
}
mended() { # WHAT
  pipeline out 0 >p.yaml
  ranks 2 "$TOY" run p.yaml --quiet
  is "exit code then, $1" "$code" 0
  digests out | cmp -s - reference.txt || fail "other bits, $1"
  rm -rf out
}

for n in 1 2; do
  # In the midst of the reading, and put back before the end.
  pipeline out 0.02 >p.yaml
  (begun out; overwritten; sleep 0.3; restored) &
  ranks $n "$TOY" run p.yaml --quiet
  wait
  refused "put back, $n ranks"
  mended "put back, $n ranks"

  # Not put back: another file has another key; then it is put back.
  pipeline out 0.02 >p.yaml
  (begun out; overwritten) &
  ranks $n "$TOY" run p.yaml --quiet
  wait
  refused "overwritten, $n ranks"
  restored
  mended "overwritten, $n ranks"

  # Drained by a signal while other bytes were read: no checkpoint of them is left.
  pipeline out 0.05 >p.yaml
  (begun out; overwritten; sleep 0.5; restored; pkill -USR1 -P "$(cat pid)" toy) &
  (echo "$BASHPID" >pid; exec $mpirun_anyhow -n "$n" "$TOY" run p.yaml --quiet >stdout 2>stderr </dev/null)
  code=$?
  wait
  refused "drained, $n ranks"
  is "checkpoints, $n ranks" "$(find out -name '*.checkpoint')" ''
  mended "drained, $n ranks"
done
finish
