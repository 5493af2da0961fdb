// SPDX-License-Identifier: Apache-2.0
// Options are one table of which each command takes some; what a command does not take is refused
// with the nearest that it does.
#include "pipeline/commands/command_line.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

static const option_def *find_option(const command_def *c, const char *word, size_t length)
{
    for (const option_def *o = c->options; o->name; o++)
        if ((strlen(o->name) == length && memcmp(o->name, word, length) == 0) ||
            (o->brief && strlen(o->brief) == length && memcmp(o->brief, word, length) == 0))
            return o;
    return NULL;
}

static status unknown_option(const command_def *c, const char *word)
{
    const char *candidates[COMMAND_OPTIONS + 1] = {"--help"};
    size_t n = 1;
    for (const option_def *o = c->options; o->name; o++)
        candidates[n++] = o->name;
    const char *nearest = text_nearest(word, candidates, n);
    return status_fail(ERR_USAGE, c->name, "unknown option %s; %s%s", word,
                       nearest ? "did you mean " : "see `sulcus COMMAND --help`",
                       nearest ? nearest : "");
}

// Takes the option at argv[*i], and its value, which may be the next word or follow a `=`.
static status take_option(command_line *line, int *i)
{
    const command_def *c = line->command;
    const char *word = line->argv[*i], *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    const option_def *o = find_option(c, word, length);
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
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

static status take_argument(command_line *line, const char *word)
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
    command_line line = {.argc = argc, .argv = argv};
    if (argc < 2)
        return status_fail(ERR_USAGE, NULL, "no command; see `sulcus --help`");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        line.help = true;
    if (strcmp(argv[1], "--version") == 0)
        line.version = true;
    if (line.help || line.version) {
        *out = line;
        return OK;
    }
    line.overrides = checked_calloc((size_t)argc, sizeof *line.overrides);
    if (!line.overrides)
        return status_no_memory("the command line");
    TRY(find_command(commands, argv[1], &line.command));
    for (int i = 2; i < argc; i++)
        if (argv[i][0] == '-' && argv[i][1])
            TRY(take_option(&line, &i));
        else
            TRY(take_argument(&line, argv[i]));
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

static void help_on(const command_def *c, FILE *out)
{
    fprintf(out, "sulcus %s %s\n  %s\n\n", c->name, c->arguments, c->summary);
    for (const option_def *o = c->options; o->name; o++) {
        text left = {0};
        text_addf(&left, "%s%s%s%s%s", o->brief ? o->brief : "", o->brief ? ", " : "", o->name,
                  o->value ? " " : "", o->value ? o->value : "");
        fprintf(out, "  %-24s %s\n", text_get(&left), o->help);
        text_free(&left);
    }
    fprintf(out, "  %-24s %s\n", "-h, --help", "this text");
}

void command_line_help(const command_def *commands, const command_def *one, FILE *out)
{
    if (one) {
        help_on(one, out);
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
    fprintf(out, "\n`sulcus COMMAND --help` says more. Exit codes: 0 done, 1 internal or out of "
                 "memory, 2 usage or\n"
                 "pipeline file, 3 input file, 4 I/O, 5 numeric, 75 interrupted (run it again).\n");
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
