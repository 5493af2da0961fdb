// SPDX-License-Identifier: Apache-2.0
// The program: its commands, MPI's start and end, and exit codes. The one file with
// MPI_COMM_WORLD and exit.
#include <errno.h>
#include <malloc.h>
#include <mpi.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/comm/comm.h"
#include "pipeline/comm/launch.h"
#include "pipeline/commands/describe.h"
#include "pipeline/commands/doctor.h"
#include "pipeline/commands/installed.h"
#include "pipeline/commands/version.h"
#include "pipeline/commands/views.h"
#include "pipeline/machine/descriptors.h"
#include "pipeline/machine/guarded.h"
#include "pipeline/machine/loading.h"
#include "pipeline/machine/signals.h"
#include "pipeline/machine/stacks.h"
#include "pipeline/results/results.h"
#include "pipeline/run/run.h"
#include "pipeline/shell/command_line.h"
#include "pipeline/shell/completion.h"
#include "pipeline/shell/man_page.h"
#include "stages/registry.h"

// --- Commands with MPI

static void report(status st)
{
    if (st != OK && status_text()[0])
        fprintf(stderr, "sulcus: error: %s\n", status_text());
}

// What was said to a reader that has gone, as in `run | head`, is dropped: a run does not end for it.
static void flush_output(void)
{
    if (fflush(stdout) != 0 && errno == EPIPE && !freopen("/dev/null", "w", stdout))
        report(status_fail_errno(ERR_IO, "/dev/null", "cannot open"));
}

// Starts MPI, calls `body` on all ranks, ends MPI. The failure is reported here, by rank 0: mpirun
// kills it as soon as another rank has ended with an error.
static status with_ranks(const command_line *line, status (*body)(comm *, const command_line *))
{
    comm *c = NULL;
    int rank;
    signal(SIGPIPE, SIG_IGN); // (only here: `describe | head` ends as any tool does)
    // A rank that waits for others must leave its core to those that compute.
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
    // A process that nothing launched needs no daemon of its own, which takes 0.2 s to come up.
    setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
    int given; // teams look at it
    status st = descriptors_raise();
    if (st != OK)
        return st;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &given) != MPI_SUCCESS)
        return status_fail(ERR_INTERNAL, NULL,
                           "MPI does not start; `mpirun -n 1 hostname` says why");
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    st = comm_new(MPI_Comm_c2f(MPI_COMM_WORLD), &c);
    if (st == OK)
        st = body(c, line);
    flush_output();
    if (rank == 0)
        report(st);
    status_carry(st, "");
    comm_free(c);
    MPI_Finalize();
    return st;
}

// A command line that ranks found wrong, or had no memory for.
static status wrong_body(comm *c, const command_line *line)
{
    return comm_agree(c, status_carry(line->failure, status_text()));
}

static dag_selection selection_of(const command_line *line)
{
    return (dag_selection){command_line_option(line, "--from"), command_line_option(line, "--only"),
                           command_line_option(line, "--force"), command_line_option(line, "--to")};
}

static status run_body(comm *c, const command_line *line)
{
    char *typed = command_line_text(line);
    status st = comm_agree(c, typed ? OK : status_no_memory("the command line"));
    if (st == OK)
        st = launch_check(c);
    const run_options o = {.pipeline = line->arguments[0],
                           .overrides = line->overrides,
                           .n_overrides = line->n_overrides,
                           .selection = selection_of(line),
                           .quiet = command_line_option(line, "--quiet") != NULL,
                           .command = typed,
                           .watch_signals = signals_watch};
    if (st == OK)
        st = run_pipeline(c, &sulcus_registry, &o);
    free(typed);
    return st;
}

static status run_command(const command_line *line)
{
    return with_ranks(line, run_body);
}

static status doctor_body(comm *c, const command_line *line)
{
    return doctor(c, &sulcus_registry, line->n_arguments ? line->arguments[0] : ".",
                  line->overrides, line->n_overrides);
}

static status doctor_command(const command_line *line)
{
    return with_ranks(line, doctor_body);
}

static status smoke_body(comm *c, const command_line *line)
{
    (void)line;
    return installed_smoke(c, &sulcus_registry, signals_watch, stdout);
}

static status smoke_command(const command_line *line)
{
    return with_ranks(line, smoke_body);
}

// --- Commands without

static status quickstart_command(const command_line *line)
{
    return installed_copy(line->n_arguments ? line->arguments[0] : ".", stdout);
}

static status describe_command(const command_line *line)
{
    const char *keys_of = command_line_option(line, "--keys");
    if (keys_of)
        return describe_keys(&sulcus_registry, keys_of, stdout);
    if (command_line_option(line, "--man"))
        return man_page_write(&sulcus_registry, line->commands, stdout);
    if (command_line_option(line, "--completion"))
        return completion_write(&sulcus_registry, line->commands, stdout);
    if (command_line_option(line, "--schema"))
        return describe_schema(&sulcus_registry, stdout);
    return describe_text(&sulcus_registry, line->n_arguments ? line->arguments[0] : NULL, stdout);
}

