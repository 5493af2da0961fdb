#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One rank fails alone where all ranks do the same thing: its message and its code are all there is, the others neither wait nor go on, and
# what does not depend on it is done. Also a file that only one node cannot read, a cycle of steps, and sweeps below sweeps.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
cat >p.yaml <<'END'
pipeline: toy
output: out
steps:
  bad: {stage: sum, units: 40, rounds: 2, seconds: 0.005, fail_at: unit, fail_rank: 0}
  good: {stage: sum, units: 40}
  below: {stage: total, from: bad}
END

# expect WHAT CODE PATTERN: the last run ended so, with exactly one line on stderr.
expect() {
  is "exit code of $1" "$code" "$2"
  is "lines on stderr of $1" "$(wc -l <stderr)" 1
  says "$1" stderr "^sulcus: error: .*$3"
}

for place in open plan unit; do
  for rank in 0 1 3; do
    rm -rf out
    ranks 4 env SULCUS_NODES=2 timeout 60 "$TOY" run p.yaml --quiet -s steps.bad.fail_at=$place -s steps.bad.fail_rank=$rank
    expect "rank $rank alone at $place" 3 "bad: $place was told to fail on rank $rank"
    is "tasks done beside it" "$(digests out | cut -d' ' -f1 | tr '\n' ' ')" "good "
  done
done
for place in next finish; do # a task's owner does these for all
  rm -rf out
  ranks 4 "$TOY" run p.yaml --quiet -s steps.bad.fail_at=$place
  expect "rank 0 alone at $place" 3 "bad: $place was told to fail on rank 0"
done
ranks 4 "$TOY" run p.yaml --quiet -s steps.bad.fail_rank=-1
is "exit code once nobody fails" "$code" 0
is "tasks in the end" "$(digests out | cut -d' ' -f1 | tr '\n' ' ')" "bad below good "

# Two nodes that see other files at the same path: each rank's own folder.
mkdir first second
seq 1 7 | tee first/numbers >second/numbers
printf 'pipeline: nodes\noutput: %s/out\nnumbers: {a: {path: /proc/self/cwd/numbers}}\nsteps:\n  one: {stage: sum, numbers: a}\n  other: {stage: sum}\n' "$scratch" >nodes.yaml
on_nodes() {
  rm -rf out
  code=0
  SULCUS_NODES=2 $mpirun_anyhow -n 2 -wdir "$scratch/first" "$TOY" run "$scratch/nodes.yaml" --quiet : \
    -n 2 -wdir "$scratch/second" "$TOY" run "$scratch/nodes.yaml" --quiet >stdout 2>stderr.all </dev/null || code=$?
  grep -v '^$' stderr.all >stderr
}
on_nodes
is "exit code with the file on both nodes" "$code" 0
for gone in second first; do
  mv $gone/numbers kept
  on_nodes
  expect "a file missing on the $gone node" 3 "numbers: cannot .*No such file"
  grep -q 'error: on ' stderr && fail "the only host is named"
  mv kept $gone/numbers
done

# The same between two machines: what one of them cannot read names it, what nobody can does not.
printf 'SULCUS_HOST=$(basename "$PWD") exec "$@"\n' >host.sh
on_hosts() { # OUTPUT
  rm -rf out first/out second/out
  sed "s,^output: .*,output: $1," nodes.yaml >hosts.yaml
  code=0
  SULCUS_NODES=2 $mpirun_anyhow -n 2 -wdir "$scratch/first" bash ../host.sh "$TOY" run "$scratch/hosts.yaml" --quiet : \
    -n 2 -wdir "$scratch/second" bash ../host.sh "$TOY" run "$scratch/hosts.yaml" --quiet >stdout 2>stderr.all </dev/null || code=$?
  grep -v '^$' stderr.all >stderr
}
for gone in second first; do
  mv $gone/numbers kept
  on_hosts "$scratch/out"
  expect "a file missing on the host $gone" 3 "on $gone: .*/proc/self/cwd/numbers: cannot .*No such file"
  mv kept $gone/numbers
done
on_hosts /proc/self/cwd/out
expect "a folder that one host does not see" 4 "on second: /proc/self/cwd/out: the folder has vanished, or is not to be seen from here"
is "what was run then" "$(find . -name '*.nc')" ""

# A cycle is refused before anything runs, by name and line.
rm -rf out
printf 'pipeline: c\noutput: out\nsteps:\n  a: {stage: sum}\n  b: {stage: total, from: [a, d]}\n  c: {stage: total, from: b}\n  d: {stage: total, from: c}\n' >cycle.yaml
ranks 2 "$TOY" run cycle.yaml
expect "a cycle" 2 "cycle.yaml:[567]:.*"
says "a cycle" stderr "b.*c.*d\|c.*d.*b\|d.*b.*c"
[ ! -e out ] || fail "a cycle left an output folder"

# Sweeps below sweeps: every point of the one for every point of the other, a chosen one, and all of them joined.
cat >sweeps.yaml <<'END'
pipeline: sweeps
output: swept
steps:
  outer: {stage: sum, units: 4, width: 8, scale: [1, 2, 3]}
  inner: {stage: sum, from: outer, units: [5, 6], width: 8}
  each: {stage: total, from: inner}
  chosen: {stage: total, from: "inner[scale=2]"}
  joined: {stage: sum, from: "inner[units=5]", units: 2, width: 8, rounds: [1, 2]}
END
total() { ncdump -v total "swept/$1.nc" | sed -n 's/^ total = \(.*\) ;/\1/p'; }
ranks 3 env SULCUS_NODES=3 "$TOY" run sweeps.yaml --quiet
is "exit code of sweeps below sweeps" "$code" 0
is "tasks of sweeps below sweeps" "$(digests swept | cut -d' ' -f1 | cut -d'[' -f1 | sort | uniq -c | tr -s ' \n' ' ')" " 2 chosen 6 each 6 inner 6 joined 3 outer "
for scale in 1 2 3; do
  for units in 5 6; do
    is "the point $scale, $units" "$(total "each/scale=$scale,units=$units")" "$(total "inner/scale=$scale,units=$units")"
  done
done
is "the chosen point" "$(total "chosen/units=6")" "$(total "inner/scale=2,units=6")"
[ "$(total inner/scale=1,units=5)" != "$(total inner/scale=3,units=5)" ] || fail "two points are the same"
before=$(wc -l <swept/journal.jsonl)
ranks 2 "$TOY" run sweeps.yaml --quiet -s 'steps.outer.scale=[1, 2, 4]'
is "exit code with another point far upstream" "$code" 0
is "tasks of another point far upstream" "$(tail -n "+$((before + 1))" swept/journal.jsonl | sed -n 's/.*"event":"done".*"task":"\([^"]*\)".*/\1/p' | sort | tr '\n' ' ')" \
  "each[scale=4,units=5] each[scale=4,units=6] inner[scale=4,units=5] inner[scale=4,units=6] joined[scale=4,rounds=1] joined[scale=4,rounds=2] outer[scale=4] "
finish
