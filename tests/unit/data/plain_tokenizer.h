// SPDX-License-Identifier: Apache-2.0
// A tokenizer whose tokens can be counted by hand: a byte is its own id, and <s> (256) stands in
// front.
#ifndef TESTS_UNIT_DATA_PLAIN_TOKENIZER_H
#define TESTS_UNIT_DATA_PLAIN_TOKENIZER_H

#include "scratch.h"

#include "data/dataset/samples.h"
#include "tests/byte_tokenizer.h"

enum { BOS = 256 };

// Writes folder/tokenizer.json.
static inline void plain_tokenizer(const char *folder)
{
    text t = {0};
    byte_tokenizer(&t);
    assert_false(t.failed);
    scratch_write(folder, "tokenizer.json", t.at, t.length);
    text_free(&t);
}

static inline sample_spec plain_spec(const char *folder, int context)
{
    return (sample_spec){.text = true, .model_path = folder, .context = context, .vocabulary = 257};
}

static inline samples *open_samples(const dataset *d, sample_spec spec)
{
    samples *s = NULL;
    if (samples_open(d, &spec, &s) != OK)
        fail_msg("%s", status_text());
    return s;
}

// The samples of a part must be these texts, "|" between them, "^" for <s>; each position's target
// is the next token.
static inline void expect_texts(const samples *s, int subset, part p, const char *expected)
{
    text got = {0};
    int32_t ids[4096], target[4096];
    for (int64_t i = 0; i < samples_count(s, subset, p); i++) {
        int64_t rows = samples_rows(s, subset, p, i);
        assert_in_range(rows, 2, 4096);
        assert_int_equal(samples_text(s, subset, p, i, ids, target), OK);
        text_add(&got, i ? "|" : "");
        for (int64_t k = 0; k < rows; k++) {
            char byte = (char)ids[k];
            text_add_bytes(&got, ids[k] == BOS ? "^" : &byte, 1);
            assert_int_equal(target[k], k + 1 < rows ? ids[k + 1] : -1);
        }
    }
    assert_string_equal(text_get(&got), expected);
    text_free(&got);
}

#endif
