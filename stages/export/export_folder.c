// SPDX-License-Identifier: Apache-2.0
// Everything is written below a temporary name and renamed at the end, so that whoever finds the
// folder finds a whole model in it.
#include "stages/export/export_folder.h"

#include <dirent.h>
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

// Gives what is whole its name. A folder that is replaced is whole as long as it has the name.
static status name_folder(const export_input *in, const char *temporary, const char *above)
{
    if (in->replace)
        file_remove_folder(in->folder);
    if (rename(temporary, in->folder) != 0)
        return status_fail_errno(ERR_IO, in->folder, "cannot rename to it");
    return file_sync_folder(above);
}

status export_write(const struct export_input *in)
{
    status st;
    cut_list l = {0};
    bool made = false;
    char *temporary = in->replace ? text_format("%s.tmp", in->folder)
                                  : text_format("%s.%ld.tmp", in->folder, (long)getpid());
    char *above = file_folder(in->folder);
    if (!temporary || !above)
        TRY(status_no_memory("a path"));
    if (!in->replace && file_exists(in->folder)) {
        st = status_fail(ERR_USAGE, in->folder, "is there already; name a folder that is not");
        goto done;
    }
    TRY(cut_list_open(in, &l));
    TRY(file_make_folders(above));
    if (in->replace)
        file_remove_folder(temporary); // a killed run's
    TRY(make_folder(temporary));
    made = true;
    TRY(write_all(in, &l, temporary));
    TRY(name_folder(in, temporary, above));
    made = false;
done:
    if (made)
        file_remove_folder(temporary);
    cut_list_close(&l);
    free(temporary);
    free(above);
    return st;
}

// --- What was written

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Adds the files of a folder, names in front of which stands `inner`.
static status list_files(const char *folder, const char *inner, file_list *out)
{
    status st = OK;
    char *path = file_join(folder, inner);
    DIR *open = path ? opendir(path) : NULL;
    if (!path)
        st = status_no_memory("a path");
    else if (!open)
        st = status_fail_errno(ERR_INPUT, path, "cannot list the folder");
    for (struct dirent *entry; st == OK && (entry = readdir(open));) {
        char *name = *inner ? text_format("%s/%s", inner, entry->d_name) : strdup(entry->d_name);
        char *file = name ? file_join(folder, name) : NULL;
        if (!file)
            st = status_no_memory("a path");
        else if (!file_is_folder(file))
            st = file_list_add(out, name);
        free(name);
        free(file);
    }
    if (open)
        closedir(open);
    free(path);
    return st;
}

static status add_file(const char *folder, const char *name, digest *d, export_contents *out)
{
    struct stat info;
    char hex[DIGEST_HEX];
    char *path = file_join(folder, name);
    status st = path ? digest_file(path, hex) : status_no_memory("a path");
    if (st == OK && stat(path, &info) != 0)
        st = status_fail_errno(ERR_INPUT, path, "cannot look at it");
    if (st == OK) {
        out->bytes += info.st_size;
        digest_add_text(d, name);
        digest_add_text(d, hex);
    }
    free(path);
    return st;
}

status export_look(const char *folder, export_contents *out)
{
    status st;
    digest *d = NULL;
    file_list files = {0};
    *out = (export_contents){0};
    TRY(digest_new(&d));
    TRY(list_files(folder, "", &files));
    TRY(list_files(folder, "sulcus", &files));
    qsort(files.path, files.n, sizeof *files.path, by_text);
    for (size_t i = 0; i < files.n; i++)
        if (strcmp(files.path[i], "README.md") != 0)
            TRY(add_file(folder, files.path[i], d, out));
    digest_hex(d, out->digest);
done:
    digest_free(d);
    file_list_free(&files);
    return st;
}
