# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of other packages share: a rate, and the search of the stage `prune` over whatever answers with masked neurons."""
import gzip
import time

import numpy as np


def rate(step, rows, seconds):
    """Rows a second of a step that takes `rows`, repeated for some seconds, at least twice, after one that does not count."""
    step()
    begin, n = time.perf_counter(), 0
    while n < 2 or time.perf_counter() - begin < seconds:
        step()
        n += 1
    return n * rows / (time.perf_counter() - begin)


class Glyphs:
    """The example images (examples/glyph100): pixels, classes, and of each subset the half that is collected on and the one that is evaluated."""

    def __init__(self, folder):
        raw = np.frombuffer(gzip.open(f"{folder}/test.bin.gz").read(), dtype=np.uint8).reshape(-1, 3074)
        coarse = raw[:, 0]
        self.pixels, self.fine = raw[:, 2:].reshape(-1, 3, 32, 32), raw[:, 1].astype(np.int64)
        self.subsets = sorted(set(coarse.tolist()))
        members = {s: np.flatnonzero(coarse == s) for s in self.subsets}
        self.halves = {s: np.split(i, [len(i) // 2]) for s, i in members.items()}


def collect(glyphs, downs, answer):
    """The mean |x| of every neuron, the inputs of `downs`, over each subset."""
    import torch

    sums = [torch.zeros(d.in_features, dtype=torch.float64) for d in downs]

    def keep(total):
        def hook(module, x):
            total.add_(x[0].detach().abs().double().sum((0, 1)))

        return hook

    hooks = [d.register_forward_pre_hook(keep(total)) for d, total in zip(downs, sums)]
    statistic = {}
    for s in glyphs.subsets:
        for total in sums:
            total.zero_()
        answer(glyphs.halves[s][0])
        statistic[s] = torch.cat(sums).clone() / len(glyphs.halves[s][0])
    for h in hooks:
        h.remove()
    return statistic


def search(glyphs, statistic, answer, prune, wanted):
    """The bisection to drops of 50% and 80%, the forget subset's evaluation half answered with masked neurons, and every subset answered once
    at the share found; over `wanted` subsets. answer(indices) is an accuracy, prune(order, n) masks the first n neurons of an order.

    Prints the seconds, scaled to all subsets (collecting and scoring are left out), then what was found: neurons:before->after."""
    import torch

    whole = sum(statistic.values()) / len(glyphs.subsets)
    begin = time.perf_counter()
    prune(torch.arange(0), 0)
    base = {s: answer(glyphs.halves[s][1]) for s in glyphs.subsets}
    once = time.perf_counter() - begin
    begin = time.perf_counter()
    found = []
    for s in glyphs.subsets[:wanted]:
        order = torch.argsort(statistic[s] / (whole + 1e-6), descending=True, stable=True)
        for drop in (0.5, 0.8):
            target, low, high = (1 - drop) * base[s], 0, len(order)
            while high - low > 1:
                n = low + (high - low) // 2
                prune(order, n)
                accuracy = answer(glyphs.halves[s][1])
                if target - 0.02 - 1e-9 <= accuracy <= target + 1e-9:
                    break
                low, high = (n, high) if accuracy > target else (low, n)
            after = {other: answer(glyphs.halves[other][1]) for other in glyphs.subsets}
            found.append(f"{n}:{base[s]:.2f}->{after[s]:.2f}")
    print(f"{once + (time.perf_counter() - begin) * len(glyphs.subsets) / wanted:.1f}", *found)
