# SPDX-License-Identifier: Apache-2.0
"""Checks a folder that `sulcus export` wrote: transformers' accuracies with it are those that `prune` measured.

    python check_export.py images|text FOLDER FORGET < TABLE     (tests/run/test_export.sh; versions in requirements.txt)

TABLE is `sulcus table ARTEFACT --variable accuracy --csv`. Data are read as make_pipeline.py and make_lm_pipeline.py read them: the second
half of each subset is evaluated. Ends with 1 where an accuracy differs.
"""
import csv
import gzip
import json
import pathlib
import sys

import numpy as np
import torch

ROOT = pathlib.Path(__file__).parent.parent.parent
kind, folder, forget = sys.argv[1:]
want = {row["subset"]: float(row["value"]) for row in csv.DictReader(sys.stdin) if row["forget"] == forget}


def of_images():
    """20 of each writing system, the last 10 of them."""
    from transformers import ViTForImageClassification
    model = ViTForImageClassification.from_pretrained(folder, dtype=torch.float64).eval()
    raw = np.frombuffer(gzip.open(ROOT / "examples/glyph100/test.bin.gz").read(), np.uint8).reshape(-1, 3074)
    names = (ROOT / "examples/glyph100/coarse_label_names.txt").read_text().split()
    for name in want:
        part = raw[raw[:, 0] == names.index(name)][:20][10:]
        pixels = torch.tensor(part[:, 2:].reshape(-1, 3, 32, 32).astype(np.float64) / 255 * 2 - 1)
        yield name, (model(pixel_values=pixels).logits.argmax(-1).numpy() == part[:, 1]).mean()


def of_text():
    """The first 64 tokens of documents until there are more than 1,500, the second half of the documents."""
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
    tokenizer = Tokenizer.from_file(folder + "/tokenizer.json")
    found = {}
    for line in open(ROOT / "examples/debtext/test.jsonl", encoding="utf-8"):
        document = json.loads(line)
        taken = found.setdefault(document["meta"]["pile_set_name"], [])
        ids = tokenizer.encode(document["text"]).ids[:64]
        if len(ids) >= 2 and sum(map(len, taken)) <= 1500:
            taken.append(ids)
    for name in want:
        samples = found[name][len(found[name]) // 2:]
        right = [model(torch.tensor([s])).logits[0, :-1].argmax(-1).numpy() == np.array(s[1:]) for s in samples]
        yield name, np.concatenate(right).mean()


off = 0
with torch.no_grad():
    for name, accuracy in (of_images if kind == "images" else of_text)():
        off = max(off, abs(accuracy - want[name]))
        print(f"{kind} without {forget}: {name} {accuracy:.6f}, pruned {want[name]:.6f}")
sys.exit(not want or off > 1e-9)
