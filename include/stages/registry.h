// SPDX-License-Identifier: Apache-2.0
// Every stage, resource and inspector of the program. A new stage is one file stages/NAME.c and one
// line in stages/stages.def.
#ifndef STAGES_REGISTRY_H
#define STAGES_REGISTRY_H

#include "pipeline/stage.h"

extern const registry sulcus_registry;

#endif
