// SPDX-License-Identifier: Apache-2.0
// Language models on a device that is played in naive loops, against PyTorch: logits, answers,
// statistics, pruned neurons, of every family; bits that depend neither on the size of batches nor on
// what else is in them; what a device's faults become.
#include "altered.h"
#include "device_sums.h"

#include "model/device/device_model.h"
#include "model/forward/state.h"
#include "naive_device.h"

// What the families that are tested have: those of lm_cases and the sparse ones, of safetensors.
static const char *const sparse_names[] = {"lm-mixtral", "lm-qwen3-moe", "lm-olmoe"};
enum { SPARSE_NAMES = sizeof sparse_names / sizeof *sparse_names };
enum { DEVICE_CASES = LM_CASES + SPARSE_NAMES };

// Opens a case; false for files of other forms, which are the same model.
static bool open_case(lm *x, compute c, int i)
{
    char path[128];
    if (i < LM_CASES && strstr(lm_cases[i].model, ".gguf"))
        return false;
    snprintf(path, sizeof path, LM_MODELS "%s", i < LM_CASES ? "" : sparse_names[i - LM_CASES]);
    if (i < LM_CASES)
        lm_open_in(x, c, lm_cases[i].name, lm_cases[i].model);
    else
        lm_open_in(x, c, sparse_names[i - LM_CASES], path);
    return true;
}

static void check_answers(const lm *x)
{
    const int32_t *rank = lm_ints(x, "rank");
    for (int64_t t = 0; t < x->tokens; t++) {
        if (rank[t] < 0)
            continue;
        const int32_t told_apart = rank[t] < PREDICTION_RANKS ? rank[t] : PREDICTION_RANKS;
        assert_int_equal(x->answers[t].rank, told_apart);
        assert_true(fabs((double)x->answers[t].loss - (double)lm_reals(x, "loss")[t]) < 1e-4);
        if (rank[t] == 0)
            assert_int_equal(x->answers[t].top1, lm_target(x, t));
    }
}

// The largest difference of a statistic's mean from the fixture's, relative to its largest value.
static double statistics_distance(const lm *x)
{
    double most = 0;
    for (site s = 0; s < SITE_EXPERT; s++) {
        const size_t n = (size_t)x->info->layers * (size_t)model_site_width(x->info, s);
        for (int k = 0; k < LM_STATISTICS; k++) {
            char name[64];
            snprintf(name, sizeof name, "%s_%s", site_names[s], lm_statistic_names[k]);
            double largest = 1e-9, off = 0;
            for (size_t u = 0; u < n; u++) {
                const double mean = x->sums[s][(size_t)k * n + u] / (double)x->tokens;
                largest = fmax(largest, fabs((double)lm_reals(x, name)[u]));
                off = fmax(off, fabs(mean - (double)lm_reals(x, name)[u]));
            }
            most = fmax(most, off / largest);
        }
    }
    return most;
}

static void test_families(void **state)
{
    (void)state;
    lm_device = naive_device(NULL);
    for (int i = 0; i < DEVICE_CASES; i++) {
        lm x;
        if (!open_case(&x, COMPUTE_F32, i))
            continue;
        assert_ok(lm_run(&x)); // the last layer keeps the scored rows only
        const double off = lm_distance(&x, "logits");
        print_message("%d: logits within %.1e\n", i, off);
        assert_true(off < 1e-4);
        check_answers(&x);
        x.read = true;
        x.tile_samples = 2;
        x.threads = 3;
        assert_ok(lm_run(&x));
        assert_true(lm_distance(&x, "logits") < 1e-4);
        check_answers(&x);
        if (x.info->experts == 0)
            assert_true(statistics_distance(&x) < 1e-4);
        lm_close(&x);
    }
}

