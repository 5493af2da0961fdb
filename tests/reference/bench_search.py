# SPDX-License-Identifier: Apache-2.0
"""The search of the stage `prune` in plain PyTorch, for (d) of tests/bench.sh: the same statistics' scores, the same bisection to drops of 50% and
80%, the forget subset's evaluation half answered with masked neurons, and every subset answered once at the share found. No kept
activations, no compacted weights, no early end.

usage: bench_search.py MODEL_FOLDER GLYPH_FOLDER THREADS SUBSETS
Prints the seconds of the searches over SUBSETS subsets, scaled to all of them (collecting and scoring are left out).
"""
import gzip
import json
import sys
import time

import numpy as np
import torch
from transformers import ViTForImageClassification

folder, data, threads, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
model = ViTForImageClassification.from_pretrained(folder, dtype=torch.float32).eval()
layers = model.vit.layers if hasattr(model.vit, "layers") else model.vit.encoder.layer
downs = [l.mlp.fc2 if hasattr(l, "mlp") else l.output.dense for l in layers]
raw = np.frombuffer(gzip.open(f"{data}/test.bin.gz").read(), dtype=np.uint8).reshape(-1, 3074)
prep = json.load(open(f"{folder}/preprocessor_config.json"))
mean, std = (np.array(prep[k], dtype=np.float32).reshape(1, 3, 1, 1) for k in ("image_mean", "image_std"))
pixels = torch.from_numpy(((raw[:, 2:].reshape(-1, 3, 32, 32) / np.float32(255)) - mean) / std).float()
coarse, fine = raw[:, 0], torch.from_numpy(raw[:, 1].astype(np.int64))
masks = [torch.ones(d.in_features) for d in downs]
for k, d in enumerate(downs):
    d.register_forward_pre_hook(lambda m, x, k=k: (x[0] * masks[k],))
sums = [torch.zeros(d.in_features, dtype=torch.float64) for d in downs]


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
    at = 0
    for k, m in enumerate(masks):
        masks[k] = flat[at : at + len(m)]
        at += len(m)


subsets = sorted(set(coarse.tolist()))
halves = {s: (lambda i: (i[: len(i) // 2], i[len(i) // 2 :]))(np.flatnonzero(coarse == s)) for s in subsets}
hooks = [d.register_forward_pre_hook(lambda m, x, k=k: (sums[k].add_(x[0].detach().abs().double().sum((0, 1))), None)[1]) for k, d in enumerate(downs)]
statistic = {}
for s in subsets:
    for total in sums:
        total.zero_()
    answer(halves[s][0])
    statistic[s] = torch.cat(sums).clone() / len(halves[s][0])
for h in hooks:
    h.remove()
whole = sum(statistic.values()) / len(subsets)
begin = time.perf_counter()
prune(torch.arange(0), 0)
base = {s: answer(halves[s][1]) for s in subsets}
once = time.perf_counter() - begin
begin = time.perf_counter()
for s in subsets[:wanted]:
    order = torch.argsort(statistic[s] / (whole + 1e-6), descending=True, stable=True)
    for drop in (0.5, 0.8):
        target, low, high = (1 - drop) * base[s], 0, len(order)
        while high - low > 1:
            n = low + (high - low) // 2
            prune(order, n)
            accuracy = answer(halves[s][1])
            if target - 0.02 <= accuracy <= target:
                break
            low, high = (n, high) if accuracy > target else (low, n)
        for other in subsets:
            answer(halves[other][1])
print(f"{once + (time.perf_counter() - begin) * len(subsets) / wanted:.1f}")
