// SPDX-License-Identifier: Apache-2.0
// The artefact is larger than what a rank should hold twice: its variables are filled row by row
// from the sums while they are written. A row of the firing bits is gathered from the partial's
// order (subset first) into the artefact's (neuron first), and from words of 56 bits into bytes.
#include "stages/collect/collect_output.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/fixed.h"
#include "stages/collect/counted_rows.h"
#include "stages/common/scores.h"
#include "stages/common/unreached.h"

// What is kept of each neuron beside the firing bits; the moments first, in their order.
static const struct statistic {
    const char *name, *long_name;
} statistic[MOMENTS + 1] = {
    [MOMENT_ABS] = {"mean_abs", "mean absolute activation over all tokens of the subset"},
    [MOMENT_VALUE] = {"mean", "mean activation over all tokens of the subset"},
    [MOMENT_SQUARE] = {"mean_square", "mean squared activation over all tokens of the subset"},
    [MOMENT_SQRT_ABS] = {"mean_sqrt_abs", "mean square root of the absolute activation"},
    [COLLECT_POSITIVE] = {"positive", "share of tokens with a positive activation"},
};

static void number_fields(collect_site *s, int which, int *field)
{
    const int kept = s->shape.words > 0 ? COLLECT_SITE_FIELDS : COLLECT_FIRING;
    for (int i = 0; i < kept; i++) {
        const bool same = which == SITE_EXPERT && i == MOMENT_VALUE;
        s->field[i] = same ? s->field[MOMENT_ABS] : (*field)++;
    }
}

status collect_layout_make(const params *p, const dataset *data, const model_info *info,
                           const tile_source *source, collect_layout *out)
{
    collect_layout *l = out;
    *l = (collect_layout){.subsets = dataset_subsets(data), .layers = info->layers};
    l->skip = params_has(p, "skip_first") ? params_int(p, "skip_first") : 0;
    l->modality = info->modality == MODALITY_TEXT ? "text" : "image";
    l->subset = checked_calloc((size_t)l->subsets, sizeof *l->subset);
    l->firing_tokens = checked_calloc((size_t)l->subsets, sizeof *l->firing_tokens);
    if (!l->subset || !l->firing_tokens)
        return status_no_memory("a list of subsets");
    int64_t most = 0;
    bool mlp = params_lists(p, "sites", site_names[SITE_MLP]);
    for (int i = 0; i < l->subsets; i++) {
        int64_t rows = counted_rows(source, i, l->skip), asked = mlp ? params_int(p, "firing") : 0;
        l->subset[i] = dataset_subset(data, i);
        if (rows == 0)
            return params_fail(p, "data",
                               "subset %s has no samples to collect on%s; raise collect: "
                               "or limit: of the dataset, or leave it out with keep:",
                               l->subset[i], l->skip ? ", or none is longer than skip_first:" : "");
        l->firing_tokens[i] = asked < rows ? asked : rows;
        most = l->firing_tokens[i] > most ? l->firing_tokens[i] : most;
    }
    l->firing_bytes = (most + 7) / 8;
    l->experts = mlp ? info->experts : 0;
    int field = COLLECT_ROWS + 1;
    for (int which = 0; which < SITES; which++) {
        collect_site *s = &l->site[which];
        s->read = params_lists(p, "sites", site_names[which]);
        s->shape = (site_shape){.layers = info->layers, .width = model_site_width(info, which)};
        if (which == SITE_MLP) {
            s->shape.experts = info->experts;
            s->shape.words = (most + FIRING_BITS - 1) / FIRING_BITS;
        }
        if (s->read && s->shape.width == 0)
            return params_fail(p, "sites", "the model is dense and has no site %s; leave it out",
                               site_names[which]);
        if (s->read)
            number_fields(s, which, &field);
    }
    return OK;
}

void collect_layout_free(collect_layout *l)
{
    free(l->subset);
    free(l->firing_tokens);
    *l = (collect_layout){0};
}

