// SPDX-License-Identifier: Apache-2.0
// A header is a claim by a stranger. It is scanned, not parsed into a tree, every number is checked
// against the file's size before it is used, and tensors must fill the data without holes.
#include "model/files/safetensors.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/files/json_scan.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"

struct safetensors {
    char *path;
    mapping map;
    file_stamp seen;
    tensor *tensors;
    size_t n, capacity;
    const unsigned char *data;
    size_t data_bytes;
};

// What of a tensor's three fields has been read.
enum { HAS_DTYPE = 1, HAS_SHAPE = 2, HAS_OFFSETS = 4, HAS_ALL = 7 };

static status scan_dtype(const safetensors *s, json_scan *scan, tensor *t)
{
    status st;
    char *word = NULL;
    TRY(json_scan_string(scan, &word));
    if (!(t->type = dtype_find(word)))
        st = status_fail(ERR_INPUT, s->path,
                         "tensor %s: dtype %.32s is unknown; save it as F32, F16 or BF16", t->name,
                         word);
done:
    free(word);
    return st;
}

static status scan_shape(const safetensors *s, json_scan *scan, tensor *t)
{
    status st;
    bool more;
    t->dims = 0;
    t->elements = 1;
    TRY(json_scan_expect(scan, '['));
    for (;;) {
        TRY(json_scan_more(scan, t->dims == 0, ']', &more));
        if (!more)
            break;
        if (t->dims == TENSOR_MAX_DIMS) {
            st = status_fail(ERR_INPUT, s->path, "tensor %s: more than %d dimensions", t->name,
                             TENSOR_MAX_DIMS);
            goto done;
        }
        TRY(json_scan_size(scan, &t->shape[t->dims]));
        if (!checked_mul(t->elements, t->shape[t->dims++], &t->elements)) {
            st = status_fail(ERR_INPUT, s->path, "tensor %s: the product of its shape is too large",
                             t->name);
            goto done;
        }
    }
done:
    return st;
}

static status scan_offsets(const safetensors *s, json_scan *scan, tensor *t)
{
    status st;
    size_t begin, end;
    TRY(json_scan_expect(scan, '['));
    TRY(json_scan_size(scan, &begin));
    TRY(json_scan_expect(scan, ','));
    TRY(json_scan_size(scan, &end));
    TRY(json_scan_expect(scan, ']'));
    if (begin > end) {
        st = status_fail(ERR_INPUT, s->path, "tensor %s: begins at %zu, after its end at %zu",
                         t->name, begin, end);
    } else if (end > s->data_bytes) {
        st = status_fail(ERR_INPUT, s->path,
                         "tensor %s: ends at byte %zu of %zu; the download is incomplete", t->name,
                         end, s->data_bytes);
    } else {
        t->bytes = s->data + begin;
        t->base = s->map.bytes;
        t->n_bytes = end - begin;
    }
done:
    return st;
}

static status scan_tensor(const safetensors *s, json_scan *scan, tensor *t)
{
    status st;
    bool more;
    int has = 0;
    char *key = NULL;
    TRY(json_scan_expect(scan, '{'));
    for (;;) {
        TRY(json_scan_more(scan, has == 0, '}', &more));
        if (!more)
            break;
        free(key);
        key = NULL;
        TRY(json_scan_string(scan, &key));
        TRY(json_scan_expect(scan, ':'));
        int field = strcmp(key, "dtype") == 0          ? HAS_DTYPE
                    : strcmp(key, "shape") == 0        ? HAS_SHAPE
                    : strcmp(key, "data_offsets") == 0 ? HAS_OFFSETS
                                                       : 0;
        if (field == 0 || (has & field)) {
            st = status_fail(ERR_INPUT, s->path, "tensor %s: field \"%.32s\" is %s", t->name, key,
                             field ? "there twice" : "unknown");
            goto done;
        }
        TRY(field == HAS_DTYPE   ? scan_dtype(s, scan, t)
            : field == HAS_SHAPE ? scan_shape(s, scan, t)
                                 : scan_offsets(s, scan, t));
        has |= field;
    }
    if (has != HAS_ALL) {
        st = status_fail(ERR_INPUT, s->path, "tensor %s: dtype, shape and data_offsets are needed",
                         t->name);
        goto done;
    }
    size_t bytes;
    if (!checked_mul(t->elements, t->type->bytes, &bytes) || bytes != t->n_bytes)
        st = status_fail(ERR_INPUT, s->path,
                         "tensor %s: %zu elements of %s do not fill its %zu bytes", t->name,
                         t->elements, t->type->name, t->n_bytes);
done:
    free(key);
    return st;
}

static status scan_metadata(json_scan *scan)
{
    status st;
    char *word = NULL;
    bool more;
    TRY(json_scan_expect(scan, '{'));
    for (bool first = true;; first = false) {
        TRY(json_scan_more(scan, first, '}', &more));
        if (!more)
            break;
        for (int i = 0; i < 2; i++) { // key and value
            free(word);
            word = NULL;
            TRY(json_scan_string(scan, &word));
            if (i == 0)
                TRY(json_scan_expect(scan, ':'));
        }
    }
done:
    free(word);
    return st;
}

