// SPDX-License-Identifier: Apache-2.0
// Vision models without classes against PyTorch: the hidden states before the last layer and the
// statistics of every neuron, of the whole model and of the pruned one.
#include "fixture.h"

#include <unistd.h>

#include "altered.h"

static const char *const towers[] = {
    "dinov2",      "dinov2-giant", "dinov2-resampled", "dinov2-antialiased", "clip",
    "clip-vision", "siglip"};
enum { TOWERS = sizeof towers / sizeof *towers };

static void without_answers(forward *f)
{
    f->result = NULL;
    f->logits = NULL;
    f->keep_hidden = fixture_keep;
    f->keep_layer = 2;
}

static double hidden_distance(const fixture *x, const char *name)
{
    return distance(x->hidden, expected_values(x, name), expected(x, name)->elements);
}

static double statistics_distance(const fixture *x)
{
    double most = 0;
    const double rows = (double)(x->images * x->info->rows_per_image);
    for (site s = 0; s < SITE_EXPERT; s++) {
        const size_t n = (size_t)x->info->layers * (size_t)model_site_width(x->info, s);
        for (int k = 0; k < STATISTICS; k++) {
            char name[64];
            snprintf(name, sizeof name, "%s_%s", site_names[s], statistic_names[k]);
            assert_int_equal(expected(x, name)->elements, n);
            double largest = 1e-9, off = 0;
            for (size_t u = 0; u < n; u++) {
                const double want = (double)expected_values(x, name)[u];
                largest = fmax(largest, fabs(want));
                off = fmax(off, fabs(x->sums[s][(size_t)k * n + u] / rows - want));
            }
            most = fmax(most, off / largest);
        }
    }
    return most;
}

static void test_inside(void **state)
{
    (void)state;
    for (int i = 0; i < TOWERS; i++) {
        fixture x;
        char folder[96];
        snprintf(folder, sizeof folder, "tests/reference/models/%s", towers[i]);
        fixture_open_model(&x, towers[i], folder);
        assert_false(model_has_head(x.m));
        x.read = true;
        for (x.threads = 1; x.threads <= 3; x.threads += 2) {
            assert_ok(fixture_run(&x, without_answers));
            const double off = hidden_distance(&x, "hidden"), s = statistics_distance(&x);
            print_message("%s: hidden within %.1e, statistics %.1e\n", towers[i], off, s);
            assert_true(off < 1e-4 && s < 1e-4);
        }
        x.sums[SITE_MLP][3] += 0.1 * (double)(x.images * x.info->rows_per_image); // the twin
        assert_true(statistics_distance(&x) > 1e-3);
        fixture_close(&x);
    }
}

static void test_pruned(void **state)
{
    (void)state;
    for (int i = 0; i < TOWERS; i++) {
        fixture x;
        char folder[96];
        snprintf(folder, sizeof folder, "tests/reference/models/%s", towers[i]);
        fixture_open_model(&x, towers[i], folder);
        const uint8_t *pruned[SITES] = {expected(&x, "mask_mlp")->bytes,
                                        expected(&x, "mask_attn")->bytes};
        model_mask *mask = NULL;
        assert_ok(model_mask_new(x.m, NULL, pruned, &mask));
        x.mask = mask;
        for (int read = 0; read < 2; read++) { // they have left the products; they are set to zero
            x.read = read;
            assert_ok(fixture_run(&x, without_answers));
            assert_true(hidden_distance(&x, "hidden_masked") < 1e-4);
        }
        assert_true(hidden_distance(&x, "hidden") > 1e-3); // the twin
        model_mask_free(mask);
        fixture_close(&x);
    }
}

// A field that is read wrongly must show.
static void test_a_fault_shows(void **state)
{
    (void)state;
    static const struct {
        const char *name, *from, *to;
    } faults[] = {
        {"dinov2", "\"hidden_act\": \"gelu\"", "\"hidden_act\": \"relu\""},
        {"dinov2", "\"layer_norm_eps\": 1e-06", "\"layer_norm_eps\": 1e-01"},
        {"clip-vision", "\"hidden_act\": \"gelu\"", "\"hidden_act\": \"quick_gelu\""},
        {"clip-vision", "\"num_attention_heads\": 3", "\"num_attention_heads\": 4"},
        {"siglip", "\"gelu_pytorch_tanh\"", "\"relu\""},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        fixture x;
        altered a;
        char folder[96];
        snprintf(folder, sizeof folder, "tests/reference/models/%s", faults[i].name);
        altered_new(&a, folder, faults[i].from, faults[i].to);
        fixture_open_model(&x, faults[i].name, a.folder);
        assert_ok(fixture_run(&x, without_answers));
        if (!(hidden_distance(&x, "hidden") > 1e-3))
            fail_msg("%s for %s did not show", faults[i].to, faults[i].from);
        fixture_close(&x);
        altered_free(&a);
    }
}

