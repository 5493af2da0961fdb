// SPDX-License-Identifier: Apache-2.0
// Copies of models without neurons: of every family, the copy gives the bits that the model gives
// with those neurons pruned, and PyTorch's logits of that.
#include "fixture.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "altered.h"

#include "model/files/weight_source.h"
#include "model/model_cut.h"

static char scratch[] = "/tmp/sulcus-cut-XXXXXX";
static char folder[64]; // of the copy

// Files that were rewritten, and whether they were synced behind it: seen in the C library's place.
enum { MOST_FILES = 16 };
static struct {
    ino_t inode[MOST_FILES];
    int syncs[MOST_FILES], n;
    bool dirty[MOST_FILES];
} rewritten;

// The file's place among them, or where it would come.
static int find_rewritten(int file)
{
    struct stat info;
    int i = 0;
    assert_int_equal(fstat(file, &info), 0);
    while (i < rewritten.n && rewritten.inode[i] != info.st_ino)
        i++;
    if (i == rewritten.n) {
        assert_true(i < MOST_FILES);
        rewritten.inode[i] = info.st_ino;
    }
    return i;
}

ssize_t pwrite(int file, const void *bytes, size_t n, off_t at);
ssize_t pwrite(int file, const void *bytes, size_t n, off_t at)
{
    const int i = find_rewritten(file);
    rewritten.n += i == rewritten.n;
    rewritten.dirty[i] = true;
    return syscall(SYS_pwrite64, file, bytes, n, at);
}

int fsync(int file);
int fsync(int file)
{
    const int i = find_rewritten(file);
    if (i < rewritten.n) {
        rewritten.dirty[i] = false;
        rewritten.syncs[i]++;
    }
    return (int)syscall(SYS_fsync, file);
}

static int make_scratch(void **state)
{
    (void)state;
    if (!mkdtemp(scratch))
        return 1;
    snprintf(folder, sizeof folder, "%s/copy", scratch);
    return 0;
}

static int remove_scratch(void **state)
{
    (void)state;
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", scratch);
    return system(command);
}

static void make_folder(void)
{
    char command[160];
    snprintf(command, sizeof command, "rm -rf %s && mkdir %s", folder, folder);
    assert_int_equal(system(command), 0);
}

static model_cut cut_of(const model_info *info, const void *mlp, const void *attn)
{
    model_cut c = {.layers = info->layers, .mask = {mlp, attn}};
    for (site s = 0; s < SITES; s++)
        c.width[s] = model_site_width(info, s);
    return c;
}

static void write_copy(const char *path, const model_cut *cut)
{
    file_list left_out = {0};
    make_folder();
    memset(&rewritten, 0, sizeof rewritten);
    assert_ok(model_cut_write(path, cut, folder, &left_out));
    assert_true(rewritten.n > 0);
    for (int i = 0; i < rewritten.n; i++) { // once, and not for every tensor
        assert_false(rewritten.dirty[i]);
        assert_int_equal(rewritten.syncs[i], 1);
    }
    file_list_free(&left_out);
}

// Runs the copy on the samples of `x` in the model's place.
static void run_copy(lm *x)
{
    model *whole = x->m;
    assert_ok(model_open(&(model_options){.path = folder, .threads = 2}, NULL, &x->m));
    x->mask = NULL;
    assert_ok(lm_run(x));
    model_close(x->m);
    x->m = whole;
}

