# SPDX-License-Identifier: Apache-2.0
"""Makes the language fixtures: what PyTorch computes for the example Mistral and for odd little models of every family.

    python tests/reference/make_lm.py [NAME...]           (from the repository root; versions in requirements.txt)

Writes tests/reference/models/NAME/ or NAME.gguf (the little models) and tests/reference/NAME.safetensors:
    ids [tokens], lengths [samples]        I32: the samples, one behind the other
    columns [k]                            I32: the outputs whose logits follow
    logits [tokens, k]
    loss, rank [tokens]                    of the next token; rank (I32) -1 at a sample's last token
    targets [tokens]                       I32, of masked models: what loss and rank are of; -1: nothing
    SITE_mean_abs, _mean, _mean_square, _mean_sqrt_abs, _positive [layers, units], over all tokens
    mask_SITE [layers, units]              U8, 1 = pruned
    logits_masked [tokens, k]              with those neurons set to zero
"""
import json
import pathlib
import struct
import sys

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
LENGTHS = [19, 1, 40]

LLAMA3 = dict(rope_type="llama3", rope_theta=10000.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=24)

# name: configuration, dtype, shard size, and whether config.json is written as older versions did
LITTLE = {
    # Heads that do not fill the hidden size, biases everywhere, an odd width.
    "lm-llama": (LlamaConfig(vocab_size=97, hidden_size=42, num_attention_heads=6, num_key_value_heads=3, head_dim=10,
                             intermediate_size=53, num_hidden_layers=3, attention_bias=True, mlp_bias=True,
                             rope_parameters=dict(rope_type="default", rope_theta=500.0)), torch.float32, "1GB", False),
    # A window shorter than the text; one head for all keys; sharded bfloat16.
    "lm-mistral": (MistralConfig(vocab_size=61, hidden_size=36, num_attention_heads=3, num_key_value_heads=1,
                                 intermediate_size=80, num_hidden_layers=2, sliding_window=7, rms_norm_eps=1e-5), torch.bfloat16, "12KB", True),
    # All three stretches of Llama 3's scaling; another activation; float16.
    "lm-llama3": (LlamaConfig(vocab_size=70, hidden_size=48, num_attention_heads=4, num_key_value_heads=2,
                              intermediate_size=64, num_hidden_layers=2, hidden_act="relu", rope_parameters=LLAMA3), torch.float16, "1GB", True),
    # Tied head, linear scaling.
    "lm-smollm": (LlamaConfig(vocab_size=88, hidden_size=30, num_attention_heads=3, num_key_value_heads=1,
                              intermediate_size=41, num_hidden_layers=2, tie_word_embeddings=True,
                              rope_parameters=dict(rope_type="linear", factor=2.5, rope_theta=100000.0)), torch.float32, "1GB", False),
    "lm-qwen2": (Qwen2Config(vocab_size=75, hidden_size=28, num_attention_heads=7, num_key_value_heads=7,
                             intermediate_size=33, num_hidden_layers=2, tie_word_embeddings=True), torch.bfloat16, "1GB", False),
    "lm-qwen3": (Qwen3Config(vocab_size=66, hidden_size=24, num_attention_heads=4, num_key_value_heads=2, head_dim=18,
                             intermediate_size=50, num_hidden_layers=3), torch.float32, "1GB", False),
    # YaRN with bounds that are no whole numbers; heads longer than the hidden size has room for.
    "lm-yarn": (LlamaConfig(vocab_size=53, hidden_size=27, num_attention_heads=3, num_key_value_heads=3, head_dim=14, intermediate_size=31,
                            num_hidden_layers=2, rope_parameters=dict(
                                rope_type="yarn", rope_theta=500.0, factor=3.0, original_max_position_embeddings=20, beta_fast=1.5,
                                beta_slow=0.5, mscale=1.0, mscale_all_dim=0.7, truncate=False)), torch.float16, "1GB", False),
    # YaRN as most files have it, in the older words.
    "lm-yarn2": (Qwen2Config(vocab_size=47, hidden_size=32, num_attention_heads=2, num_key_value_heads=1, intermediate_size=29,
                             num_hidden_layers=2, max_position_embeddings=128, tie_word_embeddings=True, rope_parameters=dict(
                                 rope_type="yarn", rope_theta=1000.0, factor=8.0, original_max_position_embeddings=16)), torch.float16, "1GB", True),
    # One sample is longer than max_position_embeddings.
    "lm-dynamic": (LlamaConfig(vocab_size=45, hidden_size=24, num_attention_heads=3, num_key_value_heads=1, intermediate_size=37,
                               num_hidden_layers=2, max_position_embeddings=24,
                               rope_parameters=dict(rope_type="dynamic", factor=2.0, rope_theta=300.0)), torch.float16, "1GB", False),
    # And here longer than those of the training.
    "lm-longrope": (LlamaConfig(vocab_size=43, hidden_size=20, num_attention_heads=2, num_key_value_heads=2, intermediate_size=35,
                                num_hidden_layers=2, max_position_embeddings=96, rope_parameters=dict(
                                    rope_type="longrope", rope_theta=200.0, original_max_position_embeddings=24,
                                    short_factor=[1.0, 1.05, 1.2, 1.3, 1.45], long_factor=[1.1, 1.6, 2.4, 3.5, 4.0])), torch.float16, "1GB", False),
    "lm-gpt2": (GPT2Config(vocab_size=59, n_positions=64, n_embd=35, n_layer=3, n_head=5, n_inner=47), torch.float16, "1GB", False),
}


