# SPDX-License-Identifier: Apache-2.0
"""Makes a little BERT that has learnt something, and tests/reference/masked_pipeline.safetensors: collect, score and prune on it, by PyTorch and NumPy.

    python tests/reference/make_masked_pipeline.py [train]    (from the repository root; versions in requirements.txt)

With `train`, the model is trained anew. The pipeline is tests/masked.yaml; the model runs in float64. The mask is computed here by itself, from what
data/dataset/token_mask.h and docs/using.md say. Tensors are named as in make_lm_pipeline.py:
    activations/SITE_STATISTIC, activations/mlp_count, scores/mlp_score
    SEED-FORM/accuracy_base, loss_base, samples of what prunes nothing, for masks of several kinds
    FRACTION/VARIABLE of the tasks that prune a share
"""
import json
import pathlib
import shutil
import sys

import numpy as np
import torch
import xxhash
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertForMaskedLM

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
FOLDER = HERE / "models/masked-bert"
KEEP = ["bible", "jargon", "python_code"]
CONTEXT, LIMIT, FRACTIONS, SITES = 96, 2500, [0.1, 0.3], ["mlp", "attn"]
STATISTICS = ["mean_abs", "mean", "mean_square", "mean_sqrt_abs", "positive"]
WORD = 0xFFFFFFFF


def philox(seed, name, index):
    """Philox-4x32-10 of the block `index` in the stream `name`."""
    stream = xxhash.xxh3_64_intdigest(name.encode())
    c, k = [index & WORD, index >> 32, stream & WORD, stream >> 32], [seed & WORD, seed >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & WORD, (a >> 32) ^ c[3] ^ k[1], a & WORD]
        k = [(k[0] + 0x9E3779B9) & WORD, (k[1] + 0xBB67AE85) & WORD]
    return c


def mask(ids, subset, number, special, vocabulary, share=0.15, seed=0, form="mixed"):
    """The ids that the model sees, and the targets, -1 where there is none. The mask is the last of the special tokens."""
    come = sum(i not in special for i in ids)
    left = max(1, int(share * come + 0.5))
    plain = [i for i in range(vocabulary) if i not in special]
    seen, targets = list(ids), [-1] * len(ids)
    for k, i in enumerate(ids):
        if i in special:
            continue
        draw = philox(seed, subset, number << 24 | k)
        chosen = (draw[0] * come >> 32) < left
        come -= 1
        if not chosen:
            continue
        left -= 1
        targets[k] = i
        ten = draw[1] * 10 >> 32
        seen[k] = special[-1] if form == "mask" or ten < 8 else plain[draw[2] * len(plain) >> 32] if ten == 8 else i
    return seen, targets


def read_samples(tokenizer):
    """Names, and of each subset its samples: documents until there are more than LIMIT tokens, framed and cut."""
    found = {}
    for line in open(ROOT / "examples/debtext/test.jsonl", encoding="utf-8"):
        document = json.loads(line)
        taken = found.setdefault(document["meta"]["pile_set_name"], [])
        ids = tokenizer.encode(document["text"]).ids
        ids = ids if len(ids) <= CONTEXT else ids[:CONTEXT - 1] + ids[-1:]
        if sum(map(len, taken)) <= LIMIT:
            taken.append(ids)
    return [n for n in found if n in KEEP], found


def train(tokenizer, samples, special):
    torch.manual_seed(0)
    config = BertConfig(vocab_size=tokenizer.get_vocab_size() + 4, hidden_size=48, num_attention_heads=4, intermediate_size=80, num_hidden_layers=2,
                        max_position_embeddings=CONTEXT + 4, initializer_range=0.1, attention_probs_dropout_prob=0, hidden_dropout_prob=0)
    model = BertForMaskedLM(config)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    steps = 1200
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, steps)
    long = torch.tensor([s for s in samples if len(s) == CONTEXT])
    hidden = torch.tensor(special)
    for step in range(steps):
        ids = long[torch.randint(len(long), (12,))]
        chosen = (torch.rand(ids.shape) < 0.15) & ~torch.isin(ids, hidden)
        loss = model(input_ids=torch.where(chosen & (torch.rand(ids.shape) < 0.9), special[-1], ids), labels=torch.where(chosen, ids, -100)).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 99:
            print(step + 1, round(loss.item(), 3))
    model.to(torch.float16).save_pretrained(FOLDER)
    path = FOLDER / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1) + "\n")
    shutil.copy(HERE / "tokenizers/bert.json", FOLDER / "tokenizer.json")
    (FOLDER / "generation_config.json").unlink(missing_ok=True)


