// SPDX-License-Identifier: Apache-2.0
// Mixtures of experts against PyTorch: logits, which experts each token goes through and with which
// weight, statistics over the tokens that are routed to an expert, what is left when neurons or
// whole experts are pruned; from every form of file; and that none of it depends on tiles, threads
// or the tokens beside.
#include "altered.h"

#include "model/forward/largest.h"

static const struct lm_case sparse_cases[] = {
    {"lm-mixtral", LM_MODELS "lm-mixtral"},
    {"lm-mixtral", LM_MODELS "lm-mixtral-fused"},
    {"lm-mixtral-gguf", LM_MODELS "lm-mixtral-gguf"},
    {"lm-mixtral-gguf", LM_MODELS "lm-mixtral-gguf.gguf"},
    {"lm-qwen3-moe", LM_MODELS "lm-qwen3-moe"},
    {"lm-qwen3-moe", LM_MODELS "lm-qwen3-moe.gguf"},
    {"lm-olmoe", LM_MODELS "lm-olmoe"},
    {"lm-olmoe", LM_MODELS "lm-olmoe.gguf"},
};
enum { SPARSE_CASES = sizeof sparse_cases / sizeof *sparse_cases };

// What the sites say of the routing.
typedef struct routed {
    lm x;
    float *weight;    // [L, tokens, E] of the site `expert`
    uint8_t *shown;   // [L, tokens, E] at the site `mlp`
    int64_t *rows;    // [L, E]
    int wrong_blocks; // of another form than the header says
} routed;

static void watch(void *context, int64_t first, const site_block *b)
{
    routed *r = context;
    const model_info *i = r->x.info;
    const int64_t before = (int64_t)b->layer * r->x.tokens + first, n = i->experts;
    for (int64_t row = 0; b->site == SITE_EXPERT && row < b->rows; row++)
        memcpy(r->weight + (before + row) * n, b->x + row * b->stride, (size_t)n * sizeof(float));
    if (b->site != SITE_MLP) {
        r->wrong_blocks += b->row != NULL;
        return;
    }
    const int e = b->first_neuron / i->d_expert;
    const bool one = (b->first_neuron + b->neurons - 1) / i->d_expert == e;
    r->wrong_blocks += !b->row || b->rows < 1 || !one;
    for (int64_t row = 0; row < b->rows; row++) {
        r->wrong_blocks += row > 0 && b->row[row] <= b->row[row - 1];
        r->shown[(before + b->row[row]) * n + e] = 1;
    }
    if (b->first_neuron % i->d_expert == 0)
        r->rows[b->layer * n + e] += b->rows;
}

static void open_case(routed *r, compute c, int i)
{
    *r = (routed){0};
    lm_open_in(&r->x, c, sparse_cases[i].name, sparse_cases[i].model);
    const model_info *info = r->x.info;
    const size_t n = (size_t)info->layers * (size_t)r->x.tokens * (size_t)info->experts;
    r->weight = calloc(n, sizeof *r->weight);
    r->shown = calloc(n, 1);
    r->rows = calloc((size_t)info->layers * (size_t)info->experts, sizeof *r->rows);
    r->x.watch = watch;
    r->x.context = r;
}

static void close_case(routed *r)
{
    free(r->weight);
    free(r->shown);
    free(r->rows);
    lm_close(&r->x);
}

static void test_shape(void **state)
{
    (void)state;
    routed r;
    open_case(&r, COMPUTE_F32, 4);
    const model_info *i = r.x.info;
    assert_int_equal(i->experts, 9);
    assert_int_equal(i->experts_per_token, 3);
    assert_int_equal(i->d_expert, 21);
    assert_int_equal(i->d_mlp, 9 * 21);
    assert_int_equal(model_site_width(i, SITE_EXPERT), 9);
    model_info dense = *i; // as wide as what a token goes through
    dense.experts = 0;
    dense.d_mlp = 3 * 21;
    const double router = 2.0 * 28 * 9 * 60 * i->layers;
    assert_true(fabs(model_operations(i, 3, 60) - model_operations(&dense, 3, 60) - router) < 1);
    const int64_t layer = 28 * (40 + 20 + 20 + 40) + 2 * 28 + 2 * 10 + 9 * 28 + 9 * 3 * 21 * 28;
    assert_int_equal(i->parameters, 3 * layer + 2 * 51 * 28 + 28);
    close_case(&r);
}

