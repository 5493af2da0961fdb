# SPDX-License-Identifier: Apache-2.0
"""Makes the fixtures of vision models without classes: odd little ones, and what PyTorch computes inside them.

    python tests/reference/make_towers.py [NAME...]     (from the repository root; versions in requirements.txt)

Writes tests/reference/models/NAME/ and tests/reference/NAME.safetensors, with what make_vit.py has in the same words but for logits:
    hidden, hidden_masked [n, rows, width]     at the input of the last layer; with the neurons of mask_mlp and mask_attn set to zero
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import (CLIPConfig, CLIPModel, CLIPVisionConfig, CLIPVisionModel, Dinov2Config, Dinov2Model, Dinov2WithRegistersConfig,
                          Dinov2WithRegistersModel, SiglipVisionConfig, SiglipVisionModel)

HERE = pathlib.Path(__file__).parent
SMALL = dict(hidden_size=24, num_attention_heads=3, num_hidden_layers=3)
TEXT = dict(vocab_size=20, hidden_size=12, intermediate_size=14, num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=8,
            bos_token_id=1, eos_token_id=2, pad_token_id=0)

# name: class, configuration, image (channels, height, width)
TOWERS = {
    # Images larger and smaller than those of the training, one of them not square: positions are resampled.
    "dinov2-resampled": (Dinov2Model, Dinov2Config(image_size=20, patch_size=4, mlp_ratio=2, **SMALL), (3, 17, 28)),
    "dinov2-antialiased": (Dinov2WithRegistersModel, Dinov2WithRegistersConfig(
        image_size=55, patch_size=5, mlp_ratio=2, num_register_tokens=2, **SMALL), (3, 20, 25)),
    "dinov2": (Dinov2Model, Dinov2Config(image_size=21, patch_size=7, mlp_ratio=2, num_channels=2, **SMALL), (2, 21, 21)),
    "dinov2-giant": (Dinov2WithRegistersModel, Dinov2WithRegistersConfig(
        image_size=18, patch_size=6, mlp_ratio=3, use_swiglu_ffn=True, num_register_tokens=3, qkv_bias=False, **SMALL), (3, 18, 18)),
    "clip": (CLIPModel, CLIPConfig(projection_dim=10, text_config=TEXT, vision_config=dict(
        image_size=16, patch_size=5, intermediate_size=41, projection_dim=10, **SMALL)), (3, 16, 16)),
    "clip-vision": (CLIPVisionModel, CLIPVisionConfig(image_size=12, patch_size=4, intermediate_size=35, hidden_act="gelu", **SMALL), (3, 12, 12)),
    "siglip": (SiglipVisionModel, SiglipVisionConfig(image_size=15, patch_size=5, intermediate_size=33, **SMALL), (3, 15, 15)),
}


def modules(model, ends):
    return [m for n, m in model.named_modules() if n.endswith(ends) and "text_model" not in n and not n.startswith("head.")]


def sites(model):
    return {"mlp": modules(model, ("mlp.fc2", "mlp.down_proj")), "attn": modules(model, ("attention.o_proj", "attn.out_proj"))}


def run(model, pixels, hook):
    """The hidden states before the last layer; hook(key, x) sees every site, and may change it."""
    kept = []
    hooks = [m.register_forward_pre_hook(lambda m, args, key=(site, layer): hook(key, args[0]))
             for site, of in sites(model).items() for layer, m in enumerate(of)]
    last = [m for n, m in model.named_modules() if n.endswith((".layer.2", ".layers.2"))][-1]
    hooks.append(last.register_forward_pre_hook(lambda m, args: kept.append(args[0].clone())))
    with torch.no_grad():
        model(pixel_values=pixels)
    for h in hooks:
        h.remove()
    return kept[0]


def main():
    for name in sys.argv[1:] or TOWERS:
        kind, config, image = TOWERS[name]
        torch.manual_seed(1)
        model = kind(config)
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                parameter.add_((0.3 if parameter.dim() > 1 else 0.15) * torch.randn_like(parameter))
        folder = HERE / "models" / name
        model.half().save_pretrained(folder)
        if name in ("dinov2-resampled", "dinov2-antialiased"):  # which says how large images are
            (folder / "preprocessor_config.json").write_text(json.dumps({
                "image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 32},
                "crop_size": {"height": image[1], "width": image[2]}}, indent=1) + "\n")
        model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        tower = getattr(model, "vision_model", model)
        pixels = torch.randn(4, *image, generator=torch.Generator().manual_seed(3))
        seen = {}
        out = {"pixels": pixels, "hidden": run(tower, pixels, lambda key, x: seen.__setitem__(key, x.double().flatten(0, -2)))}
        masks, generator = {}, torch.Generator().manual_seed(2)
        for site, share in (("mlp", 0.4), ("attn", 0.2)):
            x = [seen[site, layer] for layer in range(SMALL["num_hidden_layers"])]
            out[f"{site}_mean_abs"] = torch.stack([v.abs().mean(0) for v in x])
            out[f"{site}_mean"] = torch.stack([v.mean(0) for v in x])
            out[f"{site}_mean_square"] = torch.stack([(v * v).mean(0) for v in x])
            out[f"{site}_mean_sqrt_abs"] = torch.stack([v.abs().sqrt().mean(0) for v in x])
            out[f"{site}_positive"] = torch.stack([(v > 0).double().mean(0) for v in x])
            masks[site] = (torch.rand(out[f"{site}_mean"].shape, generator=generator) < share).to(torch.uint8)
        out["hidden_masked"] = run(tower, pixels, lambda key, x: (x * (1 - masks[key[0]][key[1]].float()),))
        tensors = {key: value.float().contiguous() for key, value in out.items()}
        tensors |= {f"mask_{site}": mask.contiguous() for site, mask in masks.items()}
        save_file(tensors, HERE / f"{name}.safetensors")
        print(f"{name}: hidden {tuple(out['hidden'].shape)}, up to {out['hidden'].abs().max():.3f}")


if __name__ == "__main__":
    main()
