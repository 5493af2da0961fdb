// SPDX-License-Identifier: Apache-2.0
// For tests/gpu.sh: what test_device.c holds of the naive device, held of the one that the plug-in
// named in SULCUS_PLUGIN opens: fixtures, and the same bits in batches of a tile and of all tiles.
#include "gpu_device.h"

#define naive_device real_device
#define main         every_test // not called
int every_test(void);
#include "unit/model/test_device.c"
#undef main

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_families), cmocka_unit_test(test_sums),
                                       cmocka_unit_test(test_hidden)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
