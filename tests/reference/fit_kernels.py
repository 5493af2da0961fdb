# SPDX-License-Identifier: Apache-2.0
"""The numbers in model/kernels/kernels_avx512.c: polynomials that fit best in the relative sense, rounded to float32, and their errors.

usage: fit_kernels.py
Each is solved for at Chebyshev nodes in float64 and then reweighted (Lawson) until its largest relative error is as small as it gets.
"""
import math

import numpy as np


def fit(f, low, high, degree, fixed=None):
    """Coefficients of 1, x, x^2 ... for f on [low, high]; `fixed` is the first of them where it is given."""
    x = (low + high) / 2 + (high - low) / 2 * np.cos(np.pi * (np.arange(400) + 0.5) / 400)
    y = np.array([f(v) for v in x])
    weight = np.ones_like(x)
    for _ in range(60):
        scale = np.sqrt(weight) / np.abs(y)
        powers = np.vander(x, degree + 1, increasing=True)
        known = 0 if fixed is None else 1
        right = y - (fixed or 0) * powers[:, 0] * known
        c = np.linalg.lstsq(powers[:, known:] * scale[:, None], right * scale, rcond=None)[0]
        c = np.concatenate([[fixed], c]) if known else c
        error = np.abs(powers @ c - y) / np.abs(y)
        weight *= error + 1e-30
        weight /= weight.sum()
    return c.astype(np.float32), error.max()


def show(name, values):
    print(f"{name} {', '.join(f'{v:.9g}f' for v in values)}")


power, error = fit(lambda r: 2.0**r, -0.5, 0.5, 5, 1.0)
show("2^r, |r| <= 1/2:", power)
print(f"  relative error {error:.1e}")

STEP = 0.375  # a multiple of it is exact
tail = [fit(lambda d, k=k: math.erfc((k * STEP + d) / math.sqrt(2)) / 2, -STEP / 2, STEP / 2, 5) for k in range(16)]
for power in range(6):
    show(f"normal tail at k {STEP} + d, of d^{power}:", [c[power] for c, _ in tail])
print(f"  relative error {max(e for _, e in tail):.1e}")
