// SPDX-License-Identifier: Apache-2.0
// Records of a dataset that are broken and may be passed over, up to a number: `skip_bad`.
#ifndef DATA_BYTES_BAD_RECORDS_H
#define DATA_BYTES_BAD_RECORDS_H

#include <stdint.h>

#include "data/bytes/name_list.h"
#include "pipeline/base/status.h"

// {0} passes nothing over.
typedef struct bad_records {
    int64_t most;   // that may be passed over
    name_list said; // what was wrong with each that was
} bad_records;

// What reading a record gave: OK where that is ERR_INPUT and one more may be passed over; it is
// noted then. Otherwise the failure itself, saying so where there were too many.
status bad_records_pass(bad_records *b, status st);
// Adds those of `from`, in order; fails as above where they are too many together.
status bad_records_join(bad_records *b, const bad_records *from);
void bad_records_free(bad_records *b); // frees and empties; safe on {0}

#endif
