// SPDX-License-Identifier: Apache-2.0
// For tests/gpu.sh: what test_cuda_attention.c holds of the kernels that are played, held of those of
// the plug-in that is named in SULCUS_PLUGIN.
#include "gpu_device.h"

#define played_device real_device
#define main          every_test // not called
int every_test(void);
#include "unit/model/test_cuda_attention.c"
#undef main

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_float32), cmocka_unit_test(test_bf16),
                                       cmocka_unit_test(test_rounding),
                                       cmocka_unit_test(test_alone),
                                       cmocka_unit_test(test_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
