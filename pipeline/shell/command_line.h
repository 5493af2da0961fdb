// SPDX-License-Identifier: Apache-2.0
// The command line as tables: what a command takes and what an exit code means, from which it is
// parsed, and its help, the man page and the shell's completion are printed.
#ifndef PIPELINE_SHELL_COMMAND_LINE_H
#define PIPELINE_SHELL_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "pipeline/base/status.h"

typedef struct option_def {
    const char *name;  // "--from"; NULL ends the table
    const char *brief; // "-s", or NULL
    const char *value; // what its value is called, "STEP"; NULL: it takes none
    const char *help;
} option_def;

enum { COMMAND_OPTIONS = 12, COMMAND_ARGUMENTS = 2 };

typedef struct command_line command_line;

typedef struct command_def {
    const char *name;      // NULL ends the table; "--version" is a command like any other
    const char *arguments; // "PIPELINE TASK"; in brackets what may be left out: "[STAGE]"
    int least, most;       // how many arguments
    const char *summary;
    option_def options[COMMAND_OPTIONS]; // besides command_help; one without a name ends them
    status (*run)(const command_line *line);
} command_def;

// --help, which every command has.
extern const option_def command_help;

// The exit codes, each with what it means; a NULL meaning ends the table.
typedef struct exit_code_def {
    status code;
    const char *meaning;
} exit_code_def;

extern const exit_code_def exit_codes[];

// A parsed command line. Texts are borrowed from argv.
struct command_line {
    const command_def *commands; // that it was parsed against
    const command_def *command;
    int argc;
    char **argv;
    const char *arguments[COMMAND_ARGUMENTS];
    int n_arguments;
    const char *given[COMMAND_OPTIONS]; // the last value of each option, "" where it takes none;
                                        // NULL: not given
    const char **overrides;             // all values of -s, owned
    size_t n_overrides;
    bool help;      // and then the rest may be missing
    status failure; // the caller's note of how parsing it ended
};

// Parses argv against the commands. ERR_USAGE with the nearest word; ERR_INTERNAL. Local.
status command_line_parse(const command_def *commands, int argc, char **argv, command_line *out);
void command_line_free(command_line *line);

// The value of an option of the command, "" for one that takes none; NULL when it was not given.
// Borrowed.
const char *command_line_option(const command_line *line, const char *name);

// How to use the program; or one command of it.
void command_line_help(const command_def *commands, const command_def *one, FILE *out);

// The command line as typed. NULL when out of memory. Owned by the caller.
char *command_line_text(const command_line *line);

#endif
