// SPDX-License-Identifier: Apache-2.0
// Masked language models: what is theirs alone. Logits, statistics and pruning of every family are
// in test_lm.c.
#include "altered.h"

#include "model/forward/state.h"

static const char *const names[] = {"lm-bert", "lm-bert-untied", "lm-roberta", "lm-xlm-roberta",
                                    "lm-camembert"};
enum { NAMES = sizeof names / sizeof *names };

static void open_case(lm *x, compute c, const char *name)
{
    char folder[128];
    snprintf(folder, sizeof folder, LM_MODELS "%s", name);
    lm_open_in(x, c, name, folder);
}

// Right answers and the sum of losses of what is scored.
static int64_t count_right(const lm *x, double *loss)
{
    int64_t right = 0;
    *loss = 0;
    for (int64_t t = 0; t < x->tokens; t++) {
        if (lm_target(x, t) < 0)
            continue;
        right += x->answers[t].top1 == lm_target(x, t);
        *loss += (double)x->answers[t].loss;
    }
    return right;
}

// The masked tokens alone are scored: the last layer then has no other rows, and PyTorch's answers
// come out all the same, in tiles of any size.
static void test_masked_tokens(void **state)
{
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        lm x;
        open_case(&x, COMPUTE_F32, names[i]);
        int64_t want = 0, scored = 0;
        double want_loss = 0, loss, others = 0;
        for (int64_t t = 0; t < x.tokens; t++) {
            want += lm_ints(&x, "rank")[t] == 0;
            want_loss += (double)lm_reals(&x, "loss")[t];
            scored += lm_target(&x, t) >= 0;
        }
        assert_true(scored > 5 && scored < x.tokens / 2);
        x.some = true;
        for (x.tile_samples = 1; x.tile_samples <= x.samples; x.tile_samples++) {
            memset(x.answers, 0, (size_t)x.tokens * sizeof *x.answers);
            assert_ok(lm_run(&x));
            assert_int_equal(count_right(&x, &loss), want);
            assert_true(fabs(loss - want_loss) < 1e-4 * (double)scored);
            for (int64_t t = 0; t < x.tokens; t++)
                others += lm_target(&x, t) < 0 ? (double)x.answers[t].loss : 0;
        }
        assert_true(others == 0);
        lm_close(&x);
    }
}

// A token sees what is behind it: the twin of the mask that decoders have.
static void test_both_ways(void **state)
{
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        lm x;
        open_case(&x, COMPUTE_F32, names[i]);
        assert_ok(lm_run(&x));
        const float before = x.logits[8]; // that of padding is the bias alone
        int32_t *copy = malloc((size_t)x.tokens * sizeof *copy);
        memcpy(copy, lm_ints(&x, "ids"), (size_t)x.tokens * sizeof *copy);
        copy[x.first[1] - 1] = copy[x.first[1] - 1] == 7 ? 8 : 7; // the first sample's last
        x.ids = copy;
        assert_ok(lm_run(&x));
        assert_true(x.logits[8] != before);
        free(copy);
        lm_close(&x);
    }
}

static void test_bf16(void **state)
{
    (void)state;
    if (products_check(PACKING_BF16) != OK) {
        print_message("skipped: %s\n", status_text());
        skip();
    }
    for (int i = 0; i < NAMES; i++) {
        lm x;
        double sum = 0, squares = 0;
        open_case(&x, COMPUTE_BF16, names[i]);
        const size_t bytes = (size_t)(x.tokens * x.columns) * sizeof(float);
        float *first = malloc(bytes);
        assert_ok(lm_run(&x));
        memcpy(first, x.logits, bytes);
        for (int64_t at = 0; at < x.tokens * x.columns; at++) {
            const double want = (double)lm_reals(&x, "logits")[at];
            sum += pow((double)first[at] - want, 2);
            squares += want * want;
        }
        print_message("%s in bf16: logits off by %.1e of their spread\n", names[i],
                      sqrt(sum / squares));
        assert_true(sum < 0.001 * squares && sum > 1e-8 * squares);
        x.tile_samples = 2;
        x.threads = 2;
        x.read = true;
        assert_ok(lm_run(&x));
        assert_memory_equal(first, x.logits, bytes);
        free(first);
        lm_close(&x);
    }
}

// A body, by its class or because the file has no head, has activations and no answers; whatever
// stands beside it is passed over.
static void test_without_a_head(void **state)
{
    (void)state;
    static const struct {
        const char *name, *from, *to;
        bool head;
    } classes[] = {
        {"lm-bert", "BertForMaskedLM", "BertModel", false},
        {"lm-bert-published", "BertForPreTraining", "BertForNextSentencePrediction", false},
        {"lm-bert-published", "BertForPreTraining", "BertForMaskedLM", true},
        {"lm-roberta", "RobertaForMaskedLM", "RobertaModel", false},
        {"lm-roberta", "RobertaForMaskedLM", "RobertaForSequenceClassification", false},
        {"lm-xlm-roberta", "XLMRobertaForMaskedLM", "XLMRobertaModel", false}};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        altered a;
        char folder[128];
        model *m = NULL;
        snprintf(folder, sizeof folder, LM_MODELS "%s", classes[i].name);
        altered_new(&a, folder, classes[i].from, classes[i].to);
        assert_ok(model_open(&(model_options){.path = a.folder}, NULL, &m));
        assert_int_equal(model_has_head(m), classes[i].head);
        assert_true(model_get_info(m)->masked);
        model_close(m);
        altered_free(&a);
    }
}

// RoBERTa's positions are as many as the table has behind padding's, whose row is drawn as zero.
static void test_positions(void **state)
{
    (void)state;
    model *m = NULL;
    assert_ok(
        model_open(&(model_options){.path = LM_MODELS "lm-camembert", .random = true}, NULL, &m));
    assert_int_equal(model_get_info(m)->context, 49 - 6);
    const float *positions = weights_global(m->weights, 1);
    for (int i = 0; i < 26; i++) {
        assert_true(positions[5 * 26 + i] == 0);
        assert_true(positions[4 * 26 + i] != 0 && positions[6 * 26 + i] != 0);
    }
    model_close(m);
}

// What llama.cpp makes of BERT has no head: its fields are not looked at, and nothing else is said.
static void test_gguf(void **state)
{
    (void)state;
    static const char bytes[] = "GGUF\3\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"
                                "\24\0\0\0\0\0\0\0general.architecture\10\0\0\0\4\0\0\0\0\0\0\0"
                                "bert"
                                "\25\0\0\0\0\0\0\0"
                                "bert.attention.causal\7\0\0\0\0";
    altered a;
    char path[256];
    model *m = NULL;
    strcpy(a.folder, "/tmp/sulcus-lm-XXXXXX");
    assert_non_null(mkdtemp(a.folder));
    altered_write(&a, "bert.gguf", bytes, sizeof bytes - 1);
    snprintf(path, sizeof path, "%s/bert.gguf", a.folder);
    assert_int_equal(model_open(&(model_options){.path = path}, NULL, &m), ERR_INPUT);
    if (!strstr(status_text(), "bert.gguf: GGUF files of BERT hold no map to the vocabulary"))
        fail_msg("%s", status_text());
    altered_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masked_tokens), cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_bf16),          cmocka_unit_test(test_without_a_head),
        cmocka_unit_test(test_positions),     cmocka_unit_test(test_gguf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
