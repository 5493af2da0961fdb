// SPDX-License-Identifier: Apache-2.0
// The plug-in's attention, played in C, against the naive device's, which is float64: in float32, and
// on squares of bf16, whose layout is held against plain products first. Each check has a twin whose
// arguments are another's, which must not hold.
#include "fixture.h"

#include "cuda_values.h"
#include "model/cuda/grid_warp.h"
#include "played_device.h"

static float rounded(float x)
{
    return warp_value(grid_bf16(x), 0);
}

static void fill_tile(float x[WARP_WIDTH][WARP_WIDTH], uint16_t *values, int seed)
{
    for (int r = 0; r < WARP_WIDTH; r++)
        for (int c = 0; c < WARP_WIDTH; c++) {
            x[r][c] = rounded(value(seed + r * WARP_WIDTH + c));
            values[warp_spot(r, c)] = grid_bf16(x[r][c]);
        }
}

// Products of squares as two kinds of operands: [16, 16] · [16, 16] with the second one's rows as
// columns, and turned. `swapped`: with another order of words.
static double square_distance(int swapped)
{
    static float x[WARP_WIDTH][WARP_WIDTH], y[WARP_WIDTH][WARP_WIDTH];
    static uint16_t tiles[2][WARP_WIDTH * WARP_WIDTH];
    static warp_square a[GRID_WARP], b[GRID_WARP], turned[GRID_WARP];
    enum { TOP = 32, LEFT = 48, BELOW = 16, RIGHT = 32 };
    fill_tile(x, tiles[0], 5);
    fill_tile(y, tiles[1], 77);
    for (int l = 0; l < GRID_WARP; l++) {
        warp_load(l, tiles[0], TOP, LEFT, &a[l]);
        warp_load(l, tiles[1], BELOW, RIGHT, &b[l]);
        warp_load_turned(l, tiles[1], BELOW, RIGHT, &turned[l]);
    }
    double most = 0;
    for (int l = 0; l < GRID_WARP; l++) {
        float sum[4][4] = {{0}};
        warp_multiply(l, &a[l], &b[l], swapped ? 1 : 0, 2, sum[0]);
        warp_multiply(l, &a[l], &b[l], 1, 3, sum[1]);
        warp_multiply(l, &a[l], &turned[l], 0, swapped ? 2 : 1, sum[2]);
        warp_multiply(l, &a[l], &turned[l], 2, 3, sum[3]);
        for (int i = 0; i < 16; i++) {
            const int row = l / 4 + i % 4 / 2 * 8, column = l % 4 * 2 + i % 2 + i / 4 % 2 * 8;
            double want = 0;
            for (int k = 0; k < WARP_SIDE; k++)
                want +=
                    (double)x[TOP + row][LEFT + k] *
                    (double)(i < 8 ? y[BELOW + column][RIGHT + k] : y[BELOW + k][RIGHT + column]);
            most = fmax(most, fabs(want - (double)sum[i / 4][i % 4]));
        }
    }
    return most;
}

// What the instructions' description says, word by word; and that eight lanes' rows, which are read at
// once, are aligned and in different banks.
static void test_squares(void **state)
{
    (void)state;
    static float x[WARP_WIDTH][WARP_WIDTH];
    static uint16_t values[WARP_WIDTH * WARP_WIDTH];
    fill_tile(x, values, 9);
    for (int l = 0; l < GRID_WARP; l++) {
        warp_square straight, turned;
        warp_load(l, values, 16, 32, &straight);
        warp_load_turned(l, values, 16, 32, &turned);
        for (int i = 0; i < 8; i++) {
            const int half = i % 2, word = i / 2, pair = l % 4 * 2 + half;
            const int below = word % 2 * 8, right = word / 2 * 8;
            assert_true(warp_value(straight.x[word], half) ==
                        x[16 + l / 4 + below][32 + pair + right]);
            assert_true(warp_value(turned.x[word], half) ==
                        x[16 + pair + below][32 + l / 4 + right]);
        }
    }
    for (int first = 0; first < GRID_WARP; first += 8) {
        int banks = 0;
        for (int l = first; l < first + 8; l++) {
            assert_int_equal(warp_row(l, 16, 32) % WARP_PIECE, 0);
            banks |= 1 << warp_row(l, 16, 32) / WARP_PIECE % 8;
        }
        assert_int_equal(banks, 255);
    }
    assert_true(square_distance(0) < 1e-5);
    assert_false(square_distance(1) < 1e-1);
}

typedef struct attention_case {
    int heads, kv_heads, head_dim, causal, window, holes;
    float cap;
} attention_case;
static const attention_case attention_cases[] = {
    {2, 2, 64, 0, 0, 0, 0},   {4, 2, 32, 1, 0, 0, 0},    {2, 1, 80, 1, 9, 0, 0},
    {2, 1, 128, 1, 70, 0, 5}, {2, 2, 20, 1, 0, 1, 0.7f}, {1, 1, 256, 1, 0, 0, 0},
    {3, 1, 7, 0, 0, 0, 0},    {1, 1, 144, 0, 0, 0, 0},   {1, 1, 132, 1, 33, 1, 0},
};
enum { ATTENTIONS = sizeof attention_cases / sizeof *attention_cases, SAMPLES = 3, KEYS = 330 };

