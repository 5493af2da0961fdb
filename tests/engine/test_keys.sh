#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What changed runs again, with everything below it, and nothing else; --from, --only and --force select.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
seq 1 7 >numbers
cat >p.yaml <<'END'
pipeline: toy
output: out
numbers: {a: {path: numbers}}
steps:
  left: {stage: sum, numbers: a}
  right: {stage: sum, units: 5}
  lower: {stage: total, from: left, numbers: a}
  both: {stage: total, from: [lower, right]}
  last: {stage: total, from: right}
END

# done_now EXPECTED ARGUMENTS...: runs, and compares the tasks it did; `plan` of the same line said that they would run, or wait.
done_now() {
  local expected=$1 before label
  shift
  "$TOY" plan p.yaml "$@" >plan.txt || fail "plan with $*"
  for label in $expected; do
    grep -qE "^(run|wait) +$label " plan.txt || fail "plan with $* does not say that $label runs"
  done
  for label in $(sed -n 's/^run  *\([a-z]*\) .*/\1/p' plan.txt); do
    case " $expected" in *" $label "*) ;; *) fail "plan with $* says that $label runs" ;; esac
  done
  before=$(cat out/journal.jsonl 2>/dev/null | wc -l)
  ranks 2 "$TOY" run p.yaml "$@"
  is "exit code with $*" "$code" 0
  is "tasks run with $*" "$(tail -n "+$((before + 1))" out/journal.jsonl | sed -n 's/.*"event":"done".*"task":"\([^"]*\)".*/\1/p' | sort | tr '\n' ' ')" "$expected"
}
# opened TIMES: so often the last run opened the numbers whole; of the two stages that have them `total` needs no more than a look.
export TOY_OPENS=1
opened() { is "numbers opened whole" "$(grep -c 'opened whole' stderr)" "$1"; }
done_now "both last left lower right "
opened 1
done_now ""
done_now "both last right " -s steps.right.units=6
done_now "right " -s steps.right.units=6 --force right # the same result: nothing below changes
done_now "" -s steps.right.units=6 -s threads=2 -s on_error=continue
touch numbers
done_now "" -s steps.right.units=6
echo 8 >>numbers
done_now "left " -s steps.right.units=6 --only left
opened 1
done_now "lower " -s steps.right.units=6 --from left --only lower
opened 0
done_now "both " -s steps.right.units=6 --from lower
rm out/last/all.nc
done_now "last " -s steps.right.units=6

ranks 2 "$TOY" run p.yaml -s steps.right.units=7 --only last
is "exit code when an input was left out" $code 2
says "an input that was left out" stderr "last: needs a task that is not finished"
code=0
"$TOY" plan p.yaml -s steps.right.units=7 --only last >stdout 2>stderr || code=$?
is "exit code of the plan when an input was left out" $code 2
says "the plan of an input that was left out" stderr "last: needs a task that is not finished"

# A line is tried, watched and reported by changing its verb.
for command in plan status report; do
  "$TOY" $command p.yaml -s steps.right.units=6 --from right --only last --force both --quiet >stdout 2>stderr || fail "$command with the options of run"
done
"$TOY" plan p.yaml -s steps.right.units=8 --only right --quiet >stdout
says "what a plan leaves out" stdout '^5 tasks: 2 done, 1 to run, 0 behind those, 2 left out$'
says "a task that is left out" stdout '^- *both .*left out by --only, --from or --to$'

# An artefact that is not what was committed is made again; one that hides it behind its old time is not read.
done_now "right " -s steps.right.units=6 --only right --force right
flip() { printf 'x' | dd of=out/right/all.nc bs=1 seek=2000 conv=notrunc 2>/dev/null; }
flip
done_now "last right " -s steps.right.units=6 --force last
touch -r out/right/all.nc time
flip
touch -r time out/right/all.nc
ranks 2 "$TOY" run p.yaml -s steps.right.units=6 --force last
is "exit code with a flipped byte" $code 3
says "a flipped byte" stderr "right/all.nc"

# A chain and a crowd: a thousand tasks.
{
  printf 'pipeline: crowd\noutput: crowd\nsteps:\n'
  printf '  a: {stage: sum, units: 3, width: 4, scale: [%s]}\n' "$(seq -s, 1 400)"
  printf '  b: {stage: total, from: a}\n  c: {stage: total, from: b}\n'
} >crowd.yaml
ranks 3 "$TOY" run crowd.yaml --quiet
is "exit code of the crowd" $code 0
is "tasks of the crowd" "$(digests crowd | wc -l)" 1200
ranks 3 "$TOY" run crowd.yaml
says "the crowd again" stdout "0 done, 1200 skipped in 0\.[0-9] s"
finish
