// SPDX-License-Identifier: Apache-2.0
// Sizes are in CSS pixels and follow from the number of cells and the length of names; gnuplot gets
// them as shares of the screen. Cells are boxes over a grey ground: what has no value is not drawn,
// and a frame is one more box.
#include "stages/report/heatmap.h"

#include <math.h>
#include <stdlib.h>

#include "stages/report/gnuplot.h"
#include "stages/report/markup.h"

// Lightness falls evenly along each, and neither relies on telling red from green.
static const char *const palette[] = {
    [PALETTE_LOSS] = "0 '#08306b', 1 '#08519c', 2 '#2171b5', 3 '#4292c6', 4 '#6baed6', "
                     "5 '#9ecae1', 6 '#c6dbef', 7 '#deebf7', 8 '#f7fbff'",
    [PALETTE_SHARE] = "0 '#fffdf5', 1 '#fff0cf', 2 '#fdd49e', 3 '#fdbb84', 4 '#fc8d59', "
                      "5 '#ef6548', 6 '#d7301f', 7 '#b30000', 8 '#7f0000'",
};

// In CSS pixels. A name's character is about 6.4 wide in the font's size 10.
typedef struct layout {
    double cell, font;         // side of a cell, size of the numbers in it
    double left, gap_x, gap_y; // room for row names; between panels
    double top, bottom;        // room for the panel's title; for column names
    double width, height;      // of the figure
} layout;

#define YTICS "set ytics scale 0 noenhanced font ',10'\n"

enum { NAME_WIDTH = 7, BAR_ROOM = 128, BAR_WIDTH = 16 };

static double longest_name(char *const *name, int64_t n)
{
    size_t most = 0;
    for (int64_t i = 0; i < n; i++)
        if (markup_width(name[i]) > most)
            most = markup_width(name[i]);
    return (double)most;
}

static layout lay_out(const heatmap *h)
{
    double across = (double)h->across, down = ceil((double)h->panels / across);
    layout l = {.cell = h->columns <= 8 ? 44 : h->columns <= 14 ? 34 : 27, .gap_x = 28, .top = 36};
    l.font = l.cell > 30 ? 11 : 9;
    l.left = 44 + NAME_WIDTH * longest_name(h->row_name, h->rows);
    l.bottom = 52 + 0.72 * NAME_WIDTH * longest_name(h->column_name, h->columns);
    // A slanted name reaches to the left of its tick: the first ones into the room of the row
    // names.
    if (l.left < l.bottom - 20)
        l.left = l.bottom - 20;
    l.gap_y = l.bottom + l.top;
    l.width = l.left + across * (double)h->columns * l.cell + (across - 1) * l.gap_x + BAR_ROOM;
    l.height = l.top + down * (double)h->rows * l.cell + (down - 1) * l.gap_y + l.bottom;
    return l;
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
    text_addf(script,
              "set palette defined (%s)\nset cbrange [%g:%g]\nunset key\n"
              "set xrange [0.5:%lld.5]\nset yrange [%lld.5:0.5]\nset tics font ',10'\n"
              "set xtics rotate by 45 right scale 0 offset 0,0.2 noenhanced\n"
              "set object 1 rectangle from graph 0,0 to graph 1,1 behind fs solid noborder "
              "fc rgb '#d4d4d4'\n", // where a cell has no value
              palette[h->palette], h->low, h->high, (long long)h->columns, (long long)h->rows);
    write_tics(script, "x", h->column_name, h->columns);
    text_add(script, "set cblabel ");
    markup_gnuplot(script, h->scale_title);
    text_addf(script,
              " noenhanced font ',11' offset 0.5,0\nset cbtics font ',10' scale 0.4\n"
              "set colorbox user origin %.6f,%.6f size %.6f,%.6f\n",
              (l->width - BAR_ROOM + 22) / l->width,
              1 - (l->top + fmin((double)h->rows * l->cell, 420)) / l->height, BAR_WIDTH / l->width,
              fmin((double)h->rows * l->cell, 420) / l->height);
}

