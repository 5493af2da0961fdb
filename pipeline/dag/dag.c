// SPDX-License-Identifier: Apache-2.0
// Tasks and all that hangs on them lie in the DAG's arena: freeing it frees them.
#include "pipeline/dag/dag.h"

#include <stdlib.h>

void dag_free(dag *d)
{
    if (!d)
        return;
    names_free(&d->label_index);
    free(d->tasks);
    arena_free(&d->memory);
    free(d);
}
