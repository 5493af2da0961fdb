# SPDX-License-Identifier: Apache-2.0
"""Makes tests/reference/pipeline.safetensors: collect, score and prune on the example ViT, computed with PyTorch and NumPy;
and tests/reference/models/vit-resize with pipeline-resize.safetensors: the same on an odd little ViT, for which images are resized.

    python tests/reference/make_pipeline.py [resize]     (from the repository root; versions in requirements.txt)

The model runs in float64, so that what sulcus computes in float32 is compared with better numbers. Statistics are kept for every third
subset and as the sum over all; scores for all measures of those subsets; masks as bits. What is where:
    subsets [k]                                   indices of the kept subsets
    count [20]                                    tokens of each subset
    SITE_STATISTIC [k, layer, unit], float32; SITE_STATISTIC_all [layer, unit] pooled over all subsets
    score_MEASURE, published_MEASURE [k, layer, unit] float32 (mlp; retain: all), attn_score_abs,
    score_abs_others, score_abs_names             retain: others; retain: the first two subsets
    accuracy_base [20] correct answers of the unpruned model
    pruned [3]; mask [3, 20, bytes]               neurons and packed bits (bit i of byte i // 8) of the top shares by `abs`
    correct [3, 20, 20]                           right answers of [share, forget, subset]; loss [3, 20, 20] mean, nats
    search_pruned, search_reached [drops, 20]     where the bisection ends; trace [drops, 20, 14, 2] (pruned, correct), -1 padded
"""
import gzip
import json
import pathlib
import sys

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import ViTConfig, ViTForImageClassification

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
FRACTIONS = [0.05, 0.1, 0.25]
DROPS = [0.5, 0.8]
TOLERANCE = 0.02
SITES = ["mlp", "attn"]


