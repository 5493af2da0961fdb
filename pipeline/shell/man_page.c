// SPDX-License-Identifier: Apache-2.0
// What a table of the program says is printed from it; what only a manual says (environment, files,
// examples) stands here as tables too. Only characters that both groff and mandoc show as typed are
// used: roff would make typographic ones of `-`, `'` and `^`, which do not work when copied into a
// shell. No date, since the page must not differ between two builds of a version.
#include "pipeline/shell/man_page.h"

#include <string.h>

#include "pipeline/commands/describe.h"
#include "pipeline/dag/pipeline_file.h"

// A row of a list: what is meant, and what is said of it.
typedef struct entry {
    const char *name, *text;
} entry;

static const char *const description[] = {
    "Which neurons of a transformer serve which task, how far can they be separated, and do they "
    "sit in clusters? `sulcus` answers that for models and datasets that are named in one YAML "
    "file, together with the steps to run on them: the pipeline file.",
    "A step becomes one task, or several where a parameter is given a list of values. `run` does "
    "what is not finished: a task is run again only when its parameters or the contents of its "
    "inputs have changed. It may be started by mpirun(1) or srun(1) on any number of ranks, and "
    "stopped at any moment; the same command goes on, and the bits of the results do not depend "
    "on either.",
    "An error is one line on stderr: `sulcus: error: ` WHERE`: ` WHAT`; ` WHAT TO DO.",
    NULL,
};

static const entry environment[] = {
    {"TMPDIR",
     "the folder for tokens that do not fit into memory, and for what the ranks of a node "
     "share where /dev/shm is too small; /tmp where unset"},
    {"SULCUS_LEASE_WAIT", "seconds to wait for another run in the same output folder to end or to "
                          "show that it is dead, before this one ends with 75; 30 where unset"},
    {"SLURM_JOB_END_TIME", "set by Slurm: a run ends in time before it, with 75"},
    {"SLURM_CPUS_PER_TASK, SLURM_CPUS_ON_NODE, SLURM_MEM_PER_NODE, SLURM_MEM_PER_CPU, PBS_RESC_MEM",
     "set by the scheduler: what the job may use of a node, where no cgroup says less"},
    {"HDF5_USE_FILE_LOCKING", "FALSE where unset: one rank writes a file, and others read it once "
                              "it is whole"},
    {"OPENBLAS_CORETYPE", "the CPU whose kernels OpenBLAS takes, where `sulcus doctor` says that "
                          "those of its own choice multiply wrongly"},
    {"DNNL_MAX_CPU_ISA", "the most that matrix products may use of the CPU's instructions"},
    {"OMPI_MCA_btl_vader_single_copy_mechanism, OMPI_MCA_smsc",
     "none, and of Open MPI 5 ^cma: the ranks of a node do not read each other's memory, which "
     "containers often forbid"},
    {"OMPI_MCA_osc_sm_backing_directory",
     "the folder of the memory that the ranks of a node share; /dev/shm where unset"},
    {"SULCUS_NODES, SULCUS_CPU, SULCUS_HOST, SULCUS_ROOT, SULCUS_STATS",
     "for tests only: machines cut into several nodes, other names of CPU and machine, another "
     "root "
     "of /proc and /sys, a line of timing for each wave"},
    {NULL, NULL},
};

static const entry files[] = {
    {"OUTPUT/STEP/AXIS=VALUE.nc",
     "the artefact of a task, in NetCDF; absent or complete. all.nc for a step without sweeps"},
    {"OUTPUT/journal.jsonl", "what was run and what came of it, a line an event; only appended to"},
    {"OUTPUT/lease", "who runs in this folder; there while a run lasts"},
    {"OUTPUT/checkpoints/", "checkpoints of unfinished tasks"},
    {"OUTPUT/quarantine/", "artefacts that `sulcus fsck` found to be damaged"},
    {"OUTPUT/report/", "what `sulcus report` writes: index.html, and each figure as SVG, PNG, CSV "
                       "and gnuplot script"},
    {NULL, NULL},
};

