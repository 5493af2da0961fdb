# SPDX-License-Identifier: Apache-2.0
"""Makes the fixtures of timm's models: what timm computes for odd little ones, and what its evaluation makes of images.

    python tests/reference/make_timm.py     (from the repository root; timm 1.0.31, torchvision 0.29.2, Pillow below 13 as for make_images.py, and
    requirements.txt)

Writes tests/reference/models/NAME/ and tests/reference/NAME.safetensors, as make_vit.py does, and tests/reference/images/timm_*/config.json with
images/timm.txt, a case a line as images/processor.txt has it.
"""
import json
import pathlib
import zlib

import numpy as np
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform, resolve_data_config

from make_vit import make_fixture_of

HERE = pathlib.Path(__file__).parent
IMAGENET = dict(interpolation="bicubic", crop_pct=0.9, crop_mode="center", mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])

# name: architecture, arguments, what the file says of images, dtype
MODELS = {
    # Not square by arguments.
    "timm-vit": ("vit_tiny_patch16_224", dict(img_size=[12, 18], patch_size=6, embed_dim=20, depth=3, num_heads=2, mlp_ratio=1.9, num_classes=7),
                 dict(input_size=[3, 12, 18], fixed_input_size=True, **(IMAGENET | dict(crop_mode="squash"))), torch.float16),
    # Two heads; the size of images is that of the preprocessing; one channel.
    "timm-distilled": ("deit_tiny_distilled_patch16_224", dict(patch_size=5, embed_dim=24, depth=2, num_heads=3, num_classes=5),
                       dict(input_size=[1, 16, 16], fixed_input_size=True, **(IMAGENET | dict(mean=[0.5], std=[0.25]))), torch.bfloat16),
}


def make_model(name, architecture, arguments, pretrained, dtype):
    torch.manual_seed(1)
    channels, height, width = pretrained["input_size"]
    model = timm.create_model(architecture, pretrained=False, **({"img_size": (height, width), "in_chans": channels} | arguments))
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.add_((0.2 if parameter.dim() > 1 else 0.1) * torch.randn_like(parameter))
    model.to(dtype)
    folder = HERE / "models" / name
    folder.mkdir(exist_ok=True)
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, folder / "model.safetensors")
    words = {"architecture": architecture, "num_classes": arguments["num_classes"], "num_features": arguments["embed_dim"], "global_pool": "token",
             "model_args": arguments, "pretrained_cfg": pretrained | {"num_classes": arguments["num_classes"], "first_conv": "patch_embed.proj"}}
    (folder / "config.json").write_text(json.dumps(words, indent=1) + "\n")
    pixels = torch.randn(5, channels, height, width, generator=torch.Generator().manual_seed(3))
    make_fixture_of(name, model.float(), pixels)


def recipe(seed, h, w, c):
    """As in make_images.py."""
    i = np.arange(h * w * c, dtype=np.uint64)
    x = (((i + 1) * 2654435761 + seed * 2246822519) % 2**32 >> 24).astype(np.uint8)
    if seed % 3 == 2:
        x = np.where(x > 127, 255, 0).astype(np.uint8)
    return x.reshape(h, w, c)


def preprocessing():
    base = IMAGENET | dict(input_size=[3, 24, 24])
    cases = {
        "timm_center": base,
        "timm_whole": base | dict(crop_pct=1.0, interpolation="bilinear"),
        "timm_defaults": dict(input_size=[3, 30, 30]),
        "timm_squash": base | dict(input_size=[3, 20, 26], crop_mode="squash", crop_pct=0.95, mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5]),
    }
    lines, seed = [], 200
    for name, pretrained in cases.items():
        folder = HERE / "images" / name
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"architecture": "vit_tiny_patch16_224", "pretrained_cfg": pretrained}, indent=1) + "\n")
        transform = create_transform(**resolve_data_config({}, pretrained_cfg=pretrained), is_training=False)
        for h, w in ((32, 32), (61, 45), (48, 41), (50, 77)):  # odd and even rests
            out = transform(Image.fromarray(recipe(seed, h, w, 3))).numpy()
            lines.append(f"{name} {seed} {h} {w} 3 {out.shape[1]} {out.shape[2]} {zlib.crc32(out.tobytes()):08x}")
            seed += 1
    (HERE / "images" / "timm.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    for name, settings in MODELS.items():
        make_model(name, *settings)
    preprocessing()
