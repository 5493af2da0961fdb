// SPDX-License-Identifier: Apache-2.0
// A pull scanner for JSON whose form is known in advance: nothing is built in memory, so that a
// hostile file costs its own length at most. Every function skips leading white space and fails
// with ERR_INPUT, naming file and byte.
#ifndef MODEL_FILES_JSON_SCAN_H
#define MODEL_FILES_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/status.h"

typedef struct json_scan {
    const char *path;             // for messages. Borrowed
    const char *at, *begin, *end; // the text, not terminated. Borrowed
} json_scan;

// Takes the character c.
status json_scan_expect(json_scan *s, char c);
// In an array or object: takes `,` before every item but the first; *more = false when `close` was
// taken instead.
status json_scan_more(json_scan *s, bool first, char close, bool *more);
// Takes a string. *text is its decoded, valid UTF-8 without NUL, owned by the caller (free).
status json_scan_string(json_scan *s, char **text);
// Takes a whole number from 0 to the largest size_t, without sign, fraction or exponent.
status json_scan_size(json_scan *s, size_t *value);
// Only white space may follow.
status json_scan_end(json_scan *s);

#endif
