// SPDX-License-Identifier: Apache-2.0
// A row says what differs between variables; what they have in common is here.
#include "stages/intersect/described.h"

#include <string.h>

status described_write(artefact_writer *w, const described *list, size_t n)
{
    status st = OK;
    for (size_t i = 0; i < n && st == OK; i++) {
        variable v = {.name = list[i].name,
                      .type = list[i].type,
                      .dims = list[i].of->dims,
                      .long_name = list[i].long_name,
                      .units = "1",
                      .data = list[i].data};
        memcpy(v.dim, list[i].of->dim, sizeof list[i].of->dim);
        st = artefact_variable(w, &v);
    }
    return st;
}