// The pipeline file and overrides of a command line.
static view_source source_of(const command_line *line)
{
    return (view_source){.path = line->arguments[0],
                         .overrides = line->overrides,
                         .n_overrides = line->n_overrides,
                         .registry = &sulcus_registry};
}

static status plan_command(const command_line *line)
{
    view_source source = source_of(line);
    source.selection = selection_of(line);
    return view_plan(&source, command_line_option(line, "--dot") != NULL,
                     command_line_option(line, "--inputs") != NULL, stdout);
}

static status status_command(const command_line *line)
{
    view_source source = source_of(line);
    return view_status(&source, command_line_option(line, "--json") != NULL, stdout);
}

static status report_command(const command_line *line)
{
    view_source source = source_of(line);
    return view_report(&source, command_line_option(line, "--columns"),
                       command_line_option(line, "--dpi"), stdout);
}

static status explain_command(const command_line *line)
{
    view_source source = source_of(line);
    return view_explain(&source, line->arguments[1], stdout);
}

// Commands that look at artefacts nobody has vouched for.
static status guarded(const command_line *line, status (*look)(const void *line))
{
    return guarded_look(line->arguments, (size_t)line->n_arguments, look, line);
}

static status inspect_look(const void *line)
{
    return view_inspect(&sulcus_registry, ((const command_line *)line)->arguments[0], stdout);
}

static status inspect_command(const command_line *line)
{
    return guarded(line, inspect_look);
}

static status table_look(const void *context)
{
    const command_line *line = context;
    return results_table(line->arguments[0], command_line_option(line, "--variable"),
                         command_line_option(line, "--csv") != NULL, stdout);
}

static status table_command(const command_line *line)
{
    return guarded(line, table_look);
}

static status top_look(const void *context)
{
    const command_line *line = context;
    return results_top(line->arguments[0], command_line_option(line, "--subset"),
                       command_line_option(line, "--number"),
                       command_line_option(line, "--csv") != NULL, stdout);
}

static status top_command(const command_line *line)
{
    return guarded(line, top_look);
}

static status compare_look(const void *context)
{
    const command_line *line = context;
    return results_compare(line->arguments[0], line->arguments[1],
                           command_line_option(line, "--csv") != NULL, stdout);
}

static status compare_command(const command_line *line)
{
    return guarded(line, compare_look);
}

static status export_command(const command_line *line)
{
    return view_export(&sulcus_registry, line->arguments[0], command_line_option(line, "--forget"),
                       command_line_option(line, "--model"), line->arguments[1], stdout);
}

static status gc_command(const command_line *line)
{
    view_source source = source_of(line);
    return view_gc(&source, command_line_option(line, "--remove") != NULL, stdout);
}

static status fsck_command(const command_line *line)
{
    return view_fsck(line->arguments[0], command_line_option(line, "--inputs") != NULL, stdout);
}

static status version_command(const command_line *line)
{
    return version_print(&sulcus_registry, command_line_option(line, "--json") != NULL, stdout);
}

#define OVERRIDE                                                                                   \
    {                                                                                              \
        "--set", "-s", "KEY.PATH=VALUE", "replaces a value of the pipeline file; may be repeated"  \
    }

#define SELECTION                                                                                  \
    {"--from", NULL, "STEP", "only this step and everything below it"},                            \
        {"--to", NULL, "STEP", "only this step and everything that it needs"},                     \
        {"--only", NULL, "STEP", "only this step"},                                                \
    {                                                                                              \
        "--force", NULL, "STEP", "runs this step again though it is finished"                      \
    }

// Options of `run` that a command takes, so that its line can be that of `run`, and does not need.
#define OF_RUN(name, value)                                                                        \
    {                                                                                              \
        name, NULL, value, "taken because `run` takes it; changes nothing here"                    \
    }
#define ALL_OF_RUN                                                                                 \
    OF_RUN("--from", "STEP"), OF_RUN("--to", "STEP"), OF_RUN("--only", "STEP"),                    \
        OF_RUN("--force", "STEP"), OF_RUN("--quiet", NULL)

#define CSV                                                                                        \
    {                                                                                              \
        "--csv", NULL, NULL, "as CSV, numbers in full"                                             \
    }

