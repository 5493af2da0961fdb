// SPDX-License-Identifier: Apache-2.0
// Thrift's compact protocol, as far as Parquet's footer and page headers use it: structs of
// numbered fields, read one after the other, each taken or skipped. Nothing here allocates.
#ifndef DATA_PARQUET_THRIFT_H
#define DATA_PARQUET_THRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Where reading stands. Once `bad`, nothing more is read: everything gives 0, and no field follows;
// so a reader asks once, at its end.
typedef struct thrift {
    const uint8_t *at, *end;
    bool bad;
} thrift;

// A field of a struct; {0} before its first.
typedef struct thrift_field {
    int id, type;
} thrift_field;

// The next field of the struct; false at its end, and when it is broken. The field's value must then
// be read by one of the below, each of which breaks on a value of another type, or skipped.
bool thrift_next(thrift *t, thrift_field *f);
void thrift_skip(thrift *t, const thrift_field *f);
int64_t thrift_integer(thrift *t, const thrift_field *f); // of any width
// That must lie in [0, most].
int64_t thrift_count(thrift *t, const thrift_field *f, int64_t most);
bool thrift_boolean(thrift *t, const thrift_field *f);
// Borrowed from the bytes that are read; not terminated.
const char *thrift_string(thrift *t, const thrift_field *f, size_t *n);
// Whether the value is a struct, whose fields then follow (begin with a {0} field).
bool thrift_struct(thrift *t, const thrift_field *f);
// How many elements a list has, no more than bytes are left; *element is a field to read each by.
size_t thrift_list(thrift *t, const thrift_field *f, thrift_field *element);

#endif
