// SPDX-License-Identifier: Apache-2.0
// The plug-in's kernels, played in C, against naive loops and the CPU's own kernels; each check has a
// twin whose arguments are another's, which must not hold.
#include "fixture.h"

#include "cuda_values.h"
#include "played_device.h"

enum { ROWS = 5, WIDTH = 1300, MANY = ROWS * WIDTH };

// Norms of both kinds, the copy, and what they say of a NaN; `eps` is the played one's.
static bool are_norms(float eps, int kind)
{
    static float x[MANY], weight[WIDTH], bias[WIDTH], to[2][MANY], sum[2][MANY];
    static uint16_t half[2][MANY];
    int32_t bad[2] = {0};
    fill(x, MANY, 3);
    for (int i = 0; i < MANY; i++)
        x[i] *= 0.02f; // small: epsilon matters
    fill(weight, WIDTH, 5);
    fill(bias, WIDTH, 7);
    const device_ops *ops[2] = {naive_device(NULL), played_device(NULL)};
    device *d;
    assert_int_equal(ops[0]->open(0, &d), OK);
    for (int p = 0; p < 2; p++) {
        device_norm a = {.x = x,
                         .x_stride = WIDTH,
                         .rows = ROWS,
                         .width = kind == 2 ? 7 : WIDTH,
                         .weight = kind < 3 ? weight : NULL,
                         .bias = kind == 0 ? bias : NULL,
                         .eps = p ? eps : 1e-5f,
                         .to = to[p],
                         .to_stride = WIDTH,
                         .type = DEVICE_F32,
                         .sum = sum[p],
                         .bad = &bad[p]};
        assert_int_equal(ops[p]->norm(d, &a), OK);
        a.to = half[p];
        a.type = DEVICE_BF16;
        a.sum = NULL;
        assert_int_equal(ops[p]->norm(d, &a), OK);
        assert_int_equal(bad[p], 0);
        x[WIDTH + 2] = kind % 2 ? NAN : INFINITY;
        assert_int_equal(ops[p]->norm(d, &a), OK);
        assert_int_equal(bad[p], 1);
        x[WIDTH + 2] = 0.02f * value(WIDTH + 5);
    }
    ops[0]->close(d);
    int64_t off = 0;
    for (int i = 0; i < MANY; i++)
        off += half[0][i] != half[1][i];
    return difference(to[0], to[1], MANY) < 4e-6 && memcmp(to[1], sum[1], sizeof sum[1]) == 0 &&
           off < MANY / 100;
}

static void test_norms(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++)
        assert_true(are_norms(1e-5f, kind));
    assert_false(are_norms(2e-5f, 0));
    assert_false(are_norms(2e-5f, 1));
}

// All activations, with a gate and without, pruned neurons, in float32 and bf16.
static bool are_sites(device_activation act, device_activation played, bool gated)
{
    enum { NEURONS = 1100, STRIDE = 1120 };
    static float x[2][ROWS * STRIDE], gate[ROWS * STRIDE], to[2][ROWS * NEURONS];
    uint8_t pruned[NEURONS] = {0};
    fill(gate, ROWS * STRIDE, 9);
    pruned[0] = pruned[17] = pruned[NEURONS - 1] = 1;
    const device_ops *ops[2] = {naive_device(NULL), played_device(NULL)};
    device *d;
    assert_int_equal(ops[0]->open(0, &d), OK);
    for (int p = 0; p < 2; p++) {
        fill(x[p], ROWS * STRIDE, 11);
        for (int i = 0; i < ROWS * STRIDE; i++)
            x[p][i] *= 4;
        const device_site a = {.x = x[p],
                               .gate = gated ? gate : NULL,
                               .rows = ROWS,
                               .stride = STRIDE,
                               .neurons = NEURONS,
                               .act = p ? played : act,
                               .pruned = pruned,
                               .to = to[p],
                               .to_stride = NEURONS,
                               .type = DEVICE_F32};
        assert_int_equal(ops[p]->site(d, &a), OK);
    }
    ops[0]->close(d);
    return x[1][17] == 0 && difference(x[0], x[1], ROWS * STRIDE) < 3e-6 &&
           difference(to[0], to[1], ROWS * NEURONS) < 3e-6;
}

