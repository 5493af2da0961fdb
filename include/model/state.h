// SPDX-License-Identifier: Apache-2.0
// What a model is made of, for the files of this folder.
#ifndef MODEL_STATE_H
#define MODEL_STATE_H

#include "model/arch.h"

struct model {
    const arch *arch;
    config config;
    weights *weights; // owned; NULL where the model was opened light
};

#endif
