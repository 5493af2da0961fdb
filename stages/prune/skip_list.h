// SPDX-License-Identifier: Apache-2.0
// Tokens so frequent that guessing them says little: answers whose target is one of them are left
// out of `prune`'s *_skip variables.
#ifndef STAGES_PRUNE_SKIP_LIST_H
#define STAGES_PRUNE_SKIP_LIST_H

#include <stdint.h>

#include "data/dataset/samples.h"
#include "pipeline/config/params.h"

// Makes the list that the parameters ask for: the `skip` tokens that are most often a target in the
// collect parts of all subsets of `from` (ties: the lower id first; none that is never one), and
// the last token of each text in `skip_tokens`, as published. *out is [outputs] bytes, 1 = in the
// list, owned by the caller; NULL where neither is given. The same on every rank. Local. Fails as
// samples_text; ERR_USAGE: a text that has no token.
status skip_list_make(const params *p, const samples *from, int subsets, int outputs,
                      uint8_t **out);

#endif
