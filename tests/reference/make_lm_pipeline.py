# SPDX-License-Identifier: Apache-2.0
"""Makes tests/reference/lm_pipeline.safetensors: collect, score and prune on the example Mistral, computed with PyTorch and NumPy.

    python tests/reference/make_lm_pipeline.py     (from the repository root; versions in requirements.txt)

The pipeline is tests/text_reference.yaml. The model runs in float64, so that what sulcus computes in float32 is compared with better
numbers. Tensors are named as the artefacts' variables, behind the step or the value of its axis; integers are int32:
    activations/SITE_STATISTIC [subset, layer, unit], activations/mlp_count [subset]
    scores/mlp_score, scores/attn_score [subset, layer, unit]
    FRACTION/VARIABLE of the tasks that prune a share, FRACTION = 0.05, 0.2; correct answers are exact:
        samples, samples_skip, pruned, accuracy*, loss*, perplexity*, mlp_mask
    drop/pruned, drop/reached, drop/trace_fraction, drop/trace_accuracy of the search
    shots/accuracy_base and the like: questions behind two others, sought in the whole vocabulary
"""
import csv
import json
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from transformers import MistralForCausalLM

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
KEEP = ["bible", "jargon", "python_code", "legal", "german"]
SUBJECTS = ["chemistry", "jargon"]
CONTEXT, LIMIT, QUESTIONS, SKIP, SHOTS = 128, 3000, 30, 20, 2
FRACTIONS, DROP, TOLERANCE = [0.05, 0.2], 0.2, 0.02
SITES = ["mlp", "attn"]
STATISTICS = ["mean_abs", "mean", "mean_square", "mean_sqrt_abs", "positive"]


