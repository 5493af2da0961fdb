// SPDX-License-Identifier: Apache-2.0
// Parquet files, as hubs serve datasets: text, images or questions, told by the columns of the first
// file. A path is a file, or a folder of .parquet files; `split` takes those of which a part of the
// path below the folder begins with it (data/train-00000-of-00012.parquet, train/0.parquet).
//
//   image: or label: given               images
//   field: given                         text
//   question, choices and answer         questions
//   a column {bytes, path}               images, unless there is no label but a text
//   otherwise                            text
#include <stdlib.h>
#include <string.h>

#include "data/bytes/file_tree.h"
#include "data/formats/parquet_table.h"
#include "pipeline/base/file.h"

static const char default_field[] = "text";

static bool has(const parquet_file *f, const char *name)
{
    return parquet_file_find(f, name) != NULL;
}

static bool has_images(const parquet_file *f)
{
    static const char ending[] = ".bytes";
    const schema *s = parquet_file_schema(f);
    for (size_t i = 0; i < s->n; i++) {
        size_t n = strlen(s->at[i].name), m = sizeof ending - 1;
        if (n > m && strcmp(s->at[i].name + n - m, ending) == 0)
            return true;
    }
    return false;
}

static const format *find_kind(const parquet_file *f, const dataset_options *o)
{
    if (o->image || o->label)
        return &format_parquet_images;
    if (o->field && strcmp(o->field, default_field) != 0)
        return &format_parquet_text;
    if (has(f, "question") && has(f, "choices") && has(f, "answer"))
        return &format_parquet_questions;
    if (has_images(f) && (has(f, parquet_table_label(f, o)) || !has(f, default_field)))
        return &format_parquet_images;
    return &format_parquet_text;
}

static status parquet_find_kind(const dataset_options *o, const format **out)
{
    status st;
    name_list files = {0};
    parquet_file *f = NULL;
    TRY(parquet_table_files(o, o->split, &files, NULL));
    TRY(parquet_file_open(files.at[0], &f));
    *out = find_kind(f, o);
done:
    parquet_file_close(f);
    name_list_free(&files);
    return st;
}

static bool parquet_recognise(const dataset_options *o)
{
    name_list files = {0};
    parquet_file *f = NULL;
    bool is = parquet_table_files(o, o->split, &files, NULL) == OK &&
              parquet_file_open(files.at[0], &f) == OK;
    parquet_file_close(f);
    name_list_free(&files);
    return is;
}

const format format_parquet = {
    .name = "parquet",
    .splits = parquet_table_splits,
    .kind = parquet_find_kind,
    .recognise = parquet_recognise,
};
