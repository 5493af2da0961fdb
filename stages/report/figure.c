// SPDX-License-Identifier: Apache-2.0
// The words that all figures share, so that a subset and a task are called alike in every caption,
// legend and table of the page.
#include "stages/report/figure.h"

#include <string.h>

const char *figure_subset_word(const figure *f)
{
    return strcmp(f->def->modality, "text") == 0 ? "text domain" : "class";
}

const char *figure_subset_words(const figure *f)
{
    return strcmp(f->def->modality, "text") == 0 ? "text domains" : "classes";
}

const char *figure_task_name(const report_task *t)
{
    return t->model ? t->model : t->label;
}

const char *figure_axis(const report_task *t, const char *name)
{
    for (size_t i = 0; i < t->n_axes; i++)
        if (strcmp(t->axes[i].name, name) == 0)
            return t->axes[i].value;
    return NULL;
}
