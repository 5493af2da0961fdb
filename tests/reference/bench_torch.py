# SPDX-License-Identifier: Apache-2.0
"""PyTorch's rate for what tests/bench_model.c does: a pass with hooks that keep statistics of every neuron, or the answers from all logits.

usage: bench_torch.py vit-b|smollm2|mistral-7b WHAT float32|bfloat16|tf32 THREADS SECONDS BATCH[,BATCH...] [cuda]
WHAT keeps of each neuron, as the stage `collect` does, the sums of |x|, x, x², √|x| and x > 0: collect at both sites, five at the mlp site. mlp
keeps the least that is of use there, the sum of |x|; none nothing. answer makes all logits, Top-1 and loss; five-answer and none-answer both.
Prints rows (tokens) a second at the best batch size; batches that memory is too small for are passed over. Random weights; a sample of smollm2 has
512 tokens, of mistral-7b 1,000. tf32 is float32 whose products may round to it, on a device.
"""
import sys

import torch
from bench_common import rate
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, ViTConfig, ViTForImageClassification

kind, what, dtype, threads, seconds, batches, *device = sys.argv[1:]
device = device[0] if device else "cpu"
torch.set_num_threads(int(threads))
torch.manual_seed(0)
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = dtype == "tf32"
dtype = torch.float32 if dtype == "tf32" else getattr(torch, dtype)
OUTPUTS, TOKENS = {"vit-b": (1000, 197), "smollm2": (49152, 512), "mistral-7b": (32000, 1000)}[kind]
torch.set_default_dtype(dtype)
with torch.device(device):
    if kind == "vit-b":
        model = ViTForImageClassification(ViTConfig(num_labels=OUTPUTS))
    elif kind == "smollm2":
        model = LlamaForCausalLM(LlamaConfig(vocab_size=OUTPUTS, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                                             num_key_value_heads=3, tie_word_embeddings=True, max_position_embeddings=2048))
    else:
        model = MistralForCausalLM(MistralConfig(vocab_size=OUTPUTS, hidden_size=4096, intermediate_size=14336, num_hidden_layers=32,
                                                 num_attention_heads=32, num_key_value_heads=8, sliding_window=None))
torch.set_default_dtype(torch.float32)
model = model.eval().to(dtype)
if kind == "vit-b":
    body = model.vit
    layers = body.layers if hasattr(body, "layers") else body.encoder.layer
    mlp = [l.mlp.fc2 if hasattr(l, "mlp") else l.output.dense for l in layers]
    attn = [l.attention.o_proj if hasattr(l, "mlp") else l.attention.output.dense for l in layers]
else:
    body = model.model
    mlp, attn = [l.mlp.down_proj for l in body.layers], [l.self_attn.o_proj for l in body.layers]


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


kept = what.split("-")[0]
sites, statistics = {"collect": (mlp + attn, five), "five": (mlp, five), "mlp": (mlp, one), "none": ([], None), "answer": ([], None)}[kept]
for site in sites:
    site.register_forward_pre_hook(keep(statistics))


def forward(x):
    if not what.endswith("answer"):  # no head
        return body(x) if kind == "vit-b" else body(x, use_cache=False)
    if kind == "vit-b":
        return model(x).logits.argmax(-1)
    logits = model(x, use_cache=False).logits
    target = x[:, 1:].reshape(-1)
    logits = logits[:, :-1].reshape(-1, OUTPUTS)
    return logits.argmax(-1) == target, torch.nn.functional.cross_entropy(logits.float(), target)


def measured(batch):
    x = torch.randn(batch, 3, 224, 224).to(dtype) if kind == "vit-b" else torch.randint(0, OUTPUTS, (batch, TOKENS))
    x = x.to(device)
    passes = 4 if device == "cuda" else 1  # a device is given several before it is waited for

    def step():
        for _ in range(passes):
            forward(x)
        if device == "cuda":
            torch.cuda.synchronize()

    return rate(step, passes * batch * TOKENS, float(seconds))


best = 0
for batch in map(int, batches.split(",")):
    try:
        with torch.inference_mode():
            best = max(best, measured(batch))
    except torch.OutOfMemoryError:
        break
print(f"{best:.1f}")
