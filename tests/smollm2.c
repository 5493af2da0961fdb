// SPDX-License-Identifier: Apache-2.0
// SmolLM2-135M from its GGUF file against PyTorch on the same de-quantised weights
// (tests/reference/make_smollm2.py): logits, and next-token accuracy within 0.1 points.
//
//   smollm2 GGUF [SAMPLES]
//
// Ends with 0 when they agree.
#include "unit/model/lm_fixture.h"

static const char *path;
static int64_t samples; // 0: all

static double points(int64_t right, int64_t all)
{
    return 100.0 * (double)right / (double)all;
}

static void test_smollm2(void **unused)
{
    (void)unused;
    lm x;
    int64_t scored = 0, top1[2] = {0}, top10[2] = {0}, same = 0;
    double loss[2] = {0}, off = 0;
    lm_open(&x, "smollm2", path);
    x.samples = samples > 0 && samples < x.samples ? samples : x.samples;
    x.tile_samples = x.threads = 2;
    assert_ok(lm_run(&x));
    const int32_t *rank = lm_ints(&x, "rank");
    for (int64_t t = 0; t < x.first[x.samples]; t++) {
        same += x.answers[t].top1 == lm_ints(&x, "top1")[t];
        if (rank[t] < 0)
            continue;
        scored++;
        top1[0] += rank[t] == 0;
        top1[1] += x.answers[t].rank == 0;
        top10[0] += rank[t] < 10;
        top10[1] += x.answers[t].rank < 10;
        loss[0] += (double)lm_reals(&x, "loss")[t];
        loss[1] += (double)x.answers[t].loss;
    }
    for (size_t i = 0; i < lm_expected(&x, "logits")->elements; i++)
        off = fmax(off, fabs((double)x.logits[i] - (double)lm_reals(&x, "logits")[i]));
    print_message("%lld tokens: Top-1 %.3f%% (PyTorch %.3f%%), Top-10 %.3f%% (%.3f%%), loss %.5f "
                  "(%.5f), the same argmax at %.3f%%, logits within %.1e\n",
                  (long long)scored, points(top1[1], scored), points(top1[0], scored),
                  points(top10[1], scored), points(top10[0], scored), loss[1] / (double)scored,
                  loss[0] / (double)scored, points(same, x.first[x.samples]), off);
    assert_true(fabs(points(top1[1] - top1[0], scored)) < 0.1);
    assert_true(fabs(points(top10[1] - top10[0], scored)) < 0.1);
    assert_true(fabs(loss[1] - loss[0]) / (double)scored < 1e-4);
    assert_true(off < 1e-3);
    lm_close(&x);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_smollm2)};
    path = argc > 1 ? argv[1] : "runs/models/SmolLM2-135M-Instruct.Q4_1.gguf";
    samples = argc > 2 ? atoi(argv[2]) : 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
