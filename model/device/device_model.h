// SPDX-License-Identifier: Apache-2.0
// A model on a device: its weights there, and the memory that its passes work in, one pass at a time.
#ifndef MODEL_DEVICE_DEVICE_MODEL_H
#define MODEL_DEVICE_DEVICE_MODEL_H

#include <pthread.h>
#include <stdatomic.h>

#include "model/cuda/ops.h"
#include "model/forward/state.h"

// Values that the host has an address for, and what was made of them there.
typedef struct device_range {
    const float *host;
    size_t elements;
    float *rows;    // as float32; NULL: only products read them
    void *products; // in the type that products read; NULL: no product reads them
} device_range;

// What a batch works in, all of the device. Rows are filled up to whole blocks of products.
typedef struct device_arrays {
    int64_t rows, samples;            // that it holds
    float *hidden, *spare;            // [rows, H]; `spare` gets what is left of hidden's rows
    void *normed, *spare_normed;      // [rows, H], as products read it
    float *output;                    // [rows, H] of a block that is held apart, or an expert's
    float *q, *k, *v;                 // [rows, heads × head_dim]; then the attn site
    float *mlp, *gate;                // [rows, neurons of an MLP]
    void *site;                       // what the product behind a site reads; of sparse models, an
                                      // expert's rows too
    void *gathered;                   // [rows, H] of an expert's rows; NULL in dense models
    float *weight, *factor;           // [rows, experts], [rows] of the router's
    float *logits;                    // [rows, PASS_OUTPUTS]; shares the memory of mlp
    device_answer *answer;            // [rows]
    float *pixels, *places;           // images; shares that of q, k and v
    void *patches;                    // of mlp and gate
    float *rotary, *windowed;         // tables
    int32_t *index;                   // [rows] of a look-up or a list of rows
    int32_t *position, *turn;         // [rows]
    int32_t *first_key, *first_query; // [samples + 1]
    int32_t *listed;                  // [rows] whose firing is kept, while `index` is in use
    int64_t *bit;                     // [rows]
    device_segment *segment;          // [rows]
    uint8_t *pruned;                  // [neurons of a site]
    device_fixed *sum;                // of all layers and sites; NULL: no pass has asked for sums
    int64_t *positive;
    int64_t *firing, *histogram; // where passes have asked for them
    int64_t firing_words;        // of a neuron
    int32_t *bad;                // a flag for each place (device_sites.h)
} device_arrays;

typedef struct device_model {
    const device_ops *ops; // borrowed
    device *device;        // owned
    device_info info;
    device_compute compute;
    size_t memory_left;  // for a batch's arrays
    device_range *range; // owned [ranges], ascending by `host`
    size_t ranges;
    pthread_mutex_t
        lock; // of what follows, and of the device: passes of several threads take turns
    device_arrays arrays;
    void *block; // owned: theirs, but for sums
    struct device_batch
        *idle; // batches between calls, freed before it (device_batch.h); with `keeping`
    pthread_mutex_t keeping;
    int64_t row_limit; // of a batch, for tests; 0: what memory allows
} device_model;

// Opens the device that `ops` has under that index, an equal part of whose memory is each sharer's,
// and plans the model's weights there. ERR_USAGE: it has too little memory, with what would do.
status device_model_open(const model *m, const device_ops *ops, int index, int sharers,
                         device_compute form, device_model **out);
// Brings them over, in pieces, as weights_show reads them.
status device_model_bring(device_model *d, const model *m, int threads,
                          const atomic_bool *stopping);
void device_model_close(device_model *d);

// Turns a failed call's status into an error with the device's name and line. OK stays.
status device_check(const device_model *d, status st);
// As TRY, of a call of the table.
#define TRY_DEVICE(d, CALL) TRY(device_check(d, CALL))

// Where values of the model's weights are there: as float32, or as products read them. NULL is NULL.
const float *device_rows_of(const device_model *d, const float *host);
const void *device_products(const device_model *d, const float *host);

// Bytes of a value that products read.
size_t device_value_bytes(const device_model *d);
device_type device_value_type(const device_model *d);

// Bytes of a tensor there: that products read (`multiplied`), in bf16 where `rounded`; that others
// read, as float32.
size_t device_tensor_bytes(bool rounded, bool multiplied, bool read, size_t elements);

// What must be free where weights take so many bytes: a tenth of them more, for batches.
size_t device_least_free(size_t bytes);

enum { DEVICE_MOST_ROWS = 1 << 15 }; // of a batch: more do not make products faster

// Makes room for batches of at most that many rows and samples: fewer where memory is short, but no
// less than `least` of both. ERR_INTERNAL: out of memory. With the lock held.
typedef struct device_room {
    int64_t rows, samples;
} device_room;
status device_make_room(const model *m, device_room most, device_room least);
// What that takes, of values of so many bytes that products read.
size_t device_room_bytes(const config *c, size_t value, device_room r);

#endif
