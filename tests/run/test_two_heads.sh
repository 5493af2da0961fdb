#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Vision models whose answers are the mean of two heads, of transformers and of timm with its own preprocessing, and one whose positions are resampled:
# activations, scores and accuracies after pruning, bit for bit in teams too.
. "${SOURCE:?is set by ctest}/tests/lib.sh"

mkdir "$scratch"/{taught,timm,resampled}
cp "$SOURCE/examples/vit-glyph100/preprocessor_config.json" "$scratch/taught"
cp "$SOURCE/examples/vit-glyph100/preprocessor_config.json" "$scratch/resampled"
sizes='"hidden_size": 48, "num_hidden_layers": 4, "num_attention_heads": 4, "patch_size": 8'
cat >"$scratch/taught/config.json" <<END
{"model_type": "deit", "architectures": ["DeiTForImageClassificationWithTeacher"], $sizes, "image_size": 32, "intermediate_size": 96, "num_labels": 100}
END
echo "{\"model_type\": \"dinov2\", $sizes, \"image_size\": 80}" >"$scratch/resampled/config.json"
cat >"$scratch/timm/config.json" <<END
{"architecture": "deit_tiny_distilled_patch16_224", "num_classes": 100, "model_args": {"patch_size": 8, "embed_dim": 48, "depth": 4, "num_heads": 4},
 "pretrained_cfg": {"input_size": [3, 32, 32], "fixed_input_size": true, "crop_pct": 0.9, "interpolation": "bicubic"}}
END
cat >"$scratch/p.yaml" <<END
pipeline: heads
output: out
models:
  taught: {path: $scratch/taught, weights: random}
  timm: {path: $scratch/timm, weights: random}
  resampled: {path: $scratch/resampled, weights: random}
datasets: {glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, limit: 20, collect: 0.5}}
steps:
  activations: {stage: collect, model: [taught, timm], data: glyphs, sites: [mlp, attn]}
  inside: {stage: collect, model: resampled, data: glyphs, sites: [mlp]}
  scores: {stage: score, from: activations}
  cut: {stage: prune, from: scores, data: glyphs, fraction: 0.2, site: both, seeds: 1}
END
ranks 1 "$SULCUS" run "$scratch/p.yaml" --quiet -s output="$scratch/alone"
is 'one rank: exit' "$code" 0
is 'one rank: stderr' "$(cat "$scratch/stderr")" ''
digests "$scratch/alone" >"$scratch/first"
is 'one rank: tasks' "$(wc -l <"$scratch/first")" 7
ranks 2 env SULCUS_NODES=2 "$SULCUS" run "$scratch/p.yaml" --quiet -s output="$scratch/team" -s layers_over=2 -s threads=1
is 'a team of 2: exit' "$code" 0
digests "$scratch/team" >"$scratch/digests"
is 'a team of 2: digests' "$(diff "$scratch/first" "$scratch/digests")" ''

# The twin: another crop makes other images, and one head alone other answers.
sed -i 's/0\.9/0.8/' "$scratch/timm/config.json"
sed -i 's/WithTeacher//' "$scratch/taught/config.json"
ranks 1 "$SULCUS" run "$scratch/p.yaml" --quiet -s output="$scratch/twin"
is 'the twin: exit' "$code" 0
digests "$scratch/twin" >"$scratch/digests"
is 'what is left of the cuts' "$(comm -12 "$scratch/first" "$scratch/digests" | grep -c '^cut')" 0
finish
