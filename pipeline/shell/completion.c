// SPDX-License-Identifier: Apache-2.0
// The script has two parts: tables of words, printed from the program's own, and lines that are the
// same for every program with such tables. What a word may be is told by how help calls it
// (PIPELINE, STEP, FOLDER), so that a new option completes without a line here. It must work where
// the bash-completion package is not there, hence only bash's own `compgen`.
#include "pipeline/shell/completion.h"

// `values` holds the options that take one, each with its kind. bash makes three words of A=B. The
// pipeline file, whose steps and keys are asked for, may stand anywhere in the line.
static const char script[] =
    "    local word=${COMP_WORDS[COMP_CWORD]} left=${COMP_WORDS[COMP_CWORD-1]} equals= kind i "
    "at=0\n"
    "    [[ $left == = ]] && equals=yes left=${COMP_WORDS[COMP_CWORD-2]}\n"
    "    [[ $word == = ]] && equals=yes word=\n"
    "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in\n"
    "        =) ((i++)) ;;\n"
    "        -*) [[ $values != *\" ${COMP_WORDS[i]}:\"* || ${COMP_WORDS[i+1]} == = ]] || ((i++)) "
    ";;\n"
    "        *) ((at++)) ;;\n"
    "        esac\n"
    "    done\n"
    "    if ((COMP_CWORD == 1)); then\n"
    "        kind=COMMAND\n"
    "    elif [[ $values == *\" $left:\"* ]]; then\n"
    "        kind=${values##*\" $left:\"} kind=${kind%% *}\n"
    "    elif [[ $equals ]]; then\n"
    "        kind=PATH\n"
    "    elif [[ $word == -* ]]; then\n"
    "        kind=OPTION\n"
    "    else\n"
    "        read -ra kind <<<\"$arguments\"\n"
    "        kind=${kind[at]-}\n"
    "    fi\n"
    "    local pipeline= how keys=(\"$1\" describe --keys)\n"
    "    for pipeline in \"${COMP_WORDS[@]:2}\"; do\n"
    "        [[ $pipeline == *.y*ml ]] && break\n"
    "    done\n"
    "    keys+=(\"${pipeline/#~/$HOME}\")\n"
    "    case $kind in\n"
    "    COMMAND) how=(-W \"$commands\") ;;\n"
    "    OPTION) how=(-W \"$options\") ;;\n"
    "    *STAGE*) how=(-W \"$stages\") ;;\n"
    "    STEP | TASK) how=(-W \"$(\"${keys[@]}\" 2>/dev/null | sed -n "
    "'s/^steps[.]\\(.*\\)[.]stage$/\\1/p')\") ;;\n"
    "    KEY*) how=(-S = -W \"$(\"${keys[@]}\" 2>/dev/null)\"); compopt -o nospace 2>/dev/null ;;\n"
    "    *PIPELINE*) how=(-o plusdirs -f -X '!*.y*ml'); compopt -o filenames 2>/dev/null ;;\n"
    "    *FOLDER*) how=(-d); compopt -o filenames 2>/dev/null ;;\n"
    "    *PATH* | *FILE*) how=(-f); compopt -o filenames 2>/dev/null ;;\n"
    "    *) how=(-W '') ;;\n"
    "    esac\n"
    "    mapfile -t COMPREPLY < <(compgen \"${how[@]}\" -- \"$word\")\n"
    "}\n"
    "complete -F _sulcus sulcus\n";

// A command's options, those of them that take a value, and its arguments.
static void print_command(const command_def *c, FILE *out)
{
    fprintf(out, "    %s)\n        options='%s %s", c->name, command_help.brief, command_help.name);
    for (const option_def *o = c->options; o->name; o++)
        fprintf(out, "%s%s %s", o->brief ? " " : "", o->brief ? o->brief : "", o->name);
    fputs("'\n        values=' ", out);
    for (const option_def *o = c->options; o->name; o++) {
        if (o->value && o->brief)
            fprintf(out, "%s:%s ", o->brief, o->value);
        if (o->value)
            fprintf(out, "%s:%s ", o->name, o->value);
    }
    fprintf(out, "'\n        arguments='%s'\n        ;;\n", c->arguments);
}

status completion_write(const registry *r, const command_def *commands, FILE *out)
{
    fputs("# Completes sulcus's command lines in bash; made by `sulcus describe --completion`.\n"
          "_sulcus()\n{\n    local commands='--help",
          out);
    for (const command_def *c = commands; c->name; c++)
        fprintf(out, " %s", c->name);
    fputs("' stages='", out);
    for (const stage_def *const *s = r->stages; *s; s++)
        fprintf(out, "%s ", (*s)->name);
    for (const resource_def *const *d = r->resources; *d; d++)
        fprintf(out, "%s ", (*d)->section);
    fputs("' options= values= arguments=\n    case ${COMP_WORDS[1]} in\n", out);
    for (const command_def *c = commands; c->name; c++)
        print_command(c, out);
    fputs("    esac\n", out);
    fputs(script, out);
    return ferror(out) ? status_fail_errno(ERR_IO, "stdout", "cannot write") : OK;
}
