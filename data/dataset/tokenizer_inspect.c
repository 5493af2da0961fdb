// SPDX-License-Identifier: Apache-2.0
// A model's own tokenizer, beside its weights. One that cannot be read does not keep a model from being
// shown, or used with another: it is said in its line.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset/dataset.h"
#include "data/tokenizer/tokenizer.h"
#include "data/tokenizer/tokenizer_config.h"
#include "pipeline/base/file.h"

status dataset_tokenizer_files(const char *model, status (*add)(void *context, const char *path),
                               void *context)
{
    status st = OK;
    name_list files = {0};
    char *folder = file_is_folder(model) ? strdup(model) : file_folder(model);
    char *file = folder ? tokenizer_file(folder) : NULL;
    const bool known =
        file && file_exists(file) && tokenizer_config_files(file, false, &files) == OK;
    for (size_t i = 0; known && i < files.n && st == OK; i++)
        st = add(context, files.at[i]);
    name_list_free(&files);
    free(file);
    free(folder);
    return st;
}

static void print_side(const char *where, const token_list *ids)
{
    for (size_t i = 0; i < ids->n; i++)
        printf("%s %d", i ? "" : where, ids->id[i]);
}

static void print_tokenizer(const tokenizer *t)
{
    const char *at = tokenizer_notices(t);
    printf("  tokenizer     %s, %d tokens", tokenizer_model(t), tokenizer_size(t));
    print_side("; before a text:", tokenizer_prefix(t));
    print_side("; behind it:", tokenizer_suffix(t));
    puts("");
    for (const char *end; (end = strchr(at, '\n')); at = end + 1)
        printf("  %.*s\n", (int)(end - at), at);
}

status dataset_inspect_tokenizer(const char *path)
{
    tokenizer *t = NULL;
    char *file = tokenizer_file(path);
    const size_t n = file ? strlen(file) : 0;
    status st = file ? OK : status_no_memory("a path");
    const bool named = (n >= 14 && strcmp(file + n - 14, "tokenizer.json") == 0) ||
                       (n > 5 && strcmp(file + n - 5, ".gguf") == 0);
    if (st == OK && named && file_exists(file)) {
        if (tokenizer_open(file, &t) == OK)
            print_tokenizer(t);
        else
            printf("  tokenizer     cannot be used: %s\n", status_text());
    }
    tokenizer_close(t);
    free(file);
    return st;
}
