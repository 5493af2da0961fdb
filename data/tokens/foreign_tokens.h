// SPDX-License-Identifier: Apache-2.0
// Files of token ids that other tools wrote: told by their first bytes, since every byte could be an
// id.
#ifndef DATA_TOKENS_FOREIGN_TOKENS_H
#define DATA_TOKENS_FOREIGN_TOKENS_H

#include <stddef.h>

#include "data/tokens/token_file.h"
#include "pipeline/base/status.h"

// Of a file without a .npy header: its first `n` bytes, and its size. The header of llm.c is taken
// into *f (`width`, `begin`, `rows`, `from`). ERR_INPUT, saying what it is and what to do, for what is
// another tool's or plainly no ids of f->width bytes; also where an index that Megatron wrote lies
// beside and says another width.
status foreign_tokens_look(const char *path, const char *bytes, size_t n, size_t size,
                           token_file *f);

#endif
