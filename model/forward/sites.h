// SPDX-License-Identifier: Apache-2.0
// What happens to a site's activations before they are used: pruned ones become 0, or what the pass
// says, then the reader sees them. All local.
#ifndef MODEL_FORWARD_SITES_H
#define MODEL_FORWARD_SITES_H

#include "model/forward/mask.h"
#include "model/forward/pass.h"
#include "pipeline/base/status.h"

// The pruned ones among a layer's neurons [first, first + n) of a site.
neuron_list site_pruned(const forward *f, site s, int layer, int first, int n);

// Sets the pruned neurons of a block in x, the block's own, then shows it to the reader, where
// the pass has one for this site. Its failures.
status site_show(pass *p, const site_block *block, float *x);

// Will the pass's reader be shown the MLP, or the experts that take part in it?
bool site_mlp_read(const pass *p);

// ERR_NUMERIC: NaN or infinity came from site `after` of layer `layer` (-1: from the embeddings).
status site_not_finite(int layer, site after);

#endif
