# SPDX-License-Identifier: Apache-2.0
"""PyTorch's rate for what tests/bench_model.c does: a pass with hooks that keep statistics of every neuron, or the answers from all logits.

usage: bench_torch.py vit-b|smollm2 collect|mlp|answer float32|bfloat16 THREADS SECONDS BATCH[,BATCH...]
collect keeps what the stage `collect` does: the sums of |x|, x, x², √|x| and x > 0, at both sites. mlp keeps the least that is of use: the sum of
|x| at the mlp site. Prints rows (tokens) a second at the best batch size. Random weights; a sample of smollm2 has 512 tokens.
"""
import sys

import torch
from bench_common import rate
from transformers import LlamaConfig, LlamaForCausalLM, ViTConfig, ViTForImageClassification

kind, what, dtype, threads, seconds, batches = sys.argv[1:]
torch.set_num_threads(int(threads))
torch.manual_seed(0)
dtype = getattr(torch, dtype)
if kind == "vit-b":
    model = ViTForImageClassification(ViTConfig(num_labels=1000))
    body, rows = model.vit, 197
    layers = body.layers if hasattr(body, "layers") else body.encoder.layer
    mlp = [l.mlp.fc2 if hasattr(l, "mlp") else l.output.dense for l in layers]
    attn = [l.attention.o_proj if hasattr(l, "mlp") else l.attention.output.dense for l in layers]
else:
    model = LlamaForCausalLM(LlamaConfig(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                                         num_key_value_heads=3, tie_word_embeddings=True, max_position_embeddings=2048))
    body, rows = model.model, 512
    mlp, attn = [l.mlp.down_proj for l in body.layers], [l.self_attn.o_proj for l in body.layers]
model = model.eval().to(dtype)


def keep(statistics):
    def hook(module, inputs):
        sums = statistics(inputs[0].reshape(-1, inputs[0].shape[-1]).float())
        module.sums = module.sums + sums if hasattr(module, "sums") else sums

    return hook


def five(x):
    size = x.abs()
    return torch.stack([size.sum(0), x.sum(0), (x * x).sum(0), size.sqrt().sum(0), (x > 0).sum(0).float()]).double()


def one(x):
    return x.abs().sum(0).double()


sites, statistics = {"collect": (mlp + attn, five), "mlp": (mlp, one), "answer": ([], None)}[what]
for site in sites:
    site.register_forward_pre_hook(keep(statistics))
best = 0
for batch in map(int, batches.split(",")):
    x = torch.randn(batch, 3, 224, 224).to(dtype) if kind == "vit-b" else torch.randint(0, 49152, (batch, 512))

    def step():
        if what != "answer":  # no head
            return body(x)
        logits = model(x).logits
        if kind == "vit-b":
            return logits.argmax(-1)
        target = x[:, 1:].reshape(-1)
        logits = logits[:, :-1].reshape(-1, 49152)
        return logits.argmax(-1) == target, torch.nn.functional.cross_entropy(logits.float(), target)

    with torch.inference_mode():
        best = max(best, rate(step, batch * rows, float(seconds)))
print(f"{best:.1f}")
