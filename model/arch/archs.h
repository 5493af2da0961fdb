// SPDX-License-Identifier: Apache-2.0
// Every architecture (archs.def), and the one that a configuration asks for.
#ifndef MODEL_ARCH_ARCHS_H
#define MODEL_ARCH_ARCHS_H

#include "model/config/config_file.h"
#include "model/forward/arch.h"
#include "pipeline/base/status.h"

// Opens the configuration of the model at that path (model/config/config_file.h), and finds its
// architecture, which is static. *file is owned by the caller. ERR_INPUT names the nearest known
// model_type and lists all. Local.
status archs_open(const char *model_path, config_file **file, const arch **out);

#endif