static void test_language_models(void **state)
{
    (void)state;
    for (int i = 0; i < LM_CASES; i++) {
        lm x;
        if (weight_source_path_is_gguf(lm_cases[i].model))
            continue;
        lm_open(&x, lm_cases[i].name, lm_cases[i].model);
        const uint8_t *pruned[SITES] = {lm_expected(&x, "mask_mlp")->bytes,
                                        lm_expected(&x, "mask_attn")->bytes};
        const size_t n = (size_t)(x.tokens * x.columns);
        float *masked = calloc(n, sizeof *masked);
        model_mask *mask = NULL;
        assert_ok(model_mask_new(x.m, NULL, pruned, &mask));
        x.mask = mask;
        x.read = true; // set to zero, not left out of the products
        assert_ok(lm_run(&x));
        x.read = false;
        memcpy(masked, x.logits, n * sizeof *masked);
        model_mask_free(mask);

        const model_cut cut = cut_of(x.info, pruned[SITE_MLP], pruned[SITE_ATTN]);
        write_copy(lm_cases[i].model, &cut);
        run_copy(&x);
        if (memcmp(masked, x.logits, n * sizeof *masked) != 0)
            fail_msg("%s: the copy gives other bits", lm_cases[i].model);
        assert_true(lm_distance(&x, "logits_masked") < 1e-4);

        const model_cut twin = cut_of(x.info, pruned[SITE_MLP], NULL);
        write_copy(lm_cases[i].model, &twin);
        run_copy(&x);
        assert_true(lm_distance(&x, "logits_masked") > 1e-3);
        free(masked);
        lm_close(&x);
    }
}