def read_text(tokenizer):
    """Ids of the samples of every subset: the first CONTEXT tokens of documents, until there are more than LIMIT."""
    found = {}
    for line in open(ROOT / "examples/debtext/test.jsonl", encoding="utf-8"):
        document = json.loads(line)
        taken = found.setdefault(document["meta"]["pile_set_name"], [])
        ids = tokenizer.encode(document["text"]).ids[:CONTEXT]
        if len(ids) >= 2 and sum(map(len, taken)) <= LIMIT:
            taken.append(ids)
    names = [n for n in found if n in KEEP]
    halves = [len(found[n]) // 2 for n in names]
    return names, [found[n][:h] for n, h in zip(names, halves)], [found[n][h:] for n, h in zip(names, halves)]


def rows_of(folder, subject):
    with open(ROOT / f"examples/debquiz/{folder}/{subject}_{folder}.csv", newline="", encoding="utf-8") as f:
        return list(csv.reader(f))


def prompt(subject, shots, question):
    text = f"The following are multiple choice questions (with answers) about {subject.replace('_', ' ')}."
    for row in shots + [question]:
        text += f"\n\nQuestion: {row[0]}" + "".join(f"\n{l}. {c}" for l, c in zip("ABCD", row[1:5])) + f"\nAnswer: {row[5]}"
    return text


def read_questions(tokenizer, shots):
    """[(ids, target)] of every subject: as published, the prompt is tokenised with its answer, which is the last token."""
    out = []
    for subject in SUBJECTS:
        shown = rows_of("dev", subject)[:shots]
        asked = [tokenizer.encode(prompt(subject, shown, q)).ids for q in rows_of("test", subject)[:QUESTIONS]]
        out.append([(ids[:-1], ids[-1]) for ids in asked])
    return out


class Hooked:
    """The model with readers and masks at the inputs of the two output projections."""

    def __init__(self):
        self.model = MistralForCausalLM.from_pretrained(ROOT / "examples/mistral-debtext", dtype=torch.float64).eval()
        self.seen, self.mask, self.read = {}, None, False
        self.layers = len(self.model.model.layers)
        for i, layer in enumerate(self.model.model.layers):
            layer.mlp.down_proj.register_forward_pre_hook(self.hook("mlp", i))
            layer.self_attn.o_proj.register_forward_pre_hook(self.hook("attn", i))

    def hook(self, site, layer):
        def run(module, args):
            x = args[0]
            if self.read:
                self.seen.setdefault((site, layer), []).append(x[0].detach().numpy().copy())
            if site == "mlp" and self.mask is not None:
                return (x * (1 - self.mask[layer]),)
            return None
        return run

    def logits(self, ids):
        with torch.no_grad():
            return self.model(torch.tensor([ids])).logits[0]


def collect(hooked, parts):
    count, stats = [], {f"{s}_{n}": [] for s in SITES for n in STATISTICS}
    hooked.read = True
    for part in parts:
        hooked.seen = {}
        for ids in part:
            hooked.logits(ids)
        count.append(sum(map(len, part)))
        for s in SITES:
            x = np.stack([np.concatenate(hooked.seen[s, l]) for l in range(hooked.layers)])
            for name, value in [("mean_abs", abs(x)), ("mean", x), ("mean_square", x * x), ("mean_sqrt_abs", np.sqrt(abs(x))), ("positive", x > 0)]:
                stats[f"{s}_{name}"].append(value.mean(axis=1))
    hooked.read = False
    return np.array(count), {n: np.stack(v) for n, v in stats.items()}


def score(mean_abs, count):
    everywhere = (mean_abs * count[:, None, None]).sum(0) / count.sum()
    return mean_abs / (everywhere + 1e-6)


def ranks_and_losses(logits, target):
    """Rank of the target (equal logits: the lower index first) and -ln softmax, a row each."""
    own = logits[np.arange(len(target)), target][:, None]
    index = np.arange(logits.shape[1])[None]
    rank = ((logits > own) | ((logits == own) & (index < target[:, None]))).sum(1)
    top = logits.max(1)
    return rank, np.log(np.exp(logits - top[:, None]).sum(1)) + top - own[:, 0]


def measured(rank, loss, kept, questions):
    """The artefact's numbers of one subset; `kept`: positions whose target is not in the skip list."""
    nothing = np.nan
    return {"samples": len(rank), "accuracy": (rank == 0).mean(), "loss": loss.mean(), "perplexity": np.exp(loss.mean()),
            "perplexity_published": np.exp(loss).mean(), "accuracy_top10": nothing if questions else (rank < 10).mean(),
            "samples_skip": 0 if questions else kept.sum(), "accuracy_skip": nothing if questions else (rank[kept] == 0).mean(),
            "accuracy_top10_skip": nothing if questions else (rank[kept] < 10).mean()}


def answer_text(hooked, part, skip):
    rank, loss, target = [], [], []
    for ids in part:
        r, l = ranks_and_losses(hooked.logits(ids).numpy()[:-1], np.array(ids[1:]))
        rank, loss, target = rank + list(r), loss + list(l), target + ids[1:]
    return measured(np.array(rank), np.array(loss), ~np.isin(target, skip), False)


def answer_questions(hooked, asked, letters):
    """Among the tokens `letters`, or with None in the whole vocabulary."""
    rank, loss = [], []
    for ids, target in asked:
        row = hooked.logits(ids).numpy()[-1:]
        compared, right = (row[:, letters], letters.index(target)) if letters else (row, target)
        r, l = ranks_and_losses(compared, np.array([right]))
        rank, loss = rank + list(r), loss + list(l)
    whole = letters is None
    return measured(np.array(rank), np.array(loss), np.ones(len(rank), bool), not whole)


def answer_all(hooked, order, k, text, questions, skip, letters):
    prune(hooked, order, k)
    out = [answer_text(hooked, part, skip) for part in text] + [answer_questions(hooked, q, letters) for q in questions]
    hooked.mask = None
    return {n: np.array([o[n] for o in out]) for n in out[0]}


def prune(hooked, order, k):
    mask = np.zeros(len(order))
    mask[order[:k]] = 1
    hooked.mask = torch.tensor(mask.reshape(hooked.layers, -1)) if k else None


def search(hooked, part, order, skip):
    low, high, trace = 0, len(order), []
    prune(hooked, order, 0)
    target = (1 - DROP) * answer_text(hooked, part, skip)["accuracy"]
    while high - low > 1:
        k = (low + high) // 2
        prune(hooked, order, k)
        accuracy = answer_text(hooked, part, skip)["accuracy"]
        trace.append((k / len(order), accuracy))
        if target - TOLERANCE - 1e-9 <= accuracy <= target + 1e-9:
            return k, 1, trace
        low, high = (k, high) if accuracy > target else (low, k)
    return low, 0, trace


def frequent(parts):
    """The SKIP tokens that are most often a target."""
    count = np.bincount([t for part in parts for ids in part for t in ids[1:]])
    return np.argsort(-count, kind="stable")[:SKIP]


def main():
    torch.set_num_threads(2)
    tokenizer = Tokenizer.from_file(str(ROOT / "examples/mistral-debtext/tokenizer.json"))
    names, collected, evaluated = read_text(tokenizer)
    questions, behind_shots = read_questions(tokenizer, 0), read_questions(tokenizer, SHOTS)
    letters = [tokenizer.encode("Answer: " + l).ids[-1] for l in "ABCD"]
    skip = frequent(collected)
    hooked = Hooked()
    count, stats = collect(hooked, collected)
    scores = {s: score(stats[f"{s}_mean_abs"], count) for s in SITES}
    order = np.argsort(-scores["mlp"].reshape(len(names), -1), axis=1, kind="stable")
    neurons = order.shape[1]
    out = {"activations/mlp_count": count} | {f"activations/{n}": v for n, v in stats.items()}
    out |= {f"scores/{s}_score": scores[s] for s in SITES}

    base = answer_all(hooked, order[0], 0, evaluated, questions, skip, letters)
    for share in FRACTIONS:
        k = int(np.floor(share * neurons + 1e-9))
        pruned = [answer_all(hooked, o, k, evaluated, questions, skip, letters) for o in order]
        mask = np.zeros((len(names), neurons), np.uint8)
        for f in range(len(names)):
            mask[f, order[f, :k]] = 1
        out |= {f"{share}/{n}_base": v for n, v in base.items() if not n.startswith("samples")}
        out |= {f"{share}/{n}": np.stack([p[n] for p in pruned]) for n in base if not n.startswith("samples")}
        out |= {f"{share}/samples": base["samples"], f"{share}/samples_skip": base["samples_skip"], f"{share}/mlp_mask": mask,
                f"{share}/pruned": np.full(len(names), k)}
    found = [search(hooked, evaluated[f], order[f], skip) for f in range(len(names))]
    traces = np.full((2, len(names), max(len(t) for _, _, t in found)), np.nan)
    for f, (_, _, trace) in enumerate(found):
        traces[:, f, :len(trace)] = np.array(trace).T
    out |= {"drop/pruned": np.array([k for k, _, _ in found]), "drop/reached": np.array([r for _, r, _ in found]),
            "drop/trace_fraction": traces[0], "drop/trace_accuracy": traces[1]}
    shots = answer_all(hooked, order[0], 0, [], behind_shots, skip, None)
    out |= {f"shots/{n}_base": shots[n] for n in ["accuracy", "loss", "accuracy_top10"]}

    as_int = lambda v: v.astype(np.int32) if v.dtype == np.int64 else v if v.dtype == np.uint8 else v.astype(np.float32)
    save_file({n: np.ascontiguousarray(as_int(v)) for n, v in out.items()}, HERE / "lm_pipeline.safetensors")
    print(names, count, base, shots, found, sep="\n")


main()
