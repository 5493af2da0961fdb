# SPDX-License-Identifier: Apache-2.0
"""PyTorch's rate for what tests/bench_model.c does: a pass with hooks that keep the statistics of every neuron, or the answers from all logits.

usage: bench_torch.py vit-b|smollm2 collect|answer float32|bfloat16 THREADS SECONDS BATCH[,BATCH...]
Prints rows (tokens) a second at the best batch size. Random weights; vit-b has 4 layers, as bench_model's. A sample of smollm2 has 512 tokens.
"""
import sys
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM, ViTConfig, ViTForImageClassification

kind, what, dtype, threads, seconds, batches = sys.argv[1:]
torch.set_num_threads(int(threads))
torch.manual_seed(0)
dtype = getattr(torch, dtype)
if kind == "vit-b":
    model = ViTForImageClassification(ViTConfig(num_labels=1000, num_hidden_layers=4))
    body, rows = model.vit, 197
    layers = body.layers if hasattr(body, "layers") else body.encoder.layer
    sites = [m for l in layers for m in ((l.mlp.fc2, l.attention.o_proj) if hasattr(l, "mlp") else (l.output.dense, l.attention.output.dense))]
else:
    model = LlamaForCausalLM(LlamaConfig(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                                         num_key_value_heads=3, tie_word_embeddings=True, max_position_embeddings=2048))
    body, rows = model.model, 512
    sites = [m for l in body.layers for m in (l.mlp.down_proj, l.self_attn.o_proj)]
model = model.eval().to(dtype)


def keep(module, inputs):
    x = inputs[0].reshape(-1, inputs[0].shape[-1]).float()
    size = x.abs()
    sums = torch.stack([size.sum(0), x.sum(0), (x * x).sum(0), size.sqrt().sum(0), (x > 0).sum(0).float()]).double()
    module.sums = module.sums + sums if hasattr(module, "sums") else sums


if what == "collect":
    for site in sites:
        site.register_forward_pre_hook(keep)
best = 0
for batch in map(int, batches.split(",")):
    x = torch.randn(batch, 3, 224, 224).to(dtype) if kind == "vit-b" else torch.randint(0, 49152, (batch, 512))

    def step():
        if what == "collect":  # no head
            return body(x)
        logits = model(x).logits
        if kind == "vit-b":
            return logits.argmax(-1)
        target = x[:, 1:].reshape(-1)
        logits = logits[:, :-1].reshape(-1, 49152)
        return logits.argmax(-1) == target, torch.nn.functional.cross_entropy(logits.float(), target)

    with torch.inference_mode():
        step()
        begin, n = time.perf_counter(), 0
        while n < 2 or time.perf_counter() - begin < float(seconds):
            step()
            n += 1
        best = max(best, n * batch * rows / (time.perf_counter() - begin))
print(f"{best:.1f}")