# Where each family has its layers, and the modules that read the two sites.
PLACES = {
    "gpt2": ("transformer.h", "mlp.c_proj", "attn.c_proj"),
    "phi": ("model.layers", "mlp.fc2", "self_attn.dense"),
    "opt": ("model.decoder.layers", "fc2", "self_attn.out_proj"),
    "gpt_neox": ("gpt_neox.layers", "mlp.dense_4h_to_h", "attention.dense"),
    "bert": ("bert.encoder.layer", "output.dense", "attention.output.dense"),
} | {
    name: ("roberta.encoder.layer", "output.dense", "attention.output.dense") for name in ("roberta", "xlm-roberta", "camembert")
}


def place_of(model):
    return PLACES.get(model.config.model_type, ("model.layers", "mlp.down_proj", "self_attn.o_proj"))


def layers_of(model):
    return model.get_submodule(place_of(model)[0])


def sites(model):
    _, mlp, attn = place_of(model)
    return {"mlp": [b.get_submodule(mlp) for b in layers_of(model)], "attn": [b.get_submodule(attn) for b in layers_of(model)]}


def run(model, samples, hook):
    hooks = [module.register_forward_pre_hook(lambda m, args, key=(site, layer): hook(key, args[0]))
             for site, modules in sites(model).items() for layer, module in enumerate(modules)]
    with torch.no_grad():
        logits = torch.cat([model(input_ids=torch.tensor([s]), use_cache=False).logits[0].float() for s in samples])
    for h in hooks:
        h.remove()
    return logits


