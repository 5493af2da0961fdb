// SPDX-License-Identifier: Apache-2.0
// The end of a pass: from the final hidden states of the rows that are scored to answers.
#ifndef MODEL_FORWARD_HEAD_H
#define MODEL_FORWARD_HEAD_H

#include "model/forward/pass.h"
#include "pipeline/base/status.h"

// Lists the rows of the tile whose outputs are scored, as p->head_row and p->head_first. ERR_INPUT:
// a target that is no output. Local.
status head_list_rows(pass *p);
// Drops the other rows, and gives the answers of these to the caller's `result` and `logits`. Their
// failures; ERR_NUMERIC: NaN or infinity in the logits. Local.
status head_answer(pass *p);

#endif
