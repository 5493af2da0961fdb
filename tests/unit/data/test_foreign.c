// SPDX-License-Identifier: Apache-2.0
// Files of other tools where ids are wanted (D15), and archives, Python versions and folders too high
// where a dataset is wanted (D16): said, or taken for what they are.
#include "plain_tokenizer.h"

#include <zstd.h>

#define BYTES(TEXT) TEXT, sizeof(TEXT) - 1

static void refused_ids(const char *name, const char *bytes, size_t n, const char *what)
{
    char *f = scratch_new(), *path = file_join(f, name);
    scratch_write(f, name, bytes, n);
    expect_open_failure((dataset_options){.format = "tokens", .path = path}, ERR_INPUT, name, what);
    free(path);
    scratch_free(f);
}

// --- D15: what is no bare array of ids

static void test_magic(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *what;
    } files[] = {
        {BYTES("MMIDIDX\0\0\1\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\0"), "index that Megatron"},
        {BYTES("TNTIDX\0\0\1\0\0\0\0\0\0\0"), "fairseq"},
        {BYTES("LITPKDS\1\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\0"), "litgpt"},
        {BYTES("PK\3\4\x14\0\0\0\0\0"), "zip archive"},
        {BYTES("\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\2M"), "torch.save"},
        {BYTES("\x80\4\x95\x0b\0\0\0\0\0\0\0]\x94(K\1K\2e.   "), "pickle"},
        {BYTES("\x89HDF\r\n\x1a\n\0\0\0\0"), "HDF5"},
        {BYTES("PAR1\x15\4\x15\x10"), "Parquet"},
        {BYTES("ARROW1\0\0"), "Arrow"},
        {BYTES("GGUF\3\0\0\0"), "GGUF"},
        {BYTES("\x1f\x8b\x08\0\0\0\0\0\0\3\1\2"), "gzip; unpack it"},
        {BYTES("\x28\xb5\x2f\xfd\x20\1\2\3"), "zstd; unpack it"},
        {BYTES(
             "\x40\0\0\0\0\0\0\0{\"ids\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[0,8]}}"
             "                "),
         "safetensors"},
        {BYTES("15496 995 11 314 716 257 2746 13\n15496 995"), "is text"},
        {BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"),
         "git lfs pull"},
        {BYTES("/annex/objects/SHA256E-s90--00.bin\n"), "git annex get"},
        {BYTES("<!DOCTYPE html>\n<html><body>Not found"), "is a web page"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        refused_ids("a.bin", files[i].bytes, files[i].n, files[i].what);
}

// Ids that begin as gzip's or a pickle's first bytes do are ids.
static void test_like_magic(void **state)
{
    (void)state;
    static const uint16_t rows[][4] = {
        {0x8b1f, 0x0f08, 0, 7}, {0x0480, 0x0095, 9, 9}, {1, 2, 0, 4}};
    for (size_t i = 0; i < 3; i++) {
        char *f = scratch_new(), *path = file_join(f, "a.bin");
        uint16_t all[40];
        for (size_t k = 0; k < 40; k++)
            all[k] = (uint16_t)(k < 4 ? rows[i][k] : 100 + k);
        all[1] = i == 0 ? 0xff08 : all[1]; // no flags that gzip has
        scratch_write(f, "a.bin", all, sizeof all);
        dataset *d = open_data((dataset_options){.format = "tokens", .path = path});
        sample_spec spec = plain_spec("/nowhere", 40);
        spec.vocabulary = 70000;
        samples *s = open_samples(d, spec);
        int32_t ids[40], target[40];
        assert_int_equal(samples_text(s, 0, PART_COLLECT, 0, ids, target), OK);
        for (size_t k = 0; k < 40; k++)
            assert_int_equal(ids[k], all[k]);
        samples_close(s);
        dataset_close(d);
        free(path);
        scratch_free(f);
    }
}

// The header of the trainers in plain C, of either version: passed over, and said. One that contradicts
// itself is refused.
static void test_llmc(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        const int width = kind ? 4 : 2;
        char *f = scratch_new(), *path = file_join(f, "a.bin"), bytes[1024 + 4 * 8] = {0};
        const uint32_t head[] = {kind ? 20240801 : 20240520, kind ? 7 : 1, 8};
        memcpy(bytes, head, sizeof head);
        for (uint32_t i = 0; i < 8; i++) {
            const uint32_t id = 1000 + i;
            memcpy(bytes + 1024 + (size_t)width * i, &id, (size_t)width);
        }
        scratch_write(f, "a.bin", bytes, 1024 + 8 * (size_t)width);
        dataset *d = open_data((dataset_options){.format = "tokens", .path = path, .collect = 1});
        assert_non_null(strstr(dataset_notes(d), "header of llm.c's, which is passed over\n"));
        sample_spec spec = plain_spec("/nowhere", 8);
        spec.vocabulary = 128256;
        samples *s = open_samples(d, spec);
        int32_t ids[8], target[8];
        assert_int_equal(samples_rows(s, 0, PART_COLLECT, 0), 8);
        assert_int_equal(samples_text(s, 0, PART_COLLECT, 0, ids, target), OK);
        for (int i = 0; i < 8; i++)
            assert_int_equal(ids[i], 1000 + i);
        samples_close(s);
        dataset_close(d);
        scratch_write(f, "a.bin", bytes, 1024 + 7 * (size_t)width);
        expect_open_failure((dataset_options){.format = "tokens", .path = path}, ERR_INPUT, "a.bin",
                            "announces 8 ids");
        bytes[4] = 3;
        scratch_write(f, "a.bin", bytes, 1024 + 8 * (size_t)width);
        expect_open_failure((dataset_options){.format = "tokens", .path = path}, ERR_INPUT, "a.bin",
                            "of version 3");
        free(path);
        scratch_free(f);
    }
}

