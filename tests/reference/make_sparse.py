# SPDX-License-Identifier: Apache-2.0
"""Makes the fixtures of mixtures of experts: odd little models, and what PyTorch computes for them, routing included.

    python tests/reference/make_sparse.py [NAME...]       (from the repository root; versions in requirements.txt)

Writes what make_lm.py does, in the same form, with these beside it or instead:
    chosen [layers, tokens, k]             I32: the experts of each token, ascending
    weight [layers, tokens, experts]       with which each takes part, 0 where it is not chosen
    expert_rows [layers, experts]          I32: tokens that are routed to it
    mlp_mean_abs, ... [layers, experts x units]     over the tokens that are routed to the neuron's expert; NaN where there are none
    expert_mean_abs, ... [layers, experts]          of the weights, over all tokens
    mask_expert [layers, experts]          U8, 1 = pruned
    logits_experts [tokens, k]             with those experts' weights set to zero
    mask_mlp                               one expert of each layer has no neuron left
and tests/reference/topk.safetensors: what torch.topk takes of rows with equal values.
    N.K.values [rows, N]
    N.K.chosen [rows, K]                   I32, ascending
"""
import sys

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, MixtralConfig, OlmoeConfig, Qwen3MoeConfig

import make_lm
from make_lm import HERE, layers_of, make_little, permute


# name: configuration, dtype, shard size, layers whose router says the same of all experts, and of GGUF: architecture
SPARSE = {
    # A window shorter than the text; sharded; experts of an odd width.
    "lm-mixtral": (MixtralConfig(vocab_size=57, hidden_size=36, num_attention_heads=6, num_key_value_heads=2, intermediate_size=45, num_hidden_layers=2,
                                 num_local_experts=5, num_experts_per_tok=2, sliding_window=9, max_position_embeddings=64,
                                 rope_parameters=dict(rope_type="default", rope_theta=900.0)), torch.bfloat16, "30KB", [], None),
    # The same family as GGUF files have it: without a window.
    "lm-mixtral-gguf": (MixtralConfig(vocab_size=31, hidden_size=24, num_attention_heads=2, num_key_value_heads=1, intermediate_size=70,
                                      num_hidden_layers=2, num_local_experts=3, num_experts_per_tok=2, max_position_embeddings=64,
                                      rope_parameters=dict(rope_type="default", rope_theta=700.0)), torch.float16, "1GB", [], "llama"),
    # Weights made to sum to 1; heads wider than the hidden size; in the second layer every choice is between equals.
    "lm-qwen3-moe": (Qwen3MoeConfig(vocab_size=51, hidden_size=28, num_attention_heads=4, num_key_value_heads=2, head_dim=10, intermediate_size=77,
                                    moe_intermediate_size=21, num_hidden_layers=3, num_experts=9, num_experts_per_tok=3, norm_topk_prob=True,
                                    max_position_embeddings=64, rope_parameters=dict(rope_type="default", rope_theta=500.0)),
                     torch.float16, "1GB", [1], "qwen3moe"),
    # Weights as the softmax gives them; queries and keys normalised whole; biases.
    "lm-olmoe": (OlmoeConfig(vocab_size=44, hidden_size=32, num_attention_heads=4, num_key_value_heads=2, intermediate_size=33, num_hidden_layers=2,
                             num_experts=6, num_experts_per_tok=2, max_position_embeddings=64, attention_bias=False, pad_token_id=None,
                             rope_parameters=dict(rope_type="default", rope_theta=600.0)), torch.bfloat16, "1GB", [], "olmoe"),
}
STATISTICS = {"mean_abs": lambda x: x.abs(), "mean": lambda x: x, "mean_square": lambda x: x * x, "mean_sqrt_abs": lambda x: x.abs().sqrt(),
              "positive": lambda x: (x > 0).double()}


