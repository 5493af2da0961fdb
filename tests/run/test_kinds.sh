#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Configurations of the kinds in tests/cases.md, as `plan` opens them: what is written out and empty (A01), what several fields say of one
# thing (A07), tokens that are never fed (A08), fields that nobody reads (A10), layers of different widths (A15).
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
models=$SOURCE/tests/reference/models
head -c 2560 /dev/zero >one.bin
printf '\x01' | dd of=one.bin bs=1 seek=100 conv=notrunc 2>/dev/null

# try BASE KEY VALUE CODE PATTERN: a model's config.json with the key at that value; PATTERN '': not a word of it.
try() {
  local code=0
  rm -rf m
  mkdir m
  cp "$models/$1"/*.json m
  # Keys of several lines go with what is in them.
  awk -v key="\"$2\":" -v value="$3" '
    skipping {depth += gsub(/[[{]/, "&") - gsub(/[]}]/, "&"); skipping = depth > 0; next}
    NR > 1 && index($1, key) == 1 {depth = gsub(/[[{]/, "&") - gsub(/[]}]/, "&"); skipping = depth > 0; next}
    {print}
    NR == 1 {printf "  %s %s,\n", key, value}' "$models/$1/config.json" >m/config.json
  cat >p.yaml <<END
pipeline: p
output: out
models: {m: {path: m, weights: random}}
datasets: {d: {format: tokens, path: one.bin, context: 16, collect: 0.5}}
steps: {a: {stage: collect, model: m, data: d, sites: [mlp]}}
END
  "$SULCUS" plan p.yaml >stdout 2>stderr || code=$?
  cat stdout >>stderr
  is "$1, $2 $3: exit ($(head -1 stderr))" $code "$4"
  if [ -n "$5" ]; then says "$1, $2 $3" stderr "$5"; else ! grep -q "^note: .*\"$2\"" stderr || fail "$1, $2 $3: $(grep "^note" stderr)"; fi
}
while read -r base key code value pattern; do
  try "$base" "$key" "$value" "$code" "${pattern-}"
done <<'END'
lm-gpt2 pruned_heads 0 {}
lm-gpt2 pruned_heads 0 null
lm-gpt2 pruned_heads 3 {"0":[1]} "pruned_heads" is not supported
lm-llama pruned_heads 0 {}
vit-rect pruned_heads 3 {"2":[0,1]} "pruned_heads" is not supported
lm-gpt2 quantization_config 0 {}
lm-gpt2 quantization_config 0 null
lm-llama quantization_config 0 null
lm-llama quantization_config 3 {"quant_method":"awq"} "quantization_config"
lm-llama task_specific_params 0 {}
lm-llama adapters 0 {}
lm-llama rope_scaling 0 {}
lm-llama rope_scaling 0 null
lm-llama pad_token_id 0 99999 pad_token_id
lm-llama pad_token_id 0 -1
lm-llama bos_token_id 0 99999
lm-llama pruned_neurons 0 {"0":[3]} "pruned_neurons" is read by nobody
lm-llama block_configs 0 [{"ffn":{"ffn_mult":1.0}}] "block_configs" is read by nobody
lm-llama attn_logit_softcapping_x 0 30.0 read by nobody
lm-llama intermediate_size 3 [64,48] "intermediate_size"
lm-llama num_key_value_heads 3 [2,1] "num_key_value_heads"
lm-qwen3 intermediate_size 3 [64,48] "intermediate_size"
lm-gpt2 n_inner 3 [64,48] "n_inner"
vit-rect intermediate_size 3 [64,48] "intermediate_size"
END

# A file whose second layer is narrower, as a pruned model is saved.
mkdir narrow
cat >narrow/config.json <<'END'
{"model_type": "mistral", "hidden_act": "silu", "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 2,
 "num_hidden_layers": 2, "vocab_size": 100, "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "sliding_window": null,
 "tie_word_embeddings": false}
END
for narrow in gate down q; do
  awk -v narrow=$narrow 'function add(name, rows, columns,   n) {
    n = rows * (columns ? columns : 1)
    printf "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%d,%d]}", first++ ? "," : "{", name, columns ? rows "," columns : rows, at, at + 4 * n
    at += 4 * n
  }
  BEGIN {
    add("model.embed_tokens.weight", 100, 64)
    for (i = 0; i < 2; i++) {
      l = "model.layers." i "."; mlp = i && narrow != "q" ? 80 : 96; q = i && narrow == "q" ? 48 : 64
      add(l "input_layernorm.weight", 64); add(l "post_attention_layernorm.weight", 64)
      add(l "self_attn.q_proj.weight", q, 64); add(l "self_attn.k_proj.weight", 32, 64); add(l "self_attn.v_proj.weight", 32, 64)
      add(l "self_attn.o_proj.weight", 64, q); add(l "mlp.gate_proj.weight", mlp, 64); add(l "mlp.up_proj.weight", mlp, 64)
      add(l "mlp.down_proj.weight", 64, mlp)
    }
    add("model.norm.weight", 64); add("lm_head.weight", 100, 64)
    printf "}"; printf "%d", at >"size"
  }' >header
  n=$(stat -c %s header)
  { for i in 0 8 16 24 32 40 48 56; do printf "\\x$(printf %02x $((n >> i & 255)))"; done; cat header; head -c "$(cat size)" /dev/zero; } >narrow/model.safetensors
  sed 's/path: m,/path: narrow,/; s/weights: random/weights: trained/' p.yaml >narrow.yaml
  code=0
  "$SULCUS" plan narrow.yaml >stdout 2>stderr || code=$?
  is "a narrow $narrow: exit" $code 3
  says "a narrow $narrow" stderr '^sulcus: error: narrow.yaml:3:10: .*model.safetensors: tensor model.layers.1.*: shape .*layers of different width'
done
finish
