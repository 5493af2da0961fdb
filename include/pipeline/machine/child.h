// SPDX-License-Identifier: Apache-2.0
// A function in a process of its own: for libraries that keep state for the whole process, or put
// signal handlers of their own in place.
#ifndef PIPELINE_MACHINE_CHILD_H
#define PIPELINE_MACHINE_CHILD_H

#include <stddef.h>

#include "pipeline/base/status.h"

// Runs body(context, shared) in a child and waits for it; `shared` is `bytes` of zeros, which are
// copied to `result` at its end. The child sees this process's memory as it is now, and only that
// thread; no signal but KILL ends it before its parent ends. Any thread may call it. Local. Fails
// when out of memory, also where the child was killed.
status child_run(void (*body)(const void *context, void *shared), const void *context, size_t bytes,
                 void *result);

#endif
