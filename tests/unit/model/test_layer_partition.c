// SPDX-License-Identifier: Apache-2.0
// How a model's layers are divided: every layer has a member, a member allocates what it holds, and
// any layer can be looked into by all.
#include "team_cases.h"

static void test_parts(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        opened x;
        open_case(&cases[c], &x);
        const model_info *info = x.info;
        size_t whole = model_weight_bytes(info, COMPUTE_F32);
        assert_int_equal(model_part_bytes(x.light, 0, 1, COMPUTE_F32), whole);
        for (int n = 1; n <= info->layers; n++) {
            int at = 0, at_head = 0;
            size_t sum = 0, largest = 0;
            for (int i = 0; i < n; i++) {
                layer_range r = model_part(info, i, n, false), h = model_part(info, i, n, true);
                assert_int_equal(r.first, at);
                assert_int_equal(h.first, at_head);
                assert_true(r.end > r.first && h.end > h.first);
                assert_true(h.first <= r.end); // what is held is one range
                at = r.end;
                at_head = h.end;
                size_t bytes = model_part_bytes(x.light, i, n, COMPUTE_F32);
                sum += bytes;
                largest = bytes > largest ? bytes : largest;
            }
            assert_int_equal(at, info->layers);
            assert_int_equal(at_head, info->layers);
            assert_true(sum >= whole); // a tied embedding is there twice
            assert_true(n == 1 || largest < whole);
        }
        close_case(&x);
    }
}

// A share of one process, which notes what was allocated.
typedef struct counting_share {
    share base; // first
    size_t bytes;
} counting_share;

static status count_alloc(share *self, size_t bytes, share_fill fill, void **block)
{
    ((counting_share *)self)->bytes += bytes;
    *block = checked_aligned(bytes, 1);
    if (*block)
        memset(*block, fill == SHARE_ZEROS ? 0 : 0xff, bytes); // all NaN
    return *block ? OK : ERR_INTERNAL;
}

static void count_release(share *self, void *block)
{
    (void)self;
    free(block);
}

static status count_vote(share *self, status st)
{
    (void)self;
    return st;
}

// A member allocates what it was said to, and no more: nothing for layers of others.
static void test_memory(void **state)
{
    (void)state;
    enum { ALIGNMENT = 64, TENSORS = 100 };
    for (int c = 0; c < CASES; c++) {
        opened x;
        open_case(&cases[c], &x);
        for (int i = 0; i < 3; i++) {
            thread_team team;
            model *m;
            counting_share counts = {.base = {.ranks = 1,
                                              .alloc = count_alloc,
                                              .release = count_release,
                                              .vote = count_vote}};
            thread_team_open(&team, 3);
            x.options.team = &team.member[i].base;
            size_t part = model_part_bytes(x.light, i, 3, COMPUTE_F32);
            assert_ok(model_open(&x.options, &counts.base, &m));
            // Packed matrices of small models are filled up to whole blocks.
            assert_in_range(counts.bytes, part, part + ALIGNMENT * TENSORS + part);
            assert_true(counts.bytes < model_weight_bytes(x.info, COMPUTE_F32));
            model_close(m);
            thread_team_close(&team, 3);
        }
        close_case(&x);
    }
}

// Rows of W_in of layers that others hold.
static void test_w_in(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        opened x;
        open_case(&cases[c], &x);
        thread_team team;
        model *whole, *part;
        const size_t n = (size_t)x.info->d_mlp * (size_t)x.info->hidden_size;
        float *want = calloc(n, sizeof *want), *got = calloc(n, sizeof *got);
        assert_ok(model_open(&x.options, NULL, &whole));
        thread_team_open(&team, 2);
        x.options.team = &team.member[1].base;
        assert_ok(model_open(&x.options, NULL, &part));
        assert_true(model_layers(part).first > 0);
        assert_int_equal(model_layers(part).end, x.info->layers);
        for (int l = 0; l < x.info->layers; l++) {
            assert_ok(model_w_in(whole, l, want));
            assert_ok(model_w_in(part, l, got));
            assert_memory_equal(want, got, n * sizeof *want);
        }
        model_close(part);
        model_close(whole);
        thread_team_close(&team, 2);
        free(want);
        free(got);
        close_case(&x);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    opened x;
    thread_team team;
    model *m = NULL;
    open_case(&cases[2], &x);
    thread_team_open(&team, 6);
    x.options.team = &team.member[0].base;
    assert_int_equal(model_open(&x.options, NULL, &m), ERR_USAGE);
    assert_non_null(strstr(status_text(), "the model has 5 layers, fewer than the 6 ranks"));
    thread_team_close(&team, 6);
    close_case(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts), cmocka_unit_test(test_memory),
                                       cmocka_unit_test(test_w_in),
                                       cmocka_unit_test(test_too_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
