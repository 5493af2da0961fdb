// SPDX-License-Identifier: Apache-2.0
// What is known is found again, under its own key only, up to the limit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "stages/prune/known_answers.h"

static known_answers_key key_of(int i)
{
    known_answers_key key = {.tile = i % 7};
    snprintf(key.asked, sizeof key.asked, "%08x%024d", (unsigned)i % 100 * 2654435761u,
             i / 7); // many meet
    return key;
}

static void test_found(void **state)
{
    (void)state;
    known_answers *k;
    answers a = {.count = {1}}, got;
    assert_int_equal(known_answers_new(&k), OK);
    for (int i = 0; i < KNOWN_ANSWERS_TILES + 5; i++) {
        const known_answers_key key = key_of(i);
        a.count[ANSWERS_CORRECT] = i;
        a.sum[ANSWERS_LOSS] = i;
        assert_false(known_answers_find(k, &key, &got));
        known_answers_put(k, &key, &a);
    }
    for (int i = 0; i < KNOWN_ANSWERS_TILES + 5; i++) {
        const known_answers_key key = key_of(i);
        assert_true(known_answers_find(k, &key, &got) == (i < KNOWN_ANSWERS_TILES));
        if (i < KNOWN_ANSWERS_TILES) {
            assert_int_equal(got.count[ANSWERS_CORRECT], i);
            assert_true(got.sum[ANSWERS_LOSS] == i);
        }
    }
    known_answers_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
