// SPDX-License-Identifier: Apache-2.0
// Sizes are in CSS pixels and follow from the number of cells and the length of names; gnuplot gets
// them as shares of the screen. Cells are boxes over a grey ground: what has no value is not drawn,
// and a frame is one more box.
#include "stages/drawing/heatmap.h"

#include <math.h>
#include <stdlib.h>

#include "stages/drawing/gnuplot.h"
#include "stages/drawing/markup.h"

// Lightness falls evenly along each, and neither relies on telling red from green.
enum { SHADES = 9 };
static const char *const palette[][SHADES] = {
    [PALETTE_LOSS] = {"#08306b", "#08519c", "#2171b5", "#4292c6", "#6baed6", "#9ecae1", "#c6dbef",
                      "#deebf7", "#f7fbff"},
    [PALETTE_SHARE] = {"#fffdf5", "#fff0cf", "#fdd49e", "#fdbb84", "#fc8d59", "#ef6548", "#d7301f",
                       "#b30000", "#7f0000"},
};

// In CSS pixels. A name's character is about 6.4 wide in the font's size 10.
typedef struct layout {
    double cell, font;         // side of a cell, size of the numbers in it
    bool many;                 // cells are an image
    double tic;                // size of the names
    size_t title_width;        // characters of a line of a title
    double left, gap_x, gap_y; // room for row names; between panels
    double top, bottom;        // room for the panel's title; for column names
    double bar;                // room for the colour bar
    double width, height;      // of the figure
} layout;

enum {
    MANY = 40,
    BAR_WIDTH = 16,
    BAR_HEIGHT = 420,
    BAR_LEAST = 96,
    BAR_GAP = 14,
    TITLE_LINE = 16,
    CHARACTER = 7
};

static double longest_name(char *const *name, int64_t n)
{
    size_t most = 0;
    for (int64_t i = 0; i < n; i++)
        if (markup_width(name[i]) > most)
            most = markup_width(name[i]);
    return (double)most;
}

static double bar_height(const heatmap *h, const layout *l)
{
    return fmax(fmin((double)h->rows * l->cell, BAR_HEIGHT), BAR_LEAST);
}

// Characters of a line beside the bar.
static size_t bar_characters(const heatmap *h, const layout *l)
{
    return (size_t)fmax(bar_height(h, l) / 6.6, 10);
}

static layout lay_out(const heatmap *h)
{
    double across = (double)h->across, down = ceil((double)h->panels / across);
    const int64_t most = h->columns > h->rows ? h->columns : h->rows;
    layout l = {.cell = most <= 8 ? 44 : most <= 14 ? 34 : most <= MANY ? 27 : 12};
    l.many = most > MANY;
    l.font = l.cell > 30 ? 11 : 9;
    l.tic = l.many ? 9 : 10;
    const double letter = 0.68 * l.tic, panel = (double)h->columns * l.cell;
    // A panel's title may reach into the gap beside it, and small panels keep a distance for it.
    l.gap_x = fmax(28, 150 - panel);
    l.title_width = (size_t)((panel + l.gap_x - 12) / CHARACTER);
    size_t lines = 1;
    for (size_t p = 0; p < h->panels; p++)
        lines = markup_lines(h->panel[p].title, l.title_width) > lines
                    ? markup_lines(h->panel[p].title, l.title_width)
                    : lines;
    l.top = 16 + TITLE_LINE * (double)lines;
    l.left = 40 + letter * longest_name(h->row_name, h->rows);
    l.bottom = 32 + (l.many ? 1.0 : 0.74) * letter * longest_name(h->column_name, h->columns);
    // A slanted name reaches to the left of its tick: the first ones into the room of the row
    // names.
    l.left = l.many ? l.left : fmax(l.left, l.bottom - 20);
    l.gap_y = l.bottom + l.top;
    l.bar = 76 + TITLE_LINE * (double)markup_lines(h->scale_title, bar_characters(h, &l));
    l.width = l.left + across * panel + (across - 1) * l.gap_x + l.bar;
    l.height = l.top + down * (double)h->rows * l.cell + (down - 1) * l.gap_y + l.bottom;
    l.height = fmax(l.height, l.top + bar_height(h, &l) + 12);
    return l;
}

