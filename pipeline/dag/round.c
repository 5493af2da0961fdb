// SPDX-License-Identifier: Apache-2.0
// The one thing a stage may do with a round's vector besides reading it.
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/stage.h"

int64_t *round_extend(round_state *r, size_t n)
{
    size_t need;
    // Room for one at least: zero more is no failure.
    if (!checked_add(r->length, n, &need) ||
        !checked_grow(&r->values, &r->capacity, need + !need, sizeof *r->values))
        return NULL;
    int64_t *place = r->values + r->length;
    memset(place, 0, n * sizeof *place);
    r->length = need;
    return place;
}
