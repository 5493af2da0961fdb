// SPDX-License-Identifier: Apache-2.0
// What depends on time, host or ranks is an attribute, which no digest covers; a title or summary
// that a stage has set stays.
#include "pipeline/store/provenance.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/text.h"
#include "pipeline/store/artefact_file.h"
#include "pipeline/store/artefact_writer.h"

static const char *user_name(void)
{
    const struct passwd *user = getpwuid(geteuid());
    return user && user->pw_name ? user->pw_name : "unknown";
}

static status add_format(artefact_writer *w, const char *name, char *value)
{
    status st = value ? artefact_attribute(w, name, value) : status_no_memory(name);
    free(value);
    return st;
}

static status add_default(artefact_writer *w, const char *name, char *value)
{
    if (!artefact_writer_attribute(w, name))
        return add_format(w, name, value);
    free(value);
    return OK;
}

// One "name = value" a line.
static char *join_fields(const key_field *fields, size_t n)
{
    text t = {0};
    for (size_t i = 0; i < n; i++)
        text_addf(&t, "%s%s = %s", i ? "\n" : "", fields[i].name,
                  fields[i].value ? fields[i].value : "");
    if (t.failed || !t.at) {
        bool failed = t.failed;
        text_free(&t);
        return failed ? NULL : strdup("");
    }
    return t.at;
}

static status add_description(artefact_writer *w, const provenance *o)
{
    status st;
    char now[32];
    time_t seconds = time(NULL);
    struct tm utc;
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    TRY(artefact_attribute(w, "Conventions", "CF-1.8, ACDD-1.3"));
    TRY(add_default(w, "title", text_format("%s of %s", o->label, o->pipeline)));
    TRY(add_default(w, "summary",
                    text_format("Result of task %s (stage %s) of the sulcus pipeline %s.", o->label,
                                o->stage, o->pipeline)));
    TRY(add_default(w, "keywords", text_format("sulcus, %s", o->stage)));
    TRY(artefact_attribute(w, "source", "sulcus " SULCUS_VERSION));
    TRY(add_format(w, "history", text_format("%s sulcus %s: %s", now, SULCUS_VERSION, o->command)));
    TRY(artefact_attribute(w, "date_created", now));
    TRY(artefact_attribute(w, "creator_name", user_name()));
    TRY(artefact_attribute(w, "creator_type", "person"));
done:
    return st;
}

static status add_task(artefact_writer *w, const provenance *o)
{
    status st;
    TRY(artefact_attribute(w, "pipeline", o->pipeline));
    TRY(artefact_attribute(w, "pipeline_path", o->pipeline_path));
    TRY(artefact_attribute(w, "pipeline_text", o->pipeline_text));
    TRY(artefact_attribute(w, "task", o->label));
    TRY(artefact_attribute(w, "stage", o->stage));
    TRY(artefact_attribute(w, "task_key", o->key));
    TRY(add_format(w, "task_key_fields", join_fields(o->fields, o->n_fields)));
done:
    return st;
}

static status add_machine(artefact_writer *w, const provenance *o)
{
    status st;
    char name[512];
    if (gethostname(name, sizeof name) != 0)
        snprintf(name, sizeof name, "unknown");
    name[sizeof name - 1] = 0;
    TRY(artefact_attribute(w, "host", name));
    TRY(artefact_attribute(w, "cpu", o->cpus));
    TRY(add_format(w, "ranks", text_format("%d", o->ranks)));
    TRY(add_format(w, "threads", text_format("%d", o->threads)));
    TRY(add_format(w, "waiting", text_format("%.4f", o->waiting)));
    TRY(add_format(w, "epoch", text_format("%lld", (long long)o->epoch)));
    TRY(artefact_attribute(w, "netcdf", artefact_library()));
done:
    return st;
}

status provenance_add(artefact_writer *w, const provenance *origin)
{
    status st;
    TRY(add_description(w, origin));
    TRY(add_task(w, origin));
    TRY(add_machine(w, origin));
done:
    return st;
}