// Where a panel's cells begin.
static double panel_left(const heatmap *h, const layout *l, size_t at)
{
    return l->left + (double)(at % h->across) * ((double)h->columns * l->cell + l->gap_x);
}

static double panel_top(const heatmap *h, const layout *l, size_t at)
{
    return l->top + (double)(at / h->across) * ((double)h->rows * l->cell + l->gap_y);
}

static void write_tics(text *script, const char *axis, char *const *name, int64_t n)
{
    text_addf(script, "set %stics (", axis);
    for (int64_t i = 0; i < n; i++) {
        text_add(script, i ? ", " : "");
        markup_gnuplot_tic(script, name[i]);
        text_addf(script, " %lld", (long long)i + 1);
    }
    text_add(script, ")\n");
}

static void write_style(const heatmap *h, const layout *l, text *script)
{
    text_add(script, "set palette defined (");
    for (int i = 0; i < SHADES; i++)
        text_addf(script, "%s%d '%s'", i ? ", " : "", i, palette[h->palette][i]);
    text_addf(script,
              ")\nset cbrange [%g:%g]\nunset key\n"
              "set xrange [0.5:%lld.5]\nset yrange [%lld.5:0.5]\nset tics font ',%g'\n"
              "set xtics rotate by %d right scale 0 offset 0,0.2 noenhanced\n"
              "set object 1 rectangle from graph 0,0 to graph 1,1 behind fs solid noborder "
              "fc rgb '#d4d4d4'\n", // where a cell has no value
              h->low, h->high, (long long)h->columns, (long long)h->rows, l->tic,
              l->many ? 90 : 45);
    write_tics(script, "x", h->column_name, h->columns);
    text_add(script, "set cblabel ");
    markup_gnuplot_wrapped(script, h->scale_title, bar_characters(h, l));
    text_add(script, " noenhanced font ',11' offset 0.5,0\nset cbtics font ',10' scale 0.4\n");
    if (bar_height(h, l) < 2 * BAR_LEAST) // or the ticks of some scales would touch
        text_addf(script, "set cbtics ('%.3g' %g, '%.3g' %g, '%.3g' %g)\n", h->low, h->low,
                  (h->low + h->high) / 2, (h->low + h->high) / 2, h->high, h->high);
}

// The numbers of a panel's cells on one side of a value. gnuplot 5.4 crashes where none of them is
// in a file of one cell.
static void write_numbers(const heatmap *h, const layout *l, size_t at, bool below, double border,
                          bool white, text *script)
{
    bool any = false;
    for (int64_t i = 0; i < h->rows * h->columns; i++) {
        const double v = h->panel[at].value[i];
        any |= below ? v < border : v >= border;
    }
    if (any)
        text_addf(script,
                  ", \\\n  '' skip 1 using ($5 %s %g ? held($3) : NaN):2:(sprintf('%%.%df',$5)) "
                  "with labels font ',%.0f' tc rgb '#%s'",
                  below ? "<" : ">=", border, h->digits, l->font, white ? "ffffff" : "1a1a1a");
}

