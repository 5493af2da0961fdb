// SPDX-License-Identifier: Apache-2.0
// The tensors of a model folder or weight file, mapped and checked, whichever files they are spread
// over.
#ifndef MODEL_FILES_WEIGHT_SOURCE_H
#define MODEL_FILES_WEIGHT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "model/files/tensor.h"
#include "pipeline/base/status.h"

typedef struct weight_source weight_source;

// Opens a folder (model.safetensors, or the shards that model.safetensors.index.json names), one
// .safetensors file or one .gguf file, whose shapes are read the other way round: outermost first.
// *out is owned by the caller. Local. ERR_INPUT names the file and the tensor: malformed headers,
// shards that are missing or outside the folder.
status weight_source_open(const char *path, weight_source **out);
void weight_source_close(weight_source *s);

// Is it a GGUF file, with GGUF's names of tensors? (By its path: is it one of that kind?)
bool weight_source_is_gguf(const weight_source *s);
bool weight_source_path_is_gguf(const char *path);

size_t weight_source_count(const weight_source *s);
// The i-th by name, ascending; the one of that name, or NULL. Both borrowed.
const tensor *weight_source_at(const weight_source *s, size_t i);
const tensor *weight_source_find(const weight_source *s, const char *name);

// The prefix that wrappers (torch.compile, DistributedDataParallel) had put before all names, which
// are without it here; "": none. Borrowed.
const char *weight_source_prefix(const weight_source *s);
// Do index and shards say the same about a tensor? And the names about which they do not, as the
// files have them, a line each. Borrowed.
bool weight_source_agreed(const weight_source *s, const tensor *t);
const char *weight_source_disagreements(const weight_source *s);

// ERR_INPUT when a file is no longer the one that was mapped (size, time, inode): what is mapped
// may have changed, or be gone.
status weight_source_unchanged(const weight_source *s);

// Calls add for each file that a weight source at `path` consists of, without mapping them; stops
// at its first failure.
status weight_source_files(const char *path, status (*add)(void *context, const char *file),
                           void *context);

#endif
