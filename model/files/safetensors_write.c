// SPDX-License-Identifier: Apache-2.0
// Numbers are written as they lie in memory: the format is little-endian, as every machine is that
// the program runs on.
#include "model/files/safetensors_write.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"

// The header, padded with blanks so that the data begin at a multiple of eight; NULL when out of
// memory.
static char *make_header(const safetensors_matrix *matrices, size_t n, size_t *length)
{
    size_t at = 0;
    json_t *root = json_object();
    for (size_t i = 0; root && i < n; i++) {
        const safetensors_matrix *m = &matrices[i];
        const size_t end = at + m->rows * m->columns * sizeof(double);
        json_t *entry =
            json_pack("{s:s, s:[I, I], s:[I, I]}", "dtype", "F64", "shape", (json_int_t)m->rows,
                      (json_int_t)m->columns, "data_offsets", (json_int_t)at, (json_int_t)end);
        at = end;
        if (!entry || json_object_set_new(root, m->name, entry) != 0) {
            json_decref(root);
            root = NULL;
        }
    }
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL, *padded = NULL;
    const size_t used = text ? strlen(text) : 0;
    *length = (used + 7) / 8 * 8;
    if (text && (padded = malloc(*length + 1))) {
        memset(padded, ' ', *length);
        memcpy(padded, text, used);
    }
    free(text);
    json_decref(root);
    return padded;
}

status safetensors_write(const char *path, const safetensors_matrix *matrices, size_t n)
{
    size_t length = 0;
    char *header = make_header(matrices, n, &length);
    file_piece *pieces = checked_calloc(n + 2, sizeof *pieces);
    status st = header && pieces ? OK : status_no_memory(path);
    if (st == OK) {
        const uint64_t counted = length;
        pieces[0] = (file_piece){&counted, sizeof counted};
        pieces[1] = (file_piece){header, length};
        for (size_t i = 0; i < n; i++)
            pieces[i + 2] = (file_piece){matrices[i].values,
                                         matrices[i].rows * matrices[i].columns * sizeof(double)};
        st = file_write_pieces(path, pieces, n + 2, NULL, NULL);
    }
    free(header);
    free(pieces);
    return st;
}