// Samples of 130, 1 and 199 keys; with holes, every other query.
typedef struct attention_arrays {
    float q[KEYS * 256], k[KEYS * 256], v[KEYS * 256], out[KEYS * 256];
    int32_t position[KEYS], first_query[SAMPLES + 1], first_key[SAMPLES + 1];
} attention_arrays;

static device_attention attention_of(const attention_case *c, device_compute kind,
                                     attention_arrays *x)
{
    static const int32_t keys[SAMPLES + 1] = {0, 130, 131, KEYS};
    const int width = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
    float *inputs[] = {x->q, x->k, x->v};
    memcpy(x->first_key, keys, sizeof keys);
    x->first_query[0] = 0;
    for (int s = 0, n = 0; s < SAMPLES; x->first_query[++s] = n)
        for (int32_t i = 0; i < keys[s + 1] - keys[s]; i++)
            if (!c->holes || i % 2 == 0)
                x->position[n++] = i;
    for (int i = 0; i < 3; i++) {
        fill(inputs[i], (int64_t)KEYS * (i ? kv : width), i + 1);
        for (int64_t j = 0; j < (int64_t)KEYS * width && kind == DEVICE_COMPUTE_BF16; j++)
            inputs[i][j] = rounded(inputs[i][j]);
    }
    return (device_attention){.compute = kind,
                              .q = x->q,
                              .k = x->k,
                              .v = x->v,
                              .q_stride = width,
                              .kv_stride = kv,
                              .out = x->out,
                              .samples = SAMPLES,
                              .first_query = x->first_query,
                              .first_key = x->first_key,
                              .position = x->position,
                              .longest_query = 199,
                              .longest_key = 199,
                              .heads = c->heads,
                              .kv_heads = c->kv_heads,
                              .head_dim = c->head_dim,
                              .scale = 1 / sqrtf((float)c->head_dim),
                              .cap = c->cap,
                              .causal = c->causal,
                              .window = c->window};
}

static void *bring(const device_ops *ops, device *d, const void *from, int64_t n)
{
    void *at;
    assert_int_equal(ops->alloc(d, (size_t)n * sizeof(float), &at), OK);
    assert_int_equal(ops->upload(d, from, (size_t)n * sizeof(float), at), OK);
    return at;
}

// On the device that is tried, by way of its memory.
static status attend_on(const device_ops *ops, const device_attention *a)
{
    const int64_t queries = a->first_query[a->samples], keys = a->first_key[a->samples];
    device_attention own = *a;
    device *d;
    assert_int_equal(ops->open(0, &d), OK);
    float *q = bring(ops, d, a->q, queries * a->q_stride);
    float *out = a->out == a->q ? q : bring(ops, d, a->out, queries * a->q_stride);
    own.q = q;
    own.out = out;
    void *const others[] = {
        bring(ops, d, a->k, keys * a->kv_stride), bring(ops, d, a->v, keys * a->kv_stride),
        bring(ops, d, a->first_query, a->samples + 1), bring(ops, d, a->first_key, a->samples + 1),
        bring(ops, d, a->position, queries)};
    own.k = others[0];
    own.v = others[1];
    own.first_query = others[2];
    own.first_key = others[3];
    own.position = others[4];
    const status st = ops->attention(d, &own);
    assert_int_equal(ops->download(d, out, (size_t)(queries * a->q_stride) * sizeof(float), a->out),
                     OK);
    for (int i = 0; i < 5; i++)
        ops->free(d, others[i]);
    ops->free(d, q);
    if (out != q)
        ops->free(d, out);
    ops->close(d);
    return st;
}

static void play(const device_attention *a)
{
    assert_int_equal(attend_on(played_device(NULL), a), OK);
}

// `window` is the played one's, which works in place.
static double attention_distance(const attention_case *c, device_compute kind, int window)
{
    static attention_arrays x;
    device_attention a = attention_of(c, kind, &x);
    device *d;
    assert_int_equal(naive_device(NULL)->open(0, &d), OK);
    assert_int_equal(naive_device(NULL)->attention(d, &a), OK);
    naive_device(NULL)->close(d);
    a.out = x.q;
    a.window = window;
    play(&a);
    return difference(x.out, x.q, (int64_t)x.first_query[SAMPLES] * a.q_stride);
}

static void test_float32(void **state)
{
    (void)state;
    for (int i = 0; i < ATTENTIONS; i++) {
        const attention_case *c = &attention_cases[i];
        assert_true(attention_distance(c, DEVICE_COMPUTE_F32, c->window) < 6e-6);
    }
    assert_false(attention_distance(&attention_cases[2], DEVICE_COMPUTE_TF32, 8) < 3e-3);
}

