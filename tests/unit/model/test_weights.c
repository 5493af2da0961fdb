// SPDX-License-Identifier: Apache-2.0
// Weights: NaN and infinity, random ones as the framework draws them, a file that changes or
// shrinks while it is in use, tokens that the model does not have, and what model_files names.
#include "altered.h"

#include "model/forward/state.h"

// A copy of lm-llama (float32) whose element `at` of tensor `name` has these bits.
static void open_with(const char *name, size_t at, uint32_t bits, status code, const char *message)
{
    altered a;
    char path[128], *bytes = NULL;
    size_t n;
    weight_source *c = NULL;
    model *m = NULL;
    altered_new(&a, LM_MODELS "lm-llama", "{", "{");
    assert_ok(weight_source_open(a.folder, &c));
    const tensor *t = weight_source_find(c, name);
    assert_non_null(t);
    snprintf(path, sizeof path, "%s/model.safetensors", a.folder);
    assert_ok(file_read(path, 1 << 20, &bytes, &n));
    uint64_t header;
    memcpy(&header, bytes, 8);
    size_t begin = 0; // tensors lie one behind the other
    for (size_t i = 0; i < weight_source_count(c); i++)
        begin += weight_source_at(c, i)->bytes < t->bytes ? weight_source_at(c, i)->n_bytes : 0;
    memcpy(bytes + 8 + header + begin + 4 * at, &bits, 4);
    weight_source_close(c);
    altered_write(&a, "model.safetensors", bytes, n);
    status st = model_open(&(model_options){.path = a.folder, .threads = 2}, NULL, &m);
    if (st != code || (st != OK && !strstr(status_text(), message)))
        fail_msg("expected \"%s\" (%d), got %d \"%s\"", message, (int)code, (int)st, status_text());
    model_close(m);
    free(bytes);
    altered_free(&a);
}

static void test_not_finite(void **unused)
{
    (void)unused;
    const char *up = "model.layers.1.mlp.up_proj.weight";
    open_with(up, 7, 0x7fc00000, ERR_NUMERIC,
              "tensor model.layers.1.mlp.up_proj.weight: element 7 is NaN");
    open_with(up, 0, 0x7f800000, ERR_NUMERIC, "element 0 is infinite");
    open_with(up, 2225, 0xff800000, ERR_NUMERIC, "element 2225 is infinite");
    open_with("lm_head.weight", 4073, 0x7f800001, ERR_NUMERIC, "element 4073 is NaN");
    open_with(up, 7, 0x00000001, OK, ""); // the least denormal
    open_with(up, 7, 0x80000000, OK, "");
}

// Sum and sum of squares of a tensor, by entry of the table.
static void deviation(const float *x, size_t n, double *mean, double *out)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
    }
    *mean = sum / (double)n;
    *out = sqrt(squares / (double)n - *mean * *mean);
}

// A tensor's values, also of one that is held packed for products only. Owned by the caller; NULL
// when the model has none.
static float *values_of(const weights *w, int layer, int i, const tensor_slot *slot)
{
    if (!slot->def)
        return NULL;
    float *out = malloc(slot->elements * sizeof *out);
    const float *x = layer < 0 ? weights_global(w, i) : weights_layer(w, layer, i);
    linear l = weights_linear(w, layer, i, -1);
    if (x)
        memcpy(out, x, slot->elements * sizeof *out);
    else
        for (int r = 0; r < l.out; r++)
            packed_get(&l.packed, r, out + (size_t)r * (size_t)l.in);
    return out;
}

