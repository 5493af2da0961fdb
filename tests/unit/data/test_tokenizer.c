// SPDX-License-Identifier: Apache-2.0
// Tokenizers of several families, token for token as the `tokenizers` package has it
// (tests/reference/make_tokenizers.py), and one in a GGUF file as SentencePiece has it
// (make_sentencepiece.py); every string comes back from its tokens; a tokenizer with
// one fault is caught.
#include "scratch.h"

#include "data/bytes/utf8.h"
#include "data/tokenizer/encoder.h"

#define REFERENCE "tests/reference/tokenizers/"

typedef struct strings {
    char *bytes;
    size_t n;
    const char *at[1024];
    uint32_t length[1024];
} strings;

static void read_strings(strings *s)
{
    size_t size;
    *s = (strings){0};
    assert_int_equal(file_read(REFERENCE "strings.bin", 1 << 24, &s->bytes, &size), OK);
    for (size_t at = 0; at < size; at += s->length[s->n++]) {
        assert_in_range(s->n, 0, 1023);
        memcpy(&s->length[s->n], s->bytes + at, 4);
        s->at[s->n] = s->bytes + (at += 4);
    }
    assert_in_range(s->n, 200, 1023);
}

static tokenizer *open_tokenizer(const char *path)
{
    tokenizer *t = NULL;
    if (tokenizer_open(path, &t) != OK)
        fail_msg("%s", status_text());
    return t;
}

// How many strings have other ids than the list says (`-`: it says nothing); prints the first.
static int count_wrong(const tokenizer *t, const char *name, bool print)
{
    strings s;
    encoder *e = NULL;
    token_list ids = {0};
    char *list, *at;
    size_t size;
    int wrong = 0;
    char *path = text_format(REFERENCE "%s.ids", name);
    read_strings(&s);
    assert_int_equal(file_read(path, 1 << 24, &list, &size), OK);
    assert_int_equal(encoder_new(t, &e), OK);
    at = list;
    for (size_t i = 0; i < s.n; i++) {
        text got = {0};
        char *end = strchr(at, '\n');
        assert_non_null(end);
        *end = 0;
        ids.n = 0;
        assert_int_equal(encoder_encode(e, s.at[i], s.length[i], true, 0, &ids), OK);
        for (size_t k = 0; k < ids.n; k++)
            text_addf(&got, "%s%d", k ? " " : "", ids.id[k]);
        bool comparable = strcmp(at, "-") != 0;
        if (comparable && strcmp(text_get(&got), at) != 0 && wrong++ == 0 && print)
            print_error("%s, string %zu (%.60s):\n  got      %.300s\n  expected %.300s\n", name, i,
                        s.at[i], text_get(&got), at);
        text_free(&got);
        at = end + 1;
    }
    encoder_free(e);
    token_list_free(&ids);
    free(list);
    free(path);
    free(s.bytes);
    return wrong;
}

static const char *const families[] = {
    "gpt2", "prefixed", "llama3", "qwen2", "smollm", "metaspace", "mistral", "sentencepiece",
    "bert", "cased",    "t5",     "xlmr",  "siglip", "words",     "parts",   "roberta"};
enum { FAMILIES = sizeof families / sizeof *families };

static char *family_path(const char *name)
{
    if (strcmp(name, "mistral") == 0)
        return strdup("examples/mistral-debtext");
    return text_format(REFERENCE "%s.%s", name,
                       strcmp(name, "sentencepiece") == 0 ? "gguf" : "json");
}

static void test_token_for_token(void **state)
{
    (void)state;
    int wrong = 0;
    for (int f = 0; f < FAMILIES; f++) {
        char *path = family_path(families[f]);
        tokenizer *t = open_tokenizer(path);
        wrong += count_wrong(t, families[f], true);
        tokenizer_close(t);
        free(path);
    }
    assert_int_equal(wrong, 0);
}

