// SPDX-License-Identifier: Apache-2.0
// Frequencies are those of what was collected on, not of what is evaluated: so the list is the same
// whatever `evaluate:` names. Ties go to the lower id, for every rank to find the same one.
#include "stages/prune/skip_list.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"

typedef struct tally {
    int64_t n;
    int32_t token;
} tally;

static int by_number(const void *a, const void *b)
{
    const tally *x = a, *y = b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return (x->token > y->token) - (x->token < y->token);
}

static status count_sample(const samples *from, int subset, int64_t i, int32_t **rows,
                           size_t *capacity, tally *seen)
{
    size_t n = (size_t)samples_rows(from, subset, PART_COLLECT, i);
    if (!checked_grow(rows, capacity, 2 * n, sizeof **rows))
        return status_no_memory("a list of tokens");
    int32_t *target = *rows + n;
    status st = samples_text(from, subset, PART_COLLECT, i, *rows, target);
    for (size_t r = 0; st == OK && r < n; r++)
        if (target[r] >= 0)
            seen[target[r]].n++;
    return st;
}

static status add_frequent(const samples *from, int subsets, int64_t wanted, int outputs,
                           uint8_t *list)
{
    status st = OK;
    int32_t *rows = NULL;
    size_t capacity = 0;
    tally *seen = checked_calloc((size_t)outputs, sizeof *seen);
    if (!seen)
        return status_no_memory("a list of tokens");
    for (int32_t t = 0; t < outputs; t++)
        seen[t].token = t;
    for (int s = 0; s < subsets; s++)
        for (int64_t i = 0, n = samples_count(from, s, PART_COLLECT); i < n; i++)
            TRY(count_sample(from, s, i, &rows, &capacity, seen));
    qsort(seen, (size_t)outputs, sizeof *seen, by_number);
    for (int64_t k = 0; k < wanted && k < outputs && seen[k].n > 0; k++)
        list[seen[k].token] = 1;
done:
    free(seen);
    free(rows);
    return st;
}

status skip_list_make(const params *p, const samples *from, int subsets, int outputs, uint8_t **out)
{
    status st = OK;
    uint8_t *list = NULL;
    int64_t frequent = params_int(p, "skip");
    size_t given = params_count(p, "skip_tokens");
    *out = NULL;
    if (frequent == 0 && given == 0)
        return OK;
    if (!(list = checked_calloc((size_t)outputs, 1)))
        return status_no_memory("a list of tokens");
    if (frequent > 0)
        TRY(add_frequent(from, subsets, frequent, outputs, list));
    for (size_t i = 0; i < given; i++) {
        const char *string = params_text_at(p, "skip_tokens", i);
        int32_t token;
        TRY(samples_last_token(from, string, &token));
        if (token < 0 || token >= outputs)
            TRY(params_fail(p, "skip_tokens", "\"%s\" is no token of the model's", string));
        list[token] = 1;
    }
    *out = list;
    list = NULL;
done:
    free(list);
    return st;
}