// One sample a tile, all in one; on one thread, on three: the same bits too.
static void test_logits(void **state)
{
    (void)state;
    for (int i = 0; i < SPARSE_CASES; i++) {
        routed r;
        open_case(&r, COMPUTE_F32, i);
        lm *x = &r.x;
        const size_t n = (size_t)(x->tokens * x->columns);
        float *first = malloc(n * sizeof *first);
        assert_ok(lm_run(x));
        const double off = lm_distance(x, "logits");
        print_message("%s: logits within %.1e\n", sparse_cases[i].model, off);
        assert_true(off < 1e-4);
        memcpy(first, x->logits, n * sizeof *first);
        for (int way = 0; way < 3; way++) {
            x->tile_samples = way == 0 ? x->samples : 2;
            x->threads = 1 + way;
            x->read = way == 2;
            assert_ok(lm_run(x));
            assert_true(lm_distance(x, "logits") < 1e-4);
            if (products_own(products_best(products_float32()), products_float32()))
                assert_memory_equal(x->logits, first, n * sizeof *first);
        }
        for (int64_t t = 0; t < x->tokens; t++)
            if (lm_ints(x, "rank")[t] >= 0)
                assert_true(fabs((double)x->answers[t].loss - (double)lm_reals(x, "loss")[t]) <
                            1e-4);
        free(first);
        close_case(&r);
    }
}

// The largest difference of the weights from the fixture's; *other: tokens that are routed, or
// shown, to other experts.
static double routing_distance(const routed *r, int *other)
{
    const model_info *i = r->x.info;
    const int64_t places = (int64_t)i->layers * r->x.tokens;
    const int n = i->experts, k = i->experts_per_token;
    double most = 0;
    *other = 0;
    for (int64_t at = 0; at < places; at++) {
        const float *own = r->weight + at * n, *want = lm_reals(&r->x, "weight") + at * n;
        const int32_t *chosen = lm_ints(&r->x, "chosen") + at * k;
        int next = 0;
        bool same = true;
        for (int e = 0; e < n; e++) {
            const bool routed_there = next < k && chosen[next] == e;
            next += routed_there;
            most = fmax(most, fabs((double)own[e] - (double)want[e]));
            same = same && (own[e] > 0) == routed_there && r->shown[at * n + e] == routed_there;
        }
        *other += !same;
    }
    return most;
}

static void test_routing(void **state)
{
    (void)state;
    for (int i = 0; i < SPARSE_CASES; i++) {
        routed r;
        int other;
        open_case(&r, COMPUTE_F32, i);
        r.x.read = true;
        r.x.tile_samples = 2;
        assert_ok(lm_run(&r.x));
        const double off = routing_distance(&r, &other);
        print_message("%s: weights within %.1e\n", sparse_cases[i].model, off);
        assert_true(off < 1e-5);
        assert_int_equal(other, 0);
        assert_int_equal(r.wrong_blocks, 0);
        for (int at = 0; at < r.x.info->layers * r.x.info->experts; at++)
            assert_int_equal(r.rows[at], lm_ints(&r.x, "expert_rows")[at]);
        const int32_t chosen = lm_ints(&r.x, "chosen")[7]; // the twin
        r.weight[7 / r.x.info->experts_per_token * r.x.info->experts + chosen] = 0;
        assert_true(routing_distance(&r, &other) > 1e-3);
        assert_int_equal(other, 1);
        close_case(&r);
    }
}

// The largest difference of a statistic's mean from the fixture's, relative to its largest value:
// of neurons over the tokens that their expert has, NaN where it has none.
static double statistics_distance(const routed *r)
{
    double most = 0;
    const lm *x = &r->x;
    for (site s = 0; s < SITES; s++) {
        const size_t width = (size_t)model_site_width(x->info, s);
        const size_t n = (size_t)x->info->layers * width;
        for (int k = 0; k < LM_STATISTICS; k++) {
            char name[64];
            snprintf(name, sizeof name, "%s_%s", site_names[s], lm_statistic_names[k]);
            assert_int_equal(lm_expected(x, name)->elements, n);
            double largest = 1e-9, off = 0;
            for (size_t u = 0; u < n; u++) {
                const size_t expert = u / (size_t)x->info->d_expert;
                const double rows = s == SITE_MLP ? (double)r->rows[expert] : (double)x->tokens;
                const double want = (double)lm_reals(x, name)[u];
                if (isnan(want) != (rows == 0))
                    return INFINITY;
                if (rows == 0)
                    continue;
                largest = fmax(largest, fabs(want));
                off = fmax(off, fabs(x->sums[s][(size_t)k * n + u] / rows - want));
            }
            most = fmax(most, off / largest);
        }
    }
    return most;
}

