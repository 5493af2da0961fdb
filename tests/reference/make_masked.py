# SPDX-License-Identifier: Apache-2.0
"""Makes the fixtures of BERT, RoBERTa and their relatives: odd little models, and what PyTorch computes for masked tokens.

    python tests/reference/make_masked.py [NAME...]       (from the repository root; versions in requirements.txt)

Writes what make_lm.py does, in the same form, with `targets`.
"""
import json
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM, BertConfig, CamembertConfig, RobertaConfig, XLMRobertaConfig

from make_lm import HERE, make_fixture, random_samples

MASK = 4  # the token that stands where one is masked

MASKED = {
    # A sharded one; what is published has this activation.
    "lm-bert": (BertConfig(vocab_size=61, hidden_size=36, num_attention_heads=3, intermediate_size=47, num_hidden_layers=3,
                           max_position_embeddings=48), torch.float16, "20KB"),
    # A map to the vocabulary of its own, another activation, three types of tokens.
    "lm-bert-untied": (BertConfig(vocab_size=43, hidden_size=28, num_attention_heads=4, intermediate_size=33, num_hidden_layers=2, hidden_act="relu",
                                  max_position_embeddings=40, type_vocab_size=3, layer_norm_eps=1e-5, tie_word_embeddings=False),
                       torch.bfloat16, "1GB"),
    # The head's activation is gelu whatever the layers' is; padding is among the tokens.
    "lm-roberta": (RobertaConfig(vocab_size=29, hidden_size=30, num_attention_heads=5, intermediate_size=41, num_hidden_layers=3, hidden_act="relu",
                                 max_position_embeddings=42, type_vocab_size=1, layer_norm_eps=1e-5), torch.bfloat16, "1GB"),
    "lm-xlm-roberta": (XLMRobertaConfig(vocab_size=58, hidden_size=24, num_attention_heads=2, intermediate_size=39, num_hidden_layers=2,
                                        max_position_embeddings=42, type_vocab_size=1), torch.float16, "1GB"),
    # Positions begin behind another token of padding.
    "lm-camembert": (CamembertConfig(vocab_size=47, hidden_size=26, num_attention_heads=2, intermediate_size=35, num_hidden_layers=2,
                                     max_position_embeddings=49, type_vocab_size=1, pad_token_id=5), torch.float16, "1GB"),
}


def as_published(name, model):
    """As the first files have it: TensorFlow's words for norms, a head for pairs of sentences, the map to the vocabulary once more."""
    folder, to = HERE / "models" / name, HERE / "models" / f"{name}-published"
    to.mkdir(exist_ok=True)
    tensors = {}
    for path in sorted(folder.glob("*.safetensors")):
        tensors |= load_file(path)
    tensors = {key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value for key, value in tensors.items()}
    hidden = model.config.hidden_size
    tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"].clone()
    tensors |= {"cls.seq_relationship.weight": torch.ones(2, hidden), "cls.seq_relationship.bias": torch.ones(2),
                "bert.pooler.dense.weight": torch.ones(hidden, hidden), "bert.pooler.dense.bias": torch.ones(hidden),
                "bert.embeddings.position_ids": torch.arange(model.config.max_position_embeddings)[None]}
    save_file(tensors, to / "model.safetensors")
    words = json.loads((folder / "config.json").read_text())
    words = {key: words[key] for key in words if key not in ("tie_word_embeddings", "is_decoder", "add_cross_attention", "bos_token_id", "eos_token_id")}
    words |= {"architectures": ["BertForPreTraining"], "position_embedding_type": "absolute", "pooler_type": "first_token_transform",
              "directionality": "bidi"}
    (to / "config.json").write_text(json.dumps(words, indent=1) + "\n")


def mask_samples(samples):
    generator = torch.Generator().manual_seed(4)
    chosen = [(torch.rand(len(s), generator=generator) < 0.3).tolist() for s in samples]
    targets = [t if c else -1 for s, own in zip(samples, chosen) for t, c in zip(s, own)]
    return [[MASK if c else t for t, c in zip(s, own)] for s, own in zip(samples, chosen)], targets


def main():
    for name in sys.argv[1:] or MASKED:
        config, dtype, shard = MASKED[name]
        torch.manual_seed(1)
        config.initializer_range = 0.25
        model = AutoModelForMaskedLM.from_config(config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() == 1:  # biases and norms, or they would be 0 and 1
                    parameter.add_(0.1 * torch.randn_like(parameter))
        folder = HERE / "models" / name
        model.to(dtype).save_pretrained(folder, max_shard_size=shard)
        (folder / "generation_config.json").unlink(missing_ok=True)
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()), indent=1) + "\n")
        model = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32)
        samples, targets = mask_samples(random_samples(config.vocab_size))
        make_fixture(name, model, samples, list(range(config.vocab_size)), targets)
        if name == "lm-bert":
            as_published(name, model)


if __name__ == "__main__":
    main()