// Every tensor of a random model has the distribution of the framework's _init_weights.
static void check_random(const char *path, double range)
{
    model *m = NULL;
    assert_ok(model_open(&(model_options){.path = path, .random = true, .seed = 3, .threads = 2},
                         NULL, &m));
    const tensor_table *table = m->arch->tensors;
    for (int l = -1; l < m->config.info.layers; l++)
        for (int i = 0; i < (l < 0 ? table->n_globals : table->n_layer); i++) {
            const tensor_def *def = l < 0 ? &table->globals[i] : &table->layer[i];
            tensor_slot slot;
            double mean, have, want = range;
            assert_ok(tensor_slot_find(&m->config, table, NULL, (tensor_place){l, i, 0}, &slot));
            float *x = values_of(m->weights, l, i, &slot);
            if (!x)
                continue;
            deviation(x, slot.elements, &mean, &have);
            free(x);
            bool residual = strstr(def->name, "c_proj.weight");
            if (residual)
                want = range / sqrt(2.0 * m->config.info.layers);
            bool bias = strstr(def->name, "bias"),
                 norm = strstr(def->name, "norm.weight") || strstr(def->name, ".ln_1.weight") ||
                        strstr(def->name, ".ln_2.weight") || strstr(def->name, ".ln_f.weight") ||
                        strstr(def->name, "layernorm.weight") ||
                        strstr(def->name, "LayerNorm.weight") ||
                        strstr(def->name, "layer_norm.weight");
            if (bias || norm) {
                assert_true(mean == (norm ? 1 : 0) && have == 0);
                continue;
            }
            // The deviation of n values is off by about 1/√(2n) of itself.
            if (fabs(have / want - 1) > 5 / sqrt(2.0 * (double)slot.elements))
                fail_msg("%s: deviation %g, expected %g", slot.name, have, want);
            assert_true(fabs(mean) < 5 * want / sqrt((double)slot.elements));
        }
    model_close(m);
}

static void test_random(void **unused)
{
    (void)unused;
    static const char *const names[] = {
        "lm-llama",    "lm-mistral", "lm-qwen2",       "lm-qwen3",  "lm-gpt2", "lm-neox",
        "lm-olmo3",    "lm-gemma2",  "lm-gemma3",      "lm-phi",    "lm-phi3", "lm-opt",
        "lm-opt-350m", "lm-bert",    "lm-bert-untied", "lm-roberta"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, LM_MODELS "%s", names[i]);
        check_random(path, 0.25);
    }
    check_random(LM_MODELS "lm-gpt2.gguf", 0.02); // which says nothing of its initialisation
    check_random(LM_MODELS "lm-quants.gguf", 0.02);
}

static void open_random(const char *path, uint64_t seed, int threads, model **m)
{
    assert_ok(model_open(
        &(model_options){.path = path, .random = true, .seed = seed, .threads = threads}, NULL, m));
}

// The same for any number of threads and from either file; another for another seed. The padding
// token's embedding is zero, and no other.
static void test_random_is_repeatable(void **unused)
{
    (void)unused;
    altered a;
    model *one, *three, *file, *other;
    altered_new(&a, LM_MODELS "lm-smollm", "\"pad_token_id\": null", "\"pad_token_id\": 2");
    open_random(LM_MODELS "lm-smollm", 1, 1, &one);
    open_random(LM_MODELS "lm-smollm", 1, 3, &three);
    open_random(LM_MODELS "lm-smollm", 2, 1, &other);
    open_random(a.folder, 1, 1, &file);
    const model_info *i = model_get_info(one);
    const size_t width = (size_t)i->hidden_size, row = width * sizeof(float);
    const float *x = weights_global(one->weights, 0), *padded = weights_global(file->weights, 0);
    assert_memory_equal(x, weights_global(three->weights, 0), (size_t)i->outputs * row);
    assert_memory_not_equal(x, weights_global(other->weights, 0), (size_t)i->outputs * row);
    assert_memory_equal(x, padded, 2 * row);
    assert_memory_equal(x + 3 * width, padded + 3 * width, ((size_t)i->outputs - 3) * row);
    for (size_t c = 0; c < width; c++)
        assert_true(padded[2 * width + c] == 0 && x[2 * width + c] != 0);
    model_close(one);
    model_close(three);
    model_close(other);
    model_close(file);
    altered_free(&a);
}

// Ranks of a node, played by threads (pipeline/base/share.h).
enum { NODE_RANKS = 3 };

typedef struct node {
    pthread_barrier_t all;
    pthread_mutex_t lock;
    void *block;
    status worst;
    struct node_rank {
        share base; // first
        struct node *node;
        const char *path;
        model *m;
        status st;
    } rank[NODE_RANKS];
} node;

static status node_alloc(share *self, size_t bytes, share_fill fill, void **block)
{
    node *n = ((struct node_rank *)(void *)self)->node;
    if (pthread_barrier_wait(&n->all) == PTHREAD_BARRIER_SERIAL_THREAD) {
        n->block = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
        assert_non_null(n->block);
        memset(n->block, fill == SHARE_ZEROS ? 0 : 0xff, bytes); // all NaN
    }
    pthread_barrier_wait(&n->all);
    *block = n->block;
    return OK;
}

