// SPDX-License-Identifier: Apache-2.0
// Rotary positions, as configurations spell them.
#ifndef MODEL_CONFIG_CONFIG_ROTARY_H
#define MODEL_CONFIG_CONFIG_ROTARY_H

#include "model/config/config_file.h"
#include "model/kernels/rotary.h"
#include "pipeline/base/status.h"

// rope_theta and its scaling for heads of head_dim, in the older (rope_theta, rope_scaling) and the
// newer (rope_parameters) spelling; types default, linear and llama3; or a GGUF file's divisors.
// Another is refused by name. ERR_INPUT.
status config_rotary(const config_file *f, double missing_theta, int head_dim, rotary *out);

#endif
