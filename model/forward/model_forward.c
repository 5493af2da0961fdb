// SPDX-License-Identifier: Apache-2.0
// A pass for each thread, tiles handed out by the pool. Memory and products are kept from call to
// call, since a search makes thousands of short ones.
#include "model/forward/model_forward.h"

#include <stdlib.h>

#include "model/forward/handover.h"
#include "model/forward/pass_run.h"
#include "model/forward/state.h"
#include "pipeline/base/checked.h"

// One set of products for each thread, kept from pass to pass.
static status grow_products(model *m, int threads)
{
    status st = OK;
    size_t capacity = (size_t)m->n_products;
    if (m->packing == PACKING_NONE || m->n_products >= threads)
        return OK;
    if (!checked_grow(&m->products, &capacity, (size_t)threads, sizeof *m->products))
        return status_no_memory("products");
    while (m->n_products < threads) {
        TRY(products_new(m->engine, &m->products[m->n_products]));
        m->n_products++;
    }
done:
    return st;
}

static status grow_workspaces(model *m, int threads)
{
    size_t capacity = (size_t)m->n_workspaces;
    if (m->n_workspaces >= threads)
        return OK;
    if (!checked_grow(&m->workspaces, &capacity, (size_t)threads, sizeof *m->workspaces))
        return status_no_memory("the scratch of tiles");
    while (m->n_workspaces < threads)
        m->workspaces[m->n_workspaces++] = (workspace){0};
    return OK;
}

static status run_tile(void *context, int64_t item, int thread)
{
    pass *passes = context;
    if (passes[thread].products)
        products_begin();
    return pass_run(&passes[thread], item);
}

// Candidates index the head's rows.
static status check_candidates(const forward *f, int outputs)
{
    bool fit = f->n_candidates <= CANDIDATES && f->n_candidates <= outputs;
    for (int i = 0; f->candidates && fit && i < f->n_candidates; i++)
        fit = f->candidates[i] >= 0 && f->candidates[i] < outputs;
    return fit ? OK : status_fail(ERR_INPUT, "model", "an answer is no output of the model");
}

status model_forward(model *m, pool *p, const forward *f)
{
    status st;
    const int threads = pool_threads(p);
    pass *passes = checked_calloc((size_t)threads, sizeof *passes);
    if (!passes)
        return status_no_memory("the scratch of tiles");
    st = OK;
    if (!handover_span(m, f).any)
        goto done;
    TRY(check_candidates(f, m->config.info.outputs));
    TRY(weights_unchanged(m->weights));
    TRY(grow_products(m, threads));
    TRY(grow_workspaces(m, threads));
    for (int t = 0; t < threads; t++) {
        TRY(workspace_lay_out(&m->workspaces[t], &m->config, m->packing,
                              (pass_limits){f->max_samples, f->max_rows}, &passes[t]));
        passes[t].m = m;
        passes[t].f = f;
        passes[t].thread = t;
        passes[t].products = m->packing == PACKING_NONE ? NULL : m->products[t];
    }
    status run = pool_run(p, f->tiles, run_tile, passes);
    if (run != ERR_INTERRUPTED)
        TRY(weights_unchanged(m->weights)); // a file that changes may hold anything
    st = run;
done:
    free(passes);
    return st;
}
