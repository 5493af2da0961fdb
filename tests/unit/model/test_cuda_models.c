// SPDX-License-Identifier: Apache-2.0
// Models of every family through the plug-in's kernels, played in C: what test_device.c holds of the
// naive device, against the same fixtures. What is the host's alone is not tried again.
#include "played_device.h"

#define naive_device played_device
#define main         every_test // not called
int every_test(void);
#include "test_device.c"
#undef main

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families), cmocka_unit_test(test_sums), cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_rounded), cmocka_unit_test(test_fault)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
