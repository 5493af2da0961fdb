// SPDX-License-Identifier: Apache-2.0
// The figures of dots in rows, from made-up artefacts: what unlearning costs by each measure, and how
// alike overlaps are. Means are compared with plain loops over the artefacts, failed searches left
// out; with them, as the fault would have it, they are other ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "pipeline/base/file.h"
#include "pipeline/config/param_check.h"
#include "report_artefacts.h"
#include "stages/report/report.h"
#include "unit/pipeline/scratch.h"

static const char *folder; // of the report's output

enum { TASKS = 4, SUBSETS = 8 };

typedef struct made {
    artefact *artefact[TASKS];
    report_task task[TASKS];
    report_input in;
    arena memory;
} made;

// `artefact` is there; the label is the file's name too.
static void add_task(made *m, const char *stage, const char *label, const report_axis *axes,
                     size_t n_axes)
{
    const size_t i = m->in.n_tasks++;
    const param_context c = {.memory = &m->memory, .folder = "/", .here = "/"};
    params *p;
    assert_int_equal(params_new(&c, prune_table, (location){0}, "test", &p), OK);
    m->task[i] = (report_task){.label = label,
                               .step = stage,
                               .stage = stage,
                               .axes = axes,
                               .n_axes = n_axes,
                               .params = p,
                               .model = "trained",
                               .data = "glyphs",
                               .artefact = m->artefact[i],
                               .artefact_path = label};
}

static void begin(made *m)
{
    *m = (made){.in = {.pipeline = "dots", .pipeline_path = "p", .pipeline_text = "p"}};
    m->in.tasks = m->task;
    m->in.output = folder;
}

static void end(made *m)
{
    for (int i = 0; i < TASKS; i++)
        if (m->artefact[i])
            artefact_close(m->artefact[i]);
    arena_free(&m->memory);
}

// Not inlined: gcc 12 then takes the pointer to `bytes` for one that outlives it.
__attribute__((noinline)) static char *read_report(const char *name)
{
    char *path = text_format("%s/report/%s", folder, name), *bytes;
    size_t size;
    assert_int_equal(file_read(path, 64 << 20, &bytes, &size), OK);
    free(path);
    return bytes;
}

// What the others lose in the mean, in percent; with the fault, also where the search failed.
static double mean_harm(const artefact *a, bool fault)
{
    double ratio[SUBSETS * SUBSETS], reached[SUBSETS], mean = 0, n = 0;
    assert_int_equal(artefact_read(a, "ratio", VARIABLE_F64, ratio), OK);
    assert_int_equal(artefact_read(a, "reached", VARIABLE_F64, reached), OK);
    for (int f = 0; f < SUBSETS; f++) {
        double kept = 0, others = 0;
        for (int s = 0; s < SUBSETS; s++)
            if (s != f && !isnan(ratio[f * SUBSETS + s])) {
                kept += ratio[f * SUBSETS + s];
                others++;
            }
        if (reached[f] != 0 || fault) {
            mean += 100 * (1 - kept / others);
            n++;
        }
    }
    return mean / n;
}

// The mean of a row in the CSV's first panel.
static double drawn_mean(const char *csv, int row)
{
    char begins[32];
    snprintf(begins, sizeof begins, "\n1,%d,mean,", row);
    const char *at = strstr(csv, begins);
    assert_non_null(at);
    return strtod(at + strlen(begins), NULL);
}

static bool says(const char *page, const char *words)
{
    return strstr(page, words) != NULL;
}

