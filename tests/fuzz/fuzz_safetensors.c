// SPDX-License-Identifier: Apache-2.0
// A safetensors file, or, where the input begins with `{`, the index of a folder with two shards,
// that is there. What is opened is converted as weights are.
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "model/files/weight_source.h"

enum { ELEMENTS_MAX = 4096 };

static void write_shard(const char *name, const char *tensor)
{
    char bytes[256] = {0};
    const int n =
        snprintf(bytes + 8, sizeof bytes - 8,
                 "{\"%s\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", tensor);
    bytes[0] = (char)n;
    fuzz_write(name, bytes, 8 + (size_t)n + 8);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    mkdir(fuzz_path("sharded"), 0700);
    write_shard("sharded/a.safetensors", "a.weight");
    write_shard("sharded/b.safetensors", "b.weight");
    return 0;
}

static void convert(const tensor *t)
{
    float values[ELEMENTS_MAX];
    fuzz_touch(t->bytes, t->n_bytes);
    if (t->type->to_float && t->elements <= ELEMENTS_MAX)
        t->type->to_float(t->bytes, t->elements, values);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    status st;
    weight_source *s = NULL;
    const char *path = fuzz_path("sharded");
    if (n > 0 && bytes[0] == '{')
        fuzz_write("sharded/model.safetensors.index.json", bytes, n);
    else
        path = fuzz_write("x.safetensors", bytes, n);
    TRY(weight_source_open(path, &s));
    for (size_t i = 0; i < weight_source_count(s); i++) {
        const tensor *t = weight_source_at(s, i);
        convert(t);
        if (weight_source_find(s, t->name) != t)
            abort();
    }
    TRY(weight_source_unchanged(s));
done:
    weight_source_close(s);
    fuzz_end(st);
    return 0;
}
