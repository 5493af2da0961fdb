// SPDX-License-Identifier: Apache-2.0
// Scales end at round numbers around what is drawn, chance included: how far a curve is from chance
// is what these figures are for.
#include "stages/figures/layer_curves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

status layer_curves_read(const report_task *t, const char *name, int64_t *n, double **out)
{
    variable_type type;
    int dims;
    int64_t length[VARIABLE_MAX_DIMS], all = 1;
    status st = OK;
    TRY(artefact_shape(t->artefact, name, &type, &dims, length));
    for (int d = 0; d < dims; d++)
        all *= length[d];
    *out = checked_calloc((size_t)all, sizeof **out);
    if (!*out)
        TRY(status_no_memory("a figure"));
    TRY(artefact_read(t->artefact, name, VARIABLE_F64, *out));
    if (n)
        *n = all;
done:
    return st;
}

status layer_curves_begin(curve *out, int64_t layers, size_t panel, int colour, const char *label)
{
    *out = (curve){.panel = panel, .colour = colour, .points = layers};
    out->label = strdup(label);
    out->point = checked_calloc((size_t)layers, sizeof *out->point);
    if (!out->label || !out->point)
        return status_no_memory("a curve");
    for (int64_t l = 0; l < layers; l++)
        out->point[l] = curves_point((double)l, NAN);
    return OK;
}

double layer_curves_mean(const curve *c)
{
    double sum = 0, n = 0;
    for (int64_t l = 0; l < c->points; l++)
        if (!isnan(c->point[l].mean)) {
            sum += c->point[l].mean;
            n++;
        }
    return n > 0 ? sum / n : NAN;
}

// The least and the most of a panel, or of all where panel is SIZE_MAX.
static void find_ends(const curve *c, size_t n, size_t panel, double *low, double *high)
{
    *low = 0, *high = NAN;
    for (size_t i = 0; i < n; i++)
        for (int64_t l = 0; l < c[i].points && (panel == SIZE_MAX || c[i].panel == panel); l++) {
            const curve_point *p = &c[i].point[l];
            double std = isnan(p->std) ? 0 : p->std;
            *low = fmin(*low, fmin(p->mean - std, p->chance)); // NaN gives way
            *high = fmax(*high, fmax(p->mean + std, p->chance));
        }
    if (isnan(*high) || *high <= *low)
        *high = *low + 1;
    *low = *low > -0.02 * *high ? 0 : *low; // chance about 0
    double step = pow(10, floor(log10(*high - *low))) / 2;
    *low = floor(*low / step) * step;
    *high = ceil(*high / step) * step;
}

status layer_curves_draw(figure *f, const curve *c, size_t n, char *const *title, size_t panels,
                         bool common, const char *y_title)
{
    double *low = checked_calloc(panels, sizeof *low), *high = checked_calloc(panels, sizeof *high);
    const char **key = checked_calloc(n, sizeof *key); // colours are 0, 1, … in each panel
    double last = 0;
    status st = low && high && key ? OK : status_no_memory("a figure");
    for (size_t i = 0; i < n; i++)
        last = fmax(last, (double)c[i].points - 1);
    for (size_t i = 0; i < n && st == OK; i++)
        key[c[i].colour] = c[i].label;
    for (size_t p = 0; p < panels && st == OK; p++)
        find_ends(c, n, common ? SIZE_MAX : p, &low[p], &high[p]);
    const curves all = {.panel_title = title,
                        .panels = panels,
                        .curve = c,
                        .n = n,
                        .x_title = "layer",
                        .y_title = y_title,
                        .x_field = "layer",
                        .x_low = -0.3,
                        .x_high = last + 0.3,
                        .low = low,
                        .high = high,
                        .x_step = last > 16  ? 4
                                  : last > 6 ? 2
                                             : 1,
                        .grey = "chance",
                        .key = key};
    if (st == OK)
        curves_write(&all, &f->picture);
    free(key);
    free(low);
    free(high);
    return st;
}
