// SPDX-License-Identifier: Apache-2.0
// Drawn weights of every family against the frameworks' own draws (tests/reference/make_draws.py):
// mean, spread and largest magnitude of each tensor.
#include "altered.h"

#include "model/forward/state.h"

// What ten draws of a framework are like.
typedef struct moments_of {
    double mean, spread, most;
} moments_of;

static bool find_moments(const char *fixture, const char *wanted, moments_of *out)
{
    char line[512], own[64], name[160];
    bool found = false;
    FILE *list = fopen("tests/reference/draws.txt", "r");
    assert_non_null(list);
    while (!found && fgets(line, sizeof line, list))
        found = sscanf(line, "%63s %159s %lf %lf %lf", own, name, &out->mean, &out->spread,
                       &out->most) == 5 &&
                strcmp(own, fixture) == 0 && strcmp(name, wanted) == 0;
    fclose(list);
    return found;
}

// Are n values drawn like that? The spread of n normal numbers is off by 1 / √2n of itself.
static bool is_alike(const float *x, size_t n, const moments_of *want)
{
    double sum = 0, squares = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i];
        most = fmax(most, fabs((double)x[i]));
    }
    const double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += ((double)x[i] - mean) * ((double)x[i] - mean);
    const double spread = sqrt(squares / (double)n);
    if (want->spread == 0)
        return spread == 0 && mean == want->mean;
    return fabs(mean - want->mean) < 5 * want->spread / sqrt((double)n) &&
           fabs(spread / want->spread - 1) < 5 / sqrt(2 * (double)n) && most < 1.4 * want->most &&
           (n < 500 || most > 0.6 * want->most);
}

// Compares the globals and the last layer; `factor` is what the draws are multiplied by. Returns how
// many are not alike.
static int compare(const char *fixture, double factor, int *seen)
{
    char folder[128];
    model *m = NULL;
    weights *w = NULL;
    weight_source *source = NULL;
    int wrong = 0;
    snprintf(folder, sizeof folder, LM_MODELS "%s", fixture);
    assert_ok(model_open(&(model_options){.path = folder, .light = true}, NULL, &m));
    const tensor_table *table = m->arch->tensors;
    assert_ok(weight_source_open(folder, &source)); // what its files call the tensors
    assert_ok(weights_open(&m->config, table, NULL, 7, 1, PACKING_NONE, NULL, &w));
    for (int l = -1; l < m->config.info.layers; l += m->config.info.layers)
        for (int i = 0; i < (l < 0 ? table->n_globals : table->n_layer); i++) {
            tensor_slot slot;
            moments_of want;
            assert_ok(tensor_slot_find(&m->config, table, source, (tensor_place){l, i, 0}, &slot));
            if (!slot.from)
                continue;
            if (!find_moments(fixture, slot.from->name, &want))
                fail_msg("%s: %s is not among the draws", fixture, slot.from->name);
            want.mean += slot.layout == LAYOUT_PLUS_ONE;
            const float *at = l < 0 ? weights_global(w, i) : weights_layer(w, l, i);
            float *x = malloc(slot.elements * sizeof *x);
            for (size_t k = 0; k < slot.elements; k++)
                x[k] = (float)((double)at[k] * factor);
            (*seen)++;
            if (!is_alike(x, slot.elements, &want)) {
                wrong++;
                if (factor == 1)
                    print_message("%s: %s is drawn otherwise\n", fixture, slot.from->name);
            }
            free(x);
        }
    weights_close(w);
    weight_source_close(source);
    model_close(m);
    return wrong;
}

static const char *const fixtures[] = {
    "lm-llama",       "lm-mistral",     "lm-qwen2",     "lm-qwen3",         "lm-gpt2",
    "lm-neox",        "lm-neox-serial", "lm-olmo2",     "lm-olmo3",         "lm-gemma",
    "lm-gemma2",      "lm-gemma3",      "lm-phi",       "lm-phi3",          "lm-opt",
    "lm-opt-350m",    "vit-rect",       "deit",         "deit-teacher",     "timm-vit",
    "timm-distilled", "dinov2",         "dinov2-giant", "dinov2-resampled", "clip",
    "clip-vision",    "siglip",
};
enum { FIXTURES = sizeof fixtures / sizeof *fixtures };

static void test_drawn(void **state)
{
    (void)state;
    int seen = 0, wrong = 0;
    for (int i = 0; i < FIXTURES; i++)
        wrong += compare(fixtures[i], 1, &seen);
    print_message("%d tensors\n", seen);
    assert_true(seen > 400);
    assert_int_equal(wrong, 0);
}

// The twin: what is drawn half as large again is seen in every tensor that has a spread.
static void test_a_fault_shows(void **state)
{
    (void)state;
    int seen = 0;
    for (int i = 0; i < FIXTURES; i++)
        assert_true(compare(fixtures[i], 1.5, &seen) >= 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drawn),
        cmocka_unit_test(test_a_fault_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