// Mixtures of experts, a tensor an expert or all in one: neurons of theirs, and whole experts.
static void test_sparse(void **state)
{
    (void)state;
    static const struct lm_case cases[] = {
        {"lm-mixtral", LM_MODELS "lm-mixtral"},
        {"lm-mixtral", LM_MODELS "lm-mixtral-fused"},
        {"lm-qwen3-moe", LM_MODELS "lm-qwen3-moe"},
        {"lm-olmoe", LM_MODELS "lm-olmoe"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lm x;
        lm_open(&x, cases[i].name, cases[i].model);
        const size_t experts = (size_t)x.info->layers * (size_t)x.info->experts;
        const size_t n = (size_t)(x.tokens * x.columns);
        float *masked = calloc(n, sizeof *masked);
        uint8_t *expert = calloc(experts, 1);
        for (size_t e = 1; e < experts; e += 3)
            expert[e] = 1;
        const uint8_t *pruned[SITES] = {
            [SITE_MLP] = lm_expected(&x, "mask_mlp")->bytes, [SITE_EXPERT] = expert};
        model_mask *mask = NULL;
        assert_ok(model_mask_new(x.m, NULL, pruned, &mask));
        x.mask = mask;
        x.read = true;
        assert_ok(lm_run(&x));
        x.read = false;
        memcpy(masked, x.logits, n * sizeof *masked);
        model_mask_free(mask);
        model_cut cut = cut_of(x.info, pruned[SITE_MLP], NULL);
        cut.mask[SITE_EXPERT] = (const int8_t *)expert;
        write_copy(cases[i].model, &cut);
        run_copy(&x);
        if (memcmp(masked, x.logits, n * sizeof *masked) != 0)
            fail_msg("%s: the copy gives other bits", cases[i].model);
        cut.mask[SITE_EXPERT] = NULL; // the twin
        write_copy(cases[i].model, &cut);
        run_copy(&x);
        assert_memory_not_equal(masked, x.logits, n * sizeof *masked);
        free(expert);
        free(masked);
        lm_close(&x);
    }
}

// A value that a neuron is set to, different for each.
static float mean_of(site s, int layer, int neuron)
{
    return (float)((neuron * 7 + layer * 3 + (int)s * 5) % 11 - 4) / 16;
}

static status set_means(void *context, int64_t index, int thread, const tile *t,
                        const site_block *block, const int32_t *neuron, int n, float *x)
{
    (void)context, (void)index, (void)thread, (void)t;
    for (int64_t i = 0; i < block->rows; i++, x += block->stride)
        for (int j = 0; j < n; j++)
            x[neuron[j] - block->first_neuron] = mean_of(block->site, block->layer, neuron[j]);
    return OK;
}

static double distance_of(const lm *x, const float *want)
{
    double most = 0;
    for (int64_t i = 0; i < x->tokens * x->columns; i++)
        most = fmax(most, fabs((double)x->logits[i] - (double)want[i]));
    return most;
}

// Neurons that became their means: the biases take them up, where a family has any.
static void test_means(void **state)
{
    (void)state;
    int kept = 0;
    double least = 1;
    for (int i = 0; i < LM_CASES; i++) {
        lm x;
        if (weight_source_path_is_gguf(lm_cases[i].model))
            continue;
        lm_open(&x, lm_cases[i].name, lm_cases[i].model);
        const uint8_t *pruned[SITES] = {lm_expected(&x, "mask_mlp")->bytes,
                                        lm_expected(&x, "mask_attn")->bytes};
        model_cut cut = cut_of(x.info, pruned[SITE_MLP], pruned[SITE_ATTN]);
        float *mean[SITES] = {NULL}, *ablated;
        bool means[SITES] = {false};
        for (site s = SITE_MLP; s <= SITE_ATTN; s++) {
            const int n = x.info->layers * cut.width[s];
            mean[s] = calloc((size_t)n, sizeof(float));
            for (int u = 0; u < n; u++)
                mean[s][u] = mean_of(s, u / cut.width[s], u % cut.width[s]);
            cut.mean[s] = mean[s];
            means[s] = true;
        }
        if (model_cut_possible(x.m, means) == OK) {
            const size_t n = (size_t)(x.tokens * x.columns);
            model_mask *mask = NULL;
            assert_ok(model_mask_new_ablated(x.m, pruned, &mask));
            x.mask = mask;
            x.ablate = set_means;
            assert_ok(lm_run(&x));
            x.ablate = NULL;
            ablated = calloc(n, sizeof *ablated);
            memcpy(ablated, x.logits, n * sizeof *ablated);
            model_mask_free(mask);
            write_copy(lm_cases[i].model, &cut);
            run_copy(&x);
            const double off = distance_of(&x, ablated);
            cut.mean[SITE_ATTN] = NULL; // the twin
            write_copy(lm_cases[i].model, &cut);
            run_copy(&x);
            if (!(off < 5e-3 && off * 50 < distance_of(&x, ablated)))
                fail_msg("%s: the copy is off by %g, the twin by %g", lm_cases[i].model, off,
                         distance_of(&x, ablated));
            least = fmin(least, off);
            free(ablated);
            kept++;
        } else {
            file_list left_out = {0};
            make_folder();
            assert_int_equal(model_cut_write(lm_cases[i].model, &cut, folder, &left_out),
                             ERR_INPUT);
            assert_non_null(strstr(status_text(), "has no bias where site"));
            file_list_free(&left_out);
        }
        free(mean[SITE_MLP]);
        free(mean[SITE_ATTN]);
        lm_close(&x);
    }
    assert_true(kept >= 12);
    assert_true(least < 1e-5); // of biases in F32; most here are F16 or BF16
}

// What biases are written as: every number of the type is itself, and what lies between two goes to
// the nearer one, from the middle to the even one.
static void test_numbers(void **state)
{
    (void)state;
    static const char *const names[] = {"F16", "BF16"};
    for (size_t k = 0; k < 2; k++) {
        const dtype *type = dtype_find(names[k]);
        for (uint32_t i = 0; i < 0xffff; i++) {
            uint16_t bits = (uint16_t)i, next = (uint16_t)(i + 1), got;
            float value, above;
            type->to_float(&bits, 1, &value);
            type->to_float(&next, 1, &above);
            if (!isfinite(value) || i == 0x8000)
                continue;
            type->from_float(&value, 1, &got);
            assert_int_equal(got, bits);
            if (!isfinite(above) || next == 0x8000)
                continue;
            const float middle = (float)(((double)value + (double)above) / 2);
            const float over = nextafterf(middle, above), under = nextafterf(middle, value);
            type->from_float(&middle, 1, &got);
            assert_int_equal(got, bits & 1 ? next : bits);
            type->from_float(&over, 1, &got);
            assert_int_equal(got, next);
            type->from_float(&under, 1, &got);
            assert_int_equal(got, bits);
        }
    }
    uint16_t got;
    const float large = 65520, below = nextafterf(large, 0);
    dtype_find("F16")->from_float(&large, 1, &got);
    assert_int_equal(got, 0x7c00);
    dtype_find("F16")->from_float(&below, 1, &got);
    assert_int_equal(got, 0x7bff);
}

static void without_answers(forward *f)
{
    f->result = NULL;
    f->logits = NULL;
    f->keep_hidden = fixture_keep;
    f->keep_layer = 2;
}

static void test_towers(void **state)
{
    (void)state;
    static const char *const towers[] = {"dinov2", "dinov2-giant", "clip", "clip-vision", "siglip"};
    for (size_t i = 0; i < sizeof towers / sizeof *towers; i++) {
        fixture x;
        char path[96];
        snprintf(path, sizeof path, "tests/reference/models/%s", towers[i]);
        fixture_open_model(&x, towers[i], path);
        const model_cut cut =
            cut_of(x.info, expected(&x, "mask_mlp")->bytes, expected(&x, "mask_attn")->bytes);
        const tensor *want = expected(&x, "hidden_masked");
        write_copy(path, &cut);
        fixture_close(&x);
        fixture_open_model(&x, towers[i], folder);
        assert_ok(fixture_run(&x, without_answers));
        want = expected(&x, "hidden_masked");
        assert_true(distance(x.hidden, expected_values(&x, "hidden_masked"), want->elements) <
                    1e-4);
        fixture_close(&x);
    }
}

// Names and bytes of what the copy must have, and must not.
static void test_files(void **state)
{
    (void)state;
    char command[512];
    model *m = NULL;
    snprintf(command, sizeof command,
             "cp -r tests/reference/models/vit-shards %s/source && cd %s/source && "
             "echo a model card >README.md && echo old >pytorch_model.bin && mkdir onnx",
             scratch, scratch);
    assert_int_equal(system(command), 0);
    char source[64];
    snprintf(source, sizeof source, "%s/source", scratch);
    assert_ok(model_open(&(model_options){.path = source, .light = true}, NULL, &m));
    const model_info info = *model_get_info(m);
    model_close(m);
    int8_t *mask = calloc((size_t)info.layers, (size_t)info.d_mlp);
    mask[info.d_mlp + 1] = 1; // layer 1, neuron 1
    const model_cut cut = cut_of(&info, mask, NULL);
    file_list left_out = {0};
    make_folder();
    assert_ok(model_cut_write(source, &cut, folder, &left_out));
    assert_int_equal(left_out.n, 1);
    assert_string_equal(left_out.path[0], "pytorch_model.bin");
    file_list_free(&left_out);
    // All but one shard are the source's, byte for byte; so are the index and the configuration.
    snprintf(
        command, sizeof command,
        "cd %s && cmp source/README.md copy/README.source && "
        "[ ! -e copy/README.md ] && [ ! -e copy/pytorch_model.bin ] && [ ! -e copy/onnx ] && "
        "cmp source/config.json copy/config.json && "
        "cmp source/model.safetensors.index.json copy/model.safetensors.index.json && "
        "n=0; for f in source/*.safetensors; do cmp -s $f copy/${f##*/} || n=$((n + 1)); done; "
        "[ $n = 1 ]",
        scratch);
    assert_int_equal(system(command), 0);

    // Refused: another shape, GGUF, a path that is not there.
    model_cut other = cut;
    other.width[SITE_MLP]++;
    make_folder();
    assert_int_equal(model_cut_write(source, &other, folder, &left_out), ERR_INPUT);
    assert_non_null(strstr(status_text(), "other layers or neurons"));
    assert_int_equal(model_cut_write(LM_MODELS "lm-llama.gguf", &cut, folder, &left_out),
                     ERR_INPUT);
    assert_non_null(strstr(status_text(), "convert_hf_to_gguf"));
    assert_int_equal(model_cut_write("tests/reference/models", &cut, folder, &left_out), ERR_INPUT);
    file_list_free(&left_out);
    free(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_language_models), cmocka_unit_test(test_sparse),
        cmocka_unit_test(test_means),           cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_towers),          cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