// Decoding gives the text back, with U+FFFD for what was malformed; NFC may compose, a space may
// have been put in front, special tokens are left out.
static void test_round_trip(void **state)
{
    (void)state;
    static const char *const exact[] = {"gpt2", "llama3", "smollm", "mistral", "sentencepiece"};
    strings s;
    read_strings(&s);
    for (int f = 0; f < 5; f++) {
        char *path = family_path(exact[f]);
        tokenizer *t = open_tokenizer(path);
        encoder *e = NULL;
        token_list ids = {0};
        assert_int_equal(encoder_new(t, &e), OK);
        for (size_t i = 0; i < s.n; i++) {
            text back = {0}, whole = {0};
            utf8_repair(s.at[i], s.length[i], &whole);
            bool special = memmem(s.at[i], s.length[i], "<s>", 3) ||
                           memmem(s.at[i], s.length[i], "<unk>", 5) ||
                           memmem(s.at[i], s.length[i], "</s>", 4) ||
                           memmem(s.at[i], s.length[i], "<|", 2) ||
                           // pieces that spell a mark or a byte are read as what they stand for
                           memmem(s.at[i], s.length[i], "<0x", 3) ||
                           (f >= 3 && memmem(s.at[i], s.length[i], "\xE2\x96\x81", 3));
            ids.n = 0;
            assert_int_equal(encoder_encode(e, s.at[i], s.length[i], true, 0, &ids), OK);
            assert_int_equal(tokenizer_decode(t, ids.id, ids.n, &back), OK);
            if (!special && (back.length != whole.length ||
                             memcmp(text_get(&back), text_get(&whole), whole.length) != 0))
                fail_msg("%s, string %zu: %.80s became %.80s", exact[f], i, text_get(&whole),
                         text_get(&back));
            text_free(&back);
            text_free(&whole);
        }
        token_list_free(&ids);
        encoder_free(e);
        tokenizer_close(t);
        free(path);
    }
    free(s.bytes);
}

// Only a text's beginning is tokenised where a limit is given: the same ids as far as they go.
static void test_limit(void **state)
{
    (void)state;
    strings s;
    read_strings(&s);
    for (int f = 0; f < FAMILIES; f++) {
        char *path = family_path(families[f]);
        tokenizer *t = open_tokenizer(path);
        encoder *e = NULL;
        token_list all = {0}, some = {0};
        assert_int_equal(encoder_new(t, &e), OK);
        for (size_t i = 0; i < s.n; i++)
            for (size_t limit = 1; limit < 40; limit = 2 * limit + 1) {
                all.n = some.n = 0;
                assert_int_equal(encoder_encode(e, s.at[i], s.length[i], false, 0, &all), OK);
                assert_int_equal(encoder_encode(e, s.at[i], s.length[i], false, limit, &some), OK);
                size_t n = all.n < limit ? all.n : limit;
                assert_in_range(some.n, n, all.n);
                if (n > 0)
                    assert_memory_equal(some.id, all.id, n * sizeof *all.id);
            }
        token_list_free(&all);
        token_list_free(&some);
        encoder_free(e);
        tokenizer_close(t);
        free(path);
    }
    free(s.bytes);
}

// Replaces the first `from` of a file by `to`, as folder/bad.json; the path is owned by the caller.
static char *altered(const char *folder, const char *file, const char *from, const char *to)
{
    char *bytes;
    size_t n;
    text t = {0};
    assert_int_equal(file_read(file, 1 << 24, &bytes, &n), OK);
    char *at = strstr(bytes, from);
    if (!at)
        fail_msg("%s is not in %s", from, file);
    text_add_bytes(&t, bytes, (size_t)(at - bytes));
    text_add(&t, to);
    text_add(&t, at + strlen(from));
    scratch_write(folder, "bad.json", t.at, t.length);
    text_free(&t);
    free(bytes);
    return file_join(folder, "bad.json");
}

