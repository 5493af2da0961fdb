// SPDX-License-Identifier: Apache-2.0
// A figure's script draws from its CSV by line numbers, one run of lines a curve: so the CSV is all
// the data there is, and a reader can draw it otherwise. The key is drawn by hand below the panels,
// because gnuplot would make one a panel.
#include "stages/drawing/curves.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/drawing/gnuplot.h"
#include "stages/drawing/markup.h"

// Dark blue, orange, green, purple, sky, brown: apart in lightness as well as in hue.
static const char *const colour[] = {"#0b4f8a", "#d55e00", "#00846b",
                                     "#a0498f", "#4ba3d9", "#7a5a1e"};
enum { COLOURS = sizeof colour / sizeof *colour };

// In CSS pixels.
enum {
    PANEL_WIDTH = 330,
    PANEL_HEIGHT = 270,
    LEFT = 66,
    RIGHT = 24,
    BOTTOM = 48,
    GAP_X = 78,
    LINE = 16,
    KEY_LINE = 20,
    KEY_LEFT = 44,
    TITLE_WIDTH = (PANEL_WIDTH + GAP_X) / 7 - 2 // characters
};

typedef struct layout {
    size_t across;                   // panels in a line
    double width, height, top, down; // top: above a panel; down: from one line to the next
    size_t key_width;                // characters of a line of the key
} layout;

static size_t wrapped(const char *words, size_t width)
{
    text unused = {0};
    size_t lines = markup_wrap(&unused, words, width);
    text_free(&unused);
    return lines;
}

static layout lay_out(const curves *c, int columns)
{
    layout l = {.across = columns == 1 ? 1 : c->panels == 4 ? 2 : c->panels < 3 ? c->panels : 3};
    double across = (double)l.across, down = ceil((double)c->panels / across);
    size_t lines = 1;
    for (size_t p = 0; p < c->panels; p++)
        lines = wrapped(c->panel_title[p], TITLE_WIDTH) > lines
                    ? wrapped(c->panel_title[p], TITLE_WIDTH)
                    : lines;
    l.top = 16 + LINE * (double)lines;
    l.down = PANEL_HEIGHT + BOTTOM + l.top;
    l.width = LEFT + across * PANEL_WIDTH + (across - 1) * GAP_X + RIGHT;
    l.height = down * l.down; // and the key's
    l.key_width = (size_t)((l.width - LEFT - KEY_LEFT) / 6.8);
    return l;
}

static double panel_left(const layout *l, size_t panel)
{
    return LEFT + (double)(panel % l->across) * (PANEL_WIDTH + GAP_X);
}

static double panel_top(const layout *l, size_t panel)
{
    return l->top + (double)(panel / l->across) * l->down;
}

static bool has_values(const curve *k, size_t offset)
{
    for (int64_t i = 0; i < k->points; i++)
        if (!isnan(*(const double *)((const char *)&k->point[i] + offset)))
            return true;
    return false;
}

#define HAS(curve_, member) has_values(curve_, offsetof(curve_point, member))

// The numbers of a point as the CSV and the page have them.
enum { NUMBERS = sizeof(curve_point) / sizeof(double) };

static void add_numbers(const curve_point *p, void (*add)(text *out, double value), text *out)
{
    const double value[NUMBERS] = {p->x,   p->mean,   p->median, p->std, p->min,
                                   p->max, p->chance, p->low,    p->high};
    for (size_t v = 0; v < NUMBERS; v++) {
        text_add(out, v ? "," : "");
        add(out, value[v]);
    }
}

// Columns of the CSV: 3 x, 4 mean, 5 median, 6 std, 7 min, 8 max, 9 chance, 10 low, 11 high; a
// curve's points stand in lines `first` on.
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
    if (HAS(k, low)) {
        ADD("using 3:10 with lines lw 0.8 lc rgb '%s' notitle", hue);
        ADD("using 3:11 with lines lw 0.8 lc rgb '%s' notitle", hue);
    }
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
    double left = panel_left(l, panel), top = panel_top(l, panel);
    text title = {0};
    int64_t first = 0;
    bool begun = false;
    gnuplot_place(script, l->width, l->height, left, top, left + PANEL_WIDTH, top + PANEL_HEIGHT);
    text_add(script, "set title ");
    markup_wrap(&title, c->panel_title[panel], TITLE_WIDTH);
    markup_gnuplot_lines(script, text_get(&title));
    script->failed |= title.failed;
    text_free(&title);
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

