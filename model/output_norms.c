// SPDX-License-Identifier: Apache-2.0
// How much a neuron can write: the norms of its output weights. Their tensor alone is read, or drawn,
// as float32 from where the model is: what is in memory may be packed, rounded, or another member's.
#include <math.h>
#include <string.h>

#include "model/arch/archs.h"
#include "model/forward/state.h"
#include "model/model.h"
#include "model/output_entry.h"

// Opens one layer's tensors of an entry, with nothing beside them. `c` is written.
static status open_entry(const model *m, int layer, int entry, config *c, weights **out)
{
    status st = OK;
    weight_source *source = NULL;
    tensor_table table = *m->arch->tensors;
    table.n_globals = table.n_embedding = 0;
    table.n_expert = entry >= table.n_layer - table.n_expert;
    table.n_layer = 1;
    table.layer += entry;
    if (table.layer_forms)
        table.layer_forms += entry;
    *c = m->config;
    c->held = (layer_range){layer, layer + 1};
    c->holds_embedding = c->holds_head = false;
    if (!m->random)
        TRY(weight_source_open(m->path, &source));
    TRY(weights_open(c, &table, source, m->seed, 1, PACKING_NONE, NULL, out));
done:
    return st;
}

// Adds the squares of each column.
static void add_squares(const linear *l, double *sum)
{
    for (int o = 0; o < l->out; o++)
        for (int i = 0; i < l->in; i++) {
            const double w = (double)l->w[o * l->stride + i];
            sum[i] += w * w;
        }
}

status model_output_norms(const model *m, site s, int layer, double *norm)
{
    status st = OK;
    config c;
    weights *w = NULL;
    const int entry = output_entry(m, s), width = model_site_width(&m->config.info, s);
    const bool many = s != SITE_ATTN && m->config.info.experts > 0;
    if (entry < 0)
        TRY(status_fail(ERR_INPUT, m->path, "the output of site %s is no matrix of its own",
                        site_names[s]));
    TRY(open_entry(m, layer, entry, &c, &w));
    memset(norm, 0, (size_t)width * sizeof *norm);
    for (int e = 0; e < (many ? m->config.info.experts : 1); e++) {
        linear l = many ? weights_expert(w, layer, 0, e) : weights_linear(w, layer, 0, -1);
        if (s == SITE_EXPERT) // as one column
            l = linear_whole(l.w, NULL, l.out * l.in, 1);
        add_squares(&l, norm + (size_t)e * (size_t)l.in);
    }
    for (int i = 0; i < width; i++)
        norm[i] = sqrt(norm[i]);
done:
    weights_close(w);
    return st;
}