static void test_sites(void **state)
{
    (void)state;
    for (int act = DEVICE_ACT_NONE; act <= DEVICE_ACT_RELU; act++)
        for (int gated = 0; gated < 2; gated++)
            assert_true(are_sites((device_activation)act, (device_activation)act, gated));
    assert_false(are_sites(DEVICE_ACT_GELU, DEVICE_ACT_GELU_TANH, false));
    assert_false(are_sites(DEVICE_ACT_SILU, DEVICE_ACT_QUICK_GELU, true));
}

// Sums, counts and bits are the naive ones to the bit; `shift` moves the played segment's end.
static bool are_sums(int shift)
{
    enum { SEEN = 120, NEURONS = 300, APART = 310, WORDS = 3 };
    static float x[SEEN * APART];
    static device_fixed sum[2][DEVICE_MOMENTS * APART];
    static int64_t positive[2][NEURONS], word[2][NEURONS * WORDS], bin[NEURONS * 64];
    static int64_t bit[SEEN];
    static int32_t row[SEEN];
    int32_t bad[2] = {0};
    fill(x, SEEN * APART, 21);
    for (int i = 0; i < SEEN; i++) {
        row[i] = SEEN - 1 - i;
        bit[i] = i + 20;
    }
    const device_ops *ops[2] = {naive_device(NULL), played_device(NULL)};
    device *d;
    assert_int_equal(ops[0]->open(0, &d), OK);
    for (int p = 0; p < 2; p++) {
        memset(sum[p], 0, sizeof sum[p]);
        memset(positive[p], 0, sizeof positive[p]);
        memset(word[p], 0, sizeof word[p]);
        const device_segment segment[3] = {{0, 16}, {16, 17}, {17, SEEN - (p ? shift : 0)}};
        device_sums a = {.x = x,
                         .stride = APART,
                         .neurons = NEURONS,
                         .segment = segment,
                         .segments = 3,
                         .sum = sum[p],
                         .positive = positive[p],
                         .neurons_apart = APART,
                         .bad = &bad[p]};
        assert_int_equal(ops[p]->sums(d, &a), OK);
        assert_int_equal(ops[p]->sums(d, &a), OK); // onto what is there
        assert_int_equal(bad[p], 0);
        const device_firing f = {.x = x,
                                 .stride = APART,
                                 .neurons = NEURONS,
                                 .row = row,
                                 .bit = bit,
                                 .n = SEEN,
                                 .word = word[p],
                                 .words = WORDS};
        assert_int_equal(ops[p]->firing(d, &f), OK);
    }
    const device_segment all = {0, SEEN - shift};
    const device_histogram h = {
        .x = x, .stride = APART, .neurons = NEURONS, .segment = &all, .segments = 1, .count = bin};
    memset(bin, 0, sizeof bin);
    assert_int_equal(ops[1]->histogram(d, &h), OK);
    ops[0]->close(d);
    int64_t above = 0, counted = 0, fired = 0;
    for (int u = 0; u < NEURONS; u++) {
        fired += positive[0][u];
        for (int b = 0; b < 64; b++) {
            counted += bin[u * 64 + b];
            above += b >= 32 ? bin[u * 64 + b] : 0;
        }
    }
    return memcmp(sum[0], sum[1], sizeof sum[0]) == 0 && counted == SEEN * NEURONS &&
           2 * above == fired && memcmp(positive[0], positive[1], sizeof positive[0]) == 0 &&
           memcmp(word[0], word[1], sizeof word[0]) == 0;
}

