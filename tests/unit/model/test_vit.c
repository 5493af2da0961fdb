// SPDX-License-Identifier: Apache-2.0
// Vision transformers against PyTorch: logits, answers, statistics of every neuron, hidden states,
// pruned neurons; random weights. The twins alter a configuration, a weight, a mask or a number.
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

// The answers follow from the logits of the same pass.
static void check_answers(const fixture *x)
{
    const int n = x->info->outputs;
    for (int64_t i = 0; i < x->images; i++) {
        const float *logits = x->logits + i * n;
        const int target = (int)(i % x->tile_images) + (int)(i - i % x->tile_images);
        int top = 0, rank = 0, t = target % n;
        double sum = 0;
        for (int k = 0; k < n; k++) {
            top = logits[k] > logits[top] ? k : top;
            rank += logits[k] > logits[t] || (logits[k] == logits[t] && k < t);
            sum += exp((double)logits[k] - (double)logits[t]);
        }
        assert_int_equal(x->answers[i].top1, top);
        assert_int_equal(x->answers[i].rank, rank < PREDICTION_RANKS ? rank : PREDICTION_RANKS);
        assert_true(fabs((double)x->answers[i].loss - log(sum)) < 1e-4);
    }
}

static void test_logits(void **state)
{
    (void)state;
    for (int i = 0; i < FIXTURE_CASES; i++) {
        fixture x;
        fixture_open(&x, i);
        assert_ok(fixture_run(&x, NULL));
        double off = logits_distance(&x, "logits");
        print_message("%s: logits within %.1e\n", fixture_cases[i].name, off);
        assert_true(off < 1e-4);
        check_answers(&x);
        x.read = true; // all rows of the last layer
        assert_ok(fixture_run(&x, NULL));
        assert_true(logits_distance(&x, "logits") < 1e-4);
        x.logits[1] += 0.01F; // the twin
        assert_true(logits_distance(&x, "logits") > 1e-3);
        fixture_close(&x);
    }
}

// The largest difference of all statistics of both sites; the share of positive ones may be off by
// a token whose value is within rounding of 0.
static double statistics_distance(const fixture *x)
{
    double most = 0, rows = (double)(x->images * x->info->rows_per_image);
    for (site s = 0; s < SITE_EXPERT; s++)
        for (int k = 0; k < STATISTICS; k++) {
            char name[64];
            snprintf(name, sizeof name, "%s_%s", site_names[s], statistic_names[k]);
            const float *want = expected_values(x, name);
            size_t n = (size_t)x->info->layers * (size_t)model_site_width(x->info, s);
            for (size_t i = 0; i < n; i++) {
                double off = fabs(x->sums[s][(size_t)k * n + i] / rows - (double)want[i]);
                if (strcmp(statistic_names[k], "positive") == 0 && off < 1.5 / rows)
                    off = 0;
                most = fmax(most, off);
            }
        }
    return most;
}

static void test_statistics(void **state)
{
    (void)state;
    for (int i = 0; i < FIXTURE_CASES; i++) {
        fixture x;
        fixture_open(&x, i);
        x.read = true;
        assert_ok(fixture_run(&x, NULL));
        double off = statistics_distance(&x);
        print_message("%s: statistics within %.1e\n", fixture_cases[i].name, off);
        assert_true(off < 1e-5);
        x.sums[SITE_ATTN][3] += 0.1 * (double)(x.images * x.info->rows_per_image); // the twin
        assert_true(statistics_distance(&x) > 1e-3);
        fixture_close(&x);
    }
}

static double pruned_distance(fixture *x, const uint8_t *const pruned[SITES], bool read,
                              const char *name)
{
    model_mask *mask = NULL;
    assert_ok(model_mask_new(x->m, NULL, pruned, &mask));
    x->mask = mask;
    x->read = read; // set to zero and read, or left out of the products
    assert_ok(fixture_run(x, NULL));
    x->mask = NULL;
    model_mask_free(mask);
    return logits_distance(x, name);
}