// Ids of another width than dtype: says.
static void test_widths(void **state)
{
    (void)state;
    uint32_t four[64];
    uint64_t eight[64];
    uint16_t two[64];
    for (size_t i = 0; i < 64; i++)
        eight[i] = four[i] = two[i] = (uint16_t)(300 + 7 * i);
    refused_ids("a.bin", (const char *)four, sizeof four, "give dtype: uint32");
    refused_ids("a.bin", (const char *)eight, sizeof eight, "give dtype: uint32");
    char *f = scratch_new(), *path = file_join(f, "a.bin");
    const dataset_options o = {.format = "tokens", .path = path, .dtype = "uint32"};
    scratch_write(f, "a.bin", eight, sizeof eight);
    expect_open_failure(o, ERR_INPUT, "a.bin", "ids of eight bytes read as of four");
    scratch_write(f, "a.bin", four, sizeof four);
    dataset_close(open_data(o));
    // What Megatron says beside its ids.
    static const char index[] = "MMIDIDX\0\0\1\0\0\0\0\0\0\0\4\2\0\0\0\0\0\0\0";
    scratch_write(f, "a.idx", index, sizeof index - 1);
    dataset_close(open_data(o));
    expect_open_failure((dataset_options){.format = "tokens", .path = path}, ERR_INPUT, "a.bin",
                        "says the .idx beside it; give dtype: uint32");
    char eights[sizeof index];
    memcpy(eights, index, sizeof index);
    eights[17] = 8;
    scratch_write(f, "a.idx", eights, sizeof index - 1);
    expect_open_failure(o, ERR_INPUT, "a.bin", "give dtype: uint16");
    scratch_write(f, "a.bin", two, sizeof two);
    dataset_close(open_data((dataset_options){.format = "tokens", .path = path}));
    free(path);
    scratch_free(f);
}

