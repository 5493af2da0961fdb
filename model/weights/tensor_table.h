// SPDX-License-Identifier: Apache-2.0
// Which tensors an architecture has: their names, shapes, initialisation, and what file formats
// make of them.
#ifndef MODEL_WEIGHTS_TENSOR_TABLE_H
#define MODEL_WEIGHTS_TENSOR_TABLE_H

#include <stdint.h>

#include "model/config/config.h"
#include "model/files/weight_source.h"

// Lengths that configurations give.
typedef enum dim {
    DIM_END, // ends a shape
    DIM_ONE,
    DIM_HIDDEN,
    DIM_EMBEDDING, // of the embedding: hidden_size, or less
    DIM_HEAD,      // head_dim
    DIM_ATTN,      // heads × head_dim
    DIM_KV,        // kv_heads × head_dim
    DIM_QKV,       // queries, keys and values in one
    DIM_MLP,
    DIM_EXPERTS, // of a layer
    DIM_EXPERT,  // neurons of each
    DIM_OUTPUTS,
    DIM_POSITIONS, // rows_per_image without registers, or context and the rows before the first
    DIM_TOKEN_TYPES,
    DIM_REGISTERS,
    DIM_CHANNELS,
    DIM_PATCH_HEIGHT,
    DIM_PATCH_WIDTH,
} dim;

typedef enum init {
    INIT_ZEROS,
    INIT_ONES,
    INIT_NORMAL,       // mean 0, standard deviation initializer_range
    INIT_EMBEDDING,    // the same, the row of the padding token zero
    INIT_TRUNC_NORMAL, // the same, drawn again beyond ±2 (absolute, as torch.nn.init.trunc_normal_
                       // has it by default)
    INIT_LAYER_SCALE,  // config.layer_scale
    // Of widths, times config.init_factor: normal with deviations 1/√H, 1/√(2 H layers), 1/√(2 H);
    // uniform up to √(6 / (in + out)); as INIT_TRUNC_NORMAL of 1.137/√patch, which is LeCun's with
    // the framework's bounds; normal of 1e-6.
    INIT_WIDTH,
    INIT_WIDTH_LAYERS,
    INIT_HALF_WIDTH,
    INIT_XAVIER,
    INIT_LECUN,
    INIT_PATCH, // uniform up to 1/√(values of a patch), as PyTorch's convolutions
    INIT_TINY,
    INIT_RESIDUAL, // as INIT_NORMAL, its deviation divided by √(2 layers): GPT-2's projections
                   // into the residual stream
} init;

enum { TENSOR_DEF_DIMS = 5 };

typedef struct tensor_def {
    const char *name; // in a layer's table, %d is the layer, a second one the expert; NULL: the
                      // architecture has no such
    dim shape[TENSOR_DEF_DIMS];
    init init;
    unsigned needs; // FEATURE_ flags that must all be there; otherwise the model has no such tensor
    bool rows;      // has several dimensions, yet is read as an array, not by products
    bool tied;      // and by products too, where the model has no FEATURE_OWN_HEAD
    bool head;      // of the answers only: a model may lack it (config.headless)
} tensor_def;

// How a tensor lies in a file where not as in the table.
typedef enum layout {
    LAYOUT_PLAIN,
    LAYOUT_TRANSPOSED, // [in, out] for [out, in]
    LAYOUT_PAIRS,      // heads whose rows (2i, 2i + 1) are rows (i, i + head_dim / 2): a pair that
                       // rotary positions rotate lies together
    LAYOUT_PLUS_ONE,   // what is to be added to 1
    // A part of a tensor that holds several, one after the other by rows:
    LAYOUT_QKV,     // queries, keys, values
    LAYOUT_HEADS,   // the same of each head, with as many heads of keys
    LAYOUT_GATE_UP, // the MLP's gate and up
    // One expert's, of a tensor that holds those of all of them, [experts, ...]; or of each gate and up
    LAYOUT_EXPERTS,
    LAYOUT_EXPERTS_GATE_UP,
} layout;

