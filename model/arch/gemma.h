// SPDX-License-Identifier: Apache-2.0
// What Gemma's generations have in common.
#ifndef MODEL_ARCH_GEMMA_H
#define MODEL_ARCH_GEMMA_H

#include "model/config/config_text.h"
#include "model/families/decoder.h"

// Sizes, activation, biases and the scale of the embeddings. Positions are the caller's.
status gemma_configure(const config_file *f, const text_class *class, config *out);

// Norms are 1 + w in safetensors files, and whole in GGUF files.
extern const tensor_form gemma_global_forms[DECODER_GLOBALS];
#define GEMMA_NORM_FORM(name)                                                                      \
    {                                                                                              \
        .safetensors = LAYOUT_PLUS_ONE, .gguf = DECODER_BLOCK name ".weight"                       \
    }

#endif