class Hooked:
    """The model with readers at both sites and masks at the MLP's."""

    def __init__(self):
        self.model = BertForMaskedLM.from_pretrained(FOLDER, dtype=torch.float64).eval()
        self.seen, self.pruned, self.read = {}, None, False
        self.layers = len(self.model.bert.encoder.layer)
        for i, layer in enumerate(self.model.bert.encoder.layer):
            layer.output.dense.register_forward_pre_hook(self.hook("mlp", i))
            layer.attention.output.dense.register_forward_pre_hook(self.hook("attn", i))

    def hook(self, site, layer):
        def run(module, args):
            if self.read:
                self.seen.setdefault((site, layer), []).append(args[0][0].detach().numpy().copy())
            if site == "mlp" and self.pruned is not None:
                return (args[0] * (1 - self.pruned[layer]),)
            return None
        return run

    def logits(self, ids):
        with torch.no_grad():
            return self.model(torch.tensor([ids])).logits[0].numpy()


def collect(hooked, parts):
    stats = {f"{s}_{n}": [] for s in SITES for n in STATISTICS}
    hooked.read = True
    for part in parts:
        hooked.seen = {}
        for ids, _ in part:
            hooked.logits(ids)
        for s in SITES:
            x = np.stack([np.concatenate(hooked.seen[s, l]) for l in range(hooked.layers)])
            for name, value in [("mean_abs", abs(x)), ("mean", x), ("mean_square", x * x), ("mean_sqrt_abs", np.sqrt(abs(x))), ("positive", x > 0)]:
                stats[f"{s}_{name}"].append(value.mean(axis=1))
    hooked.read = False
    return np.array([sum(len(ids) for ids, _ in part) for part in parts]), {n: np.stack(v) for n, v in stats.items()}


def score(mean_abs, count):
    everywhere = (mean_abs * count[:, None, None]).sum(0) / count.sum()
    return mean_abs / (everywhere + 1e-6)


def ranks_and_losses(logits, target):
    """Rank of the target (equal logits: the lower index first) and -ln softmax, a row each."""
    own = logits[np.arange(len(target)), target][:, None]
    rank = ((logits > own) | ((logits == own) & (np.arange(logits.shape[1]) < target[:, None]))).sum(1)
    top = logits.max(1)
    return rank, np.log(np.exp(logits - top[:, None]).sum(1)) + top - own[:, 0]


def answer(hooked, parts):
    """Number, accuracy and mean loss of the masked tokens of each part."""
    out = []
    for part in parts:
        rank, loss = [], []
        for ids, targets in part:
            where = [k for k, t in enumerate(targets) if t >= 0]
            r, l = ranks_and_losses(hooked.logits(ids)[where], np.array(targets)[where])
            rank, loss = rank + list(r), loss + list(l)
        out.append((len(rank), np.mean(np.array(rank) == 0), np.mean(np.array(rank) < 10), np.mean(loss)))
    return dict(zip(("samples", "accuracy", "accuracy_top10", "loss"), np.array(out).T))


def main():
    tokenizer = Tokenizer.from_file(str(HERE / "tokenizers/bert.json"))
    special = [tokenizer.token_to_id(t) for t in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")]
    names, found = read_samples(tokenizer)
    if "train" in sys.argv:
        train(tokenizer, [s for n in names for s in found[n]], special)
    hooked, out = Hooked(), {}
    halves = [len(found[n]) // 2 for n in names]

    def masked(collected, **how):
        parts = [[mask(ids, n, i, special, tokenizer.get_vocab_size(), **how) for i, ids in enumerate(found[n])] for n in names]
        return [p[:h] if collected else p[h:] for p, h in zip(parts, halves)]

    count, stats = collect(hooked, masked(True))
    out["activations/mlp_count"] = count.astype(np.int32)
    out |= {f"activations/{n}": v for n, v in stats.items()}
    scores = score(stats["mlp_mean_abs"], count)
    out["scores/mlp_score"] = scores
    for name, how in (("mixed", {}), ("mask", dict(form="mask")), ("seed", dict(seed=7, share=0.3))):
        base = answer(hooked, masked(False, **how))
        out |= {f"{name}/{n if n == 'samples' else n + '_base'}": v for n, v in base.items()}
        print(name, base)
    own = masked(False)
    for fraction in FRACTIONS:
        chosen = int(fraction * scores[0].size + 1e-9)
        pruned, got = [], []
        for s in scores:
            flat = np.zeros(s.size, np.uint8)
            flat[np.argsort(-s.ravel(), kind="stable")[:chosen]] = 1
            pruned.append(flat.reshape(s.shape))
            hooked.pruned = torch.tensor(pruned[-1], dtype=torch.float64)
            got.append(answer(hooked, own))
        hooked.pruned = None
        out[f"{fraction}/mlp_mask"] = np.stack(pruned)
        out |= {f"{fraction}/{n}": np.stack([g[n] for g in got]) for n in ("accuracy", "accuracy_top10", "loss")}
        print(fraction, out[f"{fraction}/accuracy"])
    flat = {n: np.ascontiguousarray(v.astype(np.int32) if n.endswith("/samples") else v if v.dtype != np.float64 else v.astype(np.float32))
            for n, v in out.items()}
    save_file(flat, HERE / "masked_pipeline.safetensors")


if __name__ == "__main__":
    main()
