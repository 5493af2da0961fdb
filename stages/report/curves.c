// SPDX-License-Identifier: Apache-2.0
// A figure's script draws from its CSV by line numbers, one run of lines a curve: so the CSV is all
// the data there is, and a reader can draw it otherwise. The key is drawn by hand below the panels,
// because gnuplot would make one a panel.
#include "stages/report/curves.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "stages/report/gnuplot.h"
#include "stages/report/markup.h"

// Dark blue, orange, green, purple, sky, brown: apart in lightness as well as in hue.
static const char *const colour[] = {"#0b4f8a", "#d55e00", "#00846b",
                                     "#a0498f", "#4ba3d9", "#7a5a1e"};
enum { COLOURS = sizeof colour / sizeof *colour };

// In CSS pixels.
enum {
    PANEL_WIDTH = 330,
    PANEL_HEIGHT = 270,
    LEFT = 78,
    RIGHT = 18,
    TOP = 34,
    BOTTOM = 72,
    GAP_X = 82,
    GAP_Y = 88,
    KEY_LINE = 20
};

typedef struct layout {
    size_t across;             // panels in a line
    double width, height, key; // key: space for it below the panels
} layout;

static layout lay_out(const curves *c, size_t key_lines)
{
    layout l = {.across = c->panels == 4 ? 2 : c->panels < 3 ? c->panels : 3};
    double across = (double)l.across, down = ceil((double)c->panels / across);
    l.key = (double)key_lines * KEY_LINE;
    l.width = LEFT + across * PANEL_WIDTH + (across - 1) * GAP_X + RIGHT;
    l.height = TOP + down * PANEL_HEIGHT + (down - 1) * GAP_Y + BOTTOM + l.key;
    return l;
}

static bool has_values(const curve *k, size_t offset)
{
    for (int64_t i = 0; i < k->points; i++)
        if (!isnan(*(const double *)((const char *)&k->point[i] + offset)))
            return true;
    return false;
}

#define HAS(curve_, member) has_values(curve_, offsetof(curve_point, member))

// Columns of the CSV: 3 x, 4 mean, 5 median, 6 std, 7 min, 8 max, 9 chance; a curve's points stand
// in lines `first` on.
static void write_curve(const curve *k, int64_t first, bool *begun, text *script)
{
    const char *hue = colour[k->colour % COLOURS];
    char rows[80];
    snprintf(rows, sizeof rows, "skip 1 every ::%lld::%lld", (long long)first,
             (long long)(first + k->points - 1));
#define ADD(...)                                                                                   \
    do {                                                                                           \
        text_add(script, *begun ? ", \\\n  " : "plot ");                                           \
        text_addf(script, "data %s ", rows);                                                       \
        text_addf(script, __VA_ARGS__);                                                            \
        *begun = true;                                                                             \
    } while (0)
    if (HAS(k, min))
        ADD("using 3:7:8 with filledcurves fs transparent solid 0.13 noborder lc rgb '%s' notitle",
            hue);
    if (HAS(k, std))
        ADD("using 3:($4-$6):($4+$6) with filledcurves fs transparent solid 0.25 noborder "
            "lc rgb '%s' notitle",
            hue);
    if (HAS(k, chance))
        ADD("using 3:9 with lines dt (6,4) lw 1.4 lc rgb '#6b6b6b' notitle");
    if (HAS(k, median))
        ADD("using 3:5 with lines dt (2,3) lw 1.6 lc rgb '%s' notitle", hue);
    if (k->points <= 32)
        ADD("using 3:4 with linespoints pt 7 ps 0.45 lw 2 lc rgb '%s' notitle", hue);
    else
        ADD("using 3:4 with lines lw 2 lc rgb '%s' notitle", hue);
#undef ADD
}

static void write_panel(const curves *c, const layout *l, size_t panel, text *script)
{
    double left = LEFT + (double)(panel % l->across) * (PANEL_WIDTH + GAP_X);
    double top = TOP + (double)(panel / l->across) * (PANEL_HEIGHT + GAP_Y);
    int64_t first = 0;
    bool begun = false;
    gnuplot_place(script, l->width, l->height, left, top, left + PANEL_WIDTH, top + PANEL_HEIGHT);
    text_add(script, "set title ");
    markup_gnuplot(script, c->panel_title[panel]);
    text_addf(script, " noenhanced font ',12' offset 0,-0.4\nset yrange [%g:%g]\n", c->low[panel],
              c->high[panel]);
    if (c->low[panel] < 0)
        text_add(script, "set xzeroaxis lt -1 lw 0.8 lc rgb '#6b6b6b'\n");
    for (size_t i = 0; i < c->n; i++) {
        if (c->curve[i].panel == panel)
            write_curve(&c->curve[i], first, &begun, script);
        first += c->curve[i].points;
    }
    text_add(script, begun ? "\nunset xzeroaxis\n" : "");
}

