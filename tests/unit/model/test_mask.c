// SPDX-License-Identifier: Apache-2.0
// How much of a model's MLP weights a mask copies, and which layers it takes.
#include "altered.h"

#include "model/forward/mask.h"

enum { LAYERS = 14, NEURONS = 4096 };

static const char shape[] =
    "{\"model_type\": \"llama\", \"hidden_size\": 512, \"intermediate_size\": 4096, "
    "\"num_hidden_layers\": 14, \"num_attention_heads\": 8, \"num_key_value_heads\": 1, "
    "\"vocab_size\": 64, \"max_position_embeddings\": 64, \"rms_norm_eps\": 1e-5, "
    "\"hidden_act\": \"silu\", \"tie_word_embeddings\": true}";

// Layers that are compacted, as bits; *bytes: of the mask.
static unsigned compacted(const model *m, const uint8_t *pruned, size_t *bytes)
{
    unsigned layers = 0;
    mlp_weights w;
    const uint8_t *const both[SITES] = {pruned, NULL};
    model_mask *mask;
    assert_ok(model_mask_new(m, NULL, both, &mask));
    for (int l = 0; l < LAYERS; l++)
        layers |= mask_compacted(mask, l, 0, &w) ? 1u << l : 0;
    *bytes = model_mask_bytes(mask);
    model_mask_free(mask);
    return layers;
}

static void prune(uint8_t *pruned, int layer, int n)
{
    memset(pruned + (size_t)layer * NEURONS, 1, (size_t)n);
}

static void test_copies_stay_within_their_budget(void **state)
{
    (void)state;
    altered a;
    model *m;
    size_t bytes, every = 0;
    strcpy(a.folder, "/tmp/sulcus-lm-XXXXXX");
    assert_non_null(mkdtemp(a.folder));
    altered_write(&a, "config.json", shape, sizeof shape - 1);
    const model_options random = {.path = a.folder, .random = true, .threads = 2};
    assert_ok(model_open(&random, NULL, &m));
    uint8_t *pruned = calloc(LAYERS, NEURONS);

    // One neuron in sixteen of each layer: copies of all would take 330 MB.
    for (int l = 0; l < LAYERS; l++)
        prune(pruned, l, NEURONS / COMPACT_SHARE);
    unsigned first = compacted(m, pruned, &bytes);
    assert_true(bytes < MODEL_COMPACT_BYTES * 1.02 && bytes > MODEL_COMPACT_BYTES * 0.85);
    while (first >> every & 1)
        every++;
    assert_true(every > 0 && every < LAYERS);
    assert_int_equal(first, (1u << every) - 1); // the lower of equals first

    // The last layer is pruned most: it comes before them. One of few pruned neurons is never
    // copied.
    prune(pruned, LAYERS - 1, NEURONS / 2);
    memset(pruned, 0, NEURONS);
    prune(pruned, 0, NEURONS / COMPACT_SHARE - 1);
    unsigned second = compacted(m, pruned, &bytes);
    assert_true(second >> (LAYERS - 1) & 1);
    assert_false(second & 1);
    assert_true(bytes < MODEL_COMPACT_BYTES * 1.02);

    // Where much is pruned, all fits.
    for (int l = 0; l < LAYERS; l++)
        prune(pruned, l, NEURONS / 2);
    assert_int_equal(compacted(m, pruned, &bytes), (1u << LAYERS) - 1);
    free(pruned);
    model_close(m);
    altered_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_copies_stay_within_their_budget)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
