# SPDX-License-Identifier: Apache-2.0
"""Makes the fixtures of the families beside Llama's and GPT-2's: odd little models, and what PyTorch computes for them.

    python tests/reference/make_families.py [NAME...]     (from the repository root; versions in requirements.txt)

Writes what make_lm.py does, in the same form. GGUF files are written with the names and the order of rows that llama.cpp's converter gives.
"""
import json
import math
import sys

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import (Gemma2Config, Gemma3TextConfig, GemmaConfig, GPT2Config, GPTNeoXConfig, Olmo2Config, Olmo3Config, OPTConfig,
                          Phi3Config, PhiConfig, Qwen2Config, Qwen3Config)

from make_lm import HERE, make_little


def neox_words(config):
    """As the published files have it."""
    rope = config.pop("rope_parameters")
    return config | {"rotary_emb_base": rope["rope_theta"], "rotary_pct": rope["partial_rotary_factor"]}


def gemma3_words(config):
    """As the published files have it: the scaling is the full layers'."""
    rope = config.pop("rope_parameters")
    scaling = dict(rope["full_attention"])
    return config | {"rope_local_base_freq": rope["sliding_attention"]["rope_theta"], "rope_theta": scaling.pop("rope_theta"), "rope_scaling": scaling}


def phi_words(config):
    rope = config.pop("rope_parameters")
    return config | {"rope_theta": rope["rope_theta"], "partial_rotary_factor": rope["partial_rotary_factor"]}


def phi3_words(config):
    """As the published files have it."""
    rope = config.pop("rope_parameters")
    return config | {"rope_theta": rope["rope_theta"], "partial_rotary_factor": rope["partial_rotary_factor"],
                     "rope_scaling": {"type": "longrope", "short_factor": rope["short_factor"], "long_factor": rope["long_factor"]}}


def without_types(config):
    """As files have it that were written before layers had types."""
    config.pop("layer_types")
    return config


