// SPDX-License-Identifier: Apache-2.0
// The page needs no other file and no network, so that it can be mailed: style, script, pictures
// and the numbers behind them stand inside it, and it forbids itself to fetch anything. Pictures
// are SVG elements with their ids made unique, since two of one page would otherwise borrow each
// other's marks.
#include "stages/report/report_html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/base/file.h"
#include "stages/drawing/markup.h"
#include "stages/figures/prune_rivals.h"
#include "stages/report/own_tables.h"

enum { SVG_LIMIT = 64 << 20 };

static const char style[] = {
#include "page.css.inc"
};
static const char script[] = {
#include "page.js.inc"
};

// Does what stands before `at` begin an id, or a reference to one?
static bool before_id(const char *svg, const char *at)
{
    static const char *const lead[] = {" id=\"", " id='", "href=\"#", "href='#", "url(#"};
    for (size_t i = 0; i < sizeof lead / sizeof *lead; i++) {
        size_t n = strlen(lead[i]);
        if ((size_t)(at - svg) >= n && memcmp(at - n, lead[i], n) == 0)
            return true;
    }
    return false;
}

status report_html_svg(const char *svg, const char *stem, text *out)
{
    const char *start = strstr(svg, "<svg"), *end = start ? strstr(start, "</svg>") : NULL;
    if (!end)
        return status_fail(ERR_INPUT, stem,
                           "its picture holds no <svg>; run `sulcus report` again");
    end += strlen("</svg>");
    bool in_tag = false;
    for (const char *s = start; s < end; s++) {
        in_tag = *s == '<' || (in_tag && *s != '>');
        if (in_tag && before_id(start, s)) {
            markup_html(out, stem);
            text_add(out, "-");
        }
        text_add_bytes(out, s, 1);
    }
    return OK;
}

static void add_time(text *page)
{
    char now[64];
    time_t t = time(NULL);
    struct tm parts;
    if (localtime_r(&t, &parts) && strftime(now, sizeof now, "%Y-%m-%d %H:%M %Z", &parts))
        markup_html(page, now);
}

static void add_seconds(text *page, double seconds)
{
    if (seconds < 100)
        text_addf(page, "%.3g s", seconds);
    else if (seconds < 6000)
        text_addf(page, "%.1f min", seconds / 60);
    else
        text_addf(page, "%.1f h", seconds / 3600);
}

static void add_head(const report_input *in, text *page)
{
    text_add(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                   "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\"/>\n"
                   "<title>");
    markup_html(page, in->pipeline);
    text_add(page, " – sulcus</title>\n<style>\n");
    text_add(page, style);
    text_add(page, "</style>\n</head>\n<body>\n<header>\n<h1>");
    markup_html(page, in->pipeline);
    text_add(page, "</h1>\n<p class=\"soft\">");
    markup_html(page, in->pipeline_path);
    text_add(page, "<br/>");
    if (in->host && in->run_ranks > 0) {
        text_add(page, "last run on ");
        markup_html(page, in->host);
        text_addf(page, ", %d rank%s, ", in->run_ranks, in->run_ranks == 1 ? "" : "s");
        add_seconds(page, in->run_seconds);
        text_add(page, "; ");
    }
    text_add(page, "report of ");
    add_time(page);
    text_add(page, " by sulcus " SULCUS_VERSION "</p>\n</header>\n<main>\n");
}

static void add_unfinished(const report_input *in, text *page)
{
    size_t unfinished = 0;
    for (size_t i = 0; i < in->n_tasks; i++)
        unfinished += !in->tasks[i].artefact;
    if (unfinished == 0)
        return;
    text_addf(page,
              "<p class=\"note\">%zu of %zu tasks are not finished and not shown:", unfinished,
              in->n_tasks);
    for (size_t i = 0; i < in->n_tasks; i++)
        if (!in->tasks[i].artefact) {
            text_add(page, " <code>");
            markup_html(page, in->tasks[i].label);
            text_add(page, "</code>");
        }
    text_add(page, ". Run the pipeline again, then the report.</p>\n");
}

static status add_numbers(const report_input *in, const figure *figures, size_t n, text *page)
{
    status st = OK;
    text numbers = {0};
    TRY(prune_rivals(in, &numbers));
    for (size_t i = 0; i < n; i++)
        text_add(&numbers, text_get(&figures[i].numbers));
    if (numbers.length > 0) {
        text_add(page, "<section>\n<h2>Key numbers</h2>\n<ul id=\"key-numbers\">\n");
        text_add(page, text_get(&numbers));
        text_add(page, "</ul>\n</section>\n");
    }
    page->failed |= numbers.failed;
done:
    text_free(&numbers);
    return st;
}

