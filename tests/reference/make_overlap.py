#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes overlap.txt: overlaps, p-values and cluster AUCs of small random scores, computed with NumPy and SciPy.

    python tests/reference/make_overlap.py tests/reference/overlap.txt

Made with numpy 2 and scipy 1 (hypergeom.logsf). Sets are made with a stable descending sort, so that equal scores go
to the lower index first. The file is words and numbers in the order they are read (tests/unit/stages/overlap_fixture.h).
"""
import math
import sys
from fractions import Fraction

import numpy as np
from scipy.stats import hypergeom

SUBSETS, LAYERS, UNITS, CLUSTERS = 5, 3, 48, 8
FRACTIONS = [0.01, 0.05, 0.1, 0.25, 0.5, 0.9, 1.0]


def size(fraction, n):
    return int(np.floor(fraction * n + 1e-9))


def top(scores, k):
    mask = np.zeros(scores.size, bool)
    mask[np.argsort(-scores.ravel(), kind="stable")[:k]] = True
    return mask


def holm(p):
    order, n = np.argsort(p, kind="stable"), p.size
    corrected = np.minimum(p[order] * (n - np.arange(n)), 1)
    out = np.empty(n)
    out[order] = np.maximum.accumulate(corrected)
    return out


def auc(labels, mask):
    y = np.concatenate([[0], np.cumsum(np.sort(np.bincount(labels[mask], minlength=CLUSTERS))[::-1])])
    m = min(mask.sum(), CLUSTERS)
    return y[:m].sum() / (y[m] * m) if m else float("nan")


def main(path):
    rng = np.random.default_rng(7)
    common = rng.normal(size=(LAYERS, UNITS))
    # Quarters: many ties. A shared part: overlaps above chance.
    scores = np.round((rng.normal(size=(SUBSETS, LAYERS, UNITS)) + 0.7 * common) * 4) / 4
    labels = np.stack([rng.permutation(UNITS) % CLUSTERS for _ in range(LAYERS)])
    n = LAYERS * UNITS
    with open(path, "w") as out:
        def put(word, values, form="%.17g"):
            out.write(word + " " + " ".join(form % v for v in np.ravel(values)) + "\n")

        put("shape", [SUBSETS, LAYERS, UNITS, CLUSTERS, len(FRACTIONS)], "%d")
        put("fractions", FRACTIONS)
        put("scores", scores, "%g")
        put("labels", labels, "%d")
        for f in FRACTIONS:
            k = size(f, n)
            masks = np.stack([top(s, k) for s in scores])
            shared = (masks[:, None] & masks[None]).reshape(SUBSETS, SUBSETS, LAYERS, UNITS).sum(-1)
            put("shared", np.moveaxis(shared, -1, 0), "%d")
            pairs = [(a, b) for a in range(SUBSETS) for b in range(a + 1, SUBSETS)]
            total = shared.sum(-1)
            put("p", holm(np.array([hypergeom.sf(total[a, b] - 1, n, k, k) for a, b in pairs])))
            values = np.array([total[a, b] / k if k else np.nan for a, b in pairs])
            put("summary", [values.mean(), np.median(values), values.std(), values.min(), values.max()])
            put("auc", [[auc(labels[layer], top(s[layer], size(f, UNITS))) for layer in range(LAYERS)] for s in scores])
        # shared, set sizes, neurons, log P(X >= shared): the far tail, both sides of the mode, the ends.
        tails = [(183, 368, 368, 36864), (4, 368, 368, 36864), (3, 368, 368, 36864), (0, 368, 368, 36864),
                 (368, 368, 368, 36864), (11000, 18432, 18432, 36864), (9216, 18432, 18432, 36864),
                 (9100, 18432, 18432, 36864), (2900, 4587, 4587, 458752), (46, 4587, 4587, 458752),
                 (30, 4587, 4587, 458752), (1, 1, 1, 10), (7, 9, 8, 10), (8, 9, 8, 10), (60, 70, 80, 100)]
        put("tails", [len(tails)], "%d")
        for t in tails:
            out.write("%d %d %d %d %.17g\n" % (*t, exact_log_tail(*t)))


def exact_log_tail(shared, a, b, n):
    """In whole numbers where they are few enough, so that nothing cancels; SciPy's elsewhere."""
    top = min(a, b)
    if a > 6000 or top - shared > 2000:
        return float(hypergeom.logsf(shared - 1, n, a, b))
    ways = sum(math.comb(a, x) * math.comb(n - a, b - x) for x in range(shared, top + 1))
    whole = math.comb(n, b)
    return math.log1p(-float(Fraction(whole - ways, whole))) if 2 * ways > whole else log(ways) - log(whole)


def log(big):
    shift = max(0, big.bit_length() - 64)
    return math.log(big >> shift) + shift * math.log(2)


if __name__ == "__main__":
    main(sys.argv[1])
