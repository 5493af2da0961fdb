// SPDX-License-Identifier: Apache-2.0
// An interruption gives way to a real error: who stopped because others stop has nothing to say.
#include "pipeline/comm/verdict.h"

#include <stdio.h>

void verdict_add(verdict *v, status st)
{
    if (st == OK || (v->code != OK && v->code != ERR_INTERRUPTED) || st == v->code)
        return;
    v->code = st;
    snprintf(v->text, sizeof v->text, "%s", status_text());
}

status verdict_get(const verdict *v)
{
    return v->code == OK ? OK : status_carry(v->code, v->text);
}
