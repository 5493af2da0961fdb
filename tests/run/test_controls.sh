#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `prune` does with some layers, with heads and with controls is what it does with other scores: those of other layers lower than all, a head's
# score in each of its neurons, scores turned round. Random controls prune as many in each layer as they are to.
. "$(dirname "$0")/../lib.sh"
cat >"$scratch/p.yaml" <<END
pipeline: controls
output: $scratch/out
models: {vit: {path: $SOURCE/examples/vit-glyph100}}
datasets:
  glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, digits, greek], limit: 30, split_seed: none}
  other: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, latin_small, digits, greek], limit: 30, split_seed: 5}
  wide: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, latin_small, digits, greek], limit: 30, split_seed: none}
steps:
  seen: {stage: collect, model: vit, data: glyphs, sites: [mlp, attn]}
  scores: {stage: score, from: seen}
  all: {stage: prune, from: scores, model: vit, data: glyphs, fraction: 0.25, seeds: 2, random: [uniform, layer_matched, lowest]}
  other-seen: {stage: collect, model: vit, data: other, sites: [mlp, attn]}
  other-scores: {stage: score, from: other-seen, retain: [latin, digits, greek]}
  again: {stage: prune, from: [scores, other-scores], model: vit, data: glyphs, fraction: 0.25, seeds: 2, random: [resplit]}
  of-others: {stage: prune, from: other-scores, model: vit, data: wide, fraction: 0.25, seeds: 0}
  plain: {stage: prune, from: scores, model: vit, data: glyphs, fraction: 0.25, seeds: 2}
  some: {stage: prune, from: scores, model: vit, data: glyphs, fraction: 0.5, seeds: 0, layers: ["1:5:2"]}
  heads: {stage: prune, from: scores, model: vit, data: glyphs, fraction: 0.25, seeds: 1, site: attn, unit: head}
  median: {stage: prune, from: scores, model: vit, data: glyphs, fraction: 0.25, seeds: 0, site: attn, unit: head, head_score: median}
END
ranks 2 "$SULCUS" run "$scratch/p.yaml" --quiet
is 'exit' "$code" 0
digests "$scratch/out" >"$scratch/two"
ranks 3 "$SULCUS" run "$scratch/p.yaml" --quiet -s output="$scratch/three"
digests "$scratch/three" | cmp -s - "$scratch/two" || fail 'other bits on three ranks'

# Other scores, as files that `import` reads; TWIN spoils one.
cat >"$scratch/other.py" <<'PY'
import json, re, statistics, struct, subprocess, sys
folder, twin = sys.argv[1], sys.argv[2]
def read(path):
    text = subprocess.run(["ncdump", "-p", "9,17", path], capture_output=True, text=True, check=True).stdout
    size = {k: int(v) for k, v in re.findall(r"\t(\w+) = (\d+) ;", text[:text.index("variables:")])}
    data = {k: v for k, v in re.findall(r" (\w+) =\s([^;]+);", text[text.index("data:"):])}
    return size, {k: [float(x) if "NaN" not in x else float("nan") for x in v.split(",")] for k, v in data.items() if '"' not in v}
