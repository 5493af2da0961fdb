#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes norms.txt: the L2 norms of the output weights of the neurons of little models, as PyTorch has them.

    python tests/reference/make_norms.py tests/reference/norms.txt

Versions in requirements.txt. A line: a model's folder, site, layer, how many numbers follow, and these. Modules are called here by their names in
the framework, of one family each (tests/unit/model/test_norms.c).
"""
import sys
from pathlib import Path

import torch
from transformers import AutoModel

HERE = Path(__file__).parent
# The projections of a layer, by what their names end with: mlp, attn. Of mixtures, all of a layer's experts are one parameter.
MODELS = {
    "lm-llama": ("mlp.down_proj", "self_attn.o_proj"),
    "lm-gpt2": ("mlp.c_proj", "attn.c_proj"),
    "lm-neox": ("mlp.dense_4h_to_h", "attention.dense"),
    "lm-phi3": ("mlp.down_proj", "self_attn.o_proj"),
    "lm-gemma2": ("mlp.down_proj", "self_attn.o_proj"),
    "lm-bert": ("output.dense", "attention.output.dense"),
    "lm-mixtral": ("mlp.experts.down_proj", "self_attn.o_proj"),
    "lm-qwen3-moe": ("mlp.experts.down_proj", "self_attn.o_proj"),
    "dinov2": ("mlp.fc2", "attention.o_proj"),
}


def norms(name, end, model):
    """Of each layer in order: [outputs, neurons], or [experts, outputs, neurons]."""
    found = [(key, value) for key, value in model.named_parameters() if key.removesuffix(".weight").endswith("." + end)]
    if name == "lm-bert" and end == "output.dense":
        found = [(key, value) for key, value in found if ".attention." not in key]
    turned = name == "lm-gpt2"  # its Conv1D holds [in, out]
    return [(value.double().T if turned else value.double()).norm(dim=-2) for _, value in found]


def main(path):
    with open(path, "w") as out:
        for name, ends in MODELS.items():
            model = AutoModel.from_pretrained(HERE / "models" / name, dtype=torch.float32)
            for site, end in zip(("mlp", "attn"), ends):
                layers = norms(name, end, model)
                assert len(layers) == model.config.num_hidden_layers, (name, end, len(layers))
                for layer, norm in enumerate(layers):
                    lines = {site: norm.flatten()}
                    if norm.dim() == 2:
                        lines["expert"] = norm.norm(dim=1)
                    for of, values in lines.items():
                        out.write(f"{name} {of} {layer} {len(values)} " + " ".join("%.9g" % v for v in values.tolist()) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