// Integers do not depend on what is in a batch, nor on the order of tiles; and are those of the rows
// that readers are shown.
static void test_sums(void **state)
{
    (void)state;
    static const char *const names[] = {"lm-llama", "lm-mixtral", "lm-bert", "lm-gemma3"};
    static const naive_faults forgetful = {.forgets_sum = true};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (compute c = COMPUTE_F32; c <= COMPUTE_TF32; c++) {
            sums a, b;
            lm_device = naive_device(NULL);
            sums_open(&a, c, names[i]);
            sums_open(&b, c, names[i]);
            forward f = pass_of(&a), g = pass_of(&b);
            assert_ok(run_in(&a, &f, 1)); // a tile each
            assert_true(a.rows[SITE_ATTN][0] == a.x.tokens);
            assert_ok(run_in(&b, &g, 0));
            assert_true(sums_equal(&a, &b));
            b.backwards = true;
            assert_ok(run_in(&b, &g, 0));
            assert_true(sums_equal(&a, &b));
            g.totals = NULL;
            g.read = add_blocks;
            assert_ok(run_in(&b, &g, 0));
            assert_true(sums_equal(&a, &b));
            naive_device(&forgetful); // the twin
            assert_ok(run_in(&a, &f, 0));
            assert_false(sums_equal(&a, &b));
            sums_close(&a);
            sums_close(&b);
        }
}

// Of rows that are left out, a sample at a time.
static void test_skipped(void **state)
{
    (void)state;
    sums a, b;
    lm_device = naive_device(NULL);
    sums_open(&a, COMPUTE_F32, "lm-mixtral");
    sums_open(&b, COMPUTE_F32, "lm-mixtral");
    a.x.tile_samples = 2;
    forward f = pass_of(&a), g = pass_of(&b);
    f.firing_words = g.firing_words = 0;
    f.skip_first = g.skip_first = 3;
    assert_ok(run_in(&a, &f, 0));
    assert_ok(run_in(&b, &g, 1)); // tiles of one sample
    assert_true(sums_equal(&a, &b));
    int64_t left = 0;
    for (int64_t i = 0; i < a.x.samples; i++)
        left += a.x.first[i + 1] - a.x.first[i] > 3 ? a.x.first[i + 1] - a.x.first[i] - 3 : 0;
    assert_int_equal(a.rows[SITE_ATTN][0], left);
    g.skip_first = 0; // the twin
    assert_ok(run_in(&b, &g, 1));
    assert_false(sums_equal(&a, &b));
    sums_close(&a);
    sums_close(&b);
}

static void test_pruned(void **state)
{
    (void)state;
    lm_device = naive_device(NULL);
    for (int i = 0; i < DEVICE_CASES; i++) {
        lm x;
        if (!open_case(&x, COMPUTE_F32, i))
            continue;
        const uint8_t *pruned[SITES] = {lm_expected(&x, "mask_mlp")->bytes,
                                        lm_expected(&x, "mask_attn")->bytes};
        model_mask *mask = NULL;
        assert_ok(model_mask_new(x.m, NULL, pruned, &mask));
        x.mask = mask;
        assert_ok(lm_run(&x));
        assert_true(lm_distance(&x, "logits_masked") < 1e-4);
        model_mask_free(mask);
        pruned[SITE_ATTN] = NULL; // the twin
        assert_ok(model_mask_new(x.m, NULL, pruned, &mask));
        x.mask = mask;
        assert_ok(lm_run(&x));
        assert_true(lm_distance(&x, "logits_masked") > 1e-3);
        model_mask_free(mask);
        lm_close(&x);
    }
}

static status set_pruned(void *context, int64_t index, int thread, const tile *t,
                         const site_block *block, const int32_t *neuron, int n, float *x)
{
    (void)index, (void)thread, (void)t;
    const sums *s = context;
    for (int64_t r = 0; r < block->rows; r++)
        for (int j = 0; j < n; j++)
            x[r * block->stride + neuron[j] - block->first_neuron] = (float)s->set;
    return OK;
}

static status keep_logits(void *context, int64_t index, int thread, const tile *t, int64_t row,
                          const float *logits)
{
    sums *s = context;
    return lm_logits(&s->x, index, thread, t, row, logits);
}

