// SPDX-License-Identifier: Apache-2.0
// The report: the figures and the page of a pipeline, from its committed artefacts.
#ifndef STAGES_REPORT_REPORT_H
#define STAGES_REPORT_REPORT_H

#include "pipeline/base/status.h"
#include "pipeline/report.h"

// Writes OUTPUT/report/index.html, one self-contained page, and for each figure STEM.svg, .png, .gp
// (the gnuplot script, which runs on its own in that folder) and .csv (the data as plotted). What
// is not finished is left out and named in the page; the figures of an earlier report are removed.
// Prints where the page is. Local; no MPI.
//
// Figures are chosen by a task's stage, its variables and its artefact's attribute `modality`
// ("image" or "text"; image where absent): collect, score, prune and intersect write it or hand it
// on. Models are told apart by their names.
//
// ERR_IO when the folder cannot be written, and when gnuplot is missing or fails: then the page
// (with its tables), the scripts and the data are there without the pictures. ERR_INPUT when an
// artefact cannot be read.
status report_write(const struct report_input *in);

#endif
