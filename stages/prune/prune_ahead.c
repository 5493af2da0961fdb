// SPDX-License-Identifier: Apache-2.0
// The brackets say how far the searches have come, so that the time left is told of them as they
// are, also when they go on beyond what was foreseen of them all.
#include "stages/prune/prune_ahead.h"

// A search's: the rest of the running probe, and those behind it, as if all were answered whole.
static int64_t search_units(const prune_setting *s, const bisection *b, int64_t forget)
{
    const tiling *cuts = &s->evaluation->source.cuts;
    const int64_t *own = cuts->subset_tile + s->evaluation->entry_of[forget];
    const int64_t next = own[0] + bisection_prefix(own[1] - own[0], b->step + 1);
    const int64_t probes = bisection_ahead(b, s->ranking->neurons);
    const int64_t rest = next < own[1] ? tiling_units(cuts, s->info, next, own[1], NULL) : 0;
    return rest + (probes - 1) * tiling_units(cuts, s->info, own[0], own[1], NULL);
}

int64_t prune_ahead_units(const prune_setting *s, const round_state *round)
{
    const prune_view view = prune_round_view(s, round);
    const tiling *cuts = &s->evaluation->source.cuts;
    const int64_t end = cuts->subset_tile[s->evaluation->reported];
    int64_t units = 0, masks = 0;
    if (*view.phase != PHASE_SEARCH)
        return *view.phase == PHASE_FINAL ? 0 : -1;
    for (int64_t f = 0; f < s->ranking->forgets; f++)
        if (view.search[f].outcome == BISECTION_OPEN)
            units += search_units(s, &view.search[f], f);
    for (prune_kind k = 0; k < PRUNED_KINDS; k++)
        masks += s->seeds[k] * s->ranking->forgets;
    return units + masks * tiling_units(cuts, s->info, 0, end, NULL);
}
