// SPDX-License-Identifier: Apache-2.0
// Where the model of a pruning lies is asked of the key and the journal, not of the pipeline file,
// which may have changed since: the key has the digests of the model's files, the journal the paths
// that had them. So what is exported is the model that was pruned, or nothing.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/commands/views.h"
#include "pipeline/config/reference.h"
#include "pipeline/export.h"
#include "pipeline/store/artefact_file.h"
#include "pipeline/store/inputs.h"
#include "pipeline/store/journal.h"
#include "pipeline/store/store.h"

// A run, and what is asked of it.
typedef struct exporting {
    const registry *registry;
    const char *forget, *model; // NULL: all subsets; where the journal says
    const char *folder;
    const char *output;
    journal_state *known; // owned
    inputs *inputs;       // owned
    arena memory;
    size_t written;
    FILE *out;
} exporting;

// The value of a field of the key, or NULL.
static const char *field_of(const key_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->n; i++)
        if (strcmp(fields->field[i].name, name) == 0)
            return fields->field[i].value;
    return NULL;
}

// --- The model

// Has every file of the key's fields "model:NAME" the bytes below `folder` that it had? The names of
// a file's own fields are empty.
static status check_model(exporting *e, const artefact *a, const key_fields *fields,
                          const char *model)
{
    status st = OK;
    char hex[DIGEST_HEX];
    size_t checked = 0;
    for (size_t i = 0; st == OK && i < fields->n; i++) {
        const key_field *f = &fields->field[i];
        const char *name = f->name + strlen("model:");
        if (strncmp(f->name, "model:", 6) != 0 || strncmp(name, "file ", 5) == 0)
            continue; // beside a file that is itself the model
        char *path = *name ? file_join(model, name) : strdup(model);
        st = path ? inputs_digest(e->inputs, path, hex) : status_no_memory("a path");
        if (st == OK && (!f->value || strncmp(f->value, hex, strlen(hex)) != 0))
            st = status_fail(ERR_INPUT, path,
                             "has other bytes than the model that was pruned; give that with "
                             "--model");
        free(path);
        checked++;
    }
    if (st == OK && checked == 0)
        st = status_fail(ERR_INPUT, artefact_path(a),
                         "does not say which files its model had; run the step again");
    return st;
}

// A path that had the digest, less the `end` of it; NULL: none that is still there.
static const char *path_with(exporting *e, const char *hex, const char *end)
{
    for (size_t i = 0; hex && i < journal_inputs(e->known); i++) {
        const journal_input *in = journal_input_at(e->known, i);
        const size_t n = strlen(in->path), m = strlen(end);
        if (strcmp(in->digest, hex) == 0 && n > m && strcmp(in->path + n - m, end) == 0 &&
            file_exists(in->path))
            return arena_text(&e->memory, in->path, n - m);
    }
    return NULL;
}

static status find_model(exporting *e, const artefact *a, const key_fields *fields,
                         const char **out)
{
    const char *random = field_of(fields, "model.weights");
    if (random && strcmp(random, "random") == 0)
        return status_fail(ERR_INPUT, artefact_path(a),
                           "is of weights that were drawn, of which there are no files; export a "
                           "pruning of a trained model");
    *out = e->model;
    if (!*out)
        *out = path_with(e, field_of(fields, "model:config.json"), "/config.json");
    if (!*out)
        *out = path_with(e, field_of(fields, "model:"), "");
    if (!*out)
        return status_fail(ERR_INPUT, artefact_path(a),
                           "its model is no longer where it was; say where it is with --model "
                           "FOLDER");
    return check_model(e, a, fields, *out);
}

// The committed artefact with this digest; NULL: there is none.
static const journal_commit *find_commit(const exporting *e, const char *hex)
{
    for (size_t i = 0; hex && i < journal_tasks(e->known); i++) {
        const journal_commit *c = journal_task_at(e->known, i)->commit;
        if (c && strcmp(c->digest, hex) == 0 && store_present(e->output, c))
            return c;
    }
    return NULL;
}

// What a pruning was made from: activations, where it has means of them, and scores.
static status open_inputs(const exporting *e, const key_fields *fields, artefact **scores,
                          artefact **means)
{
    status st = OK;
    static const char *const input[] = {"input 1", "input 2"};
    for (size_t i = 0; i < sizeof input / sizeof *input; i++) {
        const journal_commit *c = find_commit(e, field_of(fields, input[i]));
        artefact **to = c && strcmp(c->stage, "collect") == 0 ? means : scores;
        if (c && !*to)
            TRY(store_open(e->output, c, true, to));
    }
done:
    return st;
}

// --- Prunings