static void node_release(share *self, void *block)
{
    node *n = ((struct node_rank *)(void *)self)->node;
    if (pthread_barrier_wait(&n->all) == PTHREAD_BARRIER_SERIAL_THREAD)
        free(block);
}

static status node_vote(share *self, status st)
{
    node *n = ((struct node_rank *)(void *)self)->node;
    pthread_mutex_lock(&n->lock);
    n->worst = st > n->worst ? st : n->worst;
    pthread_mutex_unlock(&n->lock);
    pthread_barrier_wait(&n->all);
    st = n->worst;
    pthread_barrier_wait(&n->all);
    return st;
}

static void *open_on_node(void *argument)
{
    struct node_rank *r = argument;
    r->st = model_open(&(model_options){.path = r->path, .threads = 2}, &r->base, &r->m);
    return NULL;
}

static void *close_on_node(void *argument)
{
    model_close(((struct node_rank *)argument)->m);
    return NULL;
}

static void on_all_ranks(node *n, void *(*run)(void *))
{
    pthread_t threads[NODE_RANKS];
    for (int r = 0; r < NODE_RANKS; r++)
        assert_int_equal(pthread_create(&threads[r], NULL, run, &n->rank[r]), 0);
    for (int r = 0; r < NODE_RANKS; r++)
        pthread_join(threads[r], NULL);
}

// What must be converted is converted once on a node, each rank its share, to the same bits as by
// one process.
static void test_shared_by_a_node(void **unused)
{
    (void)unused;
    static const char *const paths[] = {LM_MODELS "lm-quants.gguf", LM_MODELS "lm-gpt2",
                                        LM_MODELS "lm-mistral", LM_MODELS "lm-llama.gguf"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        node n = {.worst = OK};
        model *one = NULL;
        pthread_barrier_init(&n.all, NULL, NODE_RANKS);
        pthread_mutex_init(&n.lock, NULL);
        for (int r = 0; r < NODE_RANKS; r++)
            n.rank[r] = (struct node_rank){
                .base = {.rank = r,
                         .ranks = NODE_RANKS,
                         .alloc = node_alloc,
                         .release = node_release,
                         .vote = node_vote},
                .node = &n,
                .path = paths[i],
            };
        on_all_ranks(&n, open_on_node);
        assert_ok(model_open(&(model_options){.path = paths[i]}, NULL, &one));
        const tensor_table *table = one->arch->tensors;
        int compared = 0;
        for (int l = -1; l < one->config.info.layers; l++)
            for (int k = 0; k < (l < 0 ? table->n_globals : table->n_layer); k++) {
                tensor_slot slot;
                assert_ok(
                    tensor_slot_find(&one->config, table, NULL, (tensor_place){l, k, 0}, &slot));
                for (int r = 0; r < NODE_RANKS && slot.def; r++, compared++) {
                    float *a = values_of(one->weights, l, k, &slot);
                    float *b = values_of(n.rank[r].m->weights, l, k, &slot);
                    assert_memory_equal(a, b, slot.elements * sizeof(float));
                    free(a);
                    free(b);
                }
            }
        assert_true(compared > 60);
        on_all_ranks(&n, close_on_node);
        model_close(one);
        pthread_barrier_destroy(&n.all);
        pthread_mutex_destroy(&n.lock);
    }
}

typedef struct shrinking {
    lm *x;
    const char *path;
    long keep; // bytes; -1: written to, not cut
} shrinking;

// Cuts the model's file when the pass has begun.
static status shrink_and_load(void *context, int64_t index, int thread, tile *t)
{
    const shrinking *s = context;
    if (s->keep >= 0)
        assert_int_equal(truncate(s->path, s->keep), 0);
    return lm_load(s->x, index, thread, t);
}

static status ignore_result(void *context, int64_t index, int thread, const tile *t,
                            const prediction *p, int64_t n)
{
    (void)context, (void)index, (void)thread, (void)t, (void)p, (void)n;
    return OK;
}

