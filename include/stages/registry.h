// SPDX-License-Identifier: Apache-2.0
// Every stage, resource and inspector of the program, for the engine. A new stage is one source and
// one line in stages/stages.def (docs/adding.md).
#ifndef STAGES_REGISTRY_H
#define STAGES_REGISTRY_H

#include "pipeline/stage.h"

extern const registry sulcus_registry;

#endif
