// SPDX-License-Identifier: Apache-2.0
// The words that all figures share, so that a subset and a task are called alike in every caption,
// legend and table of the page.
#include "stages/figures/figure.h"

#include <string.h>

const char *figure_subset_word(const figure *f)
{
    return strcmp(f->def->modality, "text") == 0 ? "text domain" : "class";
}

const char *figure_subset_words(const figure *f)
{
    return strcmp(f->def->modality, "text") == 0 ? "text domains" : "classes";
}

bool figure_is_own(const figure *f)
{
    return !f->def->stage;
}

const char *figure_title(const figure *f)
{
    return figure_is_own(f) ? f->task[0]->figure->title : f->def->title;
}

const char *figure_group(const figure *f)
{
    return figure_is_own(f) ? f->task[0]->step : f->def->stem;
}

const char *figure_task_name(const report_task *t)
{
    return t->model ? t->model : t->label;
}

const char *figure_beside_chance(double value, double chance)
{
    return value > 1.1 * chance ? "more than" : value < 0.9 * chance ? "less than" : "about";
}

const char *figure_axis(const report_task *t, const char *name)
{
    for (size_t i = 0; i < t->n_axes; i++)
        if (strcmp(t->axes[i].name, name) == 0)
            return t->axes[i].value;
    return NULL;
}
