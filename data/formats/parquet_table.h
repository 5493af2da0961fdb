// SPDX-License-Identifier: Apache-2.0
// What the three kinds of data in Parquet files share: the files of a split, and columns by name.
#ifndef DATA_FORMATS_PARQUET_TABLE_H
#define DATA_FORMATS_PARQUET_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/bytes/name_list.h"
#include "data/formats/dataset_options.h"
#include "data/formats/format.h"
#include "data/parquet/parquet_file.h"
#include "data/parquet/parquet_reader.h"
#include "pipeline/base/status.h"

// The kinds.
extern const format format_parquet_images, format_parquet_questions, format_parquet_text;

extern const char *const parquet_table_splits[]; // what `split` may be, ended by NULL

// Appends the dataset's files of a split (NULL: all), sorted. ERR_INPUT where there are none.
status parquet_table_files(const dataset_options *o, const char *split, name_list *out,
                           int64_t *ignored);
// format.files of kinds that are their files alone.
status parquet_table_list(const dataset_options *o, name_list *out);

// A column; NULL where the file does not have it. Of images "NAME.bytes" is found as well.
const schema_column *parquet_table_find(const parquet_file *f, const char *name);
const schema_column *parquet_table_find_image(const parquet_file *f, const char *name);
// The column of labels: as the options name it, or that of these which is there.
const char *parquet_table_label(const parquet_file *f, const dataset_options *o);
// Opens a reader of it; `stopping` as parquet_reader_open. ERR_INPUT, naming the columns there are, where it is
// missing, and where it is or is not a column of lists, as `list` wants it.
status parquet_table_read(const parquet_file *f, const char *name, bool list,
                          const atomic_bool *stopping, parquet_reader **out);
// ERR_INPUT at a row, counted from 0 here and from 1 in the message: "FILE:ROW: field NAME …".
status parquet_table_fail(const parquet_file *f, int64_t row, const char *name,
                          const char *problem);
// Whether a value is text in UTF-8; if not, fails at its row.
status parquet_table_check_text(const parquet_file *f, int64_t row, const char *name,
                                const parquet_value *v);

#endif
