// SPDX-License-Identifier: Apache-2.0
// The norms of neurons' output weights against PyTorch's (tests/reference/make_norms.py), of each way
// in which files hold the projections, and of the same models as GGUF; with other layers and sites
// taken for them as the fault.
#include "lm_fixture.h"

#include "model/kernels/products.h"

static const struct norms_case {
    const char *name, *model;
    double near; // relative
} cases[] = {
    {"lm-llama", LM_MODELS "lm-llama", 1e-7},
    {"lm-llama", LM_MODELS "lm-llama.gguf", 1e-7},
    {"lm-gpt2", LM_MODELS "lm-gpt2", 1e-7},
    {"lm-gpt2", LM_MODELS "lm-gpt2-bare", 1e-7},
    {"lm-gpt2", LM_MODELS "lm-gpt2.gguf", 1e-7},
    {"lm-neox", LM_MODELS "lm-neox", 1e-7},
    {"lm-phi3", LM_MODELS "lm-phi3", 1e-7},
    {"lm-gemma2", LM_MODELS "lm-gemma2", 1e-7},
    {"lm-bert", LM_MODELS "lm-bert", 1e-7},
    {"lm-mixtral", LM_MODELS "lm-mixtral", 1e-7},
    {"lm-mixtral", LM_MODELS "lm-mixtral-fused", 1e-7},
    {"lm-qwen3-moe", LM_MODELS "lm-qwen3-moe", 1e-7},
    {"lm-qwen3-moe", LM_MODELS "lm-qwen3-moe.gguf", 1e-7},
    {"dinov2", LM_MODELS "dinov2", 1e-7},
};

enum { MOST = 4096 };

// How many of a model's norms are not PyTorch's; with the fault, those of the layer before (of the
// first: the last). *seen: how many there are.
static int wrong_norms(const struct norms_case *of, const model *m, bool fault, int *seen)
{
    const model_info *info = model_get_info(m);
    char name[64], where[16];
    int layer, n, wrong = 0;
    double want, got[MOST];
    FILE *f = fopen("tests/reference/norms.txt", "r");
    assert_non_null(f);
    *seen = 0;
    while (fscanf(f, "%63s %15s %d %d", name, where, &layer, &n) == 4) {
        const bool own = strcmp(name, of->name) == 0;
        site s = 0;
        while (strcmp(site_names[s], where) != 0)
            s++;
        if (own) {
            assert_true(n == model_site_width(info, s) && n <= MOST);
            layer = fault ? (layer + info->layers - 1) % info->layers : layer;
            assert_ok(model_output_norms(m, s, layer, got));
        }
        for (int i = 0; i < n; i++) {
            assert_int_equal(fscanf(f, "%lf", &want), 1);
            wrong += own && !(fabs(got[i] - want) <= of->near * want);
            *seen += own;
        }
    }
    fclose(f);
    return wrong;
}

static void norms_are_pytorchs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct norms_case *c = &cases[i];
        model *m = NULL;
        int seen;
        // Of every other one packed as bf16, where the CPU has it.
        const bool half = i % 2 && products_check(PACKING_BF16) == OK;
        assert_ok(model_open(
            &(model_options){.path = c->model, .compute = half ? COMPUTE_BF16 : COMPUTE_F32}, NULL,
            &m));
        if (wrong_norms(c, m, false, &seen) != 0 || seen == 0)
            fail_msg("%s: norms are not those of PyTorch", c->model);
        if (wrong_norms(c, m, true, &seen) < seen / 2)
            fail_msg("%s: another layer's norms did not show", c->model);
        model_close(m);
    }
}

// N(0, 0.02) in 128 outputs: 0.02 √128 each, within what chance does to 512 of them; of a seed the
// same, of another others.
static void norms_of_drawn_weights(void **state)
{
    (void)state;
    enum { NEURONS = 512, OUTPUTS = 128 };
    double norm[3][NEURONS], mean = 0;
    for (int i = 0; i < 3; i++) {
        model *m = NULL;
        assert_ok(model_open(&(model_options){.path = "examples/vit-glyph100",
                                              .random = true,
                                              .seed = i < 2 ? 7 : 8},
                             NULL, &m));
        assert_ok(model_output_norms(m, SITE_MLP, 3, norm[i]));
        model_close(m);
    }
    for (int i = 0; i < NEURONS; i++) {
        assert_true(norm[0][i] == norm[1][i]);
        assert_true(norm[0][i] != norm[2][i]);
        mean += norm[0][i] / NEURONS;
    }
    const double expected = 0.02 * sqrt(OUTPUTS); // less 1/(4 n) of it
    assert_true(fabs(mean / expected - 1 + 1.0 / (4 * OUTPUTS)) <
                5 / sqrt(2.0 * OUTPUTS * NEURONS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_are_pytorchs),
        cmocka_unit_test(norms_of_drawn_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
