// SPDX-License-Identifier: Apache-2.0
// Names of rows, which may be long, stand left of the first panel of a line and are drawn by hand, as
// is the key: gnuplot would give each panel its own, and not wrap them.
#include "stages/drawing/dots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stages/drawing/gnuplot.h"
#include "stages/drawing/markup.h"

// In CSS pixels.
enum {
    PANEL_WIDTH = 290,
    GAP_X = 34,
    BOTTOM = 50, // tics and the axis's title
    LINE = 15,
    KEY_LINE = 19,
    NAME_WIDTH = 34,               // characters of a line of a row's name
    TITLE_WIDTH = PANEL_WIDTH / 7, // of a panel's title
    NOTE_WIDTH = 66,
};

typedef struct layout {
    size_t across;
    double left, row, width, height, top, down; // top: above a panel; down: from line to line
    size_t key_width, key_lines;                // characters of a line of the key; lines
} layout;

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static layout lay_out(const dots *d, int columns)
{
    layout l = {.across = columns == 1 || d->panels < d->across ? 1 : d->across};
    size_t names = 1, wide = 4, titles = 1;
    for (int64_t r = 0; r < d->rows; r++) {
        const size_t width = markup_width(d->row_name[r]);
        names = most(names, markup_lines(d->row_name[r], NAME_WIDTH));
        wide = most(wide, width < NAME_WIDTH ? width : NAME_WIDTH);
    }
    for (size_t p = 0; p < d->panels; p++)
        titles = most(titles, markup_lines(d->panel_title[p], TITLE_WIDTH));
    const double across = (double)l.across, lines = ceil((double)d->panels / across);
    l.left = 22 + 7.2 * (double)wide;
    l.row = 9 + LINE * (double)names;
    l.top = 16 + LINE * (double)titles;
    l.down = l.row * (double)d->rows + BOTTOM + l.top;
    l.width = l.left + across * PANEL_WIDTH + (across - 1) * GAP_X + NOTE_WIDTH;
    l.key_width = (size_t)((l.width - 24) / 6.6);
    for (size_t k = 0; d->key[k]; k++)
        l.key_lines += markup_lines(d->key[k], l.key_width);
    l.height = lines * l.down + (double)l.key_lines * KEY_LINE + 8;
    return l;
}

static double panel_left(const layout *l, size_t panel)
{
    return l->left + (double)(panel % l->across) * (PANEL_WIDTH + GAP_X);
}

static double panel_top(const layout *l, size_t panel)
{
    return l->top + (double)(panel / l->across) * l->down;
}

// The least and the most of a panel, 0 included.
static void find_extremes(const dots *d, size_t panel, double *least, double *most)
{
    for (int64_t r = 0; r < d->rows; r++) {
        const dots_mean *m = &d->mean[(int64_t)panel * d->rows + r];
        *least = fmin(*least, fmin(m->value, m->low)); // NaN gives way
        *most = fmax(*most, fmax(m->value, m->high));
    }
    for (size_t i = 0; i < d->n; i++)
        if (d->value[i].panel == panel) {
            *least = fmin(*least, d->value[i].value);
            *most = fmax(*most, d->value[i].value);
        }
}

// The ends of a panel's axis: round numbers around all that it shows.
static void find_ends(const dots *d, size_t panel, double *low, double *high)
{
    double least = 0, largest = 0;
    for (size_t p = 0; p < d->panels; p++)
        if (p == panel || d->common)
            find_extremes(d, p, &least, &largest);
    if (largest <= least)
        largest = least + 1;
    const double step = pow(10, floor(log10(largest - least))) / 2;
    *low = floor(least / step + 1e-9) * step;
    *high = ceil(largest / step - 1e-9) * step;
}

// A line of words at a place in pixels.
static void put_words(const layout *l, const char *words, double x, double y, const char *how,
                      text *script)
{
    text_add(script, "set label ");
    markup_gnuplot_lines(script, words);
    text_addf(script, " at screen %.6f,%.6f %s noenhanced font ',11'\n", x / l->width,
              1 - y / l->height, how);
}

