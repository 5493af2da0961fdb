// SPDX-License-Identifier: Apache-2.0
// What the two files that read configurations share: config.c, and config_text.c for the fields of
// language models.
#ifndef MODEL_CONFIG_CONFIG_FILE_H
#define MODEL_CONFIG_CONFIG_FILE_H

#include <jansson.h>

#include "model/config/config.h"

struct config_file {
    char *path;
    json_t *root;
    json_t *keys; // what a GGUF file calls the fields; NULL: as they are
};

// The field's value; NULL where it is absent or null. Borrowed.
const json_t *config_get(const config_file *f, const char *key);

#endif
