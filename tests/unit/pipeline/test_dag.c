// SPDX-License-Identifier: Apache-2.0
// Sweeps, `from`, selection, inheritance, labels and paths: every rule of docs/using.md.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "pipeline/dag/dag_select.h"
#include "toy_registry.h"

// All labels in dag order, one a line, each with its inputs: "scores[model=a] <
// activations[model=a]".
static char *listing(const dag *d)
{
    text t = {0};
    for (size_t i = 0; i < d->n; i++) {
        text_add(&t, d->tasks[i]->label);
        for (size_t k = 0; k < d->tasks[i]->n_inputs; k++)
            text_addf(&t, "%s%s", k ? " & " : " < ", d->tasks[i]->inputs[k]->label);
        text_add(&t, "\n");
    }
    return t.at;
}

static void expect_override(const char *yaml, const char *override, const char *expected)
{
    pipeline_file *f;
    dag *d;
    if (toy_open(yaml, &override, override != NULL, &f, &d) != OK)
        fail_msg("%s\n%s", status_text(), yaml);
    char *found = listing(d);
    assert_string_equal(found, expected);
    free(found);
    toy_close(f, d);
}

static void expect(const char *yaml, const char *expected)
{
    expect_override(yaml, NULL, expected);
}

static const char example_tasks[] =
    "activations[model=trained]\n"
    "activations[model=random]\n"
    "scores[model=trained] < activations[model=trained]\n"
    "scores[model=random] < activations[model=random]\n"
    "unlearn[drop=0.5] < scores[model=trained]\n"
    "unlearn[drop=0.8] < scores[model=trained]\n"
    "experts[model=trained]\n"
    "experts[model=random]\n"
    "overlap[model=trained] < scores[model=trained]\n"
    "overlap[model=random] < scores[model=random]\n"
    "modularity[model=trained] < scores[model=trained] & experts[model=trained]\n"
    "modularity[model=random] < scores[model=random] & experts[model=random]\n"
    "baseline < scores[model=trained] & experts[model=random]\n";

static void the_example_expands_to_its_labels(void **state)
{
    (void)state;
    expect(toy_example, example_tasks);
}

static void a_changed_example_does_not(void **state)
{
    (void)state;
    pipeline_file *f;
    dag *d;
    const char *fault = "steps.experts.model=[trained]"; // the twin: one model less
    assert_int_equal(toy_open(toy_example, &fault, 1, &f, &d), ERR_USAGE);
    assert_non_null(strstr(status_text(), "no task of `experts` has model=random"));
    toy_close(f, d);
    fault = "steps.unlearn.drop=[0.5, 0.7]";
    assert_int_equal(toy_open(toy_example, &fault, 1, &f, &d), OK);
    char *found = listing(d);
    assert_string_not_equal(found, example_tasks);
    free(found);
    toy_close(f, d);
}

static task *find(const dag *d, const char *label)
{
    task *t = NULL;
    if (dag_find(d, label, &t) != OK)
        fail_msg("%s", status_text());
    return t;
}

static void the_example_has_its_paths_and_resources(void **state)
{
    (void)state;
    pipeline_file *f;
    dag *d;
    assert_int_equal(toy_open(toy_example, NULL, 0, &f, &d), OK);
    assert_string_equal(find(d, "unlearn[drop=0.5]")->artefact_name, "unlearn/drop=0.5.nc");
    assert_string_equal(find(d, "baseline")->artefact_name, "baseline/all.nc");
    assert_string_equal(find(d, "activations[model=random]")->artefact_name,
                        "activations/model=random.nc");
    assert_string_equal(task_resource_name(find(d, "scores[model=random]"), "model", 0), "random");
    assert_string_equal(task_resource_name(find(d, "scores[model=random]"), "data", 0), "glyphs");
    assert_string_equal(task_resource_name(find(d, "unlearn[drop=0.8]"), "model", 0), "trained");
    assert_string_equal(task_resource_name(find(d, "baseline"), "model", 0), "trained");
    assert_null(task_resource_name(find(d, "experts[model=random]"), "data", 0));
    assert_null(task_resource(find(d, "unlearn[drop=0.8]"), "model", 0)); // not opened
    assert_true(params_real(task_params(find(d, "unlearn[drop=0.8]")), "drop") == 0.8);
    assert_string_equal(task_input_stage(find(d, "baseline"), 1), "cluster");
    assert_int_equal(task_inputs(find(d, "baseline")), 2);
    const char *output = f->output;
    assert_int_equal(output[0], '/');
    assert_non_null(strstr(output, "/../runs/vit-glyph100"));
    assert_string_equal(f->name, "vit-glyph100");
    toy_close(f, d);
}

