// SPDX-License-Identifier: Apache-2.0
// An expert's rows are some of the batch's: a stretch of the batch is a stretch of them too.
#include "model/device/device_rows.h"

// Which of the caller's rows of the batch are among the listed ones: [*at, end) of the list.
static int64_t find_rows(const device_rows *r, int64_t end, int64_t *at)
{
    if (!r->row)
        return end;
    while (*at < r->rows && r->row[*at] < end)
        ++*at;
    return *at;
}

// The rows from `begin` to `end` of the batch, as a stretch of x's.
device_segment device_rows_segment(const device_rows *r, int64_t begin, int64_t end, int64_t *at)
{
    const int64_t first = find_rows(r, begin, at);
    return (device_segment){(int32_t)first, (int32_t)find_rows(r, end, at)};
}
