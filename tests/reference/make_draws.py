# SPDX-License-Identifier: Apache-2.0
"""How the frameworks draw the weights of models, by their moments (tests/unit/model/test_random.c).

    python tests/reference/make_draws.py     (from the repository root, behind the other make_*.py; versions in requirements.txt; timm for its models)

Writes tests/reference/draws.txt, a tensor a line: fixture, the name that files have for it, and over ten draws mean, standard deviation and largest
magnitude. Of layers the last one only.
"""
import json
import pathlib
import re
import tempfile
import warnings

import timm
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM

import make_towers
import make_vit

HERE = pathlib.Path(__file__).parent
DRAWS = 10
TEXT = ("llama mistral qwen2 qwen3 gpt2 neox neox-serial olmo2 olmo3 gemma gemma2 gemma3 phi phi3 opt opt-350m").split()
IMAGES = ["vit-rect", "deit", "deit-teacher"]


def draw_timm(name):
    words = json.loads((HERE / "models" / name / "config.json").read_text())
    channels, height, width = words["pretrained_cfg"]["input_size"]
    return timm.create_model(words["architecture"], **({"img_size": (height, width), "in_chans": channels} | words["model_args"])).state_dict()


def draw(name):
    """A draw's tensors under the names that files have."""
    if name.startswith("timm"):
        return draw_timm(name)
    config = AutoConfig.from_pretrained(HERE / "models" / name)
    if name.startswith("lm-"):
        model = AutoModelForCausalLM.from_config(config)
    elif name in make_towers.TOWERS:
        model = make_towers.TOWERS[name][0](config)
    else:
        model = make_vit.class_of(name)(config)
    with tempfile.TemporaryDirectory() as folder:
        model.float().save_pretrained(folder)
        return {key: value.clone() for key, value in load_file(f"{folder}/model.safetensors").items()}


def main():
    lines = []
    for name in [f"lm-{family}" for family in TEXT] + IMAGES + ["timm-vit", "timm-distilled"] + list(make_towers.TOWERS):
        torch.manual_seed(5)
        draws = [draw(name) for _ in range(DRAWS)]
        layer = lambda key: next((int(n) for n in re.findall(r"\.(\d+)\.", f".{key}")), None)
        last = max(n for n in map(layer, draws[0]) if n is not None)
        for key in sorted(draws[0]):
            if layer(key) in (None, last) and "text_model" not in key:
                x = torch.stack([d[key] for d in draws]).double()
                lines.append(f"{name} {key} {x.mean():.5g} {x.std(correction=0):.5g} {x.abs().max():.5g}")
    (HERE / "draws.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