static const command_def commands[] = {
    {"run",
     "PIPELINE",
     1,
     1,
     "runs what is not finished; the same command again goes on after a stop",
     {OVERRIDE, SELECTION, {"--quiet", NULL, NULL, "no progress"}},
     run_command},
    {"plan",
     "PIPELINE",
     1,
     1,
     "every task: finished or to run and why, units, predicted memory, disk and time",
     {OVERRIDE,
      {"--dot", NULL, NULL, "the graph, for Graphviz"},
      {"--inputs", NULL, NULL, "looks at every record too: each image's first bytes, each id"},
      SELECTION,
      OF_RUN("--quiet", NULL)},
     plan_command},
    {"status",
     "PIPELINE",
     1,
     1,
     "what runs, what is done, how long it will take; also while it runs",
     {OVERRIDE, {"--json", NULL, NULL, "for programs"}, ALL_OF_RUN},
     status_command},
    {"report",
     "PIPELINE",
     1,
     1,
     "writes figures and a page from what is finished to OUTPUT/report",
     {OVERRIDE,
      {"--columns", NULL, "1|2", "figures (PDF, PNG) as wide as 1 or 2 columns of a paper"},
      {"--dpi", NULL, "N", "dots per inch of the PNG figures (192)"},
      ALL_OF_RUN},
     report_command},
    {"explain",
     "PIPELINE TASK",
     2,
     2,
     "which field of a task's key changed since it was last run",
     {OVERRIDE},
     explain_command},
    {"inspect",
     "PATH",
     1,
     1,
     "what a model, a weight file, a dataset, an artefact or an output folder holds",
     {{0}},
     inspect_command},
    {"table",
     "FILE|RUN",
     1,
     1,
     "the numbers of an artefact, or of all of a run (its output folder), a row each",
     {{"--variable", NULL, "NAME", "this variable only: accuracy, overlap, ..."}, CSV},
     table_command},
    {"top",
     "FILE",
     1,
     1,
     "the neurons most specific to a subset, from an artefact of scores, and what else they serve",
     {{"--subset", NULL, "SUBSET", "the subset"},
      {"--number", "-n", "N", "how many of each site; 20 where absent"},
      CSV},
     top_command},
    {"compare",
     "FILE|RUN FILE|RUN",
     2,
     2,
     "which numbers of two artefacts or runs differ, by how much, and beyond their intervals?",
     {CSV},
     compare_command},
    {"export",
     "FILE|RUN FOLDER",
     2,
     2,
     "a pruning, or all of a run, as model folders without the pruned neurons",
     {{"--forget", NULL, "SUBSET", "what was unlearned; every subset where absent"},
      {"--model", NULL, "PATH", "where the model is now, if it is not where it was"}},
     export_command},
    {"gc",
     "PIPELINE",
     1,
     1,
     "lists what lies in OUTPUT and no pipeline file refers to: other values' results",
     {OVERRIDE, {"--remove", NULL, NULL, "and removes it"}},
     gc_command},
    {"fsck",
     "FOLDER",
     1,
     1,
     "compares an output folder's artefacts with their digests; sets bad ones aside",
     {{"--inputs", NULL, NULL, "and the files they were made from"}},
     fsck_command},
    {"describe",
     "[STAGE]",
     0,
     1,
     "the stages and their parameters",
     {{"--schema", NULL, NULL, "a JSON schema of pipeline files, for editors"},
      {"--man", NULL, NULL, "the manual page"},
      {"--completion", NULL, NULL, "a script by which bash completes sulcus's command lines"},
      {"--keys", NULL, "PIPELINE", "every KEY.PATH that -s can give a value in that file"}},
     describe_command},
    {"doctor",
     "[PIPELINE|FOLDER]",
     0,
     1,
     "tries the machines a pipeline will run on, and prints the line that mends what is wrong",
     {OVERRIDE, ALL_OF_RUN},
     doctor_command},
    {"quickstart",
     "[FOLDER]",
     0,
     1,
     "copies the example pipeline, its models and its data to where you are, or to a folder",
     {{0}},
     quickstart_command},
    {"--smoke",
     "",
     0,
     0,
     "runs a pipeline of seconds and holds its numbers against known ones: does it work here?",
     {{0}},
     smoke_command},
    {"--version",
     "",
     0,
     0,
     "version, commit and compiler of this program, its libraries, and the kernels it runs here",
     {{"--json", NULL, NULL, "for programs"}},
     version_command},
    {0},
};

// A command of one process is refused on each rank without MPI, which would wait for ranks that a
// script gave something else to do. What needs no files is of the machine: every node may be asked.
static status do_command(const command_line *line)
{
    const command_def *c = line->command;
    const bool alone = c->least > 0 && c->run != run_command;
    const status st = alone ? launch_check_alone(c->name) : OK;
    return st == OK ? c->run(line) : st;
}

int main(int argc, char **argv)
{
    command_line line = {0};
    loading_end();
    stacks_widen();
    // One rank writes a file, under a name of its own, and it is read once it is whole: HDF5 need not
    // lock it, which many file systems cannot.
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0);
    // Blocks of a few MB go back to the system when they are freed, so that what a task holds is
    // what `plan` says, and not what the heap kept between two of them.
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    signal(SIGXFSZ, SIG_IGN); // a file that would be too large is an error of who writes it
    status st = command_line_parse(commands, argc, argv, &line);
    line.failure = st;
    if (st != OK && launch_known())
        st = with_ranks(&line, wrong_body);
    else if (st == OK && line.help)
        command_line_help(commands, line.command, stdout);
    else if (st == OK)
        st = do_command(&line);
    command_line_free(&line);
    if (st == OK && fflush(stdout) != 0)
        st = status_fail_errno(ERR_IO, "stdout", "cannot write");
    report(st);
    return (int)st;
}
