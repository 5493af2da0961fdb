// SPDX-License-Identifier: Apache-2.0
// What an artefact says about where it comes from: the global attributes of CF and ACDD, and the
// task's own.
#ifndef PIPELINE_STORE_PROVENANCE_H
#define PIPELINE_STORE_PROVENANCE_H

#include "pipeline/base/status.h"
#include "pipeline/store/artefact.h"
#include "pipeline/store/store.h"

// Adds the attributes of an origin, with date, host and versions of this program and of
// NetCDF. A title, summary or keywords the stage has set stay. Local. ERR_INTERNAL when out of
// memory.
status provenance_add(artefact_writer *w, const store_origin *origin);

#endif
