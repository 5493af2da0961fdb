// SPDX-License-Identifier: Apache-2.0
// Artefacts as the stages write them, made up of smooth numbers with a known shape, for the tests
// of the report.
#ifndef REPORT_ARTEFACTS_H
#define REPORT_ARTEFACTS_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/rng.h"
#include "pipeline/config/param_def.h"
#include "pipeline/store/artefact_create.h"
#include "pipeline/store/artefact_file.h"
#include "pipeline/store/artefact_writer.h"
#include "pipeline/store/store.h"

// What the report asks of the parameters of `prune`.
static const param_def prune_table[] = {{.name = "drop", .type = PARAM_REAL},
                                        {.name = "evaluate", .type = PARAM_TEXTS},
                                        {.name = "fraction", .type = PARAM_REAL},
                                        {"site", PARAM_TEXT, "mlp", .choices = "mlp|attn|both"},
                                        {"unit", PARAM_TEXT, .choices = "neuron|head"},
                                        {.name = "steps", .type = PARAM_INT},
                                        {.name = "recollect", .type = PARAM_BOOL},
                                        {.name = "layers", .type = PARAM_REALS},
                                        {.name = "head_score", .type = PARAM_TEXT},
                                        {.name = "tolerance", .type = PARAM_REAL},
                                        {.name = "seed", .type = PARAM_INT},
                                        {"value", PARAM_TEXT, .choices = "zero|mean"},
                                        {0}};

// Names that must not break out of their places, among those of the example data.
static char *made_names[] = {"latin",       "latin_small", "digits",   "greek",
                             "greek_small", "cyrillic",    "hebrew",   "arabic",
                             "devanagari",  "bengali",     "tamil",    "telugu",
                             "thai",        "khmer",       "georgian", "<b>&\"it's\", $1` @x",
                             "ethiopic",    "ʻokina ᏣᎳᎩ",  "runic",    "shapes"};
enum { MADE_NAMES = sizeof made_names / sizeof *made_names };

static double noise(int64_t i)
{
    rng r = rng_new(3, "made up");
    return rng_uniform(&r, (uint64_t)i);
}

static void make(const char *path, artefact_writer *w, artefact **out)
{
    char hex[DIGEST_HEX];
    remove(path);
    assert_int_equal(artefact_create(path, w, hex), OK);
    assert_int_equal(artefact_open(path, out), OK);
}

static void add(artefact_writer *w, const char *name, variable_type type, int dims,
                const char *const *dim, const void *data)
{
    variable v = {
        .name = name, .type = type, .dims = dims, .long_name = name, .units = "1", .data = data};
    for (int i = 0; i < dims; i++)
        v.dim[i] = dim[i];
    assert_int_equal(artefact_variable(w, &v), OK);
}

#define DIMS(...)                                                                                  \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

enum { MADE_MOST = 100, MADE_PROBES = 6, MADE_PRUNED_LAYERS = 8, MADE_UNITS = 10 };

