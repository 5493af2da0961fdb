# SPDX-License-Identifier: Apache-2.0
"""Makes the vision fixtures: what PyTorch computes for the example ViT and for odd little ones.

    python tests/reference/make_vit.py [NAME...]          (from the repository root; versions in requirements.txt)

Writes tests/reference/models/NAME/ (the odd models) and tests/reference/NAME.safetensors:
    pixels [n, channels, height, width]    what the model saw
    logits [n, outputs]
    SITE_mean_abs, _mean, _mean_square, _mean_sqrt_abs, _positive [layers, units], over all rows
    mask_SITE [layers, units]              U8, 1 = pruned
    logits_masked_mlp, _attn, _both        with those neurons set to zero
    logits_none                            with every neuron of both sites set to zero
    hidden [n, rows, width]                at the input of the last layer
"""
import gzip
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import DeiTConfig, DeiTForImageClassification, DeiTForImageClassificationWithTeacher, ViTConfig, ViTForImageClassification

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent

ODD = {
    # Not square, one channel, no qkv bias, another activation, float32 used where it is mapped.
    "vit-rect": (
        dict(image_size=[20, 12], patch_size=4, num_channels=1, qkv_bias=False, hidden_act="relu",
             hidden_size=24, num_attention_heads=3, intermediate_size=40, num_hidden_layers=2, num_labels=5),
        torch.float32, "1GB"),
    # Sharded bfloat16; the patch does not divide the image; another epsilon.
    "vit-shards": (
        dict(image_size=30, patch_size=7, hidden_act="gelu_new", layer_norm_eps=1e-5,
             hidden_size=32, num_attention_heads=4, intermediate_size=72, num_hidden_layers=3, num_labels=7),
        torch.bfloat16, "24KB"),
    # float16, patches that are not square, five heads of four.
    "vit-quick": (
        dict(image_size=[16, 18], patch_size=[4, 6], hidden_act="quick_gelu",
             hidden_size=20, num_attention_heads=5, intermediate_size=33, num_hidden_layers=1, num_labels=2),
        torch.float16, "1GB"),
    # exp's other user, and one head only.
    "vit-silu": (
        dict(image_size=8, patch_size=8, hidden_act="silu",
             hidden_size=16, num_attention_heads=1, intermediate_size=16, num_hidden_layers=2, num_labels=3),
        torch.float32, "1GB"),
    # A second token, and then a head for each.
    "deit": (
        dict(image_size=[18, 12], patch_size=6, hidden_size=28, num_attention_heads=4, intermediate_size=37,
             num_hidden_layers=2, num_labels=6),
        torch.float16, "1GB"),
    "deit-teacher": (
        dict(image_size=15, patch_size=5, hidden_size=20, num_attention_heads=2, intermediate_size=31,
             num_hidden_layers=2, num_labels=9),
        torch.bfloat16, "1GB"),
}


def class_of(name):
    if name == "deit-teacher":
        return DeiTForImageClassificationWithTeacher
    return DeiTForImageClassification if name.startswith("deit") else ViTForImageClassification


def make_odd(name, settings, dtype, shard):
    torch.manual_seed(1)
    config = DeiTConfig if name.startswith("deit") else ViTConfig
    model = class_of(name)(config(initializer_range=0.2, **settings))
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if name.startswith("deit") and ("token" in key or "position_embeddings" in key):  # drawn as zeros
                parameter.add_(0.3 * torch.randn_like(parameter))
            if parameter.dim() == 1:  # biases and norms, or they would be 0 and 1
                parameter.add_(0.1 * torch.randn_like(parameter))
    folder = HERE / "models" / name
    model.to(dtype).save_pretrained(folder, max_shard_size=shard)
    return folder


def layers_of(model):
    return model.blocks if hasattr(model, "blocks") else model.base_model.layers  # timm's, or transformers'


def answers(model, pixels):
    out = model(pixels)
    return getattr(out, "logits", out)


def sites(model):
    layers = layers_of(model)
    if hasattr(model, "blocks"):
        return {"mlp": [layer.mlp.fc2 for layer in layers], "attn": [layer.attn.proj for layer in layers]}
    return {"mlp": [layer.mlp.fc2 for layer in layers], "attn": [layer.attention.o_proj for layer in layers]}


