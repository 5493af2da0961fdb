# SPDX-License-Identifier: Apache-2.0
"""Makes tests/reference/scores.safetensors: what the `import` step of tests/small.yaml reads, three subsets of [2, 16] in float16.

    python tests/reference/make_scores.py     (from the repository root; versions in requirements.txt)
"""
import pathlib

import numpy as np
from safetensors.numpy import save_file

rng = np.random.default_rng(5)
save_file({name: rng.random((2, 16)).astype(np.float16) for name in ["birds", "fish", "trees"]}, pathlib.Path(__file__).parent / "scores.safetensors")
