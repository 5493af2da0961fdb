// SPDX-License-Identifier: Apache-2.0
// Text as datasets have it, packed or not: JSON lines, plain text, and where the input is a table of
// MMLU's, its questions. All are tokenised to the end.
#include "fuzz.h"

#include <stdbool.h>
#include <stdlib.h>

#include "data/bytes/csv.h"
#include "data/dataset/samples.h"

enum { CONTEXT = 24, SAMPLES_MAX = 64 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_plain_tokenizer();
    return 0;
}

static status read_samples(const dataset *d, int context)
{
    const sample_spec spec = {
        .text = true, .model_path = fuzz_folder(), .context = context, .vocabulary = 257};
    int32_t *ids = calloc((size_t)context, sizeof *ids);
    int32_t *target = calloc((size_t)context, sizeof *target);
    samples *s = NULL;
    status st;
    TRY(samples_open(d, &spec, &s));
    for (int subset = 0; subset < dataset_subsets(d); subset++)
        for (part p = 0; p < PARTS; p++)
            for (int64_t i = 0; i < samples_count(s, subset, p) && i < SAMPLES_MAX; i++) {
                if (samples_rows(s, subset, p, i) > context)
                    abort();
                TRY(samples_text(s, subset, p, i, ids, target));
            }
done:
    samples_close(s);
    free(ids);
    free(target);
    return st;
}

static status read_dataset(const dataset_options *o, int context)
{
    dataset *d = NULL;
    status st = dataset_open(o, NULL, &d);
    if (st == OK)
        st = read_samples(d, context);
    dataset_close(d);
    fuzz_end(st);
    return st;
}

// As one format only, the first that takes it: a tokenizer's memory is what takes the time here.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const bool packs = n % 2;
    csv_table table = {0};
    dataset_options o = {.format = "jsonl",
                         .path = fuzz_write("x.jsonl", bytes, n),
                         .subsets = packs ? "file" : "meta.pile_set_name",
                         .pack = packs,
                         .limit = packs ? 50 : 0,
                         .collect = DATASET_COLLECT_DEFAULT};
    if (read_dataset(&o, CONTEXT) == OK)
        return 0;
    o = (dataset_options){.format = "text", .collect = DATASET_COLLECT_DEFAULT};
    o.path = fuzz_write("some_subject_test.csv", bytes, n);
    if (csv_read(o.path, 6, &table) == OK) {
        o.format = "mmlu";
        read_dataset(&o, 400);
    } else if (packs) {
        o.path = fuzz_write("x.txt", bytes, n);
        read_dataset(&o, CONTEXT);
    }
    csv_free(&table);
    return 0;
}