static void sweeps_multiply_upstream_first(void **state)
{
    (void)state;
    expect(TOY_HEAD "  c: {stage: collect, model: [a, b], data: [d, e]}\n"
                    "  s: {stage: score, measure: [abs, rms], from: c}\n",
           "c[model=a,data=d]\nc[model=a,data=e]\nc[model=b,data=d]\nc[model=b,data=e]\n"
           "s[model=a,data=d,measure=abs] < c[model=a,data=d]\n"
           "s[model=a,data=d,measure=rms] < c[model=a,data=d]\n"
           "s[model=a,data=e,measure=abs] < c[model=a,data=e]\n"
           "s[model=a,data=e,measure=rms] < c[model=a,data=e]\n"
           "s[model=b,data=d,measure=abs] < c[model=b,data=d]\n"
           "s[model=b,data=d,measure=rms] < c[model=b,data=d]\n"
           "s[model=b,data=e,measure=abs] < c[model=b,data=e]\n"
           "s[model=b,data=e,measure=rms] < c[model=b,data=e]\n");
}

static void own_axes_keep_the_order_of_the_file(void **state)
{
    (void)state;
    expect(TOY_HEAD "  c: {stage: collect, data: [d, e], model: [a]}\n",
           "c[data=d,model=a]\nc[data=e,model=a]\n");
}

static void a_list_of_one_is_a_sweep(void **state)
{
    (void)state;
    expect(TOY_HEAD "  c: {stage: collect, data: d, model: [a]}\n", "c[model=a]\n");
}

static void lists_by_nature_do_not_sweep(void **state)
{
    (void)state;
    expect(TOY_HEAD "  c: {stage: collect, data: d, model: a, sites: [mlp, attn]}\n"
                    "  s: {stage: score, from: [c], retain: [x, y]}\n"
                    "  p: {stage: prune, from: s, drop: 0.5, evaluate: [d, e]}\n"
                    "  i: {stage: intersect, from: p, fractions: [0.1, 0.2]}\n",
           "c\ns < c\np < s\ni < p\n");
}

static void inputs_match_on_the_axes_they_share(void **state)
{
    (void)state;
    // Shared: model. Only in s: measure. Only in k: clusters.
    expect(TOY_HEAD "  c: {stage: collect, model: [a, b], data: d}\n"
                    "  s: {stage: score, from: c, measure: [abs, rms]}\n"
                    "  k: {stage: cluster, clusters: [2, 3], model: [b, a]}\n"
                    "  i: {stage: intersect, from: [s, k], fractions: 0.1}\n",
           "c[model=a]\nc[model=b]\n"
           "s[model=a,measure=abs] < c[model=a]\ns[model=a,measure=rms] < c[model=a]\n"
           "s[model=b,measure=abs] < c[model=b]\ns[model=b,measure=rms] < c[model=b]\n"
           "k[clusters=2,model=b]\nk[clusters=2,model=a]\n"
           "k[clusters=3,model=b]\nk[clusters=3,model=a]\n"
           "i[model=a,measure=abs,clusters=2] < s[model=a,measure=abs] & k[clusters=2,model=a]\n"
           "i[model=a,measure=abs,clusters=3] < s[model=a,measure=abs] & k[clusters=3,model=a]\n"
           "i[model=a,measure=rms,clusters=2] < s[model=a,measure=rms] & k[clusters=2,model=a]\n"
           "i[model=a,measure=rms,clusters=3] < s[model=a,measure=rms] & k[clusters=3,model=a]\n"
           "i[model=b,measure=abs,clusters=2] < s[model=b,measure=abs] & k[clusters=2,model=b]\n"
           "i[model=b,measure=abs,clusters=3] < s[model=b,measure=abs] & k[clusters=3,model=b]\n"
           "i[model=b,measure=rms,clusters=2] < s[model=b,measure=rms] & k[clusters=2,model=b]\n"
           "i[model=b,measure=rms,clusters=3] < s[model=b,measure=rms] & k[clusters=3,model=b]\n");
}

