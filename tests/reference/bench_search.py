# SPDX-License-Identifier: Apache-2.0
"""The search of the stage `prune` in plain PyTorch, for (d) of tests/bench.sh: the same statistics' scores and the same search
(bench_common.py), by hooks that multiply with a mask. No kept activations, no compacted weights, no early end.

usage: bench_search.py MODEL_FOLDER GLYPH_FOLDER THREADS SUBSETS
Prints as bench_common.search.
"""
import json
import sys

import numpy as np
import torch
from bench_common import Glyphs, collect, search
from transformers import ViTForImageClassification

folder, data, threads, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
model = ViTForImageClassification.from_pretrained(folder, dtype=torch.float32).eval()
layers = model.vit.layers if hasattr(model.vit, "layers") else model.vit.encoder.layer
downs = [l.mlp.fc2 if hasattr(l, "mlp") else l.output.dense for l in layers]
glyphs = Glyphs(data)
prep = json.load(open(f"{folder}/preprocessor_config.json"))
mean, std = (np.array(prep[k], dtype=np.float32).reshape(1, 3, 1, 1) for k in ("image_mean", "image_std"))
pixels = torch.from_numpy(((glyphs.pixels / np.float32(255)) - mean) / std).float()
fine = torch.from_numpy(glyphs.fine)
masks = [torch.ones(d.in_features) for d in downs]
for k, d in enumerate(downs):
    d.register_forward_pre_hook(lambda m, x, k=k: (x[0] * masks[k],))


def answer(index):
    right = 0
    with torch.inference_mode():
        for at in range(0, len(index), 64):
            part = index[at : at + 64]
            right += int((model(pixel_values=pixels[part]).logits.argmax(-1) == fine[part]).sum())
    return right / len(index)


def prune(order, n):
    flat = torch.ones(sum(len(m) for m in masks))
    flat[order[:n]] = 0
    masks[:] = flat.split([len(m) for m in masks])


search(glyphs, collect(glyphs, downs, answer), answer, prune, wanted)