def make_fixture(name, model, samples, columns, targets=None):
    """targets: of each token of the samples, -1: none; where not given, the next token."""
    model.eval()
    model.set_attn_implementation("eager")
    seen = {}
    logits = run(model, samples, lambda key, x: seen.setdefault(key, []).append(x.reshape(-1, x.shape[-1]).double()) and None)
    out = {"logits": logits[:, columns]}
    masks, generator = {}, torch.Generator().manual_seed(2)
    for site, share in (("mlp", 0.4), ("attn", 0.2)):
        x = [torch.cat(seen[site, layer]) for layer in range(len(layers_of(model)))]
        out[f"{site}_mean_abs"] = torch.stack([v.abs().mean(0) for v in x])
        out[f"{site}_mean"] = torch.stack([v.mean(0) for v in x])
        out[f"{site}_mean_square"] = torch.stack([(v * v).mean(0) for v in x])
        out[f"{site}_mean_sqrt_abs"] = torch.stack([v.abs().sqrt().mean(0) for v in x])
        out[f"{site}_positive"] = torch.stack([(v > 0).double().mean(0) for v in x])
        masks[site] = (torch.rand(out[f"{site}_mean"].shape, generator=generator) < share).to(torch.uint8)
    out["logits_masked"] = run(model, samples, lambda key, x: (x * (1 - masks[key[0]][key[1]].float()),))[:, columns]
    given = targets is not None
    targets = targets if given else [t for s in samples for t in s[1:] + [-1]]
    scored = torch.tensor([t >= 0 for t in targets])
    target = torch.tensor(targets).clamp(min=0)
    own = logits.gather(1, target[:, None])
    out["loss"] = torch.where(scored, (torch.logsumexp(logits.double(), 1) - own[:, 0].double()), 0)
    before = (logits > own).sum(1) + ((logits == own) & (torch.arange(logits.shape[1]) < target[:, None])).sum(1)
    tensors = {key: value.float().contiguous() for key, value in out.items()}
    tensors |= {f"mask_{site}": mask.contiguous() for site, mask in masks.items()}
    tensors["rank"] = torch.where(scored, before, -1).to(torch.int32)
    tensors["ids"] = torch.tensor([t for s in samples for t in s], dtype=torch.int32)
    tensors["lengths"] = torch.tensor([len(s) for s in samples], dtype=torch.int32)
    if given:
        tensors["targets"] = torch.tensor(targets, dtype=torch.int32)
    tensors["columns"] = torch.tensor(columns, dtype=torch.int32)
    save_file(tensors, HERE / f"{name}.safetensors")
    print(f"{name}: logits {tuple(logits.shape)}, |logits| up to {logits.abs().max():.3f}, loss {out['loss'][scored].mean():.3f}")
    return logits


def random_samples(vocabulary):
    generator = torch.Generator().manual_seed(3)
    return [torch.randint(vocabulary, (n,), generator=generator).tolist() for n in LENGTHS]


def older(config):
    """As transformers 4 wrote it: rope_theta beside rope_scaling."""
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    return config


def make_little(name, config, dtype, shard, in_older_words):
    """in_older_words: True, or what changes the words of config.json."""
    torch.manual_seed(1)
    setattr(config, "init_std" if config.model_type == "opt" else "initializer_range", 0.25)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:  # biases and norms, or they would be 0 and 1
                parameter.add_(0.1 * torch.randn_like(parameter))
    folder = HERE / "models" / name
    model.to(dtype).save_pretrained(folder, max_shard_size=shard)
    (folder / "generation_config.json").unlink(missing_ok=True)
    path = folder / "config.json"
    words = json.loads(path.read_text())
    change = older if in_older_words is True else in_older_words or (lambda same: same)
    path.write_text(json.dumps(change(words), indent=1) + "\n")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    logits = make_fixture(name, model, random_samples(config.vocab_size), list(range(config.vocab_size)))
    return model, logits


def without_prefix(name):
    """GPT-2 as its first release has it: names without `transformer.`, and a buffer that is no weight."""
    tensors = load_file(HERE / "models" / name / "model.safetensors")
    tensors = {key.removeprefix("transformer."): value for key, value in tensors.items()}
    tensors["h.0.attn.bias"] = torch.ones(1, 1, 64, 64).tril()
    folder = HERE / "models" / f"{name}-bare"
    folder.mkdir(exist_ok=True)
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text((HERE / "models" / name / "config.json").read_text())


# --- GGUF, as llama.cpp's convert_hf_to_gguf.py writes it

NAMES = [("model.embed_tokens.", "token_embd."), ("model.norm.", "output_norm."), ("lm_head.", "output."), ("model.layers.", "blk."),
         ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"),
         ("self_attn.q_norm", "attn_q_norm"), ("self_attn.k_norm", "attn_k_norm"), ("input_layernorm", "attn_norm"),
         ("post_attention_layernorm", "ffn_norm"), ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
         ("transformer.wte.", "token_embd."), ("transformer.wpe.", "position_embd."), ("transformer.ln_f.", "output_norm."),
         ("transformer.h.", "blk."), ("attn.c_attn", "attn_qkv"), ("attn.c_proj", "attn_output"), ("ln_1", "attn_norm"), ("ln_2", "ffn_norm"),
         ("mlp.c_fc", "ffn_up"), ("mlp.c_proj", "ffn_down")]


def gguf_name(name):
    for ours, theirs in NAMES:
        name = name.replace(ours, theirs)
    return name


