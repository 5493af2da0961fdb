// SPDX-License-Identifier: Apache-2.0
// `sulcus describe --man`: the manual page, from the tables that command lines and pipeline files
// are checked by.
#ifndef PIPELINE_SHELL_MAN_PAGE_H
#define PIPELINE_SHELL_MAN_PAGE_H

#include <stdio.h>

#include "pipeline/base/status.h"
#include "pipeline/shell/command_line.h"
#include "pipeline/stage.h"

// sulcus.1, in the man macros. The same bytes wherever it is made: it carries no date.
status man_page_write(const registry *r, const command_def *commands, FILE *out);

#endif
