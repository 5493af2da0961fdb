# SPDX-License-Identifier: Apache-2.0
"""tests/reference/quants.bin: blocks of every GGUF type with random bits, and what the gguf package makes of them.

    python tests/reference/make_quants.py

For each type: its name (8 bytes, padded with zeros), u32 blocks, u32 bytes, the blocks, and the float32 values.
"""
import pathlib
import struct

import gguf
import numpy as np

out = b""
rng = np.random.default_rng(1)
for name in ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"):
    kind = gguf.GGMLQuantizationType[name]
    items, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = 8
    raw = rng.integers(0, 256, (blocks, size), dtype=np.uint8)
    # The float16 scales must be finite: a normal, a denormal, a zero, negative ones.
    scales = np.array([0.01, -1.5, 6e-8, 0.0, 2.0, -3e-5, 0.125, 1.0], np.float16).view(np.uint8).reshape(-1, 2)
    places = {"Q4_1": (0, 2), "Q5_1": (0, 2), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}.get(name, (0,))
    for n, place in enumerate(places):
        raw[:, place:place + 2] = np.roll(scales, n, axis=0)
    values = gguf.dequantize(raw.reshape(blocks, size), kind).astype(np.float32)
    out += name.encode().ljust(8, b"\0") + struct.pack("<II", blocks, size) + raw.tobytes() + values.tobytes()
for name in ("F32", "F16", "BF16"):  # a block is one value; infinities and NaN are refused before
    kind = gguf.GGMLQuantizationType[name]
    size = gguf.GGML_QUANT_SIZES[kind][1]
    raw = rng.integers(0, 256, (1, 1024 * size), dtype=np.uint8)
    values = gguf.dequantize(raw, kind).astype(np.float32).reshape(-1)
    finite = np.isfinite(values)
    raw, values = raw.reshape(1024, size)[finite], values[finite]
    out += name.encode().ljust(8, b"\0") + struct.pack("<II", len(values), size) + raw.tobytes() + values.tobytes()
pathlib.Path(__file__).with_name("quants.bin").write_bytes(out)
