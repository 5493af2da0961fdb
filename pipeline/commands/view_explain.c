// SPDX-License-Identifier: Apache-2.0
// A key is kept field by field for this: the digest alone would say that something changed, not
// what.
#include "pipeline/commands/pipeline_state.h"
#include "pipeline/commands/views.h"
#include "pipeline/dag/dag_select.h"

enum { SHOWN = 256 }; // fields that differ

static const char *value_shown(const char *value)
{
    return !value ? "(not there)" : value[0] ? value : "(not known yet)";
}

status view_explain(const view_source *v, const char *label, FILE *out)
{
    status st;
    pipeline_state *s = NULL;
    task *t = NULL;
    key_difference differ[SHOWN];
    size_t n = 0;
    TRY(pipeline_state_open(v, &s));
    TRY(dag_find(s->dag, label, &t));
    const pipeline_task *own = &s->tasks[t->index];
    fprintf(out, "%s: %s\n", t->label, own->why);
    if (own->known && own->known->commit) {
        TRY(pipeline_state_differences(s, own, differ, SHOWN, &n));
        for (size_t i = 0; i < n && i < SHOWN; i++)
            fprintf(out, "  %s\n    was %s\n    is  %s\n", differ[i].name,
                    value_shown(differ[i].old_value), value_shown(differ[i].new_value));
        if (n > SHOWN)
            fprintf(out, "  and %zu more\n", n - SHOWN);
    }
done:
    pipeline_state_close(s);
    return st;
}
