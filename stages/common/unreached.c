// SPDX-License-Identifier: Apache-2.0
// The note is for readers: the first subsets are named, the rest is a number. What is computed
// further looks at the counts themselves.
#include "stages/common/unreached.h"

#include "pipeline/base/text.h"

enum { NAMED = 8 };

// How many experts of how many layers have no token of a subset.
static int64_t count_unreached(const routing_shape *u, const int64_t *tokens, int64_t *layers)
{
    int64_t all = 0;
    *layers = 0;
    for (int64_t l = 0; l < u->layers; l++) {
        int64_t here = 0;
        for (int64_t e = 0; e < u->experts; e++)
            here += tokens[l * u->experts + e] == 0;
        all += here;
        *layers += here > 0;
    }
    return all;
}

static const char *plural(int64_t n)
{
    return n == 1 ? "" : "s";
}

status unreached_note(const routing_shape *u, const char *const *subset, const int64_t *tokens,
                      artefact_writer *w)
{
    text note = {0};
    int64_t found = 0, layers;
    for (int64_t s = 0; s < u->subsets; s++) {
        const int64_t n = count_unreached(u, tokens + s * u->layers * u->experts, &layers);
        found += n > 0;
        if (n > 0 && found <= NAMED)
            text_addf(&note, "%s%lld expert%s in %lld layer%s (%s)", found > 1 ? "; " : "",
                      (long long)n, plural(n), (long long)layers, plural(layers), subset[s]);
    }
    if (found > NAMED)
        text_addf(&note, "; and some of %lld more subset%s", (long long)(found - NAMED),
                  plural(found - NAMED));
    status st = note.failed ? status_no_memory("a note") : OK;
    if (st == OK && found > 0)
        st = artefact_attribute(w, "unreached", text_get(&note));
    text_free(&note);
    return st;
}