# name: configuration, dtype, shard size, what is done to the words of config.json, and of GGUF: architecture
FAMILIES = {
    # Windows in layers that are named, and in those from a number on.
    "lm-qwen2-window": (Qwen2Config(vocab_size=52, hidden_size=30, num_attention_heads=5, num_key_value_heads=1, intermediate_size=38,
                                    num_hidden_layers=3, use_sliding_window=True, sliding_window=5,
                                    layer_types=["sliding_attention", "full_attention", "sliding_attention"]), torch.float16, "1GB", None, None),
    "lm-qwen3-window": (Qwen3Config(vocab_size=57, hidden_size=26, num_attention_heads=4, num_key_value_heads=2, head_dim=14, intermediate_size=34,
                                    num_hidden_layers=3, use_sliding_window=True, sliding_window=9, max_window_layers=1),
                        torch.bfloat16, "1GB", without_types, None),
    # Scores are divided by the layer's number, and by nothing else.
    "lm-gpt2-layers": (GPT2Config(vocab_size=54, n_positions=48, n_embd=28, n_layer=4, n_head=4, n_inner=39, scale_attn_weights=False,
                                  scale_attn_by_inverse_layer_idx=True, reorder_and_upcast_attn=True), torch.float16, "1GB", None, None),
    # Side by side; a sharded bfloat16; a quarter of an odd width of head is rotated.
    "lm-neox": (GPTNeoXConfig(vocab_size=67, hidden_size=42, num_attention_heads=3, intermediate_size=50, num_hidden_layers=3,
                              max_position_embeddings=96, rope_parameters=dict(rope_type="default", rope_theta=900.0, partial_rotary_factor=0.43)),
                torch.bfloat16, "30KB", neox_words, "gptneox"),
    # One after the other, with a tied head, no biases of attention, all of a head rotated.
    "lm-neox-serial": (GPTNeoXConfig(vocab_size=39, hidden_size=32, num_attention_heads=4, intermediate_size=27, num_hidden_layers=2,
                                     use_parallel_residual=False, attention_bias=False, tie_word_embeddings=True, hidden_act="gelu_new",
                                     rope_parameters=dict(rope_type="linear", factor=1.5, rope_theta=700.0, partial_rotary_factor=1.0)),
                       torch.float16, "1GB", None, None),
    "lm-olmo2": (Olmo2Config(vocab_size=62, hidden_size=36, num_attention_heads=6, num_key_value_heads=2, intermediate_size=37, num_hidden_layers=3,
                             max_position_embeddings=64, attention_bias=True, rope_parameters=dict(rope_type="default", rope_theta=800.0)),
                 torch.float16, "1GB", False, None),
    # Two layers with windows shorter than the text, the third without, its positions scaled.
    "lm-olmo3": (Olmo3Config(vocab_size=60, hidden_size=24, num_attention_heads=3, num_key_value_heads=3, intermediate_size=44, num_hidden_layers=3,
                             max_position_embeddings=128, sliding_window=6, layer_types=["sliding_attention", "sliding_attention", "full_attention"],
                             pad_token_id=None, rope_parameters=dict(
                                 sliding_attention=dict(rope_type="default", rope_theta=500.0),
                                 full_attention=dict(rope_type="yarn", rope_theta=500.0, factor=4.0, original_max_position_embeddings=32))),
                 torch.bfloat16, "1GB", None, "olmo2"),
    # The older files' gelu, which is the approximation; one head of keys.
    "lm-gemma": (GemmaConfig(vocab_size=64, hidden_size=28, num_attention_heads=3, num_key_value_heads=1, head_dim=12, intermediate_size=45,
                             num_hidden_layers=2, max_position_embeddings=64, pad_token_id=None), torch.bfloat16, "1GB",
                 lambda words: words | {"hidden_act": "gelu"}, "gemma"),
    # Caps that tell, a window shorter than the text in the first and third layer.
    "lm-gemma2": (Gemma2Config(vocab_size=61, hidden_size=32, num_attention_heads=4, num_key_value_heads=2, head_dim=10, intermediate_size=43,
                               num_hidden_layers=3, sliding_window=8, query_pre_attn_scalar=6, attn_logit_softcapping=1.5,
                               final_logit_softcapping=4.0, max_position_embeddings=64, pad_token_id=None), torch.float16, "1GB", None, None),
    # The same with the scale that GGUF files imply.
    "lm-gemma2-gguf": (Gemma2Config(vocab_size=41, hidden_size=24, num_attention_heads=2, num_key_value_heads=1, head_dim=14, intermediate_size=29,
                                    num_hidden_layers=2, sliding_window=11, query_pre_attn_scalar=14, attn_logit_softcapping=2.0,
                                    final_logit_softcapping=5.0, max_position_embeddings=64, pad_token_id=None), torch.float16, "1GB", None, "gemma2"),
    # Two bases, of which the full layers' is scaled.
    "lm-gemma3": (Gemma3TextConfig(vocab_size=63, hidden_size=32, num_attention_heads=4, num_key_value_heads=2, head_dim=12, intermediate_size=40,
                                   num_hidden_layers=3, sliding_window=7, query_pre_attn_scalar=12, max_position_embeddings=128, pad_token_id=None,
                                   layer_types=["sliding_attention", "full_attention", "sliding_attention"], rope_parameters=dict(
                                       sliding_attention=dict(rope_type="default", rope_theta=300.0),
                                       full_attention=dict(rope_type="linear", rope_theta=2000.0, factor=3.0))),
                  torch.bfloat16, "1GB", gemma3_words, None),
    "lm-gemma3-gguf": (Gemma3TextConfig(vocab_size=37, hidden_size=24, num_attention_heads=2, num_key_value_heads=1, head_dim=16, intermediate_size=31,
                                        num_hidden_layers=6, sliding_window=7, query_pre_attn_scalar=16, max_position_embeddings=128, pad_token_id=None,
                                        rope_parameters=dict(
                                            sliding_attention=dict(rope_type="default", rope_theta=10000.0),
                                            full_attention=dict(rope_type="linear", rope_theta=3000.0, factor=2.0))),
                       torch.float16, "1GB", None, "gemma3"),
    # Heads of keys are shared; as the published files have the share that is rotated.
    "lm-phi": (PhiConfig(vocab_size=65, hidden_size=40, num_attention_heads=4, num_key_value_heads=2, intermediate_size=47, num_hidden_layers=3,
                         max_position_embeddings=64, rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.6)),
               torch.bfloat16, "1GB", phi_words, "phi2"),
    # A sample longer than those of the training, a part of each head rotated, a window.
    "lm-phi3": (Phi3Config(vocab_size=64, hidden_size=36, num_attention_heads=3, num_key_value_heads=1, intermediate_size=49, num_hidden_layers=2,
                           max_position_embeddings=96, original_max_position_embeddings=24, sliding_window=13, pad_token_id=None,
                           rope_parameters=dict(rope_type="longrope", rope_theta=400.0, partial_rotary_factor=0.84,
                                                short_factor=[1.0, 1.1, 1.25, 1.4, 1.5], long_factor=[1.2, 1.9, 2.5, 3.1, 4.4])),
                torch.bfloat16, "1GB", phi3_words, "phi3"),
    "lm-opt": (OPTConfig(vocab_size=59, hidden_size=33, num_attention_heads=3, ffn_dim=52, num_hidden_layers=3, max_position_embeddings=48),
               torch.float16, "20KB", None, None),
    # As the model of 350 million: norms behind the sums, narrower embeddings, a head of its own beside them.
    "lm-opt-350m": (OPTConfig(vocab_size=66, hidden_size=32, num_attention_heads=4, ffn_dim=45, num_hidden_layers=3, max_position_embeddings=44,
                              do_layer_norm_before=False, word_embed_proj_dim=18, tie_word_embeddings=False), torch.float16, "1GB", None, None),
}


def gguf_rows(arch, name, w, c):
    """The order of rows in GGUF files."""
    if arch == "gptneox" and "query_key_value" in name:  # by head to one after the other
        rest = w.shape[1:]
        return np.ascontiguousarray(w.reshape(c.num_attention_heads, 3, -1, *rest).swapaxes(0, 1).reshape(w.shape))
    if arch.startswith("gemma") and "norm" in name:
        return w + 1
    return w