size, scores = read(f"{folder}/out/scores/all.nc")
names = ["latin", "digits", "greek"]
order = [x.strip(' "\n') for x in re.search(r' subset = ([^;]+);', subprocess.run(["ncdump", f"{folder}/out/scores/all.nc"], capture_output=True, text=True).stdout).group(1).split(",")]
layers = size["layer"]
def write(name, values, width):
    header, at, n = {}, 0, layers * width
    for subset in order:
        header[subset] = {"dtype": "F64", "shape": [layers, width], "data_offsets": [at, at + 8 * n]}
        at += 8 * n
    text = json.dumps(header).encode()
    open(f"{folder}/{name}.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + struct.pack(f"<{len(values)}d", *values))
mlp, attn = scores["mlp_score"], scores["attn_score"]
unit, attn_unit = size["unit"], size["attn_unit"]
write("turned", [-x for x in mlp], unit)
write("some", [x if i // unit % layers in ((1, 3, 5) if not twin else (0, 3, 5)) else -1e9 + x for i, x in enumerate(mlp)], unit)
heads = json.load(open(sys.argv[3]))["num_attention_heads"]
dim = attn_unit // heads
for name, of in ("heads", statistics.fmean), ("median", statistics.median):
    write(name, [of(attn[i // dim * dim:i // dim * dim + dim]) for i in range(len(attn))], attn_unit)
PY
cat >"$scratch/q.yaml" <<END
pipeline: other
output: $scratch/other
models: {vit: {path: $SOURCE/examples/vit-glyph100}}
datasets:
  glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, digits, greek], limit: 30, split_seed: none}
steps:
  turned-scores: {stage: import, path: $scratch/turned.safetensors}
  turned: {stage: prune, from: turned-scores, model: vit, data: glyphs, fraction: 0.25, seeds: 0}
  some-scores: {stage: import, path: $scratch/some.safetensors}
  some: {stage: prune, from: some-scores, model: vit, data: glyphs, fraction: 0.25, seeds: 0}
  heads-scores: {stage: import, path: $scratch/heads.safetensors, site: attn}
  heads: {stage: prune, from: heads-scores, model: vit, data: glyphs, fraction: 0.25, site: attn, seeds: 0}
  median-scores: {stage: import, path: $scratch/median.safetensors, site: attn}
  median: {stage: prune, from: median-scores, model: vit, data: glyphs, fraction: 0.25, site: attn, seeds: 0}
END
# values STEP VARIABLE: the numbers, without what stands around them
values() { ncdump -p 9,17 -v "$2" "$1/all.nc" | sed "1,/^ $2 =/d; /;/q"; }
layers=$(python3 -c "import json; print(json.load(open('$SOURCE/examples/vit-glyph100/config.json'))['num_hidden_layers'])")
is 'layers of the example' "$layers" 6

others() {
  rm -rf "$scratch/other"
  python3 "$scratch/other.py" "$scratch" "$1" "$SOURCE/examples/vit-glyph100/config.json" || fail 'the other scores'
  ranks 2 "$SULCUS" run "$scratch/q.yaml" --quiet
  is 'other scores: exit' "$code" 0
}
others ''
is 'the least specific' "$(values "$scratch/out/all" accuracy_lowest)" "$(values "$scratch/other/turned" accuracy)"
for what in mlp_mask accuracy; do
  is "some layers: $what" "$(values "$scratch/out/some" $what)" "$(values "$scratch/other/some" $what)"
done
for step in heads median; do
  for what in attn_mask accuracy; do
    is "$step: $what" "$(values "$scratch/out/$step" $what)" "$(values "$scratch/other/$step" $what)"
  done
done
# By other scores, of the subset of that name: what a pruning by those scores does; the twin is one by the first.
block() { values "$1" accuracy | tr -d ' \n;' | awk -F, '{for (i = 0; i < 4; i++) for (j = 0; j < 4; j++) if (i != 1 && j != 1) printf "%s ", $(4 * i + j + 1)}'; }
resplit=$(values "$scratch/out/again" accuracy_resplit | tr -d '\n;' | tr ',' ' ' | xargs)
is 'by other scores' "$resplit" "$(block "$scratch/out/of-others" | xargs)"
[ "$resplit" != "$(values "$scratch/out/again" accuracy | tr -d '\n;' | tr ',' ' ' | xargs)" ] || fail 'the twin: other scores prune as the first do'
# They are no chance level: the report does not say "not separable" where they do as well.
"$SULCUS" report "$scratch/p.yaml" >"$scratch/stdout" 2>"$scratch/stderr" || fail 'report'
says 'a rival' "$scratch/out/report/index.html" '; neurons by other scores separate <b>\(as well\|less\)</b>: the others keep'
grep -q 'separable</b> against neurons by other scores' "$scratch/out/report/index.html" && fail 'other scores are told as chance'
says 'chance' "$scratch/out/report/index.html" 'separable</b> against random neurons'
is 'controls change nothing else' "$(values "$scratch/out/all" ratio_random_std)" "$(values "$scratch/out/plain" ratio_random_std)"
[ "$(values "$scratch/out/all" accuracy_layer_matched)" != "$(values "$scratch/out/all" accuracy_random)" ] || fail 'both random ones are alike'
others twin
[ "$(values "$scratch/out/some" mlp_mask)" != "$(values "$scratch/other/some" mlp_mask)" ] || fail 'the twin: other layers are pruned'

refused() { # NAME MESSAGE SETTING...
  code=0
  "$SULCUS" plan "$scratch/p.yaml" "${@:3}" >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
  is "$1: exit" "$code" 2
  says "$1" "$scratch/stderr" "$2"
}
refused 'other scores that are not there' 'resplit is by a second step of scores; give from: .scores, others.' -s 'steps.plain.random=[resplit]'
refused 'other scores for nothing' '2 scores; give one step' -s 'steps.again.random=[lowest]'
refused 'a layer that is not there' 'there is no layer 6; the model.s are 0 to 5' -s 'steps.some.layers=[6]'
refused 'half a layer' 'there is no layer 1.5' -s 'steps.some.layers=[1.5]'
refused 'heads of the MLP' 'heads are of attention; give site: attn' -s steps.heads.site=mlp
refused 'a score of heads, of neurons' 'give unit: head' -s steps.plain.head_score=mean
finish
