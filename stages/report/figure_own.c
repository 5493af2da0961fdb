// SPDX-License-Identifier: Apache-2.0
// All that is known of such a variable is its shape, its dimensions' names and its own words: axes
// are called as dimensions are, the scale as the variable's long name.
#include "stages/report/figure_own.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/curves.h"
#include "stages/drawing/heatmap.h"
#include "stages/report/coordinate.h"

enum { MOST_DIMS = 3, MOST_PANELS = 6 };

// The variable, and what stands along its dimensions. Owned but `dim`.
typedef struct own {
    const char *dim[MOST_DIMS];
    coordinate along[MOST_DIMS];
    int dims;
    double *value;
    int64_t n;
    char *words; // its long name
} own;

static bool find_shape(const report_task *t, int *dims, int64_t length[VARIABLE_MAX_DIMS])
{
    variable_type type;
    return t->artefact && t->figure && artefact_has(t->artefact, t->figure->variable) &&
           artefact_shape(t->artefact, t->figure->variable, &type, dims, length) == OK &&
           type != VARIABLE_TEXT && *dims >= 1 && *dims <= MOST_DIMS;
}

bool figure_own_fits(const report_task *t)
{
    int dims;
    int64_t length[VARIABLE_MAX_DIMS];
    return find_shape(t, &dims, length);
}

static void own_free(own *o)
{
    for (int i = 0; i < MOST_DIMS; i++)
        coordinate_free(&o->along[i]);
    free(o->value);
    free(o->words);
}

static status own_read(const report_task *t, own *o)
{
    status st = OK;
    int64_t length[VARIABLE_MAX_DIMS];
    const int64_t at = coordinate_find(t->artefact, t->figure->variable);
    if (!find_shape(t, &o->dims, length))
        return status_fail(ERR_INPUT, t->artefact_path, "its %s cannot be drawn",
                           t->figure->variable);
    o->n = 1;
    for (int i = 0; i < o->dims; i++) {
        o->dim[i] = artefact_variable_dim(t->artefact, (size_t)at, i);
        TRY(coordinate_read(t->artefact, o->dim[i], &o->along[i]));
        o->n *= length[i];
    }
    o->words = artefact_variable_text(t->artefact, (size_t)at, "long_name");
    if (!o->words)
        o->words = strdup(t->figure->variable);
    o->value = checked_calloc((size_t)o->n, sizeof *o->value);
    if (!o->value || !o->words)
        TRY(status_no_memory("a figure"));
    TRY(artefact_read(t->artefact, t->figure->variable, VARIABLE_F64, o->value));
done:
    return st;
}

static void find_limits(const own *o, double *low, double *high)
{
    *low = INFINITY, *high = -INFINITY;
    for (int64_t i = 0; i < o->n; i++) {
        *low = fmin(*low, isfinite(o->value[i]) ? o->value[i] : INFINITY);
        *high = fmax(*high, isfinite(o->value[i]) ? o->value[i] : -INFINITY);
    }
    if (!(*low < *high)) // all alike, or nothing at all
        *low = isfinite(*low) ? *low - 0.5 : 0, *high = *low + 1;
}

// Digits behind the point that tell cells apart.
static int count_digits(const own *o, double low, double high)
{
    bool whole = true;
    for (int64_t i = 0; i < o->n; i++)
        whole &= !isfinite(o->value[i]) || o->value[i] == floor(o->value[i]);
    return whole ? 0 : high - low < 0.2 ? 3 : high - low < 2 ? 2 : high - low < 20 ? 1 : 0;
}

static status draw_curve(const report_task *t, const own *o, picture *out)
{
    status st = OK;
    double low, high;
    const coordinate *x = &o->along[0];
    char *title[] = {strdup(t->label)};
    curve c = {.label = strdup(t->label),
               .points = x->n,
               .point = checked_calloc((size_t)x->n, sizeof *c.point)};
    if (!title[0] || !c.label || !c.point)
        TRY(status_no_memory("a curve"));
    find_limits(o, &low, &high);
    for (int64_t i = 0; i < x->n; i++)
        c.point[i] = curves_point(x->value[i], o->value[i]);
    const char *const key[] = {o->words};
    const double least = low - 0.05 * (high - low), most = high + 0.05 * (high - low);
    const curves all = {.panel_title = title,
                        .panels = 1,
                        .curve = &c,
                        .n = 1,
                        .x_title = o->dim[0],
                        .y_title = t->figure->variable,
                        .x_field = o->dim[0],
                        .x_low = x->n > 0 ? x->value[0] : 0,
                        .x_high = x->n > 1 ? x->value[x->n - 1] : 1,
                        .low = &least,
                        .high = &most,
                        .key = key};
    curves_write(&all, out);
done:
    free(title[0]);
    free(c.label);
    free(c.point);
    return st;
}

static status draw_map(const report_task *t, const own *o, picture *out)
{
    status st = OK;
    const coordinate *row = &o->along[o->dims - 2], *column = &o->along[o->dims - 1];
    const int64_t cells = row->n * column->n, all = o->dims == 3 ? o->along[0].n : 1;
    const size_t n = (size_t)(all < MOST_PANELS ? all : MOST_PANELS);
    double low, high;
    heatmap_panel *panel = checked_calloc(n, sizeof *panel);
    if (!panel)
        TRY(status_no_memory("a heat map"));
    for (size_t p = 0; p < n; p++) {
        panel[p].task = t->label;
        panel[p].title =
            o->dims == 3 ? text_format("%s %s", o->dim[0], o->along[0].name[p]) : strdup(t->label);
        panel[p].value = checked_calloc((size_t)cells, sizeof *panel[p].value);
        if (!panel[p].title || !panel[p].value)
            TRY(status_no_memory("a heat map"));
        memcpy(panel[p].value, o->value + (int64_t)p * cells,
               (size_t)cells * sizeof *panel[p].value);
    }
    find_limits(o, &low, &high);
    const heatmap h = {.rows = row->n,
                       .columns = column->n,
                       .row_name = row->name,
                       .column_name = column->name,
                       .row_title = o->dim[o->dims - 2],
                       .column_title = o->dim[o->dims - 1],
                       .row_field = o->dim[o->dims - 2],
                       .column_field = o->dim[o->dims - 1],
                       .value_field = t->figure->variable,
                       .panel = panel,
                       .panels = n,
                       .across = n < 2 ? 1 : 2,
                       .palette = PALETTE_SHARE,
                       .low = low,
                       .high = high,
                       .scale_title = o->words,
                       .digits = count_digits(o, low, high)};
    heatmap_write(&h, out);
done:
    heatmap_free_panels(panel, n);
    return st;
}

status figure_own(figure *f)
{
    const report_task *t = f->task[0];
    own o = {0};
    status st = own_read(t, &o);
    if (st == OK)
        st = o.dims == 1 ? draw_curve(t, &o, &f->picture) : draw_map(t, &o, &f->picture);
    own_free(&o);
    return st;
}