// Fields that are refused by name.
static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *from, *to, *message;
    } faults[] = {
        {"dinov2", "\"mlp_ratio\": 2", "\"mlp_ratio\": 0", "mlp_ratio"},
        {"dinov2", "\"mlp_ratio\": 2", "\"mlp_ratio\": 900000", "mlp_ratio"},
        {"dinov2", "\"image_size\": 21", "\"image_size\": [21, 27]", "image_size"},
        {"dinov2", "Dinov2Model", "BeitModel", "a class of Dinov2 is needed"},
        {"dinov2", "\"use_swiglu_ffn\": false", "\"use_swiglu_ffn\": true", "weights_in"},
        {"dinov2-giant", "\"num_register_tokens\": 3", "\"num_register_tokens\": 2", "shape [1, 3"},
        {"clip", "\"patch_size\": 5", "\"patch_size\": 4", "shape ["},
        {"timm-vit", "vit_tiny_patch16_224", "vit_tiny_patch16_clip_224", "vit_SIZE_patchP_IMAGE"},
        {"timm-vit", "vit_tiny_patch16_224", "vit_tiny_distilled_patch16_224", "is not supported"},
        {"timm-vit", "vit_tiny_patch16_224", "resnet50", "resnet50 is not supported"},
        {"timm-vit", "\"mlp_ratio\"", "\"init_values\": 1e-5, \"mlp_ratio\"", "init_values"},
        {"timm-vit", "\"mlp_ratio\": 1.9", "\"mlp_ratio\": 2.9", "fc1.weight: shape [38, 20]"},
        {"timm-vit", "\"mlp_ratio\": 1.9", "\"mlp_ratio\": 0.001", "makes a width of 0"},
        {"timm-vit", "\"global_pool\": \"token\"", "\"global_pool\": \"avg\"", "avg is not"},
        {"timm-vit", "\"mlp_ratio\"", "\"class_token\": false, \"mlp_ratio\"", "class_token"},
        {"timm-vit", "\"depth\": 3", "\"depth\": 2", "blocks.2.attn.proj.bias is read by nobody"},
        {"timm-vit", "\"num_heads\": 2", "\"num_heads\": 3", "no multiple"},
        {"timm-vit", "\"num_classes\": 7,\n \"num_features\"",
         "\"quantization_config\": {\"bits\": 8}, \"num_features\"", "quantization_config"},
        {"timm-distilled", "deit_tiny_distilled", "deit_tiny", "makes it [1, 10, 24]"},
        {"timm-distilled", "\"fixed_input_size\": true", "\"fixed_input_size\": false",
         "shape [1, 11, 24], but the configuration makes it [1, 1938, 24]"},
        {"timm-distilled", "\"input_size\": [\n   1", "\"input_size\": [\n   0", "input_size"},
        {"deit-teacher", "ClassificationWithTeacher", "Classification",
         "distillation_classifier.bias is read by nobody"},
        {"deit-teacher", "ClassificationWithTeacher", "ClassificationWithPupil",
         "DeiTForImageClassification is needed"},
        {"deit", "DeiTForImageClassification", "DeiTForImageClassificationWithTeacher",
         "tensor distillation_classifier.weight is missing"},
        {"siglip", "\"image_size\": 15", "\"image_size\": 20", "position_embedding"},
        {"siglip", "\"model_type\": \"siglip_vision_model\"", "\"model_type\": \"siglop\"",
         "did you mean siglip"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        altered a;
        char folder[96];
        model *m = NULL;
        snprintf(folder, sizeof folder, "tests/reference/models/%s", faults[i].name);
        altered_new(&a, folder, faults[i].from, faults[i].to);
        assert_int_equal(model_open(&(model_options){.path = a.folder}, NULL, &m), ERR_INPUT);
        if (!strstr(status_text(), faults[i].message))
            fail_msg("expected \"%s\", got \"%s\"", faults[i].message, status_text());
        altered_free(&a);
    }
}

// Weights drawn as the framework draws them: the spread of an MLP's first matrix, and its largest.
static void test_random(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double deviation, most;
    } drawn[] = {
        {"dinov2", 0.02, 0.1},
        {"clip", 0.14433757, 0.7},          // 1 / √48
        {"siglip", 0.18731716, 0.32444284}, // uniform up to √(6 / 57)
    };
    for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++) {
        char folder[96];
        model *m = NULL;
        float w[64 * 64];
        double squares = 0, most = 0;
        snprintf(folder, sizeof folder, "tests/reference/models/%s", drawn[i].name);
        assert_ok(
            model_open(&(model_options){.path = folder, .random = true, .seed = 4}, NULL, &m));
        const model_info *info = model_get_info(m);
        const int n = info->d_mlp * info->hidden_size;
        assert_ok(model_w_in(m, 1, w));
        for (int k = 0; k < n; k++) {
            squares += (double)w[k] * (double)w[k];
            most = fmax(most, fabs((double)w[k]));
        }
        assert_true(fabs(sqrt(squares / n) / drawn[i].deviation - 1) < 0.1);
        assert_true(most < drawn[i].most && most > 1.5 * drawn[i].deviation);
        model_close(m);
    }
}

