// SPDX-License-Identifier: Apache-2.0
// D09: folders called by numbers of WordNet are the classes that a list beside the data or the model
// says they are; where none says it, or it leaves a doubt, they are refused.
#include "scratch.h"

#include "data/dataset/samples.h"

static const char processor[] =
    "{\"do_resize\": true, \"size\": {\"height\": 16, \"width\": 16}, \"do_normalize\": false}";
static const char names[] =
    "{\"id2label\": {\"0\": \"tench, Tinca tinca\", \"1\": \"great white shark, white shark\","
    " \"2\": \"crane\", \"3\": \"English springer, English springer spaniel\", \"4\": \"crane\"}}";

// A model, and folders of a picture each.
typedef struct scene {
    char *model, *data, *above; // the data lie in above/a/b
} scene;

static scene make_scene(const char *config, const char *const *folders)
{
    scene s = {.model = scratch_new(), .above = scratch_new()};
    s.data = file_join(s.above, "a/b");
    scratch_write(s.model, "config.json", config, strlen(config));
    scratch_write(s.model, "preprocessor_config.json", processor, strlen(processor));
    for (; *folders; folders++) {
        char *name = file_join(*folders, "1.png");
        scratch_copy("tests/reference/images/rgb.png", s.data, name);
        free(name);
    }
    return s;
}

static void free_scene(scene *s)
{
    free(s->data);
    scratch_free(s->model);
    scratch_free(s->above);
}

static const char *const three[] = {"n01440764", "n01484850", "n02102040", NULL};
static const char *const cranes[] = {"n02012849", "n03126707", NULL};

static status open_scene(const scene *s, dataset **d, samples **out)
{
    const sample_spec spec = {.model_path = s->model,
                              .channels = 3,
                              .image_height = 16,
                              .image_width = 16,
                              .rows_per_image = 5,
                              .classes = 5};
    *out = NULL;
    *d = open_data((dataset_options){.format = "images", .path = s->data, .collect = -1});
    return samples_open(*d, &spec, out);
}

// The list `name` in a folder gives the folders these classes; NULL: this message.
static void check(const char *config, const char *const *folders, bool beside_model,
                  const char *name, const char *list, const int32_t *classes, const char *what)
{
    static float pixels[3 * 16 * 16];
    dataset *d;
    samples *s;
    scene at = make_scene(config, folders);
    if (name)
        scratch_write(beside_model ? at.model : at.above, name, list, strlen(list));
    status st = open_scene(&at, &d, &s);
    if (classes && st != OK)
        fail_msg("%s", status_text());
    for (int i = 0; classes && i < dataset_subsets(d); i++) {
        int32_t label = -5;
        assert_int_equal(samples_image(s, i, PART_EVALUATE, 0, pixels, &label), OK);
        assert_int_equal(label, classes[i]);
    }
    if (!classes)
        expect_failure(st, ERR_INPUT, NULL, what);
    samples_close(s);
    dataset_close(d);
    free_scene(&at);
}

#define ORDERED                                                                                    \
    "n01440764 tench, Tinca tinca\nn01484850 great white shark, white shark\nn02012849 crane\n"    \
    "n02102040 English springer, English springer spaniel\nn03126707 crane\n"
#define KERAS                                                                                      \
    "{\"0\": [\"n01440764\", \"tench\"], \"1\": [\"n01484850\", \"great_white_shark\"], "          \
    "\"2\": [\"n02012849\", \"crane\"], \"3\": [\"n02102040\", \"English_springer\"], "            \
    "\"4\": [\"n03126707\", \"crane\"]}"
#define WORDS                                                                                      \
    "n00001740\tentity\nn02102040\tEnglish springer, English springer spaniel\n"                   \
    "n01484850\tgreat white shark, white shark\nn02012849\tcrane\nn03126707\tcrane\n"              \
    "n01440764\ttench, Tinca tinca\n"

static void test_lists(void **state)
{
    (void)state;
    static const int32_t right[] = {0, 1, 3}, birds[] = {2, 4};
    for (int model = 0; model < 2; model++) {
        check(names, three, model, "LOC_synset_mapping.txt", ORDERED, right, NULL);
        check(names, three, model, "synset_words.txt", ORDERED, right, NULL);
        check(names, three, model, "imagenet_class_index.json", KERAS, right, NULL);
        check(names, three, model, "words.txt", WORDS, right, NULL);
        check(names, cranes, model, "LOC_synset_mapping.txt", ORDERED, birds, NULL);
        check(names, cranes, model, "imagenet_class_index.json", KERAS, birds, NULL);
    }
    // The classes may have another order than the list, and the model their numbers.
    static const int32_t other[] = {2, 0, 1};
    check("{\"id2label\": {\"0\": \"great white shark\", \"1\": \"english springer\", \"2\": "
          "\"Tench\"}}",
          three, false, "LOC_synset_mapping.txt", ORDERED, other, NULL);
    check("{\"id2label\": {\"2\": \"n01440764\", \"0\": \"n01484850\", \"1\": \"n02102040\"}}",
          three, false, NULL, NULL, other, NULL);
    // A model without names numbers what it was trained on.
    static const int32_t sorted[] = {0, 1, 2};
    check("{}", three, false, "words.txt", WORDS, sorted, NULL);
}

// A list that nothing is left for is not looked at, whatever it is.
static void test_first_list(void **state)
{
    (void)state;
    dataset *d;
    samples *s;
    scene at = make_scene(names, three);
    scratch_write(at.model, "LOC_synset_mapping.txt", ORDERED, strlen(ORDERED));
    scratch_write(at.above, "imagenet_class_index.json", "{", 1);
    if (open_scene(&at, &d, &s) != OK)
        fail_msg("%s", status_text());
    samples_close(s);
    dataset_close(d);
    scratch_write(at.model, "LOC_synset_mapping.txt", ORDERED, 20); // the twin
    expect_failure(open_scene(&at, &d, &s), ERR_INPUT, NULL, "line 1");
    samples_close(s);
    dataset_close(d);
    free_scene(&at);
}

static void test_refused(void **state)
{
    (void)state;
    check(names, three, false, NULL, NULL, NULL,
          "no folder has the name of a class: there are n014");
    check(names, three, false, NULL, NULL, NULL, "put LOC_synset_mapping.txt");
    check(names, cranes, false, "words.txt", WORDS, NULL, "no folder has the name"); // which?
    check(names, three, false, "LOC_synset_mapping.txt", "n01440764 tench, Tinca tinca\n", NULL,
          "no folder has the name");
    check(names, three, false, "imagenet_class_index.json", "{\"0\": [", NULL, "line 1");
    check("{\"id2label\": {\"0\": \"healthy\", \"1\": \"ill\", \"2\": \"unknown\"}}", three, false,
          "LOC_synset_mapping.txt", ORDERED, NULL, "no folder has the name");
    static const char *const mixed[] = {"n01440764", "tabby", NULL};
    check(names, mixed, false, "LOC_synset_mapping.txt", ORDERED, NULL, "no folder has the name");
}

// The list decides what the classes are, so it is one of the dataset's files.
static status count_list(void *context, const char *path)
{
    *(int *)context += strstr(path, "words.txt") != NULL;
    return OK;
}

static void test_files(void **state)
{
    (void)state;
    int lists = 0;
    scene s = make_scene(names, three);
    scratch_write(s.above, "words.txt", WORDS, strlen(WORDS));
    const dataset_options o = {.format = "images", .path = s.data};
    assert_int_equal(dataset_files(&o, count_list, &lists), OK);
    assert_int_equal(lists, 1);
    free_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_first_list),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
