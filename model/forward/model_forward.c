// SPDX-License-Identifier: Apache-2.0
// A pass for each thread, tiles handed out by the pool. Memory and products are a thread's own, for
// all passes, since a search makes thousands of short ones and threads run units of several tasks
// side by side.
#include "model/forward/model_forward.h"

#include <stdlib.h>

#include "model/forward/handover.h"
#include "model/forward/pass_run.h"
#include "model/forward/state.h"
#include "pipeline/base/checked.h"

typedef struct forward_run {
    model *m;
    const forward *f;
    pass *passes; // [threads]; m NULL: that thread has not begun
} forward_run;

// Scratch for each thread. Threads that come at once find what the first one made.
static status grow_scratch(model *m, int threads)
{
    status st = OK;
    pthread_mutex_lock(&m->growing);
    size_t capacity = (size_t)m->threads;
    if (m->threads < threads) {
        if (checked_grow(&m->scratch, &capacity, (size_t)threads, sizeof *m->scratch))
            while (m->threads < threads)
                m->scratch[m->threads++] = (thread_scratch){0};
        else
            st = status_no_memory("the scratch of tiles");
    }
    pthread_mutex_unlock(&m->growing);
    return st;
}

// The thread's pass: it lays out its own memory, and so touches it first.
static status begin_thread(forward_run *r, int thread)
{
    status st = OK;
    model *m = r->m;
    thread_scratch *own = &m->scratch[thread];
    pass *p = &r->passes[thread];
    if (m->packing != PACKING_NONE && !own->products)
        TRY(products_new(m->engine, &own->products));
    TRY(workspace_lay_out(&own->workspace, &m->config, m->packing,
                          (pass_limits){r->f->max_samples, r->f->max_rows}, p));
    p->m = m;
    p->f = r->f;
    p->thread = thread;
    p->products = own->products;
done:
    return st;
}

static status run_tile(void *context, int64_t item, int thread)
{
    forward_run *r = context;
    pass *p = &r->passes[thread];
    status st = p->m ? OK : begin_thread(r, thread);
    if (st != OK)
        return st;
    if (p->products)
        products_begin();
    return pass_run(p, item);
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
    forward_run own = {m, f, checked_calloc((size_t)threads, sizeof *own.passes)};
    if (!own.passes)
        return status_no_memory("the scratch of tiles");
    st = OK;
    if (!handover_span(m, f).any)
        goto done;
    if (m->config.headless && (f->result || f->logits))
        TRY(status_fail(ERR_INPUT, m->path, "has no head, and so no answers"));
    TRY(check_candidates(f, m->config.info.outputs));
    TRY(weights_unchanged(m->weights));
    TRY(grow_scratch(m, threads));
    status run = m->blocks->run ? m->blocks->run(m, p, f) : pool_run(p, f->tiles, run_tile, &own);
    if (run != ERR_INTERRUPTED)
        TRY(weights_unchanged(m->weights)); // a file that changes may hold anything
    st = run;
done:
    free(own.passes);
    return st;
}

int64_t model_tiles_together(const model *m, int64_t max_samples, int64_t max_rows)
{
    return m->blocks->together ? m->blocks->together(m, max_samples, max_rows) : 1;
}
