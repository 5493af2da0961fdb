// SPDX-License-Identifier: Apache-2.0
// Ranges in lists of numbers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/config/param_range.h"

static status expand(arena *memory, const char *yaml, const node **out)
{
    const node *n;
    assert_int_equal(tree_parse(memory, "test", true, yaml, strlen(yaml), &n), OK);
    return param_range_expand(memory, "fractions", n, out);
}

static void a_range_is_the_numbers_as_one_would_write_them(void **state)
{
    (void)state;
    arena memory = {0};
    const node *n;
    assert_int_equal(expand(&memory, "0.01:0.99:0.01", &n), OK);
    assert_int_equal(n->n, 99);
    for (int i = 0; i < 99; i++) {
        char written[16];
        snprintf(written, sizeof written, "0.%02d", i + 1);
        assert_true(strtod(n->item[i]->text, NULL) == strtod(written, NULL));
    }
    arena_free(&memory);
}

static void ranges_and_numbers_mix(void **state)
{
    (void)state;
    arena memory = {0};
    const node *n;
    const char *const want[] = {"0.001", "0.1", "0.3", "0.5", "1"};
    assert_int_equal(expand(&memory, "[0.001, \"0.1:0.5:0.2\", 1]", &n), OK);
    assert_int_equal(n->n, 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(n->item[i]->text, want[i]);
    arena_free(&memory);
}

static void what_is_no_range_stays(void **state)
{
    (void)state;
    arena memory = {0};
    const node *n;
    assert_int_equal(expand(&memory, "[0.1, 0.2]", &n), OK);
    assert_int_equal(n->n, 2);
    assert_int_equal(expand(&memory, "0.5", &n), OK);
    assert_int_equal(n->kind, NODE_SCALAR);
    arena_free(&memory);
}

static void bad_ranges_are_refused_with_their_place(void **state)
{
    (void)state;
    const char *const bad[] = {"0.1:0.5",   "0.1:0.5:0",  "0.5:0.1:0.1", "0.1:0.5:-0.1", "a:b:c",
                               "0:1:1e-12", "0.1:0.5:",   "::",          "0:1:0.1:2",    "0:inf:1",
                               "0x0:1:0.5", "0: 1:0.5\"", "nan:1:0.1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        arena memory = {0};
        const node *n;
        char quoted[64];
        snprintf(quoted, sizeof quoted, "- '%s'", bad[i]);
        assert_int_equal(expand(&memory, quoted, &n), ERR_USAGE);
        assert_non_null(strstr(status_text(), "test:1:3"));
        arena_free(&memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_is_the_numbers_as_one_would_write_them),
        cmocka_unit_test(ranges_and_numbers_mix),
        cmocka_unit_test(what_is_no_range_stays),
        cmocka_unit_test(bad_ranges_are_refused_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