def read_data(prepare):
    raw = np.frombuffer(gzip.open(ROOT / "examples/glyph100/test.bin.gz").read(), np.uint8).reshape(-1, 3074)
    pixels = torch.tensor(prepare(raw[:, 2:].reshape(-1, 3, 32, 32)))
    coarse, fine = raw[:, 0], torch.tensor(raw[:, 1].astype(np.int64))
    collect, evaluate = [], []
    for c in range(20):
        at = np.flatnonzero(coarse == c)
        collect.append(at[:len(at) // 2])
        evaluate.append(at[len(at) // 2:])
    return pixels, fine, collect, evaluate


def as_is(images):
    return images.astype(np.float64) / 255 * 2 - 1


MEAN, STD = [0.4, 0.5, 0.6], [0.3, 0.25, 0.2]


def resized(images):
    """To 28 x 24 by Pillow's bicubic, as preprocessor_config.json of vit-resize says."""
    from PIL import Image
    small = [np.asarray(Image.fromarray(i.transpose(1, 2, 0)).resize((24, 28), Image.BICUBIC)) for i in images]
    return ((np.stack(small).astype(np.float64) / 255 - MEAN) / STD).transpose(0, 3, 1, 2)


def make_model(folder, pixels, fine, collect):
    """Random layers without qkv bias, patches of 7 x 6, another activation; the head is fitted, so that there is accuracy to lose."""
    torch.manual_seed(3)
    model = ViTForImageClassification(ViTConfig(
        image_size=[28, 24], patch_size=[7, 6], qkv_bias=False, hidden_act="relu", hidden_size=48, num_attention_heads=3,
        intermediate_size=80, num_hidden_layers=3, num_labels=100, initializer_range=0.15)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:  # biases and norms, or they would be 0 and 1
                parameter.add_(0.1 * torch.randn_like(parameter))
        model = model.bfloat16().double()
        at = torch.tensor(np.concatenate(collect))
        x = torch.cat([model.vit(p).last_hidden_state[:, 0] for p in pixels[at].split(500)])
        x1 = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], 1)
        y = 8 * torch.nn.functional.one_hot(fine[at], 100).double()
        fitted = torch.linalg.solve(x1.T @ x1 + 1e-3 * torch.eye(x1.shape[1], dtype=x.dtype), x1.T @ y)
        model.classifier.weight.copy_(fitted[:-1].T)
        model.classifier.bias.copy_(fitted[-1])
    model.bfloat16().save_pretrained(folder, max_shard_size="60KB")
    (folder / "preprocessor_config.json").write_text(json.dumps({
        "image_processor_type": "ViTImageProcessor", "do_resize": True, "size": {"height": 28, "width": 24}, "resample": 3,
        "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": MEAN, "image_std": STD}, indent=2) + "\n")


class Hooked:
    """The model with readers and masks at the inputs of the two output projections."""

    def __init__(self, folder):
        self.model = ViTForImageClassification.from_pretrained(folder, dtype=torch.float64).eval()
        self.seen, self.mask, self.read = {}, {}, False
        layers = self.model.vit.layers if hasattr(self.model.vit, "layers") else self.model.vit.encoder.layer
        self.layers = len(layers)
        for i, layer in enumerate(layers):
            for site, module in zip(SITES, self.projections(layer)):
                module.register_forward_pre_hook(self.hook(site, i))

    @staticmethod
    def projections(layer):
        named = dict(layer.named_modules())
        mlp = next(m for n, m in named.items() if n in ("output.dense", "mlp.fc2", "mlp.down_proj"))
        attn = next(m for n, m in named.items() if n in ("attention.output.dense", "attention.o_proj", "attention.out_proj"))
        return mlp, attn

    def hook(self, site, layer):
        def run(module, args):
            x = args[0]
            if self.read:
                self.seen[site, layer] = x.detach().reshape(-1, x.shape[-1])
            if site in self.mask:
                return (x * (1 - self.mask[site][layer]),)
            return None
        return run

    def logits(self, pixels, batch=500):
        with torch.no_grad():
            return torch.cat([self.model(pixel_values=p).logits for p in pixels.split(batch)])


def statistics(x):
    return {"mean_abs": x.abs().mean(0), "mean": x.mean(0), "mean_square": (x * x).mean(0),
            "mean_sqrt_abs": x.abs().sqrt().mean(0), "positive": (x > 0).double().mean(0)}


def collect_all(hooked, pixels, parts):
    """[site][statistic] -> [subset, layer, unit], and tokens [subset]."""
    out = {s: {} for s in SITES}
    count = []
    hooked.read = True
    for part in parts:
        hooked.logits(pixels[part], len(part))
        count.append(len(hooked.seen["mlp", 0]))
        for s in SITES:
            per_layer = [statistics(hooked.seen[s, l]) for l in range(hooked.layers)]
            for name in per_layer[0]:
                out[s].setdefault(name, []).append(torch.stack([p[name] for p in per_layer]).numpy())
    hooked.read = False
    return {s: {n: np.stack(v) for n, v in out[s].items()} for s in SITES}, np.array(count)


def half(x):
    return x.astype(np.float16).astype(np.float64)


def compared(measure, s, n, published):
    """The statistic that forget and retain are compared by."""
    variance = np.maximum(0, s["mean_square"] - s["mean"] ** 2)
    if not published:
        return {"abs": s["mean_abs"], "rms": np.sqrt(s["mean_square"]), "std": np.sqrt(variance),
                "sqrt": s["mean_sqrt_abs"], "freq": s["positive"], "mean": s["mean"]}[measure]
    sample = half(variance * n / (n - 1))
    positive, negative = half((s["mean_abs"] + s["mean"]) / 2), half((s["mean"] - s["mean_abs"]) / 2)
    return {"abs": positive + np.abs(negative), "rms": np.sqrt(sample ** 2 + half(s["mean"]) ** 2), "std": sample,
            "sqrt": half(s["mean_sqrt_abs"]), "freq": half(s["positive"]), "mean": half(s["mean"])}[measure]


def pooled(stats, count, which):
    weight = np.where(which, count, 0)[:, None, None]
    return {n: (v * weight).sum(0) / weight.sum() for n, v in stats.items()}, weight.sum()


def score(measure, stats, count, retained, published=False, eps=None):
    """[subset, layer, unit]; retained(f) is a boolean vector of subsets."""
    out = []
    for f in range(len(count)):
        r, tokens = pooled(stats, count, retained(f))
        a = compared(measure, {n: v[f] for n, v in stats.items()}, count[f], published)
        b = compared(measure, r, tokens, published)
        e = eps if eps is not None else 1e-3 if published or measure == "freq" else 1e-6
        out.append(np.abs(a - b) if measure == "mean" else a / (b + e))
    return np.stack(out)


def answer(hooked, pixels, fine, parts, order, k):
    """Right answers and mean loss of each part with the first k neurons of an order pruned."""
    shape = (hooked.layers, len(order) // hooked.layers)
    mask = np.zeros(len(order))
    mask[order[:k]] = 1
    hooked.mask = {"mlp": torch.tensor(mask.reshape(shape))} if k else {}
    at = np.concatenate(parts)
    logits, target = hooked.logits(pixels[at]), fine[at]
    right = (logits.argmax(1) == target).numpy()
    loss = torch.nn.functional.cross_entropy(logits, target, reduction="none").numpy()
    cuts = np.cumsum([len(p) for p in parts])[:-1]
    hooked.mask = {}
    return [r.sum() for r in np.split(right, cuts)], [l.mean() for l in np.split(loss, cuts)]


def search(hooked, pixels, fine, part, order, base, drop):
    low, high, n = 0, len(order), len(part)
    target = (1 - drop) * base / n
    trace = []
    while high - low > 1:
        k = (low + high) // 2
        correct = answer(hooked, pixels, fine, [part], order, k)[0][0]
        trace.append((k, correct))
        if target - TOLERANCE - 1e-9 <= correct / n <= target + 1e-9:
            return k, 1, trace
        low, high = (k, high) if correct / n > target else (low, k)
    return low, 0, trace


def main():
    torch.set_num_threads(2)
    resize = sys.argv[1:] == ["resize"]
    pixels, fine, collect, evaluate = read_data(resized if resize else as_is)
    folder = HERE / "models/vit-resize" if resize else ROOT / "examples/vit-glyph100"
    if resize:
        make_model(folder, pixels, fine, collect)
    hooked = Hooked(folder)
    stats, count = collect_all(hooked, pixels, collect)
    kept = np.arange(0, 20, 7)
    out = {"subsets": kept, "count": count}
    for s in SITES:
        for name, value in stats[s].items():
            out[f"{s}_{name}"] = value[kept].astype(np.float32)
            out[f"{s}_{name}_all"] = pooled({name: value}, count, np.ones(20, bool))[0][name].astype(np.float32)
    everything = lambda f: np.ones(20, bool)
    for measure in ["abs", "rms", "std", "sqrt", "freq", "mean"]:
        out[f"score_{measure}"] = score(measure, stats["mlp"], count, everything)[kept].astype(np.float32)
        out[f"published_{measure}"] = score(measure, stats["mlp"], count, everything, True)[kept].astype(np.float32)
    out["attn_score_abs"] = score("abs", stats["attn"], count, everything)[kept].astype(np.float32)
    out["score_abs_others"] = score("abs", stats["mlp"], count, lambda f: np.arange(20) != f)[kept].astype(np.float32)
    out["score_abs_names"] = score("abs", stats["mlp"], count, lambda f: np.arange(20) < 2)[kept].astype(np.float32)

    by_abs = score("abs", stats["mlp"], count, everything).reshape(20, -1)
    order = np.argsort(-by_abs, axis=1, kind="stable")
    neurons = by_abs.shape[1]
    pruned = [int(np.floor(f * neurons + 1e-9)) for f in FRACTIONS]
    base = answer(hooked, pixels, fine, evaluate, order[0], 0)
    mask = np.zeros((len(FRACTIONS), 20, neurons), np.uint8)
    correct, loss = np.zeros((len(FRACTIONS), 20, 20), np.int32), np.zeros((len(FRACTIONS), 20, 20), np.float32)
    for i, k in enumerate(pruned):
        for f in range(20):
            mask[i, f, order[f, :k]] = 1
            correct[i, f], loss[i, f] = answer(hooked, pixels, fine, evaluate, order[f], k)
    found, reached = np.zeros((len(DROPS), 20), np.int32), np.zeros((len(DROPS), 20), np.int32)
    traces = np.full((len(DROPS), 20, 14, 2), -1, np.int32)
    for i, drop in enumerate(DROPS):
        for f in range(20):
            found[i, f], reached[i, f], trace = search(hooked, pixels, fine, evaluate[f], order[f], base[0][f], drop)
            traces[i, f, :len(trace)] = trace
    out |= {"accuracy_base": np.array(base[0], np.int32), "loss_base": np.array(base[1], np.float32),
            "pruned": np.array(pruned, np.int32), "mask": np.packbits(mask, axis=-1, bitorder="little"),
            "correct": correct, "loss": loss, "search_pruned": found, "search_reached": reached, "trace": traces}
    out = {n: np.ascontiguousarray(v.astype(np.int32) if v.dtype == np.int64 else v) for n, v in out.items()}
    save_file(out, HERE / ("pipeline-resize.safetensors" if resize else "pipeline.safetensors"))
    print(base[0], found, found / neurons, reached, correct[1][:3], sep="\n")


if __name__ == "__main__":
    main()
