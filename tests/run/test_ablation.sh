#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pruned neurons that become their mean, over all or over what is retained: accuracies and losses are PyTorch's (tests/reference/make_ablation.py).
# Resampled from another sample that is the same picture, they change nothing at all; from other pictures they do. Same bits on any ranks and in teams.
. "$(dirname "$0")/../lib.sh"
mkdir "$scratch/same" "$scratch/same/one" "$scratch/same/two"
for i in 1 2 3 4 5 6; do
  for folder in one two; do cp "$SOURCE/tests/reference/images/$(ls "$SOURCE/tests/reference/images" | grep -m1 '\.png$')" "$scratch/same/$folder/$i.png"; done
done
model="models: {vit: {path: $SOURCE/examples/vit-glyph100}}"
glyphs="format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse"
cat >"$scratch/p.yaml" <<END
pipeline: means
output: $scratch/out
$model
datasets:
  glyphs: {$glyphs, keep: [latin, latin_small, digits, greek], collect: 0.5, split_seed: none}
  alike: {format: images, path: $scratch/same, labels: position, collect: same}
steps:
  seen: {stage: collect, model: vit, data: glyphs, sites: [mlp]}
  scores: {stage: score, from: seen}
  mean: {stage: prune, from: [scores, seen], model: vit, data: glyphs, fraction: 0.25, seeds: 0, value: [mean, retain_mean]}
  alike-seen: {stage: collect, model: vit, data: alike, sites: [mlp, attn]}
  alike-scores: {stage: score, from: alike-seen}
  unchanged: {stage: prune, from: alike-scores, model: vit, data: alike, fraction: 0.4, seeds: 1, site: both, value: resample}
  changed: {stage: prune, from: alike-scores, model: vit, data: alike, fraction: 0.4, seeds: 1, site: both}
END
cat >"$scratch/q.yaml" <<END
pipeline: values
output: $scratch/values
$model
datasets:
  few: {$glyphs, keep: [latin, digits, greek, hebrew, thai], limit: 12}
steps:
  seen: {stage: collect, model: vit, data: few, sites: [mlp, attn]}
  scores: {stage: score, from: seen}
  means: {stage: prune, from: [scores, seen], model: vit, data: few, drop: 0.5, seeds: 1, site: both, value: [mean, retain_mean]}
  resample: {stage: prune, from: scores, model: vit, data: few, drop: 0.5, seeds: 1, site: both, value: resample, seed: [0, 1]}
END
ranks 2 "$SULCUS" run "$scratch/p.yaml" --quiet
is 'exit' "$code" 0

cat >"$scratch/compare.py" <<'PY'
import json, re, subprocess, sys
want, of = json.load(open(sys.argv[1])), sys.argv[2]
worst = wrong = 0
for value in "mean", "retain_mean":
    text = subprocess.run(["ncdump", "-p", "9,17", f"{sys.argv[3]}/value={value}.nc"], capture_output=True, text=True, check=True).stdout
    got = {k: [float(x) for x in v.split(",")] for k, v in re.findall(r" (accuracy|loss|samples) =\s([^;]+);", text[text.index("data:"):])}
    expected = want[of or value]
    for f, (correct, loss) in enumerate(zip(expected["correct"], expected["loss"])):
        for s in range(4):
            wrong += round(got["accuracy"][f * 4 + s] * got["samples"][s]) != correct[s]
            worst = max(worst, abs(got["loss"][f * 4 + s] - loss[s]))
print(f"{wrong} of 32 counts differ, losses by up to {worst:.2g}")
sys.exit(wrong > 1 or worst > 1e-4)
PY
python3 "$scratch/compare.py" "$SOURCE/tests/reference/ablation.json" '' "$scratch/out/mean" >"$scratch/compared" || fail "PyTorch: $(cat "$scratch/compared")"
python3 "$scratch/compare.py" "$SOURCE/tests/reference/ablation.json" mean "$scratch/out/mean" >/dev/null && fail 'the twin: the mean of all is that of what is retained'

values() { ncdump -p 9,17 -v "$2" "$1.nc" | sed -n "/^data:/,\$p" | tr -d ' \n' | sed "s/.*[;:]$2=\([^;]*\);.*/\1/"; }
base=$(values "$scratch/out/unchanged/all" loss_base)
unchanged=$(values "$scratch/out/unchanged/all" loss) changed=$(values "$scratch/out/changed/all" loss)
near "$unchanged" "$base,$base" "$(batch_error)" || fail "the same picture: losses: got '$unchanged', expected '$base' twice"
near "$changed" "$base,$base" "$(batch_error)" && fail 'the twin: zeros change the losses'

ranks 2 "$SULCUS" run "$scratch/q.yaml" --quiet
is 'exit' "$code" 0
[ "$(values "$scratch/values/resample/seed=0" loss)" != "$(values "$scratch/values/resample/seed=1" loss)" ] || fail 'another seed, the same losses'
digests "$scratch/values" >"$scratch/two"
is 'tasks' "$(wc -l <"$scratch/two")" 6
for over in 1 3; do
  ranks 3 "$SULCUS" run "$scratch/q.yaml" --quiet -s output="$scratch/over$over" -s layers_over=$over
  is "teams of $over: exit" "$code" 0
  digests "$scratch/over$over" | cmp -s - "$scratch/two" || fail "other bits on three ranks in teams of $over"
done

# What plan expects by what these took: a resampled pass is two, but for the one without a mask; what other samples showed is held.
sed '/^  means:/,$d' "$scratch/q.yaml" >"$scratch/planned.yaml"
cat >>"$scratch/planned.yaml" <<END
  zero: {stage: prune, from: scores, model: vit, data: few, fraction: 0.1, seeds: 0}
  some: {stage: prune, from: scores, model: vit, data: few, fraction: 0.1, seeds: 0, value: resample}
  most: {stage: prune, from: scores, model: vit, data: few, fraction: 0.9, seeds: 0, value: resample}
END
"$SULCUS" plan "$scratch/planned.yaml" >"$scratch/stdout" 2>"$scratch/stderr" || fail 'plan'
awk '$1 == "run" && $4 == "units" {m[$2] = $5; u[$2] = $6; s[$2] = $9}
  END {r = s["some"] / s["zero"]; exit !(r > 1.3 && r < 2.1 && u["some"] == "MB" && u["most"] == "MB" && m["most"] > m["some"] + 0.5)}' \
  "$scratch/stdout" || fail 'what resampling takes'

refused() { # NAME MESSAGE SETTING...
  code=0
  "$SULCUS" plan "$scratch/p.yaml" "${@:3}" >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
  is "$1: exit" "$code" 2
  says "$1" "$scratch/stderr" "$2"
}
refused 'means without activations' 'value: mean needs the activations too; give from: \[scores, activations\]' -s steps.changed.value=mean
refused 'activations without means' 'activations are for value: mean' -s steps.mean.value=zero
refused 'a seed of nothing' 'it is of value: resample' -s steps.changed.seed=1
finish
