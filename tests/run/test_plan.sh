#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `plan` expects of memory and time against what is then measured, each step alone; 10,000 tasks planned in a second.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
mkdir model
cp "$SOURCE"/examples/vit-glyph100/preprocessor_config.json model
# The example's architecture, large enough that weights and activations are most of the memory.
sed 's/"hidden_size": [0-9]*/"hidden_size": 384/; s/"intermediate_size": [0-9]*/"intermediate_size": 1536/; s/"num_attention_heads": [0-9]*/"num_attention_heads": 6/' \
  "$SOURCE/examples/vit-glyph100/config.json" >model/config.json
cat >p.yaml <<YAML
pipeline: plan
output: out
threads: 1
models: {m: {path: model, weights: random, seed: 1}, trained: {path: $SOURCE/examples/vit-glyph100}}
datasets: {glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, limit: 30, keep: [latin, greek, hebrew, digits]}}
steps:
  activations: {stage: collect, model: m, data: glyphs, sites: [mlp, attn], firing: 100}
  scores: {stage: score, from: activations}
  unlearn: {stage: prune, from: scores, model: m, data: glyphs, fraction: 0.1, seeds: 2}
  blind: {stage: prune, from: scores, model: m, data: glyphs, drop: 0.5, seeds: 1} # ends at once: there is no accuracy to lose
  learnt: {stage: collect, model: trained, data: glyphs}
  ratios: {stage: score, from: learnt}
  search: {stage: prune, from: ratios, model: trained, data: glyphs, drop: 0.5, seeds: 2}
  experts: {stage: cluster, model: m, method: weights, clusters: 16, starts: 2}
  together: {stage: cluster, from: activations, method: coactivation, clusters: 16, starts: 2}
  overlap: {stage: intersect, from: scores, fractions: [0.05]}
YAML
steps="activations scores unlearn blind learnt ratios search experts together overlap"
# "82.6 MB" in bytes
bytes() { awk -v n="$1" -v u="$2" 'BEGIN {f["B"] = 1; f["kB"] = 1e3; f["MB"] = 1e6; f["GB"] = 1e9; print n * f[u]}'; }
columns() { sed -n "s/^[a-z]*  *$2  *[-0-9]* units *\(.*\)/\1/p" "$1"; } # PLAN STEP: memory, disk, time, why
# shellcheck disable=SC2046
memory() { bytes $(columns "$1" "$2" | awk '{print $1, $2}'); }
seconds() { columns "$1" "$2" | grep -oE ' [0-9.]+ s ' | tr -d ' s'; }
last() { # STEP FIELD: of its last commit in the journal
  grep '"event":"done"' out/journal.jsonl | grep "\"task\":\"$1\"" | tail -1 | grep -oE "\"$2\":[0-9.e+-]*" | cut -d: -f2
}
each_step() { # SETTINGS...
  for step in $steps; do
    "$SULCUS" run p.yaml --only "$step" --quiet "$@" >stdout 2>stderr || fail "$step: $(cat stderr)"
  done
}
is_near() { # EXPECTED MEASURED FACTOR SLACK
  awk -v e="$1" -v m="$2" -v f="$3" -v s="$4" 'BEGIN {exit !(e > 0 && m > 0 && e <= m * f + s && e * f + s >= m)}'
}

"$SULCUS" plan p.yaml >first.txt 2>stderr || fail "plan"
says "the first plan" first.txt 'no run has measured this machine yet'
each_step
for step in $steps; do
  expected=$(memory first.txt "$step") measured=$(last "$step" memory)
  awk "BEGIN {printf \"%-12s %6.1f MB expected, %6.1f MB measured\n\", \"$step\", ${expected:-0} / 1e6, ${measured:-0} / 1e6}"
  [ "$step" = blind ] || is_near "$expected" "$measured" 1.15 0 || fail "memory of $step: expected $expected, measured $measured"
done

# More samples, other weights: what the first run measured tells what the second takes. Three times, since the machine may be busy with
# something else in one of the two.
late_or_early() { # a line a step whose time was not as expected
  for step in $steps; do
    expected=$(seconds second.txt "$step")
    measured=$(awk "BEGIN {print $(last "$step" busy) / $(last "$step" ranks) + $(last "$step" alone)}")
    printf '%-12s %6.2f s expected, %6.2f s measured\n' "$step" "$expected" "$measured" >>times.txt
    is_near "$expected" "$measured" 1.5 0.25 || echo "time of $step: expected $expected, measured $measured"
  done
}
for try in 1 2 3; do
  again=(-s datasets.glyphs.limit=$((40 + 10 * try)) -s models.m.seed=$((1 + try)) -s steps.experts.starts=$((3 + try)))
  "$SULCUS" plan p.yaml "${again[@]}" >second.txt 2>stderr || fail "plan"
  each_step "${again[@]}"
  : >times.txt
  late_or_early >late.txt
  cat times.txt
  [ -s late.txt ] || break
done
[ ! -s late.txt ] || fail "$(cat late.txt)"
"$SULCUS" plan p.yaml "${again[@]}" >third.txt
is "tasks done" "$(grep -c '^done ' third.txt)" 10
is_near 100 120 1.15 0 && fail "an error of a fifth passes"
is_near 1 2 1.5 0.25 && fail "twice the time passes"

# 10,000 tasks of the engine's own, and of this program's.
printf 'pipeline: crowd\noutput: crowd\nsteps:\n  a: {stage: sum, units: 3, width: 4, scale: [%s]}\n  b: {stage: total, from: a}\n' "$(seq -s, 1 5000)" >crowd.yaml
sed "s/method: weights,/method: weights, seed: [$(seq -s, 1 5000)],/; s/method: coactivation,/method: coactivation, seed: [$(seq -s, 1 4992)],/" p.yaml >many.yaml
while read -r program name; do
  for command in plan status; do
    start=$(date +%s%N)
    "$program" $command "$name.yaml" >stdout 2>stderr || fail "$command of $name"
    elapsed=$((($(date +%s%N) - start) / 1000000))
    echo "$command of 10,000 tasks ($name): $elapsed ms"
    [ $elapsed -lt 1000 ] || fail "$command took $elapsed ms"
    is "tasks in $command of $name" "$(grep -cE '^(run|wait|waiting|done)  ' stdout)" 10000
  done
done <<LIST
$TOY crowd
$SULCUS many
LIST
finish
