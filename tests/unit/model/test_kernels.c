// SPDX-License-Identifier: Apache-2.0
// The kernels, in each form, against plain loops in double with libm; each check has a twin that
// must not hold.
#include "fixture.h"
#include "model/kernels/activation.h"
#include "model/kernels/kernel_set.h"
#include "model/kernels/kernels.h"

static float value(int i)
{
    return (float)((i * 7919 + i / 13 * 104729) % 2003 - 1001) / 700;
}

enum { FORMS = 3 };

// NULL where the CPU lacks it.
static const kernel_set *form(int i)
{
    return i == 0 ? kernels_plain() : i == 1 ? kernels_avx2() : kernels_avx512();
}

// The softmax's numerators of rows with all kinds of spans; the twin has another scale.
static bool are_numerators(const kernel_set *k, float scale)
{
    enum { WIDTH = 80, MOST = WIDTH * WIDTH };
    static float x[MOST * WIDTH], was[MOST * WIDTH], sum[MOST];
    static kernel_span seen[MOST];
    int rows = 0;
    for (int first = 0; first < WIDTH; first += 3)
        for (int end = first + 1; end <= WIDTH; end++)
            seen[rows++] = (kernel_span){first, end};
    for (int i = 0; i < rows * WIDTH; i++)
        was[i] = x[i] = 30 * value(i);
    k->exp_spans(x, rows, WIDTH, seen, scale, sum);
    for (int r = 0; r < rows; r++) {
        const float *own = was + r * WIDTH;
        double largest = -INFINITY, total = 0;
        for (int i = seen[r].first; i < seen[r].end; i++)
            largest = fmax(largest, (double)own[i]);
        for (int i = seen[r].first; i < seen[r].end; i++)
            total += exp(((double)own[i] - largest) * 0.7);
        for (int i = 0; i < WIDTH; i++) {
            const bool inside = i >= seen[r].first && i < seen[r].end;
            const double want = inside ? exp(((double)own[i] - largest) * 0.7) : 0;
            if (!(fabs((double)x[r * WIDTH + i] - want) <= 6e-7 * (inside ? total : 0)))
                return false;
        }
        if (!(fabs((double)sum[r] - total) <= 1e-6 * total))
            return false;
    }
    return true;
}

static void test_exp_spans(void **state)
{
    (void)state;
    for (int f = 0; f < FORMS; f++) {
        if (!form(f))
            continue;
        assert_true(are_numerators(form(f), 0.7f));
        assert_false(are_numerators(form(f), 0.70001f));
    }
}

// Both norms of rows of `width`, within 2e-6 of the largest they could be; the twin's epsilon is
// `eps`, not 1e-5.
static bool are_norms(const kernel_set *k, int width, float eps)
{
    enum { ROWS = 3, MOST = 1000 };
    static float x[ROWS * MOST], weight[MOST], bias[MOST], layer[ROWS * MOST], rms[ROWS * MOST];
    for (int i = 0; i < ROWS * width; i++)
        x[i] = 0.01f * value(i) + 0.02f; // small: epsilon matters
    for (int i = 0; i < width; i++) {
        weight[i] = 1 + 0.1f * value(i + 77);
        bias[i] = value(i + 99);
    }
    if (!k->layer_norm(x, ROWS, width, weight, bias, eps, layer) ||
        !k->rms_norm(x, width, ROWS, width, weight, eps, rms, width))
        return false;
    for (int r = 0; r < ROWS; r++) {
        const float *own = x + r * width;
        double mean = 0, variance = 0, square = 0;
        for (int i = 0; i < width; i++)
            mean += (double)own[i] / width;
        for (int i = 0; i < width; i++) {
            variance += ((double)own[i] - mean) * ((double)own[i] - mean) / width;
            square += (double)own[i] * (double)own[i] / width;
        }
        for (int i = 0; i < width; i++) {
            const double w = (double)weight[i], b = (double)bias[i];
            const double as_layer = ((double)own[i] - mean) / sqrt(variance + 1e-5) * w + b;
            const double as_rms = (double)own[i] / sqrt(square + 1e-5) * w;
            if (!(fabs((double)layer[r * width + i] - as_layer) <= 2e-6) ||
                !(fabs((double)rms[r * width + i] - as_rms) <= 2e-6))
                return false;
        }
    }
    return true;
}

static void test_norms(void **state)
{
    (void)state;
    const int widths[] = {1, 7, 16, 17, 64, 65, 128, 200, 576, 1000};
    const float nothing[20] = {0};
    for (int f = 0; f < FORMS; f++) {
        if (!form(f))
            continue;
        for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
            assert_true(are_norms(form(f), widths[i], 1e-5f));
        assert_false(are_norms(form(f), 128, 2e-5f));
        for (int at = 0; at < 20; at += 19) { // in whole vectors and at the end
            float x[20] = {0}, y[20];
            x[at] = at ? NAN : INFINITY;
            assert_false(form(f)->layer_norm(x, 1, 20, nothing, nothing, 1e-5f, y));
            assert_false(form(f)->rms_norm(x, 20, 1, 20, nothing, 1e-5f, y, 20));
        }
    }
}

// The largest of n values, 1, and the sum of their exponentials beside it; the twin's shift is
// `shift`, not 1.
static bool are_folds(const kernel_set *k, int n, float shift)
{
    float x[300], largest = -INFINITY;
    double total = 0;
    for (int i = 0; i < n; i++) {
        x[i] = i == n / 2 ? 1 : 20 * value(i + n) - 30;
        largest = x[i] > largest ? x[i] : largest;
        total += exp((double)x[i] - 1);
    }
    return k->max(x, n) == largest && fabs((double)k->sum_exp(x, n, shift) - total) <= 1e-6 * total;
}

