// SPDX-License-Identifier: Apache-2.0
// What is damaged is moved away, never deleted: the next run makes it again, and a person may look.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/commands/views.h"
#include "pipeline/store/checkpoint_file.h"
#include "pipeline/store/inputs.h"
#include "pipeline/store/journal.h"
#include "pipeline/store/kept.h"
#include "pipeline/store/own_file.h"
#include "pipeline/store/store.h"

// Moves OUTPUT/PATH to OUTPUT/quarantine/PATH, and says so; what a link leads to is not OUTPUT's.
static status quarantine_file(const char *output, const char *path, const char *then, FILE *out)
{
    status st;
    if (!own_file_is_inside(output, path) || !own_file_is_inside(output, "quarantine")) {
        fprintf(out, "      left where it is: a link leads out of the folder\n");
        return OK;
    }
    char *from = file_join(output, path), *to = text_format("%s/quarantine/%s", output, path);
    char *folder = to ? file_folder(to) : NULL;
    if (!from || !to || !folder) {
        st = status_no_memory("a path");
        goto done;
    }
    TRY(file_make_folders(folder));
    if (rename(from, to) != 0)
        st = status_fail_errno(ERR_IO, from, "cannot move it to quarantine");
    else
        fprintf(out, "      moved to quarantine/%s; %s\n", path, then);
done:
    free(from);
    free(to);
    free(folder);
    return st;
}

// Was the file of a task's last commit put away: kept, since its task is to have another value, or
// removed by `gc`?
static bool is_put_away(const char *output, const journal_task *t)
{
    kept_result kept;
    if (store_present(output, t->commit))
        return false;
    kept_place(t->commit, &kept);
    return t->removed || store_present(output, &kept.commit);
}

// A file that is not what was committed, as status_text() says; moved away where it is there.
static status tell_bad(const char *output, const char *path, const char *then, FILE *out)
{
    status st = OK;
    fprintf(out, ": %s\n", status_text());
    char *file = file_join(output, path);
    if (file && file_exists(file))
        st = quarantine_file(output, path, then, out);
    free(file);
    return st;
}

static status check_artefacts(const char *output, const journal_state *known, size_t *bad,
                              FILE *out)
{
    status st = OK;
    size_t good = 0;
    for (size_t i = 0; i < journal_tasks(known) && st == OK; i++) {
        const journal_task *t = journal_task_at(known, i);
        if (!t->commit || is_put_away(output, t))
            continue;
        status found = store_verify(output, t->commit);
        if (found == OK) {
            good++;
            continue;
        }
        if (found != ERR_INPUT)
            return found;
        ++*bad;
        fprintf(out, "bad   %s", t->label);
        st = tell_bad(output, t->commit->path, "the next run makes it again", out);
    }
    fprintf(out, "%zu artefacts are as they were committed, %zu are not\n", good, *bad);
    return st;
}

// Is a file that is kept one of those that were committed under its key? ERR_INPUT: none of them.
static status verify_kept(const char *output, const journal_state *known, const char *path)
{
    kept_result kept;
    char key[DIGEST_HEX];
    status st = OK;
    snprintf(key, sizeof key, "%s", path + strlen(KEPT_FOLDER "/"));
    for (const journal_commit *c = journal_find_key(known, key, NULL); c;
         c = journal_find_key(known, key, c)) {
        kept_place(c, &kept);
        if ((st = store_verify(output, &kept.commit)) == OK)
            break;
    }
    return st;
}

static status check_kept(const char *output, const journal_state *known, size_t *bad, FILE *out)
{
    status st;
    size_t good = 0, damaged = 0;
    file_list files = {0};
    TRY(kept_list(output, &files));
    for (size_t i = 0; i < files.n; i++) {
        status found = verify_kept(output, known, files.path[i]);
        good += found == OK;
        if (found == OK)
            continue;
        if (found != ERR_INPUT)
            TRY(found);
        damaged++;
        fprintf(out, "bad   %s", files.path[i]);
        TRY(tell_bad(output, files.path[i], "it is made again where it is asked for", out));
    }
    if (files.n > 0)
        fprintf(out, "%zu that are kept are as they were committed, %zu are not\n", good, damaged);
    *bad += damaged;
done:
    file_list_free(&files);
    return st;
}

typedef struct checkpoints {
    const char *output;
    size_t good, bad;
    FILE *out;
} checkpoints;

static status check_checkpoint(void *context, const char *name)
{
    checkpoints *c = context;
    checkpoint_file s = {0};
    char *path = file_join(c->output, name);
    if (!path)
        return status_no_memory("a path");
    status st = checkpoint_file_open(path, &s);
    checkpoint_file_close(&s);
    if (st == OK) {
        c->good++;
    } else if (st == ERR_INPUT && file_exists(path)) { // else its task was just finished
        c->bad++;
        fprintf(c->out, "bad   %s\n", status_text());
        st = quarantine_file(c->output, name, "the task starts anew", c->out);
    } else if (st == ERR_INPUT) {
        st = OK;
    }
    free(path);
    return st;
}

static status check_checkpoints(const char *output, size_t *bad, FILE *out)
{
    checkpoints c = {output, 0, 0, out};
    status st = checkpoint_file_each(output, check_checkpoint, &c);
    if (st == OK && c.good + c.bad > 0)
        fprintf(out, "%zu checkpoints are whole, %zu are not\n", c.good, c.bad);
    *bad += c.bad;
    return st;
}

static status check_inputs(const journal_state *known, size_t *bad, FILE *out)
{
    status st;
    inputs *in = NULL;
    char hex[DIGEST_HEX];
    size_t same = 0;
    TRY(inputs_new(NULL, &in));
    for (size_t i = 0; i < journal_inputs(known); i++) {
        const journal_input *used = journal_input_at(known, i);
        status found = inputs_take(in, used->path, hex);
        if (found != OK && found != ERR_INPUT) {
            st = found;
            goto done;
        }
        bool equal = found == OK && strcmp(hex, used->digest) == 0;
        same += equal;
        *bad += !equal;
        if (!equal)
            fprintf(out, "input %s %s\n", used->path,
                    found == OK ? "has other bytes than when it was used" : "cannot be read");
    }
    fprintf(out, "%zu input files are as they were used\n", same);
done:
    inputs_free(in);
    return st;
}

status view_fsck(const char *output, bool with_inputs, FILE *out)
{
    status st;
    size_t bad = 0;
    journal_state *known = NULL;
    char *path = file_join(output, JOURNAL_NAME);
    if (!path || !file_exists(path)) {
        st = path ? status_fail(ERR_INPUT, output,
                                "holds no " JOURNAL_NAME "; name the output "
                                "folder of a pipeline")
                  : status_no_memory("a path");
        goto done;
    }
    TRY(journal_load(output, &known));
    journal_summary run = journal_summarize(known);
    if (run.skipped > 0)
        fprintf(out, "journal: %lld damaged lines are skipped\n", (long long)run.skipped);
    TRY(check_artefacts(output, known, &bad, out));
    TRY(check_kept(output, known, &bad, out));
    TRY(check_checkpoints(output, &bad, out));
    if (with_inputs)
        TRY(check_inputs(known, &bad, out));
    if (bad > 0)
        st = status_fail(ERR_INPUT, output, "%zu files are not as recorded; run the pipeline again",
                         bad);
done:
    journal_state_free(known);
    free(path);
    return st;
}
