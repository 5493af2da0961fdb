// SPDX-License-Identifier: Apache-2.0
// Stands in for file_map: the sanitizer does not know where a mapped file ends inside its last page,
// so that a reader that goes a few bytes too far is not seen. Here a file is a block of its own size.
// The linker puts these in the place of the product's (--wrap).
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/file.h"

status __real_file_map(const char *path, mapping *out);
void __real_file_unmap(mapping *m);
status __wrap_file_map(const char *path, mapping *out);
void __wrap_file_unmap(mapping *m);
void __wrap_file_drop_pages(const void *from, size_t n);

status __wrap_file_map(const char *path, mapping *out)
{
    mapping real;
    status st = __real_file_map(path, &real);
    *out = real;
    if (st != OK || real.size == 0)
        return st;
    unsigned char *copy = malloc(real.size);
    memcpy(copy, real.bytes, real.size);
    *out = (mapping){copy, real.size};
    __real_file_unmap(&real);
    return OK;
}

void __wrap_file_unmap(mapping *m)
{
    if (m->size > 0)
        free((void *)(uintptr_t)m->bytes);
    *m = (mapping){(const unsigned char *)"", 0};
}

void __wrap_file_drop_pages(const void *from, size_t n)
{
    (void)from, (void)n;
}
