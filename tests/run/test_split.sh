#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Where data is cut in two. What a seed chooses is in collect's artefact; files that hold these samples alone give the same statistics, and
# files that hold the others the same accuracies: so no sample is both collected and evaluated on. Images and text, any number of ranks;
# `split_seed: none` takes the first ones; a seed sweeps; and a journal of before is told what the new version changed.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
: >stdout >stderr
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
cat >p.yaml <<END
output: out
models:
  vit: {path: $SOURCE/examples/vit-glyph100}
  lm: {path: $SOURCE/examples/mistral-debtext}
datasets:
  glyphs: &glyphs {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, greek], limit: 60, split_seed: 3}
  first: {<<: *glyphs, split_seed: none}
  text: {format: jsonl, path: $SOURCE/examples/debtext/test.jsonl, subsets: meta.pile_set_name, keep: [bible, german], context: 48, limit: 1400, split_seed: 3}
steps:
  a: {stage: collect, model: vit, data: glyphs}
  s: {stage: score, from: a}
  u: {stage: prune, from: s, data: glyphs, fraction: 0.3, seeds: 1}
  f: {stage: collect, model: vit, data: first}
  ta: {stage: collect, model: lm, data: text}
  ts: {stage: score, from: ta}
  tu: {stage: prune, from: ts, data: text, fraction: 0.3, seeds: 1}
END
ranks 2 "$SULCUS" run p.yaml --quiet
is 'run' "$code" 0
digests out >two
ranks 3 "$SULCUS" run p.yaml --quiet -s output=three
digests three | cmp -s - two || fail 'other bits on three ranks'

# files WHERE SHIFT: the samples of each half, as files of their own; SHIFT moves the choice.
cat >files.py <<'PY'
import gzip, json, os, re, subprocess, sys
source, where, shift = sys.argv[1], sys.argv[2], int(sys.argv[3])
def chosen(path):
    text = subprocess.run(["ncdump", "-v", "samples,collected", path], capture_output=True, text=True, check=True).stdout
    value = {k: [int(x) for x in v.split(",")] for k, v in re.findall(r" (samples|collected) =\s([^;]+);", text[text.index("data:"):])}
    n, wide = len(value["samples"]), len(value["collected"]) // len(value["samples"])
    return [[value["collected"][k * wide + i // 8] >> i % 8 & 1 for i in range(value["samples"][k])] for k in range(n)]
def deal(records, subset_of, bits, write):
    seen = {}
    for record in records:
        k = subset_of(record)
        if k is None or seen.setdefault(k, 0) >= len(bits[k]): continue
        write(bits[k][(seen[k] + shift) % len(bits[k])], record)
        seen[k] += 1
for half in ("others", "chosen"): os.makedirs(f"{where}/{half}")
names = open(f"{source}/examples/glyph100/coarse_label_names.txt").read().split()
raw = gzip.open(f"{source}/examples/glyph100/test.bin.gz").read()
files = [open(f"{where}/{half}/test.bin", "wb") for half in ("others", "chosen")]
kept = {names.index(x): k for k, x in enumerate(sorted(["latin", "greek"], key=names.index))}
deal([raw[i:i + 3074] for i in range(0, len(raw), 3074)], lambda r: kept.get(r[0]), chosen("out/a/all.nc"), lambda b, r: files[b].write(r))
lines = open(f"{source}/examples/debtext/test.jsonl").read().splitlines()
set_of = lambda line: json.loads(line)["meta"]["pile_set_name"]
kept = {}
for line in lines:
    if set_of(line) in ("bible", "german"): kept.setdefault(set_of(line), len(kept))
files = [open(f"{where}/{half}/test.jsonl", "w") for half in ("others", "chosen")]
deal(lines, lambda l: kept.get(set_of(l)), chosen("out/ta/all.nc"), lambda b, l: files[b].write(l + "\n"))
PY
halves() { # NAME SHIFT: runs the same with each half where it is used
  python3 files.py "$SOURCE" "$1" "$2" || fail "files of $1"
  for half in chosen others; do cp "$SOURCE"/examples/glyph100/*_label_names.txt "$1/$half"; done
  cat >"$1.yaml" <<END
output: out-$1
models:
  vit: {path: $SOURCE/examples/vit-glyph100}
  lm: {path: $SOURCE/examples/mistral-debtext}
datasets:
  glyphs: {format: cifar100, path: $1/chosen, split: test, subsets: coarse, collect: 1}
  asked: {format: cifar100, path: $1/others, split: test, subsets: coarse, collect: 0}
  text: {format: jsonl, path: $1/chosen/test.jsonl, subsets: meta.pile_set_name, context: 48, collect: 1}
  asked-text: {format: jsonl, path: $1/others/test.jsonl, subsets: meta.pile_set_name, context: 48, collect: 0}
steps:
  a: {stage: collect, model: vit, data: glyphs}
  s: {stage: score, from: a}
  u: {stage: prune, from: s, data: asked, fraction: 0.3, seeds: 1}
  ta: {stage: collect, model: lm, data: text}
  ts: {stage: score, from: ta}
  tu: {stage: prune, from: ts, data: asked-text, fraction: 0.3, seeds: 1}
END
  "$SULCUS" run "$1.yaml" --quiet >stdout 2>stderr || fail "run of $1"
  digests "out-$1" | grep -v '^t*a '
}
halves same 0 >same.digests
is 'scores and accuracies of the halves as files' "$(grep -v '^t*a \|^f ' two)" "$(cat same.digests)"
halves shifted 1 >shifted.digests
is 'the twin: the choice moved by one' "$(comm -12 same.digests shifted.digests)" ''

shown() { ncdump -v "$1" "$2" | sed -n '/^data:/,$p' | tr -d '\n' | sed "s/.* $1 = *//; s/ *;.*//; s/  */ /g"; }
[ "$(shown mlp_mean_abs out/f/all.nc)" != "$(shown mlp_mean_abs out/a/all.nc)" ] || fail 'the first half is what the seed chose'
ncdump -h out/f/all.nc | grep -q collected && fail 'file order lists its samples'
"$SULCUS" run p.yaml --only a --quiet -s datasets.glyphs.split_seed=[0,1,none] -s output=swept >stdout 2>stderr || fail 'a sweep of seeds'
is 'seeds' "$(digests swept | cut -d' ' -f2 | sort -u | wc -l)" 3

# A journal of before has no such key, and the version below.
old=$(sed -n '/"event":"done","time":[^,]*,"task":"a"/{s/"version":"5"/"version":"4"/; s/"data.split_seed":"[^"]*",//; s/"key":"..../"key":"0000/; s/,"sum":.*//p}' out/journal.jsonl)
mkdir old
"$BUILD/tests/journal_sum" "$old" >old/journal.jsonl
"$SULCUS" explain p.yaml a -s output=old >stdout 2>stderr || fail 'explain'
says 'explain' stdout '^a: version changed from 4 to 5: a seed chooses the samples .* split_seed: none'
says 'explain' stdout '^  data.split_seed$'
"$SULCUS" plan p.yaml -s datasets.glyphs.split_seed=file >stdout 2>stderr && fail 'a word that is none'
says 'another word' stderr 'split_seed.*none'
finish