static const entry examples[] = {
    {"sulcus plan yaml/quickstart.yaml", "every task, and whether and why it would run"},
    {"mpirun -n 2 sulcus run yaml/quickstart.yaml", "on two ranks; on one without mpirun"},
    {"sulcus run yaml/quickstart.yaml -s compute=bf16 -s steps.unlearn.drop='[0.2, 0.5]'",
     "with two values replaced"},
    {"sulcus explain yaml/quickstart.yaml 'unlearn[drop=0.5]' -s steps.unlearn.seeds=2",
     "why that task would run again"},
    {"sulcus describe prune", "one stage and its parameters"},
    {"sulcus describe --schema >pipeline.schema.json", "for completion in editors"},
    {". <(sulcus describe --completion)", "for completion in bash, where it is not installed"},
    {NULL, NULL},
};

// --- roff

// Text as roff shows it unchanged; what stands between `backquotes` is bold.
static void put(FILE *out, const char *string)
{
    static const char *const escaped[256] = {['\\'] = "\\e",  ['-'] = "\\-",   ['\''] = "\\(aq",
                                             ['^'] = "\\(ha", ['~'] = "\\(ti", ['|'] = "|\\:"};
    bool bold = false;
    if (*string == '.') // not a macro
        fputs("\\&", out);
    for (const unsigned char *at = (const unsigned char *)string; *at; at++)
        if (*at == '`')
            fputs((bold = !bold) ? "\\fB" : "\\fR", out);
        else if (escaped[*at])
            fputs(escaped[*at], out);
        else
            fputc(*at, out);
}

// A macro with one argument, or none (NULL).
static void put_macro(FILE *out, const char *macro, const char *argument)
{
    fprintf(out, ".%s", macro);
    if (argument) {
        fputs(" \"", out);
        put(out, argument);
        fputc('"', out);
    }
    fputc('\n', out);
}

static void put_line(FILE *out, const char *string)
{
    put(out, string);
    fputc('\n', out);
}

// An entry of a list: bold what it is of, then what is said of it.
static void put_entry(FILE *out, const char *name, const char *string)
{
    put_macro(out, "TP", NULL);
    put_macro(out, "B", name);
    put_line(out, string);
}

static void put_entries(FILE *out, const char *section, const entry *list)
{
    put_macro(out, "SH", section);
    for (; list->name; list++)
        put_entry(out, list->name, list->text);
}

// --- Sections

static void put_usage(const command_def *c, FILE *out)
{
    fputs("\\fBsulcus ", out);
    put(out, c->name);
    fputs("\\fR ", out);
    if (c->options[0].name)
        fputs("[\\fIOPTION\\fR]... ", out);
    fprintf(out, "\\fI%s\\fR\n", c->arguments);
}

static void put_synopsis(const command_def *commands, FILE *out)
{
    put_macro(out, "SH", "SYNOPSIS");
    for (const command_def *c = commands; c->name; c++) {
        if (c != commands)
            put_macro(out, "br", NULL);
        put_usage(c, out);
    }
}

static void put_commands(const command_def *commands, FILE *out)
{
    put_macro(out, "SH", "COMMANDS");
    for (const command_def *c = commands; c->name; c++) {
        put_macro(out, "TP", NULL);
        put_usage(c, out);
        put_line(out, c->summary);
    }
}

static bool has_option(const command_def *c, const option_def *o)
{
    for (const option_def *own = c->options; own->name; own++)
        if (strcmp(own->name, o->name) == 0 && strcmp(own->help, o->help) == 0)
            return true;
    return false;
}