static void add_downloads(const figure *f, text *page)
{
    static const char *const kind[] = {"svg", "pdf", "png", "csv", "gp"};
    text_add(page, "<p class=\"soft\">Download:");
    for (size_t i = f->picture.drawn ? 0 : 3; i < sizeof kind / sizeof *kind; i++) {
        text_add(page, " <a download=\"\" href=\"");
        for (const char *s = f->picture.stem; *s; s++) // a % in the name is part of it
            text_addf(page, *s == '%' ? "%%25" : "%c", *s);
        text_addf(page, ".%s\">%s</a>", kind[i], kind[i]);
    }
    text_add(page, "</p>\n");
}

// "figure1-site=attn" is headed "Figure 1 (site=attn)"; a stage's own, by its task.
static void add_figure_name(const figure *f, text *page)
{
    const char *number = f->picture.stem + strlen("figure"), *rest = strchr(number, '-');
    if (figure_is_own(f)) {
        text_add(page, "<code>");
        markup_html(page, f->task[0]->label);
        text_add(page, "</code>");
        return;
    }
    text_addf(page, "Figure %.*s", (int)(rest ? (size_t)(rest - number) : strlen(number)), number);
    if (rest) {
        text_add(page, " (");
        markup_html(page, rest + 1);
        text_add(page, ")");
    }
}

// What a figure is called among those of its kind: its swept values, else its tasks.
static void add_turn(const figure *f, text *page)
{
    const char *rest = f->picture.stem + strlen(f->def->stem);
    text_add(page, "\" data-group=\"");
    markup_html(page, figure_group(f));
    text_add(page, "\" data-task=\"");
    markup_html(page, *rest == '-' && !figure_is_own(f) ? rest + 1
                      : f->n == 1                       ? f->task[0]->label
                                                        : f->task[0]->step);
}

// A map that gnuplot did not draw the page draws itself.
static status add_plot(const figure *f, const char *folder, text *page)
{
    status st = OK;
    char *path = NULL, *svg = NULL;
    size_t size;
    if (!f->picture.drawn)
        text_add(page, "<p class=\"note\">Not drawn: gnuplot is missing or failed. Its script and "
                       "data are there.</p>\n");
    if (!f->picture.drawn && strncmp(text_get(&f->picture.data), "{\"kind\":\"map\"", 13) != 0)
        return OK;
    text_addf(page, "<div class=\"plot\" style=\"--width:%.0fpx\">\n", f->picture.width);
    if (f->picture.drawn) {
        path = text_format("%s/%s.svg", folder, f->picture.stem);
        if (!path)
            TRY(status_no_memory("a file name"));
        TRY(file_read(path, SVG_LIMIT, &svg, &size));
        TRY(report_html_svg(svg, f->picture.stem, page));
    }
    text_add(page, "\n</div>\n");
done:
    free(path);
    free(svg);
    return st;
}

static status add_figure(const figure *f, const char *folder, text *page)
{
    text_add(page, "<figure id=\"");
    markup_html(page, f->picture.stem);
    add_turn(f, page);
    text_add(page, "\">\n<h3>");
    add_figure_name(f, page);
    text_add(page, ". ");
    markup_html(page, figure_title(f));
    text_add(page, "</h3>\n");
    status st = add_plot(f, folder, page);
    text_add(page, "<figcaption>");
    text_add(page, text_get(&f->caption));
    text_add(page, "</figcaption>\n");
    add_downloads(f, page);
    if (f->table.length > 0) {
        text_add(page, "<details><summary>Numbers</summary>\n<div class=\"scroll\">\n");
        text_add(page, text_get(&f->table));
        text_add(page, "</div></details>\n");
    }
    text_add(page, "</figure>\n");
    return st;
}

// The numbers behind all figures, which the script reads.
static void add_data(const report_input *in, const figure *figures, size_t n, text *page)
{
    text_add(page, "<script type=\"application/json\" id=\"sulcus-data\">\n{\"pipeline\":");
    markup_json(page, in->pipeline);
    text_add(page, ",\"path\":");
    markup_json(page, in->pipeline_path);
    text_add(page, ",\"figures\":{");
    for (size_t i = 0, some = 0; i < n; i++) {
        if (figures[i].picture.data.length == 0)
            continue;
        text_add(page, some++ ? ",\n" : "\n");
        markup_json(page, figures[i].picture.stem);
        text_add(page, ":");
        text_add(page, text_get(&figures[i].picture.data));
        page->failed |= figures[i].picture.data.failed;
    }
    text_add(page, "}}\n</script>\n");
}