def permute(w, heads):
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def gguf_tensors(model):
    config, out = model.config, {}
    for name, value in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        w = value.float().numpy()
        if config.model_type == "gpt2" and value.dim() == 2 and ("c_" in name):
            w = np.ascontiguousarray(w.T)
        if config.model_type in ("llama", "mistral") and (".q_proj." in name or ".k_proj." in name):
            w = permute(w, config.num_attention_heads if ".q_proj." in name else config.num_key_value_heads)
        out[gguf_name(name)] = w
    return out


def write_gguf(path, model, tensors, divisors=None, version=3, words=None):
    """tensors: float32 arrays, or (raw bytes, type)."""
    c = model.config
    arch = {"mistral": "llama"}.get(c.model_type, c.model_type)
    w = gguf.GGUFWriter(path, arch)
    w.add_vocab_size(c.vocab_size)
    w.add_context_length(c.max_position_embeddings)
    w.add_embedding_length(c.hidden_size)
    w.add_block_count(c.num_hidden_layers)
    w.add_feed_forward_length((c.n_inner if arch == "gpt2" else c.intermediate_size))
    w.add_head_count(c.num_attention_heads)
    if arch == "gpt2":
        w.add_layer_norm_eps(c.layer_norm_epsilon)
    else:
        w.add_head_count_kv(c.num_key_value_heads)
        w.add_layer_norm_rms_eps(c.rms_norm_eps)
        w.add_rope_freq_base(c.rope_parameters["rope_theta"])
        dim = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
        w.add_rope_dimension_count(dim)
        w.add_key_length(dim)
        w.add_value_length(dim)
        if c.rope_parameters["rope_type"] == "linear":
            w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
            w.add_rope_scaling_factor(c.rope_parameters["factor"])
        if c.rope_parameters["rope_type"] == "yarn":
            w.add_rope_scaling_type(gguf.RopeScalingType.YARN)
            w.add_rope_scaling_factor(c.rope_parameters["factor"])
            w.add_rope_scaling_orig_ctx_len(c.rope_parameters["original_max_position_embeddings"])
    if divisors is not None:
        w.add_tensor("rope_freqs.weight", divisors.astype(np.float32))
    for name, value in tensors.items():
        if isinstance(value, tuple):
            w.add_tensor(name, value[0], raw_dtype=value[1])
        else:
            w.add_tensor(name, value)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    if version != 3:
        data = bytearray(path.read_bytes())
        data[4:8] = struct.pack("<I", version)
        path.write_bytes(data)


def check_with_transformers(path, samples, expected, most):
    """The framework's own reader of GGUF files must see the same model."""
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    with torch.no_grad():
        logits = torch.cat([model(input_ids=torch.tensor([s]), use_cache=False).logits[0] for s in samples])
    off = (logits - expected).abs().max().item()
    print(f"  {path.name}: transformers reads it within {off:.1e}")
    assert off < most, off


def random_blocks(shape, kind, rng):
    """Raw blocks of a quantised type with weights of about 0.25, and their values."""
    items, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = shape[0] * shape[1] // items
    raw = rng.integers(0, 256, (blocks, size), dtype=np.uint8)
    step = {"Q8_0": 0.003, "Q4_0": 0.05, "Q4_1": 0.05, "Q5_0": 0.025, "Q5_1": 0.025, "Q4_K": 0.0007, "Q5_K": 0.0004, "Q6_K": 0.0001}[kind.name]
    def halves(scale):
        return (scale * rng.uniform(0.5, 1.5, blocks)).astype(np.float16).view(np.uint8).reshape(blocks, 2)
    if kind.name == "Q6_K":
        raw[:, 208:210] = halves(step)
    else:
        raw[:, 0:2] = halves(step)
        if kind.name in ("Q4_1", "Q5_1"):
            raw[:, 2:4] = halves(-step * (8 if kind.name == "Q4_1" else 16))
        if kind.name in ("Q4_K", "Q5_K"):
            raw[:, 2:4] = halves(step * (8 if kind.name == "Q4_K" else 16))
    raw = raw.reshape(shape[0], -1)
    return raw, gguf.dequantize(raw, kind).astype(np.float32).reshape(shape)