// A field of the tower that nobody reads is said, and nothing of these files is.
static void test_notes(void **state)
{
    (void)state;
    model *m = NULL;
    altered a;
    char folder[96];
    for (int i = 0; i < TOWERS; i++) {
        snprintf(folder, sizeof folder, "tests/reference/models/%s", towers[i]);
        assert_ok(model_open(&(model_options){.path = folder, .light = true}, NULL, &m));
        assert_string_equal(model_notes(m), "");
        model_close(m);
    }
    static const char *const timm[] = {"timm-vit", "timm-distilled"};
    for (int i = 0; i < 2; i++) {
        snprintf(folder, sizeof folder, "tests/reference/models/%s", timm[i]);
        assert_ok(model_open(&(model_options){.path = folder, .light = true}, NULL, &m));
        assert_string_equal(model_notes(m), "");
        model_close(m);
    }
    altered_new(&a, "tests/reference/models/clip", "\"patch_size\": 5", // of the tower
                "\"pooling\": \"max\", \"patch_size\": 5");
    assert_ok(model_open(&(model_options){.path = a.folder, .light = true}, NULL, &m));
    assert_non_null(strstr(model_notes(m), "\"pooling\" is read by nobody"));
    model_close(m);
    altered_free(&a);
}

// DINOv2's images are as large as the preprocessing makes them.
static void test_image_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int height, width; // 0: refused
    } sizes[] = {
        {"{\"crop_size\": 25}", 25, 25},
        {"{\"crop_size\": {\"height\": 10, \"width\": 35}, \"size\": 64}", 10, 35},
        {"{\"do_center_crop\": false, \"crop_size\": 25, \"size\": {\"height\": 15, \"width\": "
         "30}}",
         15, 30},
        {"{\"size\": {\"shortest_edge\": 30}}", 55, 55}, // not one size
        {"{}", 55, 55},
        // What a class takes where the file does not say: as tests/reference/images/bit_defaults.
        {"{\"image_processor_type\": \"BitImageProcessor\"}", 224, 224},
        {"{\"feature_extractor_type\": \"CLIPFeatureExtractor\", \"size\": 40}", 224, 224},
        {"{\"image_processor_type\": \"BitImageProcessorFast\", \"do_center_crop\": true, "
         "\"crop_size\": 25}",
         25, 25},
        {"{\"image_processor_type\": \"BitImageProcessor\", \"do_center_crop\": false, "
         "\"size\": {\"height\": 15, \"width\": 30}}",
         15, 30},
        {"{\"image_processor_type\": \"ViTImageProcessor\", \"size\": 30}", 30, 30},
        {"{\"image_processor_type\": 3}", 0, 0},
        {"{", 55, 55}, // whoever makes the images says what is wrong
        {"{\"crop_size\": 4}", 0, 0},
        {"{\"crop_size\": {\"height\": 0, \"width\": 35}}", 0, 0},
        {"{\"crop_size\": \"all\"}", 0, 0},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        altered a;
        model *m = NULL;
        altered_new(&a, "tests/reference/models/dinov2-antialiased", "{", "{");
        altered_write(&a, "preprocessor_config.json", sizes[i].json, strlen(sizes[i].json));
        const status st = model_open(&(model_options){.path = a.folder}, NULL, &m);
        assert_int_equal(st, sizes[i].height ? OK : ERR_INPUT);
        if (st == OK) {
            assert_int_equal(model_get_info(m)->image_height, sizes[i].height);
            assert_int_equal(model_get_info(m)->image_width, sizes[i].width);
            assert_int_equal(model_get_info(m)->rows_per_image,
                             3 + (sizes[i].height / 5) * (sizes[i].width / 5));
        }
        model_close(m);
        altered_free(&a);
    }
}

// Answers are refused by name, before anything is computed.
static void test_no_answers(void **state)
{
    (void)state;
    fixture x;
    fixture_open_model(&x, "siglip", "tests/reference/models/siglip");
    assert_int_equal(fixture_run(&x, NULL), ERR_INPUT);
    fixture_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inside),        cmocka_unit_test(test_pruned),
        cmocka_unit_test(test_a_fault_shows), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_answers),    cmocka_unit_test(test_random),
        cmocka_unit_test(test_notes),         cmocka_unit_test(test_image_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