// Pruning for n subsets: own ratio 1 - drop, others near 1, a cell without a base; the search for
// the third failed. Neurons lie in the last layers.
static void make_prune(const char *path, int64_t n, double drop, artefact **out)
{
    static double ratio[MADE_MOST * MADE_MOST], random[MADE_MOST * MADE_MOST];
    static double low[MADE_MOST * MADE_MOST], high[MADE_MOST * MADE_MOST];
    static double share[MADE_MOST * MADE_PROBES], seen[MADE_MOST * MADE_PROBES];
    static int8_t mask[MADE_MOST * MADE_PRUNED_LAYERS * MADE_UNITS];
    static char spare[MADE_MOST][16], *name[MADE_MOST];
    double fraction[MADE_MOST], base[MADE_MOST];
    int64_t pruned[MADE_MOST], samples[MADE_MOST];
    int32_t reached[MADE_MOST];
    for (int64_t f = 0; f < n; f++) {
        snprintf(spare[f], sizeof spare[f], "class %03d", (int)f);
        name[f] = f < MADE_NAMES ? made_names[f] : spare[f];
        fraction[f] = 0.1 + 0.3 * drop * noise(f);
        pruned[f] = (int64_t)(fraction[f] * 4608);
        reached[f] = f != 2;
        base[f] = 0.9;
        samples[f] = 100 + f;
        for (int64_t s = 0; s < n; s++) {
            double far = pow(noise(f * n + s + 100), 3);
            ratio[f * n + s] = f == s ? 1 - drop - 0.02 * noise(s) : 1.01 - far * drop * 0.7;
            random[f * n + s] = 1 - 0.3 * drop * noise(f * n + s + 1000);
            low[f * n + s] = base[f] * (ratio[f * n + s] - 0.05);
            high[f * n + s] = base[f] * (ratio[f * n + s] + 0.05);
        }
        for (int64_t i = 0; i < MADE_PROBES; i++) {
            share[f * MADE_PROBES + i] = fraction[f] * (1 + pow(-0.5, (double)i));
            seen[f * MADE_PROBES + i] = base[f] * (1 - drop * (1 + pow(-0.5, (double)i)));
        }
        for (int64_t i = 0; i < MADE_PRUNED_LAYERS * MADE_UNITS; i++)
            mask[f * MADE_PRUNED_LAYERS * MADE_UNITS + i] =
                noise(f * 1000 + i) * MADE_PRUNED_LAYERS < (double)(i / MADE_UNITS);
    }
    ratio[1] = random[1] = NAN;
    artefact_writer *w;
    assert_int_equal(artefact_writer_new(&w), OK);
    assert_int_equal(artefact_dim(w, "forget", n), OK);
    assert_int_equal(artefact_dim(w, "subset", n), OK);
    assert_int_equal(artefact_dim(w, "probe", MADE_PROBES), OK);
    assert_int_equal(artefact_dim(w, "layer", MADE_PRUNED_LAYERS), OK);
    assert_int_equal(artefact_dim(w, "unit", MADE_UNITS), OK);
    add(w, "forget", VARIABLE_TEXT, 1, DIMS("forget"), name);
    add(w, "subset", VARIABLE_TEXT, 1, DIMS("subset"), name);
    add(w, "fraction", VARIABLE_F64, 1, DIMS("forget"), fraction);
    add(w, "pruned", VARIABLE_I64, 1, DIMS("forget"), pruned);
    add(w, "reached", VARIABLE_I32, 1, DIMS("forget"), reached);
    add(w, "ratio", VARIABLE_F64, 2, DIMS("forget", "subset"), ratio);
    add(w, "ratio_random", VARIABLE_F64, 2, DIMS("forget", "subset"), random);
    add(w, "accuracy_low", VARIABLE_F64, 2, DIMS("forget", "subset"), low);
    add(w, "accuracy_high", VARIABLE_F64, 2, DIMS("forget", "subset"), high);
    add(w, "accuracy_base", VARIABLE_F64, 1, DIMS("subset"), base);
    add(w, "samples", VARIABLE_I64, 1, DIMS("subset"), samples);
    add(w, "trace_fraction", VARIABLE_F64, 2, DIMS("forget", "probe"), share);
    add(w, "trace_accuracy", VARIABLE_F64, 2, DIMS("forget", "probe"), seen);
    add(w, "mlp_mask", VARIABLE_I8, 3, DIMS("forget", "layer", "unit"), mask);
    make(path, w, out);
    artefact_writer_free(w);
}

enum { MADE_FRACTIONS = 99, MADE_LAYERS = 12 };