static void add_comparison(text *page)
{
    text_add(page, "<section class=\"only-alive\">\n<h2>Compare</h2>\n<p><label>With another run's "
                   "report: <input type=\"file\" id=\"compare\" accept=\".html\"/></label></p>\n"
                   "<div id=\"compared\"></div>\n</section>\n");
}

static void add_note(const report_task *t, const char *attribute, const char *before,
                     const char *behind, text *page)
{
    char *said = artefact_get_attribute(t->artefact, attribute);
    if (said) {
        text_add(page, before);
        markup_html(page, said);
        text_add(page, behind);
    }
    free(said);
}

static void add_tasks(const report_input *in, text *page)
{
    double longest = 0;
    for (size_t i = 0; i < in->n_tasks; i++)
        longest = fmax(longest, in->tasks[i].artefact ? in->tasks[i].seconds : 0);
    text_add(page, "<section>\n<h2>Tasks</h2>\n<div class=\"scroll\">\n<table>\n"
                   "<thead><tr><th>task</th><th>stage</th><th>units</th><th>ranks</th>"
                   "<th>elapsed</th><th>rank-seconds</th><th></th><th>artefact</th></tr></thead>\n"
                   "<tbody>\n");
    for (size_t i = 0; i < in->n_tasks; i++) {
        const report_task *t = &in->tasks[i];
        text_add(page, "<tr><td>");
        markup_html(page, t->label);
        text_add(page, "</td><td>");
        markup_html(page, t->stage);
        if (!t->artefact) {
            text_add(page, "</td><td></td><td></td><td>not finished</td><td></td><td></td>"
                           "<td></td></tr>\n");
            continue;
        }
        add_note(t, "skipped", ", without ", " broken records", page);
        add_note(t, "unreached", ", no token reached ", "", page);
        text_addf(page, "</td><td>%lld</td><td>%d</td><td data-value=\"%g\">", (long long)t->units,
                  t->ranks, t->seconds);
        add_seconds(page, t->seconds);
        text_addf(page, "</td><td data-value=\"%g\">", t->busy);
        add_seconds(page, t->busy);
        text_addf(page,
                  "</td><td style=\"text-align:left;min-width:9rem\"><span class=\"bar\" "
                  "style=\"width:%.2frem\"></span></td><td>",
                  longest > 0 ? 8.5 * t->seconds / longest : 0);
        size_t below = strlen(in->output); // shown from the output folder on
        bool inside = strncmp(t->artefact_path, in->output, below) == 0;
        markup_html(page,
                    t->artefact_path + (inside ? below + (t->artefact_path[below] == '/') : 0));
        text_add(page, "</td></tr>\n");
    }
    text_add(page,
             "</tbody>\n</table>\n</div>\n<p class=\"soft\">Elapsed: from a task's begin to its "
             "end, in which others may have run beside it. Rank-seconds: what all ranks "
             "together worked on it.</p>\n</section>\n");
}

status report_html(const report_input *in, const figure *figures, size_t n, const char *folder,
                   text *page)
{
    add_head(in, page);
    add_unfinished(in, page);
    status st = add_numbers(in, figures, n, page);
    if (st != OK)
        return st;
    text_add(page, "<section>\n<h2>Figures</h2>\n");
    if (n == 0)
        text_add(page, "<p>No finished task has a figure yet: those of <code>prune</code> and "
                       "<code>intersect</code> do.</p>\n");
    for (size_t i = 0; i < n; i++) {
        st = add_figure(&figures[i], folder, page);
        if (st != OK)
            return st;
    }
    text_add(page, "</section>\n");
    if ((st = own_tables(in, figures, n, page)) != OK)
        return st;
    if (n > 0)
        add_comparison(page);
    add_tasks(in, page);
    text_add(page, "<section>\n<h2>Pipeline</h2>\n<pre>");
    markup_html(page, in->pipeline_text);
    text_add(page, "</pre>\n</section>\n");
    text_add(page, "</main>\n");
    add_data(in, figures, n, page);
    text_add(page, "<script>\n");
    text_add(page, script);
    text_add(page, "</script>\n</body>\n</html>\n");
    return page->failed ? status_no_memory("the page") : OK;
}
