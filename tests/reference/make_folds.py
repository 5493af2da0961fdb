#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes folds.txt: statistics of a few folds, and what NumPy and SciPy make of them.

    python tests/reference/make_folds.py tests/reference/folds.txt

Made with numpy 2 and scipy 1 (stats.t.ppf; the jackknife is written out from its definition). The file is words and numbers in the order they are
read (tests/unit/stages/test_jackknife.c).
"""
import sys

import numpy as np
from scipy.stats import t

FOLDS, VALUES = [2, 3, 4, 7, 10, 25], 5


def main(path):
    rng = np.random.default_rng(17)
    with open(path, "w") as out:
        def put(word, values):
            out.write(word + " " + " ".join("%.17g" % v for v in np.ravel(values)) + "\n")

        for n in FOLDS:
            # Means of groups, and the mean without each of them.
            groups = rng.normal(size=(n, VALUES)) * np.exp(rng.normal(size=VALUES))
            without = np.array([np.delete(groups, f, axis=0).mean(0) for f in range(n)])
            put("folds", [n, VALUES])
            put("without", without)
            # Of a mean the jackknife's error is the usual one: √(s² ÷ n).
            put("error", groups.std(0, ddof=1) / np.sqrt(n))
            put("reach", [t.ppf(0.975, n - 1)])


if __name__ == "__main__":
    main(sys.argv[1])
