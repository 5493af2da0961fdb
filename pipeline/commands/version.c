// SPDX-License-Identifier: Apache-2.0
// Text and JSON are two prints of one object, so that they cannot come to differ. Commit and flags
// are the build's (cmake/commit.cmake, CMakeLists.txt); everything else is asked when it is
// printed, since the library that was found at run time need not be the one that was compiled
// against.
#include "pipeline/commands/version.h"

#include <jansson.h>

#include "commit.h" // made by the build
#include "pipeline/base/text.h"

#define LIBRARY(name) extern const version_def library_##name;
#include "pipeline/commands/libraries.def"
#undef LIBRARY

#define LIBRARY(name) &library_##name,
static const version_def *const libraries[] = {
#include "pipeline/commands/libraries.def"
    NULL,
};

// Adds what each of a list says to an object. NULL is the empty list.
static void add_all(json_t *object, const version_def *const *list)
{
    for (; list && *list; list++) {
        text found = {0};
        (*list)->add(&found);
        json_object_set_new(object, (*list)->name, json_string(text_get(&found)));
        text_free(&found);
    }
}

static json_t *describe_version(const registry *r)
{
    json_t *used = json_object(), *kernels = json_object();
    add_all(used, libraries);
    add_all(used, r->libraries);
    add_all(kernels, r->kernels);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "sulcus", SULCUS_VERSION, "commit",
                     SULCUS_COMMIT, "compiler", SULCUS_COMPILER, "build", SULCUS_BUILD, "flags",
                     SULCUS_FLAGS, "libraries", used, "kernels", kernels);
}

static void print_text(const json_t *version, FILE *out)
{
    const char *name, *inner;
    json_t *value, *found;
    json_object_foreach((json_t *)version, name, value)
    {
        if (json_is_string(value))
            fprintf(out, "%s %s\n", name, json_string_value(value));
        else if (json_object_size(value) > 0)
            fprintf(out, "%s:\n", name);
        json_object_foreach(value, inner, found)
            fprintf(out, "  %-17s %s\n", inner, json_string_value(found));
    }
}

status version_print(const registry *r, bool json, FILE *out)
{
    json_t *version = describe_version(r);
    bool failed = !version;
    if (version && json)
        failed = json_dumpf(version, out, JSON_INDENT(1)) != 0 || fputc('\n', out) == EOF;
    else if (version)
        print_text(version, out);
    json_decref(version);
    return ferror(out) ? status_fail_errno(ERR_IO, "stdout", "cannot write")
           : failed    ? status_no_memory("the version")
                       : OK;
}