static void test_sums(void **state)
{
    (void)state;
    assert_true(are_sums(0));
    assert_false(are_sums(1));
    // The lowest neuron that is no number, above none that was found before.
    float x[3 * 4] = {1, NAN, 2, INFINITY};
    device_fixed sum[4 * 4] = {{0, 0}};
    int64_t positive[4] = {0};
    int32_t bad = 0;
    const device_segment s = {0, 3};
    const device_sums a = {.x = x,
                           .stride = 4,
                           .neurons = 4,
                           .segment = &s,
                           .segments = 1,
                           .sum = sum,
                           .positive = positive,
                           .neurons_apart = 4,
                           .bad = &bad};
    assert_int_equal(played_device(NULL)->sums(NULL, &a), OK);
    assert_int_equal(bad, 2);
    bad = 1;
    assert_int_equal(played_device(NULL)->sums(NULL, &a), OK);
    assert_int_equal(bad, 1);
}

// Answers over three stretches of logits, with ties, a cap, and targets in and out of the lists.
static bool are_answers(float cap, float played_cap)
{
    enum { OUTPUTS = 2500 };
    static float logits[2][ROWS * OUTPUTS];
    static device_answer answer[2][ROWS];
    const int ends[] = {0, 7, 1300, OUTPUTS};
    int32_t bad[2] = {0};
    const device_ops *ops[2] = {naive_device(NULL), played_device(NULL)};
    device *d;
    assert_int_equal(ops[0]->open(0, &d), OK);
    for (int p = 0; p < 2; p++) {
        for (int i = 0; i < ROWS * OUTPUTS; i++)
            logits[p][i] = i / OUTPUTS == 4 ? 1 : 5 * value(i);
        for (int r = 0; r < ROWS; r++) {
            memset(&answer[p][r], 0, sizeof answer[p][r]);
            answer[p][r].target = r * 611;
        }
        for (int s = 0; s < 3; s++) {
            const device_fold a = {.logits = logits[p] + ends[s],
                                   .rows = ROWS,
                                   .stride = OUTPUTS,
                                   .first = ends[s],
                                   .n = ends[s + 1] - ends[s],
                                   .cap = p ? played_cap : cap,
                                   .answer = answer[p],
                                   .bad = &bad[p]};
            assert_int_equal(ops[p]->fold(d, &a), OK);
        }
    }
    ops[0]->close(d);
    bool same =
        bad[0] == 0 && bad[1] == 0 && difference(logits[0], logits[1], ROWS * OUTPUTS) < 1e-5;
    for (int r = 0; r < ROWS && same; r++) {
        const device_answer *a = &answer[0][r], *b = &answer[1][r];
        same = a->n == b->n && (cap > 0 || memcmp(a->id, b->id, sizeof a->id) == 0) &&
               difference(a->top, b->top, DEVICE_RANKS) < 1e-5 &&
               fabsf(a->target_logit - b->target_logit) < 1e-5f && fabsf(a->max - b->max) < 1e-5f &&
               fabs(a->sum - b->sum) < 1e-5 * a->sum;
    }
    return same;
}

static void test_answers(void **state)
{
    (void)state;
    assert_true(are_answers(0, 0));
    assert_true(are_answers(3, 3));
    assert_false(are_answers(3, 3.001f));
    float logits[3] = {1, NAN, 2};
    device_answer answer = {.target = 0};
    int32_t bad = 0;
    const device_fold a = {
        .logits = logits, .rows = 1, .stride = 3, .n = 3, .answer = &answer, .bad = &bad};
    assert_int_equal(played_device(NULL)->fold(NULL, &a), OK);
    assert_int_equal(bad, 1);
    assert_int_equal(answer.n, 2);
}

