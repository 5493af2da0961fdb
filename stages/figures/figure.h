// SPDX-License-Identifier: Apache-2.0
// A figure of the report: a const descriptor that says which tasks it draws, and what a drawing
// function (figure_prune.h, figure_overlap.h, figure_growth.h, figure_clusters.h) makes of them.
// The list of figures is in figures.c.
#ifndef STAGES_FIGURES_FIGURE_H
#define STAGES_FIGURES_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"
#include "pipeline/report.h"
#include "stages/drawing/picture.h"

typedef struct figure_def figure_def;

// A figure to draw, then what the page needs of it.
typedef struct figure {
    const figure_def *def;
    const report_input *in;   // borrowed
    const report_task **task; // finished tasks, in pipeline order. Owned
    size_t n;
    picture picture; // its stem is owned
    text caption, numbers,
        table; // HTML: how to read it; a line for the key numbers; rows behind <details>, or ""
} figure;

// Fills the picture, caption, numbers and table from the tasks' artefacts. ERR_INPUT when one
// cannot be read.
typedef status figure_draw(figure *f);

struct figure_def {
    const char *stem, *title;
    const char *stage;    // of the tasks; NULL: a figure that a stage's descriptor asks for
    const char *modality; // "image" or "text"
    const char *with;     // a variable their artefacts have
    const char *without;  // one they have not, or NULL
    const char *axes; // swept axes that stand within one figure: "|model|drop|"; each other one has
                      // figures of its own
    bool by_step;     // one figure for each step; else steps share it
    int fractions; // +1: rather of tasks with many shares of neurons, a curve; -1: with few; 0: any
    figure_draw *draw;
};

// What a subset is: "class" of images, "text domain" of text; and more than one of them.
const char *figure_subset_word(const figure *f);
const char *figure_subset_words(const figure *f);

// Is it asked for by a stage's descriptor? Then each task has one.
bool figure_is_own(const figure *f);

// What the page heads it with, and what it takes turns with. Borrowed.
const char *figure_title(const figure *f);
const char *figure_group(const figure *f);

// What a task is about, in a legend: its model's name where it has one, else its label. Borrowed.
const char *figure_task_name(const report_task *t);
// "more than", "about" or "less than": where a value lies beside what chance gives. Borrowed.
const char *figure_beside_chance(double value, double chance);
// Adds ", between 2.0 and 4.6% by folds" to a sentence about the mean overlap of `percent` of the
// neurons, where it has an interval; and what the stability of its sets is. ERR_INPUT when the
// artefact cannot be read.
status figure_add_folds(const report_task *t, double percent, text *out);
// Value of a swept axis, or NULL. Borrowed.
const char *figure_axis(const report_task *t, const char *name);

#endif
