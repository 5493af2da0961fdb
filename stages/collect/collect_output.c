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
#include "stages/collect/site_sums.h"

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
    l->histogram = params_has(p, "histogram") && params_bool(p, "histogram");
    int field = COLLECT_ROWS + 1;
    for (int which = 0; which < SITES; which++) {
        collect_site *s = &l->site[which];
        s->read = params_lists(p, "sites", site_names[which]);
        s->width = model_site_width(info, which);
        s->words = which == SITE_MLP ? (most + FIRING_BITS - 1) / FIRING_BITS : 0;
        s->field = field;
        if (s->read)
            field += s->words > 0 ? COLLECT_SITE_FIELDS : COLLECT_FIRING;
        if (s->read && l->histogram) {
            s->bins = HISTOGRAM_BINS;
            s->histogram = field++;
        }
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
    *out = (partial_shape){.fields = 1};
    out->field[COLLECT_ROWS] = (partial_field){"tokens", PARTIAL_COUNT, l->subsets};
    for (int which = 0; which < SITES; which++) {
        const collect_site *s = &l->site[which];
        int64_t length = (int64_t)l->subsets * l->layers * s->width;
        if (!s->read)
            continue;
        for (int m = 0; m < MOMENTS; m++)
            out->field[out->fields++] = (partial_field){statistic[m].name, PARTIAL_SUM, length};
        out->field[out->fields++] = (partial_field){"positive", PARTIAL_COUNT, length};
        if (s->words > 0)
            out->field[out->fields++] = (partial_field){"firing", PARTIAL_COUNT, length * s->words};
        if (s->bins > 0)
            out->field[out->fields++] =
                (partial_field){"histogram", PARTIAL_COUNT, length * s->bins};
    }
}

double collect_layout_disk_bytes(const collect_layout *l)
{
    double bytes = 0;
    for (int which = 0; which < SITES; which++) {
        double values = (double)l->subsets * l->layers * l->site[which].width;
        if (l->site[which].read)
            bytes += values * (MOMENTS + 1 + l->site[which].bins) * sizeof(double);
        if (l->site[which].read && l->site[which].words > 0)
            bytes += values * (double)l->firing_bytes;
    }
    return bytes;
}

// A row is one (subset, layer).
static status fill_mean(void *context, int64_t first, int64_t rows, void *out)
{
    const collect_variable *v = context;
    const collect_site *s = &v->layout->site[v->site];
    const int64_t *tokens = partial_counts(v->sum, COLLECT_ROWS);
    int field = s->field + v->field;
    double *mean = out;
    for (int64_t r = first; r < first + rows; r++)
        for (int64_t i = r * s->width; i < (r + 1) * s->width; i++) {
            double total = v->field < MOMENTS ? fixed_to(partial_sums(v->sum, field)[i])
                                              : (double)partial_counts(v->sum, field)[i];
            *mean++ = total / (double)tokens[r / v->layout->layers];
        }
    return OK;
}

// A row is one neuron and subset: the partial has the subset first.
static status fill_firing(void *context, int64_t first, int64_t rows, void *out)
{
    const collect_variable *v = context;
    const collect_layout *l = v->layout;
    const collect_site *s = &l->site[v->site];
    const int64_t *bits = partial_counts(v->sum, s->field + COLLECT_FIRING);
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
    *v = (collect_variable){.layout = l, .sum = sum, .site = which, .field = COLLECT_FIRING};
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

static status describe_histogram(collect_site *s, int which, const char *unit, const partial *sum,
                                 artefact_writer *w)
{
    status st = OK;
    snprintf(s->histogram_name, sizeof s->histogram_name, "%s_histogram", site_names[which]);
    TRY(artefact_variable(w, &(variable){.name = s->histogram_name,
                                         .type = VARIABLE_I64,
                                         .dims = 4,
                                         .dim = {"subset", "layer", unit, "bin"},
                                         .long_name = "tokens of the subset by bin of activation",
                                         .units = "1",
                                         .data = partial_counts(sum, s->histogram)}));
done:
    return st;
}

static status describe_site(collect_layout *l, int which, const partial *sum, artefact_writer *w)
{
    status st = OK;
    collect_site *s = &l->site[which];
    const char *unit = which == SITE_MLP ? "unit" : "attn_unit";
    TRY(artefact_dim(w, "layer", l->layers));
    TRY(artefact_dim(w, unit, s->width));
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
        *v = (collect_variable){.layout = l, .sum = sum, .site = which, .field = i};
        snprintf(v->name, sizeof v->name, "%s_%s", site_names[which], statistic[i].name);
        TRY(artefact_variable(w, &(variable){.name = v->name,
                                             .type = VARIABLE_F64,
                                             .dims = 3,
                                             .dim = {"subset", "layer", unit},
                                             .long_name = statistic[i].long_name,
                                             .units = "1",
                                             .fill = fill_mean,
                                             .context = v}));
    }
    if (s->words > 0)
        TRY(describe_firing(l, which, sum, w));
    if (s->bins > 0)
        TRY(describe_histogram(s, which, unit, sum, w));
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
