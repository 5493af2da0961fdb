// SPDX-License-Identifier: Apache-2.0
// The tensors of one GGUF file as a weight source has them: shapes outermost first, types by name.
#ifndef MODEL_FILES_GGUF_WEIGHTS_H
#define MODEL_FILES_GGUF_WEIGHTS_H

#include "model/files/tensor.h"
#include "pipeline/base/status.h"

typedef struct gguf_weights gguf_weights;

// Opens and checks the file (pipeline/base/gguf.h). *out is owned by the caller. Local. ERR_INPUT
// also for one of several parts.
status gguf_weights_open(const char *path, gguf_weights **out);
void gguf_weights_close(gguf_weights *g);

size_t gguf_weights_count(const gguf_weights *g);
const tensor *gguf_weights_at(const gguf_weights *g, size_t i); // in no order. Borrowed
// ERR_INPUT when the file is no longer the one that was opened.
status gguf_weights_unchanged(const gguf_weights *g);

#endif