// Pruned neurons may become anything: on a device what they become on a CPU.
static void test_ablated(void **state)
{
    (void)state;
    sums on[2];
    for (int k = 0; k < 2; k++) {
        lm_device = k ? naive_device(NULL) : NULL;
        sums_open(&on[k], COMPUTE_F32, "lm-mixtral");
        on[k].set = 0.25;
        const uint8_t *pruned[SITES] = {lm_expected(&on[k].x, "mask_mlp")->bytes,
                                        lm_expected(&on[k].x, "mask_attn")->bytes};
        model_mask *mask = NULL;
        assert_ok(model_mask_new_ablated(on[k].x.m, pruned, &mask));
        forward f = pass_of(&on[k]);
        f.read = NULL;
        f.totals = NULL;
        f.mask = mask;
        f.ablate = set_pruned;
        f.logits = keep_logits;
        on[k].x.whole = true;
        assert_ok(model_forward(on[k].x.m, NULL, &f));
        model_mask_free(mask);
    }
    double off = 0, moved = lm_distance(&on[1].x, "logits_masked");
    for (int64_t i = 0; i < on[0].x.tokens * on[0].x.columns; i++)
        off = fmax(off, fabs((double)on[0].x.logits[i] - (double)on[1].x.logits[i]));
    assert_true(off < 1e-4);
    assert_true(moved > 1e-3); // as 0 they would make that
    sums_close(&on[0]);
    sums_close(&on[1]);
}

// What a pass keeps, and another one begins with.
typedef struct kept {
    sums *s;
    float *hidden; // [tokens, H]
} kept;

static status load_kept(void *context, int64_t index, int thread, tile *t)
{
    return lm_load(&((kept *)context)->s->x, index, thread, t);
}

static float *hidden_of(const kept *k, int64_t index)
{
    const lm *x = &k->s->x;
    return k->hidden + x->first[index * x->tile_samples] * x->info->hidden_size;
}

static status put_hidden(void *context, int64_t index, int thread, const tile *t,
                         const float *hidden)
{
    (void)thread;
    const kept *k = context;
    memcpy(hidden_of(k, index), hidden,
           (size_t)(t->rows * k->s->x.info->hidden_size) * sizeof *hidden);
    return OK;
}

static status get_hidden(void *context, int64_t index, int thread, const tile *t, float *hidden)
{
    (void)thread;
    const kept *k = context;
    memcpy(hidden, hidden_of(k, index),
           (size_t)(t->rows * k->s->x.info->hidden_size) * sizeof *hidden);
    return OK;
}

static status logits_of_kept(void *context, int64_t index, int thread, const tile *t, int64_t row,
                             const float *logits)
{
    return keep_logits(((kept *)context)->s, index, thread, t, row, logits);
}

// A pass from what another one kept has the bits of a whole one, whichever batches each has.
static void test_hidden(void **state)
{
    (void)state;
    for (int behind = 0; behind < 2; behind++) {
        sums s;
        lm_device = naive_device(NULL);
        sums_open(&s, COMPUTE_BF16, "lm-qwen3");
        kept k = {&s, calloc((size_t)(s.x.tokens * s.x.info->hidden_size), sizeof(float))};
        forward f = pass_of(&s);
        f.context = &k;
        f.load = load_kept;
        f.read = NULL;
        f.totals = NULL;
        f.logits = logits_of_kept;
        f.keep_hidden = put_hidden;
        f.keep_layer = 1;
        f.keep_behind_attn = behind;
        s.x.whole = true;
        assert_int_equal(model_tiles_together(s.x.m, 4, DEVICE_MOST_ROWS / 8), 8);
        s.x.m->device->row_limit = 1;
        assert_int_equal(model_tiles_together(s.x.m, 4, 8), 1);
        assert_ok(model_forward(s.x.m, NULL, &f));
        const size_t bytes = (size_t)(s.x.tokens * s.x.columns) * sizeof(float);
        float *whole = malloc(bytes);
        memcpy(whole, s.x.logits, bytes);
        memset(s.x.logits, 0, bytes);
        f.keep_hidden = NULL;
        f.keep_behind_attn = false;
        f.keep_layer = 0;
        f.first_layer = 1;
        f.first_behind_attn = behind;
        f.load_hidden = get_hidden;
        s.x.m->device->row_limit = 0;
        assert_ok(model_forward(s.x.m, NULL, &f));
        assert_memory_equal(s.x.logits, whole, bytes);
        k.hidden[5] += 1; // the twin
        assert_ok(model_forward(s.x.m, NULL, &f));
        assert_true(memcmp(s.x.logits, whole, bytes) != 0);
        free(whole);
        free(k.hidden);
        sums_close(&s);
    }
}

