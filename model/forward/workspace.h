// SPDX-License-Identifier: Apache-2.0
// The memory that a thread's passes work in, kept from one to the next: what it held last is of no
// account.
#ifndef MODEL_FORWARD_WORKSPACE_H
#define MODEL_FORWARD_WORKSPACE_H

#include <stddef.h>
#include <stdint.h>

#include "model/config/config.h"
#include "model/forward/pass.h"
#include "model/kernels/packing.h"
#include "pipeline/base/status.h"

// How many rows and samples a pass must hold.
typedef struct pass_limits {
    int64_t samples, rows;
} pass_limits;

typedef struct workspace {
    void *at; // owned
    size_t bytes;
    pass_limits limits; // of what is laid out in it
    pass laid;
} workspace;

// Bytes of it for a model of that configuration, with the packing of its weights; SIZE_MAX when
// they do not fit. Local.
size_t workspace_bytes(const config *c, packing form, pass_limits limits);
// Lays out a pass in it, all of whose other fields become 0, or gives the same as before for the
// same limits. It grows when it is too small, and must outlive the pass; {0} is empty. Always for
// the same configuration and packing. Local.
status workspace_lay_out(workspace *w, const config *c, packing form, pass_limits limits,
                         pass *out);

#endif
