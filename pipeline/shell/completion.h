// SPDX-License-Identifier: Apache-2.0
// `sulcus describe --completion`: how bash completes a command line, from the table it is parsed
// by.
#ifndef PIPELINE_SHELL_COMPLETION_H
#define PIPELINE_SHELL_COMPLETION_H

#include <stdio.h>

#include "pipeline/base/status.h"
#include "pipeline/shell/command_line.h"
#include "pipeline/stage.h"

// A script to source, or to install as share/bash-completion/completions/sulcus. Commands, options
// and stages stand in it; the steps and keys of a pipeline file it asks `sulcus describe --keys`.
status completion_write(const registry *r, const command_def *commands, FILE *out);

#endif
