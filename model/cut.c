// SPDX-License-Identifier: Apache-2.0
// Which tensor a site's output projection is, the architectures' tables tell already: the matrix of a
// layer that leads from as many numbers as the site has neurons to the hidden size. So no
// architecture knows of this file. Files are copied as they are, and only those tensors rewritten.
#include "model/model_cut.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/arch/archs.h"
#include "model/files/weight_source.h"
#include "model/forward/state.h"
#include "model/model.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

// --- The tensors

// What the neurons of a projection are: a layer's of a site, or one expert's.
static dim width_of(const model *m, site which)
{
    return which == SITE_ATTN ? DIM_ATTN : m->config.info.experts ? DIM_EXPERT : DIM_MLP;
}

// Is it the shape of a projection from so many neurons to the hidden size?
static bool leads_out(const tensor_def *def, dim width)
{
    return def->shape[0] == DIM_HIDDEN && def->shape[1] == width && def->shape[2] == DIM_END;
}

// The slot of a layer's output projection, or of an expert's.
static status find_projection(const model *m, const weight_source *source, int layer, site which,
                              int expert, tensor_slot *out)
{
    const tensor_table *table = m->arch->tensors;
    const dim width = width_of(m, which);
    int found = 0;
    *out = (tensor_slot){0};
    for (int i = 0; i < table->n_layer && !found; i++) {
        if (!leads_out(&table->layer[i], width))
            continue;
        status st =
            tensor_slot_find(&m->config, table, source, (tensor_place){layer, i, expert}, out);
        if (st != OK)
            return st;
        found = out->def != NULL; // else it is another form's
    }
    if (!found || (out->layout != LAYOUT_PLAIN && out->layout != LAYOUT_TRANSPOSED) ||
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
    const tensor_table *table = m->arch->tensors;
    const dim width = width_of(m, s);
    name[0] = 0;
    for (int i = 0; s != SITE_EXPERT && i < table->n_layer; i++) {
        const tensor_def *def = &table->layer[i];
        if (!leads_out(def, width) || !def->name || (m->config.features & def->needs) != def->needs)
            continue;
        snprintf(name, TENSOR_NAME_BYTES, def->name, layer, 0);
        char *expert = strstr(name, ".experts.");
        char *end = expert ? expert + strlen(".experts") : strrchr(name, '.');
        *end = 0; // ".weight"
        return;
    }
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

static status cut_tensor(const tensor_slot *s, size_t width, const int8_t *mask, const char *folder)
{
    const tensor *t = s->from;
    const size_t rows = s->elements / width, n = s->elements * t->type->bytes;
    unsigned char *bytes = checked_calloc(n, 1);
    char *path = file_join(folder, basename(t->file));
    status st = bytes && path ? OK : status_no_memory(t->name);
    if (st == OK) {
        memcpy(bytes, t->bytes, n);
        zero_neurons(bytes, t->type->bytes, rows, width, s->layout == LAYOUT_TRANSPOSED, mask);
        st = rewrite(path, (size_t)(t->bytes - t->base), bytes, n);
    }
    free(bytes);
    free(path);
    return st;
}

static status cut_projection(const model *m, const weight_source *source, int layer, site which,
                             int expert, const int8_t *mask, int width, const char *folder)
{
    tensor_slot slot;
    if (!memchr(mask, 1, (size_t)width))
        return OK;
    status st = find_projection(m, source, layer, which, expert, &slot);
    return st == OK ? cut_tensor(&slot, (size_t)width, mask, folder) : st;
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
        TRY(cut_projection(m, source, layer, SITE_MLP, e, mask, width, folder));
    }
done:
    free(mask);
    return st;
}

static status cut_all(const model *m, const weight_source *source, const model_cut *cut,
                      const char *folder)
{
    status st = OK;
    for (int l = 0; l < cut->layers; l++) {
        if (m->config.info.experts)
            TRY(cut_experts(m, source, cut, l, folder));
        for (int s = SITE_MLP; s <= SITE_ATTN; s++)
            if (cut->mask[s] && (s == SITE_ATTN || !m->config.info.experts))
                TRY(cut_projection(m, source, l, (site)s, 0,
                                   cut->mask[s] + (size_t)l * (size_t)cut->width[s], cut->width[s],
                                   folder));
    }
done:
    return st;
}

static status check_shape(const model *m, const model_cut *cut)
{
    const model_info *info = model_get_info(m);
    bool same = cut->layers == info->layers;
    for (int s = 0; s < SITES; s++)
        same = same && (!cut->mask[s] || cut->width[s] == model_site_width(info, (site)s));
    return same ? OK
                : status_fail(ERR_INPUT, m->path,
                              "has other layers or neurons than what was pruned; name the model "
                              "that was");
}

// --- The files

static status copy_file(const char *from, const char *folder, const char *name)
{
    mapping map = {0};
    char *to = file_join(folder, name);
    status st = to ? file_map(from, &map) : status_no_memory("a path");
    if (st == OK)
        st = file_write_atomic(to, map.bytes, map.size);
    file_unmap(&map);
    free(to);
    return st;
}

// Weights in forms that are not cut: a program that preferred them would run the whole model.
static bool is_other_weights(const char *name)
{
    static const char *const ends[] = {".safetensors", ".bin",  ".pt",   ".pth",  ".h5",
                                       ".msgpack",     ".onnx", ".gguf", ".ckpt", ".index.json"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (text_ends_with(name, ends[i]))
            return true;
    return false;
}

typedef struct copying {
    const char *folder;
    file_list done; // names
} copying;

static status copy_weights(void *context, const char *file)
{
    copying *c = context;
    status st = copy_file(file, c->folder, basename(file));
    return st == OK ? file_list_add(&c->done, basename(file)) : st;
}

static bool is_done(const copying *c, const char *name)
{
    for (size_t i = 0; i < c->done.n; i++)
        if (strcmp(c->done.path[i], name) == 0)
            return true;
    return false;
}

static status copy_others(copying *c, const char *from, file_list *left_out)
{
    status st = OK;
    DIR *folder = opendir(from);
    if (!folder)
        return status_fail_errno(ERR_INPUT, from, "cannot list the folder");
    for (struct dirent *entry; st == OK && (entry = readdir(folder));) {
        const char *name = entry->d_name;
        struct stat info;
        if (name[0] == '.' || is_done(c, name) || fstatat(dirfd(folder), name, &info, 0) != 0 ||
            !S_ISREG(info.st_mode))
            continue;
        if (is_other_weights(name)) {
            st = file_list_add(left_out, name);
            continue;
        }
        char *path = file_join(from, name);
        st = path ? copy_file(path, c->folder,
                              strcmp(name, "README.md") == 0 ? "README.source" : name)
                  : status_no_memory("a path");
        free(path);
    }
    closedir(folder);
    return st;
}

// *cut: the names of what neurons will be cut from, owned by the caller.
static status copy_files(const char *path, const char *folder, file_list *left_out, file_list *cut)
{
    status st;
    copying c = {.folder = folder};
    char *from = file_is_folder(path) ? strdup(path) : file_folder(path);
    if (!from) {
        st = status_no_memory("a path");
        goto done;
    }
    TRY(weight_source_files(path, copy_weights, &c));
    TRY(copy_others(&c, from, left_out));
done:
    *cut = c.done;
    free(from);
    return st;
}

// What was rewritten must be on the disk before the folder gets its name.
static status sync_files(const file_list *names, const char *folder)
{
    status st = OK;
    for (size_t i = 0; i < names->n && st == OK; i++) {
        char *path = file_join(folder, names->path[i]);
        st = path ? file_sync(path) : status_no_memory("a path");
        free(path);
    }
    return st;
}

status model_cut_write(const char *path, const model_cut *cut, const char *folder,
                       file_list *left_out)
{
    status st;
    model *m = NULL;
    weight_source *source = NULL;
    file_list copied = {0};
    if (weight_source_path_is_gguf(path))
        return status_fail(ERR_INPUT, path,
                           "a GGUF file is not exported, for its blocks hold neurons together; "
                           "prune the model's safetensors, export those, and convert them with "
                           "llama.cpp's convert_hf_to_gguf.py");
    TRY(model_open(&(model_options){.path = path, .light = true}, NULL, &m));
    TRY(check_shape(m, cut));
    TRY(weight_source_open(path, &source));
    TRY(copy_files(path, folder, left_out, &copied));
    TRY(cut_all(m, source, cut, folder));
    TRY(sync_files(&copied, folder));
    TRY(weight_source_unchanged(source));
done:
    file_list_free(&copied);
    weight_source_close(source);
    model_close(m);
    return st;
}