// float32 weights are used where they are mapped: a file cut under a running pass is an error with
// a name, not a signal.
static void test_file_that_shrinks(void **unused)
{
    (void)unused;
    static const char *const files[] = {LM_MODELS "lm-llama/model.safetensors",
                                        LM_MODELS "lm-llama.gguf"};
    for (int gguf = 0; gguf < 2; gguf++) {
        altered a;
        char path[128], *bytes = NULL;
        size_t n;
        lm x;
        altered_new(&a, LM_MODELS "lm-llama", "{", "{");
        assert_ok(file_read(files[gguf], 1 << 20, &bytes, &n));
        const char *name = gguf ? "m.gguf" : "model.safetensors";
        altered_write(&a, name, bytes, n);
        snprintf(path, sizeof path, "%s/%s", a.folder, name);
        lm_open(&x, "lm-llama", gguf ? path : a.folder);
        shrinking s = {&x, path, -1};
        forward f = {.context = &s,
                     .tiles = 1,
                     .max_samples = 1,
                     .max_rows = x.tokens,
                     .load = shrink_and_load,
                     .result = ignore_result};
        x.tile_samples = 1;
        assert_ok(model_forward(x.m, NULL, &f));
        s.keep = 4096; // most of the weights are gone
        assert_int_equal(model_forward(x.m, NULL, &f), ERR_INPUT);
        assert_non_null(strstr(status_text(), path));
        assert_non_null(strstr(status_text(), "changed while in use"));
        assert_int_equal(model_forward(x.m, NULL, &f), ERR_INPUT); // and from then on
        assert_int_equal(unlink(path), 0);
        assert_int_equal(model_forward(x.m, NULL, &f), ERR_INPUT);
        lm_close(&x);
        free(bytes);
        altered_free(&a);
    }
}

static status bad_token(void *context, int64_t index, int thread, tile *t)
{
    const shrinking *s = context;
    lm_load(s->x, index, thread, t);
    t->ids[t->rows - 1] = (int32_t)s->keep;
    return OK;
}

static void test_tokens_the_model_has_not(void **unused)
{
    (void)unused;
    lm x;
    lm_open(&x, "lm-gpt2", LM_MODELS "lm-gpt2");
    shrinking s = {&x, NULL, 58};
    forward f = {.context = &s,
                 .tiles = 1,
                 .max_samples = 1,
                 .max_rows = x.tokens,
                 .load = bad_token,
                 .result = ignore_result};
    assert_ok(model_forward(x.m, NULL, &f));
    s.keep = 59;
    assert_int_equal(model_forward(x.m, NULL, &f), ERR_INPUT);
    assert_non_null(strstr(status_text(), "token 59, but the vocabulary has 59"));
    s.keep = -1;
    assert_int_equal(model_forward(x.m, NULL, &f), ERR_INPUT);
    s.keep = 0;
    x.samples = x.tile_samples = 1;
    x.first[1] = x.tokens; // all samples as one: one more token than there are positions
    x.m->config.info.context = (int)x.tokens - 1;
    assert_int_equal(model_forward(x.m, NULL, &f), ERR_INPUT);
    assert_non_null(strstr(status_text(), "set a smaller context"));
    x.m->config.info.context = 64;
    const int32_t none[] = {0, 59};
    f.candidates = none;
    f.n_candidates = 2;
    assert_int_equal(model_forward(x.m, NULL, &f), ERR_INPUT);
    lm_close(&x);
}

typedef struct named {
    char list[1024];
} named;

static status add_name(void *context, const char *path)
{
    named *n = context;
    const char *last = strrchr(path, '/');
    strcat(strcat(n->list, last + 1), " ");
    return OK;
}

static void test_files(void **unused)
{
    (void)unused;
    static const struct {
        const char *path;
        bool random;
        const char *files;
    } cases[] = {
        {"examples/mistral-debtext", false, "config.json tokenizer.json model.safetensors "},
        {"examples/mistral-debtext", true, "config.json tokenizer.json "},
        {LM_MODELS "lm-gpt2.gguf", false, "lm-gpt2.gguf "},
        {LM_MODELS "lm-gpt2.gguf", true, "lm-gpt2.gguf "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        named n = {""};
        assert_ok(model_files(&(model_options){.path = cases[i].path, .random = cases[i].random},
                              add_name, &n));
        assert_string_equal(n.list, cases[i].files);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_random_is_repeatable),
        cmocka_unit_test(test_shared_by_a_node),
        cmocka_unit_test(test_file_that_shrinks),
        cmocka_unit_test(test_tokens_the_model_has_not),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