class Spied:
    """Runs a model with its experts in sight, and some neurons or experts set to zero."""

    def __init__(self, model):
        self.model, self.masks, self.seen = model, {}, {}
        for layer, block in enumerate(layers_of(model)):
            block.mlp.experts.forward = lambda x, index, weight, layer=layer, experts=block.mlp.experts: self.experts(layer, experts, x, index, weight)
            block.self_attn.o_proj.register_forward_pre_hook(lambda module, args, layer=layer: (self.attention(layer, args[0]),))

    def mask(self, site, layer, x):
        return x * (1 - self.masks[site][layer].float()) if site in self.masks else x

    def see(self, *key, value):
        self.seen.setdefault(key, []).append(value)

    def attention(self, layer, x):
        self.see("attn", layer, value=x.reshape(-1, x.shape[-1]).double())
        return self.mask("attn", layer, x)

    def experts(self, layer, experts, x, index, weight):
        out = torch.zeros_like(x)
        n = experts.num_experts
        dense = self.mask("expert", layer, torch.zeros(len(x), n).scatter(1, index, weight))
        self.see("expert", layer, value=dense.double())
        self.see("chosen", layer, value=index.sort(1).values)
        for e in range(n):
            rows = (index == e).any(1).nonzero()[:, 0]
            gate, up = torch.nn.functional.linear(x[rows], experts.gate_up_proj[e]).chunk(2, dim=-1)
            inside = experts.act_fn(gate) * up
            self.see("mlp", layer, e, value=inside.double())
            units = inside.shape[1]
            if "mlp" in self.masks:
                inside = inside * (1 - self.masks["mlp"][layer, e * units:(e + 1) * units].float())
            made = torch.nn.functional.linear(inside, experts.down_proj[e])
            out.index_add_(0, rows, made * dense[rows, e, None])
        return out

    def run(self, samples, **masks):
        self.masks, self.seen = masks, {}
        with torch.no_grad():
            return torch.cat([self.model(input_ids=torch.tensor([s]), use_cache=False).logits[0].float() for s in samples])


def make_fixture(name, model, samples, columns):
    """As make_lm.make_fixture; its own hooks are not for experts."""
    model.eval()
    model.set_attn_implementation("eager")
    model.set_experts_implementation("eager")  # the others want even widths
    with torch.no_grad():  # as the framework itself runs it
        plain = torch.cat([model(input_ids=torch.tensor([s]), use_cache=False).logits[0].float() for s in samples])
    spied = Spied(model)
    logits = spied.run(samples)
    off = (logits - plain).abs().max().item()
    assert off < 1e-4, off
    c, layers = model.config, range(len(layers_of(model)))
    seen = {key: torch.cat(values) for key, values in spied.seen.items()}
    out = {"logits": plain[:, columns], "weight": torch.stack([seen["expert", layer] for layer in layers])}
    for key, of in STATISTICS.items():
        out[f"attn_{key}"] = torch.stack([of(seen["attn", layer]).mean(0) for layer in layers])
        out[f"expert_{key}"] = torch.stack([of(seen["expert", layer]).mean(0) for layer in layers])
        out[f"mlp_{key}"] = torch.stack([torch.cat([of(seen["mlp", layer, e]).mean(0) for e in range(c.num_experts)]) for layer in layers])
    chosen = torch.stack([seen["chosen", layer] for layer in layers])
    generator = torch.Generator().manual_seed(2)
    masks = {site: (torch.rand(out[f"{site}_positive"].shape, generator=generator) < share).to(torch.uint8)
             for site, share in (("mlp", 0.4), ("attn", 0.2), ("expert", 0.3))}
    units = masks["mlp"].shape[1] // c.num_experts
    masks["mlp"][:, units:2 * units] = 1
    masks["mlp"][:, 2 * units:3 * units] = 0
    out["logits_masked"] = spied.run(samples, mlp=masks["mlp"], attn=masks["attn"])[:, columns]
    out["logits_experts"] = spied.run(samples, expert=masks["expert"])[:, columns]
    targets = [t for s in samples for t in s[1:] + [-1]]
    scored = torch.tensor([t >= 0 for t in targets])
    target = torch.tensor(targets).clamp(min=0)
    own = plain.gather(1, target[:, None])
    out["loss"] = torch.where(scored, (torch.logsumexp(plain.double(), 1) - own[:, 0].double()), 0)
    before = (plain > own).sum(1) + ((plain == own) & (torch.arange(plain.shape[1]) < target[:, None])).sum(1)
    tensors = {key: value.float().contiguous() for key, value in out.items()}
    tensors |= {f"mask_{site}": mask.contiguous() for site, mask in masks.items()}
    tensors["rank"] = torch.where(scored, before, -1).to(torch.int32)
    tensors["chosen"] = chosen.to(torch.int32)
    tensors["expert_rows"] = torch.stack([torch.bincount(chosen[layer].flatten(), minlength=c.num_experts) for layer in layers]).to(torch.int32)
    tensors["ids"] = torch.tensor([t for s in samples for t in s], dtype=torch.int32)
    tensors["lengths"] = torch.tensor([len(s) for s in samples], dtype=torch.int32)
    tensors["columns"] = torch.tensor(columns, dtype=torch.int32)
    save_file(tensors, HERE / f"{name}.safetensors")
    margin = torch.stack([w.sort(1, descending=True).values[:, c.num_experts_per_tok - 1] for w in tensors["weight"]]).min()
    print(f"{name}: the framework's loop within {off:.1e}, |logits| up to {plain.abs().max():.3f}, loss {out['loss'][scored].mean():.3f}, "
          f"rows of experts {tensors['expert_rows'].tolist()}, smallest weight {margin:.4f}")
    return plain


