// SPDX-License-Identifier: Apache-2.0
// What a model's configuration says, and how an architecture reads it from config.json: every field
// checked, ranges included, and what would change the result but is not supported refused by name.
#ifndef MODEL_CONFIG_CONFIG_H
#define MODEL_CONFIG_CONFIG_H

#include <stdbool.h>

#include "model/config/config_file.h"
#include "model/config/layer_partition.h"
#include "model/kernels/activation.h"
#include "model/kernels/rotary.h"
#include "pipeline/base/status.h"

// Properties that decide which tensors exist.
enum {
    FEATURE_QKV_BIAS = 1,
    FEATURE_O_BIAS = 2, // of the attention output projection
    FEATURE_MLP_BIAS = 4,
    FEATURE_QK_NORM = 8,        // queries and keys are normalised, head by head
    FEATURE_OWN_HEAD = 16,      // the map to the vocabulary is not the embedding
    FEATURE_GGUF_PAIRS = 32,    // GGUF files of this architecture hold LAYOUT_PAIRS where tables
                                // say so
    FEATURE_WHOLE_QK_NORM = 64, // queries and keys, where they are, as one vector instead
    FEATURE_PROJECTED = 128,    // the embedding is narrower than the hidden states
    FEATURE_REGISTERS = 2048,   // there are tokens without positions
    FEATURE_GATED_MLP = 512,    // in models that may have either MLP: the gated one,
    FEATURE_PLAIN_MLP = 1024,   // or the other
    FEATURE_LAST_NORM = 256,    // in models that may lack it: a norm behind the last layer
    FEATURE_TWO_HEADS = 4096, // images: outputs are the mean of those of a sample's first two rows
};

enum { CONFIG_MAX_LAYERS = 1024 };

typedef struct config {
    model_info info;
    int patch_height, patch_width; // images
    int registers;                 // images: tokens that have no positions
    int grid; // images: the positions are those of a square of so many patches a side, resampled;
              // 0: as many as there are patches
    bool antialiased;   // and how
    double layer_scale; // images: what factors of outputs are drawn as
    const activation *act;
    double norm_eps;
    double init_factor; // of weights that are drawn by widths; 0: 1
    double initializer_range;
    unsigned features;                     // FEATURE_
    rotary rotary;                         // text; theta 0: learned positions
    rotary windowed_rotary;                // of layers with a window; theta 0: the same
    int window;                            // text: keys that a query sees; 0: all
    uint64_t full[CONFIG_MAX_LAYERS / 64]; // bits of layers that see all keys all the same
    bool headless;                         // has no head: activations, and no answers
    int embedding_width;                   // text: of the embedding; 0: hidden_size
    int token_types;                       // text: kinds of tokens that have embeddings
    int first_position;          // text: rows of learned positions before that of position 0
    bool norm_behind_sum;        // norms are of the sums that blocks add to, not of their input
    bool share_weights;          // sparse: the weights of a token's experts are made to sum to 1
    bool parallel;               // a layer's MLP reads what its attention reads; needs `apart`
    double embedding_scale;      // text: embeddings are multiplied by it; 0: they are not
    double score_scale;          // what scores are multiplied by; 0: 1 / √head_dim
    bool scaled_by_layer;        // and divided by their layer's number, counted from 1
    double score_cap, logit_cap; // scores and logits x become cap · tanh(x / cap); 0: no cap
    int padding;                 // text: the token whose embedding is drawn as zero; -1: none
    layer_range held;            // the layers whose weights are wanted
    bool holds_embedding, holds_head; // and the tensors before and behind them
} config;

// Sets what member `part` of a team of `parts` holds, in passes with and without the head. Local.
void config_hold(config *c, int part, int parts);

// How many patches an image has.
int config_patches(const config *c);

// Has the layer a window?
bool config_is_windowed(const config *c, int layer);

// Is the field there, if only as null?
bool config_has(const config_file *f, const char *key);

// Each reads a field into *out; `missing` is the value of an absent or null one. ERR_INPUT names
// file, field, and the range allowed.
enum { CONFIG_REQUIRED = -1 }; // as `missing` of config_int: absent is an error
status config_int(const config_file *f, const char *key, int low, int high, int missing, int *out);
status config_real(const config_file *f, const char *key, double low, double high, double missing,
                   double *out);
status config_bool(const config_file *f, const char *key, bool missing, bool *out);
// *out is borrowed from the file; `missing` NULL: required.
status config_text(const config_file *f, const char *key, const char *missing, const char **out);
// A number, or [height, width].
status config_size(const config_file *f, const char *key, int low, int high, int missing,
                   int *height, int *width);
// pad_token_id as config.padding; -1 where there is none. -1 in the file is the last token.
status config_padding(const config_file *f, int vocabulary, int *out);
// The number of classes: the entries of id2label, which must be 0 to n - 1, or num_labels (older
// files); 2 where neither is given.
status config_labels(const config_file *f, int *out);
// hidden_act, or whichever field names the activation.
status config_activation(const config_file *f, const char *key, const char *missing,
                         const activation **out);
// The width of a head: head_dim, or hidden_size ÷ heads, which must divide it. Heads of queries and
// values must be as wide.
status config_heads(const config_file *f, int hidden_size, int heads, int *head_dim);
// The same of a class that has a width of its own where the file says none; 0: none.
status config_head_dim(const config_file *f, int hidden_size, int heads, int missing,
                       int *head_dim);
// Fails when one of the fields is present and neither null, false nor empty.
status config_refuse(const config_file *f, const char *const *keys, size_t n);
// Fails when `layer_types` is there and has another item than `type`.
status config_layer_types(const config_file *f, const char *type);
// sliding_window, and which layers have it: layer_types, or all but every n-th one, n of
// sliding_window_pattern. `missing`, `period`: the class's. Needs out->info.layers.
status config_windows(const config_file *f, int missing, int period, config *out);
// Which layers have the window: layer_types, or those from `first` on but every n-th one, n of
// `period`. Needs out->info.layers.
status config_windowed_layers(const config_file *f, int first, int period, config *out);
// The first of `architectures`; NULL where there is none, or no text. Borrowed from the file.
const char *config_class(const config_file *f);
// Fails unless `architectures` is absent, lists `name`, in whatever letters, or names a class of its
// family without that head (LlamaModel, LlamaForSequenceClassification): out->headless is then true.
status config_task(const config_file *f, const char *name, config *out);

#endif
