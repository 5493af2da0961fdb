// SPDX-License-Identifier: Apache-2.0
// An interruption gives way to a real error: who stopped because others stop has nothing to say.
#include "pipeline/comm/verdict.h"

#include <stdio.h>
#include <string.h>

void verdict_add(verdict *v, status st)
{
    if (st == OK || (v->code != OK && v->code != ERR_INTERRUPTED) || st == v->code)
        return;
    v->code = st;
    snprintf(v->text, sizeof v->text, "%s", status_text());
}

void verdict_name_host(verdict *v, const char *host)
{
    char text[sizeof v->text];
    if (v->code != ERR_INPUT && v->code != ERR_IO && v->code != ERR_INTERNAL)
        return;
    memcpy(text, v->text, sizeof text);
    snprintf(v->text, sizeof v->text, "on %.255s: %.*s", host, (int)sizeof text - 300, text);
}

status verdict_get(const verdict *v)
{
    return v->code == OK ? OK : status_carry(v->code, v->text);
}
