// SPDX-License-Identifier: Apache-2.0
// A Parquet file: every value of every column, in order and at random, and what it is as a dataset.
// An input of another kind is what lies beside such files: a README.md, a dataset_info.json.
#include "fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes/class_names.h"
#include "data/dataset/samples.h"
#include "data/parquet/parquet_file.h"
#include "data/parquet/parquet_reader.h"

// A few bytes may stand for billions of rows that are null: no more are read.
enum { ROWS_MAX = 2000, COLUMNS_MAX = 50, CONTEXT = 400, SAMPLES_MAX = 16 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_plain_tokenizer();
    return 0;
}

static void touch_value(const parquet_value *v)
{
    if (v->kind == PARQUET_BYTES)
        fuzz_touch(v->bytes, v->n);
}

static status read_column(const parquet_file *f, const schema_column *c)
{
    status st;
    parquet_reader *r = NULL;
    parquet_value v;
    parquet_list l;
    const int64_t rows = parquet_file_rows(f);
    TRY(parquet_reader_open(f, c, NULL, &r));
    for (int64_t i = 0; i < rows && i < ROWS_MAX && c->repetition > 0; i++) {
        TRY(parquet_reader_next_list(r, &l));
        for (size_t k = 0; k < l.n; k++)
            touch_value(&l.at[k]);
    }
    for (int64_t i = 0; i < rows && i < ROWS_MAX && c->repetition == 0; i++) {
        TRY(parquet_reader_next(r, &v));
        touch_value(&v);
    }
    for (int64_t i = 0; i < 8 && rows > 0 && rows < ROWS_MAX && c->repetition == 0; i++) {
        TRY(parquet_reader_seek(r, i * 31 % rows));
        TRY(parquet_reader_next(r, &v));
        touch_value(&v);
    }
done:
    parquet_reader_close(r);
    return st;
}

static status read_columns(const char *path, int64_t *rows)
{
    status st;
    parquet_file *f = NULL;
    TRY(parquet_file_open(path, &f));
    *rows = parquet_file_rows(f);
    const schema *s = parquet_file_schema(f);
    for (size_t c = 0; c < s->n && c < COLUMNS_MAX; c++)
        TRY(read_column(f, &s->at[c]));
done:
    parquet_file_close(f);
    return st;
}

static status read_images(const dataset *d)
{
    status st = OK;
    image i = {0};
    for (int64_t k = 0; k < dataset_count(d, 0) && k < SAMPLES_MAX; k++) {
        TRY(dataset_image(d, 0, k, &i));
        fuzz_touch(i.pixels, (size_t)i.height * (size_t)i.width * (size_t)i.channels);
        fuzz_touch(dataset_label_name(d, dataset_label(d, 0, k)), 1);
    }
done:
    image_free(&i);
    return st;
}

static status read_texts(const dataset *d)
{
    const sample_spec spec = {
        .text = true, .model_path = fuzz_folder(), .context = CONTEXT, .vocabulary = 257};
    int32_t ids[CONTEXT], target[CONTEXT];
    samples *s = NULL;
    status st;
    TRY(samples_open(d, &spec, &s));
    for (int64_t i = 0; i < samples_count(s, 0, PART_EVALUATE) && i < SAMPLES_MAX; i++) {
        if (samples_rows(s, 0, PART_EVALUATE, i) > CONTEXT)
            abort();
        TRY(samples_text(s, 0, PART_EVALUATE, i, ids, target));
    }
done:
    samples_close(s);
    return st;
}

static status read_dataset(const dataset_options *o)
{
    dataset *d = NULL;
    status st = dataset_open(o, NULL, &d);
    if (st == OK)
        st = dataset_is_text(d) ? read_texts(d) : read_images(d);
    dataset_close(d);
    return st;
}

static void read_names(const uint8_t *bytes, size_t n)
{
    name_list names = {0};
    const char *path = fuzz_write(n % 2 ? "dataset_info.json" : "README.md", bytes, n);
    fuzz_end(class_names_find(fuzz_folder(), NULL, "label", &names));
    name_list_free(&names);
    fuzz_write(strrchr(path, '/') + 1, "", 0); // or it would tell the next dataset's
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    int64_t rows = 0;
    if (n < 4 || memcmp(bytes, "PAR1", 4) != 0) {
        read_names(bytes, n);
        return 0;
    }
    dataset_options o = {.format = "parquet",
                         .path = fuzz_write("x.parquet", bytes, n),
                         .subsets = n % 2 ? "set" : NULL,
                         .limit = 1000,
                         .collect = DATASET_COLLECT_DEFAULT};
    fuzz_end(read_columns(o.path, &rows));
    if (rows < ROWS_MAX)
        fuzz_end(read_dataset(&o));
    return 0;
}
