# SPDX-License-Identifier: Apache-2.0
"""The search of the stage `prune` with the paper's own package, for (d) of tests/bench.sh: taker's model, its hooks that mask neurons, and its
evaluation (`run_evaluation` over its image loader), around the same statistic, bisection and final evaluation as in bench_search.py.

usage: bench_taker.py MODEL_FOLDER GLYPH_FOLDER THREADS SUBSETS
Prints the seconds of the searches over SUBSETS subsets, scaled to all of them (collecting and scoring are left out), and after them the accuracies
after the pruning that was found, of each subset searched for, at each drop. Needs taker==1.2.3, transformers<5.
"""
import contextlib
import gzip
import io
import sys
import time

import numpy as np
import torch
from PIL import Image
from taker import Model
from taker.data_classes import EvalConfig
from taker.eval import run_evaluation

folder, data, threads, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
raw = np.frombuffer(gzip.open(f"{data}/test.bin.gz").read(), dtype=np.uint8).reshape(-1, 3074)
images = [Image.fromarray(np.ascontiguousarray(r[2:].reshape(3, 32, 32).transpose(1, 2, 0))) for r in raw]
coarse, fine = raw[:, 0], raw[:, 1]
subsets = sorted(set(coarse.tolist()))
halves = {s: (lambda i: (i[: len(i) // 2], i[len(i) // 2 :]))(np.flatnonzero(coarse == s)) for s in subsets}


class Part(torch.utils.data.Dataset):
    """Some images as a dataset of taker's: a new dictionary for each, which its loader transforms."""

    def __init__(self, index):
        self.index = index

    def __len__(self):
        return len(self.index)

    def __getitem__(self, at):
        if at >= len(self.index):
            raise IndexError
        return {"img": images[self.index[at]], "fine_label": int(fine[self.index[at]])}


with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    model = Model(folder, dtype="fp32", model_device="cpu")
    model.hooks.disable_all_collect_hooks()


def answer(index):
    config = EvalConfig("part", dataset_type="image-classification", streaming=False, dataset_split="test",
                        dataset_custom_load_fn=lambda: {"test": Part(index)}, dataset_image_key="img", dataset_image_label_key="fine_label")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return run_evaluation(model, config).percent["base"] / 100


def prune(order, n):
    flat = torch.zeros(model.cfg.n_layers * model.cfg.d_mlp, dtype=torch.bool)
    flat[order[:n]] = True
    model.hooks.reset()
    model.hooks.disable_all_collect_hooks()
    model.hooks.delete_mlp_neurons(flat.reshape(model.cfg.n_layers, model.cfg.d_mlp))


downs = [layer.output.dense for layer in model.predictor.vit.encoder.layer]
sums = [torch.zeros(d.in_features, dtype=torch.float64) for d in downs]
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
found = []
for s in subsets[:wanted]:
    order = torch.argsort(statistic[s] / (whole + 1e-6), descending=True, stable=True)
    for drop in (0.5, 0.8):
        target, low, high = (1 - drop) * base[s], 0, len(order)
        while high - low > 1:
            n = low + (high - low) // 2
            prune(order, n)
            accuracy = answer(halves[s][1])
            if target - 0.02 - 1e-9 <= accuracy <= target + 1e-9:
                break
            low, high = (n, high) if accuracy > target else (low, n)
        after = {other: answer(halves[other][1]) for other in subsets}
        found.append((n, base[s], after[s]))
print(f"{once + (time.perf_counter() - begin) * len(subsets) / wanted:.1f}", *(f"{n}:{a:.2f}->{b:.2f}" for n, a, b in found))
