// SPDX-License-Identifier: Apache-2.0
// Masks are read a layer at a time: those of a large model are millions of neurons.
#include "stages/figures/figure_layers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/drawing/heatmap.h"

static const char *const masks[][2] = {{"mlp_mask", "MLP"}, {"attn_mask", "attention"}};
enum { MASKS = sizeof masks / sizeof *masks };

// One task's and site's shares in percent.
static status make_panel(const report_task *t, const char *mask, const char *site, int64_t forgets,
                         int64_t layers, heatmap_panel *out)
{
    status st = OK;
    variable_type type;
    int dims;
    int64_t length[VARIABLE_MAX_DIMS];
    int8_t *row = NULL;
    TRY(artefact_shape(t->artefact, mask, &type, &dims, length));
    if (dims != 3 || length[0] != forgets || length[1] != layers)
        TRY(status_fail(ERR_INPUT, t->artefact_path,
                        "the panels of one figure have different subsets or layers; compute them "
                        "on the same"));
    out->task = t->label;
    out->title = text_format("%s: %s", t->label, site);
    out->value = checked_calloc((size_t)(forgets * layers), sizeof *out->value);
    row = checked_calloc((size_t)length[2], sizeof *row);
    if (!out->title || !out->value || !row)
        TRY(status_no_memory("a heat map"));
    for (int64_t i = 0; i < forgets * layers; i++) {
        int64_t pruned = 0;
        TRY(artefact_read_rows(t->artefact, mask, VARIABLE_I8, i, 1, row));
        for (int64_t u = 0; u < length[2]; u++)
            pruned += row[u] != 0;
        out->value[i] = 100 * (double)pruned / (double)length[2];
    }
done:
    free(row);
    return st;
}

static char **number_layers(int64_t layers)
{
    char **name = checked_calloc((size_t)layers, sizeof *name);
    for (int64_t l = 0; name && l < layers; l++)
        name[l] = text_format("%lld", (long long)l); // NULL: said by whoever looks
    return name;
}

static status make_panels(const figure *f, int64_t forgets, int64_t layers, heatmap_panel *panel,
                          size_t *n)
{
    status st = OK;
    for (size_t i = 0; i < f->n; i++)
        for (int m = 0; m < MASKS; m++)
            if (artefact_has(f->task[i]->artefact, masks[m][0]))
                TRY(make_panel(f->task[i], masks[m][0], masks[m][1], forgets, layers,
                               &panel[(*n)++]));
done:
    return st;
}

status figure_layers(figure *f)
{
    status st = OK;
    char **name = NULL, **layer = NULL;
    size_t n = 0;
    double most = 0;
    int64_t forgets = 0, layers = artefact_length(f->task[0]->artefact, "layer");
    heatmap_panel *panel = checked_calloc(MASKS * f->n, sizeof *panel);
    layer = number_layers(layers);
    if (!panel || !layer)
        TRY(status_no_memory("heat maps"));
    for (int64_t l = 0; l < layers; l++)
        if (!layer[l])
            TRY(status_no_memory("heat maps"));
    TRY(artefact_read_texts(f->task[0]->artefact, "forget", &forgets, &name));
    TRY(make_panels(f, forgets, layers, panel, &n));
    for (size_t p = 0; p < n; p++)
        for (int64_t i = 0; i < forgets * layers; i++)
            most = fmax(most, panel[p].value[i]);
    const heatmap h = {.rows = forgets,
                       .columns = layers,
                       .row_name = name,
                       .column_name = layer,
                       .row_title = "unlearned",
                       .column_title = "layer",
                       .row_field = "unlearned",
                       .column_field = "layer",
                       .value_field = "pruned_percent_of_layer",
                       .panel = panel,
                       .panels = n,
                       .across = n < 2 ? n : 2,
                       .palette = PALETTE_SHARE,
                       .high = fmin(100, fmax(5, ceil(most / 5) * 5)),
                       .scale_title = "pruned, % of the layer's neurons"};
    heatmap_write(&h, &f->picture);
    text_addf(&f->caption,
              "The share of each layer's neurons that is pruned for each %s. Dark: the layer "
              "holds many of those most specific to it.",
              figure_subset_word(f));
done:
    heatmap_free_panels(panel, MASKS * f->n);
    for (int64_t l = 0; layer && l < layers; l++)
        free(layer[l]);
    free(layer);
    free(name);
    return st;
}