// An option, once, with all commands that have it: `first` is the first of them.
static void put_option(const command_def *first, const option_def *o, FILE *out)
{
    put_macro(out, "TP", NULL);
    fputs("\\fB", out);
    put(out, o->brief ? o->brief : "");
    put(out, o->brief ? ", " : "");
    put(out, o->name);
    fprintf(out, "\\fR \\fI%s\\fR\n", o->value ? o->value : "");
    put(out, o->help);
    for (const command_def *c = first; c && c->name; c++)
        if (has_option(c, o)) {
            put(out, c == first ? " (" : ", ");
            put(out, c->name);
        }
    put_line(out, first ? ")" : "");
}

static void put_options(const command_def *commands, FILE *out)
{
    put_macro(out, "SH", "OPTIONS");
    for (const command_def *c = commands; c->name; c++)
        for (const option_def *o = c->options; o->name; o++) {
            const command_def *first = commands;
            while (!has_option(first, o))
                first++;
            if (first == c)
                put_option(first, o, out);
        }
    put_option(NULL, &command_help, out);
}

static void put_params(const param_def *p, FILE *out)
{
    for (; p->name; p++) {
        text said = {0};
        text_addf(&said, "%s (", p->help);
        describe_values(p, &said);
        text_add(&said, ")");
        put_entry(out, p->name, text_get(&said));
        text_free(&said);
    }
}

static void put_pipeline_file(const registry *r, FILE *out)
{
    put_macro(out, "SH", "PIPELINE FILE");
    put_line(out, "A YAML file with these keys, and the sections below. Paths are relative to it.");
    put_params(pipeline_params, out);
    for (const resource_def *const *d = r->resources; *d; d++) {
        put_macro(out, "SS", (*d)->section);
        put(out, (*d)->summary);
        put(out, "; each has a name, by which a step's `");
        put(out, (*d)->parameter);
        put_line(out, ":` refers to it.");
        put_params((*d)->params, out);
    }
    put_macro(out, "SS", "steps");
    put_line(out, "what is run; each has a name, its stage, and the parameters of that stage. A "
                  "list where a parameter takes one value is a sweep.");
    put_params(step_params, out);
}

static void put_stages(const registry *r, FILE *out)
{
    put_macro(out, "SH", "STAGES");
    for (const stage_def *const *s = r->stages; *s; s++) {
        put_macro(out, "SS", (*s)->name);
        put(out, (*s)->summary);
        if ((*s)->inputs) {
            put(out, "; `from` ");
            put(out, (*s)->inputs);
            put(out, (*s)->inputs_required ? ", required" : "");
        }
        put_line(out, ".");
        put_params((*s)->params, out);
    }
}

static void put_exit_status(FILE *out)
{
    put_macro(out, "SH", "EXIT STATUS");
    for (const exit_code_def *e = exit_codes; e->meaning; e++) {
        char code[8];
        snprintf(code, sizeof code, "%d", (int)e->code);
        put_entry(out, code, e->meaning);
    }
}

status man_page_write(const registry *r, const command_def *commands, FILE *out)
{
    fputs(".TH SULCUS 1 \"\" \"sulcus " SULCUS_VERSION "\" \"User Commands\"\n", out);
    fputs(".nh\n.ad l\n", out); // names stay whole
    put_macro(out, "SH", "NAME");
    fputs("sulcus \\- which neurons of a transformer serve which task\n", out);
    put_synopsis(commands, out);
    put_macro(out, "SH", "DESCRIPTION");
    for (const char *const *paragraph = description; *paragraph; paragraph++) {
        if (paragraph != description)
            put_macro(out, "PP", NULL);
        put_line(out, *paragraph);
    }
    put_commands(commands, out);
    put_options(commands, out);
    put_pipeline_file(r, out);
    put_stages(r, out);
    put_exit_status(out);
    put_entries(out, "ENVIRONMENT", environment);
    put_entries(out, "FILES", files);
    put_entries(out, "EXAMPLES", examples);
    put_macro(out, "SH", "SEE ALSO");
    put_line(out,
             "`mpirun`(1), `ncdump`(1), `gnuplot`(1); Modularity in Transformers: Investigating "
             "Neuron Separability & Specialization, arXiv:2408.17324");
    return OK;
}