def make_quantised():
    """Every type that is read, in one llama with Llama 3's scaling, which GGUF keeps as divisors of the frequencies."""
    config = LlamaConfig(vocab_size=64, hidden_size=256, num_attention_heads=8, num_key_value_heads=2, intermediate_size=96,
                         num_hidden_layers=2, max_position_embeddings=96, rms_norm_eps=1e-5, rope_parameters=LLAMA3)
    torch.manual_seed(4)
    model = AutoModelForCausalLM.from_config(config)
    T, rng = gguf.GGMLQuantizationType, np.random.default_rng(5)
    kinds = [{"attn_q": T.Q4_K, "attn_k": T.Q5_K, "attn_v": T.Q6_K, "attn_output": T.Q4_0, "ffn_gate": T.Q4_K, "ffn_up": T.Q5_K, "ffn_down": T.Q4_1},
             {"attn_q": T.Q8_0, "attn_k": T.F16, "attn_v": T.BF16, "attn_output": T.Q5_0, "ffn_gate": T.Q6_K, "ffn_up": T.Q5_1, "ffn_down": T.Q5_0}]
    state, tensors = model.state_dict(), {}
    for name, value in state.items():
        theirs = gguf_name(name)
        kind = {"token_embd.weight": T.Q8_0, "output.weight": T.F16}.get(theirs)
        if theirs.startswith("blk."):
            kind = kinds[int(theirs.split(".")[1])].get(theirs.split(".")[2])
        if kind is None:
            values = (1 + 0.1 * rng.standard_normal(value.shape)).astype(np.float32)
            tensors[theirs] = values
        elif kind in (T.F16, T.BF16):
            raw = gguf.quantize((0.06 * rng.standard_normal(value.shape)).astype(np.float32), kind)
            values = gguf.dequantize(raw, kind).astype(np.float32).reshape(value.shape)
            tensors[theirs] = raw if kind == T.F16 else (raw, kind)
        else:
            raw, values = random_blocks(tuple(value.shape), kind, rng)
            tensors[theirs] = (raw, kind)
        for word, heads in (("q_proj", 8), ("k_proj", 2)):
            if word in name:  # the file's rows are permuted: undo it
                values = values.reshape(heads, values.shape[0] // heads // 2, 2, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)
        value.copy_(torch.from_numpy(np.ascontiguousarray(values)))
    model.load_state_dict(state)
    base, dim = LLAMA3["rope_theta"], 32
    plain = base ** -(np.arange(0, dim, 2, dtype=np.float64) / dim)
    scaled = model.model.rotary_emb.inv_freq.double().numpy()
    path = HERE / "models" / "lm-quants.gguf"
    write_gguf(path, model, tensors, divisors=plain / scaled)
    make_fixture("lm-quants", model, random_samples(64), list(range(64)))
    other = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    for name, value in model.state_dict().items():  # its logits differ: it does not read the divisors
        assert torch.equal(other.state_dict()[name], value), name
    print("  lm-quants.gguf: transformers reads the same weights")


def example():
    folder = ROOT / "examples/mistral-debtext"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    lines = (ROOT / "examples/debtext/test.jsonl").read_text().splitlines()
    samples = [tokenizer(json.loads(lines[i])["text"])["input_ids"][:n] for i, n in ((0, 100), (len(lines) // 2, 37), (len(lines) - 1, 64))]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    make_fixture("lm-debtext", model, samples, list(range(5, 4096, 31)))


def main():
    chosen = sys.argv[1:]  # names of LITTLE: only those are made
    if not chosen:
        example()
    for name, settings in LITTLE.items():
        if chosen and name not in chosen:
            continue
        model, logits = make_little(name, *settings)
        samples = random_samples(model.config.vocab_size)
        if name in ("lm-llama", "lm-yarn2", "lm-smollm", "lm-qwen2", "lm-qwen3", "lm-gpt2"):
            path = HERE / "models" / f"{name}.gguf"
            write_gguf(path, model, gguf_tensors(model), version=2 if name == "lm-qwen2" else 3)
            if name == "lm-qwen2":  # of the others it reads no widths of heads, lengths, biases or scaling
                check_with_transformers(path, samples, logits, 1e-4)
    if not chosen:
        without_prefix("lm-gpt2")
        make_quantised()


if __name__ == "__main__":
    main()
