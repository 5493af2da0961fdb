# SPDX-License-Identifier: Apache-2.0
"""Writes tokenizers/beside.json: what lies beside a tokenizer.json, and the tokens that transformers makes of texts with it.

usage: make_beside.py (in tests/reference; versions: requirements.txt)
"""
import json
import pathlib
import tempfile

from transformers import AutoTokenizer

here = pathlib.Path(__file__).parent / "tokenizers"
texts = ["Hello world 123", "Élan 中文 THE", "a<|new|>b", "a <extra> b", "he  <|new|> the", "<|endoftext|>x"]


def token(content, **more):
    return {"content": content, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False, "special": True, **more}


# Name, tokenizer, whether its pre-tokenizer puts a space in front (BERT's: its normalizer makes lower case), config.json, tokenizer_config.json; said: ids that are not followed.
cases = []


def case(name, file, prefix, config, beside, said=False):
    cases.append({"name": name, "file": file, "prefix": prefix, "config": config, "beside": beside, "said": said})


for kind in ["gpt2", "opt", "phi", "gptj", "gpt_neox", "olmo", "olmoe", "roberta", "bart", "starcoder2", "llama", "mistral", "mixtral", "olmo2", "phi3",
             "stablelm"]:
    case(f"the class of {kind}", "gpt2", True, {"model_type": kind}, None)
for kind in ["gpt2", "gpt_neox", "opt", "llama"]:
    case(f"the class of {kind}, and a space", "gpt2", False, {"model_type": kind}, {"add_prefix_space": True})
for name, kind in [("GPTNeoXTokenizer", "gpt_neox"), ("GPTNeoXTokenizerFast", "llama"), ("CodeGenTokenizer", "phi"), ("BartTokenizer", "opt"),
                   ("DebertaTokenizer", "opt"), ("GPT2TokenizerFast", "llama"), ("GPT2Tokenizer", "gpt_neox"), ("GPT2Tokenizer", "olmo2"),
                   ("GPT2Tokenizer", "phi3"), ("LlamaTokenizerFast", "llama"), ("PreTrainedTokenizerFast", "gpt2"), ("NoSuchTokenizer", "gpt2")]:
    case(f"{name} of {kind}", "gpt2", True, {"model_type": kind}, {"tokenizer_class": name})
case("a class in config.json", "gpt2", True, {"model_type": "llama", "tokenizer_class": "GPT2Tokenizer"}, None)
case("another in tokenizer_config.json", "gpt2", True, {"model_type": "llama", "tokenizer_class": "GPT2Tokenizer"},
     {"tokenizer_class": "PreTrainedTokenizerFast"})
for kind in ["bert", "distilbert", "electra"]:
    case(f"the class of {kind}", "bert", False, {"model_type": kind}, None)
case("bert, cased", "bert", None, {"model_type": "bert"}, {"do_lower_case": False})
case("bert, as the file", "bert", False, {"model_type": "bert", "tokenizer_class": "PreTrainedTokenizerFast"}, None)

size = len(json.loads((here / "gpt2.json").read_text())["model"]["vocab"])
for name, beside in [
    ("one token", {"added_tokens_decoder": {str(size + 1): token("<|new|>")}}),
    ("a number far beyond", {"added_tokens_decoder": {str(size + 500): token("<|new|>")}}),
    ("a number that another has", {"added_tokens_decoder": {"600": token("<|new|>")}}),
    ("two, out of order", {"added_tokens_decoder": {str(size + 5): token("<|new|>"), str(size + 2): token("<extra>")}}),
    ("a piece of the vocabulary", {"added_tokens_decoder": {"39": token("he")}}),
    ("one that swallows spaces", {"added_tokens_decoder": {str(size + 1): token("<|new|>", lstrip=True, rstrip=True, special=False)}}),
    ("special ones", {"additional_special_tokens": ["<extra>"], "eos_token": "<|new|>"}),
    ("a pad token", {"pad_token": "<extra>", "eos_token": "<|endoftext|>"}),
    ("an object", {"bos_token": {"__type": "AddedToken", **token("<|new|>", lstrip=True)}}),
    ("all there already", {"added_tokens_decoder": {str(size): token("<|endoftext|>")}, "eos_token": "<|endoftext|>"}),
]:
    case(f"tokens: {name}", "gpt2", False, {"model_type": "llama"}, beside)
case("tokens beside BERT's", "bert", None, {"model_type": "bert"}, {"added_tokens_decoder": {"1200": token("<|new|>")}})
case("tokens beside GPT-2's, of which one is in no vocabulary", "gpt2", False, {"model_type": "gpt2"},
     {"added_tokens_decoder": {str(size + 1): token("<|new|>")}}, said=True)

for c in cases:
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        rules = json.loads((here / f"{c['file']}.json").read_text())
        if c["prefix"] is not None:
            if c["file"] == "bert":
                rules["normalizer"]["lowercase"] = c["prefix"]
            else:
                rules["pre_tokenizer"]["add_prefix_space"] = c["prefix"]
        (folder / "tokenizer.json").write_text(json.dumps(rules))
        (folder / "config.json").write_text(json.dumps(c["config"]))
        if c["beside"] is not None:
            (folder / "tokenizer_config.json").write_text(json.dumps(c["beside"]))
        t = AutoTokenizer.from_pretrained(folder)
        c["ids"] = [t.encode(text, add_special_tokens=False) for text in texts]
(here / "beside.json").write_text(json.dumps({"texts": texts, "cases": cases}, ensure_ascii=False, separators=(",", ":")) + "\n")
