// SPDX-License-Identifier: Apache-2.0
// Data and scripts come first, pictures next, the page last, and each step goes on where pictures
// fail: a cluster without gnuplot still gets the page with its tables, and the scripts to draw
// elsewhere.
#include "stages/report/report.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "stages/drawing/gnuplot.h"
#include "stages/report/figures.h"
#include "stages/report/report_html.h"

static status write_text(const char *folder, const char *stem, const char *ending, const text *t)
{
    char *path = text_format("%s/%s%s", folder, stem, ending);
    status st = !path || t->failed ? status_no_memory("the report")
                                   : file_write_atomic(path, text_get(t), t->length);
    free(path);
    return st;
}

static status write_figures(figure *figures, size_t n, const char *folder)
{
    status st = OK;
    for (size_t i = 0; i < n; i++) {
        TRY(figures[i].def->draw(&figures[i]));
        TRY(write_text(folder, figures[i].picture.stem, ".gp", &figures[i].picture.script));
        TRY(write_text(folder, figures[i].picture.stem, ".csv", &figures[i].picture.csv));
    }
done:
    return st;
}

// Pictures that cannot be drawn do not keep the page from being written: the first failure is
// handed back after it.
static status draw_figures(figure *figures, size_t n, const char *folder)
{
    if (n > 0 && !gnuplot_present())
        return status_fail(ERR_IO, folder,
                           "gnuplot is missing, so that the page has no pictures; "
                           "apt-get install gnuplot-nox (or run jobs/setup.sh), then run `sulcus "
                           "report` again");
    status worst = OK;
    char *said = NULL;
    for (size_t i = 0; i < n; i++) {
        status st = gnuplot_run(folder, figures[i].picture.stem);
        figures[i].picture.drawn = st == OK;
        if (st != OK && worst == OK) {
            worst = st;
            said = strdup(status_text());
        }
    }
    if (worst != OK && said)
        status_carry(worst, said);
    free(said);
    return worst;
}

// Whether it is a name that only a report writes.
static bool is_of_a_figure(const char *name)
{
    static const char *const ending[] = {".svg", ".png", ".pdf", ".gp", ".csv"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof ending / sizeof *ending; i++)
        if (strncmp(name, "figure", 6) == 0 && strcmp(dot, ending[i]) == 0)
            return true;
    return false;
}

// Removes the figures of an earlier report, so that nobody takes one for this report's that has not
// become a part of it. What cannot be removed stays.
static void remove_figures(const char *folder)
{
    DIR *d = opendir(folder);
    for (const struct dirent *e; d && (e = readdir(d));)
        if (is_of_a_figure(e->d_name))
            (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
}

status report_write(const struct report_input *in)
{
    status st = OK, drawn = OK;
    figure *figures = NULL;
    size_t n = 0;
    text page = {0};
    char *said = NULL, *folder = text_format("%s/report", in->output);
    if (!folder)
        TRY(status_no_memory("the report"));
    TRY(file_make_folders(folder));
    TRY(figures_plan(in, &figures, &n));
    remove_figures(folder);
    TRY(write_figures(figures, n, folder));
    drawn = draw_figures(figures, n, folder);
    said = drawn == OK ? NULL : strdup(status_text());
    TRY(report_html(in, figures, n, folder, &page));
    TRY(write_text(folder, "index", ".html", &page));
    printf("report: %s/index.html\n", folder);
    if (drawn != OK)
        st = status_carry(drawn, said ? said : "");
done:
    figures_free(figures, n);
    text_free(&page);
    free(folder);
    free(said);
    return st;
}
