// SPDX-License-Identifier: Apache-2.0
// Layers over a team: the same bits as one process that holds them all, for every architecture,
// with masks, kept activations and answers; a failure reaches those behind.
#include "naive_device.h"
#include "team_cases.h"

enum { TILES = 9, SAMPLES = 2, LENGTH = 24 };

// What a pass gives, and how to run it; shared by the members, who write to different places.
typedef struct outcome {
    const model_info *info;
    double *sums;    // [TILES, SITES, layers, widest]
    float *hidden;   // [TILES, rows, H]
    prediction *all; // [TILES, most]
    int64_t *count;  // [TILES]
    float *logits;   // [TILES, most, outputs]
    int64_t rows, most;
    int widest;
    const uint8_t *pruned[SITES];
    bool read, answer, keep;
    int first_layer, keep_layer;
    int fail_member, stop_member; // -1: none
} outcome;

typedef struct member {
    outcome *o;
    relay *team;
    model *m;
    const model_options *options;
    status st, ended;
    char text[256];
    int member, threads;
} member;

static float noise(int64_t i)
{
    uint64_t x = (uint64_t)i * 0x9e3779b97f4a7c15u;
    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9u;
    return (float)(x >> 40) / (float)(1 << 24) * 2 - 1;
}

static status load(void *context, int64_t index, int thread, tile *t)
{
    (void)thread;
    const member *w = context;
    const model_info *i = w->o->info;
    if (w->o->fail_member == w->member && index == 4)
        return status_fail(ERR_INPUT, "a file", "is bad");
    t->samples = index == TILES - 1 ? 1 : SAMPLES;
    int64_t rows = 0;
    for (int64_t s = 0; s < t->samples; s++) {
        if (i->modality == MODALITY_IMAGE) {
            t->target[s] = (int32_t)((index * SAMPLES + s) % i->outputs);
            continue;
        }
        t->first_row[s] = rows;
        rows += LENGTH - s * 5;
    }
    if (i->modality == MODALITY_IMAGE) {
        int64_t values = t->samples * i->channels * i->image_height * i->image_width;
        for (int64_t k = 0; k < values; k++)
            t->pixels[k] = noise(index * 100003 + k);
        return OK;
    }
    t->first_row[t->samples] = t->rows = rows;
    for (int64_t r = 0; r < rows; r++) {
        t->ids[r] = (int32_t)((noise(index * 977 + r) + 1) / 2 * (float)i->outputs);
        t->target[r] = r % 3 == 0 ? -1 : (int32_t)((r * 31 + index) % i->outputs);
    }
    return OK;
}

static status read_site(void *context, int64_t index, int thread, const tile *t,
                        const site_block *b)
{
    (void)thread;
    member *w = context;
    const outcome *o = w->o;
    double *to =
        o->sums + ((index * SITES + (int64_t)b->site) * o->info->layers + b->layer) * o->widest;
    if (w->o->fail_member == w->member && index == 4)
        return status_fail(ERR_NUMERIC, "a reader", "met NaN");
    assert_true(b->row ? b->rows < t->rows : b->rows == t->rows);
    for (int64_t r = 0; r < b->rows; r++)
        for (int u = 0; u < b->neurons; u++)
            to[b->first_neuron + u] += (double)b->x[r * b->stride + u];
    return OK;
}

static status result(void *context, int64_t index, int thread, const tile *t, const prediction *p,
                     int64_t n)
{
    (void)thread;
    const outcome *o = ((member *)context)->o;
    assert_true(t->samples > 0);
    o->count[index] = n;
    for (int64_t i = 0; i < n; i++) { // not the padding, which is nobody's
        prediction *to = o->all + index * o->most + i;
        to->row = p[i].row;
        to->top1 = p[i].top1;
        to->rank = p[i].rank;
        to->loss = p[i].loss;
    }
    return OK;
}

static status show_logits(void *context, int64_t index, int thread, const tile *t, int64_t row,
                          const float *logits)
{
    (void)thread, (void)t;
    const outcome *o = ((member *)context)->o;
    memcpy(o->logits + (index * o->most + row) * o->info->outputs, logits,
           (size_t)o->info->outputs * sizeof *logits);
    return OK;
}

static float *hidden_of(const outcome *o, int64_t index)
{
    return o->hidden + index * o->rows * o->info->hidden_size;
}

static status keep_hidden(void *context, int64_t index, int thread, const tile *t,
                          const float *hidden)
{
    (void)thread;
    const outcome *o = ((member *)context)->o;
    memcpy(hidden_of(o, index), hidden, (size_t)(t->rows * o->info->hidden_size) * sizeof *hidden);
    return OK;
}

static status load_hidden(void *context, int64_t index, int thread, const tile *t, float *hidden)
{
    (void)thread;
    const outcome *o = ((member *)context)->o;
    memcpy(hidden, hidden_of(o, index), (size_t)(t->rows * o->info->hidden_size) * sizeof *hidden);
    return OK;
}

static bool stopping(void *context)
{
    const member *w = context;
    return w->o->stop_member == w->member;
}

