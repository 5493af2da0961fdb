// SPDX-License-Identifier: Apache-2.0
// The tensors that are rewritten: a site's output projection (output_entry.h), and its bias, the tensor
// whose name ends otherwise.
#include "model/cut_tensors.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/arch/archs.h"
#include "model/forward/state.h"
#include "model/model.h"
#include "model/output_entry.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

// The entry of a layer's table that is a site's output projection; -1: there is none.
static int find_entry(const model *m, site which)
{
    return which == SITE_EXPERT ? -1 : output_entry(m, which);
}

// The entry of its bias; -1: such a model has none.
static int find_bias(const model *m, site which)
{
    const tensor_table *table = m->arch->tensors;
    const int entry = find_entry(m, which);
    const char *name = entry < 0 ? "weight" : table->layer[entry].name;
    const size_t stem = strlen(name) - strlen("weight");
    for (int i = 0; i < table->n_layer && entry >= 0; i++) {
        const tensor_def *def = &table->layer[i];
        if (def->name && strncmp(def->name, name, stem) == 0 &&
            strcmp(def->name + stem, "bias") == 0 &&
            (m->config.features & def->needs) == def->needs)
            return i;
    }
    return -1;
}

bool cut_tensors_have_bias(const model *m, site s)
{
    return find_bias(m, s) >= 0;
}

// The slot of a layer's output projection, or of an expert's.
static status find_projection(const model *m, const weight_source *source, int layer, site which,
                              int expert, tensor_slot *out)
{
    const int entry = find_entry(m, which);
    *out = (tensor_slot){0};
    if (entry >= 0) {
        status st = tensor_slot_find(&m->config, m->arch->tensors, source,
                                     (tensor_place){layer, entry, expert}, out);
        if (st != OK)
            return st;
    }
    if (!out->def || (out->layout != LAYOUT_PLAIN && out->layout != LAYOUT_TRANSPOSED) ||
        out->from->type->block != 1)
        return status_fail(
            ERR_INPUT, m->path,
            "the output of site %s in layer %d is no matrix of its own; such a model "
            "cannot be exported",
            site_names[which], layer);
    return OK;
}

void model_site_module(const model *m, site s, int layer, char name[160])
{
    const int entry = find_entry(m, s);
    name[0] = 0;
    if (entry < 0)
        return;
    snprintf(name, TENSOR_NAME_BYTES, m->arch->tensors->layer[entry].name, layer, 0);
    char *expert = strstr(name, ".experts.");
    char *end = expert ? expert + strlen(".experts") : strrchr(name, '.');
    *end = 0; // ".weight"
}

// Zeros what is read of the cut neurons. `rows` outputs, `width` neurons.
static void zero_neurons(unsigned char *bytes, size_t item, size_t rows, size_t width, bool turned,
                         const int8_t *mask)
{
    for (size_t u = 0; turned && u < width; u++)
        if (mask[u])
            memset(bytes + u * rows * item, 0, rows * item);
    for (size_t r = 0; !turned && r < rows; r++)
        for (size_t u = 0; u < width; u++)
            if (mask[u])
                memset(bytes + (r * width + u) * item, 0, item);
}

static status rewrite(const char *path, size_t at, const unsigned char *bytes, size_t n)
{
    status st = OK;
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return status_fail_errno(ERR_IO, path, "cannot open");
    while (n > 0) {
        ssize_t written = pwrite(file, bytes, n, (off_t)at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            st = status_fail_errno(ERR_IO, path, "cannot write");
            break;
        }
        bytes += written;
        at += (size_t)written;
        n -= (size_t)written;
    }
    if (close(file) != 0 && st == OK)
        st = status_fail_errno(ERR_IO, path, "cannot close");
    return st;
}

static status write_tensor(const tensor *t, const unsigned char *bytes, size_t n,
                           const char *folder)
{
    char *path = file_join(folder, basename(t->file));
    status st =
        path ? rewrite(path, (size_t)(t->bytes - t->base), bytes, n) : status_no_memory("a path");
    free(path);
    return st;
}

static status cut_tensor(const tensor_slot *s, size_t width, const int8_t *mask, const char *folder)
{
    const tensor *t = s->from;
    const size_t n = s->elements * t->type->bytes;
    unsigned char *bytes = checked_calloc(n, 1);
    if (!bytes)
        return status_no_memory(t->name);
    memcpy(bytes, t->bytes, n);
    zero_neurons(bytes, t->type->bytes, s->elements / width, width, s->layout == LAYOUT_TRANSPOSED,
                 mask);
    status st = write_tensor(t, bytes, n, folder);
    free(bytes);
    return st;
}

// Adds to sum[rows] what the cut neurons give where each is its mean.
static status add_means(const tensor_slot *s, const int8_t *mask, size_t width, const float *mean,
                        double *sum)
{
    const bool turned = s->layout == LAYOUT_TRANSPOSED;
    const size_t rows = s->elements / width;
    float *weight = checked_calloc(s->elements, sizeof *weight);
    if (!weight)
        return status_no_memory(s->name);
    s->from->type->to_float(s->from->bytes, s->elements, weight);
    for (size_t r = 0; r < rows; r++)
        for (size_t u = 0; u < width; u++)
            if (mask[u])
                sum[r] += (double)weight[turned ? u * rows + r : r * width + u] * (double)mean[u];
    free(weight);
    return OK;
}

