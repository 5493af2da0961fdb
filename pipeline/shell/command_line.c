// SPDX-License-Identifier: Apache-2.0
// getopt_long is not used: what is parsed here is also what help, the manual page and completion
// print, and a mistyped word is answered with the nearest one. `--help` is the one option known
// without a table, since it must work where the rest of the line is wrong.
#include "pipeline/shell/command_line.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

const exit_code_def exit_codes[] = {
    {OK, "done"},
    {ERR_INTERNAL, "internal error, or out of memory"},
    {ERR_USAGE, "usage, or the pipeline file"},
    {ERR_INPUT, "an input file: model, data, artefact"},
    {ERR_IO, "reading or writing: disk full, permission"},
    {ERR_NUMERIC, "a number: NaN or out of range in weights, activations or sums"},
    {ERR_INTERRUPTED, "interrupted; the same command goes on"},
    {OK, NULL},
};

const option_def command_help = {"--help", "-h", NULL, "usage and options"};

static bool is_option(const option_def *o, const char *word, size_t length)
{
    return (strlen(o->name) == length && memcmp(o->name, word, length) == 0) ||
           (o->brief && strlen(o->brief) == length && memcmp(o->brief, word, length) == 0);
}

static const option_def *find_option(const command_def *c, const char *word, size_t length)
{
    for (const option_def *o = c->options; o->name; o++)
        if (is_option(o, word, length))
            return o;
    return NULL;
}

static status unknown_option(const command_def *c, const char *word)
{
    const char *candidates[COMMAND_OPTIONS + 1] = {command_help.name};
    size_t n = 1;
    for (const option_def *o = c->options; o->name; o++)
        candidates[n++] = o->name;
    const char *nearest = text_nearest(word, candidates, n);
    return status_fail(ERR_USAGE, c->name, "unknown option %s; %s%s", word,
                       nearest ? "did you mean " : "see `sulcus COMMAND --help`",
                       nearest ? nearest : "");
}

// The option at argv[*i], and its value, which may be the next word or follow a `=`.
static status parse_option(command_line *line, int *i)
{
    const command_def *c = line->command;
    const char *word = line->argv[*i], *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    const option_def *o = find_option(c, word, length);
    if (is_option(&command_help, word, strlen(word))) {
        line->help = true;
        return OK;
    }
    if (!o)
        return unknown_option(c, word);
    const char *value = equals ? equals + 1 : "";
    if (equals && !o->value)
        return status_fail(ERR_USAGE, c->name, "%s takes no value; leave out %s", o->name, equals);
    if (o->value && !equals) {
        if (*i + 1 == line->argc)
            return status_fail(ERR_USAGE, c->name, "%s lacks its value; write %s %s", o->name,
                               o->name, o->value);
        value = line->argv[++*i];
    }
    line->given[o - c->options] = value;
    if (o->brief && strcmp(o->brief, "-s") == 0)
        line->overrides[line->n_overrides++] = value;
    return OK;
}

static status find_command(const command_def *commands, const char *word, const command_def **out)
{
    const char *candidates[32];
    size_t n = 0;
    for (const command_def *c = commands; c->name && n < 32; c++) {
        candidates[n++] = c->name;
        *out = c;
        if (strcmp(c->name, word) == 0)
            return OK;
    }
    const char *nearest = text_nearest(word, candidates, n);
    return status_fail(ERR_USAGE, NULL, "unknown command %s; %s%s", word,
                       nearest ? "did you mean " : "see `sulcus --help`", nearest ? nearest : "");
}

static status parse_argument(command_line *line, const char *word)
{
    if (line->n_arguments == line->command->most)
        return status_fail(ERR_USAGE, line->command->name,
                           "unexpected argument %s; write sulcus %s %s", word, line->command->name,
                           line->command->arguments);
    line->arguments[line->n_arguments++] = word;
    return OK;
}

status command_line_parse(const command_def *commands, int argc, char **argv, command_line *out)
{
    status st = OK;
    command_line line = {.commands = commands, .argc = argc, .argv = argv};
    if (argc < 2)
        return status_fail(ERR_USAGE, NULL, "no command; see `sulcus --help`");
    if (is_option(&command_help, argv[1], strlen(argv[1]))) {
        line.help = true;
        *out = line;
        return OK;
    }
    line.overrides = checked_calloc((size_t)argc, sizeof *line.overrides);
    if (!line.overrides)
        return status_no_memory("the command line");
    TRY(find_command(commands, argv[1], &line.command));
    for (int i = 2; i < argc; i++)
        if (argv[i][0] == '-' && argv[i][1])
            TRY(parse_option(&line, &i));
        else
            TRY(parse_argument(&line, argv[i]));
    if (!line.help && line.n_arguments < line.command->least) {
        st =
            status_fail(ERR_USAGE, line.command->name, "an argument is missing; write sulcus %s %s",
                        line.command->name, line.command->arguments);
        goto done;
    }
    *out = line;
    line.overrides = NULL;
done:
    free(line.overrides);
    return st;
}

void command_line_free(command_line *line)
{
    free(line->overrides);
    line->overrides = NULL;
}

const char *command_line_option(const command_line *line, const char *name)
{
    const option_def *o = find_option(line->command, name, strlen(name));
    return o ? line->given[o - line->command->options] : NULL;
}

static void print_option(const option_def *o, FILE *out)
{
    text left = {0};
    text_addf(&left, "%s%s%s%s%s", o->brief ? o->brief : "", o->brief ? ", " : "", o->name,
              o->value ? " " : "", o->value ? o->value : "");
    fprintf(out, "  %-24s %s\n", text_get(&left), o->help);
    text_free(&left);
}

static void print_command(const command_def *c, FILE *out)
{
    fprintf(out, "sulcus %s %s\n  %s\n\n", c->name, c->arguments, c->summary);
    for (const option_def *o = c->options; o->name; o++)
        print_option(o, out);
    print_option(&command_help, out);
}

void command_line_help(const command_def *commands, const command_def *one, FILE *out)
{
    if (one) {
        print_command(one, out);
        return;
    }
    fprintf(out, "sulcus COMMAND ...: the regions of a transformer (mpirun -n RANKS sulcus run "
                 "PIPELINE)\n\n");
    for (const command_def *c = commands; c->name; c++) {
        text left = {0};
        text_addf(&left, "%s %s", c->name, c->arguments);
        fprintf(out, "  %-24s %s\n", text_get(&left), c->summary);
        text_free(&left);
    }
    fprintf(out, "\n`sulcus COMMAND --help` says more. Exit codes:\n\n");
    for (const exit_code_def *e = exit_codes; e->meaning; e++)
        fprintf(out, "  %-24d %s\n", (int)e->code, e->meaning);
}

char *command_line_text(const command_line *line)
{
    text t = {0};
    for (int i = 0; i < line->argc; i++)
        text_addf(&t, "%s%s", i ? " " : "", line->argv[i]);
    if (t.failed) {
        text_free(&t);
        return NULL;
    }
    return t.at;
}
