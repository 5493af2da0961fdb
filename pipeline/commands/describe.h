// SPDX-License-Identifier: Apache-2.0
// `sulcus describe`: what may be written in a pipeline file, from the same tables the validator
// uses.
#ifndef PIPELINE_COMMANDS_DESCRIBE_H
#define PIPELINE_COMMANDS_DESCRIBE_H

#include <stdio.h>

#include "pipeline/base/status.h"
#include "pipeline/stage.h"

// Readable text about one stage or resource section by name, or (name NULL) about everything.
// ERR_USAGE with the nearest name.
status describe_text(const registry *r, const char *name, FILE *out);
// A JSON schema (draft-07) of pipeline files, for editors.
status describe_schema(const registry *r, FILE *out);

#endif
