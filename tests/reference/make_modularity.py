#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes what the statistics of modules are held against, with NumPy, SciPy, scikit-learn and python-igraph:

    tests/reference/modularity-a.safetensors, modularity-b.safetensors   scores, which tests/modularity.yaml imports
    tests/reference/modularity.safetensors   what intersect and enrichment make of them (tests/run/test_modularity.sh)
    tests/reference/partitions.txt           pairs of labellings (tests/unit/stages/test_partition_agreement.c)
    tests/reference/communities.txt          a graph and its communities (tests/unit/stages/test_communities.c)

    python tests/reference/make_modularity.py LABELS     (from the repository root)

LABELS is what `ncdump -v cluster OUTPUT/parts/all.nc` prints of a run of tests/modularity.yaml: random labels, which depend on the
program's random numbers alone. Made with numpy 2, scipy 1, scikit-learn 1 and igraph 1.
"""
import pathlib
import random
import re
import sys
from itertools import permutations

import igraph
import numpy as np
from safetensors.numpy import save_file
from scipy.stats import hypergeom, spearmanr
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

HERE = pathlib.Path(__file__).parent
LAYERS, UNITS, CLUSTERS = 6, 512, 16
FRACTIONS = [0.1, 0.02]  # as tests/modularity.yaml lists them, not ascending


def top(scores, k):
    mask = np.zeros(scores.size, bool)
    mask[np.argsort(-scores.ravel(), kind="stable")[:k]] = True
    return mask.reshape(scores.shape)


def holm(p):
    flat = p.ravel()
    order, n = np.argsort(flat, kind="stable"), flat.size
    out = np.empty(n)
    out[order] = np.maximum.accumulate(np.minimum(flat[order] * (n - np.arange(n)), 1))
    return out.reshape(p.shape)


def make_scores(rng):
    common = rng.normal(size=(LAYERS, UNITS))
    pull = np.array([0, 0, 0.1, 0.2, 0.4, 0.8])[:, None]  # later layers share more
    a = {n: rng.normal(size=(LAYERS, UNITS)) + pull * common for n in ["birds", "fish", "rivers", "stones", "trees"]}
    a["trees"] += 0.5 * a["fish"]  # some pairs share more than others, in both
    a["stones"] += 0.3 * a["rivers"]
    b = {n: 0.7 * a.get(n, 0) + 0.7 * rng.normal(size=(LAYERS, UNITS)) for n in ["clouds", "fish", "rivers", "stones", "trees"]}
    half = lambda scores: {n: s.astype(np.float16) for n, s in scores.items()}  # noqa: E731
    return half(a), half(b)


def within(scores, rng):
    n = len(scores)
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    overlap = np.empty((len(FRACTIONS), LAYERS, n, n))
    p = np.full(overlap.shape, np.nan)
    mean_p, mean, std = [], [], []
    for f, fraction in enumerate(FRACTIONS):
        k = int(fraction * UNITS + 1e-9)
        masks = np.stack([[top(layer, k) for layer in s] for s in scores.values()])  # subset, layer, unit
        shared = np.einsum("alu,blu->lab", masks.astype(int), masks.astype(int))
        overlap[f] = shared / k
        for i, j in pairs:
            p[f, :, i, j] = hypergeom.sf(shared[:, i, j] - 1, UNITS, k, k)
        observed = np.array([[shared[l, i, j] for i, j in pairs] for l in range(LAYERS)])
        mean.append(observed.mean(1) / k)
        std.append(np.sqrt(hypergeom.var(UNITS, k, k) / len(pairs)) / k)
        drawn = []
        for _ in range(40000):
            sets = np.zeros((n, UNITS), int)
            for s in sets:
                s[rng.permutation(UNITS)[:k]] = 1
            held = sets.sum(0)
            drawn.append((held * (held - 1) // 2).sum())
        drawn = np.array(drawn)
        mean_p.append([(1 + (drawn >= o).sum()) / (1 + drawn.size) for o in observed.sum(1)])
    tested = ~np.isnan(p)
    p[tested] = holm(p[tested])
    p = np.where(np.isnan(p), np.swapaxes(p, 2, 3), p)
    return {"overlap_within": overlap, "p_within": p, "overlap_within_mean": np.array(mean), "chance_within_std": np.array(std),
            "p_within_mean": holm(np.array(mean_p))}


def likeness(a, b):
    """Of the subsets that both have, in the order of the first; the p-value over all permutations of their names."""
    values, p = [], []
    for fraction in FRACTIONS:
        k = int(fraction * LAYERS * UNITS + 1e-9)
        names = [n for n in a if n in b]
        upper = np.triu_indices(len(names), 1)
        first, second = (np.array([[(top(s[x], k) & top(s[y], k)).sum() for y in names] for x in names]) for s in (a, b))
        drawn = [spearmanr(first[upper], second[np.ix_(order, order)][upper])[0] for order in map(list, permutations(range(len(names))))]
        values.append(drawn[0])
        p.append(np.mean(np.array(drawn) >= drawn[0] - 1e-12))
    return {"likeness": np.array([values]), "likeness_p": holm(np.array([p]))}


def between(a, b):
    overlap, p = [], []
    for fraction in FRACTIONS:
        k = int(fraction * LAYERS * UNITS + 1e-9)
        sets_a = [top(s, k) for s in a.values()]
        sets_b = [top(s, k) for s in b.values()]
        shared = np.array([[(x & y).sum() for y in sets_b] for x in sets_a])
        overlap.append(shared / k)
        p.append(hypergeom.sf(shared - 1, LAYERS * UNITS, k, k))
    same = np.array([[x == y for y in b] for x in a])
    overlap = np.array(overlap)
    return {"overlap_between": overlap, "p_between": holm(np.array(p)), "overlap_between_same": overlap[:, same].mean(1),
            "overlap_between_others": overlap[:, ~same].mean(1)}


def enrichment(scores, labels):
    size = np.stack([np.bincount(layer, minlength=CLUSTERS) for layer in labels])
    hits, fold, p = [], [], []
    for fraction in FRACTIONS:
        k = int(fraction * UNITS + 1e-9)
        h = np.stack([[np.bincount(labels[l][top(s[l], k)], minlength=CLUSTERS) for l in range(LAYERS)] for s in scores.values()])
        hits.append(h)
        fold.append(h / (size * k / UNITS))
        p.append(hypergeom.sf(h - 1, UNITS, size[None], k))
    p = holm(np.array(p))
    return {"hits": np.array(hits, float), "enrichment": np.array(fold), "enrichment_p": p,
            "enriched": (p < 0.05).sum((2, 3)).astype(float)}


def entropy(labels):
    share = np.bincount(labels) / labels.size
    share = share[share > 0]
    return -(share * np.log(share)).sum()


def write_partitions(path, rng):
    with open(path, "w") as out:
        cases = []
        for n, ka, kb, alike in [(40, 3, 3, 0.9), (100, 4, 7, 0.5), (200, 10, 10, 0.2), (60, 20, 2, 0.0), (30, 1, 1, 0), (30, 1, 4, 0),
                                 (12, 12, 12, 0), (50, 5, 5, 1.0)]:
            a = np.arange(n) if ka == n else rng.integers(0, ka, n)
            b = np.arange(n) if kb == n else np.where(rng.random(n) < alike, a % kb, rng.integers(0, kb, n))
            cases.append((n, ka, kb, a, b))
        out.write(f"{len(cases)}\n")
        for n, ka, kb, a, b in cases:
            emi = expected_mutual_information(contingency_matrix(a, b, sparse=True).astype(np.int64), n)
            halves = (entropy(a) + entropy(b)) / 2
            out.write(f"{n} {ka} {kb} {adjusted_rand_score(a, b):.17g} {normalized_mutual_info_score(a, b):.17g} "
                      f"{emi / halves if halves else 1:.17g}\n")
            out.write(" ".join(map(str, a)) + "\n" + " ".join(map(str, b)) + "\n")


def configuration(strength, rng):
    """Loops are thrown back: all of them again with as many other edges, until none is left."""
    ends = rng.permutation(np.repeat(np.arange(strength.size), strength)).reshape(-1, 2)
    while (loops := np.flatnonzero(ends[:, 0] == ends[:, 1])).size:
        some = np.concatenate([loops, rng.choice(len(ends), loops.size * 4, replace=False)])
        some = np.unique(some)
        ends[some] = rng.permutation(ends[some].ravel()).reshape(-1, 2)
    graph = igraph.Graph(n=strength.size, edges=ends.tolist())
    graph.es["weight"] = 1
    return graph.simplify(combine_edges="sum")


def best(graph, runs):
    return max(graph.community_leiden("modularity", weights="weight", n_iterations=10).q for _ in range(runs))


def write_communities(path, rng):
    n, groups = 60, 4
    group = np.arange(n) % groups
    rate = np.where(group[:, None] == group, 3.0, 1.0)
    weight = np.triu(rng.poisson(rate), 1)
    edges = [(int(i), int(j)) for i, j in zip(*np.nonzero(weight))]
    graph = igraph.Graph(n=n, edges=edges)
    graph.es["weight"] = [int(weight[e]) for e in edges]
    other = rng.integers(0, 5, n)
    strength = weight.sum(0) + weight.sum(1)
    nulls = [best(configuration(strength, rng), 3) for _ in range(400)]
    with open(path, "w") as out:
        out.write(f"{n} {len(edges)}\n")
        out.writelines(f"{i} {j} {weight[i, j]}\n" for i, j in edges)
        out.write(" ".join(map(str, other)) + "\n")
        q = [graph.modularity(other.tolist(), weights="weight"), graph.modularity(other.tolist(), weights="weight", resolution=1.5),
             best(graph, 50), np.mean(nulls), np.std(nulls)]
        out.write(" ".join("%.17g" % v for v in q) + "\n")


def main(path):
    rng = np.random.default_rng(17)
    random.seed(17)  # igraph's
    labels = re.search(r"\n cluster =([^;]*);", pathlib.Path(path).read_text())[1]
    labels = np.array([int(v) for v in labels.split(",")], np.int32).reshape(LAYERS, UNITS)
    a, b = make_scores(rng)
    save_file(a, HERE / "modularity-a.safetensors")
    save_file(b, HERE / "modularity-b.safetensors")
    # `import` has the order of the data in the file, which is that of the names here.
    a, b = (dict(sorted((n, s.astype(float)) for n, s in scores.items())) for scores in (a, b))
    expected = {**within(a, rng), **between(a, b), **likeness(a, b), **enrichment(a, labels), "labels": labels}
    save_file({n: np.ascontiguousarray(v) for n, v in expected.items()}, HERE / "modularity.safetensors")
    write_partitions(HERE / "partitions.txt", rng)
    write_communities(HERE / "communities.txt", rng)


if __name__ == "__main__":
    main(sys.argv[1])
