// SPDX-License-Identifier: Apache-2.0
// Mapped files that shrink. Reading beyond a mapped file's new end raises SIGBUS, which would end
// the program without a word. In guarded memory such pages become zeros instead, and the reader
// goes on. All that file_map maps is guarded. Before anything comes of what was read, somebody must
// look whether the file is still what it was: the engine does, for the files of a task's key, before
// it commits or saves; else file_stamp_check, or map_guard_cut.
#ifndef PIPELINE_BASE_MAP_GUARD_H
#define PIPELINE_BASE_MAP_GUARD_H

#include <stdbool.h>
#include <stddef.h>

// Guards n mapped bytes at `at`. Beyond MAP_GUARDS at once, memory stays as any other. Any thread.
enum { MAP_GUARDS = 1024 };
void map_guard_add(const void *at, size_t n);
// Ends it; before the memory is unmapped. Memory that is not guarded is left alone.
void map_guard_remove(const void *at);
// Has a page of the guarded memory that `at` is in become zeros?
bool map_guard_cut(const void *at);

#endif
