// SPDX-License-Identifier: Apache-2.0
// What the configurations of language models have in common: their sizes, under whichever names and
// defaults their class has.
#ifndef MODEL_CONFIG_CONFIG_TEXT_H
#define MODEL_CONFIG_CONFIG_TEXT_H

#include "model/config/config.h"

// A length: the class's own name (NULL: none but the common one, which GGUF files have too), and
// its default; CONFIG_REQUIRED: none.
typedef struct text_length {
    const char *key;
    int missing;
} text_length;

typedef struct text_class {
    const char *task; // that `architectures` must name
    text_length vocabulary, hidden, layers, heads, mlp, context;
    int kv_heads;        // where the file does not say; 0: as many as heads
    int head_dim;        // likewise; 0: hidden ÷ heads
    const char *act_key; // NULL: hidden_act
    const char *act;
    const char
        *eps_key; // that of norms; GGUF files say layer_norm_epsilon for LayerNorm. NULL: the
                  // class has no other
    double eps;
    const char *range_key; // NULL: initializer_range
    bool tied;             // is the head the embedding, where the file does not say?
} text_class;

// Reads the sizes, the activation, the eps of norms, the range of random weights, the padding token
// and whether the head is the embedding; refuses quantised weights and what several relatives have
// and none of these models. ERR_INPUT.
status config_text_model(const config_file *f, const text_class *class, config *out);

#endif
