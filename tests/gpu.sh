#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/gpu.sh [BUILD]: what only a device can show. All fixtures through the plug-in (build gpu_models and gpu_attention first), sums and
# logits with the same bits in batches of a tile and of all tiles, a pipeline's numbers beside the CPU's in each
# `compute`, the same bits on 1, 2 and 3 ranks, kill and resume, and compute-sanitizer where it is. Exit 77, with a notice, where there
# is no plug-in or no device. PLUGIN is another plug-in: build/tests/played/libsulcus_cuda.so tries this script itself
# (with LIMIT=3 TOKENS=200, a minute).
set -u
SOURCE=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${1:-$SOURCE/build}
SULCUS=$BUILD/sulcus
plugin=${PLUGIN:-$BUILD/libsulcus_cuda.so}
. "${SOURCE:?is set by ctest}/tests/lib.sh"
[ -e "$plugin" ] || { echo "no $plugin: build with -DSULCUS_CUDA=ON"; exit 77; }
mkdir "$scratch/bin"
cp "$SULCUS" "$plugin" "$scratch/bin/"
cd "$scratch" || exit 1
cat >p.yaml <<END
output: $scratch/cpu
models:
  vit: {path: $SOURCE/examples/vit-glyph100}
  mistral: {path: $SOURCE/examples/mistral-debtext}
datasets:
  glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, digits], limit: ${LIMIT:-200}, collect: 0.5}
  text: {format: jsonl, path: $SOURCE/examples/debtext/test.jsonl, subsets: meta.pile_set_name, context: 64, collect: 0.5, pack: true, limit: ${TOKENS:-8000}}
steps:
  seen: {stage: collect, model: vit, data: glyphs, sites: [mlp, attn], firing: 100}
  read: {stage: collect, model: mistral, data: text, sites: [mlp, attn]}
  scores: {stage: score, from: seen, measure: abs}
  text_scores: {stage: score, from: read, measure: abs}
  cut: {stage: prune, from: scores, model: vit, data: glyphs, fraction: 0.1, seeds: 1}
END
bin/sulcus run p.yaml --quiet -s device=cuda -s output="$scratch/first" --only seen >stdout 2>stderr
if grep -q 'set device: cpu' stderr; then
  cat stderr
  exit 77
fi
bin/sulcus doctor "$scratch" | grep '^libraries'

variables() { ncdump "$1" | sed '/^\/\/ global/,/^data:/d'; }
same() { # WHAT FOLDER FOLDER
  local one
  for one in seen read scores text_scores cut; do
    is "$1: $one" "$(variables "$2/$one/all.nc" | md5sum)" "$(variables "$3/$one/all.nc" | md5sum)"
  done
}
top1() { ncdump -v accuracy_base "$1/cut/all.nc" | sed '1,/^data:/d' | tr -dc '0-9.,e-'; }
agree() { # WHAT FOLDER RANK
  local site
  for site in mlp attn; do
    "$BUILD/tests/agree" "$2/scores/all.nc" cpu/scores/all.nc ${site}_score "$3" 0 || fail "$1: scores of $site"
    "$BUILD/tests/agree" "$2/text_scores/all.nc" cpu/text_scores/all.nc ${site}_score "$3" 0 || fail "$1: text scores of $site"
  done
  awk -v a="$(top1 "$2")" -v b="$(top1 cpu)" 'BEGIN {
    n = split(a, x, ","); split(b, y, ",")
    for (i = 1; i <= n; i++) if ((x[i] - y[i]) ^ 2 > 0.002 ^ 2) exit 1
  }' || fail "$1: Top-1 is more than 0.2 points off"
}

for fixtures in gpu_attention gpu_models; do
  if [ -e "$BUILD/tests/$fixtures" ]; then
    (cd "$SOURCE" && SULCUS_PLUGIN=$scratch/bin/libsulcus_cuda.so "$BUILD/tests/$fixtures") >stdout 2>&1 || fail "$fixtures: $(grep -E 'ERROR|LINE|FAILED' stdout)"
  else
    echo "no $BUILD/tests/$fixtures (ninja $fixtures): not tried"
  fi
done
bin/sulcus run p.yaml --quiet || fail "on CPUs"
for compute in f32:0.99999 tf32:0.999 bf16:0.999; do
  bin/sulcus run p.yaml --quiet -s device=cuda -s compute=${compute%:*} -s output="$scratch/${compute%:*}" || fail "$compute"
  agree "$compute" ${compute%:*} ${compute#*:}
done
for n in 2 3; do
  ranks $n bin/sulcus run p.yaml --quiet -s device=cuda -s oversubscribe=true -s output="$scratch/ranks$n"
  is "$n ranks" $code 0
  same "1 and $n ranks" f32 ranks$n
done
ranks 2 bin/sulcus run p.yaml --quiet -s device=cuda -s compute=bf16 -s oversubscribe=true -s output="$scratch/rounded"
same "1 and 2 ranks, bf16" bf16 rounded
for after in 0.5 1 2; do
  timeout -s KILL $after bin/sulcus run p.yaml --quiet -s device=cuda -s checkpoint=0.1s -s output="$scratch/killed" >/dev/null 2>&1
done
sleep 3 # the lease of who was killed
bin/sulcus run p.yaml --quiet -s device=cuda -s output="$scratch/killed" || fail "after a kill"
same "killed and resumed" f32 killed
if command -v compute-sanitizer >/dev/null && [ -z "${PLUGIN-}" ]; then
  for tool in memcheck racecheck; do
    for compute in f32 bf16; do
      compute-sanitizer --tool $tool --error-exitcode 9 bin/sulcus run p.yaml --quiet -s device=cuda -s compute=$compute \
        -s datasets.glyphs.limit=2 -s datasets.text.limit=400 -s output="$scratch/$tool-$compute" >stdout 2>stderr \
        || fail "compute-sanitizer, $tool, $compute"
    done
  done
else
  echo 'compute-sanitizer was not run'
fi
finish
