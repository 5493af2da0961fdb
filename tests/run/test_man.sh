#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The manual page: the one that was built, without a warning of groff's, names all that `--help` and `describe` do, the environment
# variables that the sources read, and the exit codes as docs/artefacts.md has them.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
: >stdout >stderr
command -v groff >/dev/null || { echo 'no groff: apt-get install groff-base'; exit 77; }
"$SULCUS" describe --man >page || fail 'no page'
cmp "$BUILD/sulcus.1" page || fail 'the page that was built is another'

warnings() { groff -Kutf8 -man -ww -Tutf8 "$1" 2>&1 >/dev/null; }
is 'warnings' "$(warnings page)" ''

# What must be in the page: "WHAT<tab>REGEX of a line of it as shown", or as written where the place counts.
described() { "$SULCUS" describe | awk '/^[a-z]+: / {name = substr($1, 1, length($1) - 1); seen = name == "steps" ? "" : name} /^  [a-z_]+ / {print seen, $1}' | sort; }
expected() {
  local command word number meaning
  for command in $("$SULCUS" --help | sed -n 's/^  \([a-z-][a-z-]*\) .*/\1/p'); do
    printf 'command %s\t^ +sulcus %s( |$)\n' "$command" "$command"
    for word in $("$SULCUS" "$command" --help | grep -oE '^  (-[a-z], )?--[a-z]+' | tr -d ,); do
      printf 'option %s\t^ +(-[a-z], )?%s( |,|$)\n' "$word" "$word"
    done
  done | sort -u
  for word in $(grep -rohE 'getenv\("[A-Z_]+"\)' "$SOURCE/pipeline" "$SOURCE/model" "$SOURCE/data" "$SOURCE/stages" | sed 's/.*"\(.*\)".*/\1/' | sort -u); do
    case $word in # by which the program sees how it was launched: nobody's to set
    OMPI_COMM_WORLD_* | PMI*_RANK | SLURM_NTASKS | OMPI_MCA_rmaps_base_oversubscribe) ;;
    *) printf 'variable %s\t%s\n' "$word" "$word" ;;
    esac
  done
  sed -n "s/^| \([0-9]*\) | \([^|]*\) |.*/\1 \2/p" "$SOURCE/docs/artefacts.md" | while read -r number meaning; do
    printf 'exit code %s\t^ +%s +%s$\n' "$number" "$number" "$(sed 's/[.()]/\\&/g' <<<"$meaning")"
  done
}
described >params
expected >lines
[ "$(wc -l <params)" -gt 50 ] || fail 'describe lists too little'
[ "$(grep -c '^command' lines) $(grep -c '^exit code' lines)" = '17 7' ] || fail "commands and exit codes: $(cut -f1 lines | paste -sd,)"

names_of() { awk -F'"' -v section="$2" '/^\.SH/ {in_it = $2 == section; sub_ = ""} /^\.SS/ {sub_ = $2} in_it && /^\.B / {print sub_, $2}' "$1"; }
missing() { # PAGE
  local what regex
  groff -Kutf8 -man -Tascii -P-bcou -rLL=10000n "$1" >shown 2>/dev/null
  { names_of "$1" 'PIPELINE FILE' | grep -v '^steps '; names_of "$1" STAGES; } | sort | comm -13 - params
  while IFS=$'\t' read -r what regex; do grep -qE -e "$regex" shown || echo "$what"; done <lines
}
is 'what the page lacks' "$(missing page)" ''

# Twins: a page that lacks one thing of each kind, or has a macro that is not there.
lacks() { # WHAT SED-SCRIPT
  sed "$2" page >broken
  [ "$(missing broken)" = "$1" ] || fail "without $1: found '$(missing broken)'"
}
lacks 'prune drop' '/^\.B "drop"$/d'
lacks ' watchdog' '/^\.B "watchdog"$/d'
lacks 'command report' '/^\\fBsulcus report/d'
lacks 'option --dot' '/fB\\-\\-dot/d'
lacks 'variable TMPDIR' '/^\.B "TMPDIR"$/d'
lacks 'exit code 3' 's/^an input file: /a file: /'
printf '.ZZ "no such macro"\n' | cat page - >broken
[ -n "$(warnings broken)" ] || fail 'the twin, a page with an unknown macro, gives no warning'
finish