// What file formats make of a tensor.
typedef struct tensor_form {
    layout safetensors;
    const char *gguf;  // its name in GGUF files; NULL: it is in none
    layout in_gguf;    // LAYOUT_PAIRS only with FEATURE_GGUF_PAIRS
    int part;          // of a tensor that holds several; 0: the first, or all
    const char *other; // the name that it has in safetensors files of another make, or NULL
    layout in_other;
} tensor_form;

typedef struct tensor_table {
    const tensor_def *globals, *layer;
    int n_globals, n_layer;
    int n_embedding; // of the globals, the first so many serve the embedding, the others the head
                     // (and, where the head is the embedding, those too)
    const tensor_form *global_forms, *layer_forms; // as many; NULL: plain, and in no GGUF file
    const char *prefix; // of names, that a safetensors file may lack; NULL: none
    // Other names that files have: pairs of a part of a name and what stands there instead, one
    // after the other, ended by NULL; a file that has none of the table's names is read by them.
    // NULL: none.
    const char *const *other_names;
    // Beginnings of names of what files hold beside this model, ended by NULL. NULL: nothing.
    const char *const *beside;
    int n_expert; // of a layer's, the last so many are there once for each expert
} tensor_table;

enum { TENSOR_NAME_BYTES = 160 };

// A tensor of the table on its way into memory.
typedef struct tensor_slot {
    const tensor_def *def; // NULL: the model has no such tensor, or it is not held
    char name[TENSOR_NAME_BYTES];
    size_t elements;
    size_t before;      // elements of the parts before it, in a tensor that holds several
    const tensor *from; // NULL: drawn; may be `view`
    layout layout;      // of `from`
    tensor view;        // the part, where the file holds several in one
} tensor_slot;

// Which tensor of a model: an entry of the globals (layer -1) or of a layer, and of those that are
// there once for each expert, which; otherwise 0.
typedef struct tensor_place {
    int layer, entry, expert;
} tensor_place;

// How often an entry of a layer is there: once, or once for each expert.
int tensor_table_copies(const config *c, const tensor_table *table, int layer, int entry);

// Finds a tensor in `source` (NULL: it is to be drawn) and checks it. ERR_INPUT: it is missing, of
// another shape or of a type that is no weight. *out may point into itself.
status tensor_slot_find(const config *c, const tensor_table *table, const weight_source *source,
                        tensor_place at, tensor_slot *out);

// The outputs of an entry as a map: its first dimension. Is it packed for products, where they read
// packed weights? (Queries, keys and values in one are not where they do not begin at whole
// blocks.)
size_t tensor_def_outputs(const config *c, const tensor_def *def);
bool tensor_def_packs(const config *c, const tensor_def *def);

// The standard deviation that an entry is drawn with.
double tensor_def_deviation(const config *c, const tensor_def *def);

// Parameters that a configuration has by the table, of what it holds.
int64_t tensor_table_parameters(const config *c, const tensor_table *table);
// Shows each tensor that is held, once for all of its copies in layers and experts.
void tensor_table_each(const config *c, const tensor_table *table,
                       void (*see)(void *context, const tensor_def *def, size_t elements,
                                   int64_t copies),
                       void *context);
// Who reads a tensor that is not packed: products, and others, which want it as float32.
bool tensor_def_products(const tensor_def *def);
bool tensor_def_rows(const tensor_def *def);

// Does the source lack the tensors of the head, of a model that has them?
bool tensor_table_lacks_head(const config *c, const tensor_table *table,
                             const weight_source *source);

// Looks at the headers of everything that a run would read: ERR_INPUT as tensor_slot_find, or names
// a tensor that nobody reads and that is not known to do no harm, since it may change the result.
status tensor_table_check(const config *c, const tensor_table *table, const weight_source *source);

#endif
