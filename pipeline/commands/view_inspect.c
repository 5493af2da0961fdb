// SPDX-License-Identifier: Apache-2.0
// Artefacts are the engine's own; what else a path may hold, the layers above say in turn.
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/file.h"
#include "pipeline/commands/views.h"
#include "pipeline/store/artefact_digest.h"
#include "pipeline/store/artefact_file.h"
#include "pipeline/store/journal.h"
#include "pipeline/store/store.h"

static status print_variable(const artefact *a, size_t index, FILE *out)
{
    variable_type type;
    int dims;
    int64_t lengths[VARIABLE_MAX_DIMS];
    const char *name = artefact_variable_name(a, index);
    char *meaning = artefact_variable_text(a, index, "long_name");
    status st;
    TRY(artefact_shape(a, name, &type, &dims, lengths));
    fprintf(out, "  %-7s %s(", variable_type_name(type), name);
    for (int i = 0; i < dims; i++)
        fprintf(out, "%s%s %lld", i ? ", " : "", artefact_variable_dim(a, index, i),
                (long long)lengths[i]);
    fprintf(out, ")  %s\n", meaning ? meaning : "");
done:
    free(meaning);
    return st;
}

static status print_artefact(const char *path, FILE *out)
{
    static const char *const told[] = {"title",    "task",    "task_key",     "stage",
                                       "pipeline", "history", "date_created", "host",
                                       "ranks",    "threads", "source",       "cpu"};
    status st;
    artefact *a = NULL;
    char hex[DIGEST_HEX];
    TRY(artefact_open(path, &a));
    TRY(artefact_digest(a, hex));
    fprintf(out, "%s: NetCDF-4, digest %s\n", path, hex);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        char *value = artefact_get_attribute(a, told[i]);
        if (value)
            fprintf(out, "  %-12s %s\n", told[i], value);
        free(value);
    }
    for (size_t i = 0; i < artefact_variables(a); i++)
        TRY(print_variable(a, i, out));
done:
    artefact_close(a);
    return st;
}

// An output folder: what was made there, and whether it still is.
static status print_output(const char *path, FILE *out)
{
    journal_state *known = NULL;
    status st = journal_load(path, &known);
    if (st != OK)
        return st;
    const journal_summary run = journal_summarize(known);
    fprintf(out, "%s: output of %s, %lld runs\n", path,
            run.run && run.run->pipeline ? run.run->pipeline : "a pipeline", (long long)run.runs);
    for (size_t i = 0; i < journal_tasks(known); i++) {
        const journal_task *t = journal_task_at(known, i);
        const journal_commit *c = t->commit;
        if (c)
            fprintf(out, "  %-44s %-10s %10.3f MB  %s%s\n", t->label, c->stage,
                    (double)c->bytes / 1e6, c->path,
                    store_present(path, c) ? "" : " (gone, or changed)");
        else
            fprintf(out, "  %-44s %s\n", t->label,
                    t->event == TASK_FAILED ? "failed" : "not finished");
    }
    journal_state_free(known);
    return OK;
}

static bool is_output(const char *path)
{
    char *listed = file_is_folder(path) ? file_join(path, JOURNAL_NAME) : NULL;
    const bool is = listed && file_exists(listed);
    free(listed);
    return is;
}

status view_inspect(const registry *r, const char *path, FILE *out)
{
    size_t n = strlen(path);
    if (!file_exists(path))
        return status_fail(ERR_INPUT, path, "does not exist; check the path");
    if (n > 3 && strcmp(path + n - 3, ".nc") == 0)
        return print_artefact(path, out);
    if (is_output(path))
        return print_output(path, out);
    for (size_t i = 0; r->inspectors && r->inspectors[i]; i++) {
        bool known = false;
        status st = r->inspectors[i]->inspect(path, &known);
        if (st != OK || known)
            return st;
    }
    return status_fail(ERR_INPUT, path,
                       "is no artefact, and neither a model nor a dataset that is known");
}