def fused(name):
    """The same as a file with the names that transformers 5 has in memory: all experts of a layer in one tensor."""
    folder, to = HERE / "models" / name, HERE / "models" / f"{name}-fused"
    to.mkdir(exist_ok=True)
    model = AutoModelForCausalLM.from_pretrained(folder)
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, to / "model.safetensors")
    (to / "config.json").write_text((folder / "config.json").read_text())


def write_gguf(path, model, arch):
    """As llama.cpp's convert_hf_to_gguf.py does; matrices as float16."""
    c, half = model.config, np.float16
    names = gguf.get_tensor_name_map(next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == arch), c.num_hidden_layers)
    w = gguf.GGUFWriter(path, arch)
    w.add_vocab_size(c.vocab_size)
    w.add_context_length(c.max_position_embeddings)
    w.add_embedding_length(c.hidden_size)
    w.add_block_count(c.num_hidden_layers)
    w.add_feed_forward_length(c.intermediate_size)
    w.add_head_count(c.num_attention_heads)
    w.add_head_count_kv(c.num_key_value_heads)
    w.add_layer_norm_rms_eps(c.rms_norm_eps)
    w.add_rope_freq_base(c.rope_parameters["rope_theta"])
    w.add_expert_count(c.num_experts)
    w.add_expert_used_count(c.num_experts_per_tok)
    if arch == "qwen3moe":
        w.add_key_length(c.head_dim)
        w.add_value_length(c.head_dim)
        w.add_expert_feed_forward_length(c.moe_intermediate_size)
    if arch == "llama":
        w.add_rope_dimension_count(c.hidden_size // c.num_attention_heads)
    for name, value in model.state_dict().items():
        values = value.float().numpy()
        if arch == "llama" and (".q_proj." in name or ".k_proj." in name):
            values = permute(values, c.num_attention_heads if ".q_proj." in name else c.num_key_value_heads)
        block = "blk." + (name.split(".") + ["", ""])[2]
        if name.endswith("experts.gate_up_proj"):
            gate, up = np.split(values, 2, axis=1)
            w.add_tensor(f"{block}.ffn_gate_exps.weight", np.ascontiguousarray(gate).astype(half))
            w.add_tensor(f"{block}.ffn_up_exps.weight", np.ascontiguousarray(up).astype(half))
        elif name.endswith("experts.down_proj"):
            w.add_tensor(f"{block}.ffn_down_exps.weight", values.astype(half))
        elif name.endswith("mlp.gate.weight"):
            w.add_tensor(f"{block}.ffn_gate_inp.weight", values.astype(np.float32))
        else:
            theirs = names.get_name(name, try_suffixes=(".weight", ".bias"))
            w.add_tensor(theirs, values.astype(half if values.ndim > 1 else np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def make_ties():
    """Rows of few different values, as routers make them that have not learned, or whose experts are copies."""
    generator, out = torch.Generator().manual_seed(5), {}
    for n, k in ((2, 1), (8, 2), (9, 3), (16, 4), (60, 4), (64, 1), (64, 8), (128, 2), (128, 8), (130, 2), (7, 7)):
        rows = torch.cat([torch.randint(most, (12, n), generator=generator) for most in (1, 2, 3, 9)]).float()
        rows[5] = torch.arange(n)
        rows[6] = -torch.arange(n)
        out[f"{n}.{k}.values"] = rows
        out[f"{n}.{k}.chosen"] = torch.topk(rows, k, dim=-1).indices.sort(1).values.to(torch.int32)
    save_file(out, HERE / "topk.safetensors")


def main():
    make_lm.make_fixture = make_fixture
    for name in sys.argv[1:] or SPARSE:
        config, dtype, shard, same, arch = SPARSE[name]
        from_config = AutoModelForCausalLM.from_config

        def with_same_routers(c, from_config=from_config, same=same):
            model = from_config(c)
            with torch.no_grad():
                for layer, block in enumerate(layers_of(model)):
                    block.mlp.gate.weight.normal_(0, 0.4)
                    block.mlp.gate.weight.mul_(0 if layer in same else 1)
            return model
        AutoModelForCausalLM.from_config = with_same_routers
        model, _ = make_little(name, config, dtype, shard, True)
        AutoModelForCausalLM.from_config = from_config
        if name == "lm-mixtral":
            fused(name)
        if arch:  # bfloat16 weights of this size are float16 too, but for their last bit
            path = HERE / "models" / f"{name}.gguf"
            write_gguf(path, model, arch)
    make_ties()


if __name__ == "__main__":
    main()
