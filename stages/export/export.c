// SPDX-License-Identifier: Apache-2.0
// Everything is written below a temporary name and renamed at the end, so that whoever finds the
// folder finds a whole model in it.
#include "stages/export/export.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/files/safetensors_write.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "stages/export/cut_list.h"

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

static status make_folder(const char *path)
{
    return mkdir(path, 0777) == 0 ? OK
                                  : status_fail_errno(ERR_IO, path, "cannot create the folder");
}

// "FOLDER/sulcus/WHAT.SITE.safetensors"; NULL when out of memory. Owned by the caller.
static char *beside(const char *folder, const char *what, int which)
{
    return text_format("%s/sulcus/%s.%s.safetensors", folder, what, site_names[which]);
}

static status write_matrices(char *path, const safetensors_matrix *matrices, size_t n)
{
    status st = path ? safetensors_write(path, matrices, n) : status_no_memory("a path");
    free(path);
    return st;
}

static status write_mask(const cut_list *l, int s, const char *folder)
{
    const size_t n = (size_t)l->cut.layers * (size_t)l->cut.width[s];
    double *values = checked_calloc(n, sizeof *values);
    if (!values)
        return status_no_memory("a mask");
    for (size_t i = 0; i < n; i++)
        values[i] = l->cut.mask[s][i];
    const safetensors_matrix mask = {l->forget, (size_t)l->cut.layers, (size_t)l->cut.width[s],
                                     values};
    status st = write_matrices(beside(folder, "mask", s), &mask, 1);
    free(values);
    return st;
}

static status write_scores(const cut_list *l, int s, const char *folder)
{
    const size_t n = (size_t)l->cut.layers * (size_t)l->cut.width[s];
    safetensors_matrix *all = checked_calloc((size_t)l->subsets, sizeof *all);
    if (!all)
        return status_no_memory("scores");
    for (int64_t i = 0; i < l->subsets; i++)
        all[i] = (safetensors_matrix){l->subset[i], (size_t)l->cut.layers, (size_t)l->cut.width[s],
                                      l->score[s] + (size_t)i * n};
    status st = write_matrices(beside(folder, "scores", s), all, (size_t)l->subsets);
    free(all);
    return st;
}

static status write_text(const char *folder, const char *name, const text *t)
{
    char *path = file_join(folder, name);
    status st = !path || t->failed ? status_no_memory(name)
                                   : file_write_atomic(path, text_get(t), t->length);
    free(path);
    return st;
}

static status write_lists(const export_input *in, const cut_list *l, const char *folder)
{
    status st;
    text json = {0};
    char *inner = file_join(folder, "sulcus");
    TRY(inner ? make_folder(inner) : status_no_memory("a path"));
    for (int s = 0; s < SITES; s++) {
        if (l->cut.mask[s])
            TRY(write_mask(l, s, folder));
        if (l->cut.mask[s] && l->score[s])
            TRY(write_scores(l, s, folder));
    }
    cut_list_json(l, in->pruned, &json);
    TRY(write_text(folder, "sulcus/cut.json", &json));
done:
    text_free(&json);
    free(inner);
    return st;
}

static status write_all(const export_input *in, const cut_list *l, const char *folder)
{
    status st;
    text readme = {0};
    file_list left_out = {0};
    TRY(model_cut_write(in->model, &l->cut, folder, &left_out));
    TRY(write_lists(in, l, folder));
    TRY(cut_list_readme(l, in, &left_out, &readme));
    TRY(write_text(folder, "README.md", &readme));
    TRY(file_sync_folder(folder));
done:
    text_free(&readme);
    file_list_free(&left_out);
    return st;
}

status export_write(const struct export_input *in)
{
    status st;
    cut_list l = {0};
    bool made = false;
    char *temporary = text_format("%s.%ld.tmp", in->folder, (long)getpid());
    char *above = file_folder(in->folder);
    if (!temporary || !above)
        TRY(status_no_memory("a path"));
    if (file_exists(in->folder)) {
        st = status_fail(ERR_USAGE, in->folder, "is there already; name a folder that is not");
        goto done;
    }
    TRY(cut_list_open(in, &l));
    TRY(file_make_folders(above));
    TRY(make_folder(temporary));
    made = true;
    TRY(write_all(in, &l, temporary));
    if (rename(temporary, in->folder) != 0) {
        st = status_fail_errno(ERR_IO, in->folder, "cannot rename to it");
        goto done;
    }
    made = false;
    TRY(file_sync_folder(above));
done:
    if (made)
        nftw(temporary, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    cut_list_close(&l);
    free(temporary);
    free(above);
    return st;
}
