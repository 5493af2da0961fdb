# SPDX-License-Identifier: Apache-2.0
"""Makes tests/reference/ablation.json: accuracies and losses of the example ViT whose most specific quarter of MLP neurons is set to its mean, computed
with PyTorch in float64.

    python tests/reference/make_ablation.py     (from the repository root; versions in requirements.txt)

Of the first SUBSETS subsets alone. For `mean` and `retain_mean`: correct [forget][subset], loss [forget][subset] in nats.
"""
import json
import pathlib

import numpy as np
import torch
from make_pipeline import ROOT, Hooked, as_is, collect_all, pooled, read_data, score

SUBSETS, FRACTION = 4, 0.25


class Ablated(Hooked):
    """Masked neurons get a value instead of 0."""
    value = None

    def hook(self, site, layer):
        def run(module, args):
            x = args[0]
            if self.read:
                self.seen[site, layer] = x.detach().reshape(-1, x.shape[-1])
            if site in self.mask:
                mask = self.mask[site][layer]
                return (x * (1 - mask) + self.value[layer] * mask,)
            return None
        return run


def main():
    torch.set_num_threads(2)
    pixels, fine, collect, evaluate = read_data(as_is)
    collect, evaluate = collect[:SUBSETS], evaluate[:SUBSETS]
    model = Ablated(ROOT / "examples/vit-glyph100")
    stats, count = collect_all(model, pixels, collect)
    everything = np.ones(SUBSETS, bool)
    by_abs = score("abs", stats["mlp"], count, lambda f: everything).reshape(SUBSETS, -1)
    shape = stats["mlp"]["mean"].shape[1:]
    k = int(np.floor(FRACTION * by_abs.shape[1] + 1e-9))
    out = {"fraction": FRACTION}
    for value in "mean", "retain_mean":
        right, losses = [], []
        for f in range(SUBSETS):
            kept = everything if value == "mean" else np.arange(SUBSETS) != f
            model.value = torch.tensor(pooled({"mean": stats["mlp"]["mean"]}, count, kept)[0]["mean"])
            mask = np.zeros(by_abs.shape[1])
            mask[np.argsort(-by_abs[f], kind="stable")[:k]] = 1
            model.mask = {"mlp": torch.tensor(mask.reshape(shape))}
            at = np.concatenate(evaluate)
            logits, target = model.logits(pixels[at]), fine[at]
            cuts = np.cumsum([len(p) for p in evaluate])[:-1]
            right.append([int(r.sum()) for r in np.split((logits.argmax(1) == target).numpy(), cuts)])
            loss = torch.nn.functional.cross_entropy(logits, target, reduction="none").numpy()
            losses.append([float(l.mean()) for l in np.split(loss, cuts)])
        out[value] = {"correct": right, "loss": losses}
    path = pathlib.Path(__file__).parent / "ablation.json"
    path.write_text(json.dumps(out) + "\n")
    print(out["mean"]["correct"], out["retain_mean"]["correct"], sep="\n")


if __name__ == "__main__":
    main()
