// SPDX-License-Identifier: Apache-2.0
// What the files of the toy program share.
#ifndef TESTS_ENGINE_TOY_H
#define TESTS_ENGINE_TOY_H

#include "pipeline/stage.h"

// The share that a resource of section `numbers` was opened with. Borrowed.
const share *toy_numbers_share(const void *numbers);

extern const stage_def stage_chain;

#endif