// A curve is explained once, by the first that has its label.
static bool is_new(const curves *c, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (c->curve[j].colour == c->curve[i].colour)
            return false;
    return true;
}

static bool any_interval(const curves *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (HAS(&c->curve[i], low))
            return true;
    return false;
}

// The words of the key's line `at`; false behind the last. The lines of colours come first.
typedef struct key_line {
    const char *words, *style; // style: of its mark; NULL: a line of `colour`
    int colour;
} key_line;

static bool find_key_line(const curves *c, size_t at, key_line *out)
{
    for (size_t i = 0; i < c->n; i++)
        if (is_new(c, i) && at-- == 0) {
            const int hue = c->curve[i].colour;
            *out = (key_line){c->key ? c->key[hue] : c->curve[i].label, NULL, hue};
            return true;
        }
    if (c->grey && at-- == 0) {
        *out = (key_line){c->grey, "dt (6,4) lw 1.4 lc rgb '#6b6b6b'", 0};
        return true;
    }
    *out = (key_line){!c->spread ? "line: mean, band: ± standard deviation"
                      : any_interval(c)
                          ? "line: mean, thin lines: its 95% interval, dots: median, dark band: "
                            "mean ± standard deviation, light band: least to most"
                          : "line: mean, dots: median, dark band: mean ± standard deviation, "
                            "light band: least to most",
                      "", 0};
    return !c->key && at == 0;
}

static size_t count_key_lines(const curves *c, const layout *l)
{
    size_t lines = 0;
    key_line k;
    for (size_t at = 0; find_key_line(c, at, &k); at++)
        lines += wrapped(k.words, l->key_width);
    return lines;
}

static void write_key(const curves *c, const layout *l, size_t lines, text *script)
{
    double y = l->height - (double)lines * KEY_LINE + KEY_LINE / 2.0 - 6;
    key_line k;
    for (size_t at = 0; find_key_line(c, at, &k); at++) {
        text words = {0};
        size_t wide = markup_wrap(&words, k.words, l->key_width);
        if (!k.style || *k.style)
            text_addf(script, "set arrow from screen %.6f,%.6f to screen %.6f,%.6f nohead ",
                      (LEFT + 2) / l->width, 1 - y / l->height, (LEFT + 34) / l->width,
                      1 - y / l->height);
        if (!k.style)
            text_addf(script, "lw 2 lc rgb '%s'\n", colour[k.colour % COLOURS]);
        else if (*k.style)
            text_addf(script, "%s\n", k.style);
        for (char *line = words.at, *next; line; line = next, y += KEY_LINE) {
            if ((next = strchr(line, '\n')))
                *next++ = 0;
            text_add(script, "set label ");
            markup_gnuplot(script, line);
            text_addf(script, " at screen %.6f,%.6f left noenhanced font ',11'\n",
                      (LEFT + (k.style && !*k.style ? 2 : KEY_LEFT)) / l->width, 1 - y / l->height);
        }
        y += wide == 0 ? KEY_LINE : 0;
        script->failed |= words.failed;
        text_free(&words);
    }
}

static void write_csv(const curves *c, text *csv)
{
    text_addf(csv, "panel,curve,%s,mean,median,std,min,max,chance,low,high,panel_title,label\n",
              c->x_field);
    for (size_t i = 0; i < c->n; i++)
        for (int64_t j = 0; j < c->curve[i].points; j++) {
            const curve_point *p = &c->curve[i].point[j];
            text_addf(csv, "%zu,%zu,", c->curve[i].panel + 1, i + 1);
            add_numbers(p, markup_csv_number, csv);
            text_add(csv, ",");
            markup_csv(csv, c->panel_title[c->curve[i].panel]);
            text_add(csv, ",");
            markup_csv(csv, c->curve[i].label);
            text_add(csv, "\n");
        }
}

