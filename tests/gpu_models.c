// SPDX-License-Identifier: Apache-2.0
// For tests/gpu.sh: what test_device.c holds of the naive device, held of the one that the plug-in
// named in SULCUS_PLUGIN opens.
#include <dlfcn.h>

#include "unit/model/naive_device.h"

// The plug-in's table; faults are the naive device's alone.
static const device_ops *real_device(const naive_faults *faults);

#define naive_device real_device
#define main         every_test // not called
int every_test(void);
#include "unit/model/test_device.c"
#undef main

static const device_ops *real_device(const naive_faults *faults)
{
    (void)faults;
    const char *path = getenv("SULCUS_PLUGIN");
    void *handle = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    void *symbol = handle ? dlsym(handle, DEVICE_OPS_SYMBOL) : NULL;
    const device_ops *(*ask)(int) = NULL;
    memcpy(&ask, &symbol, sizeof ask);
    assert_non_null(ask);
    return ask(DEVICE_OPS_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_families),
                                       cmocka_unit_test(test_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
