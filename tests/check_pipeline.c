// SPDX-License-Identifier: Apache-2.0
// Compares artefacts with tests/reference/pipeline.safetensors; tests/run/test_reference.sh makes
// them.
//   check_pipeline OUTPUT FIXTURE [GROUP]
// Prints one line a comparison with its difference; exit 1 when one is too large, 2 when something
// cannot be read. GROUP: only artefacts whose path begins so.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/files/safetensors.h"
#include "pipeline/store/artefact_file.h"

typedef struct check {
    const safetensors *fixture;
    const char *output, *group;
    int failures, made;
} check;

static const tensor *find(const check *c, const char *name)
{
    for (size_t i = 0; i < safetensors_count(c->fixture); i++)
        if (strcmp(safetensors_at(c->fixture, i)->name, name) == 0)
            return safetensors_at(c->fixture, i);
    fprintf(stderr, "the fixture has no %s\n", name);
    exit(2);
}

static double value(const tensor *t, size_t i)
{
    if (strcmp(t->type->name, "F32") == 0) {
        float x;
        memcpy(&x, t->bytes + i * sizeof x, sizeof x);
        return (double)x;
    }
    int32_t x;
    memcpy(&x, t->bytes + i * sizeof x, sizeof x);
    return x;
}

// The whole of a variable as float64; *n values. Owned by the caller.
static double *read_all(const check *c, const char *path, const char *name, size_t *n)
{
    char full[1024];
    artefact *a = NULL;
    variable_type type;
    int dims;
    int64_t lengths[VARIABLE_MAX_DIMS];
    snprintf(full, sizeof full, "%s/%s.nc", c->output, path);
    *n = 1;
    double *out = NULL;
    if (artefact_open(full, &a) == OK && artefact_shape(a, name, &type, &dims, lengths) == OK) {
        for (int i = 0; i < dims; i++)
            *n *= (size_t)lengths[i];
        out = malloc(*n * sizeof *out);
        if (artefact_read(a, name, VARIABLE_F64, out) != OK) {
            free(out);
            out = NULL;
        }
    }
    artefact_close(a);
    if (!out) {
        fprintf(stderr, "%s\n", status_text());
        exit(2);
    }
    return out;
}

static void verdict(check *c, const char *path, const char *name, const char *unit, double worst,
                    double allowed)
{
    bool good = worst <= allowed;
    c->made++;
    c->failures += !good;
    printf("%s %-28s %-24s %.3g%s (allowed %g)\n", good ? "ok    " : "WRONG ", path, name, worst,
           unit, allowed);
}

static bool wanted(const check *c, const char *path)
{
    return !c->group || strncmp(path, c->group, strlen(c->group)) == 0;
}

// A variable (subset, ...) against a tensor [kept subsets, ...]: the largest difference, relative
// to 1 + |expected| / scale.
static void compare_kept(check *c, const char *path, const char *name, const char *expected,
                         double allowed)
{
    size_t n;
    const tensor *t = find(c, expected), *kept = find(c, "subsets");
    double *got = read_all(c, path, name, &n), worst = 0;
    size_t plane = t->elements / kept->elements;
    for (size_t k = 0; k < kept->elements; k++)
        for (size_t i = 0; i < plane; i++) {
            double want = value(t, k * plane + i);
            double have = got[(size_t)value(kept, k) * plane + i];
            double difference = fabs(have - want) / (1 + fabs(want));
            worst = difference <= worst ? worst : difference; // NaN is the worst
        }
    free(got);
    verdict(c, path, name, "", worst, allowed);
}

// Means over all subsets, weighted by their tokens.
static void compare_pooled(check *c, const char *name, const char *expected, double allowed)
{
    size_t n, subsets;
    const char *path = "activations/all";
    const tensor *t = find(c, expected);
    double *got = read_all(c, path, name, &n), *count = read_all(c, path, "mlp_count", &subsets);
    double total = 0, worst = 0;
    for (size_t s = 0; s < subsets; s++)
        total += count[s];
    for (size_t i = 0; i < t->elements; i++) {
        double mean = 0;
        for (size_t s = 0; s < subsets; s++)
            mean += got[s * t->elements + i] * count[s] / total;
        double difference = fabs(mean - value(t, i));
        worst = difference <= worst ? worst : difference;
    }
    free(got);
    free(count);
    verdict(c, path, expected, "", worst, allowed);
}

// Row `from` of a tensor against a whole variable times `scale` (100 answers make an accuracy 1):
// the largest difference of one cell, or with `summed` the sum of all.
static void compare_row(check *c, const char *path, const char *name, const char *expected,
                        size_t from, double scale, bool summed, double allowed)
{
    size_t n;
    const tensor *t = find(c, expected);
    double *got = read_all(c, path, name, &n), worst = 0;
    for (size_t i = 0; i < n; i++) {
        double difference = fabs(got[i] * scale - value(t, from * n + i));
        difference = summed ? worst + difference : difference;
        worst = difference <= worst ? worst : difference; // NaN is the worst
    }
    free(got);
    verdict(c, path, expected, "", worst, allowed);
}

