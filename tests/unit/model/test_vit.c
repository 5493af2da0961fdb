// SPDX-License-Identifier: Apache-2.0
// Vision transformers against PyTorch: logits, statistics of every neuron, hidden states.
#include "fixture.h"

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
        x.read = true; // all rows of the last layer
        assert_ok(fixture_run(&x, NULL));
        assert_true(logits_distance(&x, "logits") < 1e-4);
        fixture_close(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
