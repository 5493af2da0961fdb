// SPDX-License-Identifier: Apache-2.0
// Vision models on a device that is played in naive loops, against PyTorch: logits, answers, hidden
// states, statistics, pruned neurons.
#include "fixture.h"

#include "naive_device.h"

static const char *const towers[] = {"dinov2", "dinov2-giant", "dinov2-resampled", "clip",
                                     "siglip"};
enum { TOWERS = sizeof towers / sizeof *towers };

static void test_classifiers(void **state)
{
    (void)state;
    fixture_device = naive_device(NULL);
    for (int i = 1; i < FIXTURE_CASES; i++) { // the first is large
        fixture x;
        fixture_open(&x, i);
        x.threads = 2;
        for (x.tile_images = 1; x.tile_images <= 3; x.tile_images += 2) {
            assert_ok(fixture_run(&x, NULL));
            const double off = logits_distance(&x, "logits");
            print_message("%s: logits within %.1e\n", fixture_cases[i].name, off);
            assert_true(off < 1e-4);
        }
        const uint8_t *pruned[SITES] = {expected(&x, "mask_mlp")->bytes,
                                        expected(&x, "mask_attn")->bytes};
        model_mask *mask = NULL;
        assert_ok(model_mask_new(x.m, NULL, pruned, &mask));
        x.mask = mask;
        assert_ok(fixture_run(&x, NULL));
        assert_true(logits_distance(&x, "logits_masked_both") < 1e-4);
        assert_true(logits_distance(&x, "logits") > 1e-3);
        model_mask_free(mask);
        fixture_close(&x);
    }
}

static void without_answers(forward *f)
{
    f->result = NULL;
    f->logits = NULL;
    f->keep_hidden = fixture_keep;
    f->keep_layer = 2;
}

// The largest difference of a statistic, relative to its largest value.
static double statistics_distance(const fixture *x)
{
    double most = 0;
    const double rows = (double)(x->images * x->info->rows_per_image);
    for (site s = 0; s < SITE_EXPERT; s++) {
        const size_t n = (size_t)x->info->layers * (size_t)model_site_width(x->info, s);
        for (int k = 0; k < STATISTICS; k++) {
            char name[64];
            snprintf(name, sizeof name, "%s_%s", site_names[s], statistic_names[k]);
            double largest = 1e-9, off = 0;
            for (size_t u = 0; u < n; u++) {
                const double want = (double)expected_values(x, name)[u];
                largest = fmax(largest, fabs(want));
                off = fmax(off, fabs(x->sums[s][(size_t)k * n + u] / rows - want));
            }
            most = fmax(most, off / largest);
        }
    }
    return most;
}

static void test_towers(void **state)
{
    (void)state;
    fixture_device = naive_device(NULL);
    for (int i = 0; i < TOWERS; i++) {
        fixture x;
        char folder[96];
        snprintf(folder, sizeof folder, "tests/reference/models/%s", towers[i]);
        fixture_open_model(&x, towers[i], folder);
        x.read = true;
        assert_ok(fixture_run(&x, without_answers));
        const double off =
            distance(x.hidden, expected_values(&x, "hidden"), expected(&x, "hidden")->elements);
        print_message("%s: hidden within %.1e\n", towers[i], off);
        assert_true(off < 1e-4 && statistics_distance(&x) < 1e-4);
        x.sums[SITE_MLP][3] += 0.1 * (double)(x.images * x.info->rows_per_image); // the twin
        assert_true(statistics_distance(&x) > 1e-3);
        fixture_close(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classifiers),
        cmocka_unit_test(test_towers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