// Rotary, embeddings, patches, places, gathers and sums of rows: the naive ones' bits. The twin's
// played device reads other rows.
static bool are_moves(int twin)
{
    enum { HEADS = 3, DIM = 20, W = HEADS * DIM, IMAGE = 2 * 3 * 8 * 12 };
    static float x[2][ROWS * W], table[ROWS * W], out[2][6][ROWS * 200];
    static uint16_t half[2][2][ROWS * 400];
    const device_ops *ops[2] = {naive_device(NULL), played_device(NULL)};
    device *d;
    assert_int_equal(ops[0]->open(0, &d), OK);
    static float pixels[IMAGE];
    fill(pixels, IMAGE, 31);
    fill(table, ROWS * W, 33);
    for (int p = 0; p < 2; p++) {
        const int32_t row[ROWS] = {3, 0, p ? 2 + twin : 2, -1, 4},
                      some[ROWS] = {3, 0, p ? 2 - twin : 2, 1, 4};
        fill(x[p], ROWS * W, 35);
        memset(out[p], 0, sizeof out[p]);
        memset(half[p], 0, sizeof half[p]);
        const device_rotary rotary = {.x = x[p],
                                      .rows = ROWS,
                                      .heads = HEADS,
                                      .head_dim = DIM,
                                      .dims = 12,
                                      .table = table,
                                      .turn = some};
        assert_int_equal(ops[p]->rotary(d, &rotary), OK);
        device_embed embed = {
            .table = table, .index = row, .rows = ROWS, .width = W, .scale = 1.5f, .to = out[p][0]};
        assert_int_equal(ops[p]->embed(d, &embed), OK);
        embed.add = 1;
        assert_int_equal(ops[p]->embed(d, &embed), OK);
        const device_patches patches = {.pixels = pixels,
                                        .images = 2,
                                        .channels = 3,
                                        .height = 8,
                                        .width = 12,
                                        .patch_height = 4,
                                        .patch_width = 6,
                                        .tokens = 1,
                                        .rows_per_image = 5,
                                        .to = half[p][0],
                                        .type = DEVICE_BF16};
        assert_int_equal(ops[p]->patches(d, &patches), OK);
        const device_places places = {
            .x = x[p], .table = table, .images = 1, .rows_per_image = ROWS, .width = W, .set = 1};
        assert_int_equal(ops[p]->places(d, &places), OK);
        device_gather gather = {.from = table,
                                .from_stride = W,
                                .to_stride = W + 1,
                                .row = some,
                                .n = 4,
                                .filled = 5,
                                .width = W,
                                .type = DEVICE_F32,
                                .to = out[p][1]};
        assert_int_equal(ops[p]->gather(d, &gather), OK);
        gather.from = half[p][0];
        gather.to = half[p][1];
        gather.type = DEVICE_BF16;
        assert_int_equal(ops[p]->gather(d, &gather), OK);
        const device_add adds[] = {{.from = table, .n = ROWS, .width = W, .to = out[p][2]},
                                   {.from = table,
                                    .row = some,
                                    .factor = table,
                                    .scale = table + 5,
                                    .n = ROWS,
                                    .width = W,
                                    .to = out[p][2]}};
        assert_int_equal(ops[p]->add(d, &adds[0]), OK);
        assert_int_equal(ops[p]->add(d, &adds[1]), OK);
        assert_int_equal(ops[p]->round(d, table, ROWS * W, out[p][3]), OK);
    }
    ops[0]->close(d);
    return memcmp(x[0], x[1], sizeof x[0]) == 0 && difference(out[0][0], out[1][0], 1200) < 1e-6 &&
           memcmp(half[0], half[1], sizeof half[0]) == 0 &&
           difference(out[0][2], out[1][2], 400) < 1e-6 &&
           memcmp(out[0][1], out[1][1], sizeof out[0][1]) == 0 &&
           memcmp(out[0][3], out[1][3], sizeof out[0][3]) == 0;
}

static void test_moves(void **state)
{
    (void)state;
    assert_true(are_moves(0));
    assert_false(are_moves(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_norms), cmocka_unit_test(test_sites),
                                       cmocka_unit_test(test_sums), cmocka_unit_test(test_answers),
                                       cmocka_unit_test(test_moves)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