// Of inputs that are bf16, weights alone are rounded: to 2^-8 of themselves at most.
static void test_bf16(void **state)
{
    (void)state;
    for (int i = 0; i < ATTENTIONS; i++) {
        const attention_case *c = &attention_cases[i];
        const double off = attention_distance(c, DEVICE_COMPUTE_BF16, c->window);
        print_message("%d: within %.1e\n", i, off);
        assert_true(off < (c->head_dim % 4 ? 6e-6 : 3e-3)); // else in float32
        assert_true(off > 1e-5 || c->head_dim % 4);
    }
    assert_false(attention_distance(&attention_cases[2], DEVICE_COMPUTE_BF16, 8) < 1e-2);
}

// Other inputs are rounded first.
static void test_rounding(void **state)
{
    (void)state;
    static attention_arrays x, y;
    const attention_case *c = &attention_cases[4];
    const size_t bytes = (size_t)KEYS * (size_t)(c->heads * c->head_dim) * sizeof(float);
    device_attention a = attention_of(c, DEVICE_COMPUTE_F32, &x);
    const device_attention b = attention_of(c, DEVICE_COMPUTE_BF16, &y);
    play(&b);
    a.compute = DEVICE_COMPUTE_BF16;
    play(&a);
    assert_memory_equal(x.out, y.out, bytes);
    a.compute = DEVICE_COMPUTE_F32;
    play(&a);
    assert_memory_not_equal(x.out, y.out, bytes);
}

// And without tensor cores all is as in float32.
static void test_squareless(void **state)
{
    (void)state;
    static attention_arrays x, y;
    static const naive_faults squareless = {.squareless = true};
    device_attention a = attention_of(&attention_cases[4], DEVICE_COMPUTE_F32, &x);
    const size_t bytes = (size_t)(x.first_query[SAMPLES] * a.q_stride) * sizeof(float);
    play(&a);
    a.compute = DEVICE_COMPUTE_BF16;
    a.out = y.out;
    assert_int_equal(attend_on(played_device(&squareless), &a), OK);
    assert_memory_equal(x.out, y.out, bytes);
}

// A sample's bits do not depend on its neighbours, nor a row's on which others are asked for.
static void check_alone(const attention_case *c, device_compute kind)
{
    static attention_arrays x, y;
    enum { FIRST = 131, ROWS = KEYS - FIRST };
    device_attention a = attention_of(c, kind, &x), b = attention_of(c, kind, &y);
    play(&a);
    const int64_t row = a.q_stride, kv = a.kv_stride;
    int32_t ends[2] = {0, ROWS}, some[ROWS], position[ROWS];
    b.q += FIRST * row;
    b.k += FIRST * kv;
    b.v += FIRST * kv;
    b.samples = 1;
    b.first_query = b.first_key = ends;
    b.position = position;
    for (int32_t i = 0; i < ROWS; i++)
        position[i] = i;
    play(&b);
    assert_memory_equal(y.out, x.out + FIRST * row, ROWS * (size_t)row * sizeof(float));
    int n = 0;
    for (int32_t i = 2; i < ROWS; i += 3, n++) {
        some[n] = i;
        position[n] = i;
        memmove(y.q + n * row, x.q + (FIRST + i) * row, (size_t)row * sizeof(float));
    }
    const int32_t fewer[2] = {0, n};
    b.q = y.q;
    b.first_query = fewer;
    b.longest_query = n;
    play(&b);
    for (int i = 0; i < n; i++)
        assert_memory_equal(y.out + i * row, x.out + (FIRST + some[i]) * row,
                            (size_t)row * sizeof(float));
    position[0]++; // the twin
    play(&b);
    assert_memory_not_equal(y.out, x.out + (FIRST + some[0]) * row, (size_t)row * sizeof(float));
}

static void test_alone(void **state)
{
    (void)state;
    check_alone(&attention_cases[3], DEVICE_COMPUTE_F32);
    check_alone(&attention_cases[3], DEVICE_COMPUTE_BF16);
    check_alone(&attention_cases[2], DEVICE_COMPUTE_BF16);
}

// A value that is no number stays one, in its rows alone; what is too wide is refused.
static void test_numbers(void **state)
{
    (void)state;
    static attention_arrays x;
    device_attention a = attention_of(&attention_cases[0], DEVICE_COMPUTE_BF16, &x);
    x.q[5 * a.q_stride + 3] = NAN;
    x.v[140 * a.kv_stride + 70] = INFINITY;
    play(&a);
    for (int64_t i = 0; i < KEYS * a.q_stride; i++) {
        const int64_t r = i / a.q_stride, c = i % a.q_stride;
        const bool is_bad = (r == 5 && c < 64) || (r >= 131 && c == 70);
        assert_true(isfinite(x.out[i]) == !is_bad);
    }
    a.head_dim = 257;
    a.heads = a.kv_heads = 1;
    a.q_stride = a.kv_stride = 257;
    assert_int_equal(attend_on(played_device(NULL), &a), ERR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_squares),    cmocka_unit_test(test_float32),
        cmocka_unit_test(test_bf16),       cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_squareless), cmocka_unit_test(test_alone),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
