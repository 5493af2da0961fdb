// SPDX-License-Identifier: Apache-2.0
// What was said of a record is kept, so that one that is too many can still be named when several
// files, read side by side, are joined.
#include "data/bytes/bad_records.h"

#include <stdio.h>
#include <string.h>

static status fail_too_many(const bad_records *b, const char *said)
{
    char copy[400]; // status_fail overwrites what it is given
    snprintf(copy, sizeof copy, "%s", said);
    return status_fail(ERR_INPUT, NULL, "%s; skip_bad: %lld are passed over already", copy,
                       (long long)b->most);
}

static status note(bad_records *b, const char *said)
{
    if ((int64_t)b->said.n == b->most)
        return fail_too_many(b, said);
    return name_list_add(&b->said, said, strlen(said));
}

status bad_records_pass(bad_records *b, status st)
{
    return st == ERR_INPUT && b->most > 0 ? note(b, status_text()) : st;
}

status bad_records_join(bad_records *b, const bad_records *from)
{
    status st = OK;
    for (size_t i = 0; i < from->said.n && st == OK; i++)
        st = note(b, from->said.at[i]);
    return st;
}

void bad_records_free(bad_records *b)
{
    name_list_free(&b->said);
    *b = (bad_records){0};
}
