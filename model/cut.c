// SPDX-License-Identifier: Apache-2.0
// Files are copied as they are, and only the tensors rewritten that read cut neurons
// (cut_tensors.h): so nothing that this program does not know of a model is lost.
#include "model/model_cut.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/cut_tensors.h"
#include "model/files/weight_source.h"
#include "model/forward/state.h"
#include "model/model.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

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

status model_cut_possible(const model *m, const bool means[SITES])
{
    if (weight_source_path_is_gguf(m->path))
        return status_fail(ERR_INPUT, m->path,
                           "a GGUF file is not exported, for its blocks hold neurons together; "
                           "prune the model's safetensors, export those, and convert them with "
                           "llama.cpp's convert_hf_to_gguf.py");
    if (m->random)
        return status_fail(ERR_INPUT, m->path,
                           "its weights are drawn, and in no files; export a pruning of a trained "
                           "model");
    for (int s = 0; s < SITES; s++)
        if (means[s] && !cut_tensors_have_bias(m, (site)s))
            return status_fail(ERR_INPUT, m->path,
                               "a model of family %s has no bias where site %s is read, which "
                               "would take up the means of its pruned neurons; prune with "
                               "`value: zero` to export",
                               m->arch->name, site_names[s]);
    return OK;
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
    bool means[SITES];
    for (int s = 0; s < SITES; s++)
        means[s] = cut->mean[s] != NULL;
    TRY(model_open(&(model_options){.path = path, .light = true}, NULL, &m));
    TRY(model_cut_possible(m, means));
    TRY(check_shape(m, cut));
    TRY(weight_source_open(path, &source));
    TRY(copy_files(path, folder, left_out, &copied));
    TRY(cut_tensors_write(m, source, cut, folder));
    TRY(sync_files(&copied, folder));
    TRY(weight_source_unchanged(source));
done:
    file_list_free(&copied);
    weight_source_close(source);
    model_close(m);
    return st;
}