static status scan_header(safetensors *s, json_scan *scan)
{
    status st;
    char *name = NULL;
    bool more, metadata = false;
    TRY(json_scan_expect(scan, '{'));
    for (bool first = true;; first = false) {
        TRY(json_scan_more(scan, first, '}', &more));
        if (!more)
            break;
        TRY(json_scan_string(scan, &name));
        TRY(json_scan_expect(scan, ':'));
        if (strcmp(name, "__metadata__") == 0 && !metadata) {
            TRY(scan_metadata(scan));
            metadata = true;
            free(name);
        } else {
            if (!checked_grow(&s->tensors, &s->capacity, s->n + 1, sizeof *s->tensors)) {
                st = status_no_memory(s->path);
                goto done;
            }
            tensor *t = &s->tensors[s->n++];
            *t = (tensor){.name = name, .file = s->path};
            name = NULL; // the table's now
            TRY(scan_tensor(s, scan, t));
        }
        name = NULL;
    }
    TRY(json_scan_end(scan));
done:
    free(name);
    return st;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const tensor *)a)->name, ((const tensor *)b)->name);
}

static int by_place(const void *a, const void *b)
{
    const tensor *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return (x->n_bytes > y->n_bytes) - (x->n_bytes < y->n_bytes); // the empty ones first
}

// Tensors must fill the data from its first byte to its last, each once. Leaves them sorted by
// name.
static status check_layout(safetensors *s)
{
    const unsigned char *at = s->data;
    if (s->n > 0)
        qsort(s->tensors, s->n, sizeof *s->tensors, by_place);
    for (size_t i = 0; i < s->n; i++) {
        const tensor *t = &s->tensors[i];
        if (t->bytes != at)
            return status_fail(ERR_INPUT, s->path, "tensor %s: %s before it; the file is damaged",
                               t->name, t->bytes < at ? "overlaps the one" : "unused bytes");
        at += t->n_bytes;
    }
    if (at != s->data + s->data_bytes)
        return status_fail(ERR_INPUT, s->path,
                           "%zu bytes follow the last tensor; the file is damaged",
                           (size_t)(s->data + s->data_bytes - at));
    if (s->n > 0)
        qsort(s->tensors, s->n, sizeof *s->tensors, by_name);
    for (size_t i = 1; i < s->n; i++)
        if (by_name(&s->tensors[i - 1], &s->tensors[i]) == 0)
            return status_fail(ERR_INPUT, s->path, "tensor %s: there twice", s->tensors[i].name);
    return OK;
}

status safetensors_open(const char *path, safetensors **out)
{
    status st = OK;
    uint64_t length = 0;
    safetensors *s = checked_calloc(1, sizeof *s);
    if (!s || !(s->path = strdup(path))) {
        st = status_no_memory(path);
        goto done;
    }
    TRY(file_map(path, &s->map));
    TRY(file_stamp_take(path, &s->seen));
    if (s->seen.size != s->map.size) {
        st = status_fail(ERR_INPUT, path, "changed while it was opened; try again");
        goto done;
    }
    const char *stands = file_stands_for(s->map.bytes, s->map.size);
    if (stands) {
        st = status_fail(ERR_INPUT, path, "%s", stands);
        goto done;
    }
    if (s->map.size < 8) {
        st = status_fail(ERR_INPUT, path, "holds %zu bytes, which is no safetensors file",
                         s->map.size);
        goto done;
    }
    for (int i = 7; i >= 0; i--)
        length = length << 8 | s->map.bytes[i];
    if (length > SAFETENSORS_MAX_HEADER || length > s->map.size - 8) {
        st = status_fail(ERR_INPUT, path,
                         "claims a header of %llu bytes in a file of %zu (at most %d); it is "
                         "incomplete or no safetensors file",
                         (unsigned long long)length, s->map.size, SAFETENSORS_MAX_HEADER);
        goto done;
    }
    const char *header = (const char *)s->map.bytes + 8;
    s->data = s->map.bytes + 8 + length;
    s->data_bytes = s->map.size - 8 - length;
    TRY(scan_header(s, &(json_scan){path, header, header, header + length}));
    TRY(check_layout(s));
    *out = s;
    s = NULL;
done:
    safetensors_close(s);
    return st;
}

void safetensors_close(safetensors *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        free((char *)(uintptr_t)s->tensors[i].name);
    free(s->tensors);
    file_unmap(&s->map);
    free(s->path);
    free(s);
}

size_t safetensors_count(const safetensors *s)
{
    return s->n;
}

const tensor *safetensors_at(const safetensors *s, size_t i)
{
    return &s->tensors[i];
}

status safetensors_unchanged(const safetensors *s)
{
    return file_stamp_check(s->path, &s->seen);
}