// The twins: one rule or merge is another, and the comparison must see it.
static void test_faults_are_seen(void **state)
{
    (void)state;
    static const struct {
        const char *family, *from, *to;
    } faults[] = {
        {"gpt2", "[\"Ġ\",\"t\"],", ""},
        {"llama3", "{1,3}", "{1,2}"},
        {"qwen2", "\"NFC\"", "\"NFD\""},
        {"smollm", "\"use_regex\":true", "\"use_regex\":false"},
        {"metaspace", "\"byte_fallback\":true", "\"byte_fallback\":false"},
        {"metaspace", "\"prepend_scheme\":\"first\"", "\"prepend_scheme\":\"never\""},
        {"prefixed", "\"add_prefix_space\":true", "\"add_prefix_space\":false"},
        {"bert", "\"clean_text\":true", "\"clean_text\":false"},
        {"bert", "\"handle_chinese_chars\":true", "\"handle_chinese_chars\":false"},
        {"bert", "\"strip_accents\":null", "\"strip_accents\":false"},
        {"bert", "\"lowercase\":true", "\"lowercase\":false"},
        {"bert", "\"max_input_chars_per_word\":100", "\"max_input_chars_per_word\":1000"},
        {"bert", "\"continuing_subword_prefix\":\"##\"", "\"continuing_subword_prefix\":\"#\""},
        {"bert", "\"BertPreTokenizer\"", "\"WhitespaceSplit\""},
        {"bert", "[{\"SpecialToken\":{\"id\":\"[CLS]\",\"type_id\":0}},", "["},
        {"cased", "\"sep\":[\"[SEP]\",3]", "\"sep\":[\"[SEP]\",2]"},
        {"cased", "\"Whitespace\"", "\"BertPreTokenizer\""},
        {"t5", "\"prepend_scheme\":\"always\"", "\"prepend_scheme\":\"never\""},
        {"t5", "{\"type\":\"WhitespaceSplit\"},", ""},
        {"t5", "\"unk_id\":2", "\"unk_id\":0"},
        {"t5", "[\"xxxxx\",-9.0]", "[\"xxxxx\",-8.9]"},
        {"xlmr", "\"byte_fallback\":true", "\"byte_fallback\":false"},
        {"xlmr", "{\"type\":\"Nmt\"},", ""},
        {"xlmr", "{\"type\":\"NFKC\"},", "{\"type\":\"NFC\"},"},
        {"xlmr", " {2,}", " {3,}"},
        {"siglip", "{\"type\":\"Lowercase\"},", ""},
        {"siglip", "\\\\s+", "\\\\n+"},
        {"siglip", "\"prepend_scheme\":\"first\"", "\"prepend_scheme\":\"never\""},
        {"words", "\"unk_token\":\"[UNK]\"", "\"unk_token\":null"},
        {"parts", "\"MergedWithNext\"", "\"MergedWithPrevious\""},
        {"parts", "{\"type\":\"StripAccents\"},", ""},
        {"parts", "\"individual_digits\":false", "\"individual_digits\":true"},
        {"parts", "\"delimiter\":\"e\"", "\"delimiter\":\"i\""},
        {"roberta", "\"cls\":[\"<s>\",450]", "\"cls\":[\"<s>\",451]"},
    };
    char *f = scratch_new();
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char *good = family_path(faults[i].family);
        char *path = altered(f, good, faults[i].from, faults[i].to);
        tokenizer *t = open_tokenizer(path);
        if (count_wrong(t, faults[i].family, false) == 0)
            fail_msg("%s without %s passed", faults[i].family, faults[i].from);
        tokenizer_close(t);
        free(path);
        free(good);
    }
    scratch_free(f);
}

