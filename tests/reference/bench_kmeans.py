# SPDX-License-Identifier: Apache-2.0
"""Times k-means-constrained 0.9.1 on the rows that tests/bench_kmeans.c wrote, with its default settings.

usage: bench_kmeans.py ROWS.f32 WIDTH CLUSTERS [STARTS]
Prints the package's own inertia and, for comparison with ours, the one about the means of its clusters.
"""
import sys
import time

import numpy as np
from k_means_constrained import KMeansConstrained

path, width, clusters = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
starts = int(sys.argv[4]) if len(sys.argv) > 4 else 1
rows = np.fromfile(path, dtype=np.float32).reshape(-1, width)
size = len(rows) // clusters
begin = time.perf_counter()
model = KMeansConstrained(n_clusters=clusters, size_min=size, size_max=size, n_init=starts, random_state=0).fit(rows)
seconds = time.perf_counter() - begin
exact = rows.astype(np.float64)
about_means = sum(((exact[model.labels_ == j] - exact[model.labels_ == j].mean(0)) ** 2).sum() for j in range(clusters))
print(f"inertia {about_means:.6f} (its own {model.inertia_:.6f}), {model.n_iter_} iterations of the best, "
      f"{seconds:.3f} s for {starts} starts")