static void one_value_selects_and_a_list_matches(void **state)
{
    (void)state;
    const char *head = TOY_HEAD "  c: {stage: collect, model: [a, b], data: d}\n"
                                "  s: {stage: score, from: c}\n";
    static const struct {
        const char *step, *expected;
    } cases[] = {
        // A parameter of the stage.
        {"  p: {stage: prune, from: s, drop: 0.5, model: b}\n", "p < s[model=b]\n"},
        {"  p: {stage: prune, from: s, drop: 0.5, model: [b]}\n", "p[model=b] < s[model=b]\n"},
        {"  p: {stage: prune, from: s, drop: 0.5}\n",
         "p[model=a] < s[model=a]\np[model=b] < s[model=b]\n"},
        // No parameter of the stage: it selects all the same.
        {"  i: {stage: intersect, from: s, fractions: 0.1, model: b}\n", "i < s[model=b]\n"},
        {"  i: {stage: intersect, from: s, fractions: 0.1, model: [b, a]}\n",
         "i[model=a] < s[model=a]\ni[model=b] < s[model=b]\n"},
        // In `from`, for that input alone.
        {"  i: {stage: intersect, from: 's[model=b]', fractions: 0.1}\n", "i < s[model=b]\n"},
        {"  i: {stage: intersect, from: ['s[ model = b ]', s], fractions: 0.1}\n",
         "i[model=a] < s[model=b] & s[model=a]\ni[model=b] < s[model=b] & s[model=b]\n"},
        // A selected axis is not matched: scores of b, pruned in a.
        {"  p: {stage: prune, from: 's[model=b]', drop: 0.5, model: a}\n", "p < s[model=b]\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *yaml = text_format("%s%s", head, cases[i].step);
        char *expected = text_format(
            "c[model=a]\nc[model=b]\ns[model=a] < c[model=a]\ns[model=b] < c[model=b]\n%s",
            cases[i].expected);
        expect(yaml, expected);
        free(yaml);
        free(expected);
    }
}

static void values_match_as_numbers_and_keep_their_spelling(void **state)
{
    (void)state;
    expect(TOY_HEAD "  c: {stage: collect, model: a, data: d}\n"
                    "  s: {stage: score, from: c}\n"
                    "  p: {stage: prune, from: s, drop: [0.50, 8e-1]}\n"
                    "  i: {stage: intersect, from: 'p[drop=.5]', fractions: 0.1}\n"
                    "  j: {stage: intersect, from: p, drop: 0.8, fractions: 0.1}\n",
           "c\ns < c\np[drop=0.50] < s\np[drop=8e-1] < s\ni < p[drop=0.50]\nj < p[drop=8e-1]\n");
}

static void steps_come_in_any_order(void **state)
{
    (void)state;
    expect(TOY_HEAD "  i: {stage: intersect, from: [p, s], fractions: 0.1}\n"
                    "  p: {stage: prune, from: s, drop: 0.5}\n"
                    "  s: {stage: score, from: c}\n"
                    "  c: {stage: collect, model: a, data: d}\n",
           "c\ns < c\np < s\ni < p & s\n");
}

static void names_of_files_are_encoded(void **state)
{
    (void)state;
    pipeline_file *f;
    dag *d;
    assert_int_equal(toy_open(TOY_HEAD "  i: {stage: import, path: x, note: ['a,b/c', '50% é']}\n"
                                       "  p: {stage: intersect, fractions: 1, "
                                       "from: 'i[note=a%2Cb/c]'}\n",
                              NULL, 0, &f, &d),
                     OK);
    assert_string_equal(d->tasks[0]->label, "i[note=a,b/c]");
    assert_string_equal(d->tasks[0]->artefact_name, "i/note=a%2Cb%2Fc.nc");
    assert_string_equal(d->tasks[1]->artefact_name, "i/note=50%25%20é.nc");
    assert_ptr_equal(find(d, "p")->inputs[0], d->tasks[0]);
    assert_ptr_equal(find(d, "i/note=a%2Cb%2Fc.nc"), d->tasks[0]);
    toy_close(f, d);
}

static void anchors_and_merge_keys_make_steps(void **state)
{
    (void)state;
    expect(TOY_HEAD "  c: &c {stage: collect, model: a, data: d}\n"
                    "  k: {<<: *c, model: [a, b]}\n",
           "c\nk[model=a]\nk[model=b]\n");
}

static void overrides_change_one_place(void **state)
{
    (void)state;
    const char *yaml = TOY_HEAD "  c: &c {stage: collect, model: a, data: d}\n  k: *c\n";
    expect_override(yaml, "steps.c.model=[a, b]", "c[model=a]\nc[model=b]\nk\n");
    expect_override(yaml, "steps.k.data=[e]", "c\nk[data=e]\n");
    expect_override(yaml, "steps.m={stage: cluster, model: a, clusters: 3}", "c\nk\nm\n");
}

static void paths_start_at_the_file_and_overrides_where_one_is(void **state)
{
    (void)state;
    pipeline_file *f;
    const char *override = "models.b.path=here";
    const char *yaml = TOY_HEAD "  c: {stage: collect, model: a, data: d}\n";
    assert_int_equal(pipeline_file_parse("tests/unit/p.yaml", yaml, strlen(yaml), &override, 1,
                                         &toy_registry, &f),
                     OK);
    char *expected = text_format("%s/ma", f->folder);
    assert_non_null(strstr(f->folder, "/tests/unit"));
    assert_string_equal(params_text(pipeline_file_resource(f, "models", "a")->params, "path"),
                        expected);
    free(expected);
    expected = text_format("%s/here", f->here);
    assert_null(strstr(f->here, "/tests/unit"));
    assert_string_equal(params_text(pipeline_file_resource(f, "models", "b")->params, "path"),
                        expected);
    free(expected);
    pipeline_file_free(f);
}

static void selection_marks_tasks(void **state)
{
    (void)state;
    static const struct {
        dag_selection by;
        const char *selected, *forced; // one letter a task, in order: A a S s u U E e O o M m b
    } cases[] = {
        {{0}, "xxxxxxxxxxxxx", "............."},
        {{.from = "experts"}, "......xx..xxx", "............."},
        {{.from = "scores[model=random]"}, "...x.....x.x.", "............."},
        {{.only = "unlearn[drop=0.50]"}, "....x........", "............."},
        {{.only = "unlearn", .force = "unlearn"}, "....xx.......", "....xx......."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pipeline_file *f;
        dag *d;
        assert_int_equal(toy_open(toy_example, NULL, 0, &f, &d), OK);
        assert_int_equal(dag_select(d, &cases[i].by), OK);
        for (size_t k = 0; k < d->n; k++) {
            assert_int_equal(d->tasks[k]->selected, cases[i].selected[k] == 'x');
            assert_int_equal(d->tasks[k]->forced, cases[i].forced[k] == 'x');
        }
        toy_close(f, d);
    }
}

static void wrong_selections_are_named(void **state)
{
    (void)state;
    pipeline_file *f;
    dag *d;
    task *t;
    assert_int_equal(toy_open(toy_example, NULL, 0, &f, &d), OK);
    assert_int_equal(dag_select(d, &(dag_selection){.from = "scorse"}), ERR_USAGE);
    assert_string_equal(status_text(), "--from: there is no step `scorse`; did you mean `scores`?");
    assert_int_equal(dag_select(d, &(dag_selection){.only = "scores[x=1]"}), ERR_USAGE);
    assert_non_null(strstr(status_text(), "not swept over `x`"));
    assert_int_equal(dag_select(d, &(dag_selection){.force = "unlearn[drop=0.6]"}), ERR_USAGE);
    assert_non_null(strstr(status_text(), "--force: `unlearn[drop=0.6]` names no task"));
    assert_int_equal(dag_find(d, "unlearn[drop=0.9]", &t), ERR_USAGE);
    assert_non_null(strstr(status_text(), "did you mean unlearn[drop=0."));
    assert_int_equal(dag_find(d, "unlearn", &t), ERR_USAGE);
    assert_non_null(strstr(status_text(), "2 tasks"));
    toy_close(f, d);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double time_plan(const char *what, const char *yaml, size_t tasks)
{
    pipeline_file *f;
    dag *d;
    double start = seconds();
    if (toy_open(yaml, NULL, 0, &f, &d) != OK)
        fail_msg("%s", status_text());
    double took = seconds() - start;
    assert_int_equal(d->n, tasks);
    toy_close(f, d);
    print_message("           %-24s %6zu tasks %.3f s\n", what, tasks, took);
    return took;
}

static void ten_thousand_tasks_take_less_than_a_second(void **state)
{
    (void)state;
    text sweep = {0}, chain = {0}, wide = {0};
    text_add(&sweep, TOY_HEAD "  c: {stage: collect, model: a, data: d, firing: [0");
    for (int i = 1; i < 100; i++)
        text_addf(&sweep, ", %d", i);
    text_add(&sweep, "]}\n  s: {stage: score, from: c}\n"
                     "  p: {stage: prune, from: s, drop: [0.001");
    for (int i = 2; i <= 49; i++)
        text_addf(&sweep, ", 0.%03d", i);
    text_add(&sweep, "]}\n  i: {stage: intersect, from: [p, s], fractions: 0.1}\n");
    text_add(&chain, TOY_HEAD "  s0: {stage: import, path: x}\n");
    for (int i = 1; i < 10000; i++)
        text_addf(&chain, "  s%d: {stage: intersect, from: s%d, fractions: 0.1}\n", i, i - 1);
    text_add(&wide, TOY_HEAD);
    for (int i = 0; i < 9999; i++)
        text_addf(&wide, "  s%d: {stage: import, path: x}\n", i);
    text_add(&wide, "  all: {stage: intersect, fractions: 0.1, from: [s0");
    for (int i = 1; i < 9999; i++)
        text_addf(&wide, ", s%d", i);
    text_add(&wide, "]}\n");
    double limit = 1;
#ifdef SULCUS_SANITIZE
    limit = 10;
#endif
    assert_true(time_plan("sweep of 100 x 49", text_get(&sweep), 10000) < limit);
    assert_true(time_plan("chain", text_get(&chain), 10000) < limit);
    assert_true(time_plan("one from all", text_get(&wide), 10000) < limit);
    text_free(&sweep);
    text_free(&chain);
    text_free(&wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_expands_to_its_labels),
        cmocka_unit_test(a_changed_example_does_not),
        cmocka_unit_test(the_example_has_its_paths_and_resources),
        cmocka_unit_test(sweeps_multiply_upstream_first),
        cmocka_unit_test(own_axes_keep_the_order_of_the_file),
        cmocka_unit_test(a_list_of_one_is_a_sweep),
        cmocka_unit_test(lists_by_nature_do_not_sweep),
        cmocka_unit_test(inputs_match_on_the_axes_they_share),
        cmocka_unit_test(one_value_selects_and_a_list_matches),
        cmocka_unit_test(values_match_as_numbers_and_keep_their_spelling),
        cmocka_unit_test(steps_come_in_any_order),
        cmocka_unit_test(names_of_files_are_encoded),
        cmocka_unit_test(anchors_and_merge_keys_make_steps),
        cmocka_unit_test(overrides_change_one_place),
        cmocka_unit_test(paths_start_at_the_file_and_overrides_where_one_is),
        cmocka_unit_test(selection_marks_tasks),
        cmocka_unit_test(wrong_selections_are_named),
        cmocka_unit_test(ten_thousand_tasks_take_less_than_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
