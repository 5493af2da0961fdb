#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Layers over teams of ranks, of decoders: text from collecting to the logits, each architecture there is, and bf16, bit for bit as on one rank.
. "${SOURCE:?is set by ctest}/tests/lib.sh"

# compare PIPELINE RANKS LAYERS_OVER SETTINGS...: the artefacts are those of one rank, which are in $scratch/first.
compare() {
  local pipeline=$1 n=$2 over=$3
  shift 3
  rm -rf "$scratch/out"
  ranks "$n" env SULCUS_NODES="$over" "$SULCUS" run "$pipeline" -s output="$scratch/out" -s layers_over="$over" -s threads=1 "$@"
  is "teams of $over of $n ranks, $*: exit" "$code" 0
  is "teams of $over of $n ranks, $*: stderr" "$(cat "$scratch/stderr")" ""
  says "teams of $over of $n ranks, $*" "$scratch/stdout" "teams\? of $over ranks shares\? the layers"
  digests "$scratch/out" >"$scratch/digests"
  is "teams of $over of $n ranks, $*: digests" "$(diff "$scratch/first" "$scratch/digests")" ""
}
# alone PIPELINE TASKS SETTINGS...: the reference, without teams.
alone() {
  local pipeline=$1 tasks=$2
  shift 2
  rm -rf "$scratch/out"
  ranks 1 "$SULCUS" run "$pipeline" --quiet -s output="$scratch/out" "$@"
  is "one rank, $*: exit" "$code" 0
  digests "$scratch/out" >"$scratch/first"
  is "one rank, $*: tasks" "$(wc -l <"$scratch/first")" "$tasks"
}

text=$SOURCE/tests/small_text.yaml
alone "$text" 12
compare "$text" 2 2
compare "$text" 6 3

# Every decoder, of the fixtures' few layers: ids need no tokenizer.
mkdir "$scratch/ids"
awk 'BEGIN {srand(1); for (i = 0; i < 640; i++) printf "\\%03o\\000", int(52 * rand())}' >"$scratch/octal"
for domain in one two; do # the same ids, in another order
  printf '%b' "$(if [ $domain = one ]; then sed 's/\\/\\0/g' "$scratch/octal"; else sed 's/\\/\\0/g' "$scratch/octal" | fold -w10 | tac | tr -d '\n'; fi)" >"$scratch/ids/$domain.bin"
done
is "bytes of ids" "$(cat "$scratch"/ids/*.bin | wc -c)" 2560
models=(lm-gemma2 lm-gemma3 lm-gpt2 lm-gpt2-bare lm-gpt2-layers lm-llama lm-llama3 lm-mistral lm-mixtral lm-neox lm-olmo3 lm-opt lm-opt-350m lm-phi lm-phi3 lm-qwen2 lm-qwen2-window lm-qwen3 lm-smollm)
{
  printf 'pipeline: decoders\noutput: out\nmodels:\n'
  for m in "${models[@]}"; do printf '  %s: {path: %s}\n' "$m" "$SOURCE/tests/reference/models/$m"; done
  cat <<END
datasets: {ids: {format: tokens, path: $scratch/ids, context: 16, collect: 0.5, split_seed: none}} # the twin changes the first sample
steps:
  activations: {stage: collect, model: [$(IFS=,; echo "${models[*]}")], data: ids, sites: [mlp, attn], firing: 20}
  scores: {stage: score, from: activations}
  cut: {stage: prune, from: scores, data: ids, fraction: 0.2, site: both, seeds: 1}
END
} >"$scratch/decoders.yaml"
alone "$scratch/decoders.yaml" 57
compare "$scratch/decoders.yaml" 2 2
cp "$scratch/first" "$scratch/float32"

if grep -qE 'avx512_bf16|amx_bf16' /proc/cpuinfo; then
  bf16=(-s compute=bf16)
  alone "$scratch/decoders.yaml" 57 "${bf16[@]}"
  is "artefacts that bf16 shares with float32" "$(comm -12 "$scratch/first" "$scratch/float32")" ""
  compare "$scratch/decoders.yaml" 2 2 "${bf16[@]}"
  alone "$SOURCE/tests/small.yaml" 32 "${bf16[@]}"
  compare "$SOURCE/tests/small.yaml" 3 3 "${bf16[@]}"
else
  echo 'this CPU has no bf16 instructions: bf16 in teams is skipped'
fi

# The twin: other ids are told apart.
printf '\007\000' | dd of="$scratch/ids/one.bin" conv=notrunc status=none
ranks 2 "$SULCUS" run "$scratch/decoders.yaml" --quiet -s output="$scratch/twin" -s layers_over=2
is "the twin: exit" "$code" 0
digests "$scratch/twin" >"$scratch/digests"
is "what other ids leave as it was" "$(comm -12 "$scratch/float32" "$scratch/digests")" ""
finish
