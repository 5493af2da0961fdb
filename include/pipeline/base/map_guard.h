// SPDX-License-Identifier: Apache-2.0
// Mapped files that shrink. Reading beyond a mapped file's new end raises SIGBUS, which would end
// the program without a word. In guarded memory such pages become zeros instead, and the reader
// goes on; whoever guards it must look whether the file is still what it was (file_stamp_check)
// before it trusts what it has read since it last did.
#ifndef PIPELINE_BASE_MAP_GUARD_H
#define PIPELINE_BASE_MAP_GUARD_H

#include <stddef.h>

// Guards n mapped bytes at `at`. Beyond MAP_GUARDS at once, memory stays as any other. Any thread.
enum { MAP_GUARDS = 1024 };
void map_guard_add(const void *at, size_t n);
// Ends it; before the memory is unmapped. Memory that is not guarded is left alone.
void map_guard_remove(const void *at);

#endif
