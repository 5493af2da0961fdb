# SPDX-License-Identifier: Apache-2.0
"""Makes tests/reference/smollm2.safetensors: what PyTorch answers with SmolLM2-135M's de-quantised weights on the example text.

    python tests/reference/make_smollm2.py GGUF      (jobs/get_smollm2.sh fetches it)

    ids [tokens], lengths [samples]        I32: the first 256 tokens of two documents of every domain
    top1 [tokens]                          I32: the argmax at each token
    loss, rank [tokens]                    of the next token; rank (I32) -1 at a sample's last token
    columns [64], logits [16, 64]          of the first sample's first 16 tokens

The tokenizer is made from the file's own tokens and merges with its pre-tokenizer `smollm`, which splits digits first
(transformers would not).
"""
import json
import pathlib
import sys

import gguf
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent
DOCUMENTS, TOKENS = 2, 256


def tokenizer_of(path):
    fields = gguf.GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    assert fields["tokenizer.ggml.pre"].contents() == "smollm" and not fields["tokenizer.ggml.add_bos_token"].contents()
    t = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = decoders.ByteLevel()
    return t


def main():
    path = pathlib.Path(sys.argv[1])
    t = tokenizer_of(path)
    documents = {}
    for line in (HERE.parent.parent / "examples/debtext/test.jsonl").read_text().splitlines():
        entry = json.loads(line)
        documents.setdefault(entry["meta"]["pile_set_name"], []).append(entry["text"])
    samples = [t.encode(text).ids[:TOKENS] for texts in documents.values() for text in texts[:DOCUMENTS]]
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    out = {key: [] for key in ("top1", "loss", "rank")}
    columns = torch.arange(7, 49152, 768)
    for s in samples:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([s]), use_cache=False).logits[0]
        if not out["top1"]:
            first = logits[:16, columns].contiguous()
        target = torch.tensor(s[1:] + [0])
        own = logits.gather(1, target[:, None])
        rank = (logits > own).sum(1) + ((logits == own) & (torch.arange(logits.shape[1]) < target[:, None])).sum(1)
        loss = torch.logsumexp(logits.double(), 1) - own[:, 0].double()
        rank[-1], loss[-1] = -1, 0
        out["top1"].append(logits.argmax(1))
        out["rank"].append(rank)
        out["loss"].append(loss)
    rank = torch.cat(out["rank"])
    save_file({"ids": torch.tensor([i for s in samples for i in s], dtype=torch.int32),
               "lengths": torch.tensor([len(s) for s in samples], dtype=torch.int32),
               "top1": torch.cat(out["top1"]).to(torch.int32), "rank": rank.to(torch.int32),
               "loss": torch.cat(out["loss"]).float(), "columns": columns.to(torch.int32), "logits": first}, HERE / "smollm2.safetensors")
    scored = rank >= 0
    print(f"{len(samples)} samples, {len(rank)} tokens, {scored.sum()} scored; Top-1 {100 * (rank == 0).sum() / scored.sum():.3f}%, "
          f"Top-10 {100 * (scored & (rank < 10)).sum() / scored.sum():.3f}%, loss {torch.cat(out['loss'])[scored].mean():.5f}")


if __name__ == "__main__":
    main()
