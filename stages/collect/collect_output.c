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
#include "stages/collect/histogram.h"
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
    [MOMENTS] = {"positive", "share of tokens with a positive activation"},
};

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
    l->folds = params_has(p, "folds") ? (int)params_int(p, "folds") : 1;
    l->histogram = params_has(p, "histogram") && params_bool(p, "histogram");
    int field = COLLECT_ROWS + 1;
    for (int which = 0; which < SITES; which++) {
        collect_site *s = &l->site[which];
        s->read = params_lists(p, "sites", site_names[which]);
        s->shape = (site_shape){.layers = info->layers,
                                .width = model_site_width(info, which),
                                .bins = l->histogram ? HISTOGRAM_BINS : 0};
        if (which == SITE_MLP) {
            s->shape.experts = info->experts;
            s->shape.words = (most + FIRING_BITS - 1) / FIRING_BITS;
        }
        if (s->read && s->shape.width == 0)
            return params_fail(p, "sites", "the model is dense and has no site %s; leave it out",
                               site_names[which]);
        s->field = field;
        field += s->read ? COLLECT_SITE_FIELDS : 0;
    }
    return OK;
}

void collect_layout_free(collect_layout *l)
{
    free(l->subset);
    free(l->firing_tokens);
    *l = (collect_layout){0};
}

// Counts of a kind that a layer has for one subset.
static int64_t counts_of_layer(const site_shape *s, collect_count kind)
{
    return kind == COUNT_POSITIVE    ? s->width
           : kind == COUNT_FIRING    ? s->width * s->words
           : kind == COUNT_HISTOGRAM ? (int64_t)s->width * s->bins
           : kind == COUNT_ROUTED    ? s->experts
                                     : 0;
}

int collect_layout_folds(const collect_layout *l, collect_count kind)
{
    return kind == COUNT_FIRING ? 1 : l->folds;
}

int64_t collect_layout_count(const collect_layout *l, int which, collect_count kind, int64_t cell,
                             int64_t *a_layer)
{
    const site_shape *s = &l->site[which].shape;
    int64_t first = 0;
    for (collect_count k = 0; k < kind; k++)
        first +=
            (int64_t)l->subsets * collect_layout_folds(l, k) * l->layers * counts_of_layer(s, k);
    *a_layer = kind < COUNTS ? counts_of_layer(s, kind) : 0;
    return first + cell * l->layers * *a_layer;
}

const int64_t *collect_counts(const collect_layout *l, int which, collect_count kind,
                              const partial *sum)
{
    int64_t a_layer;
    return partial_counts(sum, l->site[which].field + COLLECT_COUNTS) +
           collect_layout_count(l, which, kind, 0, &a_layer);
}

void collect_layout_shape(const collect_layout *l, partial_shape *out)
{
    *out = (partial_shape){.fields = 1};
    out->field[COLLECT_ROWS] =
        (partial_field){"tokens", PARTIAL_COUNT, (int64_t)l->subsets * l->folds};
    for (int which = 0; which < SITES; which++) {
        const collect_site *s = &l->site[which];
        int64_t a_layer;
        if (!s->read)
            continue;
        for (int m = 0; m < MOMENTS; m++)
            out->field[out->fields++] =
                (partial_field){statistic[m].name, PARTIAL_SUM,
                                (int64_t)l->subsets * l->folds * l->layers * s->shape.width};
        out->field[out->fields++] = (partial_field){
            "counts", PARTIAL_COUNT, collect_layout_count(l, which, COUNTS, 0, &a_layer)};
    }
}

int collect_layout_widest(const collect_layout *l)
{
    int widest = 0;
    for (int which = 0; which < SITES; which++) {
        const int width = l->site[which].shape.width;
        widest = width > widest ? width : widest;
    }
    return widest;
}

double collect_layout_disk_bytes(const collect_layout *l)
{
    double bytes = 0;
    const double folds = l->folds > 1 ? l->folds + 1 : 1;
    for (int which = 0; which < SITES; which++) {
        const site_shape *s = &l->site[which].shape;
        double values = (double)l->subsets * l->layers * s->width;
        if (l->site[which].read)
            bytes += values * folds * (MOMENTS + 1 + s->bins) * sizeof(double) +
                     folds * l->subsets * l->layers * s->experts * sizeof(int64_t);
        if (l->site[which].read && s->words > 0)
            bytes += values * (double)l->firing_bytes;
    }
    return bytes;
}

