// SPDX-License-Identifier: Apache-2.0
// The artefact of `prune`:
//   string subset(subset), forget(forget)        what is measured; what was forgotten
//   double fraction(forget); int64 pruned(forget); byte reached(forget)
//   double accuracy_base(subset), _low, _high; loss_base(subset); int64 samples(subset)
//   double accuracy(forget, subset), _low, _high; ratio; loss; accuracy_random, ratio_random,
//          ratio_random_std
//   double trace_fraction(forget, probe), trace_accuracy, trace_samples
//   byte   mlp_mask(forget, layer, unit), attn_mask(forget, layer, attn_unit)
// of language models also (see stages/measures.c; without `skip` or `skip_tokens` no *_skip):
//   double accuracy_top10(forget, subset), perplexity, perplexity_published, accuracy_skip,
//          accuracy_top10_skip, and each with _base(subset)
//   int64  samples_skip(subset)                  answers that accuracy_skip is over
// Of questions whose choices alone are compared, losses are over the choices, Top-10 and *_skip
// NaN.
#ifndef STAGES_PRUNE_PRUNE_ARTEFACT_H
#define STAGES_PRUNE_PRUNE_ARTEFACT_H

#include "pipeline/store/artefact.h"
#include "stages/prune/prune_output.h"

// Describes the artefact; borrows `o` and the setting until it is stored.
status prune_artefact_describe(const prune_setting *s, const prune_output *o, artefact_writer *w);

#endif
