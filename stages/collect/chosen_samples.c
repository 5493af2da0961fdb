// SPDX-License-Identifier: Apache-2.0
// A bit a sample, as firing is kept: subsets have different numbers of samples, and an eighth of a
// byte for each is less than any list of numbers.
#include "stages/collect/chosen_samples.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"

static status set_bits(chosen_samples *c, const samples *s, int subsets, int64_t bytes)
{
    c->bits = checked_calloc((size_t)subsets * (size_t)bytes, 1);
    if (!c->bits)
        return status_no_memory("a list of samples");
    for (int k = 0; k < subsets; k++)
        for (int64_t i = 0, n = samples_count(s, k, PART_COLLECT); i < n; i++) {
            const int64_t number = samples_number(s, k, PART_COLLECT, i);
            c->bits[k * bytes + number / 8] |= (uint8_t)(1 << number % 8);
        }
    return OK;
}

status chosen_samples_describe(chosen_samples *c, const samples *s, int subsets, artefact_writer *w)
{
    status st = OK;
    int64_t bytes = 0;
    if (!samples_shuffled(s))
        return OK;
    c->count = checked_calloc((size_t)subsets, sizeof *c->count);
    if (!c->count)
        return status_no_memory("a list of samples");
    for (int k = 0; k < subsets; k++) {
        c->count[k] = samples_count(s, k, PART_COLLECT) + samples_count(s, k, PART_EVALUATE);
        bytes = (c->count[k] + 7) / 8 > bytes ? (c->count[k] + 7) / 8 : bytes;
    }
    TRY(set_bits(c, s, subsets, bytes));
    TRY(artefact_dim(w, "sample_byte", bytes));
    TRY(artefact_variable(w, &(variable){.name = "samples",
                                         .type = VARIABLE_I64,
                                         .dims = 1,
                                         .dim = {"subset"},
                                         .long_name = "samples of the subset, collected on or not",
                                         .units = "1",
                                         .data = c->count}));
    TRY(artefact_variable(
        w,
        &(variable){.name = "collected",
                    .type = VARIABLE_U8,
                    .dims = 2,
                    .dim = {"subset", "sample_byte"},
                    .long_name = "whether each sample of the subset, in file order, was collected "
                                 "on: sample i is bit i mod 8, from the lowest, of byte i div 8",
                    .units = "1",
                    .data = c->bits}));
done:
    return st;
}

void chosen_samples_free(chosen_samples *c)
{
    free(c->count);
    free(c->bits);
    *c = (chosen_samples){0};
}