// A row is one (subset, layer), or one (subset, fold, layer).
static status fill_mean(void *context, int64_t first, int64_t rows, void *out)
{
    const collect_variable *v = context;
    const collect_layout *l = v->layout;
    const site_shape *s = &l->site[v->site].shape;
    const int64_t *tokens = partial_counts(v->sum, COLLECT_ROWS);
    const int64_t *routed = collect_counts(l, v->site, COUNT_ROUTED, v->sum);
    const int64_t *positive = collect_counts(l, v->site, COUNT_POSITIVE, v->sum);
    const fixed *sum =
        v->moment < MOMENTS ? partial_sums(v->sum, l->site[v->site].field + v->moment) : NULL;
    double *mean = out;
    for (int64_t r = first; r < first + rows; r++)
        for (int64_t i = 0; i < s->width; i++) {
            const int64_t at = r * s->width + i;
            double total = sum ? fixed_to(sum[at]) : (double)positive[at];
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
    const int64_t *bits = collect_counts(l, v->site, COUNT_FIRING, v->sum);
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
    collect_variable *v = &s->variable[MOMENTS + 1];
    *v = (collect_variable){.layout = l, .sum = sum, .site = which};
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

// The lowest x of each bin.
static status fill_bin_low(void *context, int64_t first, int64_t rows, void *out)
{
    (void)context, (void)first, (void)rows; // one row
    const int half = HISTOGRAM_BINS / 2;
    double *low = out;
    for (int m = 0; m < half; m++) {
        low[half + m] = histogram_magnitude(m);
        low[half - 1 - m] = m + 1 < half ? -histogram_magnitude(m + 1) : -INFINITY;
    }
    return OK;
}

static status describe_bins(artefact_writer *w)
{
    status st = OK;
    TRY(artefact_dim(w, "bin", HISTOGRAM_BINS));
    TRY(artefact_variable(w, &(variable){.name = "bin_low",
                                         .type = VARIABLE_F64,
                                         .dims = 1,
                                         .dim = {"bin"},
                                         .long_name = "lowest activation of the bin, which the "
                                                      "next one's ends",
                                         .units = "1",
                                         .fill = fill_bin_low}));
done:
    return st;
}

status collect_describe_histogram(collect_layout *l, int which, const partial *sum,
                                  const char *prefix, const variable *like, artefact_writer *w)
{
    collect_site *s = &l->site[which];
    snprintf(s->histogram_name, sizeof s->histogram_name, "%s_%shistogram", site_names[which],
             prefix);
    variable histogram = *like;
    histogram.name = s->histogram_name;
    histogram.type = VARIABLE_I64;
    histogram.long_name = *prefix ? "tokens of the fold by bin of activation"
                                  : "tokens of the subset by bin of activation";
    histogram.units = "1";
    histogram.data = collect_counts(l, which, COUNT_HISTOGRAM, sum);
    return artefact_variable(w, &histogram);
}

static status describe_routed(const collect_layout *l, int which, const partial *sum,
                              artefact_writer *w)
{
    status st = OK;
    const int64_t *routed = collect_counts(l, which, COUNT_ROUTED, sum);
    const routing_shape shape = {l->subsets, l->layers, l->site[which].shape.experts};
    TRY(artefact_dim(w, "expert", shape.experts));
    TRY(artefact_variable(w, &(variable){.name = "expert_tokens",
                                         .type = VARIABLE_I64,
                                         .dims = 3,
                                         .dim = {"subset", "layer", "expert"},
                                         .long_name = "tokens of the subset that are routed to the "
                                                      "expert",
                                         .units = "1",
                                         .data = routed}));
    TRY(unreached_note(&shape, l->subset, routed, w));
done:
    return st;
}

status collect_describe_mean(collect_layout *l, int which, int index, const partial *sum,
                             const char *prefix, const variable *like, artefact_writer *w)
{
    collect_site *s = &l->site[which];
    collect_variable *v = &s->variable[index];
    *v = (collect_variable){.layout = l, .sum = sum, .site = which, .moment = index};
    snprintf(v->name, sizeof v->name, "%s_%s%s", site_names[which], prefix, statistic[index].name);
    snprintf(v->long_name, sizeof v->long_name, "%s%s%s", statistic[index].long_name,
             s->shape.experts > 0 ? ", of those routed to its expert" : "",
             *prefix ? ", of the fold" : "");
    variable mean = *like;
    mean.name = v->name;
    mean.type = VARIABLE_F64;
    mean.long_name = v->long_name;
    mean.units = "1";
    mean.fill = fill_mean;
    mean.context = v;
    return artefact_variable(w, &mean);
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
    for (int i = 0; i <= MOMENTS; i++)
        TRY(collect_describe_mean(l, which, i, sum, "",
                                  &(variable){.dims = 3, .dim = {"subset", "layer", unit}}, w));
    if (s->shape.words > 0)
        TRY(describe_firing(l, which, sum, w));
    if (s->shape.bins > 0)
        TRY(collect_describe_histogram(
            l, which, sum, "", &(variable){.dims = 4, .dim = {"subset", "layer", unit, "bin"}}, w));
    if (s->shape.experts > 0)
        TRY(describe_routed(l, which, sum, w));
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
    if (l->histogram)
        TRY(describe_bins(w));
    for (int which = 0; which < SITES; which++)
        if (l->site[which].read)
            TRY(describe_site(l, which, sum, w));
done:
    return st;
}
