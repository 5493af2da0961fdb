// SPDX-License-Identifier: Apache-2.0
// What is printed are the words that go into a pipeline file: format, split and subsets. Formats
// are asked in the order of the registry, and the first that knows the path is it.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes/archive.h"
#include "data/bytes/foreign_files.h"
#include "data/dataset/archive_folder.h"
#include "data/dataset/dataset.h"
#include "data/dataset/dataset_state.h"
#include "data/formats/formats.h"
#include "data/formats/question.h"
#include "pipeline/base/file.h"

#define BAD_MAX 1000000
#define SHOWN   40 // subsets and names printed; the rest is counted

// Whether labels have names of their own, not just numbers.
static bool has_label_names(const dataset *d)
{
    char number[16];
    for (int l = 0; l < dataset_labels(d); l++) {
        snprintf(number, sizeof number, "%d", l);
        if (strcmp(number, dataset_label_name(d, l)) != 0)
            return true;
    }
    return false;
}

static void print_dataset(const dataset *d)
{
    const dataset_options *o = dataset_get_options(d);
    int subsets = dataset_subsets(d), height, width, channels;
    int64_t count = 0;
    dataset_image_shape(d, &height, &width, &channels);
    bool is_text = dataset_is_text(d);
    for (int s = 0; s < subsets; s++)
        count += dataset_count(d, s);
    printf("dataset   %s\nformat    %s\n", o->path, o->format);
    if (o->split && file_is_folder(o->path)) // a file is itself, whatever the split
        printf("split     %s\n", o->split);
    printf("%-9s %" PRId64 "\n", is_text ? d->format->raw_samples : "samples", count);
    if (height > 0)
        printf("images    %d×%d, %s\n", width, height, channels == 1 ? "grey" : "colour");
    else if (!is_text)
        printf("images    JPEG, PNG or WebP of their own sizes\n");
    if (dataset_ignored(d) > 0)
        printf("ignored   %" PRId64 " other files\n", dataset_ignored(d));
    printf("subsets   %d by %s:", subsets, o->subsets);
    for (int s = 0; s < subsets && s < SHOWN; s++)
        printf("%s %s %" PRId64, s ? "," : "", dataset_subset(d, s), dataset_count(d, s));
    puts(subsets > SHOWN ? ", …" : "");
    const char *at = dataset_notes(d);
    for (const char *end; (end = strchr(at, '\n')); at = end + 1)
        printf("note      %.*s\n", (int)(end - at), at);
    if (!is_text)
        printf("labels    %s\n", has_label_names(d) ? "named" : "numbered, no file of names");
}

// What may be passed over of a dataset that cannot be opened, if that is all that keeps it from it.
static void print_bad(const dataset_options *options)
{
    dataset *d = NULL;
    dataset_options o = *options;
    o.skip_bad = BAD_MAX;
    if (dataset_open(&o, NULL, &d) == OK) {
        const name_list *said = &d->all.bad.said;
        print_dataset(d);
        printf("broken    %zu, which skip_bad: %zu passes over:\n", said->n, said->n);
        for (size_t i = 0; i < said->n && i < SHOWN; i++)
            printf("          %s\n", said->at[i]);
        if (said->n > SHOWN)
            puts("          …");
    }
    dataset_close(d);
}

// Prints the first question as a model is asked it, under each template.
static status print_prompts(const dataset *d)
{
    status st = OK;
    text prompt = {0};
    for (const char *const *name = question_template_names; *name && st == OK; name++) {
        prompt.length = 0;
        st = d->format->prompt(d->all.state, *name, &prompt);
        printf("prompt    template: %s, the first question%s\n", *name,
               name == question_template_names ? " (where none is named)" : "");
        const char *at = text_get(&prompt), *end;
        for (; st == OK && (end = strchr(at, '\n')); at = end + 1)
            printf("  | %.*s\n", (int)(end - at), at);
        printf("  | %s\n", at);
    }
    text_free(&prompt);
    return st;
}

// Prints a split under each way to form subsets; a way that gives as many as the first is another
// word for it.
static status inspect_split(const format *f, const char *path, const char *split)
{
    status st = OK;
    int first = 0;
    const char *shown[] = {NULL, NULL};
    if (f->shown)
        shown[0] = f->shown(&(dataset_options){.format = f->name, .path = path, .split = split});
    for (const char *const *by = shown[0] ? shown : f->subsets; *by && st == OK; by++) {
        dataset *d = NULL;
        const dataset_options o = {.format = f->name, .path = path, .split = split, .subsets = *by};
        st = dataset_open(&o, NULL, &d);
        if (st == ERR_INPUT && f->skips_bad) {
            char *said = strdup(status_text());
            print_bad(&o);
            status_carry(st, said ? said : "");
            free(said);
        }
        if (st == OK && dataset_subsets(d) != first)
            print_dataset(d);
        if (st == OK && f->prompt && (!split || strcmp(split, f->default_split) == 0))
            st = print_prompts(d);
        if (first == 0 && st == OK)
            first = dataset_subsets(d);
        dataset_close(d);
    }
    return st;
}

static bool is_recognised(const format *registered, const char *path, const char *split)
{
    return registered->recognise(
        &(dataset_options){.format = registered->name, .path = path, .split = split});
}

static status inspect_as(const format *registered, const char *path, bool *known)
{
    status st = OK;
    const format *f = registered;
    const dataset_options all = {.format = f->name, .path = path};
    if (f->kind && is_recognised(f, path, NULL))
        st = f->kind(&all, &f);
    if (st != OK || (f->kind && f == registered))
        return st;
    if (!f->default_split && is_recognised(registered, path, NULL)) {
        *known = true;
        return inspect_split(f, path, NULL);
    }
    for (const char *const *split = f->splits; *split && st == OK; split++)
        if (is_recognised(registered, path, *split)) {
            *known = true;
            st = inspect_split(f, path, *split);
            if (!file_is_folder(path))
                break;
        }
    return st;
}

// A dataset in a folder around it.
static status inspect_inner(const format *f, const char *path, bool *known)
{
    status st = OK;
    char *inner = NULL;
    for (const char *const *split = f->splits; f->from_archive && *split && !inner; split++) {
        const dataset_options o = {.format = f->name, .path = path, .split = *split};
        TRY(archive_folder_find(f, &o, &inner));
    }
    if (inner)
        st = inspect_as(f, inner, known);
done:
    free(inner);
    return st;
}

status dataset_inspect(const char *path, bool *known)
{
    status st = OK;
    *known = false;
    TRY(archive_refuse(path));
    for (const format *const *f = formats; *f && !*known && st == OK; f++)
        st = inspect_as(*f, path, known);
    for (const format *const *f = formats; *f && !*known && st == OK; f++)
        st = inspect_inner(*f, path, known);
done:
    return st == OK && !*known ? foreign_files_refuse(path) : st;
}
