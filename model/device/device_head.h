// SPDX-License-Identifier: Apache-2.0
// The end of a pass on a device: from hidden states to answers, as model/forward/head.h.
#ifndef MODEL_DEVICE_DEVICE_HEAD_H
#define MODEL_DEVICE_DEVICE_HEAD_H

#include "model/forward/pass.h"
#include "pipeline/base/status.h"

// The answers of the batch's scored rows, in p->predictions, and the logits that are wanted of them
// in *logits, owned by the caller.
status device_answer_rows(pass *p, float **logits);
// Gives them to the caller, tile by tile.
status device_give_answers(pass *p, const float *logits);

#endif