// One line of the key: `kind` of mark, its colour, its words.
static void write_key_line(const layout *l, size_t line, size_t lines, const char *mark,
                           const char *words, text *script)
{
    double y = l->height - (double)(lines - line) * KEY_LINE + KEY_LINE / 2.0 - 4;
    text_addf(script, mark, (LEFT + 2) / l->width, 1 - y / l->height, (LEFT + 34) / l->width,
              1 - y / l->height);
    text_add(script, "set label ");
    markup_gnuplot(script, words);
    text_addf(script, " at screen %.6f,%.6f left noenhanced font ',11'\n", (LEFT + 44) / l->width,
              1 - y / l->height);
}

// A curve is explained once, by the first that has its label.
static bool is_new(const curves *c, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (c->curve[j].colour == c->curve[i].colour)
            return false;
    return true;
}

static void write_key(const curves *c, const layout *l, size_t lines, text *script)
{
    size_t line = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (!is_new(c, i))
            continue;
        char mark[160];
        snprintf(
            mark, sizeof mark,
            "set arrow from screen %%.6f,%%.6f to screen %%.6f,%%.6f nohead lw 2 lc rgb '%s'\n",
            colour[c->curve[i].colour % COLOURS]);
        write_key_line(l, line++, lines, mark, c->curve[i].label, script);
    }
    write_key_line(l, line, lines,
                   "set arrow from screen %.6f,%.6f to screen %.6f,%.6f nohead dt (6,4) lw 1.4 "
                   "lc rgb '#6b6b6b'\n",
                   c->spread ? "chance;   line: mean, dots: median, dark band: mean ± standard "
                               "deviation, light band: least to most"
                             : "chance;   line: mean, band: ± standard deviation",
                   script);
}

static void write_csv(const curves *c, text *csv)
{
    text_addf(csv, "panel,curve,%s,mean,median,std,min,max,chance,panel_title,label\n", c->x_field);
    for (size_t i = 0; i < c->n; i++)
        for (int64_t j = 0; j < c->curve[i].points; j++) {
            const curve_point *p = &c->curve[i].point[j];
            const double value[] = {p->x, p->mean, p->median, p->std, p->min, p->max, p->chance};
            text_addf(csv, "%zu,%zu,", c->curve[i].panel + 1, i + 1);
            for (size_t v = 0; v < sizeof value / sizeof *value; v++) {
                markup_csv_number(csv, value[v]);
                text_add(csv, ",");
            }
            markup_csv(csv, c->panel_title[c->curve[i].panel]);
            text_add(csv, ",");
            markup_csv(csv, c->curve[i].label);
            text_add(csv, "\n");
        }
}

void curves_free(curve *list, size_t n)
{
    for (size_t i = 0; list && i < n; i++) {
        free(list[i].label);
        free(list[i].point);
    }
    free(list);
}

void curves_write(const curves *c, const char *stem, text *script, text *csv)
{
    size_t lines = 1;
    for (size_t i = 0; i < c->n; i++)
        lines += is_new(c, i);
    layout l = lay_out(c, lines);
    gnuplot_begin(script, stem, l.width, l.height);
    text_addf(script, "set xrange [%g:%g]\nset tics font ',10' scale 0.5\nunset key\n", c->x_low,
              c->x_high);
    text_add(script, "set grid lw 0.5 lc rgb '#dddddd'\nset xtics nomirror\nset ytics nomirror\n"
                     "set border 3 lw 0.8\n");
    if (c->x_step > 0)
        text_addf(script, "set xtics %g\n", c->x_step);
    text_add(script, "set xlabel ");
    markup_gnuplot(script, c->x_title);
    text_add(script, " noenhanced font ',11' offset 0,0.2\nset ylabel ");
    markup_gnuplot(script, c->y_title);
    text_add(script, " noenhanced font ',11' offset 1.2,0\n");
    for (size_t p = 0; p < c->panels; p++) {
        if (p == 0)
            write_key(c, &l, lines, script);
        write_panel(c, &l, p, script);
        if (p == 0)
            text_add(script, "unset label\nunset arrow\n");
    }
    gnuplot_end(script);
    write_csv(c, csv);
}