// Rounded products stay near those of a CPU in the same type.
static void test_rounded(void **state)
{
    (void)state;
    for (compute c = COMPUTE_BF16; c <= COMPUTE_TF32; c++) {
        lm x;
        lm_device = naive_device(NULL);
        lm_open_in(&x, c, "lm-llama", LM_MODELS "lm-llama");
        assert_ok(lm_run(&x));
        const double off = lm_distance(&x, "logits");
        print_message("compute %d: logits within %.1e\n", (int)c, off);
        assert_true(off < (c == COMPUTE_BF16 ? 0.5 : 0.05) && off > 1e-5);
        lm_close(&x);
    }
}

// A window that attention forgets is seen in the fixture of a model that has one.
static void test_fault(void **state)
{
    (void)state;
    static const naive_faults windowless = {.windowless = true};
    lm x;
    lm_device = naive_device(&windowless);
    lm_open(&x, "lm-mistral", LM_MODELS "lm-mistral");
    assert_ok(lm_run(&x));
    assert_true(lm_distance(&x, "logits") > 1e-3);
    lm_close(&x);
}

// The status of opening a model on a device with those faults, and of a pass.
static status try_on(const naive_faults *f, compute c)
{
    model *m = NULL;
    const model_options options = {
        .path = LM_MODELS "lm-llama", .compute = c, .device = naive_device(f)};
    const status st = model_open(&options, NULL, &m);
    model_close(m);
    return st;
}

// What a plan says of weights is what a device is asked for; and a batch's arrays are no more.
static void check_need(int i, compute c)
{
    lm x;
    if (!open_case(&x, c, i))
        return;
    const device_model *d = x.m->device;
    const device_need n = model_device_need(x.m, 0, 1, c);
    assert_int_equal(n.weights, d->info.free - d->memory_left);
    assert_int_equal(n.free, device_least_free(n.weights));
    assert_true(n.batch_least < n.batch_most);
    const device_room one = {2 * model_tile_rows(x.info), 2 * model_tile_rows(x.info)};
    assert_int_equal(n.batch_least, device_room_bytes(&x.m->config, device_value_bytes(d), one));
    size_t parts = 0;
    for (int k = 0; k < 2; k++)
        parts += model_device_need(x.m, k, 2, c).weights;
    assert_true(parts >= n.weights); // tied embeddings are in both
    assert_true(model_device_need(x.m, 0, 2, c).weights < n.weights);
    lm_close(&x);
}

static void test_needs(void **state)
{
    (void)state;
    lm_device = naive_device(NULL);
    for (int i = 0; i < DEVICE_CASES; i++) {
        check_need(i, COMPUTE_F32);
        check_need(i, COMPUTE_BF16);
    }
}