static void test_statistics(void **state)
{
    (void)state;
    for (int i = 0; i < SPARSE_CASES; i++) {
        routed r;
        open_case(&r, COMPUTE_F32, i);
        r.x.read = true;
        r.x.threads = 2;
        assert_ok(lm_run(&r.x));
        const double off = statistics_distance(&r);
        print_message("%s: statistics within %.1e\n", sparse_cases[i].model, off);
        assert_true(off < 1e-4);
        r.rows[0]++; // the twin: one token more than are routed
        assert_true(statistics_distance(&r) > 1e-3);
        close_case(&r);
    }
}

// The distance from `name` with these neurons pruned, the sites read or not.
static double pruned_distance(routed *r, const uint8_t *const pruned[SITES], bool read,
                              const char *name)
{
    model_mask *mask = NULL;
    lm *x = &r->x;
    assert_ok(model_mask_new(x->m, NULL, pruned, &mask));
    x->mask = mask;
    x->read = read;
    x->tile_samples = 2;
    memset(r->rows, 0, (size_t)(x->info->layers * x->info->experts) * sizeof *r->rows);
    assert_ok(lm_run(x));
    x->mask = NULL;
    model_mask_free(mask);
    return lm_distance(x, name);
}

static void test_pruned(void **state)
{
    (void)state;
    for (int i = 0; i < SPARSE_CASES; i++) {
        routed r;
        open_case(&r, COMPUTE_F32, i);
        const uint8_t *mlp = lm_expected(&r.x, "mask_mlp")->bytes;
        const uint8_t *attn = lm_expected(&r.x, "mask_attn")->bytes;
        const uint8_t *expert = lm_expected(&r.x, "mask_expert")->bytes;
        const uint8_t *const units[SITES] = {mlp, attn, NULL};
        const uint8_t *const experts[SITES] = {NULL, NULL, expert};
        const uint8_t *const twin[SITES] = {mlp, NULL, NULL};
        for (int read = 0; read < 2; read++) {
            assert_true(pruned_distance(&r, units, read, "logits_masked") < 1e-4);
            assert_true(pruned_distance(&r, experts, read, "logits_experts") < 1e-4);
            assert_true(pruned_distance(&r, twin, read, "logits_masked") > 1e-3);
            assert_true(pruned_distance(&r, (const uint8_t *[SITES]){0}, read, "logits_experts") >
                        1e-3);
        }
        // A pruned expert is not shown, and its weight is 0.
        memset(r.weight, 0, (size_t)r.x.tokens * sizeof *r.weight);
        pruned_distance(&r, experts, true, "logits_experts");
        const model_info *info = r.x.info;
        for (int at = 0; at < info->layers * info->experts; at++) {
            double sum = r.x.sums[SITE_EXPERT][at];
            assert_true(!expert[at] || (r.rows[at] == 0 && sum == 0));
        }
        close_case(&r);
    }
}

// What is left without an expert is the same whether its neurons are left out, set to zero, or it is
// pruned itself.
static void check_whole_expert(compute c)
{
    routed r;
    open_case(&r, c, 0);
    const model_info *i = r.x.info;
    const int n = i->d_mlp * i->layers;
    uint8_t *mlp = calloc((size_t)n, 1);
    uint8_t *expert = calloc((size_t)(i->layers * i->experts), 1);
    expert[1] = expert[i->experts + 3] = 1;
    for (int u = 0; u < n; u++)
        mlp[u] = expert[u / i->d_expert];
    const uint8_t *const units[SITES] = {mlp, NULL, NULL}, *const experts[SITES] = {0, 0, expert};
    pruned_distance(&r, units, false, "logits");
    const size_t bytes = (size_t)(r.x.tokens * r.x.columns) * sizeof(float);
    float *left_out = malloc(bytes);
    memcpy(left_out, r.x.logits, bytes);
    pruned_distance(&r, experts, false, "logits");
    assert_memory_equal(left_out, r.x.logits, bytes);
    pruned_distance(&r, units, true, "logits");
    assert_memory_equal(left_out, r.x.logits, bytes);
    assert_true(r.rows[1] > 0); // its neurons are shown, as zeros
    free(left_out);
    free(mlp);
    free(expert);
    close_case(&r);
}