// Subsets for which the search ends elsewhere.
static void compare_ends(check *c, const char *path, const char *name, const char *expected,
                         size_t from, double allowed)
{
    size_t n;
    const tensor *t = find(c, expected);
    double *got = read_all(c, path, name, &n), differ = 0;
    for (size_t i = 0; i < n; i++)
        differ += got[i] != value(t, from * n + i);
    free(got);
    verdict(c, path, expected, " subsets", differ, allowed);
}

// Neurons that one mask has and the other has not, over all subsets of share `which`.
static void compare_masks(check *c, const char *path, size_t which, double allowed)
{
    size_t n, subsets = 20;
    const tensor *t = find(c, "mask");
    double *got = read_all(c, path, "mlp_mask", &n), differ = 0;
    const size_t neurons = n / subsets, bytes = (neurons + 7) / 8;
    for (size_t s = 0; s < subsets; s++)
        for (size_t i = 0; i < neurons; i++) {
            int bit = t->bytes[(which * subsets + s) * bytes + i / 8] >> (i % 8) & 1;
            differ += got[s * neurons + i] != bit;
        }
    free(got);
    verdict(c, path, "mask", " neurons", differ, allowed);
}

static void check_statistics(check *c)
{
    static const char *const statistic[] = {"mean_abs", "mean", "mean_square", "mean_sqrt_abs",
                                            "positive"};
    static const char *const site[] = {"mlp", "attn"};
    for (int s = 0; s < 2; s++)
        for (int k = 0; k < 5; k++) {
            char name[64], all[80];
            snprintf(name, sizeof name, "%s_%s", site[s], statistic[k]);
            snprintf(all, sizeof all, "%s_all", name);
            // A value within rounding of 0 may fire here and not there: one token is 1 / 1700.
            double allowed = k == 4 ? 0.0013 : 1e-6;
            compare_kept(c, "activations/all", name, name, allowed);
            compare_pooled(c, name, all, allowed);
        }
    compare_row(c, "activations/all", "mlp_count", "count", 0, 1, false, 0);
    compare_row(c, "activations/all", "attn_count", "count", 0, 1, false, 0);
}

static const char *const measures[] = {"abs", "rms", "std", "sqrt", "freq", "mean"};

static void check_measures(check *c, const char *step, const char *prefix, const double *allowed)
{
    for (int k = 0; k < 6; k++) {
        char path[64], expected[64];
        snprintf(path, sizeof path, "%s/measure=%s", step, measures[k]);
        snprintf(expected, sizeof expected, "%s_%s", prefix, measures[k]);
        compare_kept(c, path, "mlp_score", expected, allowed[k]);
    }
}

// The model was run in float64 there and in float32 here: of 40,000 answers a few may differ, of
// 3,072 neurons a pair of equals at the edge of a mask may change places, and a search may end
// elsewhere because of one such answer.
static void check_shares(check *c)
{
    static const char *const share[] = {"0.05", "0.1", "0.25"};
    for (size_t i = 0; i < 3; i++) {
        char path[64];
        snprintf(path, sizeof path, "share/fraction=%s", share[i]);
        if (!wanted(c, path))
            continue;
        compare_masks(c, path, i, 4);
        compare_row(c, path, "accuracy_base", "accuracy_base", 0, 100, true, 1 + 1e-9);
        compare_row(c, path, "loss_base", "loss_base", 0, 1, false, 1e-5);
        compare_row(c, path, "accuracy", "correct", i, 100, true, 4 + 1e-9);
        compare_row(c, path, "loss", "loss", i, 1, false, 1e-4);
    }
}

static void check_searches(check *c)
{
    static const char *const path[] = {"search/drop=0.5", "search/drop=0.8"};
    for (size_t i = 0; i < 2; i++) {
        if (!wanted(c, path[i]))
            continue;
        compare_ends(c, path[i], "pruned", "search_pruned", i, 2);
        compare_ends(c, path[i], "reached", "search_reached", i, 2);
    }
}

int main(int argc, char **argv)
{
    static const double corrected[] = {2e-6, 2e-6, 2e-6, 2e-6, 3e-3, 2e-6};
    static const double published[] = {2e-3, 2e-3, 2e-3, 2e-3, 2e-3, 1e-3}; // rounded to float16
    safetensors *fixture = NULL;
    if (argc < 3 || safetensors_open(argv[2], &fixture) != OK) {
        fprintf(stderr, "check_pipeline OUTPUT FIXTURE [GROUP] %s\n", status_text());
        return 2;
    }
    check c = {.fixture = fixture, .output = argv[1], .group = argc > 3 ? argv[3] : NULL};
    if (wanted(&c, "activations"))
        check_statistics(&c);
    if (wanted(&c, "scores")) {
        check_measures(&c, "scores", "score", corrected);
        compare_kept(&c, "scores/measure=abs", "attn_score", "attn_score_abs", 2e-6);
    }
    if (wanted(&c, "published"))
        check_measures(&c, "published", "published", published);
    if (wanted(&c, "others"))
        compare_kept(&c, "others/all", "mlp_score", "score_abs_others", 2e-6);
    if (wanted(&c, "names"))
        compare_kept(&c, "names/all", "mlp_score", "score_abs_names", 2e-6);
    check_shares(&c);
    check_searches(&c);
    safetensors_close(fixture);
    printf("%d of %d differ\n", c.failures, c.made);
    return c.failures > 0 || c.made == 0;
}
