// SPDX-License-Identifier: Apache-2.0
// Which samples are collected on, where a seed chooses: both parts of every subset together hold
// each sample once, whatever else is asked of the dataset.
#include "plain_tokenizer.h"

#include "data/dataset/sample_split.h"
#include "pipeline/base/rng.h"

enum { SAMPLES = 60, LETTERS = 12 };

// Sample i of two subsets is the letters of i, so that what is read says what it is.
static char *write_numbers(const char *folder)
{
    text t = {0};
    for (int i = 0; i < SAMPLES; i++)
        for (int k = 0; k < 2; k++)
            text_addf(&t, "{\"text\": \"%c%02d%.*s\", \"g\": \"%c\"}\n", 'a' + k, i, LETTERS - 3,
                      "zzzzzzzzzzzz", 'a' + k);
    assert_false(t.failed);
    scratch_write(folder, "numbers.jsonl", t.at, t.length);
    text_free(&t);
    return text_format("%s/numbers.jsonl", folder);
}

static int64_t read_number(const samples *s, int subset, part p, int64_t i)
{
    int32_t ids[LETTERS + 1], target[LETTERS + 1];
    assert_int_equal(samples_text(s, subset, p, i, ids, target), OK);
    assert_int_equal(ids[1], 'a' + subset);
    return (ids[2] - '0') * 10 + ids[3] - '0';
}

// Marks which samples of a subset are collected on; fails where a sample is in both parts or in
// none, or out of order. Returns how many.
static int64_t mark_collected(const samples *s, int subset, bool collected[SAMPLES])
{
    int seen[SAMPLES] = {0};
    memset(collected, 0, SAMPLES * sizeof *collected);
    for (part p = 0; p < PARTS; p++) {
        int64_t before = -1;
        for (int64_t i = 0; i < samples_count(s, subset, p); i++) {
            const int64_t n = read_number(s, subset, p, i);
            assert_int_equal(samples_number(s, subset, p, i), n);
            assert_true(n > before);
            before = n;
            seen[n]++;
            collected[n] |= p == PART_COLLECT;
        }
    }
    for (int i = 0; i < SAMPLES; i++)
        assert_int_equal(seen[i], 1);
    return samples_count(s, subset, PART_COLLECT);
}

static dataset *open_numbers(const char *path, dataset_options o, const sample_spec *spec,
                             samples **s)
{
    dataset *d;
    o.format = "jsonl";
    o.path = path;
    o.subsets = "g";
    if (dataset_open(&o, NULL, &d) != OK || samples_open(d, spec, s) != OK)
        fail_msg("%s", status_text());
    return d;
}

static void mark_with(const char *path, const char *folder, dataset_options o, int subset,
                      bool collected[SAMPLES])
{
    samples *s;
    const sample_spec spec = plain_spec(folder, LETTERS + 1);
    dataset *d = open_numbers(path, o, &spec, &s);
    mark_collected(s, subset, collected);
    samples_close(s);
    dataset_close(d);
}

static int count_common(const bool a[SAMPLES], const bool b[SAMPLES])
{
    int n = 0;
    for (int i = 0; i < SAMPLES; i++)
        n += a[i] && b[i];
    return n;
}

static void test_parts_are_disjoint(void **state)
{
    (void)state;
    char *f = scratch_new(), *path = write_numbers(f);
    plain_tokenizer(f);
    bool first[SAMPLES], second[SAMPLES], other[SAMPLES], more[SAMPLES], plain[SAMPLES];
    mark_with(path, f, (dataset_options){.collect = 0.5}, 0, plain);
    for (int i = 0; i < SAMPLES; i++)
        assert_int_equal(plain[i], i < SAMPLES / 2);
    mark_with(path, f, (dataset_options){.collect = 0.5, .shuffled = true}, 0, first);
    assert_in_range(count_common(first, plain), 6, 24); // the twin: 30 in file order
    mark_with(path, f, (dataset_options){.collect = 0.5, .shuffled = true}, 0, second);
    assert_int_equal(count_common(first, second), 30);
    mark_with(path, f, (dataset_options){.collect = 0.5, .shuffled = true}, 1, other);
    assert_true(count_common(first, other) < 30); // each subset has its own
    mark_with(path, f, (dataset_options){.collect = 0.5, .shuffled = true, .split_seed = 1}, 0,
              other);
    assert_true(count_common(first, other) < 30);
    mark_with(path, f, (dataset_options){.collect = 0.75, .shuffled = true}, 0, more);
    assert_int_equal(count_common(first, more), 30); // the same ones and others
    const char *const keep[] = {"a"};
    mark_with(path, f,
              (dataset_options){.collect = 0.5, .shuffled = true, .keep = keep, .n_keep = 1}, 0,
              other);
    assert_int_equal(count_common(first, other), 30);
    free(path);
    scratch_free(f);
}

// Where there is nothing to choose, no seed changes anything.
static void test_whole_subsets(void **state)
{
    (void)state;
    char *f = scratch_new(), *path = write_numbers(f);
    plain_tokenizer(f);
    const sample_spec spec = plain_spec(f, LETTERS + 1);
    const double collect[] = {0, 1, -1};
    for (size_t k = 0; k < sizeof collect / sizeof *collect; k++) {
        samples *s;
        dataset *d = open_numbers(path, (dataset_options){.collect = collect[k], .shuffled = true},
                                  &spec, &s);
        assert_false(samples_shuffled(s));
        const part p = collect[k] == 0 ? PART_EVALUATE : PART_COLLECT;
        assert_int_equal(samples_count(s, 0, p), SAMPLES);
        for (int i = 0; i < SAMPLES; i++)
            assert_int_equal(read_number(s, 0, p, i), i);
        samples_close(s);
        dataset_close(d);
    }
    free(path);
    scratch_free(f);
}

// The samples of a shuffle's first places, written out a second way; and no sample is favoured.
static void test_choice(void **state)
{
    (void)state;
    enum { N = 21, CHOSEN = 7, SEEDS = 900 };
    int times[N] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        int64_t order[N], place[N];
        const rng r = rng_new(seed, "split x");
        for (int64_t i = 0; i < N;
             i++) { // a card is put in, and changes places with an earlier one
            place[i] = i;
            const int64_t j = (int64_t)rng_below(&r, (uint64_t)i, (uint64_t)i + 1), was = place[j];
            place[j] = place[i];
            place[i] = was;
        }
        assert_int_equal(sample_split_make(seed, "x", N, CHOSEN, order), OK);
        for (int i = 0; i < CHOSEN; i++) {
            bool found = false;
            for (int k = 0; k < CHOSEN; k++)
                found |= place[k] == order[i];
            assert_true(found);
            times[order[i]]++;
        }
    }
    for (int i = 0; i < N; i++) // 300 expected, standard deviation 14
        assert_in_range(times[i], 230, 370);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts_are_disjoint),
                                       cmocka_unit_test(test_whole_subsets),
                                       cmocka_unit_test(test_choice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
