#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A stage whose units may be computed several in a call (`together`): each unit is in one call, no call has more than the stage allows or
# goes on where one begins, and bits are those of one by one, on several ranks and nodes, and after a stop in the middle.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
cat >p.yaml <<END
pipeline: toy
output: out
oversubscribe: true
steps:
  sums: {stage: sum, units: 95, rounds: 2, width: 20, trace: $scratch/calls}
END
# Prints the units of the largest call. A line "ROUND UNIT of N" begins a call of N units, the others' follow. Fails where not each of both
# rounds is there once, or where a call goes on at a multiple of ten.
largest() { # WHAT
  cat calls.* | awk -v what="$1" '
    {seen[$1 " " $2]++}
    $3 == "of" {if (int($2 / 10) != int(($2 + $4 - 1) / 10)) wrong = "a call goes on where one begins"
                if ($4 > most) most = $4}
    END {for (u in seen) {n++; if (seen[u] != 1) wrong = "unit " u " ran " seen[u] " times"}
         if (n != 190) wrong = n " units of 190 ran"
         if (wrong) {print what ": " wrong >"/dev/stderr"; exit 1}
         print most}' || fail "$1: calls"
}
for try in '1 1 1' '1 1 7' '3 1 7' '4 2 4' '2 1 100'; do
  read -r n nodes most <<<"$try"
  rm -rf out calls.*
  SULCUS_NODES=$nodes ranks "$n" "$TOY" run p.yaml --quiet -s steps.sums.together="$most"
  is "$try: exit" "$code" 0
  digests out >"$most.txt"
  cmp -s "$most.txt" 1.txt || fail "$try: other bits"
  got=$(largest "$try")
  case $try in
  1*) is "$try: the largest call" "$got" "$most" ;;
  *) [ "$got" -gt 1 ] && [ "$got" -le "$most" ] && [ "$got" -le 10 ] || fail "$try: the largest call has $got units" ;;
  esac
done

# Stopped between two calls, it goes on with the units that are left.
rm -rf out calls.*
timeout -s TERM 1.5 "$TOY" run p.yaml --quiet -s steps.sums.together=5 -s steps.sums.seconds=0.02 >stdout 2>stderr
is "stopped: exit" $? 124
[ -n "$(cat calls.*)" ] || fail 'it was stopped before its first call'
ranks 2 "$TOY" run p.yaml --quiet -s steps.sums.together=5
is "resumed: exit" "$code" 0
largest "resumed" >most
digests out | cmp -s - 1.txt || fail 'resumed: other bits'
finish
