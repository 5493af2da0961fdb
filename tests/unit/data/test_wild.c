// SPDX-License-Identifier: Apache-2.0
// Data as they are found: what is harmless is passed over, what is not is refused with its place.
#include "plain_tokenizer.h"

static void write_text(const char *folder, const char *name, const char *bytes)
{
    scratch_write(folder, name, bytes, strlen(bytes));
}

// NaN and the infinities, as Python writes them, in fields that nobody asked for.
static void test_no_numbers(void **state)
{
    (void)state;
    char *f = scratch_new(), *path = file_join(f, "x.jsonl");
    plain_tokenizer(f);
    write_text(f, "x.jsonl",
               "{\"score\":NaN,\"text\":\"one\"}\n{\"a\":[Infinity,-Infinity],\"text\":\"two\"}\n"
               "{\"text\":\"three\",\"meta\":{\"x\": NaN }}\n");
    dataset *d = open_data((dataset_options){.format = "jsonl", .path = path});
    samples *s = open_samples(d, plain_spec(f, 100));
    expect_texts(s, 0, PART_EVALUATE, "^one|^two|^three");
    samples_close(s);
    dataset_close(d);
    static const struct {
        const char *line, *what;
    } bad[] = {{"{\"text\":NaN}", "is not a text"},
               {"{\"text\":\"a\",\"b\":nan}", "not a value"},
               {"{\"text\":\"a\",\"b\":+Infinity}", "not a value"},
               {"{\"text\":\"a\",\"b\":NaNs}", "',' or '}'"},
               {"{\"text\":\"a\",\"s\":NaN}", "neither a text nor a number"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text(f, "x.jsonl", bad[i].line);
        expect_open_failure(
            (dataset_options){.format = "jsonl", .path = path, .subsets = i == 4 ? "s" : NULL},
            ERR_INPUT, "x.jsonl:1", bad[i].what);
    }
    free(path);
    scratch_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
