// SPDX-License-Identifier: Apache-2.0
// `sulcus --version`: what this program was built from and with, and what it runs on here.
#ifndef PIPELINE_COMMANDS_VERSION_H
#define PIPELINE_COMMANDS_VERSION_H

#include <stdbool.h>
#include <stdio.h>

#include "pipeline/base/status.h"
#include "pipeline/stage.h"

// Version, commit, compiler, build type and flags; the libraries, each with the version in use now;
// the kernels that this CPU runs. As text whose first line is "sulcus VERSION", or as JSON. Local;
// needs no MPI.
status version_print(const registry *r, bool json, FILE *out);

#endif
