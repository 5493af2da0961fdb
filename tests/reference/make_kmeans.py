# SPDX-License-Identifier: Apache-2.0
"""Makes tests/reference/kmeans/inertia.txt: what k-means-constrained 0.9.1 reaches on the example ViT's W_in rows.

Default settings (10 starts, k-means++, 300 iterations, tolerance 1e-4), random_state 0, 16 clusters of 32 of the 512
normalised rows, each of the 6 layers. A line a layer: its own inertia, and the one about the means of its clusters.
The example's weights are float16: read as they are, normalised in float64.

usage: /path/to/python tests/reference/make_kmeans.py   (from the repository root; k-means-constrained 0.9.1, safetensors)
"""
import pathlib

import numpy as np
from k_means_constrained import KMeansConstrained
from safetensors.numpy import load_file

CLUSTERS, LAYERS = 16, 6
tensors = load_file("examples/vit-glyph100/model.safetensors")
out = pathlib.Path("tests/reference/kmeans")
out.mkdir(exist_ok=True)
lines = ["# layer, inertia about cluster means, the package's own inertia: see tests/reference/make_kmeans.py"]
rows_all = []
for layer in range(LAYERS):
    weight = tensors[f"vit.encoder.layer.{layer}.intermediate.dense.weight"]
    rows_all.append(weight)
    rows = weight.astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    size = len(rows) // CLUSTERS
    model = KMeansConstrained(n_clusters=CLUSTERS, size_min=size, size_max=size, random_state=0).fit(rows)
    labels = model.labels_
    means = sum(((rows[labels == j] - rows[labels == j].mean(0)) ** 2).sum() for j in range(CLUSTERS))
    lines.append(f"{layer} {means:.9f} {model.inertia_:.9f}")
    print(lines[-1], flush=True)
(out / "inertia.txt").write_text("\n".join(lines) + "\n")
