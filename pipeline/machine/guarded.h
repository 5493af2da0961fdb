// SPDX-License-Identifier: Apache-2.0
// A look at files that may be damaged, in a process that can be given up.
#ifndef PIPELINE_MACHINE_GUARDED_H
#define PIPELINE_MACHINE_GUARDED_H

#include <stddef.h>

#include "pipeline/base/status.h"

// Calls look(context). Where one of the paths is an artefact, in a process of its own: within memory
// and time that go by the files' sizes, and with nothing on stderr; what it prints to stdout is
// printed. Its status and line are handed on. ERR_INPUT where it crashed or took too much: one of the
// files is damaged. Local.
status guarded_look(const char *const *paths, size_t n, status (*look)(const void *context),
                    const void *context);

#endif