// Columns of the CSV: 1 panel, 2 row, 3 column, 4 own, 5 value, 6 missed.
static void write_cells(const heatmap *h, const layout *l, size_t at, text *script)
{
    // Text is white on the dark end of the scale.
    double border = h->low + (h->palette == PALETTE_SHARE ? 0.55 : 0.5) * (h->high - h->low);
    const bool dark = h->palette == PALETTE_LOSS; // below it
    text_addf(script,
              "mine = %zu\nheld(r) = column(1) == mine ? r : NaN\n"
              "clip(v) = v < %g ? %g : v > %g ? %g : v\n",
              at + 1, h->low, h->low, h->high, h->high);
    if (l->many)
        text_addf(script,
                  "plot data skip 1 every ::%lld::%lld using 3:2:($5 == $5 ? clip($5) : NaN) with "
                  "image",
                  (long long)((int64_t)at * h->rows * h->columns),
                  (long long)((int64_t)(at + 1) * h->rows * h->columns - 1));
    else
        text_add(script, "plot data skip 1 using ($5 == $5 ? held($3) : NaN):2:(0.49):(0.49):"
                         "(clip($5)) with boxxyerror fs solid noborder lc palette");
    if (h->panel[at].missed)
        text_add(script, ", \\\n  '' skip 1 using ($6 == 1 ? held($3) : NaN):2:(0.49):(0.49) with "
                         "boxxyerror fs transparent pattern 4 noborder lc rgb '#8a8a8a'");
    text_addf(script,
              ", \\\n  '' skip 1 using ($4 == 1 ? held($3) : NaN):2:(0.47):(0.47) with boxxyerror "
              "fs empty border lc rgb '#e66100' lw %g lc rgb '#e66100'",
              l->many ? 1.0 : 2.0);
    for (int below = 0; !l->many && below < 2; below++)
        write_numbers(h, l, at, below, border, dark == below, script);
    text_add(script, "\n");
}

static void write_panel(const heatmap *h, const layout *l, size_t at, text *script)
{
    double width = (double)h->columns * l->cell, height = (double)h->rows * l->cell;
    double left = panel_left(h, l, at), top = panel_top(h, l, at);
    gnuplot_place(script, l->width, l->height, left, top, left + width, top + height);
    text_add(script, "set title ");
    markup_gnuplot_wrapped(script, h->panel[at].title, l->title_width);
    text_add(script, " noenhanced font ',12' offset 0,-0.4\n");
    if (at % h->across == 0) {
        write_tics(script, "y", h->row_name, h->rows);
        text_addf(script, "set ytics scale 0 noenhanced font ',%g'\n", l->tic); // `unset` has reset
        text_addf(script, "set label 1 ");
        markup_gnuplot(script, h->row_title);
        text_addf(script, " at screen %.6f,%.6f rotate center noenhanced font ',11'\n",
                  14 / l->width, 1 - (top + height / 2) / l->height);
    } else {
        text_add(script, "unset ytics\nunset label 1\n");
    }
    text_add(script, "set label 2 ");
    markup_gnuplot(script, h->column_title);
    text_addf(script, " at screen %.6f,%.6f center noenhanced font ',11'\n",
              (left + width / 2) / l->width, 1 - (top + height + l->bottom - 9) / l->height);
    if (at + 1 == h->panels) // (a plain `set colorbox` would put it elsewhere)
        text_addf(script, "set colorbox user origin %.6f,%.6f size %.6f,%.6f\n",
                  (l->width - l->bar + BAR_GAP) / l->width,
                  1 - (l->top + bar_height(h, l)) / l->height, BAR_WIDTH / l->width,
                  bar_height(h, l) / l->height);
    else
        text_add(script, "unset colorbox\n");
    write_cells(h, l, at, script);
}

static void write_csv(const heatmap *h, text *csv)
{
    text_addf(csv, "panel,row_index,column_index,own,%s,missed,panel_title,%s,%s\n", h->value_field,
              h->row_field, h->column_field);
    for (size_t p = 0; p < h->panels; p++)
        for (int64_t i = 0; i < h->rows * h->columns; i++) {
            int64_t row = i / h->columns, column = i % h->columns;
            text_addf(csv, "%zu,%lld,%lld,%d,", p + 1, (long long)row + 1, (long long)column + 1,
                      h->own ? h->own[i] : 0);
            markup_csv_number(csv, h->panel[p].value[i]);
            text_addf(csv, ",%d,", h->panel[p].missed ? h->panel[p].missed[column] : 0);
            markup_csv(csv, h->panel[p].title);
            text_add(csv, ",");
            markup_csv(csv, h->row_name[row]);
            text_add(csv, ",");
            markup_csv(csv, h->column_name[column]);
            text_add(csv, "\n");
        }
}

// --- For the page

static void add_names(text *data, const char *field, char *const *name, int64_t n)
{
    text_addf(data, "\"%s\":[", field);
    for (int64_t i = 0; i < n; i++) {
        text_add(data, i ? "," : "");
        markup_json(data, name[i]);
    }
    text_add(data, "],\n");
}

