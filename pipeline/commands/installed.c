// SPDX-License-Identifier: Apache-2.0
// The examples are found from where the program lies, never from where it was built: an installed
// tree may be moved, packed or mounted elsewhere. Known numbers are means over whole variables with
// a tolerance, since another CPU gives other last bits.
#include "pipeline/commands/installed.h"

#include <fts.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/run/run.h"
#include "pipeline/store/artefact_file.h"

#ifndef SULCUS_SHARE // from the program's folder, by CMakeLists.txt
#define SULCUS_SHARE "../share/sulcus"
#endif

static const char marker[] = "examples/smoke/smoke.yaml"; // below the folder that is looked for

// --- Where

// The folder that holds examples/ and yaml/: installed, or the tree whose build/ the program is in.
// Owned by the caller.
static status find_share(char **out)
{
    static const char *const places[] = {SULCUS_SHARE, "..", "../.."};
    char program[4096];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0)
        return status_fail_errno(ERR_INPUT, "/proc/self/exe", "cannot read");
    program[n] = 0;
    char *folder = file_folder(program);
    if (!folder)
        return status_no_memory("a path");
    status st = ERR_INPUT;
    for (size_t i = 0; i < sizeof places / sizeof *places && st == ERR_INPUT; i++) {
        char *place = file_join(folder, places[i]);
        char *mark = place ? file_join(place, marker) : NULL;
        if (!mark)
            st = status_no_memory("a path");
        else if (file_exists(mark))
            st = OK;
        *out = st == OK ? place : NULL;
        if (st != OK)
            free(place);
        free(mark);
    }
    if (st == ERR_INPUT)
        status_fail(st, folder,
                    "no %s/%s from here; install the program with `cmake --install`, "
                    "which brings the examples",
                    SULCUS_SHARE, marker);
    free(folder);
    return st;
}

// --- Copies

static status copy_file(const char *from, const char *to, size_t *made)
{
    mapping source = {0}, present = {0};
    status st = file_map(from, &source);
    if (st != OK)
        return st;
    if (!file_exists(to)) {
        st = file_write_atomic(to, source.bytes, source.size);
        ++*made;
    } else {
        TRY(file_map(to, &present));
        if (present.size != source.size || memcmp(present.bytes, source.bytes, source.size) != 0)
            st = status_fail(ERR_USAGE, to,
                             "exists and is another file; give a folder: sulcus quickstart FOLDER");
        file_unmap(&present);
    }
done:
    file_unmap(&source);
    return st;
}

// Copies a file, or a folder and all below it, to the same place below `folder`.
static status copy_tree(const char *from, const char *name, const char *folder, size_t *made)
{
    status st = OK;
    char *root = file_join(from, name);
    FTS *walk =
        root ? fts_open((char *const[]){root, NULL}, FTS_LOGICAL | FTS_NOCHDIR, NULL) : NULL;
    if (!walk)
        st = status_no_memory("a list of files");
    for (FTSENT *e; st == OK && (e = fts_read(walk));) {
        char *to = file_join(folder, e->fts_path + strlen(from) + 1);
        if (!to)
            st = status_no_memory("a path");
        else if (e->fts_info == FTS_D)
            st = file_make_folders(to);
        else if (e->fts_info == FTS_F)
            st = copy_file(e->fts_path, to, made);
        free(to);
    }
    if (walk)
        fts_close(walk);
    free(root);
    return st;
}

status installed_copy(const char *folder, FILE *out)
{
    status st;
    char *from = NULL, *yaml = file_join(folder, "yaml");
    size_t made = 0;
    TRY(yaml ? OK : status_no_memory("a path"));
    TRY(find_share(&from));
    TRY(file_make_folders(yaml));
    TRY(copy_tree(from, "examples", folder, &made));
    TRY(copy_tree(from, "yaml/quickstart.yaml", folder, &made));
    fprintf(out, "%zu files copied. Run it, and look at the report:\n", made);
    fprintf(out, "  mpirun -n 2 sulcus run %s/quickstart.yaml\n", yaml);
    fprintf(out, "  sulcus report %s/quickstart.yaml\n", yaml);
done:
    free(from);
    free(yaml);
    return st;
}

// --- Smoke

