#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# docs/artefacts.md lists each stage's variables as the stage's own source does, in its first comment: the same names, types, dimensions
# and units. Its journal has the events that the journal's source writes.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
: >stdout
: >stderr

# documented PAGE: "STAGE NAME TYPE (DIMS) UNIT", a line for each row of the tables under a stage's heading.
documented() {
  awk -F ' *[|] *' '
    /^## / {stage = substr($0, 4)}
    /^[|] `[a-z0-9_]+` [|] [a-z0-9]+ [|] \(/ {gsub(/`/, "", $2); print stage, $2, $3, $4, $5}' "$1" | sort
}

# declared: the same of the sources. A line there: //   TYPE NAME(DIMS)   UNIT   MEANING
declared() {
  local stage source
  sed -n 's/^STAGE(\(.*\))$/\1/p' "$SOURCE/stages/stages.def" | while read -r stage; do
    source=$(grep -l "^const stage_def stage_$stage = " "$SOURCE"/stages/*/*.c)
    sed '/^\/\//!q' "$source" |
      sed -nE "s/^\/\/ +(string|byte|ubyte|int|int64|float|double) +([a-z0-9_]+)(\([a-z_, ]+\)) +([^ ]+) +[^ ].*/$stage \2 \1 \3 \4/p"
  done | sort
}

page=$SOURCE/docs/artefacts.md
documented "$page" >documented
declared >declared
is 'stages with variables' "$(cut -d' ' -f1 declared | sort -u | xargs)" "$(sed -n 's/^STAGE(\(.*\))$/\1/p' "$SOURCE/stages/stages.def" | sort | xargs)"
is 'the page (<) and the sources (>)' "$(diff documented declared)" ''

events() { sed -n '/^| event | says/,/^$/s/^| `\([a-z]*\)` .*/\1/p' "$1" | sort | xargs; }
is 'events of the journal' "$(events "$page")" "$(grep -ohE '(line_new|[a-z]+_line)\("[a-z]+"' "$SOURCE/pipeline/store/journal.c" | sed 's/.*("//; s/"//' | sort | xargs)"

# The twin: a row that is gone, and each column otherwise.
twin() { # WHAT EDIT
  sed "$2" "$page" >twin.md
  documented twin.md >documented
  cmp -s documented declared && fail "$1 was not noticed"
}
twin 'a missing row' '/^| `inertia` /d'
twin 'another name' 's/^| `inertia` /| `moment` /'
twin 'another type' 's/^| `inertia` | double/| `inertia` | int/'
twin 'other dimensions' 's/^| `cluster` | int | (layer, unit)/| `cluster` | int | (unit, layer)/'
twin 'another unit' 's/^\(| `loss` .*\) | nat |/\1 | 1 |/'
twin 'another stage' 's/^## cluster/## clusters/'
sed '/^| `wave` /d' "$page" >twin.md
[ "$(events twin.md)" != "$(events "$page")" ] || fail 'a missing event was not noticed'
finish
