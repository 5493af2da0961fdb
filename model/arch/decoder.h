// SPDX-License-Identifier: Apache-2.0
// Pre-norm decoders with RMSNorm, rotary positions, grouped queries and a gated MLP, under the
// names that Llama gave their tensors: the family of Llama, Mistral, Qwen. An architecture of it is
// a `configure` and a descriptor.
#ifndef MODEL_ARCH_DECODER_H
#define MODEL_ARCH_DECODER_H

#include "model/forward/arch.h"

extern const tensor_table decoder_tensors;

// Reads the fields that all of the family have; a member adds its own. `task` is the class that
// `architectures` must name; kv_heads what the class has where the file does not say (0, or null in
// the file: as many as heads).
status decoder_configure(const config_file *f, const char *task, int kv_heads, config *out);

// Slots of an `arch`. decoder_embed: the embedding is the first of the table's globals.
mlp_weights decoder_mlp(const model *m, int layer);
linear decoder_output(const model *m);
status decoder_embed(pass *p);
status decoder_layer(pass *p, int layer);
status decoder_finish(pass *p);

// What the descriptors of the family have in common.
#define DECODER_ARCH                                                                               \
    .input_files = (const char *const[]){"tokenizer.json", NULL}, .tensors = &decoder_tensors,     \
    .mlp = decoder_mlp, .output = decoder_output, .embed = decoder_embed, .layer = decoder_layer,  \
    .finish = decoder_finish

#endif