static void remove_tree(char *folder)
{
    FTS *walk = fts_open((char *const[]){folder, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    for (FTSENT *e; walk && (e = fts_read(walk));)
        if (e->fts_info != FTS_D)
            remove(e->fts_path);
    if (walk)
        fts_close(walk);
}

// The mean over all values of a variable.
static status mean_of(const char *path, const char *name, double *mean)
{
    status st;
    artefact *a = NULL;
    double *values = NULL;
    variable_type type;
    int dims;
    int64_t lengths[VARIABLE_MAX_DIMS], n = 1;
    TRY(artefact_open(path, &a));
    TRY(artefact_shape(a, name, &type, &dims, lengths));
    for (int i = 0; i < dims; i++)
        n *= lengths[i];
    values = checked_calloc((size_t)n, sizeof *values);
    TRY(values ? OK : status_no_memory(name));
    TRY(artefact_read(a, name, VARIABLE_F64, values));
    *mean = 0;
    for (int64_t i = 0; i < n; i++)
        *mean += values[i] / (double)n;
done:
    free(values);
    artefact_close(a);
    return st;
}

// Holds the artefacts against the lines of a file: ARTEFACT VARIABLE MEAN TOLERANCE, the last as a
// share of the mean.
static status check_numbers(const char *known, const char *output, int *checked)
{
    status st = OK;
    char *bytes = NULL, *rest = NULL, *path = NULL;
    size_t size;
    TRY(file_read(known, 1 << 16, &bytes, &size));
    for (char *line = strtok_r(bytes, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char file[64], name[64];
        double want, tolerance, found;
        if (line[0] == '#')
            continue;
        if (sscanf(line, "%63s %63s %lf %lf", file, name, &want, &tolerance) != 4)
            TRY(status_fail(ERR_INPUT, known, "cannot read `%s`", line));
        free(path);
        path = file_join(output, file);
        TRY(path ? OK : status_no_memory("a path"));
        TRY(mean_of(path, name, &found));
        if (!(fabs(found - want) <= tolerance * fabs(want)))
            TRY(status_fail(ERR_NUMERIC, "smoke",
                            "%s of %s is %.9g on average, and should be %.9g; see `sulcus doctor`",
                            name, file, found, want));
        ++*checked;
    }
done:
    free(path);
    free(bytes);
    return st;
}

// "output=FOLDER", FOLDER made just now on rank 0, and the installed pipeline, on all ranks.
static status prepare_smoke(comm *c, char **from, char **output)
{
    status st = OK;
    size_t share_size = 0, output_size = 0;
    if (comm_rank(c) == 0) {
        const char *scratch = getenv("TMPDIR");
        st = find_share(from);
        *output = text_format("output=%s/sulcus-smoke.XXXXXX", scratch ? scratch : "/tmp");
        if (st == OK && !*output)
            st = status_no_memory("a path");
        if (st == OK && !mkdtemp(strchr(*output, '=') + 1))
            st = status_fail_errno(ERR_IO, strchr(*output, '=') + 1, "cannot make a folder");
        share_size = *from ? strlen(*from) + 1 : 0;
        output_size = *output ? strlen(*output) + 1 : 0;
    }
    TRY(comm_agree(c, st));
    TRY(comm_agree(c, comm_broadcast_block(c, 0, (void **)from, &share_size)));
    TRY(comm_agree(c, comm_broadcast_block(c, 0, (void **)output, &output_size)));
done:
    return st;
}

status installed_smoke(comm *c, const registry *r, stop_watch *watch_signals, FILE *out)
{
    status st;
    char *from = NULL, *output = NULL, *pipeline = NULL, *known = NULL;
    int checked = 0;
    TRY(prepare_smoke(c, &from, &output));
    pipeline = file_join(from, marker);
    known = file_join(from, "examples/smoke/known.txt");
    TRY(comm_agree(c, pipeline && known ? OK : status_no_memory("a path")));
    const run_options o = {.pipeline = pipeline,
                           .overrides = (const char *const[]){output},
                           .n_overrides = 1,
                           .quiet = true,
                           .command = "sulcus --smoke",
                           .watch_signals = watch_signals};
    st = run_pipeline(c, r, &o);
    if (st == OK)
        st = comm_agree(
            c, comm_rank(c) == 0 ? check_numbers(known, strchr(output, '=') + 1, &checked) : OK);
    if (comm_rank(c) == 0)
        remove_tree(strchr(output, '=') + 1);
    if (comm_rank(c) == 0 && st == OK)
        fprintf(out, "smoke: OK, %d numbers as they should be on %d ranks\n", checked,
                comm_ranks(c));
done:
    free(known);
    free(pipeline);
    free(output);
    free(from);
    return st;
}
