#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pruned in steps, by scores that are collected anew between them: the neurons, accuracies and losses are PyTorch's (tests/reference/make_steps.py), of
# neurons set to zero and to their mean, of one site and of both. Without recollecting it is one step, to the bit. (Ranks, teams and kills: small.yaml.)
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cat >"$scratch/p.yaml" <<END
output: $scratch/out
models: {vit: {path: $SOURCE/examples/vit-glyph100}, other: {path: $SOURCE/examples/vit-glyph100, weights: random}}
datasets:
  glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, latin_small, digits, greek], limit: 40, split_seed: none}
steps:
  seen: {stage: collect, model: vit, data: glyphs, sites: [mlp, attn]}
  all: {stage: score, from: seen}
  others: {stage: score, from: seen, measure: rms, retain: others}
  zero: {stage: prune, from: all, model: vit, data: glyphs, fraction: 0.2, steps: 4, seeds: 0}
  both: {stage: prune, from: others, model: vit, data: glyphs, fraction: 0.15, steps: 3, recollect: true, site: both, seeds: 0}
  mean: {stage: prune, from: [all, seen], model: vit, data: glyphs, fraction: 0.25, steps: 2, value: mean, seeds: 0}
  heads: {stage: prune, from: all, model: vit, data: glyphs, fraction: 0.5, steps: 2, site: attn, unit: head, seeds: 1, random: [uniform, layer_matched, lowest]}
  once: {stage: prune, from: all, model: vit, data: glyphs, fraction: 0.2, seeds: 1}
  false: {stage: prune, from: all, model: vit, data: glyphs, fraction: 0.2, steps: 4, recollect: false, seeds: 1}
END
ranks 2 "$SULCUS" run "$scratch/p.yaml" --quiet
is 'exit' "$code" 0

cat >"$scratch/compare.py" <<'PY'
import json, re, subprocess, sys
fixture, case, path, once = sys.argv[1:]
want = json.load(open(fixture))[case]
want = want["once"] if once else want
text = subprocess.run(["ncdump", "-p", "9,17", path], capture_output=True, text=True, check=True).stdout
found = re.findall(r" (accuracy|loss|samples|pruned|mlp_mask|attn_mask) =\s([^;]+);", text[text.index("data:"):])
got = {k: [float(x) for x in v.split(",")] for k, v in found}
size = {k: int(v) for k, v in re.findall(r"\t(layer|unit|attn_unit) = (\d+) ;", text)}
wrong = other = worst = 0
for f in range(4):
    flat = []
    for l in range(size["layer"]):
        for mask, unit in (("mlp_mask", "unit"), ("attn_mask", "attn_unit")):
            if mask in got:
                first = (f * size["layer"] + l) * size[unit]
                flat += got[mask][first:first + size[unit]]
    bits = bytes.fromhex(want["mask"][f])
    other += sum(int(x) != bits[i // 8] >> i % 8 & 1 for i, x in enumerate(flat))
    wrong += got["pruned"][f] != want["pruned"]
    for s in range(4):
        wrong += round(got["accuracy"][f * 4 + s] * got["samples"][s]) != want["correct"][f][s]
        worst = max(worst, abs(got["loss"][f * 4 + s] - want["loss"][f][s]))
print(f"{case}: {other} neurons and {wrong} of 16 counts differ, losses by up to {worst:.2g}")
sys.exit(other > 2 or wrong > 0 or worst > 1e-4)
PY
for case in zero both mean; do
  python3 "$scratch/compare.py" "$SOURCE/tests/reference/steps.json" $case "$scratch/out/$case/all.nc" '' >"$scratch/stdout" || fail "PyTorch, $case"
  cat "$scratch/stdout"
  python3 "$scratch/compare.py" "$SOURCE/tests/reference/steps.json" $case "$scratch/out/$case/all.nc" once >"$scratch/stdout" && fail "the twin, one step, passes: $case"
done
digest() { "$SULCUS" inspect "$1" | sed -n '1s/.*digest //p'; }
is 'without recollecting' "$(digest "$scratch/out/false/all.nc")" "$(digest "$scratch/out/once/all.nc")"
[ "$(digest "$scratch/out/zero/all.nc")" != "$(digest "$scratch/out/once/all.nc")" ] || fail 'the twin: steps change nothing'

refused() { # NAME MESSAGE SETTING...
  code=0
  "$SULCUS" plan "$scratch/p.yaml" "${@:3}" >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
  is "$1: exit" "$code" 2
  says "$1" "$scratch/stderr" "$2"
}
cat >>"$scratch/p.yaml" <<END
  searched: {stage: prune, from: all, model: vit, data: glyphs, drop: 0.5, seeds: 0}
  taken: {stage: import, path: $SOURCE/tests/reference/scores.safetensors}
END
refused 'a search' 'steps.searched.steps=3: steps prune a given share' -s steps.searched.steps=3
refused 'one step' 'steps.once.recollect=true: there is one step' -s steps.once.recollect=true
refused 'another sample' 'value=resample.*there are no other samples' -s steps.zero.value=resample
refused 'scores from elsewhere' 'how the scores of taken were made is not known' -s steps.zero.from=taken
refused 'a measure without two sides' 'scores of measure lape are not made again' -s steps.all.measure=lape
refused 'skipped tokens' 'tokens that skip_first of seen leaves out' -s steps.seen.skip_first=1
refused 'another model' 'all was collected of another model or dataset' -s steps.zero.model=other
finish
