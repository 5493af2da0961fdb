#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# compute: bf16 on the example ViT and the example Mistral: scores that order the neurons as float32's do, the same bits at any number of ranks and threads,
# and a CPU without bf16 instructions refused by name.
. "${SOURCE:?is set by ctest}/tests/lib.sh"

cat >"$scratch/p.yaml" <<END
pipeline: bf16
output: $scratch/out
models:
  vit: {path: $SOURCE/examples/vit-glyph100}
  mistral: {path: $SOURCE/examples/mistral-debtext}
datasets:
  text: {format: jsonl, path: $SOURCE/examples/debtext/test.jsonl, subsets: meta.pile_set_name, context: 256, collect: 0.5, pack: true, limit: 8000}
  glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, collect: 0.5, keep: [latin, digits, greek, hebrew]}
steps:
  image: {stage: collect, model: vit, data: glyphs, sites: [mlp, attn]}
  image_scores: {stage: score, from: image, measure: abs}
  text: {stage: collect, model: mistral, data: text, sites: [mlp, attn]}
  text_scores: {stage: score, from: text, measure: abs}
  image_cut: {stage: prune, from: image_scores, model: vit, data: glyphs, drop: 0.5, seeds: 0}
END

# A CPU that stops at AVX2, as oneDNN is told. A plan goes on, since it may be a login node's.
code=0
DNNL_MAX_CPU_ISA=AVX2 "$SULCUS" plan "$scratch/p.yaml" -s compute=bf16 >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
is 'no bf16 instructions: plan' "$code $(wc -l <"$scratch/stderr")" '0 0'
is 'no bf16 instructions: notes' "$(grep -c '^note: models/.*: on this machine, compute: bf16 needs a CPU' "$scratch/stdout")" 2
"$SULCUS" plan "$scratch/p.yaml" >"$scratch/stdout" 2>"$scratch/stderr"
grep -q '^note' "$scratch/stdout" && fail 'the twin: a note on float32'
code=0
DNNL_MAX_CPU_ISA=AVX2 "$SULCUS" run "$scratch/p.yaml" --quiet -s compute=bf16 -s output="$scratch/none" >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
is 'no bf16 instructions: exit' "$code" 2
says 'no bf16 instructions' "$scratch/stderr" 'compute: bf16 needs a CPU with bfloat16 instructions.*set `compute: f32`'
is 'no bf16 instructions: lines' "$(wc -l <"$scratch/stderr")" 1
code=0
DNNL_MAX_CPU_ISA=AVX3 "$SULCUS" run "$scratch/p.yaml" --quiet -s output="$scratch/none" >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
is 'unknown instructions: exit' "$code" 2
says 'unknown instructions' "$scratch/stderr" 'DNNL_MAX_CPU_ISA.*"AVX3" is not known; AVX2,'
if ! grep -qE 'avx512_bf16|amx_bf16' /proc/cpuinfo; then
  echo 'this CPU has no bf16 instructions: the rest is skipped'
  finish
  exit
fi

ranks 2 "$SULCUS" run "$scratch/p.yaml" --quiet
is 'float32: exit' "$code" 0
for run in '1 1' '3 1' '2 2'; do
  out=$scratch/bf16-${run/ /-}
  ranks "${run% *}" "$SULCUS" run "$scratch/p.yaml" --quiet -s compute=bf16 -s threads="${run#* }" -s output="$out"
  is "bf16 on $run ranks and threads: exit" "$code" 0
  digests "$out" >"$scratch/digests"
  [ "$run" = '1 1' ] && mv "$scratch/digests" "$scratch/first" && continue
  is "bf16 on $run ranks and threads: digests" "$(diff "$scratch/first" "$scratch/digests")" ""
done
is 'tasks done' "$(wc -l <"$scratch/first")" 5
digests "$scratch/out" >"$scratch/digests"
is 'artefacts that bf16 shares with float32' "$(comm -12 "$scratch/first" "$scratch/digests")" ""

agree() { "$BUILD/tests/agree" "$scratch/out/$1/all.nc" "$2/$1/all.nc" "${@:3}" >"$scratch/stdout" 2>"$scratch/stderr"; }
for scores in 'image_scores mlp_score' 'image_scores attn_score' 'text_scores mlp_score' 'text_scores attn_score'; do
  agree ${scores% *} "$scratch/bf16-1-1" ${scores#* } 0.999 0.97 || fail "$scores: bf16 orders other neurons than float32"
  cat "$scratch/stdout"
done

# The twin: scores of other images must be told apart.
ranks 2 "$SULCUS" run "$scratch/p.yaml" --quiet -s compute=bf16 -s output="$scratch/twin" -s datasets.glyphs.collect=0.4
agree image_scores "$scratch/twin" mlp_score 0.999 0.97
is 'exit of the comparison with scores of other images' $? 1
finish