// Writes the bias with what is in sum[] added, in its own type.
static status write_bias(const tensor_slot *s, const double *sum, const char *folder)
{
    status st = OK;
    const tensor *t = s->from;
    float *value = checked_calloc(s->elements, sizeof *value);
    unsigned char *bytes = checked_calloc(s->elements, t->type->bytes);
    if (!value || !bytes)
        TRY(status_no_memory(s->name));
    t->type->to_float(t->bytes, s->elements, value);
    for (size_t r = 0; r < s->elements; r++)
        value[r] = (float)((double)value[r] + sum[r]);
    t->type->from_float(value, s->elements, bytes);
    t->type->to_float(bytes, s->elements, value);
    for (size_t r = 0; r < s->elements; r++)
        if (!isfinite(value[r]))
            TRY(status_fail(ERR_NUMERIC, s->name,
                            "output %zu with the means of the pruned neurons is no number that %s "
                            "holds; export from weights in F32",
                            r, t->type->name));
    TRY(write_tensor(t, bytes, s->elements * t->type->bytes, folder));
done:
    free(value);
    free(bytes);
    return st;
}

// A bias is added wherever the projection's output is, and so adds what neurons would that are the
// same at every token.
static status shift_bias(const model *m, const weight_source *source, int layer, site which,
                         const tensor_slot *projection, const int8_t *mask, int width,
                         const float *mean, const char *folder)
{
    status st = OK;
    tensor_slot bias = {0};
    double *sum = checked_calloc(projection->elements / (size_t)width, sizeof *sum);
    if (!sum)
        return status_no_memory(projection->name);
    TRY(tensor_slot_find(&m->config, m->arch->tensors, source,
                         (tensor_place){layer, find_bias(m, which), 0}, &bias));
    if (!bias.def || bias.layout != LAYOUT_PLAIN || !bias.from->type->from_float)
        TRY(status_fail(ERR_INPUT, m->path,
                        "the bias of site %s in layer %d is no tensor of its own; such a model "
                        "cannot be exported with means",
                        site_names[which], layer));
    TRY(add_means(projection, mask, (size_t)width, mean, sum));
    TRY(write_bias(&bias, sum, folder));
done:
    free(sum);
    return st;
}

// mean [width], or NULL: the cut neurons are 0.
static status cut_projection(const model *m, const weight_source *source, int layer, site which,
                             int expert, const int8_t *mask, const float *mean, int width,
                             const char *folder)
{
    status st;
    tensor_slot slot;
    if (!memchr(mask, 1, (size_t)width))
        return OK;
    TRY(find_projection(m, source, layer, which, expert, &slot));
    TRY(cut_tensor(&slot, (size_t)width, mask, folder));
    if (mean)
        TRY(shift_bias(m, source, layer, which, &slot, mask, width, mean, folder));
done:
    return st;
}

// Of an expert that is pruned as a whole, all its neurons.
static status cut_experts(const model *m, const weight_source *source, const model_cut *cut,
                          int layer, const char *folder)
{
    status st = OK;
    const int n = m->config.info.experts, width = m->config.info.d_expert;
    const int8_t *neurons = cut->mask[SITE_MLP], *experts = cut->mask[SITE_EXPERT];
    int8_t *mask = checked_calloc((size_t)width, 1);
    if (!mask)
        return status_no_memory("a mask");
    for (int e = 0; e < n; e++) {
        const bool whole = experts && experts[layer * n + e];
        memset(mask, whole, (size_t)width);
        if (neurons && !whole)
            memcpy(mask, neurons + ((size_t)layer * (size_t)n + (size_t)e) * (size_t)width,
                   (size_t)width);
        TRY(cut_projection(m, source, layer, SITE_MLP, e, mask, NULL, width, folder));
    }
done:
    free(mask);
    return st;
}

static status cut_layer(const model *m, const weight_source *source, const model_cut *cut,
                        int layer, site which, const char *folder)
{
    const size_t first = (size_t)layer * (size_t)cut->width[which];
    return cut_projection(m, source, layer, which, 0, cut->mask[which] + first,
                          cut->mean[which] ? cut->mean[which] + first : NULL, cut->width[which],
                          folder);
}

status cut_tensors_write(const model *m, const weight_source *source, const model_cut *cut,
                         const char *folder)
{
    status st = OK;
    for (int l = 0; l < cut->layers; l++) {
        if (m->config.info.experts)
            TRY(cut_experts(m, source, cut, l, folder));
        for (int s = SITE_MLP; s <= SITE_ATTN; s++)
            if (cut->mask[s] && (s == SITE_ATTN || !m->config.info.experts))
                TRY(cut_layer(m, source, cut, l, (site)s, folder));
    }
done:
    return st;
}
