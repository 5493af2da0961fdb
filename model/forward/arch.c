// SPDX-License-Identifier: Apache-2.0
#include "model/forward/arch.h"

#include <string.h>

#include "pipeline/base/text.h"

#define ARCH(name) extern const arch arch_##name;
#include "model/arch/archs.def"
#undef ARCH

static const arch *const archs[] = {
#define ARCH(name) &arch_##name,
#include "model/arch/archs.def"
#undef ARCH
};

enum { ARCHS = sizeof archs / sizeof *archs };

const arch *arch_find(const char *model_type)
{
    for (int i = 0; i < ARCHS; i++)
        for (const char *const *type = archs[i]->model_types; *type; type++)
            if (strcmp(*type, model_type) == 0)
                return archs[i];
    return NULL;
}

const arch *arch_named(const char *name)
{
    for (int i = 0; i < ARCHS; i++)
        if (strcmp(archs[i]->name, name) == 0)
            return archs[i];
    return NULL;
}

status arch_of(const config_file *f, const arch **out)
{
    status st;
    const char *type;
    text known = {0};
    TRY(config_text(f, "model_type", NULL, &type));
    if ((*out = arch_find(type)))
        goto done;
    const char *names[64];
    size_t n = 0;
    for (int i = 0; i < ARCHS; i++)
        for (const char *const *t = archs[i]->model_types; *t && n < 64; t++) {
            text_addf(&known, "%s%s", n ? ", " : "", *t);
            names[n++] = *t;
        }
    const char *nearest = text_nearest(type, names, n);
    st = status_fail(ERR_INPUT, config_file_path(f),
                     "model_type %.64s is not supported%s%s%s; known: %s", type,
                     nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "",
                     text_get(&known));
done:
    text_free(&known);
    return st;
}
