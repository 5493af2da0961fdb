#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Configurations of widely used models, where the cases are at hand: each opens as a plan opens it, or is refused for the reason that is listed here.
. "$(dirname "$0")/../lib.sh"
folder=$SOURCE/../shared/cases/configs
if ! [ -d "$folder" ]; then
  echo 'skipped: ../shared/cases is not here'
  exit 77
fi
head -c 2560 /dev/zero >"$scratch/one.bin"

# What is in the way of those that do not open. Images are of other classes here, and most models come without preprocessing.
declare -A reason=(
  [gpt2-2019-b]='is no multiple of "num_attention_heads"'
  [gpt2-gptq]='"quantization_config" is not supported'
  [mistral-7b-instruct-v0.1-awq]='"quantization_config" is not supported'
  [santacoder]='says GPT2LMHeadCustomModel'
  [vit-hybrid-preprocessor]='ViTHybridImageProcessor'
)
declare -A said=(
  [gpt2-mup]='"attn_mult" is read by nobody'
  [llama2-with-oproj_bias]='"oproj_bias" is read by nobody'
  [mistral-attention_mod]='"attention_mod" is read by nobody'
  [distilgpt2-2019]='by its other fields it is gpt2'
)
opened=0
for model in "$folder"/*; do
  name=$(basename "$model")
  data="{format: tokens, path: $scratch/one.bin, context: 16, collect: 0.5}"
  grep -q '"patch_size"' "$model/config.json" && data="{format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse}"
  cat >"$scratch/p.yaml" <<END
pipeline: p
output: $scratch/out
models: {m: {path: $model, weights: random}}
datasets: {d: $data}
steps: {a: {stage: collect, model: m, data: d, sites: [mlp]}}
END
  code=0
  "$SULCUS" plan "$scratch/p.yaml" >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
  if [ -n "${reason[$name]-}" ]; then
    is "$name: exit" "$code" 3
    says "$name" "$scratch/stderr" "${reason[$name]}"
  elif grep -q '"patch_size"' "$model/config.json" && [ "$code" = 3 ]; then
    says "$name" "$scratch/stderr" "preprocessor_config.json: is missing\\|beyond the model's [0-9]* classes"
  else
    is "$name: $(cat "$scratch/stderr"): exit" "$code" 0
    opened=$((opened + 1))
  fi
  [ -z "${said[$name]-}" ] || says "$name" "$scratch/stdout" "${said[$name]}"
  [ "$(wc -l <"$scratch/stderr")" -le 1 ] || fail "$name: more than a line"
done
[ "$opened" -ge 25 ] || fail "only $opened open"
finish
