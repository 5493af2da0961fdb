// SPDX-License-Identifier: Apache-2.0
// Quantised GGUF blocks bit-equal to what the gguf package makes of them
// (tests/reference/make_quants.py).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/files/dtype.h"
#include "pipeline/base/file.h"

// Compares every type of the fixture; `flip` damages a byte of each type's blocks first. Returns
// how many types differ.
static int types_that_differ(bool flip, int *types)
{
    char *bytes = NULL;
    size_t n, differ = 0, at = 0;
    assert_int_equal(file_read("tests/reference/quants.bin", 1 << 20, &bytes, &n), OK);
    *types = 0;
    while (at < n) {
        uint32_t blocks, size;
        const dtype *type = dtype_find(bytes + at);
        assert_non_null(type);
        memcpy(&blocks, bytes + at + 8, 4);
        memcpy(&size, bytes + at + 12, 4);
        assert_int_equal(size, type->bytes);
        char *raw = bytes + at + 16;
        size_t values = blocks * type->block;
        float *made = malloc(values * sizeof *made);
        if (flip)
            raw[size / 2] ^= 0x55;
        type->to_float(raw, blocks, made);
        differ += memcmp(made, raw + (size_t)blocks * size, values * sizeof *made) != 0;
        free(made);
        at += 16 + (size_t)blocks * size + values * sizeof(float);
        ++*types;
    }
    free(bytes);
    return (int)differ;
}

static void test_bit_equal(void **unused)
{
    (void)unused;
    int types;
    assert_int_equal(types_that_differ(false, &types), 0);
    assert_int_equal(types, 11);
}

static void test_a_fault_is_caught(void **unused)
{
    (void)unused;
    int types;
    assert_int_equal(types_that_differ(true, &types), 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bit_equal),
                                       cmocka_unit_test(test_a_fault_is_caught)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