// Three measures, the second of which costs least; a fourth task with another drop has no rival.
static void measures_are_compared(void **state)
{
    (void)state;
    static const report_axis of[][2] = {{{"measure", "abs"}, {"drop", "0.5"}},
                                        {{"measure", "freq"}, {"drop", "0.5"}},
                                        {{"measure", "weights"}, {"drop", "0.5"}},
                                        {{"measure", "abs"}, {"drop", "0.6"}}};
    static const double cost[] = {0.5, 0.2, 0.9, 0.9};
    made m;
    begin(&m);
    for (int i = 0; i < TASKS; i++) {
        const char *name = arena_format(&m.memory, "measure%d.nc", i);
        make_prune(arena_format(&m.memory, "%s/%s", folder, name), SUBSETS, cost[i],
                   &m.artefact[i]);
        add_task(&m, "prune", name, of[i], 2);
    }
    assert_int_equal(report_write(&m.in), OK);
    char *page = read_report("index.html"), *csv = read_report("figure17.csv");
    const int order[] = {1, 0, 2}; // rows, the least harmful first
    for (int row = 0; row < 3; row++) {
        const double want = mean_harm(m.artefact[order[row]], false);
        assert_true(fabs(drawn_mean(csv, row + 1) - want) < 1e-9);
        assert_true(fabs(mean_harm(m.artefact[order[row]], true) - want) > 1e-3);
    }
    assert_true(says(page, "<figure id=\"figure17\""));
    assert_true(says(page, "pruned until the unlearned class loses 50%: <b>freq</b> harms the "
                           "others least of 3 measures"));
    assert_true(says(page, "the 7 of 8 classes whose target was reached"));
    assert_true(says(page, "<b>abs</b> follows with"));
    assert_true(says(page, "most harmful is weights"));
    assert_true(says(page, "\"kind\":\"dots\""));
    assert_true(says(csv, ",missed,"));
    assert_false(says(csv, "60%")); // it differs from none in its measure alone
    free(page);
    free(csv);
    end(&m);
}

static void likenesses_are_drawn(void **state)
{
    (void)state;
    enum { PAIRS = 2, SHARES = 2 };
    static char *a[] = {"overlap[site=mlp]", "overlap[site=mlp]"};
    static char *b[] = {"overlap[site=attn]",
                        "a <name> that is rather long, so that it is wrapped"};
    static const double fraction[] = {0.01, 0.05}, value[] = {0.6, NAN, 0.1, 0.2},
                        std[] = {0.1, NAN, 0.2, 0.2}, p[] = {0.001, NAN, 0.4, 0.3};
    static const int64_t common[] = {20, 19};
    made m;
    artefact_writer *w;
    begin(&m);
    assert_int_equal(artefact_writer_new(&w), OK);
    assert_int_equal(artefact_dim(w, "pair", PAIRS), OK);
    assert_int_equal(artefact_dim(w, "fraction", SHARES), OK);
    add(w, "overlap_a", VARIABLE_TEXT, 1, DIMS("pair"), a);
    add(w, "overlap_b", VARIABLE_TEXT, 1, DIMS("pair"), b);
    add(w, "subsets_common", VARIABLE_I64, 1, DIMS("pair"), common);
    add(w, "fraction", VARIABLE_F64, 1, DIMS("fraction"), fraction);
    add(w, "likeness", VARIABLE_F64, 2, DIMS("pair", "fraction"), value);
    add(w, "likeness_chance_std", VARIABLE_F64, 2, DIMS("pair", "fraction"), std);
    add(w, "likeness_p", VARIABLE_F64, 2, DIMS("pair", "fraction"), p);
    make(arena_format(&m.memory, "%s/alike.nc", folder), w, &m.artefact[0]);
    artefact_writer_free(w);
    add_task(&m, "likeness", "alike", NULL, 0);
    assert_int_equal(report_write(&m.in), OK);
    char *page = read_report("index.html"), *csv = read_report("figure18.csv");
    assert_true(says(csv, "\n1,1,mean,0.6,-0.2,0.2,top 1% of neurons,"));
    assert_true(says(csv, "\n2,1,mean,NaN,NaN,NaN,top 5% of neurons,"));
    assert_true(says(page, "rank correlation <b>0.60</b> over 20 subsets (p 0.001)"));
    assert_true(says(page, "<b>not clearly</b> the same pairs of subsets share most"));
    assert_false(says(page, "a <name>"));
    free(page);
    free(csv);
    end(&m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_are_compared),
        cmocka_unit_test(likenesses_are_drawn),
    };
    if (scratch_setup(NULL))
        return 1;
    folder = argc > 1 ? argv[1] : scratch;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return scratch_teardown(NULL) ? 1 : failed;
}