// The names of the rows left of a line of panels, and the notes right of it.
static void write_names(const dots *d, const layout *l, size_t panel, text *script)
{
    const double top = panel_top(l, panel);
    const size_t ends = panel / l->across * l->across + l->across;
    const size_t last = (ends < d->panels ? ends : d->panels) - 1;
    const double right = panel_left(l, last) + PANEL_WIDTH + 8;
    if (d->note_title)
        put_words(l, d->note_title, right, top - 12, "left", script);
    for (int64_t r = 0; r < d->rows; r++) {
        text name = {0};
        const size_t lines = markup_wrap(&name, d->row_name[r], NAME_WIDTH);
        const double middle = top + l->row * ((double)r + 0.5);
        const char *note = d->mean[(int64_t)panel * d->rows + r].note;
        put_words(l, text_get(&name), l->left - 10, middle - LINE * ((double)lines - 1) / 2,
                  "right", script);
        if (note)
            put_words(l, note, right, middle, "left", script);
        script->failed |= name.failed;
        text_free(&name);
    }
}

static void write_key(const dots *d, const layout *l, text *script)
{
    double y = l->height - (double)l->key_lines * KEY_LINE + KEY_LINE / 2.0 - 6;
    for (size_t k = 0; d->key[k]; k++) {
        text words = {0};
        markup_wrap(&words, d->key[k], l->key_width);
        for (char *line = words.at, *next; line; line = next, y += KEY_LINE) {
            if ((next = strchr(line, '\n')))
                *next++ = 0;
            put_words(l, line, 12, y, "left", script);
        }
        script->failed |= words.failed;
        text_free(&words);
    }
}

// Columns of the CSV: 1 panel, 2 row, 3 what, 4 value, 5 low, 6 high.
static void write_panel(const dots *d, const layout *l, size_t panel, text *script)
{
    const double left = panel_left(l, panel), top = panel_top(l, panel);
    double low, high;
    find_ends(d, panel, &low, &high);
    gnuplot_place(script, l->width, l->height, left, top, left + PANEL_WIDTH,
                  top + l->row * (double)d->rows);
    if (panel % l->across == 0)
        write_names(d, l, panel, script);
    text_add(script, "set title ");
    markup_gnuplot_wrapped(script, d->panel_title[panel], TITLE_WIDTH);
    text_add(script, " noenhanced font ',12' offset 0,-0.4\nset xlabel ");
    markup_gnuplot(script, d->x_title[panel]);
    text_addf(script, " noenhanced font ',11' offset 0,0.3\nset xrange [%g:%g]\n", low, high);
    text_addf(
        script,
        "is(p, w) = p == %zu && strcol(3) eq w\n"
        "plot data skip 1 using (is($1, 'mean') ? $5 : NaN):2:($6-$5):(0) with vectors nohead "
        "lw 7 lc rgb '#b9d0e6' notitle, \\\n"
        "  data skip 1 using (is($1, 'value') ? $4 : NaN):2 with points pt 6 ps 0.5 lw 1.2 "
        "lc rgb '#0b4f8a' notitle, \\\n"
        "  data skip 1 using (is($1, 'missed') ? $4 : NaN):2 with points pt 2 ps 0.55 lw 1.2 "
        "lc rgb '#9a9a9a' notitle, \\\n"
        "  data skip 1 using (is($1, 'mean') ? $4 : NaN):2 with points pt 7 ps 1 "
        "lc rgb '#d55e00' notitle\nunset label\n",
        panel + 1);
}

