# SPDX-License-Identifier: Apache-2.0
"""Writes tests/reference/configs.txt: configurations that say as little as they may, and how many parameters transformers, or timm, makes of them.

    python tests/reference/make_configs.py     (from the repository root; versions in requirements.txt; timm for its models)

A line each: name, parameters, and the text of config.json, apart by tabs. What no pass reads is not counted: pooling heads, tokens of masks, the text
towers beside those of images.
"""
import json
import pathlib
import warnings

import timm
import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForImageClassification, CLIPVisionModel, DeiTForImageClassificationWithTeacher, SiglipVisionModel

HERE = pathlib.Path(__file__).parent
UNREAD = ("mask_token", "pooler", "vision_model.head.", "head.probe", "head.attention", "head.layernorm", "head.mlp")

CONFIGS = {
    # Nothing but the class: its defaults.
    "gemma": dict(model_type="gemma"),
    "gemma2": dict(model_type="gemma2"),
    "gemma3": dict(model_type="gemma3_text"),
    "gpt2": dict(model_type="gpt2"),
    "neox": dict(model_type="gpt_neox"),
    "olmo2": dict(model_type="olmo2"),
    "olmo3": dict(model_type="olmo3"),
    "opt": dict(model_type="opt"),
    "phi": dict(model_type="phi"),
    "phi3": dict(model_type="phi3"),
    "vit": dict(model_type="vit"),
    "deit": dict(model_type="deit"),
    "dinov2": dict(model_type="dinov2"),
    "dinov2-registers": dict(model_type="dinov2_with_registers"),
    "clip-vision": dict(model_type="clip_vision_model"),
    "siglip-vision": dict(model_type="siglip_vision_model"),
    "timm": dict(architecture="vit_base_patch16_224"),
    # The sizes of widely used models, and fields that change which tensors there are.
    "gemma-2b": dict(model_type="gemma", hidden_size=2048, intermediate_size=16384, num_attention_heads=8, num_hidden_layers=18, num_key_value_heads=1),
    "gemma2-9b": dict(model_type="gemma2", hidden_size=3584, intermediate_size=14336, num_attention_heads=16, num_hidden_layers=42,
                      num_key_value_heads=8, query_pre_attn_scalar=256),
    "gemma3-1b": dict(model_type="gemma3_text", vocab_size=262144, hidden_size=1152, intermediate_size=6912, num_attention_heads=4,
                      num_hidden_layers=26, num_key_value_heads=1, sliding_window=512, rope_local_base_freq=10000, rope_theta=1000000),
    "pythia-70m": dict(model_type="gpt_neox", vocab_size=50304, hidden_size=512, intermediate_size=2048, num_attention_heads=8, num_hidden_layers=6,
                       rotary_pct=0.25, use_parallel_residual=True),
    "olmo2-1b": dict(model_type="olmo2", vocab_size=100352, hidden_size=2048, intermediate_size=8192, num_attention_heads=16, num_hidden_layers=16,
                     rope_theta=500000, rms_norm_eps=1e-6),
    "olmo3-7b": dict(model_type="olmo3", vocab_size=100278, hidden_size=4096, intermediate_size=11008, sliding_window=4096),
    "opt-350m": dict(model_type="opt", hidden_size=1024, ffn_dim=4096, num_attention_heads=16, num_hidden_layers=24, word_embed_proj_dim=512,
                     do_layer_norm_before=False),
    "phi-2": dict(model_type="phi", hidden_size=2560, intermediate_size=10240, num_hidden_layers=32, num_attention_heads=32, partial_rotary_factor=0.4),
    "phi3-mini-untied": dict(model_type="phi3", sliding_window=2047),
    "phi4-mini": dict(model_type="phi3", vocab_size=200064, num_attention_heads=24, num_key_value_heads=8, tie_word_embeddings=True,
                      partial_rotary_factor=0.75),
    "qwen2-windows": dict(model_type="qwen2", vocab_size=151936, hidden_size=896, intermediate_size=4864, num_attention_heads=14, num_hidden_layers=24,
                          num_key_value_heads=2, use_sliding_window=True, max_window_layers=21, tie_word_embeddings=True),
    "qwen3-0.6b": dict(model_type="qwen3", vocab_size=151936, hidden_size=1024, intermediate_size=3072, num_attention_heads=16, num_hidden_layers=28,
                       num_key_value_heads=8, tie_word_embeddings=True),
    "gpt2-mistral": dict(model_type="gpt2", scale_attn_by_inverse_layer_idx=True, reorder_and_upcast_attn=True),
    "deit-small-teacher": dict(model_type="deit", architectures=["DeiTForImageClassificationWithTeacher"], hidden_size=384, intermediate_size=1536,
                               num_attention_heads=6),
    "dinov2-giant": dict(model_type="dinov2", hidden_size=1536, num_hidden_layers=40, num_attention_heads=24, image_size=518, use_swiglu_ffn=True),
    "clip-l14": dict(model_type="clip_vision_model", hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16,
                     patch_size=14),
    "siglip-so400m": dict(model_type="siglip_vision_model", hidden_size=1152, intermediate_size=4304, num_hidden_layers=27, num_attention_heads=16,
                          image_size=384, patch_size=14),
    "timm-deit": dict(architecture="deit_small_distilled_patch16_224", num_classes=10),
    "timm-large-384": dict(architecture="vit_large_patch32_384", num_classes=21843, pretrained_cfg=dict(input_size=[3, 384, 384], fixed_input_size=True)),
    "timm-features": dict(architecture="vit_small_patch16_224.some_tag", num_classes=0),
    "timm-tiny-args": dict(architecture="vit_tiny_patch16_224", model_args=dict(img_size=64, patch_size=8, qkv_bias=False, num_classes=100)),
}
IMAGES = {"vit": AutoModelForImageClassification, "deit": AutoModelForImageClassification}


def make(words):
    if "architecture" in words:
        size = words.get("pretrained_cfg", {}).get("input_size", [3, None, None])[1]
        return timm.create_model(words["architecture"].split(".")[0], **(
            ({"num_classes": words["num_classes"]} if "num_classes" in words else {}) | ({"img_size": size} if size else {}) | words.get("model_args", {})))
    kind = words["model_type"]
    config = AutoConfig.for_model(kind, **{key: value for key, value in words.items() if key not in ("model_type", "architectures")})
    config.architectures = []  # which AutoModel looks through
    if "architectures" in words:
        return DeiTForImageClassificationWithTeacher(config)
    towers = {"clip_vision_model": CLIPVisionModel, "siglip_vision_model": SiglipVisionModel}
    if kind in towers:
        return towers[kind](config)
    if kind.startswith("dinov2"):
        return AutoModel.from_config(config)
    return IMAGES.get(kind, AutoModelForCausalLM).from_config(config)


def main():
    lines = []
    for name, words in CONFIGS.items():
        with torch.device("meta"):
            model = make(words)
        count = sum(p.numel() for key, p in model.named_parameters() if not any(part in key for part in UNREAD))
        lines.append(f"{name}\t{count}\t{json.dumps(words)}")
    (HERE / "configs.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