// -100 and -1, as they are and without their signs.
static void test_padding(void **state)
{
    (void)state;
    static const struct {
        const char *dtype;
        uint32_t id[4];
        int64_t vocabulary;
        const char *what; // NULL: they are ids
    } files[] = {
        {"uint16", {1, 2, 65436, 65436}, 50257, "id 2 is 65436, which is -100 without its sign"},
        {"uint16", {1, 2, 65436, 65436}, 128256, "id 3 is 65436, which is -100 without its sign"},
        {"uint16", {1, 65535, 65535, 3}, 128256, "id 2 is 65535, which is -1 without its sign"},
        {"uint16", {1, 65436, 2, 65535}, 128256, NULL},
        {"uint32", {1, 2, 4294967196, 0}, 128256, "id 2 is 4294967196, which is -100 without"},
        {"uint32", {1, 4294967295, 3, 0}, 128256, "id 1 is 4294967295, which is -1 without"},
        {"uint32", {1, 128256, 3, 0}, 128256, "id 1 is 128256, beyond the model's vocabulary"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *f = scratch_new(), *path = file_join(f, "a.bin");
        uint16_t two[4];
        for (int k = 0; k < 4; k++)
            two[k] = (uint16_t)files[i].id[k];
        const bool narrow = strcmp(files[i].dtype, "uint16") == 0;
        scratch_write(f, "a.bin", narrow ? (const void *)two : files[i].id, narrow ? 8 : 16);
        dataset *d =
            open_data((dataset_options){.format = "tokens", .path = path, .dtype = files[i].dtype});
        sample_spec spec = plain_spec("/nowhere", 4);
        spec.vocabulary = (int)files[i].vocabulary;
        samples *s = NULL;
        status st = samples_open(d, &spec, &s);
        if (files[i].what)
            expect_failure(st, ERR_INPUT, "a.bin", files[i].what);
        else
            assert_int_equal(st, OK);
        samples_close(s);
        dataset_close(d);
        free(path);
        scratch_free(f);
    }
}

// --- D16

// A tar of one entry of that name.
static void make_tar(char tar[1536], const char *entry)
{
    memset(tar, 0, 1536);
    snprintf(tar, 100, "%s", entry);
    memcpy(tar + 257, "ustar\00000", 8);
}

static void refused(const char *format, const char *folder, const char *name, const char *what,
                    const char *more)
{
    char *path = file_join(folder, name);
    expect_open_failure((dataset_options){.format = format, .path = path}, ERR_INPUT, name, what);
    expect_open_failure((dataset_options){.format = format, .path = path}, ERR_INPUT, name, more);
    free(path);
}

static void test_archives(void **state)
{
    (void)state;
    static const char *const formats[] = {"cifar10", "cifar100", "idx",  "images",
                                          "jsonl",   "text",     "mmlu", "parquet"};
    char tar[1536], *f = scratch_new();
    make_tar(tar, "cifar-100-binary/");
    scratch_write(f, "c.tar", tar, sizeof tar);
    scratch_write_gz(f, "c.tar.gz", tar, sizeof tar);
    scratch_write_gz(f, "c.tgz", tar, sizeof tar);
    scratch_write(f, "c.tar.bz2", BYTES("BZh9"));
    char packed[4096];
    scratch_write(f, "c.tar.zst", packed, ZSTD_compress(packed, sizeof packed, tar, sizeof tar, 1));
    scratch_write(f, "c.zip",
                  BYTES("PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\0\0\0MNIST/raw"));
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        static const char *const names[] = {"c.tar", "c.tar.gz", "c.tgz", "c.tar.zst"};
        for (size_t k = 0; k < 4; k++)
            refused(formats[i], f, names[k], "is an archive; unpack it (tar xf '",
                    "/cifar-100-binary");
        refused(formats[i], f, "c.tar.bz2", "is an archive; unpack it into a new folder", "tar xf");
        refused(formats[i], f, "c.zip", "unzip -q '", "/MNIST");
    }
    make_tar(tar, "./cifar-100-python/");
    scratch_write_gz(f, "python.tar.gz", tar, sizeof tar);
    refused("cifar100", f, "python.tar.gz", "Python version (cifar-100-python)",
            "cifar-100-binary.tar.gz");
    make_tar(tar, "cifar-10-batches-py/data_batch_4");
    scratch_write_gz(f, "py10.tar.gz", tar, sizeof tar);
    refused("cifar10", f, "py10.tar.gz", "Python version", "cifar-10-binary.tar.gz");
    make_tar(tar, "0001.txt");
    scratch_write(f, "flat.tar", tar, sizeof tar);
    refused("images", f, "flat.tar", "WebDataset", "Parquet");
    make_tar(tar, "notes");
    scratch_write(f, "notes.tar", tar, sizeof tar);
    refused("text", f, "notes.tar", "into a new folder (mkdir NEW; tar xf '", "give that as path");
    scratch_free(f);
}

static void test_python_version(void **state)
{
    (void)state;
    char *f = scratch_new();
    static const char pickle[] = "\x80\4\x95\x0b\0\0\0\0\0\0\0}\x94.";
    scratch_write(f, "cifar-100-python/test", pickle, sizeof pickle - 1);
    scratch_write(f, "cifar-100-python/meta", pickle, sizeof pickle - 1);
    scratch_write(f, "cifar-10-batches-py/test_batch", pickle, sizeof pickle - 1);
    scratch_write(f, "cifar-10-batches-py/batches.meta", pickle, sizeof pickle - 1);
    refused("cifar100", f, "cifar-100-python", "Python version", "cifar-100-binary.tar.gz");
    refused("cifar10", f, "cifar-10-batches-py", "Python version", "cifar-10-binary.tar.gz");
    refused("cifar100", f, "cifar-100-python/test", "Python version", "cifar-100-binary.tar.gz");
    refused("cifar10", f, "cifar-10-batches-py/test_batch", "Python version",
            "cifar-10-binary.tar.gz");
    scratch_free(f);
}

