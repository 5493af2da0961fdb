// SPDX-License-Identifier: Apache-2.0
// The artefacts that no figure of the table draws, as tables: a column for each variable of the same
// dimensions, a row for each of their places.
#ifndef STAGES_REPORT_OWN_TABLES_H
#define STAGES_REPORT_OWN_TABLES_H

#include "stages/figures/figure.h"

// Adds a section to the page, or nothing. Large variables are left to `sulcus table`. Local.
// ERR_INPUT.
status own_tables(const report_input *in, const figure *figures, size_t n, text *page);

#endif
