// SPDX-License-Identifier: Apache-2.0
// The same sources that nvcc compiles, as C (model/cuda/grid.h).
#include "played_device.h"

#include "model/cuda/kernels_answers.h"
#include "model/cuda/kernels_attention.h"
#include "model/cuda/kernels_rows.h"
#include "model/cuda/kernels_sites.h"

status grid_end(device *d, const char *kernel)
{
    (void)d;
    (void)kernel;
    return OK;
}

status grid_fail(device *d, const char *line)
{
    (void)d;
    (void)line;
    return ERR_INTERNAL;
}

static const naive_faults *faults;

int grid_has_squares(const device *d)
{
    (void)d;
    return !(faults && faults->squareless);
}

static status played_attention(device *d, const device_attention *a)
{
    device_attention own = *a;
    own.window = faults && faults->windowless ? 0 : a->window;
    return ops_attention(d, &own);
}

static status played_sums(device *d, const device_sums *a)
{
    status st = ops_sums(d, a);
    if (faults && faults->forgets_sum)
        memset(a->sum, 0, (size_t)a->neurons * sizeof *a->sum);
    return st;
}

const device_ops *played_device(const naive_faults *f)
{
    static device_ops ops;
    ops = *naive_device(f);
    faults = f;
    ops.round = ops_round;
    ops.norm = ops_norm;
    ops.rotary = ops_rotary;
    ops.attention = played_attention;
    ops.site = ops_site;
    ops.sums = played_sums;
    ops.histogram = ops_histogram;
    ops.firing = ops_firing;
    ops.embed = ops_embed;
    ops.patches = ops_patches;
    ops.places = ops_places;
    ops.gather = ops_gather;
    ops.add = ops_add;
    ops.fold = ops_fold;
    return &ops;
}
