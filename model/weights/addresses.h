// SPDX-License-Identifier: Apache-2.0
// Addresses without memory: names of values that are elsewhere. Who reads there ends the process.
#ifndef MODEL_WEIGHTS_ADDRESSES_H
#define MODEL_WEIGHTS_ADDRESSES_H

#include <stddef.h>

// So many bytes of them (at least one), at whole pages; NULL: there are no more. Released by the same
// number.
void *addresses_reserve(size_t bytes);
void addresses_release(void *at, size_t bytes); // NULL is a no-op

#endif
