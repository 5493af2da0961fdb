// SPDX-License-Identifier: Apache-2.0
// Neurons of the first layer's MLP that passes keep: taken over, they give the same bits as the
// same mask without them, over several panels and with neurons that fill no vector.
#include "altered.h"

enum { NEURONS = 2500, LAYERS = 2, TOKENS = 40, TILES = 3, HIDDEN = 64, VOCABULARY = 96 };

#define SHAPE                                                                                      \
    "\"hidden_size\": 64, \"intermediate_size\": 2500, \"num_hidden_layers\": 2, "                 \
    "\"num_attention_heads\": 4, \"vocab_size\": 96, \"max_position_embeddings\": 64, "            \
    "\"initializer_range\": 0.2, "

static const char *const shapes[] = {
    "{\"model_type\": \"llama\", \"hidden_size\": 64, \"intermediate_size\": 2500, "
    "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"num_key_value_heads\": 2, "
    "\"vocab_size\": 96, \"max_position_embeddings\": 64, \"rms_norm_eps\": 1e-5, "
    "\"initializer_range\": 0.2, \"hidden_act\": \"silu\", \"tie_word_embeddings\": true}",
    "{\"model_type\": \"gpt2\", \"n_embd\": 64, \"n_inner\": 2500, \"n_layer\": 2, "
    "\"n_head\": 4, \"vocab_size\": 96, \"n_positions\": 64, \"layer_norm_epsilon\": 1e-5, "
    "\"initializer_range\": 0.2, \"activation_function\": \"gelu_new\"}",
    "{\"model_type\": \"gpt_neox\", " SHAPE "\"rotary_pct\": 0.5}", // its layers are parallel
    "{\"model_type\": \"opt\", " SHAPE "\"ffn_dim\": 2500, \"init_std\": 0.2, "
    "\"do_layer_norm_before\": false, \"word_embed_proj_dim\": 40}",      // norms behind the sums
    "{\"model_type\": \"phi\", " SHAPE "\"partial_rotary_factor\": 0.5}", // with one norm
    "{\"model_type\": \"phi3\", " SHAPE "\"num_key_value_heads\": 2}",
    "{\"model_type\": \"olmo3\", " SHAPE "\"sliding_window\": 9, "
    "\"num_key_value_heads\": 2}", // norms behind the blocks
    "{\"model_type\": \"gemma2\", " SHAPE "\"sliding_window\": 9, \"head_dim\": 16}", // and before
    "{\"model_type\": \"olmoe\", \"hidden_size\": 64, \"intermediate_size\": 500, "
    "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"num_experts\": 5, "
    "\"num_experts_per_tok\": 2, \"vocab_size\": 96, \"max_position_embeddings\": 64, "
    "\"initializer_range\": 0.2}", // of whose neurons none are kept
};

typedef struct run {
    model *m;
    float hidden[TILES][TOKENS * HIDDEN];
    model_neurons neurons[TILES];
    int asked; // for neurons
    float logits[TILES][TOKENS][VOCABULARY];
} run;

static status load(void *context, int64_t index, int thread, tile *t)
{
    (void)context, (void)thread;
    t->samples = 1;
    t->rows = t->first_row[1] = TOKENS;
    t->first_row[0] = 0;
    for (int r = 0; r < TOKENS; r++) {
        t->ids[r] = (int32_t)((r * 7 + index * 31) % VOCABULARY);
        t->target[r] = (int32_t)(r % VOCABULARY);
    }
    return OK;
}

static status keep(void *context, int64_t index, int thread, const tile *t, const float *hidden)
{
    (void)thread, (void)t;
    run *x = context;
    memcpy(x->hidden[index], hidden, sizeof x->hidden[index]);
    return OK;
}

static status restore(void *context, int64_t index, int thread, const tile *t, float *hidden)
{
    (void)thread, (void)t;
    run *x = context;
    memcpy(hidden, x->hidden[index], sizeof x->hidden[index]);
    return OK;
}

static model_neurons *neurons(void *context, int64_t index, const tile *t)
{
    run *x = context;
    assert_int_equal(t->rows, TOKENS);
    x->asked++;
    return &x->neurons[index];
}