static void test_folds(void **state)
{
    (void)state;
    for (int f = 0; f < FORMS; f++) {
        if (!form(f))
            continue;
        for (int n = 1; n <= 300; n += n < 40 ? 1 : 13)
            assert_true(are_folds(form(f), n, 1));
        assert_false(are_folds(form(f), 300, 1.00001f));
    }
}

static double exact(const char *name, double x)
{
    const double u = sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x);
    switch (name[0] == 'g' ? name[4] : name[0]) {
    case '\0': // gelu: by the tail, which is relatively right
        return x < 0 ? x * erfc(-x / sqrt(2)) / 2 : x - x * erfc(x / sqrt(2)) / 2;
    case '_': // gelu_pytorch_tanh
        return x / (1 + exp(-2 * u));
    case 'q':
        return x / (1 + exp(-1.702 * x));
    case 's':
        return x / (1 + exp(-x));
    default:
        return x > 0 ? x : 0;
    }
}

typedef void apply_function(float *x, size_t n);

// The largest error over [-120, 120] in units of max(1, |x|), densely about 0. Counts that are no
// multiple of a vector, and what lies behind them stays.
static double error_of(apply_function *apply, const char *name)
{
    enum { N = 1003, STEPS = 400 };
    static float x[N + 1], was[N];
    double worst = 0;
    for (int s = 0; s < STEPS; s++) {
        for (int i = 0; i < N; i++) {
            const double t = (s * N + i) * 2.0 / (STEPS * N) - 1; // from -1 to 1
            was[i] = x[i] = (float)(120 * t * t * t);
        }
        x[N] = 42;
        apply(x, N);
        if (x[N] != 42)
            return INFINITY;
        for (int i = 0; i < N; i++) {
            const double unit = fmax(1, fabs((double)was[i]));
            const double error = fabs((double)x[i] - exact(name, (double)was[i])) / unit;
            worst = error > worst || isnan(error) ? error : worst;
        }
    }
    return worst;
}

static void check_activation(apply_function *apply, const char *name)
{
    assert_true(error_of(apply, name) <= 3e-7);
    float special[] = {0, NAN, INFINITY};
    apply(special, 3);
    assert_true(special[0] == 0 && isnan(special[1]) && !(special[2] <= 3e38f));
}

static void test_activations(void **state)
{
    (void)state;
    static const char *const names[] = {"gelu", "gelu_pytorch_tanh", "quick_gelu", "silu", "relu"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_activation(activation_find(names[i])->apply, names[i]);
    for (int f = 0; f < FORMS; f++) {
        if (!form(f))
            continue;
        check_activation(form(f)->gelu, "gelu");
        check_activation(form(f)->silu, "silu");
        assert_false(error_of(form(f)->gelu, "gelu_pytorch_tanh") <= 3e-7); // twins
        assert_false(error_of(form(f)->silu, "quick_gelu") <= 3e-7);
    }
}

// GELU's tail by itself, relatively: what model/kernels/kernels_avx512.c says of its table.
// The twin has a cap a little larger.
static double cap_error(float cap)
{
    double worst = 0;
    for (int i = -4000; i <= 4000; i++) {
        const double was = (double)i * i * i / 4e7;
        float x = (float)was;
        kernel_soft_cap(&x, 1, 0.3f, cap);
        worst = fmax(worst, fabs((double)x - 30 * tanh(0.3 * was / 30)));
    }
    return worst;
}

static void test_soft_cap(void **state)
{
    (void)state;
    assert_true(cap_error(30) <= 3e-7 * 30);
    assert_false(cap_error(30.0001f) <= 3e-7 * 30);
    float small = 1e-3f, bad = NAN;
    kernel_soft_cap(&small, 1, 1, 50);
    assert_true(fabs((double)small - 50 * tanh(1e-3 / 50)) < 1e-9);
    kernel_soft_cap(&bad, 1, 1, 50);
    assert_true(isnan(bad));
}

static void test_tail(void **state)
{
    (void)state;
    for (int f = 0; f < FORMS; f++) {
        double near = 0, far = 0;
        for (int i = 1; form(f) && i < 580; i++) {
            float x = -(float)i / 100;
            const double want = exact("gelu", (double)x);
            form(f)->gelu(&x, 1);
            const double error = fabs((double)x / want - 1);
            near = i <= 300 && error > near ? error : near;
            far = error > far ? error : far;
        }
        assert_true(near < 5e-7 && far < 5e-5);
    }
}

static void test_turn(void **state)
{
    (void)state;
    enum { FROM = 20, TO = 33 };
    uint32_t from[KERNEL_SQUARE * FROM], to[KERNEL_SQUARE * TO];
    for (int i = 0; i < KERNEL_SQUARE * FROM; i++)
        from[i] = (uint32_t)i;
    for (int f = 0; f < FORMS; f++) {
        if (!form(f))
            continue;
        memset(to, 0xff, sizeof to);
        form(f)->transpose(from, FROM, to, TO);
        for (uint32_t j = 0; j < KERNEL_SQUARE; j++)
            for (uint32_t i = 0; i < TO; i++)
                assert_int_equal(to[j * TO + i], i < KERNEL_SQUARE ? i * FROM + j : UINT32_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_spans), cmocka_unit_test(test_norms),
        cmocka_unit_test(test_folds),     cmocka_unit_test(test_activations),
        cmocka_unit_test(test_soft_cap),  cmocka_unit_test(test_tail),
        cmocka_unit_test(test_turn)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
