// SPDX-License-Identifier: Apache-2.0
// What happens to a site's activations on a device: pruned ones become 0, or what the pass says;
// readers see them, tile by tile, or they are summed where they are.
#ifndef MODEL_DEVICE_DEVICE_SITES_H
#define MODEL_DEVICE_DEVICE_SITES_H

#include "model/device/device_rows.h"

// Activates, prunes and shows them.
status device_show_site(pass *p, const device_rows *r);

#endif
