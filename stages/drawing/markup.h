// SPDX-License-Identifier: Apache-2.0
// Text that comes from files, quoted for the languages the report is written in, so that no name
// can break out of its place. All are local, and remember a lack of memory in `out`.
#ifndef STAGES_DRAWING_MARKUP_H
#define STAGES_DRAWING_MARKUP_H

#include "pipeline/base/text.h"

// HTML text or attribute value: & < > " ' become entities; control characters but newline and tab,
// and bytes that are no UTF-8, become U+FFFD.
void markup_html(text *out, const char *string);

// A cell of a table: the number as a format of printf has it; – for NaN.
__attribute__((format(printf, 2, 0))) void markup_html_cell(text *out, const char *format,
                                                            double value);

// One field of a CSV line (RFC 4180): in quotes where it holds a comma, a quote or a line break.
// Where a spreadsheet would take it for a formula, it begins with a ' that makes it a text.
void markup_csv(text *out, const char *string);

// A number as a CSV field: 17 digits where they are needed to read the same value back; NaN as NaN.
void markup_csv_number(text *out, double value);

// A gnuplot string; line breaks become spaces, and what no SVG can hold U+FFFD. The label of a tic is
// a format of numbers, too.
void markup_gnuplot(text *out, const char *string);
void markup_gnuplot_tic(text *out, const char *string);

// The same, but line breaks stay.
void markup_gnuplot_lines(text *out, const char *string);

// Words in lines of at most `width` characters, apart by '\n'; a longer word is cut. Returns how
// many lines that is.
size_t markup_wrap(text *out, const char *string, size_t width);

// That number alone; and those lines as a gnuplot string.
size_t markup_lines(const char *string, size_t width);
void markup_gnuplot_wrapped(text *out, const char *string, size_t width);

// A JSON string or number (null for NaN and infinities, else of 5 digits), also inside a <script>.
void markup_json(text *out, const char *string);
void markup_json_number(text *out, double value);

// A file name's part: every byte but letters, digits, . _ = - becomes %XX.
void markup_file_name(text *out, const char *string);

// Characters (code points) of a UTF-8 string: how wide it will be.
size_t markup_width(const char *string);

#endif