static void test_pruned(void **state)
{
    (void)state;
    for (int i = 0; i < FIXTURE_CASES; i++) {
        fixture x;
        fixture_open(&x, i);
        const uint8_t *mlp = expected(&x, "mask_mlp")->bytes;
        const uint8_t *attn = expected(&x, "mask_attn")->bytes;
        uint8_t *all[SITES];
        for (site s = 0; s < SITES; s++) {
            size_t n = (size_t)x.info->layers * (size_t)model_site_width(x.info, s);
            all[s] = malloc(n);
            memset(all[s], 1, n);
        }
        const struct {
            const uint8_t *pruned[SITES];
            const char *name;
        } masks[] = {{{mlp, NULL}, "logits_masked_mlp"},
                     {{NULL, attn}, "logits_masked_attn"},
                     {{mlp, attn}, "logits_masked_both"},
                     {{all[0], all[1]}, "logits_none"}};
        for (size_t k = 0; k < sizeof masks / sizeof *masks; k++)
            for (int read = 0; read < 2; read++)
                if (!(pruned_distance(&x, masks[k].pruned, read, masks[k].name) < 1e-4))
                    fail_msg("%s: %s%s", fixture_cases[i].name, masks[k].name,
                             read ? ", read" : "");
        const uint8_t *half[SITES] = {mlp, NULL}; // the twin
        assert_true(pruned_distance(&x, half, false, "logits_masked_both") > 1e-3);
        for (site s = 0; s < SITES; s++)
            free(all[s]);
        fixture_close(&x);
    }
}

static void keep_last(forward *f)
{
    fixture *x = f->context;
    f->keep_layer = x->info->layers - 1;
    f->keep_hidden = fixture_keep;
}

static void begin_last(forward *f)
{
    fixture *x = f->context;
    f->first_layer = x->info->layers - 1;
    f->load_hidden = fixture_restore;
}

static void keep_behind_attn(forward *f)
{
    f->keep_behind_attn = true;
    f->keep_hidden = fixture_keep;
}

static void begin_behind_attn(forward *f)
{
    f->first_behind_attn = true;
    f->load_hidden = fixture_restore;
}

// Going on behind the first layer's attention gives the same bits as going through.
static void test_behind_attn(void **state)
{
    (void)state;
    for (int i = 0; i < FIXTURE_CASES; i++) {
        fixture x;
        fixture_open(&x, i);
        if (x.info->layers > 1) {
            size_t n = (size_t)(x.images * x.info->outputs);
            float *through = malloc(n * sizeof *through);
            assert_ok(fixture_run(&x, keep_behind_attn));
            memcpy(through, x.logits, n * sizeof *through);
            memset(x.logits, 0, n * sizeof *through);
            assert_ok(fixture_run(&x, begin_behind_attn));
            assert_memory_equal(through, x.logits, n * sizeof *through);
            x.hidden[0] += 1; // the twin
            assert_ok(fixture_run(&x, begin_behind_attn));
            assert_memory_not_equal(through, x.logits, n * sizeof *through);
            free(through);
        }
        fixture_close(&x);
    }
}

// What is kept before the last layer is what PyTorch has there, and going on from it gives the same
// bits as going through.
static void test_hidden(void **state)
{
    (void)state;
    for (int i = 0; i < FIXTURE_CASES; i++) {
        fixture x;
        fixture_open(&x, i);
        if (x.info->layers == 1) {
            fixture_close(&x);
            continue;
        }
        size_t n = (size_t)(x.images * x.info->outputs), rows;
        rows = (size_t)(x.images * x.info->rows_per_image * x.info->hidden_size);
        assert_ok(fixture_run(&x, keep_last));
        assert_true(distance(x.hidden, expected_values(&x, "hidden"), rows) < 1e-4);
        float *through = malloc(n * sizeof *through);
        memcpy(through, x.logits, n * sizeof *through);
        assert_ok(fixture_run(&x, begin_last));
        assert_memory_equal(through, x.logits, n * sizeof *through);
        x.hidden[0] += 1; // the twin
        assert_ok(fixture_run(&x, begin_last));
        assert_memory_not_equal(through, x.logits, n * sizeof *through);
        free(through);
        fixture_close(&x);
    }
}

static void test_threads(void **state)
{
    (void)state;
    for (int i = 0; i < FIXTURE_CASES; i++) {
        fixture x;
        fixture_open(&x, i);
        size_t n = (size_t)(x.images * x.info->outputs);
        float *one = malloc(n * sizeof *one);
        x.tile_images = 1;
        assert_ok(fixture_run(&x, NULL));
        memcpy(one, x.logits, n * sizeof *one);
        x.threads = 3;
        assert_ok(fixture_run(&x, NULL));
        assert_memory_equal(one, x.logits, n * sizeof *one);
        free(one);
        fixture_close(&x);
    }
}

