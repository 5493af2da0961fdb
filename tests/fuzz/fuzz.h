// SPDX-License-Identifier: Apache-2.0
// What the harnesses share. libFuzzer calls LLVMFuzzerTestOneInput some thousand times a second in
// one process, so files lie in memory and nothing is opened that a run opens once.
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

// libFuzzer's own: once before all inputs, and one input. What the latter returns is 0.
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

// The folder of this process, made by the first call: in TMPDIR, or else in /dev/shm. It goes with
// the process; what a crash leaves, fuzz.sh removes. Borrowed.
const char *fuzz_folder(void);

// Writes n bytes to FOLDER/name. The path is borrowed until the eighth call from here.
const char *fuzz_write(const char *name, const void *bytes, size_t n);
const char *fuzz_path(const char *name);

// FOLDER/tokenizer.json, in which every byte is its own id and 256 stands in front.
void fuzz_plain_tokenizer(void);

// Says how the input ended; SULCUS_FUZZ_SAY prints it. A failure must be the input's, not the
// program's, and have its line of text. In the twin (SULCUS_FUZZ_TWIN) the 20th input that was taken
// reads a byte too many: a harness that never gets through its reader, or a machinery that misses a
// fault, is found by that.
void fuzz_end(status st);

// Uses what was read, so that a sanitizer sees each byte of it being touched.
void fuzz_touch(const void *bytes, size_t n);

#endif
