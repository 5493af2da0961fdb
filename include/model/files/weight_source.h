// SPDX-License-Identifier: Apache-2.0
// The tensors of a model folder or weight file, mapped and checked, whichever files they are spread
// over.
#ifndef MODEL_FILES_WEIGHT_SOURCE_H
#define MODEL_FILES_WEIGHT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "model/files/tensor.h"
#include "pipeline/base/status.h"

typedef struct checkpoint checkpoint;

// Opens a folder (model.safetensors, or the shards that model.safetensors.index.json names), one
// .safetensors file or one .gguf file, whose shapes are turned round: outermost first. Local.
// ERR_INPUT names the file and the tensor: malformed headers, shards that are missing, outside the
// folder, or do not hold what the index says.
status checkpoint_open(const char *path, checkpoint **out);
void checkpoint_close(checkpoint *c);

// Is it a GGUF file, with GGUF's names of tensors? (By its path: is it one of that kind?)
bool checkpoint_is_gguf(const checkpoint *c);
bool checkpoint_path_is_gguf(const char *path);

size_t checkpoint_count(const checkpoint *c);
const tensor *checkpoint_at(const checkpoint *c, size_t i);           // by name, ascending
const tensor *checkpoint_find(const checkpoint *c, const char *name); // NULL: none of that name

// ERR_INPUT when a file is no longer the one that was mapped (size, time, inode): what is mapped
// may have changed, or be gone.
status checkpoint_unchanged(const checkpoint *c);

// Calls add for each file that a checkpoint at `path` consists of, without mapping them; stops at
// its first failure.
status checkpoint_files(const char *path, status (*add)(void *context, const char *file),
                        void *context);

#endif
