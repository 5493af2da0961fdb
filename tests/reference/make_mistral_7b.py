# SPDX-License-Identifier: Apache-2.0
"""Writes a model of Mistral-7B's shapes with random bf16 weights (14.5 GB, in shards) and, in tokens/, subsets of random tokens to run it on.

usage: make_mistral_7b.py FOLDER SUBSETS TOKENS
"""
import json
import pathlib
import sys

import numpy as np

HIDDEN, MLP, HEADS, KV_HEADS, LAYERS, VOCABULARY, SHARDS = 4096, 14336, 32, 8, 32, 32000, 4

folder, subsets, tokens = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
(folder / "tokens").mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(1)
kv = HIDDEN * KV_HEADS // HEADS

tensors = [("model.embed_tokens.weight", (VOCABULARY, HIDDEN))]
for i in range(LAYERS):
    at = f"model.layers.{i}."
    tensors += [(at + "input_layernorm.weight", (HIDDEN,)), (at + "post_attention_layernorm.weight", (HIDDEN,)),
                (at + "self_attn.q_proj.weight", (HIDDEN, HIDDEN)), (at + "self_attn.k_proj.weight", (kv, HIDDEN)),
                (at + "self_attn.v_proj.weight", (kv, HIDDEN)), (at + "self_attn.o_proj.weight", (HIDDEN, HIDDEN)),
                (at + "mlp.gate_proj.weight", (MLP, HIDDEN)), (at + "mlp.up_proj.weight", (MLP, HIDDEN)),
                (at + "mlp.down_proj.weight", (HIDDEN, MLP))]
tensors += [("model.norm.weight", (HIDDEN,)), ("lm_head.weight", (VOCABULARY, HIDDEN))]

# Drawn once, and taken from other places for each tensor: sign and mantissa at random, magnitudes from 2^-7 to 2^-5.
half = MLP * HIDDEN
pool = (rng.integers(0, 1 << 16, 2 * half, dtype=np.uint16) & 0x80FF) | 0x3C00

where = {}
for shard in range(SHARDS):
    name = f"model-{shard + 1:05}-of-{SHARDS:05}.safetensors"
    part = tensors[len(tensors) * shard // SHARDS:len(tensors) * (shard + 1) // SHARDS]
    header, end = {}, 0
    for tensor, shape in part:
        header[tensor] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + 2 * int(np.prod(shape))]}
        end = header[tensor]["data_offsets"][1]
        where[tensor] = name
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / name, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for tensor, shape in part:
            n = int(np.prod(shape))
            if len(shape) == 1:
                f.write(np.full(n, 0x3F80, dtype=np.uint16).tobytes())
            else:
                for done in range(0, n, half):
                    first = int(rng.integers(0, half))
                    f.write(pool[first:first + min(n - done, half)].tobytes())

(folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
(folder / "config.json").write_text(json.dumps({
    "model_type": "mistral", "hidden_act": "silu", "hidden_size": HIDDEN, "intermediate_size": MLP, "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS, "num_hidden_layers": LAYERS, "vocab_size": VOCABULARY, "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "sliding_window": None, "tie_word_embeddings": False}))
for i in range(subsets):
    rng.integers(0, VOCABULARY, tokens, dtype=np.uint16).tofile(folder / "tokens" / f"s{i:02}.bin")
