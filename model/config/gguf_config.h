// SPDX-License-Identifier: Apache-2.0
// A GGUF file's metadata as the fields of a config.json, so that architectures read one thing.
//
//   general.architecture         model_type ("mistral" for a llama with a sliding window, "olmo3"
//                                for such an olmo2, "mixtral" for a llama with experts)
//   A.vocab_size                 vocab_size; without it, the number of tokens
//   A.context_length             max_position_embeddings
//   A.embedding_length           hidden_size
//   A.block_count                num_hidden_layers
//   A.feed_forward_length        intermediate_size
//   A.expert_count, expert_used_count, expert_feed_forward_length
//                                num_experts, num_experts_per_tok, moe_intermediate_size; with them
//                                norm_topk_prob, by the architecture
//   A.attention.head_count       num_attention_heads; _kv: num_key_value_heads
//   A.attention.key_length       head_dim; value_length must be the same
//   A.rope.dimension_count       gguf_rope_dimensions: channels of a head that are rotated
//   A.attention.layer_norm_rms_epsilon, layer_norm_epsilon     rms_norm_eps, layer_norm_epsilon
//   A.attention.sliding_window   sliding_window; _pattern: layer_types
//   A.attn_logit_softcapping, final_logit_softcapping     the same
//   A.rope.freq_base_swa         rope_local_base_freq
//   A.use_parallel_residual      use_parallel_residual
//   A.rope.freq_base             rope_theta
//   A.rope.scaling.type, factor, original_context_length, yarn_beta_fast, yarn_beta_slow,
//     attn_factor                rope_scaling (rope.scale_linear: the older spelling)
//   rope_freqs.weight            gguf_rope_divisors: frequency i is divided by value i
//   rope_factors_short.weight, rope_factors_long.weight        rope_scaling, of type longrope
//   A.block_count of Gemma 2 and 3       query_pre_attn_scalar: head_dim, or with the layers of the
//                                27 billion hidden_size ÷ num_attention_heads
//   output.weight                its absence is tie_word_embeddings
//   blk.0.attn_q.bias, ffn_up.bias     attention_bias, mlp_bias
//
// Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#ifndef MODEL_CONFIG_GGUF_CONFIG_H
#define MODEL_CONFIG_GGUF_CONFIG_H

#include <jansson.h>
#include <stdbool.h>

#include "pipeline/base/status.h"

// In GGUF files: what rotary frequencies are divided by, always or in LongRoPE.
#define GGUF_ROPE_DIVISORS "rope_freqs.weight"
#define GGUF_ROPE_SHORT    "rope_factors_short.weight"
#define GGUF_ROPE_LONG     "rope_factors_long.weight"

// Is a tensor of that name configuration, not a weight?
bool gguf_config_holds(const char *tensor);

// *fields: the object described above; *keys: of each of its fields the key of the file, for
// messages. Both owned by the caller (json_decref). ERR_INPUT names the file and the key; a key
// under the architecture's prefix that is not known is refused, since it may change the result; no
// key is read where the architecture itself is not `known`. Local.
status gguf_config_read(const char *path, bool (*known)(const char *model_type), json_t **fields,
                        json_t **keys);

#endif
