# SPDX-License-Identifier: Apache-2.0
"""Makes tests/reference/steps.json: neurons of the example ViT pruned in steps, by scores that are collected anew of the model as pruned so far,
computed with PyTorch in float64.

    python tests/reference/make_steps.py     (from the repository root; versions in requirements.txt)

Of the first SUBSETS subsets, the first LIMIT samples of each, half of them collected on. For each case: pruned, mask [forget] (hexadecimal, bit i of
byte i // 8; neurons layer after layer, those of mlp before those of attn), correct [forget][subset], loss [forget][subset] in nats; and the same of
one step ("once").
"""
import json
import pathlib

import numpy as np
import torch
from make_pipeline import ROOT, Hooked, as_is, read_data

SUBSETS, LIMIT = 4, 40
CASES = {
    "zero": dict(measure="abs", others=False, sites=["mlp"], fraction=0.2, steps=4, mean=False),
    "both": dict(measure="rms", others=True, sites=["mlp", "attn"], fraction=0.15, steps=3, mean=False),
    "mean": dict(measure="abs", others=False, sites=["mlp"], fraction=0.25, steps=2, mean=True),
}


class Stepped(Hooked):
    """Masked neurons get a value; what is read is what comes behind the mask."""
    value = {}

    def hook(self, site, layer):
        def run(module, args):
            x = args[0]
            if site in self.mask:
                m = self.mask[site][layer]
                x = x * (1 - m) + self.value[site][layer] * m
            if self.read:
                self.seen[site, layer] = x.detach().reshape(-1, x.shape[-1])
            return (x,)
        return run


def sums_of(model, pixels, part, case):
    """Of every neuron of the sites, [layer, neurons]: the summed |x|, x^2 and x; and how many tokens."""
    model.read = True
    model.logits(pixels[part], len(part))
    model.read = False
    layers = [torch.cat([model.seen[s, l] for s in case["sites"]], 1) for l in range(model.layers)]
    x = torch.stack(layers)
    return {"abs": x.abs().sum(1).numpy(), "rms": (x * x).sum(1).numpy(), "mean": x.sum(1).numpy()}, x.shape[1]


def scores_of(model, pixels, collect, case, forget):
    kept = [s for s in range(SUBSETS) if not (case["others"] and s == forget)]
    own, tokens = sums_of(model, pixels, collect[forget], case)
    rest = [sums_of(model, pixels, collect[s], case) for s in kept]
    f = own[case["measure"]] / tokens
    r = sum(x[case["measure"]] for x, _ in rest) / sum(n for _, n in rest)
    return np.sqrt(f) / (np.sqrt(r) + 1e-6) if case["measure"] == "rms" else f / (r + 1e-6)


def set_mask(model, taken, shape, widths, case, means):
    flat = np.zeros(shape)
    flat.reshape(-1)[taken] = 1
    first = 0
    model.mask, model.value = {}, {}
    for site, width in zip(case["sites"], widths):
        model.mask[site] = torch.tensor(flat[:, first:first + width])
        model.value[site] = torch.tensor(means[:, first:first + width] if case["mean"] else np.zeros((shape[0], width)))
        first += width


def prune(model, pixels, collect, case, forget, steps, means):
    model.mask = {}
    scores = scores_of(model, pixels, collect, case, forget)
    shape, taken = scores.shape, []
    widths = [model.seen[s, 0].shape[1] for s in case["sites"]]
    for step in range(1, steps + 1):
        if step > 1:
            scores = scores_of(model, pixels, collect, case, forget)
        wanted = int(np.floor(case["fraction"] * step / steps * scores.size + 1e-9))
        before = set(taken)
        order = [i for i in np.argsort(-scores.reshape(-1), kind="stable") if i not in before]
        taken += order[:wanted - len(taken)]
        set_mask(model, taken, shape, widths, case, means)
    return taken, np.prod(shape)


def run(model, pixels, fine, collect, evaluate, case, steps):
    model.mask = {}
    seen = [sums_of(model, pixels, p, case) for p in collect]
    means = sum(x["mean"] for x, _ in seen) / sum(n for _, n in seen)
    out = {"mask": [], "correct": [], "loss": []}
    for f in range(SUBSETS):
        taken, n = prune(model, pixels, collect, case, f, steps, means)
        bits = np.zeros(n, np.uint8)
        bits[taken] = 1
        out["pruned"] = len(taken)
        out["mask"].append(np.packbits(bits, bitorder="little").tobytes().hex())
        at = np.concatenate(evaluate)
        logits, target = model.logits(pixels[at]), fine[at]
        cuts = np.cumsum([len(p) for p in evaluate])[:-1]
        out["correct"].append([int(r.sum()) for r in np.split((logits.argmax(1) == target).numpy(), cuts)])
        loss = torch.nn.functional.cross_entropy(logits, target, reduction="none").numpy()
        out["loss"].append([float(l.mean()) for l in np.split(loss, cuts)])
    return out


def main():
    torch.set_num_threads(2)
    pixels, fine, collect, evaluate = read_data(as_is)
    parts = [np.sort(np.concatenate([c, e]))[:LIMIT] for c, e in zip(collect[:SUBSETS], evaluate[:SUBSETS])]
    collect, evaluate = [p[:LIMIT // 2] for p in parts], [p[LIMIT // 2:] for p in parts]
    model = Stepped(ROOT / "examples/vit-glyph100")
    out = {}
    for name, case in CASES.items():
        out[name] = run(model, pixels, fine, collect, evaluate, case, case["steps"])
        out[name]["once"] = run(model, pixels, fine, collect, evaluate, case, 1)
        print(name, out[name]["correct"], out[name]["once"]["correct"])
    path = pathlib.Path(__file__).parent / "steps.json"
    path.write_text(json.dumps(out) + "\n")


if __name__ == "__main__":
    main()