static status forward_of(member *w)
{
    status st;
    const outcome *o = w->o;
    pool *p = NULL;
    model_mask *mask = NULL;
    if (o->pruned[SITE_MLP] || o->pruned[SITE_ATTN] || o->pruned[SITE_EXPERT])
        TRY(model_mask_new(w->m, NULL, o->pruned, &mask));
    TRY(pool_new(w->threads, &p));
    const forward f = {.context = w,
                       .tiles = TILES,
                       .max_samples = SAMPLES,
                       .max_rows = o->rows,
                       .load = load,
                       .read = o->read ? read_site : NULL,
                       .read_sites = {true, true, true},
                       .result = o->answer ? result : NULL,
                       .logits = o->answer ? show_logits : NULL,
                       .mask = mask,
                       .first_layer = o->first_layer,
                       .keep_layer = o->keep_layer,
                       .load_hidden = load_hidden,
                       .keep_hidden = o->keep ? keep_hidden : NULL,
                       .stopping = stopping};
    TRY(model_forward(w->m, p, &f));
done:
    model_mask_free(mask);
    pool_free(p);
    return st;
}

static void *run_member(void *argument)
{
    member *w = argument;
    model_options options = *w->options;
    options.team = w->team;
    w->st = model_open(&options, NULL, &w->m);
    if (w->st == OK)
        w->st = forward_of(w);
    w->ended = w->team ? team_end((team_member *)w->team, w->st) : w->st;
    snprintf(w->text, sizeof w->text, "%s", status_text());
    return NULL;
}

// Runs o's pass on a team of n threads.
static void run_team(const model_options *options, outcome *o, int n, int threads, member *w)
{
    thread_team team;
    pthread_t handle[TEAM_MOST];
    thread_team_open(&team, n);
    for (int i = 0; i < n; i++) {
        w[i] = (member){.o = o,
                        .team = n > 1 ? &team.member[i].base : NULL,
                        .options = options,
                        .member = i,
                        .threads = threads};
        assert_int_equal(pthread_create(&handle[i], NULL, run_member, &w[i]), 0);
    }
    for (int i = 0; i < n; i++)
        pthread_join(handle[i], NULL);
    thread_team_close(&team, n);
}

static void close_members(member *w, int n)
{
    for (int i = 0; i < n; i++)
        model_close(w[i].m);
}

static size_t values_of(const outcome *o, int what)
{
    const size_t tiles = TILES, most = (size_t)o->most;
    return what == 0   ? tiles * SITES * (size_t)o->info->layers * (size_t)o->widest
           : what == 1 ? tiles * (size_t)o->rows * (size_t)o->info->hidden_size
                       : tiles * most * (what == 2 ? 1 : (size_t)o->info->outputs);
}

static outcome new_outcome(const model_info *info)
{
    outcome o = {.info = info, .fail_member = -1, .stop_member = -1};
    const bool images = info->modality == MODALITY_IMAGE;
    int mlp = model_site_width(info, SITE_MLP), attn = model_site_width(info, SITE_ATTN);
    o.rows = SAMPLES * (images ? info->rows_per_image : LENGTH);
    o.most = images ? SAMPLES : o.rows;
    o.widest = mlp > attn ? mlp : attn;
    o.sums = calloc(values_of(&o, 0), sizeof *o.sums);
    o.hidden = calloc(values_of(&o, 1), sizeof *o.hidden);
    o.all = calloc(values_of(&o, 2), sizeof *o.all);
    o.logits = calloc(values_of(&o, 3), sizeof *o.logits);
    o.count = calloc(TILES, sizeof *o.count);
    return o;
}

static void free_outcome(outcome *o)
{
    free(o->sums);
    free(o->hidden);
    free(o->all);
    free(o->logits);
    free(o->count);
}

static bool same(const outcome *a, const outcome *b)
{
    return memcmp(a->sums, b->sums, values_of(a, 0) * sizeof *a->sums) == 0 &&
           memcmp(a->hidden, b->hidden, values_of(a, 1) * sizeof *a->hidden) == 0 &&
           memcmp(a->all, b->all, values_of(a, 2) * sizeof *a->all) == 0 &&
           memcmp(a->logits, b->logits, values_of(a, 3) * sizeof *a->logits) == 0 &&
           memcmp(a->count, b->count, TILES * sizeof *a->count) == 0;
}

