#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Text where images are wanted and the reverse, and parameters that do not fit text: one line, at its place, exit 2, before any work.
. "${SOURCE:?is set by ctest}/tests/lib.sh"

base() {
  cat <<END
pipeline: errors
output: $scratch/out
models:
  lm: {path: $SOURCE/examples/mistral-debtext}
  vit: {path: $SOURCE/examples/vit-glyph100}
datasets:
  text: {format: jsonl, path: $SOURCE/examples/debtext/test.jsonl, subsets: meta.pile_set_name, keep: [bible, german], context: 64, limit: 1000}
  quiz: {format: mmlu, path: $SOURCE/examples/debquiz, keep: [jargon], limit: 5}
  glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, greek], limit: 10}
steps:
  a: {stage: collect, model: ${1-lm}, data: ${2-text}}
  s: {stage: score, from: a}
  p: {stage: prune, from: s, model: ${1-lm}, data: ${2-text}, fraction: 0.1, seeds: 0${3+, $3}}
END
}

# refused WHAT PATTERN ARGUMENTS-OF-base...
refused() {
  base "${@:3}" >"$scratch/p.yaml"
  rm -rf "$scratch/out"
  "$SULCUS" run "$scratch/p.yaml" --quiet >"$scratch/stdout" 2>"$scratch/stderr"
  is "$1: exit" $? 2
  is "$1: lines" "$(wc -l <"$scratch/stderr")" 1
  says "$1" "$scratch/stderr" "p.yaml:[0-9]*:[0-9]*: $2"
}

refused 'images for a language model' 'dataset glyphs holds images, but model lm reads text' lm glyphs
refused 'text for a vision model' 'dataset text holds text, but model vit reads images' vit text
refused 'images to evaluate a language model on' 'dataset glyphs holds images, but model lm reads text' lm text 'evaluate: [text, glyphs]'
refused 'a skip list for images' 'skip is about tokens of text, and model vit sees images' vit glyphs 'skip: 50'
refused 'skipped tokens for images' 'skip_tokens is about tokens of text' vit glyphs 'skip_tokens: [the]'
refused 'an empty token' '.*write at least one character' lm text 'skip_tokens: [""]'
refused 'questions to collect on' 'subset jargon has no samples to collect on; raise collect:' lm quiz

base lm text 'evaluate: [text, quiz], skip: 5' >"$scratch/p.yaml"
"$SULCUS" run "$scratch/p.yaml" --quiet >"$scratch/stdout" 2>"$scratch/stderr"
is 'what fits: exit' $? 0
"$SULCUS" plan "$scratch/p.yaml" >"$scratch/stdout" 2>"$scratch/stderr"
is 'plan: exit' $? 0
finish
