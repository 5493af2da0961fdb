#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The real program on the embedded ViT against PyTorch and NumPy (tests/reference/make_pipeline.py): statistics of every neuron, scores by all
# measures, masks, right answers and losses after pruning three shares, and where the searches end; and on an odd little ViT (sharded bfloat16,
# no qkv bias, relu, patches of 7 x 6) for which images are resized. Then the twins, which the same
# comparisons must find.
. "${SOURCE:?is set by ctest}/tests/lib.sh"

cat >"$scratch/p.yaml" <<END
pipeline: reference
output: $scratch/out
models: {vit: {path: $SOURCE/examples/vit-glyph100}}
datasets:
  glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, collect: 0.5, split_seed: none}
  few: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin], limit: 1}
steps:
  activations: {stage: collect, model: vit, data: glyphs, sites: [mlp, attn]}
  scores: {stage: score, from: activations, measure: [abs, rms, std, sqrt, freq, mean]}
  published: {stage: score, from: activations, definition: published, measure: [abs, rms, std, sqrt, freq, mean]}
  others: {stage: score, from: activations, retain: others}
  names: {stage: score, from: activations, retain: [latin, latin_small]}
  share: {stage: prune, from: "scores[measure=abs]", model: vit, data: glyphs, fraction: [0.05, 0.1, 0.25], seeds: 0}
  search: {stage: prune, from: "scores[measure=abs]", model: vit, data: glyphs, drop: [0.5, 0.8], seeds: 0, evaluate: few} # where searches end is looked at, not what else goes
END
# compare OUTPUT [GROUP]
compare() { "$BUILD/tests/check_pipeline" "$1" "$SOURCE/tests/reference/$fixture.safetensors" "${@:2}" >"$scratch/stdout" 2>"$scratch/stderr"; }

fixture=pipeline-resize
odd=$SOURCE/tests/reference/models/vit-resize
ranks 2 "$SULCUS" run "$scratch/p.yaml" --quiet -s output="$scratch/odd" -s models.vit.path="$odd" -s steps.search.drop=[0.5]
is 'the odd model: exit' "$code" 0
for group in activations scores published others names share; do # it has too little accuracy for searches
  compare "$scratch/odd" "$group" || fail "the odd model: $group are not as PyTorch and NumPy have them"
  cat "$scratch/stdout"
done

# The twin: images are resized by another filter.
mkdir "$scratch/bilinear"
cp "$odd"/* "$scratch/bilinear"
sed -i 's/"resample": 3/"resample": 2/' "$scratch/bilinear/preprocessor_config.json"
ranks 2 "$SULCUS" run "$scratch/p.yaml" --quiet -s output="$scratch/odd-twin" -s models.vit.path="$scratch/bilinear" \
  -s steps.share.fraction=[0.05] -s steps.search.drop=[0.5]
is 'another filter: exit' "$code" 0
for group in activations scores published others names share/fraction=0.05; do
  compare "$scratch/odd-twin" "$group"
  is "exit of the comparison of $group with another filter" $? 1
done

fixture=pipeline
ranks 2 "$SULCUS" run "$scratch/p.yaml" --quiet
is 'the run: exit' "$code" 0
compare "$scratch/out" || fail 'not as PyTorch and NumPy have it'
cat "$scratch/stdout"

# The twin: one weight of some layer's matrix is 4 (two bytes are one float16). Every group of comparisons must find it.
mkdir "$scratch/model"
cp "$SOURCE"/examples/vit-glyph100/*.json "$SOURCE"/examples/vit-glyph100/model.safetensors "$scratch/model"
printf '\000\104' | dd of="$scratch/model/model.safetensors" bs=1 seek=1200000 conv=notrunc 2>/dev/null
ranks 2 "$SULCUS" run "$scratch/p.yaml" --quiet -s output="$scratch/twin" -s models.vit.path="$scratch/model" \
  -s steps.share.fraction=[0.05] -s steps.search.drop=[0.5]
is 'another weight: exit' "$code" 0
for group in activations scores published others names share/fraction=0.05 search/drop=0.5; do
  compare "$scratch/twin" "$group"
  is "exit of the comparison of $group with another weight" $? 1
done

# Scores are not mistaken for those of another kind.
mkdir -p "$scratch/mixed/others"
cp "$scratch/out/names/all.nc" "$scratch/mixed/others/all.nc"
compare "$scratch/mixed" others
is 'exit of the comparison with scores of other subsets retained' $? 1
finish
