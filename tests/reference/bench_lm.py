# SPDX-License-Identifier: Apache-2.0
"""Prompt throughput of a language model in PyTorch, as tests/bench_lm.c measures it: all logits, argmax and loss of each token.

    python tests/reference/bench_lm.py FOLDER-OR-GGUF [SAMPLE_TOKENS [THREADS [REPEATS [BATCHES]]]]
"""
import pathlib
import statistics
import sys
import time

import torch
from transformers import AutoModelForCausalLM

path = pathlib.Path(sys.argv[1])
tokens, threads, repeats = (int(sys.argv[i]) if len(sys.argv) > i else d for i, d in ((2, 512), (3, 2), (4, 5)))
batches = [int(b) for b in sys.argv[5].split(",")] if len(sys.argv) > 5 else [1, 2, 4]
torch.set_num_threads(threads)
where = dict(pretrained_model_name_or_path=path.parent, gguf_file=path.name) if path.suffix == ".gguf" else dict(pretrained_model_name_or_path=path)
model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32, attn_implementation="sdpa").eval()
for batch in batches:
    ids = torch.randint(model.config.vocab_size, (batch, tokens))
    times = []
    with torch.inference_mode():
        for r in range(repeats + 1):
            begin = time.perf_counter()
            logits = model(input_ids=ids, use_cache=False).logits
            logits.argmax(-1), torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids.flatten())
            if r > 0:
                times.append(time.perf_counter() - begin)
    print(f"batch {batch} of {tokens} tokens, {threads} threads: {batch * tokens / statistics.median(times):.0f} tokens/s "
          f"({batch * tokens / max(times):.0f} to {batch * tokens / min(times):.0f})")