static status write_one(exporting *e, export_input *in, const char *folder)
{
    in->folder = folder;
    status st = folder ? e->registry->export(in) : status_no_memory("a path");
    if (st == OK) {
        fprintf(e->out, "%s\n", folder);
        e->written++;
    }
    return st;
}

// All that was pruned in an artefact, or what is asked: that to `folder` itself, where it is asked
// of one artefact.
static status write_forgets(exporting *e, export_input *in, const char *folder, bool alone)
{
    char **forget = NULL;
    int64_t n = 0;
    if (e->forget) {
        in->forget = e->forget;
        return write_one(e, in,
                         alone ? folder
                               : arena_format(&e->memory, "%s/%s", folder,
                                              reference_encode(&e->memory, e->forget)));
    }
    status st = artefact_read_texts(in->pruned, "forget", &n, &forget);
    for (int64_t i = 0; st == OK && i < n; i++) {
        in->forget = forget[i];
        st = write_one(
            e, in,
            arena_format(&e->memory, "%s/%s", folder, reference_encode(&e->memory, forget[i])));
    }
    free(forget);
    return st;
}

static status export_artefact(exporting *e, const journal_commit *c, const artefact *a,
                              const char *folder, bool alone)
{
    status st;
    artefact *scores = NULL, *means = NULL;
    const key_field *field = NULL;
    key_fields fields = {0};
    export_input in = {.pruned = a};
    if (!artefact_has(a, "forget")) {
        st = status_fail(ERR_INPUT, artefact_path(a),
                         "is no pruning; name an artefact of the stage "
                         "prune");
        goto done;
    }
    TRY(journal_fields(e->known, c->label, &field, &fields.n));
    fields.field = (key_field *)(uintptr_t)field; // only read
    TRY(find_model(e, a, &fields, &in.model));
    TRY(open_inputs(e, &fields, &scores, &means));
    in.scores = scores;
    in.means = means;
    TRY(write_forgets(e, &in, folder, alone));
done:
    artefact_close(scores);
    artefact_close(means);
    return st;
}

// A run's: those of the stage `prune` that are there, each to FOLDER/STEP/NAME.
static status export_run(exporting *e)
{
    status st = OK;
    for (size_t i = 0; i < journal_tasks(e->known); i++) {
        const journal_commit *c = journal_task_at(e->known, i)->commit;
        artefact *a = NULL;
        if (!c || strcmp(c->stage, "prune") != 0 || !store_present(e->output, c))
            continue;
        TRY(store_open(e->output, c, true, &a));
        st = export_artefact(e, c, a,
                             arena_format(&e->memory, "%s/%.*s", e->folder,
                                          (int)(strlen(c->path) - strlen(".nc")), c->path),
                             false);
        artefact_close(a);
        TRY(st);
    }
    if (e->written == 0)
        st = status_fail(ERR_INPUT, e->output,
                         "has no finished pruning; name the output folder of a "
                         "run");
done:
    return st;
}

// A file's: by the journal two folders above it, where it has the name that the file has from there.
static status export_file(exporting *e, const char *path)
{
    const char *name = path + strlen(e->output);
    name += *name == '/';
    for (size_t i = 0; i < journal_tasks(e->known); i++) {
        const journal_commit *c = journal_task_at(e->known, i)->commit;
        artefact *a = NULL;
        if (!c || strcmp(name, c->path) != 0)
            continue;
        status st = store_open(e->output, c, true, &a);
        if (st == OK)
            st = export_artefact(e, c, a, e->folder, true);
        artefact_close(a);
        return st;
    }
    return status_fail(ERR_INPUT, path,
                       "is no artefact of a run that is finished; name one where the run left it");
}

status view_export(const registry *r, const char *path, const char *forget, const char *model,
                   const char *folder, FILE *out)
{
    status st;
    exporting e = {.registry = r, .forget = forget, .model = model, .folder = folder, .out = out};
    // From the root on, so that it does not matter where it is called from.
    char *real = realpath(path, NULL), *beside = real ? file_folder(real) : NULL,
         *above = beside ? file_folder(beside) : NULL;
    if (!r->export || (!real && !file_exists(path))) {
        st = status_fail(ERR_INPUT, path, "does not exist; check the path");
        goto done;
    }
    if (!above)
        TRY(status_no_memory("a path"));
    e.output = file_is_folder(path) ? path : above;
    TRY(journal_load(e.output, &e.known));
    TRY(inputs_new(e.known, &e.inputs));
    st = file_is_folder(path) ? export_run(&e) : export_file(&e, real);
done:
    inputs_free(e.inputs);
    journal_state_free(e.known);
    arena_free(&e.memory);
    free(real);
    free(beside);
    free(above);
    return st;
}