// The same for the GGUF file: the value of a key is another.
static void test_faults_in_a_gguf_are_seen(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        size_t at,
            items; // bytes from the key's end: its type, and of an array the items' and count
        uint8_t flip;
    } faults[] = {{"tokenizer.ggml.add_space_prefix", 4, 1, 1},
                  {"tokenizer.ggml.add_bos_token", 4, 1, 1},
                  {"tokenizer.ggml.scores", 4 + 4 + 8 + 3, 1200, 0x80}}; // signs: the worst first
    char *bytes, *f = scratch_new(), *path = file_join(f, "bad.gguf");
    size_t n;
    assert_int_equal(file_read(REFERENCE "sentencepiece.gguf", 1 << 24, &bytes, &n), OK);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char *key = memmem(bytes, n, faults[i].key, strlen(faults[i].key));
        assert_non_null(key);
        char *value = key + strlen(faults[i].key) + faults[i].at;
        for (int k = 0; k < 2; k++) { // and back
            for (size_t j = 0; j < faults[i].items; j++)
                value[4 * j] = (char)((uint8_t)value[4 * j] ^ faults[i].flip);
            scratch_write(f, "bad.gguf", bytes, n);
            tokenizer *t = open_tokenizer(path);
            if ((count_wrong(t, "sentencepiece", false) == 0) != (k == 1))
                fail_msg("another %s passed", faults[i].key);
            tokenizer_close(t);
        }
    }
    free(bytes);
    free(path);
    scratch_free(f);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *family, *from, *to, *what;
    } bad[] = {
        {"gpt2", "\"type\":\"BPE\"", "\"type\":\"Unigram\"", "Unigram"},
        {"gpt2", "\"type\":\"ByteLevel\"", "\"type\":\"UnicodeScripts\"", "UnicodeScripts"},
        {"gpt2", "\"dropout\":null", "\"dropout\":0.1", "dropout"},
        {"gpt2", "\"end_of_word_suffix\":null", "\"end_of_word_suffix\":\"</w>\"",
         "end_of_word_suffix"},
        {"gpt2", "[\"Ġ\",\"t\"]", "[\"Ġ\",\"nothing\"]", "merge"},
        {"gpt2", "[\"Ġ\",\"t\"]", "[\"Ġ\"]", "merge"},
        {"gpt2", "[\"Ġ\",\"t\"]", "7", "merge"},
        {"gpt2", "\"!\":", "\"!\":1,\"!\":", "duplicate"},
        {"gpt2", "\"\\\"\":", "\"!!!!!!!!!!\":0,\"\\\"\":", "0"},
        {"gpt2", "\"#\":", "\"#\":-", "whole number"},
        {"gpt2", "\"#\":", "\"#\":99999999", "id"},
        {"gpt2", "\"vocab\":{", "\"vocab\":[],\"x\":{", "vocab"},
        {"gpt2", "{", "[", "line"},
        {"gpt2", "{", "", "line"},
        {"llama3", "\\\\p{N}{1,3}", "(((", "pattern"},
        {"llama3", "\"Isolated\"", "\"Sometimes\"", "behavior"},
        {"llama3", "\"type\":\"TemplateProcessing\"", "\"type\":\"Roberta\"", "Roberta"},
        {"qwen2", "\"NFC\"", "\"Nfz\"", "Nfz"},
        {"qwen2", "\"type\":\"NFC\"", "\"type\":\"Precompiled\"", "lacks its table"},
        {"qwen2", "\"NFC\"", "\"Precompiled\",\"precompiled_charsmap\":\"AAA*\"",
         "malformed table"},
        {"bert", "\"unk_token\":\"[UNK]\"", "\"unk_token\":\"[WHAT]\"", "unk_token"},
        {"bert", "\"max_input_chars_per_word\":1", "\"max_input_chars_per_word\":-1", "negative"},
        {"t5", "\"unk_id\":2", "\"unk_id\":99999", "unk_id"},
        {"t5", "\"vocab\":[[", "\"vocab\":[7,[", "vocab[0]"},
        {"t5", "[\"aa\",-9.0]", "[\"aa\"]", "no token with its score"},
        {"t5", "[\"aa\",-9.0]", "[\"aaa\",-9.0]", "twice"},
        {"siglip", "\\\\s+", "\\\\X+", "escape is not supported"},
        {"parts", "\"delimiter\":\"e\"", "\"delimiter\":\"\"", "delimiter"},
        {"parts", "\"MergedWithNext\"", "\"Never\"", "behavior"},
        {"metaspace", "\"replacement\":\"▁\"", "\"replacement\":\"\"", "replacement"},
        {"metaspace", "\"content\":\"<tool>\"", "\"content\":\"\"", "empty"},
    };
    char *f = scratch_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tokenizer *t = NULL;
        char *good = family_path(bad[i].family);
        char *path = altered(f, good, bad[i].from, bad[i].to);
        status st = tokenizer_open(path, &t);
        if (st == OK)
            fail_msg("%s with %s was accepted", bad[i].family, bad[i].to);
        expect_failure(st, ERR_INPUT, "bad.json", bad[i].what);
        assert_null(t);
        free(path);
        free(good);
    }
    tokenizer *t = NULL;
    scratch_write(f, "deep.json", "", 0);
    char *path = file_join(f, "deep.json");
    expect_failure(tokenizer_open(path, &t), ERR_INPUT, "deep.json", NULL);
    size_t depth = 1 << 20;
    char *nested = malloc(depth);
    memset(nested, '[', depth);
    scratch_write(f, "deep.json", nested, depth);
    expect_failure(tokenizer_open(path, &t), ERR_INPUT, "deep.json", "depth");
    free(nested);
    free(path);
    scratch_free(f);
}