// Overlaps of n subsets at 1% to 99%; `level` is how far above chance. With `auc` also areas,
// `height` above chance.
static inline void make_intersect(const char *path, int64_t n, double level, double height,
                                  artefact **out)
{
    static double fraction[MADE_FRACTIONS], chance[MADE_FRACTIONS], summary[5][MADE_FRACTIONS];
    static double overlap[MADE_FRACTIONS * MADE_NAMES * MADE_NAMES],
        p[MADE_FRACTIONS * MADE_NAMES * MADE_NAMES];
    static double auc[MADE_FRACTIONS * MADE_NAMES * MADE_LAYERS], auc_chance[MADE_FRACTIONS];
    static double low[MADE_FRACTIONS], high[MADE_FRACTIONS];
    static double stability[MADE_FRACTIONS * MADE_NAMES]; // 0
    static const char *const summaries[] = {"overlap_mean", "overlap_median", "overlap_std",
                                            "overlap_min", "overlap_max"};
    int64_t fractions = height > 0 ? 4 : MADE_FRACTIONS;
    for (int64_t i = 0; i < fractions; i++) {
        double f = fraction[i] = height > 0 ? 0.01 * pow(4, (double)i) : 0.01 * (double)(i + 1);
        chance[i] = f;
        for (int64_t c = 0; c < n * n; c++) {
            int64_t a = c / n, b = c % n, pair = a < b ? a * n + b : b * n + a;
            double share = f + (1 - f) * level * pow(noise(pair), 2) * sqrt(f * (2 - f));
            overlap[i * n * n + c] = a == b ? 1 : fmin(share, 1);
            p[i * n * n + c] = a == b ? NAN : pow(10, -20 * noise(pair));
        }
        for (int s = 0; s < 5; s++)
            summary[s][i] = s == 2
                                ? 0.2 * f * (1 - f)
                                : f + (1 - f) * level * sqrt(f) * (double[]){.33, .28, 0, 0, 1}[s];
        low[i] = summary[0][i] * 0.9;
        high[i] = summary[0][i] * 0.95 + 0.05;
        auc_chance[i] = 0.5 + 0.2 * sqrt(f) * (1 - f);
        for (int64_t j = 0; j < n * MADE_LAYERS; j++)
            auc[i * n * MADE_LAYERS + j] =
                auc_chance[i] + height * (0.6 + 0.4 * cos((double)(j % MADE_LAYERS) / 3)) +
                0.02 * (noise(j) - 0.5);
    }
    artefact_writer *w;
    assert_int_equal(artefact_writer_new(&w), OK);
    const char *const names[] = {"subset", "subset_a", "subset_b"};
    assert_int_equal(artefact_dim(w, "fraction", fractions), OK);
    assert_int_equal(artefact_dim(w, "layer", MADE_LAYERS), OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(artefact_dim(w, names[i], n), OK);
        add(w, names[i], VARIABLE_TEXT, 1, DIMS(names[i]), made_names);
    }
    add(w, "fraction", VARIABLE_F64, 1, DIMS("fraction"), fraction);
    add(w, "chance", VARIABLE_F64, 1, DIMS("fraction"), chance);
    add(w, "overlap", VARIABLE_F64, 3, DIMS("fraction", "subset_a", "subset_b"), overlap);
    add(w, "p_value", VARIABLE_F64, 3, DIMS("fraction", "subset_a", "subset_b"), p);
    for (int s = 0; s < 5; s++)
        add(w, summaries[s], VARIABLE_F64, 1, DIMS("fraction"), summary[s]);
    if (height == 0) { // of scores with folds
        add(w, "overlap_mean_low", VARIABLE_F64, 1, DIMS("fraction"), low);
        add(w, "overlap_mean_high", VARIABLE_F64, 1, DIMS("fraction"), high);
        add(w, "stability", VARIABLE_F64, 2, DIMS("fraction", "subset_a"), stability);
    }
    if (height > 0) {
        add(w, "auc", VARIABLE_F64, 3, DIMS("fraction", "subset", "layer"), auc);
        add(w, "auc_chance", VARIABLE_F64, 1, DIMS("fraction"), auc_chance);
    }
    make(path, w, out);
    artefact_writer_free(w);
}

#endif