// A copy of a model's folder, one text of its config.json replaced and one sign of its weights
// (-1: none).
static void alter(char folder[32], const char *of, const char *from, const char *to, long byte)
{
    char path[512], *bytes = NULL;
    size_t size;
    text changed = {0};
    strcpy(folder, "/tmp/sulcus-vit-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/config.json", of);
    assert_ok(file_read(path, 1 << 20, &bytes, &size));
    const char *at = strstr(bytes, from);
    if (!at)
        fail_msg("%s: no %s", path, from);
    text_add_bytes(&changed, bytes, (size_t)(at - bytes));
    text_add(&changed, to);
    text_add(&changed, at + strlen(from));
    snprintf(path, sizeof path, "%s/config.json", folder);
    assert_ok(file_write_atomic(path, changed.at, changed.length));
    text_free(&changed);
    free(bytes);
    snprintf(path, sizeof path, "%s/model.safetensors", of);
    assert_ok(file_read(path, 1 << 26, &bytes, &size));
    if (byte >= 0)
        bytes[(long)size - byte] ^= 0x80;
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    assert_ok(file_write_atomic(path, bytes, size));
    free(bytes);
}

static void forget(const char *folder)
{
    char path[64];
    snprintf(path, sizeof path, "%s/config.json", folder);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

// Twins: a configuration or a weight that is read wrongly must show in the logits.
static void test_a_fault_shows(void **state)
{
    (void)state;
    static const struct {
        int model; // in fixture_cases
        const char *from, *to;
        long byte; // from the end of the weights
    } faults[] = {
        {0, "\"hidden_act\": \"gelu\"", "\"hidden_act\": \"relu\"", -1},
        {0, "\"hidden_act\": \"gelu\"", "\"hidden_act\": \"quick_gelu\"", -1},
        {0, "\"num_attention_heads\": 4", "\"num_attention_heads\": 8", -1},
        {1, "\"layer_norm_eps\": 1e-12", "\"layer_norm_eps\": 0.5", -1},
        {1, "\"image_size\": [\n    20,\n    12\n  ]", "\"image_size\": [12, 20]", -1},
        {3, "\"hidden_act\": \"quick_gelu\"", "\"hidden_act\": \"silu\"", -1},
        {4, "\"hidden_act\": \"silu\"", "\"hidden_act\": \"relu\"", -1},
        {0, "{", "{", 400001}, // of a float16
        {1, "{", "{", 2001},   // of a float32
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        fixture x;
        char folder[32];
        alter(folder, fixture_cases[faults[i].model].model, faults[i].from, faults[i].to,
              faults[i].byte);
        fixture_open(&x, faults[i].model);
        model_close(x.m);
        assert_ok(model_open(&(model_options){.path = folder}, NULL, &x.m));
        x.info = model_get_info(x.m);
        x.read = true; // a weight may be of rows that the logits do not need
        assert_ok(fixture_run(&x, NULL));
        if (!(logits_distance(&x, "logits") > 1e-3) && !(statistics_distance(&x) > 1e-3))
            fail_msg("%s for %s did not show", faults[i].to, faults[i].from);
        fixture_close(&x);
        forget(folder);
    }
}

// Rows of W_in of a random model: N(0, 0.02), of a seed the same whoever asks, of another others.
static void test_random_weights(void **state)
{
    (void)state;
    model *m[3] = {NULL};
    float *rows[3];
    for (int i = 0; i < 3; i++) {
        assert_ok(model_open(&(model_options){.path = "examples/vit-glyph100",
                                              .random = true,
                                              .seed = i < 2 ? 7 : 8,
                                              .threads = i + 1},
                             NULL, &m[i]));
        rows[i] = malloc(512 * 128 * sizeof(float));
        assert_ok(model_w_in(m[i], 3, rows[i]));
    }
    double sum = 0, squares = 0, fourth = 0;
    const int n = 512 * 128;
    for (int i = 0; i < n; i++) {
        double v = (double)rows[0][i] / 0.02;
        sum += v;
        squares += v * v;
        fourth += v * v * v * v;
    }
    assert_true(fabs(sum / n) < 5 / sqrt(n));
    assert_true(fabs(squares / n - 1) < 5 * sqrt(2.0 / n));
    assert_true(fabs(fourth / n - 3) < 5 * sqrt(96.0 / n)); // normal, not uniform
    assert_memory_equal(rows[0], rows[1], (size_t)n * sizeof(float));
    assert_memory_not_equal(rows[0], rows[2], (size_t)n * sizeof(float));
    assert_ok(model_w_in(m[0], 4, rows[1])); // nor are layers alike
    assert_memory_not_equal(rows[0], rows[1], (size_t)n * sizeof(float));
    for (int i = 0; i < 3; i++) {
        free(rows[i]);
        model_close(m[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logits),        cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_pruned),        cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_behind_attn),   cmocka_unit_test(test_threads),
        cmocka_unit_test(test_a_fault_shows), cmocka_unit_test(test_random_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
