// SPDX-License-Identifier: Apache-2.0
// For `sulcus inspect`. A model's shape is shown where there is a configuration; a safetensors file
// may be no whole model, so its tensors are listed as it has them.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/files/weight_source.h"
#include "model/model.h"
#include "pipeline/base/file.h"
#include "pipeline/base/gguf.h"

static void print_info(const char *path, const model_info *i)
{
    printf("%s: model\n", path);
    printf("  architecture  %s\n", i->architecture);
    printf("  layers        %d\n", i->layers);
    printf("  hidden size   %d\n", i->hidden_size);
    printf("  heads         %d of %d channels", i->heads, i->head_dim);
    if (i->kv_heads != i->heads)
        printf(", %d for keys and values", i->kv_heads);
    printf("\n  mlp neurons   %d a layer, %lld in all\n", i->d_mlp,
           (long long)i->d_mlp * i->layers);
    if (i->experts > 0)
        printf("  experts       %d a layer of %d mlp neurons, %d for each token\n", i->experts,
               i->d_expert, i->experts_per_token);
    printf("  attn neurons  %d a layer\n", model_site_width(i, SITE_ATTN));
    printf("  outputs       %d\n", i->outputs);
    if (i->modality == MODALITY_IMAGE)
        printf("  image         %d x %d, %d channels, %d tokens\n", i->image_height, i->image_width,
               i->channels, i->rows_per_image);
    else
        printf("  context       %d tokens\n", i->context);
    printf("  parameters    %lld\n", (long long)i->parameters);
}

static void print_tensors(const weight_source *source)
{
    const char *file = "";
    for (size_t i = 0; i < weight_source_count(source); i++) {
        const tensor *t = weight_source_at(source, i);
        if (strcmp(t->file, file) != 0)
            printf("%s:\n", file = t->file);
        printf("  %-5s [", t->type->name);
        for (int d = 0; d < t->dims; d++)
            printf("%s%zu", d ? ", " : "", t->shape[d]);
        printf("] %s\n", t->name);
    }
    printf("  %zu tensors\n", weight_source_count(source));
    if (*weight_source_prefix(source))
        printf("  without the prefix %s, which all names have\n", weight_source_prefix(source));
    const char *at = weight_source_disagreements(source);
    for (const char *end; (end = strchr(at, '\n')); at = end + 1)
        printf("  the index and the shards disagree about %.*s\n", (int)(end - at), at);
}

// A GGUF file's metadata, a line a key.
static status print_metadata(const char *path)
{
    gguf *g = NULL;
    char line[256];
    status st = gguf_open(path, &g);
    for (size_t i = 0; st == OK && i < gguf_keys(g); i++) {
        gguf_text key = gguf_key(g, i);
        gguf_describe(g, i, line, sizeof line);
        for (char *c = line; *c; c++) // a chat template has lines of its own
            *c = iscntrl((unsigned char)*c) ? ' ' : *c;
        printf("  %.*s = %s\n", (int)key.length, key.bytes, line);
    }
    gguf_close(g);
    return st;
}

// Is the folder a model's? One that is malformed still is, and then fails with its reason.
static bool holds_config(const char *path)
{
    char *config = file_join(path, "config.json");
    bool found = config && file_is_folder(path) && file_exists(config);
    free(config);
    return found;
}

status model_inspect(const char *path, bool *known)
{
    status st = OK;
    model *m = NULL;
    weight_source *source = NULL;
    const char *end = strrchr(path, '.');
    const bool folder = holds_config(path), single = weight_source_path_is_gguf(path);
    *known = folder || single || (end && strcmp(end, ".safetensors") == 0 && !file_is_folder(path));
    if (!*known)
        goto done;
    if (folder || single) {
        TRY(model_open(&(model_options){.path = path, .light = true}, NULL, &m));
        print_info(path, model_get_info(m));
    }
    if (single)
        TRY(print_metadata(path));
    if (m)
        fputs(model_notes(m), stdout);
    TRY(weight_source_open(path, &source));
    print_tensors(source);
    if (m)
        TRY(model_check_files(m));
    if (m && !model_has_head(m))
        printf("  no head: activations, clusters and overlaps, and no accuracies\n");
done:
    weight_source_close(source);
    model_close(m);
    return st;
}