def gguf_words(w, arch, c):
    w.add_vocab_size(c.vocab_size)
    w.add_context_length(c.max_position_embeddings)
    w.add_embedding_length(c.hidden_size)
    w.add_block_count(c.num_hidden_layers)
    w.add_feed_forward_length(c.intermediate_size)
    w.add_head_count(c.num_attention_heads)
    if arch == "gptneox":
        w.add_rope_dimension_count(int(c.rope_parameters["partial_rotary_factor"] * (c.hidden_size // c.num_attention_heads)))
        w.add_rope_freq_base(c.rope_parameters["rope_theta"])
        w.add_parallel_residual(c.use_parallel_residual)
        w.add_layer_norm_eps(c.layer_norm_eps)
    if arch.startswith("gemma"):
        full = c.rope_parameters.get("full_attention", c.rope_parameters)
        w.add_head_count_kv(c.num_key_value_heads)
        w.add_layer_norm_rms_eps(c.rms_norm_eps)
        w.add_key_length(c.head_dim)
        w.add_value_length(c.head_dim)
        w.add_rope_freq_base(full["rope_theta"])
        if arch != "gemma":
            w.add_sliding_window(c.sliding_window)
        if arch == "gemma2":
            w.add_attn_logit_softcapping(c.attn_logit_softcapping)
            w.add_final_logit_softcapping(c.final_logit_softcapping)
        if arch == "gemma3":
            w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
            w.add_rope_scaling_factor(full["factor"])
    if arch.startswith("phi"):
        rope = c.rope_parameters
        w.add_head_count_kv(c.num_key_value_heads)
        w.add_rope_dimension_count(int(rope["partial_rotary_factor"] * (c.hidden_size // c.num_attention_heads)))
        if arch == "phi2":
            w.add_layer_norm_eps(c.layer_norm_eps)
            w.add_add_bos_token(False)
        else:
            w.add_layer_norm_rms_eps(c.rms_norm_eps)
            w.add_rope_freq_base(rope["rope_theta"])
            w.add_sliding_window(c.sliding_window)
            w.add_rope_scaling_orig_ctx_len(c.original_max_position_embeddings)
            factor = c.max_position_embeddings / c.original_max_position_embeddings
            w.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(factor) / math.log(c.original_max_position_embeddings)))
            for kind in ("long", "short"):
                w.add_tensor(f"rope_factors_{kind}.weight", np.array(rope[f"{kind}_factor"], dtype=np.float32))
    if arch == "olmo2":
        full = c.rope_parameters["full_attention"]
        w.add_head_count_kv(c.num_key_value_heads)
        w.add_layer_norm_rms_eps(c.rms_norm_eps)
        w.add_rope_freq_base(full["rope_theta"])
        w.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        w.add_rope_scaling_factor(full["factor"])
        w.add_rope_scaling_orig_ctx_len(full["original_max_position_embeddings"])
        w.add_sliding_window(c.sliding_window)
        w.add_sliding_window_pattern([t == "sliding_attention" for t in c.layer_types])


def write_gguf(path, model, arch):
    """Matrices as float16 where they are no norms or biases."""
    c = model.config
    kind = next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == arch)
    names = gguf.get_tensor_name_map(kind, c.num_hidden_layers)
    w = gguf.GGUFWriter(path, arch)
    gguf_words(w, arch, c)
    for name, value in model.state_dict().items():
        if name == "lm_head.weight" and c.tie_word_embeddings:
            continue
        theirs = names.get_name("embed_out.weight" if name == "lm_head.weight" and arch == "gptneox" else name, try_suffixes=(".weight", ".bias"))
        values = gguf_rows(arch, name, value.float().numpy(), c)
        w.add_tensor(theirs, values.astype(np.float16 if values.ndim > 1 else np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def with_a_tower(name):
    """The same language model as a part of a file with a tower for images, whose tensors are passed over."""
    folder, to = HERE / "models" / name, HERE / "models" / f"{name}-images"
    to.mkdir(exist_ok=True)
    tensors = {f"language_model.{key}": value for key, value in load_file(folder / "model.safetensors").items()}
    tensors["vision_tower.vision_model.post_layernorm.weight"] = torch.ones(3)
    tensors["multi_modal_projector.mm_soft_emb_norm.weight"] = torch.ones(3)
    save_file(tensors, to / "model.safetensors")
    words = json.loads((folder / "config.json").read_text())
    words.pop("architectures")
    (to / "config.json").write_text(json.dumps({"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "text_config": words,
                                                "vision_config": {"hidden_size": 3}, "mm_tokens_per_image": 4}, indent=1) + "\n")


def main():
    for name in sys.argv[1:] or FAMILIES:
        config, dtype, shard, words, arch = FAMILIES[name]
        model, _ = make_little(name, config, dtype, shard, words)
        if arch:  # bfloat16 weights of this size are float16 too, but for their last bit
            write_gguf(HERE / "models" / f"{name}.gguf", model, arch)
        if name == "lm-gemma3":
            with_a_tower(name)


if __name__ == "__main__":
    main()