static status logits(void *context, int64_t index, int thread, const tile *t, int64_t row,
                     const float *values)
{
    (void)thread, (void)t;
    run *x = context;
    memcpy(x->logits[index][row], values, sizeof x->logits[index][row]);
    return OK;
}

typedef enum way { THROUGH, KEEPING, RESUMED } way;

// A pass with 1 / every of the MLP neurons pruned.
static void pass_with(run *x, int every, way how, bool with_neurons)
{
    static uint8_t pruned[LAYERS * NEURONS];
    const uint8_t *const both[SITES] = {pruned, NULL};
    model_mask *mask = NULL;
    for (int i = 0; i < LAYERS * NEURONS; i++)
        pruned[i] = (uint32_t)i * 2654435761u % (uint32_t)every == 0;
    assert_ok(model_mask_new(x->m, NULL, both, &mask));
    forward f = {.context = x,
                 .tiles = TILES,
                 .max_samples = 1,
                 .max_rows = TOKENS,
                 .load = load,
                 .logits = logits,
                 .mask = mask};
    f.keep_behind_attn = how == KEEPING;
    f.keep_hidden = how == KEEPING ? keep : NULL;
    f.first_behind_attn = how == RESUMED;
    f.load_hidden = how == RESUMED ? restore : NULL;
    f.neurons = with_neurons ? neurons : NULL;
    x->asked = 0;
    assert_ok(model_forward(x->m, NULL, &f));
    model_mask_free(mask);
}

// Makes a neuron of the last tile's last row 1.
static void spoil(run *x, int neuron, size_t each)
{
    const float one = 1;
    char *at = (char *)x->neurons[TILES - 1].x + ((TOKENS - 1) * NEURONS + (size_t)neuron) * each;
    memcpy(at, (const char *)&one + sizeof one - each, each); // bf16: the upper half
}

static void check(run *x)
{
    static float through[TILES][TOKENS][VOCABULARY];
    const size_t each = model_neuron_bytes(x->m);
    for (int t = 0; t < TILES; t++)
        x->neurons[t] = (model_neurons){calloc((size_t)TOKENS * NEURONS, sizeof(float)), false};
    pass_with(x, 3, THROUGH, false);
    memcpy(through, x->logits, sizeof through);
    pass_with(x, 3, KEEPING, true); // makes them
    assert_int_equal(x->asked, each ? TILES : 0);
    assert_memory_equal(through, x->logits, sizeof through);
    for (int t = 0; t < TILES; t++)
        assert_int_equal(x->neurons[t].made, each > 0);
    pass_with(x, 3, RESUMED, true);
    assert_memory_equal(through, x->logits, sizeof through);
    pass_with(x, 40, RESUMED, true); // the layer is not compacted
    assert_int_equal(x->asked, 0);
    pass_with(x, 2, THROUGH, false); // another mask takes others of them
    memcpy(through, x->logits, sizeof through);
    pass_with(x, 2, RESUMED, true);
    assert_memory_equal(through, x->logits, sizeof through);
    for (int twin = 0; each && twin < 2; twin++) { // a kept one shows, a pruned one does not
        int neuron = NEURONS - 1;
        while (((uint32_t)neuron * 2654435761u % 2 == 0) == (twin == 1))
            neuron--;
        spoil(x, neuron, each);
        pass_with(x, 2, RESUMED, true);
        assert_int_equal(memcmp(through, x->logits, sizeof through) != 0, twin);
    }
    for (int t = 0; t < TILES; t++)
        free(x->neurons[t].x);
}

static void test_neuron_cache(void **state)
{
    (void)state;
    static run x;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (compute c = COMPUTE_F32; c <= COMPUTE_BF16; c++) {
            altered a;
            if (c == COMPUTE_BF16 && products_check(PACKING_BF16) != OK)
                continue; // not on this CPU
            strcpy(a.folder, "/tmp/sulcus-lm-XXXXXX");
            assert_non_null(mkdtemp(a.folder));
            altered_write(&a, "config.json", shapes[i], strlen(shapes[i]));
            assert_ok(model_open(&(model_options){.path = a.folder, .random = true, .compute = c},
                                 NULL, &x.m));
            check(&x);
            model_close(x.m);
            altered_free(&a);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_neuron_cache)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
