// SPDX-License-Identifier: Apache-2.0
// A task's checkpoint: the file OUTPUT/checkpoints/STEP/NAME.checkpoint. It holds how far the task
// has come: the round's number and vector, which of the round's units are done, and the sum of
// those. The whole task is in this one file, so that it always agrees with itself, and any number
// of ranks can go on from it. Written under another name and renamed: absent, old or complete.
//
// Layout, in the byte order of the machine (another one's magic number does not match): the header,
// the vector, and where units are done the words of their bits and the sum's fields; then the XXH3
// (128 bits) of all that, as 32 hexadecimal digits.
#ifndef PIPELINE_STORE_CHECKPOINT_FILE_H
#define PIPELINE_STORE_CHECKPOINT_FILE_H

#include <stdint.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"
#include "pipeline/base/partial.h"
#include "pipeline/base/status.h"

#define CHECKPOINT_FOLDER "checkpoints"
#define CHECKPOINT_SUFFIX ".checkpoint"

// What is the same for the whole file.
typedef struct checkpoint_head {
    char key[DIGEST_HEX]; // of the task
    int64_t epoch;        // of the run that wrote it
    int64_t round;        // 0 for the first
    int64_t length;       // of its vector
    int64_t units, done;  // of this round
    int64_t earlier;      // units of the rounds before
    double operations;    // of the rounds before
    double seconds;       // the task has taken so far
} checkpoint_head;

// A file that was read: everything points into its mapping.
typedef struct checkpoint_file {
    checkpoint_head head;
    const int64_t *vector;
    const uint64_t
        *bits; // of units done, checkpoint_file_words(units) of them; NULL where none is done
    partial_shape shape; // of the sum; its fields have no names. No fields where none is done
    const void *values[PARTIAL_MAX_FIELDS]; // aligned to 8 bytes only: to be copied
    mapping file;                           // owned
} checkpoint_file;

// How many words hold a bit a unit.
int64_t checkpoint_file_words(int64_t units);

// "checkpoints/STEP/NAME.checkpoint" for the artefact "STEP/NAME.nc", below `output`; NULL when out
// of memory. Owned by the caller.
char *checkpoint_file_path(const char *output, const char *artefact_name);

// Writes it. `bits` and `sum` are looked at where head->done > 0. `allowed` is asked just before
// the new file takes the old one's place. Local. ERR_IO, or what `allowed` returns: the old one
// stays.
status checkpoint_file_write(const char *path, const checkpoint_head *head, const int64_t *vector,
                             const uint64_t *bits, const partial *sum,
                             status (*allowed)(void *context), void *context);

// Maps the file and checks its digest. ERR_INPUT when it is missing or damaged. Local. Released by
// checkpoint_file_close.
status checkpoint_file_open(const char *path, checkpoint_file *out);
void checkpoint_file_close(checkpoint_file *s); // {0} is a no-op

// Calls `visit` with the path below `output` of each checkpoint there is, until it fails. Local.
status checkpoint_file_each(const char *output, status (*visit)(void *context, const char *name),
                            void *context);

#endif
