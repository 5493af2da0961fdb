# SPDX-License-Identifier: Apache-2.0
"""The search of the stage `prune` with the paper's own package, for (d) of tests/bench.sh: taker's model, its hooks that mask neurons, and its
evaluation (`run_evaluation` over its image loader), around the same statistic and search (bench_common.py) as in bench_search.py.

usage: bench_taker.py MODEL_FOLDER GLYPH_FOLDER THREADS SUBSETS
Prints as bench_common.search. Needs taker==1.2.3, transformers<5.
"""
import contextlib
import io
import sys

import numpy as np
import torch
from bench_common import Glyphs, collect, search
from PIL import Image
from taker import Model
from taker.data_classes import EvalConfig
from taker.eval import run_evaluation

folder, data, threads, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
glyphs = Glyphs(data)
images = [Image.fromarray(np.ascontiguousarray(p.transpose(1, 2, 0))) for p in glyphs.pixels]


class Part(torch.utils.data.Dataset):
    """Some images as a dataset of taker's: a new dictionary for each, which its loader transforms."""

    def __init__(self, index):
        self.index = index

    def __len__(self):
        return len(self.index)

    def __getitem__(self, at):
        if at >= len(self.index):
            raise IndexError
        return {"img": images[self.index[at]], "fine_label": int(glyphs.fine[self.index[at]])}


@contextlib.contextmanager
def silence():
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


with silence():
    model = Model(folder, dtype="fp32", model_device="cpu")
    model.hooks.disable_all_collect_hooks()


def answer(index):
    config = EvalConfig("part", dataset_type="image-classification", streaming=False, dataset_split="test",
                        dataset_custom_load_fn=lambda: {"test": Part(index)}, dataset_image_key="img", dataset_image_label_key="fine_label")
    with silence():
        return run_evaluation(model, config).percent["base"] / 100


def prune(order, n):
    flat = torch.zeros(model.cfg.n_layers * model.cfg.d_mlp, dtype=torch.bool)
    flat[order[:n]] = True
    model.hooks.reset()
    model.hooks.disable_all_collect_hooks()
    model.hooks.delete_mlp_neurons(flat.reshape(model.cfg.n_layers, model.cfg.d_mlp))


downs = [layer.output.dense for layer in model.predictor.vit.encoder.layer]
search(glyphs, collect(glyphs, downs, answer), answer, prune, wanted)