void collect_layout_shape(const collect_layout *l, partial_shape *out)
{
    const int64_t tokens = l->subsets * (1 + (int64_t)l->layers * l->experts);
    *out = (partial_shape){.fields = 1};
    out->field[COLLECT_ROWS] = (partial_field){"tokens", PARTIAL_COUNT, tokens};
    for (int which = 0; which < SITES; which++) {
        const collect_site *s = &l->site[which];
        int64_t length = (int64_t)l->subsets * l->layers * s->shape.width;
        if (!s->read)
            continue;
        for (int i = 0; i <= COLLECT_POSITIVE; i++)
            out->field[s->field[i]] = (partial_field){
                statistic[i].name, i < MOMENTS ? PARTIAL_SUM : PARTIAL_COUNT, length};
        out->fields = s->field[COLLECT_POSITIVE] + 1;
        if (s->shape.words > 0)
            out->field[out->fields++] =
                (partial_field){"firing", PARTIAL_COUNT, length * s->shape.words};
    }
}

double collect_layout_disk_bytes(const collect_layout *l)
{
    double bytes = (double)l->subsets * l->layers * l->experts * sizeof(int64_t);
    for (int which = 0; which < SITES; which++) {
        const site_shape *s = &l->site[which].shape;
        double values = (double)l->subsets * l->layers * s->width;
        if (l->site[which].read)
            bytes += values * (MOMENTS + 1) * sizeof(double);
        if (l->site[which].read && s->words > 0)
            bytes += values * (double)l->firing_bytes;
    }
    return bytes;
}

// Tokens routed to each expert, [subsets, layers, experts].
static const int64_t *routed_tokens(const collect_layout *l, const partial *sum)
{
    return partial_counts(sum, COLLECT_ROWS) + l->subsets;
}

// A row is one (subset, layer).
static status fill_mean(void *context, int64_t first, int64_t rows, void *out)
{
    const collect_variable *v = context;
    const collect_layout *l = v->layout;
    const site_shape *s = &l->site[v->site].shape;
    const int64_t *tokens = partial_counts(v->sum, COLLECT_ROWS);
    const int64_t *routed = routed_tokens(l, v->sum);
    const int field = l->site[v->site].field[v->kept];
    double *mean = out;
    for (int64_t r = first; r < first + rows; r++)
        for (int64_t i = 0; i < s->width; i++) {
            const int64_t at = r * s->width + i;
            double total = v->kept < MOMENTS ? fixed_to(partial_sums(v->sum, field)[at])
                                             : (double)partial_counts(v->sum, field)[at];
            int64_t over = tokens[r / l->layers];
            if (s->experts > 0)
                over = routed[r * s->experts + i / (s->width / s->experts)];
            *mean++ = over > 0 ? total / (double)over : NAN;
        }
    return OK;
}

// A row is one neuron and subset: the partial has the subset first.
static status fill_firing(void *context, int64_t first, int64_t rows, void *out)
{
    const collect_variable *v = context;
    const collect_layout *l = v->layout;
    const site_shape *s = &l->site[v->site].shape;
    const int64_t *bits = partial_counts(v->sum, l->site[v->site].field[COLLECT_FIRING]);
    int64_t neurons = (int64_t)l->layers * s->width;
    uint8_t *byte = out;
    for (int64_t r = first; r < first + rows; r++) {
        int64_t neuron = r / l->subsets, subset = r % l->subsets;
        const int64_t *word = bits + (subset * neurons + neuron) * s->words;
        for (int64_t b = 0; b < l->firing_bytes; b++)
            *byte++ =
                (uint8_t)((uint64_t)word[b / (FIRING_BITS / 8)] >> 8 * (b % (FIRING_BITS / 8)));
    }
    return OK;
}

