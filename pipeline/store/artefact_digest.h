// SPDX-License-Identifier: Apache-2.0
// The digest of an artefact: of what is in it, not of the file's bytes.
#ifndef PIPELINE_STORE_ARTEFACT_DIGEST_H
#define PIPELINE_STORE_ARTEFACT_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/status.h"
#include "pipeline/store/artefact.h"

// The digest of names, types, shapes and values, in the order of names, by reading every value but
// those of such coordinates. ERR_INPUT.
status artefact_digest(const artefact *a, char hex[DIGEST_HEX]);

// How a digest is made, for both sides: one variable's part begins with its name, type and shape,
// then come its values in row-major order, each text with its length; the parts are joined in the
// order of names.
typedef struct digest_part {
    const char *name; // borrowed
    char hex[DIGEST_HEX];
} digest_part;
status digest_part_begin(const char *name, variable_type type, int dims, const int64_t *lengths,
                         digest **out);
void digest_part_add(digest *d, variable_type type, const void *values, int64_t n);
status digest_parts_join(digest_part *parts, size_t n, char hex[DIGEST_HEX]); // sorts the parts

#endif
