// SPDX-License-Identifier: Apache-2.0
// A mask of the plan is compiled by the first unit that needs it: its neurons by the order that its
// kind takes them from, then the model's form of it.
#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "stages/prune/prune_state.h"

// Masks that are compiled at once: each may take MODEL_COMPACT_BYTES. Units of one follow each
// other, so that more are wanted only where many searches ask for a tile each.
enum { MASKS = 16 };

int prune_masks_at_once(const task *t)
{
    const int threads = pool_threads(task_pool(t));
    return threads < MASKS ? threads : MASKS;
}

void prune_mask_drop(void *item)
{
    unit_mask *m = item;
    model_mask_free(m->mask);
    ablated_neurons_free(&m->neurons);
    free(m);
}

// The order whose first neurons a mask of the plan prunes. *matched: owned by the caller.
static status order_of_mask(const prune_state *s, const prune_mask *m, const int64_t **order,
                            int64_t **matched)
{
    const ranking *r = &s->ranking;
    const int64_t *own = m->forget < 0 ? NULL : r->order + m->forget * r->neurons;
    const int64_t *random = s->random + m->seed * r->neurons;
    *order = m->kind == PRUNED_UNIFORM ? random : own;
    if (m->kind == PRUNED_LOWEST)
        *order = own + ranking_lowest(r, m->forget, m->pruned);
    if (m->kind == PRUNED_RESPLIT)
        *order = r->other + m->forget * r->neurons;
    if (m->kind != PRUNED_LAYER_MATCHED)
        return OK;
    if (!(*matched = checked_calloc((size_t)m->pruned, sizeof **matched)))
        return status_no_memory("a mask");
    *order = *matched;
    return ranking_match(r, own, m->pruned, random, *matched);
}

// Marks what a mask of the plan prunes, and says what is asked with it.
static status fill_mask(const prune_state *s, const prune_mask *m, uint8_t *pruned[SITES],
                        unit_mask *out)
{
    status st = OK;
    const int64_t *order;
    int64_t *matched = NULL;
    TRY(order_of_mask(s, m, &order, &matched));
    for (int k = 0; k < SITES; k++) {
        size_t neurons = (size_t)s->ranking.layers * (size_t)s->ranking.width[k];
        if (neurons > 0 && !(pruned[k] = checked_calloc(neurons, 1)))
            TRY(status_no_memory("a mask"));
    }
    ranking_mask(&s->ranking, order, m->pruned, pruned);
    TRY(prune_cache_ask(s->cache, pruned, &s->ablation, m->forget, out->asked));
    const uint8_t *const marks[SITES] = {[SITE_MLP] = pruned[SITE_MLP],
                                         [SITE_ATTN] = pruned[SITE_ATTN],
                                         [SITE_EXPERT] = pruned[SITE_EXPERT]};
    if (m->pruned > 0 && s->ablation.value == ABLATE_ZERO)
        TRY(model_mask_new(s->model, task_pool(s->task), marks, &out->mask));
    else if (m->pruned > 0)
        TRY(model_mask_new_ablated(s->model, marks, &out->mask));
    if (s->ablation.value == ABLATE_RESAMPLE)
        TRY(ablated_neurons_make(&s->ablation, pruned, &out->neurons));
done:
    free(matched);
    return st;
}

status prune_mask_compile(void *state, int64_t number, void **item)
{
    const prune_state *s = state;
    uint8_t *pruned[SITES] = {NULL};
    unit_mask *m = checked_calloc(1, sizeof *m);
    if (!m)
        return status_no_memory("a mask");
    status st = fill_mask(s, &s->plan.mask[number], pruned, m);
    for (int k = 0; k < SITES; k++)
        free(pruned[k]);
    if (st == OK)
        *item = m;
    else
        prune_mask_drop(m);
    return st;
}
