#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Text, questions and images as Parquet give the artefacts that the same data give as JSON lines, MMLU's CSV and CIFAR's files, bit
# for bit, on two ranks too.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
data=$SOURCE/tests/reference/parquet
"$SULCUS" --version | grep -q Snappy || { echo 'skipped: built without Snappy'; exit 77; }
cd "$scratch" || exit 1
step=()

# run_as NAME IMAGES TEXT QUIZ [RANKS]: the pipeline on data in these forms; its digests in NAME.digests.
run_as() {
  cat >p.yaml <<END
pipeline: forms
output: $1
threads: 2
oversubscribe: true
models:
  vit: {path: $SOURCE/examples/vit-glyph100}
  mistral: {path: $SOURCE/examples/mistral-debtext}
datasets:
  glyphs: {$2, limit: 7, collect: 0.5}
  text: {$3, context: 96, limit: 1500, pack: true}
  quiz: {$4, limit: 6, shots: 1}
steps:
  seen: {stage: collect, model: vit, data: glyphs, sites: [mlp, attn]}
  seen_scores: {stage: score, from: seen, measure: abs, retain: all}
  blind: {stage: prune, from: seen_scores, model: vit, data: glyphs, fraction: 0.1}
  heard: {stage: collect, model: mistral, data: text}
  heard_scores: {stage: score, from: heard, measure: abs, retain: all}
  deaf: {stage: prune, from: heard_scores, model: mistral, data: text, fraction: 0.1, evaluate: [text, quiz]}
END
  ranks "${5-1}" "$SULCUS" run p.yaml --quiet "${step[@]}"
  is "exit code, $1" $code 0
  digests "$1" >"$1.digests"
}
parquet=("format: parquet, path: $data/glyphs, split: test, image: img, label: fine_label, subsets: coarse_label"
  "format: parquet, path: $data/text, split: train, subsets: meta.pile_set_name" "format: parquet, path: $data/quiz/all")
run_as plain "format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, digits, greek, hebrew]" \
  "format: jsonl, path: $data/text-jsonl, subsets: meta.pile_set_name" "format: mmlu, path: $data/quiz-csv"
run_as parquet "${parquet[@]}"
is 'artefacts' "$(wc -l <plain.digests)" 6
is 'digests' "$(cat parquet.digests)" "$(cat plain.digests)"
run_as two "${parquet[@]}" 2
is 'digests on two ranks' "$(cat two.digests)" "$(cat plain.digests)"

# The comparison can fail: in a copy of the file two images have changed places.
mkdir glyphs
python3 - "$data"/glyphs/*.parquet glyphs/test.parquet <<'END'
import re
import sys
data = bytearray(open(sys.argv[1], "rb").read())
images = [m.span() for m in re.finditer(rb"\x89PNG.*?IEND", data, re.S)]
a, b = next((a, b) for a in images for b in images if a < b and a[1] - a[0] == b[1] - b[0] and data[slice(*a)] != data[slice(*b)])
data[slice(*a)], data[slice(*b)] = data[slice(*b)], data[slice(*a)]
open(sys.argv[2], "wb").write(data)
END
step=(--only seen)
run_as copy "${parquet[0]/$data/$scratch}" "${parquet[@]:1}"
is 'of other images, there are other artefacts' "$(comm -13 plain.digests copy.digests | cut -d' ' -f1)" seen
finish
