// SPDX-License-Identifier: Apache-2.0
// Datasets whose files are numbers: idx (images, and beside two good images their labels), CIFAR
// and its names, and token ids as .npy or .bin; packed or not. The first bytes say which.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/dataset/samples.h"

static const char idx_images[] = "\0\0\10\3\0\0\0\2\0\0\0\1\0\0\0\1ab";
static const char idx_labels[] = "\0\0\10\1\0\0\0\2\1\2";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    mkdir(fuzz_path("cifar"), 0700);
    return 0;
}

static status read_images(const dataset *d)
{
    status st = OK;
    image i = {0};
    for (int s = 0; s < dataset_subsets(d); s++)
        for (int64_t k = 0; k < dataset_count(d, s) && k < 4; k++) {
            TRY(dataset_image(d, s, k, &i));
            fuzz_touch(i.pixels, (size_t)i.height * (size_t)i.width * (size_t)i.channels);
            fuzz_touch(dataset_label_name(d, dataset_label(d, s, k)), 1);
        }
done:
    image_free(&i);
    return st;
}

static status read_tokens(const dataset *d)
{
    enum { CONTEXT = 8 };
    const sample_spec spec = {.text = true, .context = CONTEXT, .vocabulary = 1000};
    int32_t ids[CONTEXT], target[CONTEXT];
    samples *s = NULL;
    status st;
    TRY(samples_open(d, &spec, &s));
    for (int64_t i = 0; i < samples_count(s, 0, PART_EVALUATE) && i < 16; i++) {
        if (samples_rows(s, 0, PART_EVALUATE, i) > CONTEXT)
            abort();
        TRY(samples_text(s, 0, PART_EVALUATE, i, ids, target));
    }
done:
    samples_close(s);
    return st;
}

static void read_dataset(dataset_options o)
{
    dataset *d = NULL;
    status st = dataset_open(&o, NULL, &d);
    if (st == OK)
        st = dataset_is_text(d) ? read_tokens(d) : read_images(d);
    dataset_close(d);
    fuzz_end(st);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    dataset_options o = {.collect = DATASET_COLLECT_DEFAULT};
    if (n > 3 && memcmp(bytes, idx_labels, 4) == 0) {
        o.path = fuzz_write("x-images-idx3-ubyte", idx_images, sizeof idx_images - 1);
        fuzz_write("x-labels-idx1-ubyte", bytes, n);
        o.format = "idx";
    } else if (n > 1 && memcmp(bytes, idx_images, 2) == 0) {
        o.path = fuzz_write("x-images-idx3-ubyte", bytes, n);
        fuzz_write("x-labels-idx1-ubyte", idx_labels, sizeof idx_labels - 1);
        o.format = "idx";
    }
    if (o.format) {
        read_dataset(o);
        return 0;
    }
    o.format = "tokens";
    o.path = fuzz_write("x.npy", bytes, n);
    read_dataset(o);
    o.dtype = "uint32";
    read_dataset(o);
    o.format = "cifar10";
    o.path = fuzz_write("cifar/test_batch.bin", bytes, n);
    fuzz_write("cifar/batches.meta.txt", bytes, n);
    read_dataset(o);
    o.format = "cifar100";
    read_dataset(o);
    return 0;
}
