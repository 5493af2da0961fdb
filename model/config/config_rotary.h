// SPDX-License-Identifier: Apache-2.0
// Rotary positions, as configurations spell them.
#ifndef MODEL_CONFIG_CONFIG_ROTARY_H
#define MODEL_CONFIG_CONFIG_ROTARY_H

#include "model/config/config_file.h"
#include "model/kernels/rotary.h"
#include "pipeline/base/status.h"

// What a class of models has where its file does not say, and how it calls it.
typedef struct rotary_class {
    double theta;
    double rotated; // share of a head that is rotated; 0: all of it, and the class has no other
    const char *theta_key, *rotated_key; // instead of rope_theta and partial_rotary_factor; NULL:
                                         // those
} rotary_class;

// The base and its scaling for heads of head_dim, in the older (rope_theta, rope_scaling) and the
// newer (rope_parameters) spelling; types default, linear, dynamic, llama3, yarn and longrope; or a
// GGUF file's divisors. Another type, a key that is not known, and two spellings that contradict
// each other are refused by name. ERR_INPUT.
status config_rotary(const config_file *f, const rotary_class *class, int head_dim, rotary *out);

// The same of models that scale the positions of full and of windowed layers differently: the older
// spelling's scaling is that of full layers alone. windowed.theta_key: its base.
status config_rotary_kinds(const config_file *f, const rotary_class *full,
                           const rotary_class *windowed, int head_dim, rotary *out,
                           rotary *out_windowed);

#endif
