// SPDX-License-Identifier: Apache-2.0
// GGUF's shapes are innermost first and its names not terminated: both are put right once, here.
#include "model/files/gguf_weights.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/gguf.h"

struct gguf_weights {
    gguf *file;
    tensor *tensors;
    size_t n;
};

static status read_tensor(const gguf_weights *g, const gguf_tensor *from, tensor *to)
{
    const char *type = gguf_type_name(from->type);
    *to = (tensor){.file = gguf_path(g->file),
                   .type = type ? dtype_find(type) : NULL,
                   .dims = from->dims,
                   .elements = (size_t)from->items,
                   .n_bytes = from->bytes,
                   .bytes = from->data};
    for (int d = 0; d < from->dims; d++)
        to->shape[d] = (size_t)from->shape[from->dims - 1 - d];
    if (!to->type)
        return status_fail(ERR_INPUT, gguf_path(g->file),
                           "tensor %.*s: type %s is not supported; use F32, F16, BF16, Q8_0, Q4_0, "
                           "Q4_1, Q5_0, Q5_1, Q4_K, Q5_K or Q6_K",
                           (int)from->name.length, from->name.bytes, type ? type : "(unknown)");
    if (memchr(from->name.bytes, 0, from->name.length))
        return status_fail(ERR_INPUT, gguf_path(g->file), "tensor %.*s: NUL inside its name",
                           (int)from->name.length, from->name.bytes);
    to->name = strndup(from->name.bytes, from->name.length);
    return to->name ? OK : status_no_memory("the table of tensors");
}

status gguf_weights_open(const char *path, gguf_weights **out)
{
    status st;
    int64_t parts = 1;
    gguf_weights *g = checked_calloc(1, sizeof *g);
    if (!g)
        return status_no_memory(path);
    TRY(gguf_open(path, &g->file));
    if (gguf_has(g->file, "split.count"))
        TRY(gguf_get_int(g->file, "split.count", &parts));
    if (parts > 1) {
        st = status_fail(ERR_INPUT, path,
                         "is one of %lld parts; join them with llama-gguf-split --merge",
                         (long long)parts);
        goto done;
    }
    if (!(g->tensors = checked_calloc(gguf_tensors(g->file), sizeof *g->tensors))) {
        st = status_no_memory("the table of tensors");
        goto done;
    }
    for (; g->n < gguf_tensors(g->file); g->n++)
        TRY(read_tensor(g, gguf_tensor_at(g->file, g->n), &g->tensors[g->n]));
    *out = g;
    g = NULL;
done:
    gguf_weights_close(g);
    return st;
}

void gguf_weights_close(gguf_weights *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->n; i++)
        free((char *)(uintptr_t)g->tensors[i].name);
    free(g->tensors);
    gguf_close(g->file);
    free(g);
}

size_t gguf_weights_count(const gguf_weights *g)
{
    return g->n;
}

const tensor *gguf_weights_at(const gguf_weights *g, size_t i)
{
    return &g->tensors[i];
}

status gguf_weights_unchanged(const gguf_weights *g)
{
    return gguf_unchanged(g->file);
}