static void add_reals(text *data, const char *field, const double *value, int64_t n)
{
    if (!value)
        return;
    text_addf(data, ",\n\"%s\":[", field);
    for (int64_t i = 0; i < n; i++) {
        text_add(data, i ? "," : "");
        markup_json_number(data, value[i]);
    }
    text_add(data, "]");
}

static void add_flags(text *data, const char *field, const uint8_t *flag, int64_t n)
{
    const char *between = "";
    if (!flag)
        return;
    text_addf(data, ",\n\"%s\":[", field);
    for (int64_t i = 0; i < n; i++)
        if (flag[i]) {
            text_addf(data, "%s%lld", between, (long long)i);
            between = ",";
        }
    text_add(data, "]");
}

static void add_word(text *data, const char *field, const char *word)
{
    text_addf(data, "\"%s\":", field);
    markup_json(data, word);
    text_add(data, ",");
}

static void write_data(const heatmap *h, const layout *l, text *data)
{
    const int64_t cells = h->rows * h->columns;
    text_addf(data, "{\"kind\":\"map\",\"width\":%.0f,\"height\":%.0f,\"cell\":%g,\"low\":%g,",
              l->width, l->height, l->cell, h->low);
    text_addf(data, "\"high\":%g,\"dark\":\"%s\",", h->high,
              h->palette == PALETTE_LOSS ? "low" : "high");
    text_addf(data, "\"digits\":%d,", h->digits);
    text_addf(data, "\"below\":%g,\"slant\":%d,", l->bottom, l->many ? 90 : 45);
    text_addf(data, "\"bar\":[%g,%g,%d,%g],", l->width - l->bar + BAR_GAP, l->top, BAR_WIDTH,
              bar_height(h, l));
    add_word(data, "rowTitle", h->row_title);
    add_word(data, "columnTitle", h->column_title);
    add_word(data, "scale", h->scale_title);
    text_add(data, "\"palette\":[");
    for (int i = 0; i < SHADES; i++)
        text_addf(data, "%s\"%s\"", i ? "," : "", palette[h->palette][i]);
    text_add(data, "],\n");
    add_names(data, "rows", h->row_name, h->rows);
    add_names(data, "columns", h->column_name, h->columns);
    text_add(data, "\"panels\":[");
    for (size_t p = 0; p < h->panels; p++) {
        const heatmap_panel *k = &h->panel[p];
        text_add(data, p ? ",{" : "{");
        add_word(data, "title", k->title);
        add_word(data, "task", k->task ? k->task : "");
        text_addf(data, "\"box\":[%g,%g]", panel_left(h, l, p), panel_top(h, l, p));
        add_reals(data, "value", k->value, cells);
        add_reals(data, "lowEnd", k->low, cells);
        add_reals(data, "highEnd", k->high, cells);
        add_reals(data, "p", k->p, cells);
        add_reals(data, "n", k->n, h->rows);
        add_flags(data, "missed", k->missed, h->columns);
        text_add(data, "}\n");
    }
    text_add(data, "]");
    add_flags(data, "own", h->own, cells);
    text_add(data, "}");
}

void heatmap_free_panels(heatmap_panel *list, size_t n)
{
    for (size_t i = 0; list && i < n; i++) {
        free(list[i].title);
        free(list[i].value);
        free(list[i].low);
        free(list[i].high);
        free(list[i].p);
        free(list[i].n);
        free(list[i].missed);
    }
    free(list);
}

void heatmap_write(const heatmap *asked, picture *out)
{
    heatmap h = *asked;
    // One below the other where a line of them would be wider than a screen, or is to fit a column.
    if (out->columns == 1 || h.columns > MANY)
        h.across = 1;
    layout l = lay_out(&h);
    gnuplot_begin(out, l.width, l.height);
    write_style(&h, &l, &out->script);
    for (size_t p = 0; p < h.panels; p++)
        write_panel(&h, &l, p, &out->script);
    gnuplot_end(&out->script);
    write_csv(&h, &out->csv);
    write_data(&h, &l, &out->data);
}