// A pass on one process and on teams, `how` says which.
static void compare(const opened *x, const outcome *how)
{
    static const int teams[] = {2, 3, 5};
    member w[TEAM_MOST];
    outcome one = new_outcome(x->info), many;
    outcome memory = one;
    one = *how;
    one.info = x->info;
    one.sums = memory.sums, one.hidden = memory.hidden, one.all = memory.all;
    one.logits = memory.logits, one.count = memory.count;
    one.rows = memory.rows, one.most = memory.most, one.widest = memory.widest;
    if (how->first_layer > 0) // what an earlier pass kept
        memcpy(one.hidden, how->hidden, values_of(&one, 1) * sizeof *one.hidden);
    run_team(&x->options, &one, 1, 2, w);
    assert_ok(w[0].st);
    close_members(w, 1);
    for (int k = 0; k < 3; k++) {
        many = one;
        memory = new_outcome(x->info);
        many.sums = memory.sums, many.hidden = memory.hidden, many.all = memory.all;
        many.logits = memory.logits, many.count = memory.count;
        if (how->first_layer > 0)
            memcpy(many.hidden, how->hidden, values_of(&one, 1) * sizeof *one.hidden);
        run_team(&x->options, &many, teams[k], 1 + k % 2, w);
        for (int i = 0; i < teams[k]; i++)
            if (w[i].ended != OK)
                fail_msg("member %d of %d: %s", i, teams[k], w[i].text);
        close_members(w, teams[k]);
        if (!same(&one, &many))
            fail_msg("%s: other bits on a team of %d (read %d, answer %d, from layer %d, keep %d)",
                     x->options.path, teams[k], how->read, how->answer, how->first_layer,
                     how->keep_layer);
        many.logits[7] += 1; // the comparison can fail
        assert_false(same(&one, &many));
        free_outcome(&many);
    }
    if (how->keep)
        memcpy(how->hidden, one.hidden, values_of(&one, 1) * sizeof *one.hidden);
    free_outcome(&one);
}

static uint8_t *some_pruned(const model_info *info, site s, int first_layer, int one_in)
{
    size_t width = (size_t)model_site_width(info, s), n = width * (size_t)info->layers;
    uint8_t *pruned = calloc(n, 1);
    for (size_t i = width * (size_t)first_layer; i < n; i++)
        pruned[i] = i / width % 2 ? i % (size_t)one_in == 1 : i % 29 == 3;
    return pruned;
}

static void test_same_bits(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        opened x;
        open_case(&cases[c], &x);
        uint8_t *mlp = some_pruned(x.info, SITE_MLP, 2, 3);
        uint8_t *attn = some_pruned(x.info, SITE_ATTN, 2, 5);
        uint8_t *expert = x.info->experts ? some_pruned(x.info, SITE_EXPERT, 2, 4) : NULL;
        outcome how = new_outcome(x.info);
        how.read = true;
        compare(&x, &how); // as `collect`
        how.answer = true;
        compare(&x, &how);
        how.read = false;
        compare(&x, &how); // as `prune`: the last layer's rows are the head's alone
        how.pruned[SITE_MLP] = mlp;
        how.pruned[SITE_ATTN] = attn;
        how.pruned[SITE_EXPERT] = expert;
        how.keep = true;
        how.keep_layer = 2;
        compare(&x, &how);
        how.keep = false;
        how.first_layer = 2;
        compare(&x, &how); // from what was kept, whichever member holds that layer
        how.keep = true;
        how.answer = false;
        how.first_layer = 0;
        for (how.keep_layer = 0; how.keep_layer < x.info->layers; how.keep_layer++)
            compare(&x, &how); // only up to there
        free(mlp);
        free(attn);
        free(expert);
        free_outcome(&how);
        close_case(&x);
    }
}

// Members may each have a device: what they hand over goes through this process's memory.
static void test_devices(void **state)
{
    (void)state;
    for (int c = 2; c < CASES; c += 5) {
        opened x;
        open_case(&cases[c], &x);
        x.options.device = naive_device(NULL);
        outcome how = new_outcome(x.info);
        how.read = true;
        how.answer = true;
        compare(&x, &how);
        how.read = false;
        how.keep = true;
        how.keep_layer = 2;
        compare(&x, &how);
        how.keep = false;
        how.first_layer = 2;
        compare(&x, &how);
        free_outcome(&how);
        close_case(&x);
    }
}

// Who fails or is stopped, those before it end well or with their own failure, those behind it with
// its status and text; nobody waits for ever.
static void test_failures(void **state)
{
    (void)state;
    for (int failing = 0; failing < 3; failing++)
        for (int threads = 1; threads <= 2; threads++) {
            opened x;
            member w[TEAM_MOST];
            open_case(&cases[0], &x);
            outcome o = new_outcome(x.info);
            o.read = true;
            o.fail_member = failing;
            run_team(&x.options, &o, 3, threads, w);
            for (int i = 0; i < 3; i++) {
                assert_int_equal(w[i].ended, i < failing    ? OK
                                             : failing == 0 ? ERR_INPUT
                                                            : ERR_NUMERIC);
                if (i >= failing)
                    assert_string_equal(w[i].text,
                                        failing == 0 ? "a file: is bad" : "a reader: met NaN");
            }
            close_members(w, 3);
            o.fail_member = -1;
            o.stop_member = failing; // only the first is asked
            run_team(&x.options, &o, 3, threads, w);
            for (int i = 0; i < 3; i++)
                assert_int_equal(w[i].ended, failing == 0 ? ERR_INTERRUPTED : OK);
            close_members(w, 3);
            free_outcome(&o);
            close_case(&x);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bits),
                                       cmocka_unit_test(test_devices),
                                       cmocka_unit_test(test_failures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