static void write_csv(const dots *d, text *csv)
{
    text_addf(csv, "panel,row,what,value,low,high,panel_title,%s,name\n", d->row_field);
    for (size_t i = 0; i < d->panels * (size_t)d->rows + d->n; i++) {
        const bool mean = i < d->panels * (size_t)d->rows;
        const dots_value *v = mean ? NULL : &d->value[i - d->panels * (size_t)d->rows];
        const size_t panel = mean ? i / (size_t)d->rows : v->panel;
        const int64_t row = mean ? (int64_t)i % d->rows : v->row;
        const double number[] = {mean ? d->mean[i].value : v->value, mean ? d->mean[i].low : NAN,
                                 mean ? d->mean[i].high : NAN};
        text_addf(csv, "%zu,%lld,%s,", panel + 1, (long long)row + 1,
                  mean        ? "mean"
                  : v->missed ? "missed"
                              : "value");
        for (int k = 0; k < 3; k++) {
            markup_csv_number(csv, number[k]);
            text_add(csv, ",");
        }
        markup_csv(csv, d->panel_title[panel]);
        text_add(csv, ",");
        markup_csv(csv, d->row_name[row]);
        text_add(csv, ",");
        markup_csv(csv, mean ? "" : v->name);
        text_add(csv, "\n");
    }
}

// --- For the page

static void add_panels(const dots *d, const layout *l, text *data)
{
    for (size_t p = 0; p < d->panels; p++) {
        double low, high;
        find_ends(d, p, &low, &high);
        text_add(data, p ? ",\n{\"title\":" : "{\"title\":");
        markup_json(data, d->panel_title[p]);
        text_add(data, ",\"xTitle\":");
        markup_json(data, d->x_title[p]);
        text_addf(data, ",\"box\":[%g,%g,%d,%g],\"x\":[%g,%g],\"means\":[", panel_left(l, p),
                  panel_top(l, p), PANEL_WIDTH, l->row * (double)d->rows, low, high);
        for (int64_t r = 0; r < d->rows; r++) {
            const dots_mean *m = &d->mean[(int64_t)p * d->rows + r];
            const double number[] = {m->value, m->low, m->high};
            for (int k = 0; k < 3; k++) {
                text_add(data, k ? "," : r ? ",[" : "[");
                markup_json_number(data, number[k]);
            }
            text_add(data, "]");
        }
        text_add(data, "]}");
    }
}

static void write_data(const dots *d, const layout *l, text *data)
{
    text_addf(data, "{\"kind\":\"dots\",\"width\":%.0f,\"height\":%.0f,\"rowTitle\":", l->width,
              l->height);
    markup_json(data, d->row_field);
    text_add(data, ",\"rows\":[");
    for (int64_t r = 0; r < d->rows; r++) {
        text_add(data, r ? "," : "");
        markup_json(data, d->row_name[r]);
    }
    text_add(data, "],\n\"panels\":[");
    add_panels(d, l, data);
    text_add(data, "],\n\"values\":[");
    for (size_t i = 0; i < d->n; i++) {
        const dots_value *v = &d->value[i];
        text_addf(data, "%s[%zu,%lld,", i ? "," : "", v->panel, (long long)v->row);
        markup_json_number(data, v->value);
        text_addf(data, ",%d,", v->missed);
        markup_json(data, v->name);
        text_add(data, "]");
    }
    text_add(data, "]}");
}

void dots_write(const dots *d, picture *out)
{
    text *script = &out->script;
    const layout l = lay_out(d, out->columns);
    gnuplot_begin(out, l.width, l.height);
    text_addf(script,
              "set yrange [%g:0.5]\nunset ytics\nset xtics nomirror font ',10' scale 0.5\n"
              "unset key\nset grid x lw 0.5 lc rgb '#dddddd'\nset border 1 lw 0.8\n"
              "set arrow from first 0,graph 0 to first 0,graph 1 nohead lw 0.8 lc rgb '#6b6b6b'\n",
              (double)d->rows + 0.5);
    write_key(d, &l, script);
    for (size_t p = 0; p < d->panels; p++)
        write_panel(d, &l, p, script);
    gnuplot_end(script);
    write_csv(d, &out->csv);
    write_data(d, &l, &out->data);
}
