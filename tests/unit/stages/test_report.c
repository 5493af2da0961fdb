// SPDX-License-Identifier: Apache-2.0
// The report from made-up artefacts: which files there are, that names cannot break out of their
// places, that the data as plotted are the artefacts' values, and what happens without gnuplot.
// With a folder as argument the report is kept there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "pipeline/base/file.h"
#include "pipeline/config/param_check.h"
#include "report_artefacts.h"
#include "stages/drawing/gnuplot.h"
#include "stages/drawing/markup.h"
#include "stages/report/report.h"
#include "stages/report/report_html.h"
#include "unit/pipeline/scratch.h"

static const char *folder; // of the report's output

enum { SUBSETS = MADE_NAMES, TASKS = 12 };

typedef struct made {
    artefact *artefact[TASKS];
    report_task task[TASKS];
    report_input in;
    arena memory;
} made;

static report_task *add_task(made *m, const char *label, const char *step, const char *stage,
                             const char *model, const report_axis *axes, size_t n_axes)
{
    report_task *t = &m->task[m->in.n_tasks++];
    *t = (report_task){.label = label,
                       .step = step,
                       .stage = stage,
                       .axes = axes,
                       .n_axes = n_axes,
                       .model = model,
                       .data = "glyphs",
                       .units = 12,
                       .ranks = 2,
                       .seconds = 1.5};
    return t;
}

static void finish(made *m, report_task *t, const char *name)
{
    t->artefact = m->artefact[t - m->task];
    t->artefact_path = arena_format(&m->memory, "%s/%s", folder, name);
}

static artefact **slot(made *m)
{
    return &m->artefact[m->in.n_tasks];
}

static void add_prunes(made *m)
{
    static const report_axis drop[] = {{"drop", "0.5"}, {"drop", "0.8"}};
    for (int i = 0; i < 2; i++) {
        const char *path = arena_format(&m->memory, "%s/drop%d.nc", folder, i);
        make_prune(path, SUBSETS, i ? 0.8 : 0.5, slot(m));
        report_task *t = add_task(m, i ? "unlearn[drop=0.8]" : "unlearn[drop=0.5]", "unlearn",
                                  "prune", "trained", &drop[i], 1);
        const param_context c = {.memory = &m->memory, .folder = "/", .here = "/"};
        params *p;
        assert_int_equal(params_new(&c, prune_table, (location){0}, "test", &p), OK);
        t->params = p;
        finish(m, t, i ? "drop1.nc" : "drop0.nc");
    }
}

static void add_intersects(made *m)
{
    static const report_axis model[] = {{"model", "trained"}, {"model", "random"}};
    static const size_t inputs[3][2] = {{2, 3}, {4, 5}, {2, 5}};
    static const struct {
        const char *label, *step, *model;
        int axis;
        double height;
    } task[] = {{"overlap[model=trained]", "overlap", "trained", 0, 0},
                {"overlap[model=random]", "overlap", "random", 1, 0},
                {"modularity[model=trained]", "modularity", "trained", 0, 0.1},
                {"modularity[model=random]", "modularity", "random", 1, 0.02},
                {"baseline", "baseline", NULL, -1, 0.004}};
    for (int i = 0; i < 2; i++) {
        add_task(m, i ? "scores[model=random]" : "scores[model=trained]", "scores", "score",
                 model[i].value, &model[i], 1);
        add_task(m, i ? "experts[model=random]" : "experts[model=trained]", "experts", "cluster",
                 model[i].value, &model[i], 1);
    }
    for (int i = 0; i < 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "intersect%d.nc", i);
        make_intersect(arena_format(&m->memory, "%s/%s", folder, name), SUBSETS, i == 1 ? 0.9 : 0.5,
                       task[i].height, slot(m));
        report_task *t =
            add_task(m, task[i].label, task[i].step, "intersect", task[i].model,
                     task[i].axis < 0 ? NULL : &model[task[i].axis], task[i].axis >= 0);
        if (i >= 2)
            t->inputs = inputs[i - 2], t->n_inputs = 2;
        finish(m, t, name);
    }
}

static void setup(made *m)
{
    *m = (made){.in = {.pipeline = "made <up>",
                       .pipeline_path = "/tmp/made-up.yaml",
                       .host = "here",
                       .pipeline_text = "pipeline: made <up> & \"more\"\nsteps: {}\n",
                       .run_seconds = 81,
                       .run_ranks = 2}};
    m->in.tasks = m->task;
    m->in.output = folder;
    assert_int_equal(file_make_folders(folder), OK);
    add_prunes(m);
    add_intersects(m);
}

static void teardown(made *m)
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

