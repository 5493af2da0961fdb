// SPDX-License-Identifier: Apache-2.0
// A pipeline file, as `plan` and `run` check it before they do anything, with the real tables of
// stages and parameters. A line "#set KEY.PATH=VALUE" is `-s KEY.PATH=VALUE`.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/dag/dag_build.h"
#include "pipeline/dag/dag_select.h"
#include "stages/registry.h"

enum { OVERRIDES = 8 };

// Copies what stands behind "#set " in each line; returns how many.
static size_t find_overrides(const char *bytes, size_t n, char *found[OVERRIDES])
{
    static const char mark[] = "#set ";
    const size_t length = strlen(mark);
    size_t count = 0;
    for (const char *at = bytes, *end = bytes + n; at && at < end && count < OVERRIDES;) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        const char *stop = next ? next : end;
        if ((size_t)(stop - at) > length && memcmp(at, mark, length) == 0)
            found[count++] = strndup(at + length, (size_t)(stop - at) - length);
        at = next ? next + 1 : NULL;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    status st;
    char *overrides[OVERRIDES];
    const size_t count = find_overrides((const char *)bytes, n, overrides);
    pipeline_file *f = NULL;
    dag *d = NULL;
    task *found;
    TRY(pipeline_file_parse("p.yaml", (const char *)bytes, n, (const char *const *)overrides, count,
                            &sulcus_registry, &f));
    TRY(dag_build(f, &d));
    for (size_t i = 0; i < d->n; i++)
        TRY(dag_find(d, task_label(d->tasks[i]), &found)); // each is known by its own name
    const dag_selection selection = {.from = d->n ? f->steps[0].name : NULL};
    TRY(dag_select(d, &selection));
done:
    dag_free(d);
    pipeline_file_free(f);
    for (size_t i = 0; i < count; i++)
        free(overrides[i]);
    fuzz_end(st);
    return 0;
}