// The folder around a dataset, and the one around that; not where there are two.
static void test_parent_folders(void **state)
{
    (void)state;
    char *f = scratch_new(), record[3074] = {3, 7};
    scratch_write(f, "c/cifar-100-binary/test.bin", record, sizeof record);
    scratch_write(f, "c/cifar-100-binary/train.bin", record, sizeof record);
    scratch_write(f, "c/__MACOSX/cifar-100-binary/test.bin", record, sizeof record);
    scratch_write(f, "m/MNIST/raw/t10k-images-idx3-ubyte",
                  BYTES("\0\0\x08\3\0\0\0\1\0\0\0\1\0\0\0\1\5"));
    scratch_write(f, "m/MNIST/raw/t10k-labels-idx1-ubyte", BYTES("\0\0\x08\1\0\0\0\1\2"));
    scratch_write(f, "q/data/test/art_test.csv", BYTES("q,a,b,c,d,A\n"));
    static const struct {
        const char *format, *path, *inner;
    } found[] = {{"cifar100", "c", "c/cifar-100-binary"},
                 {"idx", "m", "m/MNIST/raw"},
                 {"idx", "m/MNIST", "m/MNIST/raw"},
                 {"mmlu", "q", "q/data"},
                 {"mmlu", "q/data", "q/data"}};
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        char *path = file_join(f, found[i].path), *inner = file_join(f, found[i].inner);
        dataset *d = open_data((dataset_options){.format = found[i].format, .path = path});
        assert_string_equal(dataset_get_options(d)->path, inner);
        dataset_close(d);
        free(path);
        free(inner);
    }
    scratch_write(f, "c/copy/test.bin", record, sizeof record);
    refused("cifar100", f, "c", "holds the dataset twice", "give one of them");
    refused("cifar10", f, "c", "holds neither test_batch.bin", "");
    scratch_free(f);
}

// Folders of splits where those of classes are wanted.
static void test_folders_of_splits(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *split;
        bool said;
    } cases[] = {{"train", "val", NULL, true},
                 {"Training", "Testing", NULL, true},
                 {"train", "bus", NULL, false},
                 {"x", "y", NULL, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *f = scratch_new(), *a = file_join(cases[i].a, "cat/1.png"),
             *b = file_join(cases[i].b, "cat/1.png");
        scratch_copy("tests/reference/images/rgb.png", f, a);
        scratch_copy("tests/reference/images/rgb.png", f, b);
        dataset *d = open_data((dataset_options){.format = "images", .path = f});
        assert_int_equal(strstr(dataset_notes(d), "called as splits") != NULL, cases[i].said);
        dataset_close(d);
        free(a);
        free(b);
        scratch_free(f);
    }
}

// --- D06: zeros behind gzip are said, by every format that unpacks

static void add_zeros(const char *folder, const char *name, size_t n)
{
    char *path = file_join(folder, name);
    FILE *f = fopen(path, "ab");
    assert_non_null(f);
    for (size_t i = 0; i < n; i++)
        fputc(0, f);
    fclose(f);
    free(path);
}

static void test_notes_of_zeros(void **state)
{
    (void)state;
    char *f = scratch_new();
    const char record[3074] = {3, 7};
    static const char csv[] = "q,a,b,c,d,A\n", line[] = "{\"text\": \"some words\"}\n";
    static const struct {
        const char *format, *name;
    } files[] = {{"cifar100", "c/test.bin.gz"},
                 {"idx", "i/t10k-images-idx3-ubyte.gz"},
                 {"mmlu", "x_test.csv.gz"},
                 {"jsonl", "x.jsonl.gz"},
                 {"text", "x.txt.gz"}};
    plain_tokenizer(f);
    scratch_write(f, "c/x", "", 0);
    scratch_write(f, "i/t10k-labels-idx1-ubyte", BYTES("\0\0\x08\1\0\0\0\1\2"));
    scratch_write_gz(f, files[0].name, record, sizeof record);
    scratch_write_gz(f, files[1].name, BYTES("\0\0\x08\3\0\0\0\1\0\0\0\1\0\0\0\1\5"));
    scratch_write_gz(f, files[2].name, csv, sizeof csv - 1);
    scratch_write_gz(f, files[3].name, line, sizeof line - 1);
    scratch_write_gz(f, files[4].name, line, sizeof line - 1);
    for (int zeros = 0; zeros < 2; zeros++)
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
            char *path = file_join(f, files[i].name);
            if (zeros)
                add_zeros(f, files[i].name, i % 2 ? 1 : 700);
            dataset *d = open_data((dataset_options){
                .format = files[i].format, .path = path, .collect = DATASET_COLLECT_DEFAULT});
            samples *s = dataset_is_text(d) ? open_samples(d, plain_spec(f, 100)) : NULL;
            const bool said = strstr(dataset_notes(d), "zeros behind the end of its gzip") ||
                              (s && strstr(samples_notes(s), "zeros behind the end of its gzip"));
            if (said != (zeros == 1))
                fail_msg("%s: %s", files[i].name, dataset_notes(d));
            samples_close(s);
            dataset_close(d);
            free(path);
        }
    scratch_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_magic),          cmocka_unit_test(test_like_magic),
        cmocka_unit_test(test_llmc),           cmocka_unit_test(test_widths),
        cmocka_unit_test(test_padding),        cmocka_unit_test(test_archives),
        cmocka_unit_test(test_python_version), cmocka_unit_test(test_parent_folders),
        cmocka_unit_test(test_notes_of_zeros), cmocka_unit_test(test_folders_of_splits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
