#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Vision models without classes: activations, scores and clusters, bit for bit in teams too; images of labels that the model has not; no accuracies, and why.
. "${SOURCE:?is set by ctest}/tests/lib.sh"

mkdir "$scratch"/{clip,dinov2}
cp "$SOURCE/examples/vit-glyph100/preprocessor_config.json" "$scratch/clip"
cp "$SOURCE/examples/vit-glyph100/preprocessor_config.json" "$scratch/dinov2"
shape='"hidden_size": 48, "num_hidden_layers": 4, "num_attention_heads": 4, "image_size": 32, "patch_size": 8'
echo "{\"model_type\": \"clip\", \"vision_config\": {\"intermediate_size\": 96, $shape}}" >"$scratch/clip/config.json"
echo "{\"model_type\": \"dinov2_with_registers\", \"use_swiglu_ffn\": true, $shape}" >"$scratch/dinov2/config.json"
cat >"$scratch/p.yaml" <<END
pipeline: towers
output: out
models:
  clip: {path: $scratch/clip, weights: random}
  dinov2: {path: $scratch/dinov2, weights: random}
datasets: {glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, collect: 0.05}}
steps:
  activations: {stage: collect, model: [clip, dinov2], data: glyphs, sites: [mlp, attn]}
  scores: {stage: score, from: activations}
  clusters: {stage: cluster, model: [clip, dinov2], method: weights, clusters: 4}
END
ranks 1 "$SULCUS" run "$scratch/p.yaml" --quiet -s output="$scratch/alone"
is 'one rank: exit' "$code" 0
is 'one rank: stderr' "$(cat "$scratch/stderr")" ''
digests "$scratch/alone" >"$scratch/first"
is 'one rank: tasks' "$(wc -l <"$scratch/first")" 6
ranks 2 env SULCUS_NODES=2 "$SULCUS" run "$scratch/p.yaml" --quiet -s output="$scratch/team" -s layers_over=2 -s threads=1
is 'a team of 2: exit' "$code" 0
digests "$scratch/team" >"$scratch/digests"
is 'a team of 2: digests' "$(diff "$scratch/first" "$scratch/digests")" ''
ranks 1 "$SULCUS" run "$scratch/p.yaml" --quiet -s output="$scratch/twin" -s datasets.glyphs.collect=0.06
digests "$scratch/twin" >"$scratch/digests"
is 'what other images leave as it was' "$(comm -12 "$scratch/first" "$scratch/digests" | grep -cv '^clusters')" 0

# Images are as large as their preprocessing makes them, also where only its class says how large.
echo '{"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 230}}' >"$scratch/dinov2/preprocessor_config.json"
"$SULCUS" plan "$scratch/p.yaml" -s output="$scratch/sized" >"$scratch/stdout" 2>"$scratch/stderr" || fail 'a preprocessor without crop_size'
"$SULCUS" inspect "$scratch/dinov2" >"$scratch/stdout" 2>"$scratch/stderr"
says 'its images' "$scratch/stdout" '224'

echo '  cut: {stage: prune, from: scores, data: glyphs, fraction: 0.2, site: mlp, seeds: 1}' >>"$scratch/p.yaml"
code=0
"$SULCUS" run "$scratch/p.yaml" --quiet -s output="$scratch/alone" >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
is 'accuracies: exit' "$code" 3
says 'accuracies' "$scratch/stderr" 'the model has no head'
finish