// What other stages read of weights comes from where the model is.
static void test_weights(void **state)
{
    (void)state;
    lm host, there;
    lm_device = NULL;
    lm_open(&host, "lm-qwen3-moe", LM_MODELS "lm-qwen3-moe");
    lm_device = naive_device(NULL);
    lm_open(&there, "lm-qwen3-moe", LM_MODELS "lm-qwen3-moe");
    assert_non_null(there.m->device);
    const size_t n = (size_t)host.info->d_mlp * (size_t)host.info->hidden_size;
    float *w = test_calloc(2 * n, sizeof *w);
    double *norm = test_calloc(2 * (size_t)host.info->d_mlp, sizeof *norm);
    assert_ok(model_w_in(host.m, 1, w));
    assert_ok(model_w_in(there.m, 1, w + n));
    assert_memory_equal(w, w + n, n * sizeof *w);
    assert_ok(model_output_norms(host.m, SITE_MLP, 1, norm));
    assert_ok(model_output_norms(there.m, SITE_MLP, 1, norm + host.info->d_mlp));
    assert_memory_equal(norm, norm + host.info->d_mlp, (size_t)host.info->d_mlp * sizeof *norm);
    test_free(norm);
    test_free(w);
    lm_close(&host);
    lm_close(&there);
}

static void test_refused(void **state)
{
    (void)state;
    static const naive_faults small = {.memory = 1 << 16};
    assert_int_equal(try_on(&small, COMPUTE_F32), ERR_USAGE);
    assert_non_null(strstr(status_text(), "naive device has 0.0 free"));
    assert_non_null(strstr(status_text(), "`layers_over: "));
    for (int calls = 1; calls < 200; calls++) {
        const naive_faults lost = {.fails_after = calls};
        const status st = try_on(&lost, COMPUTE_BF16);
        if (st == OK) {
            assert_true(calls > 20);
            break;
        }
        assert_int_equal(st, ERR_INTERRUPTED);
        assert_non_null(strstr(status_text(), "the device is lost"));
    }
    assert_int_equal(
        model_open(&(model_options){.path = LM_MODELS "lm-llama", .compute = COMPUTE_TF32}, NULL,
                   &(model *){NULL}),
        ERR_USAGE);
}

// A device that is lost in a pass ends it with its line.
static void test_lost(void **state)
{
    (void)state;
    naive_faults f = {0};
    sums s;
    lm_device = naive_device(&f);
    sums_open(&s, COMPUTE_F32, "lm-llama");
    forward run = pass_of(&s);
    for (f.fails_after = 40; f.fails_after < 400; f.fails_after += 31) {
        const status st = model_forward(s.x.m, NULL, &run);
        if (st != OK)
            assert_string_equal(status_text(),
                                "naive device: the device is lost; start again on another one");
        if (f.fails_after == 40)
            assert_int_equal(st, ERR_INTERRUPTED);
    }
    naive_device(NULL);
    sums_close(&s);
}

// What is no number is told by its place: of a sum, and of what comes from a site.
static void test_numbers(void **state)
{
    (void)state;
    sums s;
    lm_device = naive_device(NULL);
    sums_open(&s, COMPUTE_F32, "lm-llama");
    uint8_t *flags = calloc((size_t)neurons_of(&s, SITE_ATTN), 1);
    flags[model_site_width(s.x.info, SITE_ATTN) + 2] = 1; // layer 1
    const uint8_t *pruned[SITES] = {[SITE_ATTN] = flags};
    model_mask *mask = NULL;
    assert_ok(model_mask_new_ablated(s.x.m, pruned, &mask));
    s.set = (double)INFINITY;
    forward f = pass_of(&s);
    f.mask = mask;
    f.ablate = set_pruned;
    assert_int_equal(run_in(&s, &f, 0), ERR_NUMERIC);
    assert_non_null(strstr(status_text(), "layer 1, site attn"));
    f.read_sites[SITE_MLP] = false;
    flags[0] = 1;
    s.set = 1e19;
    assert_int_equal(run_in(&s, &f, 0), ERR_NUMERIC);
    assert_non_null(strstr(status_text(), "attn layer 1 unit 2: a sum of activations"));
    s.set = 1;
    assert_ok(run_in(&s, &f, 0));
    model_mask_free(mask);
    free(flags);
    sums_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families), cmocka_unit_test(test_sums),
        cmocka_unit_test(test_skipped),  cmocka_unit_test(test_pruned),
        cmocka_unit_test(test_ablated),  cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_rounded),  cmocka_unit_test(test_fault),
        cmocka_unit_test(test_needs),    cmocka_unit_test(test_weights),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_lost),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