// A SentencePiece vocabulary in a GGUF file, with one piece, type or score that cannot be.
static void test_refused_pieces(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to; // of equal length
        size_t n;
        const char *what;
    } bad[] = {
        {"<0x41>", "<0x-1>", 6, "is no byte: <0x-1>"},
        {"<0x41>", "<0xG1>", 6, "is no byte: <0xG1>"},
        {"<0x41>", "<0x42>", 6, "twice"},
        {"tokenizer.ggml.scores", "tokenizer.ggml.stores", 21, "tokenizer.ggml.scores"},
        {"tokenizer.ggml.token_type\x09\0\0\0\x05", "tokenizer.ggml.token_type\x09\0\0\0\x06", 30,
         "tokenizer.ggml.token_type"},
        {"tokenizer.ggml.model\x08\0\0\0\5\0\0\0\0\0\0\0llama",
         "tokenizer.ggml.model\x08\0\0\0\5\0\0\0\0\0\0\0lamma", 37, "lamma"},
        {"tokenizer.ggml.bos_token_id\4\0\0\0\1\0\0\0",
         "tokenizer.ggml.bos_token_id\4\0\0\0\1\0\0\x7f", 35, "bos_token_id"},
    };
    char *bytes, *f = scratch_new(), *path = file_join(f, "bad.gguf");
    size_t n;
    assert_int_equal(file_read(REFERENCE "sentencepiece.gguf", 1 << 24, &bytes, &n), OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tokenizer *t = NULL;
        char *at = memmem(bytes, n, bad[i].from, bad[i].n);
        if (!at)
            fail_msg("%s is not in the file", bad[i].from);
        memcpy(at, bad[i].to, bad[i].n);
        scratch_write(f, "bad.gguf", bytes, n);
        status st = tokenizer_open(path, &t);
        if (st == OK)
            fail_msg("%s was accepted", bad[i].to);
        expect_failure(st, ERR_INPUT, "bad.gguf", bad[i].what);
        memcpy(at, bad[i].from, bad[i].n);
    }
    free(bytes);
    free(path);
    scratch_free(f);
}

// A file cut anywhere is refused, never read as a smaller vocabulary.
static void test_cut_short(void **state)
{
    (void)state;
    char *bytes, *f = scratch_new(), *path = file_join(f, "cut.json");
    size_t n;
    assert_int_equal(file_read(REFERENCE "prefixed.json", 1 << 24, &bytes, &n), OK);
    for (size_t cut = 0; cut < n; cut += 1 + n / 97) {
        tokenizer *t = NULL;
        scratch_write(f, "cut.json", bytes, cut);
        expect_failure(tokenizer_open(path, &t), ERR_INPUT, "cut.json", NULL);
    }
    free(bytes);
    free(path);
    scratch_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_for_token),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_faults_are_seen),
        cmocka_unit_test(test_faults_in_a_gguf_are_seen),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refused_pieces),
        cmocka_unit_test(test_cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
