// SPDX-License-Identifier: Apache-2.0
// Preprocessing as models of timm have it: in the pretrained_cfg of their config.json.
#ifndef DATA_IMAGE_TIMM_WORDS_H
#define DATA_IMAGE_TIMM_WORDS_H

#include <jansson.h>
#include <stdbool.h>

#include "pipeline/base/status.h"

// Does that config.json hold timm's preprocessing?
bool timm_words_are_there(const json_t *root);

// *out: what it says in the keys of preprocessor_config.json, owned by the caller: timm's evaluation,
// by interpolation, crop_pct, crop_mode, mean, std and the size of input_size. ERR_INPUT names `path`
// and the field.
status timm_words_translate(const char *path, const json_t *root, json_t **out);

#endif
