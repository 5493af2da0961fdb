# SPDX-License-Identifier: Apache-2.0
"""How far PyTorch's bfloat16 is from its float32: what ours is held against (tests/unit/model/test_bf16.c).

    python tests/reference/make_bf16.py     (from the repository root, behind the other make_*.py; versions in requirements.txt; timm for its models)

Writes tests/reference/bf16.txt, a fixture a line: its name, the root mean square of the differences of logits (of hidden states where there are none),
divided by that of the logits themselves, of the whole model and of the pruned one; the same of mean |x| at both sites; and the share of rows whose
largest logit is the same, pruned.
"""
import json
import pathlib
import warnings

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

import make_lm
import make_towers
import make_vit
from make_families import FAMILIES
from make_lm import LITTLE

HERE = pathlib.Path(__file__).parent


def apart(a, b):
    return ((a.double() - b.double()).square().mean().sqrt() / b.double().square().mean().sqrt()).item()


def line(name, fixture, out, masked, seen, expected, expected_masked):
    sites = []
    for site in ("mlp", "attn"):
        mean = torch.stack([seen[site, layer].abs().mean(0) for layer in range(fixture[f"{site}_mean_abs"].shape[0])])
        sites.append(apart(mean, fixture[f"{site}_mean_abs"]))
    same = (masked.argmax(-1) == expected_masked.argmax(-1)).double().mean().item()
    return f"{name} {apart(out, expected):.2e} {apart(masked, expected_masked):.2e} {sites[0]:.2e} {sites[1]:.2e} {same:.3f}"


def text(name):
    fixture = load_file(HERE / f"{name}.safetensors")
    model = AutoModelForCausalLM.from_pretrained(HERE / "models" / name, dtype=torch.bfloat16, attn_implementation="eager").eval()
    samples, begin = [], 0
    for n in fixture["lengths"].tolist():
        samples.append(fixture["ids"][begin:begin + n].tolist())
        begin += n
    seen = {}
    out = make_lm.run(model, samples, lambda key, x: seen.setdefault(key, []).append(x.reshape(-1, x.shape[-1]).double()) and None)
    masked = make_lm.run(model, samples, lambda key, x: (x * (1 - fixture[f"mask_{key[0]}"][key[1]].to(x.dtype)),))
    return line(name, fixture, out, masked, {key: torch.cat(x) for key, x in seen.items()}, fixture["logits"], fixture["logits_masked"])


def image_model(name):
    folder = HERE / "models" / name
    if not name.startswith("timm"):
        return make_vit.class_of(name).from_pretrained(folder, dtype=torch.bfloat16, attn_implementation="eager").eval()
    import timm
    words = json.loads((folder / "config.json").read_text())
    channels, height, width = words["pretrained_cfg"]["input_size"]
    model = timm.create_model(words["architecture"], **({"img_size": (height, width), "in_chans": channels} | words["model_args"]))
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.to(torch.bfloat16).eval()


def image(name):
    fixture = load_file(HERE / f"{name}.safetensors")
    model, pixels = image_model(name), fixture["pixels"].to(torch.bfloat16)
    seen, hooks = {}, []
    for site, modules in make_vit.sites(model).items():
        for layer, module in enumerate(modules):
            hooks.append(module.register_forward_pre_hook(lambda m, args, key=(site, layer): seen.__setitem__(key, args[0].double().flatten(0, -2))))
    with torch.no_grad():
        out = make_vit.answers(model, pixels).float()
    for hook in hooks:
        hook.remove()
    masks = {site: fixture[f"mask_{site}"] for site in ("mlp", "attn")}
    for site, mask in masks.items():
        for layer, module in enumerate(make_vit.sites(model)[site]):
            module.register_forward_pre_hook(lambda m, args, keep=1 - mask[layer].to(torch.bfloat16): (args[0] * keep,))
    with torch.no_grad():
        masked = make_vit.answers(model, pixels).float()
    return line(name, fixture, out, masked, seen, fixture["logits"], fixture["logits_masked_both"])


def tower(name):
    fixture = load_file(HERE / f"{name}.safetensors")
    model = make_towers.TOWERS[name][0].from_pretrained(HERE / "models" / name, dtype=torch.bfloat16, attn_implementation="eager").eval()
    model, pixels, seen = getattr(model, "vision_model", model), fixture["pixels"].to(torch.bfloat16), {}
    out = make_towers.run(model, pixels, lambda key, x: seen.__setitem__(key, x.double().flatten(0, -2))).float()
    masked = make_towers.run(model, pixels, lambda key, x: (x * (1 - fixture[f"mask_{key[0]}"][key[1]].to(x.dtype)),)).float()
    return line(name, fixture, out, masked, seen, fixture["hidden"], fixture["hidden_masked"])


def main():
    lines = [text(name) for name in [*LITTLE, *FAMILIES]]
    lines += [image(name) for name in [*make_vit.ODD, "timm-vit", "timm-distilled"]]
    lines += [tower(name) for name in make_towers.TOWERS]
    (HERE / "bf16.txt").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
