// SPDX-License-Identifier: Apache-2.0
// `sulcus describe`: what may be written in a pipeline file, from the same tables the validator
// uses. Its other forms: man_page.h, completion.h.
#ifndef PIPELINE_COMMANDS_DESCRIBE_H
#define PIPELINE_COMMANDS_DESCRIBE_H

#include <stdio.h>

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"
#include "pipeline/stage.h"

// Readable text about one stage or resource section by name, or (name NULL) about everything.
// ERR_USAGE with the nearest name.
status describe_text(const registry *r, const char *name, FILE *out);
// Every KEY.PATH that `-s` can give a value in a pipeline file, a line each. ERR_USAGE with the
// place.
status describe_keys(const registry *r, const char *pipeline, FILE *out);
// A JSON schema (draft-07) of pipeline files, for editors.
status describe_schema(const registry *r, FILE *out);
// Adds which values a parameter takes: "a text: f32|bf16, default f32".
void describe_values(const param_def *p, text *out);

#endif