static status describe_firing(collect_layout *l, int which, const partial *sum, artefact_writer *w)
{
    status st = OK;
    collect_site *s = &l->site[which];
    collect_variable *v = &s->variable[COLLECT_FIRING];
    *v = (collect_variable){.layout = l, .sum = sum, .site = which, .kept = COLLECT_FIRING};
    TRY(artefact_dim(w, "byte", l->firing_bytes));
    TRY(artefact_variable(w, &(variable){.name = "firing_tokens",
                                         .type = VARIABLE_I64,
                                         .dims = 1,
                                         .dim = {"subset"},
                                         .long_name = "tokens of the subset sampled for firing",
                                         .units = "1",
                                         .data = l->firing_tokens}));
    TRY(artefact_variable(
        w, &(variable){.name = "mlp_firing",
                       .type = VARIABLE_U8,
                       .dims = 4,
                       .dim = {"layer", "unit", "subset", "byte"},
                       .long_name = "whether the neuron is positive on each sampled token: token t "
                                    "is bit t mod 8, from the lowest, of byte t div 8",
                       .units = "1",
                       .fill = fill_firing,
                       .context = v}));
done:
    return st;
}

static status describe_routed(const collect_layout *l, const partial *sum, artefact_writer *w)
{
    status st = OK;
    const int64_t *routed = routed_tokens(l, sum);
    TRY(artefact_dim(w, "expert", l->experts));
    TRY(artefact_variable(w, &(variable){.name = "expert_tokens",
                                         .type = VARIABLE_I64,
                                         .dims = 3,
                                         .dim = {"subset", "layer", "expert"},
                                         .long_name = "tokens of the subset that are routed to the "
                                                      "expert",
                                         .units = "1",
                                         .data = routed}));
    TRY(unreached_note(
        &(routing_shape){.subsets = l->subsets, .layers = l->layers, .experts = l->experts},
        l->subset, routed, w));
done:
    return st;
}

static status describe_site(collect_layout *l, int which, const partial *sum, artefact_writer *w)
{
    status st = OK;
    collect_site *s = &l->site[which];
    const char *unit = scores_unit(which);
    TRY(artefact_dim(w, "layer", l->layers));
    TRY(artefact_dim(w, unit, s->shape.width));
    snprintf(s->count_name, sizeof s->count_name, "%s_count", site_names[which]);
    TRY(artefact_variable(w, &(variable){.name = s->count_name,
                                         .type = VARIABLE_I64,
                                         .dims = 1,
                                         .dim = {"subset"},
                                         .long_name = "tokens the statistics are over",
                                         .units = "1",
                                         .data = partial_counts(sum, COLLECT_ROWS)}));
    for (int i = 0; i <= COLLECT_POSITIVE; i++) {
        collect_variable *v = &s->variable[i];
        *v = (collect_variable){.layout = l, .sum = sum, .site = which, .kept = i};
        snprintf(v->name, sizeof v->name, "%s_%s", site_names[which], statistic[i].name);
        snprintf(v->long_name, sizeof v->long_name, "%s%s", statistic[i].long_name,
                 s->shape.experts > 0 ? ", of those routed to its expert" : "");
        TRY(artefact_variable(w, &(variable){.name = v->name,
                                             .type = VARIABLE_F64,
                                             .dims = 3,
                                             .dim = {"subset", "layer", unit},
                                             .long_name = v->long_name,
                                             .units = "1",
                                             .fill = fill_mean,
                                             .context = v}));
    }
    if (s->shape.words > 0)
        TRY(describe_firing(l, which, sum, w));
done:
    return st;
}

status collect_describe(collect_layout *l, const partial *sum, artefact_writer *w)
{
    status st = OK;
    TRY(artefact_attribute(w, "title", "Activation statistics of neurons on subsets of data"));
    TRY(artefact_attribute(w, "modality", l->modality));
    TRY(artefact_dim(w, "subset", l->subsets));
    TRY(artefact_variable(w, &(variable){.name = "subset",
                                         .type = VARIABLE_TEXT,
                                         .dims = 1,
                                         .dim = {"subset"},
                                         .long_name = "class or text domain",
                                         .units = "1",
                                         .data = l->subset}));
    for (int which = 0; which < SITES; which++)
        if (l->site[which].read)
            TRY(describe_site(l, which, sum, w));
    if (l->experts > 0)
        TRY(describe_routed(l, sum, w));
done:
    return st;
}