def collect(model, pixels):
    """Statistics of every neuron, accumulated in float64, and the hidden states before the last layer."""
    seen, hooks, kept = {}, [], {}
    for site, modules in sites(model).items():
        for layer, module in enumerate(modules):
            hooks.append(module.register_forward_pre_hook(
                lambda m, args, key=(site, layer): seen.__setitem__(key, args[0].double().flatten(0, -2))))
    hooks.append(layers_of(model)[-1].register_forward_pre_hook(
        lambda m, args: kept.__setitem__("hidden", args[0].clone())))
    with torch.no_grad():
        logits = answers(model, pixels)
    for hook in hooks:
        hook.remove()
    out = {"logits": logits, "hidden": kept["hidden"]}
    for site, modules in sites(model).items():
        x = [seen[site, layer] for layer in range(len(modules))]
        out[f"{site}_mean_abs"] = torch.stack([v.abs().mean(0) for v in x])
        out[f"{site}_mean"] = torch.stack([v.mean(0) for v in x])
        out[f"{site}_mean_square"] = torch.stack([(v * v).mean(0) for v in x])
        out[f"{site}_mean_sqrt_abs"] = torch.stack([v.abs().sqrt().mean(0) for v in x])
        out[f"{site}_positive"] = torch.stack([(v > 0).double().mean(0) for v in x])
    return out


def masked_logits(model, pixels, masks):
    hooks = []
    for site, mask in masks.items():
        for layer, module in enumerate(sites(model)[site]):
            hooks.append(module.register_forward_pre_hook(
                lambda m, args, keep=1 - mask[layer].float(): (args[0] * keep,)))
    with torch.no_grad():
        logits = answers(model, pixels)
    for hook in hooks:
        hook.remove()
    return logits


def make_fixture(name, folder, pixels):
    make_fixture_of(name, class_of(name).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager"), pixels)


def make_fixture_of(name, model, pixels):
    model.eval()
    out = {"pixels": pixels, **collect(model, pixels)}
    generator = torch.Generator().manual_seed(2)
    masks = {site: (torch.rand(out[f"{site}_mean"].shape, generator=generator) < share).to(torch.uint8)
             for site, share in (("mlp", 0.4), ("attn", 0.2))}
    masks["mlp"][0] = 0          # a layer without pruned neurons, unless it is the only one
    masks["mlp"][-1, ::3] = 1
    everything = {site: torch.ones_like(mask) for site, mask in masks.items()}
    out["logits_masked_mlp"] = masked_logits(model, pixels, {"mlp": masks["mlp"]})
    out["logits_masked_attn"] = masked_logits(model, pixels, {"attn": masks["attn"]})
    out["logits_masked_both"] = masked_logits(model, pixels, masks)
    out["logits_none"] = masked_logits(model, pixels, everything)
    tensors = {key: value.float().contiguous() for key, value in out.items()}
    tensors |= {f"mask_{site}": mask.contiguous() for site, mask in masks.items()}
    save_file(tensors, HERE / f"{name}.safetensors")
    print(f"{name}: logits {tuple(out['logits'].shape)}, |logits| up to {out['logits'].abs().max():.3f}")


def glyph_pixels(count):
    """Every (4000 / count)th image of examples/glyph100 as preprocessor_config.json has it (no resize needed)."""
    records = np.frombuffer(gzip.decompress((ROOT / "examples/glyph100/test.bin.gz").read_bytes()), np.uint8)
    images = records.reshape(-1, 3074)[:: 4000 // count, 2:].reshape(-1, 3, 32, 32)
    return torch.from_numpy((images.astype(np.float32) / 255 - 0.5) / 0.5)


def main():
    chosen = sys.argv[1:]  # names of ODD: only those are made
    if not chosen:
        make_fixture("vit-glyph100", ROOT / "examples/vit-glyph100", glyph_pixels(16))
    for name, (settings, dtype, shard) in ODD.items():
        if chosen and name not in chosen:
            continue
        folder = make_odd(name, settings, dtype, shard)
        size = settings["image_size"]
        height, width = size if isinstance(size, list) else (size, size)
        generator = torch.Generator().manual_seed(3)
        pixels = torch.randn(5, settings.get("num_channels", 3), height, width, generator=generator)
        make_fixture(name, folder, pixels)


if __name__ == "__main__":
    main()