// Columns of the CSV: 1 panel, 2 row, 3 column, 4 own, 5 value.
static void write_panel(const heatmap *h, const layout *l, size_t at, text *script)
{
    double width = (double)h->columns * l->cell, height = (double)h->rows * l->cell;
    double left = l->left + (double)(at % h->across) * (width + l->gap_x);
    double top = l->top + (double)(at / h->across) * (height + l->gap_y);
    // Text is white on the dark end of the scale.
    double border = h->low + (h->palette == PALETTE_LOSS ? 0.5 : 0.55) * (h->high - h->low);
    const char *dark = h->palette == PALETTE_LOSS ? "<" : ">=";
    gnuplot_place(script, l->width, l->height, left, top, left + width, top + height);
    text_add(script, "set title ");
    markup_gnuplot(script, h->panel[at].title);
    text_add(script, " noenhanced font ',12' offset 0,-0.4\n");
    if (at % h->across == 0) {
        write_tics(script, "y", h->row_name, h->rows);
        text_add(script, YTICS); // which `unset` has reset
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
              (left + width / 2) / l->width, 1 - (top + height + l->bottom - 12) / l->height);
    text_add(script, at + 1 == h->panels ? "set colorbox\n" : "unset colorbox\n");
    text_addf(script,
              "mine = %zu\nheld(r) = column(1) == mine ? r : NaN\n"
              "clip(v) = v < %g ? %g : v > %g ? %g : v\n"
              "plot data skip 1 using ($5 == $5 ? held($3) : NaN):2:(0.49):(0.49):(clip($5)) with "
              "boxxyerror "
              "fs solid noborder lc palette, \\\n"
              "  '' skip 1 using ($4 == 1 ? held($3) : NaN):2:(0.47):(0.47) with boxxyerror "
              "fs empty border lc rgb '#e66100' lw 2 lc rgb '#e66100', \\\n"
              "  '' skip 1 using ($5 %s %g ? held($3) : NaN):2:(sprintf('%%.0f',$5)) with labels "
              "font ',%.0f' tc rgb '#ffffff', \\\n"
              "  '' skip 1 using ($5 %s %g ? NaN : held($3)):2:(sprintf('%%.0f',$5)) with labels "
              "font ',%.0f' tc rgb '#1a1a1a'\n",
              at + 1, h->low, h->low, h->high, h->high, dark, border, l->font, dark, border,
              l->font);
}

static void write_csv(const heatmap *h, text *csv)
{
    text_addf(csv, "panel,row_index,column_index,own,%s,panel_title,%s,%s\n", h->value_field,
              h->row_field, h->column_field);
    for (size_t p = 0; p < h->panels; p++)
        for (int64_t i = 0; i < h->rows * h->columns; i++) {
            int64_t row = i / h->columns, column = i % h->columns;
            text_addf(csv, "%zu,%lld,%lld,%d,", p + 1, (long long)row + 1, (long long)column + 1,
                      h->own ? h->own[i] : 0);
            markup_csv_number(csv, h->panel[p].value[i]);
            text_add(csv, ",");
            markup_csv(csv, h->panel[p].title);
            text_add(csv, ",");
            markup_csv(csv, h->row_name[row]);
            text_add(csv, ",");
            markup_csv(csv, h->column_name[column]);
            text_add(csv, "\n");
        }
}

void heatmap_free_panels(heatmap_panel *list, size_t n)
{
    for (size_t i = 0; list && i < n; i++) {
        free(list[i].title);
        free(list[i].value);
    }
    free(list);
}

void heatmap_write(const heatmap *h, const char *stem, text *script, text *csv)
{
    layout l = lay_out(h);
    gnuplot_begin(script, stem, l.width, l.height);
    write_style(h, &l, script);
    for (size_t p = 0; p < h->panels; p++)
        write_panel(h, &l, p, script);
    gnuplot_end(script);
    write_csv(h, csv);
}