static void the_page_holds_every_figure(void **state)
{
    (void)state;
    made m;
    setup(&m);
    assert_int_equal(report_write(&m.in), OK);
    static const char *const stem[] = {"figure1", "figure3", "figure5",
                                       "figure6", "figure7", "figure8"};
    char *page = read_report("index.html");
    for (int i = 0; i < 6; i++) {
        static const char *const ending[] = {"svg", "png", "pdf", "gp", "csv"};
        for (int e = 0; e < 5; e++) {
            char name[32];
            snprintf(name, sizeof name, "%s.%s", stem[i], ending[e]);
            char *bytes = read_report(name);
            assert_true(strlen(bytes) > 4);
            free(bytes);
        }
        char *mark = text_format("<figure id=\"%s\"", stem[i]);
        assert_non_null(strstr(page, mark));
        free(mark);
    }
    assert_null(strstr(page, "http:") ? strstr(strstr(page, "http:") + 1, "src=") : NULL);
    assert_null(strstr(page, "<b>&\"it"));
    assert_null(strstr(page, "made <up>"));
    assert_non_null(strstr(page, "made &lt;up&gt;"));
    assert_non_null(strstr(page, "scores[model=random]")); // not finished, and named
    free(page);
    teardown(&m);
}

// Values of the CSV's column `field` (from 0) in its lines of panel `panel`.
static int64_t read_column(const char *csv, int panel, int field, double *out, int64_t limit)
{
    int64_t n = 0;
    for (const char *line = strchr(csv, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
        if (atoi(line) != panel)
            continue;
        const char *at = line;
        for (int i = 0; i < field; i++)
            at = strchr(at, ',') + 1;
        assert_true(n < limit);
        out[n++] = strtod(at, NULL);
    }
    return n;
}

static void add_hundred(made *m)
{
    static const report_axis drop = {"drop", "0.5"};
    const param_context c = {.memory = &m->memory, .folder = "/", .here = "/"};
    params *p;
    make_prune(arena_format(&m->memory, "%s/hundred.nc", folder), MADE_MOST, 0.5, slot(m));
    report_task *t = add_task(m, "unlearn[drop=0.5]", "unlearn", "prune", "trained", &drop, 1);
    assert_int_equal(params_new(&c, prune_table, (location){0}, "test", &p), OK);
    t->params = p;
    finish(m, t, "hundred.nc");
}

static void a_hundred_classes_are_a_small_page(void **state)
{
    (void)state;
    made m = {.in = {.pipeline = "many", .pipeline_path = "p", .pipeline_text = "p"}};
    m.in.tasks = m.task;
    m.in.output = folder;
    add_hundred(&m);
    assert_int_equal(report_write(&m.in), OK);
    char *page = read_report("index.html"), *csv = read_report("figure1.csv");
    assert_true(strlen(page) < 3000000);
    assert_non_null(strstr(page, "image-rendering:pixelated' x"));
    static double cell[MADE_MOST * MADE_MOST];
    assert_int_equal(read_column(csv, 1, 4, cell, MADE_MOST * MADE_MOST), MADE_MOST * MADE_MOST);
    free(page);
    free(csv);
    teardown(&m);
}

static bool says(const char *page, const char *words)
{
    return strstr(page, words) != NULL;
}

// The key numbers of two drops with 20 classes, of which the third's search failed.
static void failed_searches_count_nowhere(void **state)
{
    (void)state;
    made m;
    double fraction[SUBSETS], mean = 0, all = 0;
    setup(&m);
    assert_int_equal(report_write(&m.in), OK);
    assert_int_equal(artefact_read(m.artefact[0], "fraction", VARIABLE_F64, fraction), OK);
    for (int f = 0; f < SUBSETS; f++) {
        mean += f != 2 ? 100 * fraction[f] / (SUBSETS - 1) : 0;
        all += 100 * fraction[f] / SUBSETS;
    }
    char *page = read_report("index.html"), *right = text_format("<b>%.1f ±", mean);
    char *wrong = text_format("<b>%.1f ±", all);
    assert_true(says(page, right));
    assert_string_not_equal(right, wrong);
    assert_true(says(page, "19 of 20 classes whose target was reached"));
    assert_true(says(page, "<b>separable</b> against random neurons"));
    assert_true(says(page, "lie most in layer 7"));
    assert_true(says(page, "<b>controls</b>: as many other neurons pruned, which is the chance"));
    assert_true(says(page, "<code>unlearn[drop=0.5]</code>"));
    assert_true(says(page, "\"missed\":[2]"));
    free(page);
    free(right);
    free(wrong);
    teardown(&m);
}

// Which site separates better, and what the mean does in the place of zero, is told of two prunings
// that differ in nothing else, and of no others.
static void sites_are_compared(void **state)
{
    (void)state;
    static const report_axis of[][3] = {{{"site", "attn"}, {"drop", "0.5"}, {0}},
                                        {{"site", "mlp"}, {"drop", "0.5"}, {0}},
                                        {{"site", "mlp"}, {"drop", "0.6"}, {0}},
                                        {{"site", "mlp"}, {"drop", "0.5"}, {"value", "mean"}},
                                        {{"site", "mlp"}, {"drop", "0.5"}, {"measure", "t"}},
                                        {{"site", "attn"}, {"drop", "0.5"}, {0}},
                                        {{"site", "attn"}, {"drop", "0.5"}, {0}}};
    static const double lost[] = {0.2, 0.8, 0.8, 0.9, 0.8, 0.2, 0.2};
    // The last two are pruned as none is: in steps, and of some layers alone.
    param_def other[2][sizeof prune_table / sizeof *prune_table];
    for (int i = 0; i < 2; i++) {
        memcpy(other[i], prune_table, sizeof prune_table);
        for (param_def *d = other[i]; d->name; d++)
            if (strcmp(d->name, i ? "layers" : "steps") == 0)
                d->value = i ? "[0, 1]" : "4";
    }
    made m = {.in = {.pipeline = "sites", .pipeline_path = "p", .pipeline_text = "p"}};
    const param_context c = {.memory = &m.memory, .folder = "/", .here = "/"};
    m.in.tasks = m.task;
    m.in.output = folder;
    for (int i = 0; i < 7; i++) {
        params *p;
        char *name = arena_format(&m.memory, "site%d.nc", i);
        const bool few = i < 3 || i > 4;
        make_prune(arena_format(&m.memory, "%s/%s", folder, name), 8, lost[i], slot(&m));
        report_task *t = add_task(&m, name, "unlearn", "prune", "trained", of[i], few ? 2 : 3);
        assert_int_equal(
            params_new(&c, i > 4 ? other[i - 5] : prune_table, (location){0}, "test", &p), OK);
        t->params = p;
        finish(&m, t, name);
    }
    assert_int_equal(report_write(&m.in), OK);
    char *page = read_report("index.html");
    assert_true(says(page, "<b>MLP neurons</b> separate better than attention neurons"));
    assert_true(says(page, "points in <code>site0.nc</code>, and"));
    assert_false(says(page, "separate alike"));
    assert_false(says(page, "points in <code>site2.nc</code>"));
    assert_true(says(page, "MLP neurons set <b>to their mean</b> separate <b>better than those"
                           "</b> set to zero: "));
    assert_true(says(page, "both ways; <code>site3.nc</code> and <code>site1.nc</code>)"));
    assert_false(says(page, "points in <code>site3.nc</code>"));
    assert_false(says(page, "points in <code>site5.nc</code>"));
    assert_false(says(page, "points in <code>site6.nc</code>"));
    assert_false(says(page, "site4.nc</code>)"));
    free(page);
    teardown(&m);
}

// A stage that the report knows nothing of: its descriptor asks for a figure, and its variables are
// tables.
static void other_stages_have_figures_and_tables(void **state)
{
    (void)state;
    static const stage_figure of[] = {{"auc", "Areas, my own"},
                                      {"chance", "Chances"},
                                      {"no_such", "Nothing"},
                                      {"subset", "Words"}};
    made m = {.in = {.pipeline = "own", .pipeline_path = "p", .pipeline_text = "p"}};
    m.in.tasks = m.task;
    m.in.output = folder;
    for (int i = 0; i < 4; i++) {
        char *step = arena_format(&m.memory, "mine%d", i),
             *name = arena_format(&m.memory, "%d.nc", i);
        make_intersect(arena_format(&m.memory, "%s/%s", folder, name), 4, 0.5, 0.1, slot(&m));
        report_task *t = add_task(&m, step, step, "custom", NULL, NULL, 0);
        t->figure = &of[i];
        finish(&m, t, name);
    }
    assert_int_equal(report_write(&m.in), OK);
    char *page = read_report("index.html"), *csv = read_report("figure-mine0.csv");
    assert_true(says(page, "<figure id=\"figure-mine0\""));
    assert_true(says(page, "<code>mine0</code>. Areas, my own"));
    assert_true(says(page, "<figure id=\"figure-mine1\""));
    assert_false(says(page, "figure-mine2"));
    assert_false(says(page, "figure-mine3"));
    assert_true(says(page, "<summary>mine2</summary>"));
    assert_true(says(page, "<th title=\"auc_chance\">auc_chance</th>"));
    assert_true(says(csv, ",auc,missed,panel_title,subset,layer\n"));
    double auc[4 * 4 * MADE_LAYERS], cell[4 * MADE_LAYERS];
    assert_int_equal(artefact_read(m.artefact[0], "auc", VARIABLE_F64, auc), OK);
    assert_int_equal(read_column(csv, 2, 4, cell, 4 * MADE_LAYERS), 4 * MADE_LAYERS);
    assert_memory_equal(cell, auc + 4 * MADE_LAYERS, sizeof cell); // of the second share
    free(page);
    free(csv);
    teardown(&m);
}

static void titles_are_wrapped(void **state)
{
    (void)state;
    text out = {0};
    assert_int_equal(markup_wrap(&out, "one  two\nthree éééé extraordinary", 8), 5);
    assert_string_equal(text_get(&out), "one two\nthree\néééé\nextraord\ninary");
    text_free(&out);
    assert_int_equal(markup_wrap(&out, "", 8), 1);
    text_free(&out);
    markup_gnuplot_lines(&out, "a\nb");
    assert_string_equal(text_get(&out), "\"a\\nb\"");
    text_free(&out);
    markup_json(&out, "a</script>\"\\\n\xff");
    assert_string_equal(text_get(&out), "\"a\\u003c/script\\u003e\\u0022\\u005c\\u000a\uFFFD\"");
    text_free(&out);
    markup_json_number(&out, NAN);
    markup_json_number(&out, 1.0 / 3);
    assert_string_equal(text_get(&out), "null0.33333");
    text_free(&out);
}

// Cells of the first panel of figure 1 that are not the artefact's, of the drop with index `task`.
static int wrong_cells(made *m, int task)
{
    static double cell[SUBSETS * SUBSETS], ratio[SUBSETS * SUBSETS];
    int wrong = 0;
    char *csv = read_report("figure1.csv");
    assert_int_equal(read_column(csv, 1, 4, cell, SUBSETS * SUBSETS), SUBSETS * SUBSETS);
    assert_int_equal(artefact_read(m->artefact[task], "ratio", VARIABLE_F64, ratio), OK);
    for (int row = 0; row < SUBSETS; row++)
        for (int column = 0; column < SUBSETS; column++) {
            double want = 100 * ratio[column * SUBSETS + row], got = cell[row * SUBSETS + column];
            wrong += isnan(want) ? !isnan(got) : want != got;
        }
    free(csv);
    return wrong;
}

static void the_data_are_the_artefacts(void **state)
{
    (void)state;
    made m;
    setup(&m);
    assert_int_equal(report_write(&m.in), OK);
    assert_int_equal(wrong_cells(&m, 0), 0);
    assert_true(wrong_cells(&m, 1) > 0); // those of another task are told apart
    teardown(&m);
}

// Figure 5 has the ends of the mean's interval, and draws them; figure 6, without folds, has none.
static void intervals_of_curves_are_drawn(void **state)
{
    (void)state;
    static const char *const name[] = {"overlap_mean_low", "overlap_mean_high"};
    made m;
    setup(&m);
    assert_int_equal(report_write(&m.in), OK);
    char *csv = read_report("figure5.csv"), *script = read_report("figure5.gp");
    char *none = read_report("figure6.gp");
    for (int i = 0; i < 2; i++) {
        double want[MADE_FRACTIONS], got[MADE_FRACTIONS];
        const artefact *a = m.artefact[6]; // overlap[model=trained]
        assert_int_equal(artefact_read(a, name[i], VARIABLE_F64, want), OK);
        assert_int_equal(read_column(csv, 1, 9 + i, got, MADE_FRACTIONS), MADE_FRACTIONS);
        for (int k = 0; k < MADE_FRACTIONS; k++)
            assert_float_equal(got[k], 100 * want[k], 1e-12);
    }
    assert_true(says(script, "using 3:10 with lines") && says(script, "using 3:11 with lines"));
    assert_true(says(script, "thin lines: its 95% interval"));
    assert_false(says(none, "3:10") || says(none, "thin lines"));
    free(csv), free(script), free(none);
    teardown(&m);
}

static void a_report_without_results_says_so(void **state)
{
    (void)state;
    char *old = text_format("%s/report/figure1.svg", folder);
    char *notes = text_format("%s/report/notes.csv", folder);
    char *reports = text_format("%s/report", folder);
    assert_int_equal(file_make_folders(reports), OK);
    free(reports);
    assert_int_equal(file_write_atomic(old, "<svg/>", 6), OK); // of an earlier report
    assert_int_equal(file_write_atomic(notes, "mine", 4), OK);
    report_task waiting = {.label = "unlearn", .step = "unlearn", .stage = "prune"};
    const report_input in = {.pipeline = "p",
                             .pipeline_path = "p.yaml",
                             .pipeline_text = "",
                             .output = folder,
                             .tasks = &waiting,
                             .n_tasks = 1};
    assert_int_equal(report_write(&in), OK);
    char *page = read_report("index.html");
    assert_non_null(strstr(page, "1 of 1 tasks"));
    assert_null(strstr(page, "<figure"));
    assert_false(file_exists(old));
    assert_true(file_exists(notes));
    free(page);
    free(old);
    free(notes);
}

static void without_gnuplot_the_page_is_written_and_the_package_named(void **state)
{
    (void)state;
    made m;
    char *path = strdup(getenv("PATH"));
    setup(&m);
    setenv("PATH", "/nowhere", 1);
    assert_int_equal(report_write(&m.in), ERR_IO);
    assert_non_null(strstr(status_text(), "gnuplot-nox"));
    char *page = read_report("index.html");
    assert_non_null(strstr(page, "Not drawn"));
    assert_non_null(strstr(page, "worst-hit"));
    setenv("PATH", path, 1);
    free(page);
    free(path);
    teardown(&m);
}

static void ids_in_pictures_become_their_own(void **state)
{
    (void)state;
    text out = {0};
    assert_int_equal(report_html_svg("<?xml?><svg id=\"a\"><use href='#b' fill='#1a1a1a'/>"
                                     "<g clip='url(#c)'>id='t'</g></svg>\n",
                                     "f", &out),
                     OK);
    assert_string_equal(text_get(&out), "<svg id=\"f-a\"><use href='#f-b' fill='#1a1a1a'/>"
                                        "<g clip='url(#f-c)'>id='t'</g></svg>");
    text_free(&out);
    assert_int_equal(report_html_svg("<html>", "f", &out), ERR_INPUT);
}

static void names_are_quoted_for_each_language(void **state)
{
    (void)state;
    text html = {0}, csv = {0}, script = {0}, name = {0};
    markup_html(&html, "a<b>&\"'\x01\xff\xc0\x80é\xed\xa0\x80");
    assert_string_equal(text_get(&html), "a&lt;b&gt;&amp;&quot;&#39;\uFFFD\uFFFD\uFFFD\uFFFDé"
                                         "\uFFFD\uFFFD\uFFFD");
    markup_csv(&csv, "a,\"b\"");
    assert_string_equal(text_get(&csv), "\"a,\"\"b\"\"\"");
    const char *const formulas[][2] = {{"=1+1", "'=1+1"}, {"+1", "'+1"},   {"-x", "'-x"},
                                       {"@a", "'@a"},     {"\tb", "'\tb"}, {"=a,b", "\"'=a,b\""},
                                       {"a=b", "a=b"},    {"", ""}};
    for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) {
        text_free(&csv);
        markup_csv(&csv, formulas[i][0]);
        assert_string_equal(text_get(&csv), formulas[i][1]);
    }
    markup_gnuplot(&script, "it's `x`\n@y 5% \xff\uFFFE]]>");
    assert_string_equal(text_get(&script),
                        "\"it\\047s \\140x\\140 \\100y 5% \uFFFD\uFFFD\\135\\135\u200B>\"");
    text_free(&script);
    markup_gnuplot_tic(&script, "5% \"a\"");
    assert_string_equal(text_get(&script), "\"5%% \\042a\\042\"");
    markup_file_name(&name, "a/b c=0.5%");
    assert_string_equal(text_get(&name), "a%2Fb%20c=0.5%25");
    text_free(&html), text_free(&csv), text_free(&script), text_free(&name);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_without_results_says_so),
        cmocka_unit_test(a_hundred_classes_are_a_small_page),
        cmocka_unit_test(without_gnuplot_the_page_is_written_and_the_package_named),
        cmocka_unit_test(the_data_are_the_artefacts),
        cmocka_unit_test(the_page_holds_every_figure),
        cmocka_unit_test(intervals_of_curves_are_drawn),
        cmocka_unit_test(failed_searches_count_nowhere),
        cmocka_unit_test(other_stages_have_figures_and_tables),
        cmocka_unit_test(sites_are_compared),
        cmocka_unit_test(titles_are_wrapped),
        cmocka_unit_test(ids_in_pictures_become_their_own),
        cmocka_unit_test(names_are_quoted_for_each_language),
    };
    if (scratch_setup(NULL))
        return 1;
    folder = argc > 1 ? argv[1] : scratch;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return scratch_teardown(NULL) ? 1 : failed;
}