curve_point curves_point(double x, double mean)
{
    return (curve_point){x, mean, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
}

static int by_x(const void *a, const void *b)
{
    const curve_point *p = a, *q = b;
    return (p->x > q->x) - (p->x < q->x);
}

void curves_sort(curve *c)
{
    qsort(c->point, (size_t)c->points, sizeof *c->point, by_x);
}

void curves_free(curve *list, size_t n)
{
    for (size_t i = 0; list && i < n; i++) {
        free(list[i].label);
        free(list[i].point);
    }
    free(list);
}

// --- For the page

static void add_panels(const curves *c, const layout *l, text *data)
{
    for (size_t p = 0; p < c->panels; p++) {
        text_add(data, p ? ",\n{\"title\":" : "{\"title\":");
        markup_json(data, c->panel_title[p]);
        text_addf(data, ",\"box\":[%g,%g,%d,%d],\"x\":[%g,%g],\"y\":[%g,%g]}", panel_left(l, p),
                  panel_top(l, p), PANEL_WIDTH, PANEL_HEIGHT, c->x_low, c->x_high, c->low[p],
                  c->high[p]);
    }
}

static void add_curve(const curve *k, text *data)
{
    text_addf(data, "{\"panel\":%zu,\"colour\":\"%s\",\"label\":", k->panel,
              colour[k->colour % COLOURS]);
    markup_json(data, k->label);
    text_add(data, ",\"points\":[");
    for (int64_t i = 0; i < k->points; i++) {
        text_add(data, i ? ",[" : "[");
        add_numbers(&k->point[i], markup_json_number, data);
        text_add(data, "]");
    }
    text_add(data, "]}");
}

static void write_data(const curves *c, const layout *l, text *data)
{
    text_addf(data, "{\"kind\":\"curves\",\"width\":%.0f,\"height\":%.0f,\"xTitle\":", l->width,
              l->height);
    markup_json(data, c->x_title);
    text_add(data, ",\"yTitle\":");
    markup_json(data, c->y_title);
    if (c->grey) {
        text_add(data, ",\"grey\":");
        markup_json(data, c->grey);
    }
    text_add(data, ",\n\"panels\":[");
    add_panels(c, l, data);
    text_add(data, "],\n\"curves\":[");
    for (size_t i = 0; i < c->n; i++) {
        text_add(data, i ? ",\n" : "");
        add_curve(&c->curve[i], data);
    }
    text_add(data, "]}");
}

void curves_write(const curves *c, picture *out)
{
    text *script = &out->script;
    layout l = lay_out(c, out->columns);
    const size_t lines = count_key_lines(c, &l);
    l.height += (double)lines * KEY_LINE + 6;
    gnuplot_begin(out, l.width, l.height);
    text_addf(script, "set xrange [%g:%g]\nset tics font ',10' scale 0.5\nunset key\n", c->x_low,
              c->x_high);
    text_add(script, "set grid lw 0.5 lc rgb '#dddddd'\nset xtics nomirror\nset ytics nomirror\n"
                     "set border 3 lw 0.8\n");
    if (c->x_step > 0)
        text_addf(script, "set xtics %g\n", c->x_step);
    text_add(script, "set xlabel ");
    markup_gnuplot(script, c->x_title);
    text_add(script, " noenhanced font ',11' offset 0,0.4\nset ylabel ");
    markup_gnuplot(script, c->y_title);
    text_add(script, " noenhanced font ',11' offset 1.6,0\n");
    for (size_t p = 0; p < c->panels; p++) {
        if (p == 0)
            write_key(c, &l, lines, script);
        write_panel(c, &l, p, script);
        if (p == 0)
            text_add(script, "unset label\nunset arrow\n");
    }
    gnuplot_end(script);
    write_csv(c, &out->csv);
    write_data(c, &l, &out->data);
}
