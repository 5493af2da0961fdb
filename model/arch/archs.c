// SPDX-License-Identifier: Apache-2.0
// The only file that knows all architectures. It lies above them, since a descriptor needs blocks
// and configuration, and below model.c; archs.def is included twice, to declare and to list.
#include "model/arch/archs.h"

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

// The architecture of a model_type, or NULL.
static const arch *find_arch(const char *model_type)
{
    for (int i = 0; i < ARCHS; i++)
        for (const char *const *type = archs[i]->model_types; *type; type++)
            if (strcmp(*type, model_type) == 0)
                return archs[i];
    return NULL;
}

static bool is_known(const char *model_type)
{
    return find_arch(model_type);
}

// The architecture that the configuration asks for.
static status choose_arch(const config_file *f, const arch **out)
{
    status st;
    const char *type;
    text known = {0};
    TRY(config_text(f, "model_type", NULL, &type));
    if ((*out = find_arch(type)))
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

status archs_open(const char *model_path, config_file **file, const arch **out)
{
    status st;
    config_file *f = NULL;
    TRY(config_file_open(model_path, is_known, &f));
    TRY(choose_arch(f, out));
    *file = f;
    f = NULL;
done:
    config_file_close(f);
    return st;
}
