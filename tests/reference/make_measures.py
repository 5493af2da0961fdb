#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes measures.txt: activations of a few neurons on three subsets, and what SciPy makes of them.

    python tests/reference/make_measures.py tests/reference/measures.txt

Made with numpy 2 and scipy 1: ttest_ind without equal variances, entropy, mannwhitneyu; contributions by NumPy, of drawn norms. The file is words and numbers in the order they are read
(tests/unit/stages/test_score_measure.c, test_rank_correlation.c).
"""
import sys

import numpy as np
from scipy.stats import entropy, mannwhitneyu, rankdata, spearmanr, ttest_ind

TOKENS, NEURONS, RANKED = [40, 25, 60], 6, 50


def main(path):
    rng = np.random.default_rng(11)
    # Different means, spreads and signs; neuron 4 never fires, neuron 5 is 0 half of the time.
    shift = rng.normal(size=(len(TOKENS), NEURONS))
    scale = np.exp(rng.normal(size=NEURONS))
    x = [((rng.normal(size=(n, NEURONS)) + shift[s]) * scale).astype(np.float32) for s, n in enumerate(TOKENS)]
    for values in x:
        values[:, 4] = -np.abs(values[:, 4])
        values[rng.random(len(values)) < 0.5, 5] = 0
    share = np.array([(values > 0).mean(0) for values in x])
    with open(path, "w") as out:
        def put(word, values):
            out.write(word + " " + " ".join("%.17g" % v for v in np.ravel(values)) + "\n")

        put("shape", [len(TOKENS), NEURONS])
        put("tokens", TOKENS)
        for values in x:
            put("x", values)
        for f in range(len(TOKENS)):
            rest = np.concatenate([x[r] for r in range(len(TOKENS)) if r != f])
            put("t", ttest_ind(x[f].astype(float), rest.astype(float), equal_var=False).statistic)
            put("auc", mannwhitneyu(x[f].astype(float), rest.astype(float)).statistic / (len(x[f]) * len(rest)))
            with np.errstate(invalid="ignore"):
                part = share / share.sum(0)
            lape = np.where(share.sum(0) > 0, part[f] * (np.log(len(TOKENS)) - entropy(share)), 0)
            put("lape", lape)
        norm = np.random.default_rng(12).random(NEURONS) + 0.1
        put("norm", norm)
        for f in range(len(TOKENS)):
            rest = np.concatenate([x[r] for r in range(len(TOKENS)) if r != f])
            put("contribution", (np.abs(x[f].astype(float)).mean(0) - np.abs(rest.astype(float)).mean(0)) * norm)
        scores = np.round(rng.normal(size=(2, RANKED)) * 3)  # many ties
        scores[1] += np.round(scores[0] / 2)
        put("scores", scores)
        put("ranks", rankdata(scores, axis=1))
        put("correlation", [spearmanr(*scores).statistic])


if __name__ == "__main__":
    main(sys.argv[1])