static void test_a_whole_expert(void **state)
{
    (void)state;
    check_whole_expert(COMPUTE_F32);
    if (products_check(PACKING_BF16) == OK)
        check_whole_expert(COMPUTE_BF16);
}

// How far the logits are from the fixture's, as a share of their spread.
static double off_by_share(const lm *x, const char *name)
{
    double sum = 0, squares = 0;
    for (int64_t at = 0; at < x->tokens * x->columns; at++) {
        const double want = (double)lm_reals(x, name)[at];
        sum += pow((double)x->logits[at] - want, 2);
        squares += want * want;
    }
    return sqrt(sum / squares);
}

// In bf16 too: as near float32's as PyTorch's own bf16 is (0.015 to 0.10), and the same bits for
// every tile and thread.
static void test_bf16(void **state)
{
    (void)state;
    if (products_check(PACKING_BF16) != OK) {
        print_message("skipped: %s\n", status_text());
        skip();
    }
    for (int i = 0; i < SPARSE_CASES; i++) {
        routed r;
        open_case(&r, COMPUTE_BF16, i);
        const uint8_t *const units[SITES] = {lm_expected(&r.x, "mask_mlp")->bytes,
                                             lm_expected(&r.x, "mask_attn")->bytes, NULL};
        const size_t bytes = (size_t)(r.x.tokens * r.x.columns) * sizeof(float);
        float *first = malloc(bytes);
        assert_ok(lm_run(&r.x));
        memcpy(first, r.x.logits, bytes);
        const double off = off_by_share(&r.x, "logits");
        print_message("%s in bf16: logits off by %.3f\n", sparse_cases[i].model, off);
        assert_true(off < 0.06 && off > 1e-4);
        r.x.tile_samples = 2;
        r.x.threads = 2;
        r.x.read = true;
        assert_ok(lm_run(&r.x));
        assert_memory_equal(first, r.x.logits, bytes);
        for (int read = 0; read < 2; read++) {
            pruned_distance(&r, units, read, "logits_masked");
            assert_true(off_by_share(&r.x, "logits_masked") < 0.1);
        }
        assert_true(off_by_share(&r.x, "logits") > 0.2); // the twin
        free(first);
        close_case(&r);
    }
}

static int by_number(const void *a, const void *b)
{
    const int32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

// Rows with equal values whose choice is not torch.topk's; `lower`: by the lower index, the twin.
static int other_choices(const safetensors *s, bool lower)
{
    int other = 0;
    for (size_t i = 0; i + 1 < safetensors_count(s); i += 2) { // N.K.chosen, then N.K.values
        const tensor *chosen = safetensors_at(s, i), *values = safetensors_at(s, i + 1);
        const int rows = (int)values->shape[0], n = (int)values->shape[1];
        const int k = (int)chosen->shape[1];
        for (int row = 0; row < rows; row++) {
            const float *x = (const float *)(const void *)values->bytes + row * n;
            const int32_t *want = (const int32_t *)(const void *)chosen->bytes + row * k;
            ranked_value v[256];
            int32_t own[256] = {0};
            for (int j = 0; j < n; j++)
                v[j] = (ranked_value){x[j] - (lower ? 1e-3f * (float)j : 0), j};
            largest_choose(v, n, k);
            for (int j = 0; j < k; j++)
                own[j] = v[j].index;
            qsort(own, (size_t)k, sizeof *own, by_number);
            other += memcmp(own, want, (size_t)k * sizeof *own) != 0;
        }
    }
    return other;
}

static void test_ties(void **state)
{
    (void)state;
    safetensors *s = NULL;
    assert_ok(safetensors_open("tests/reference/topk.safetensors", &s));
    assert_int_equal(other_choices(s, false), 0);
    assert_true(other_choices(s, true) > 100);
    safetensors_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape),   cmocka_unit_test(test_logits),
        cmocka_unit_test(test_routing), cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_pruned),  cmocka_unit_test(test_a_whole_expert),
        cmocka_unit_test(test_bf16),    cmocka_unit_test(test_ties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
