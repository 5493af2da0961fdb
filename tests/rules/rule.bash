# SPDX-License-Identifier: Apache-2.0
# Sourced by every rule. A rule defines check, which prints what is wrong in the folder it stands in, and twin, which shows that the
# rule refuses what it forbids.
#   RULE.sh [TREE [BUILD]]   checks a tree (this one by default; BUILD holds its objects): prints what is wrong and exits 1
#   RULE.sh --twin           tries the rule on a small tree that is right, and on copies of it with one fault each
set -uo pipefail
rules=$(cd "$(dirname "$0")" && pwd)
bad=0

# say TITLE LINES: a fault, unless there are no lines.
say() {
  [ -z "$2" ] && return
  printf '%s\n%s\n' "$1" "$2" | sed '2,$s/^/  /'
  bad=1
}

# The sources and headers of the product; with tests among the arguments, of the tests too.
sources() {
  find pipeline data model stages include "$@" \( -name '*.c' -o -name '*.h' \) -not -path '*/build/*' | sort
}

# graph: who uses whom, file by file, from the real includes and the symbols of the real objects.
#   include FILE HEADER
#   call FILE SOURCE SYMBOL
graph() {
  find_objects >"$scratch/objects"
  sources >"$scratch/sources"
  [ -s "$scratch/objects" ] || { echo "no objects in $build: build first"; exit 1; }
  {
    sed 's/^/file /' "$scratch/sources"
    xargs grep -HoE '^#include "[^"]+"' <"$scratch/sources" | sed 's/:#include "/ /; s/"$//; s/^/text /'
    xargs nm -gA <"$scratch/objects" | sed -E 's,^.*\.dir/([^ ]*)\.o:,symbol \1 ,'
  } | awk -f "$rules/graph.awk"
}

# The objects of the product whose sources are still there.
find_objects() {
  local object source
  for object in "$build"/CMakeFiles/*.dir; do
    find "$object" -name '*.c.o'
  done | while read -r object; do
    source=${object#*.dir/}
    [ -e "${source%.o}" ] && printf '%s\n' "$object"
  done
}

# --- for twins
put() { # FILE: its text comes from stdin
  mkdir -p "$(dirname "$1")"
  cat >"$1"
}

objects() { # compiles every source of the small tree
  local source object
  for source in $(find pipeline stages data model -name '*.c'); do
    object=build/CMakeFiles/all.dir/$source.o
    mkdir -p "$(dirname "$object")"
    cc -std=gnu11 -w -Iinclude -I. -c -o "$object" "$source" || exit 1
  done
}

# A right tree with an engine of two rooms, a stage and the program.
small_tree() {
  rm -rf "$scratch/tree"
  mkdir -p "$scratch/tree"/{data,model,tests,docs}
  cd "$scratch/tree" || exit 1
  cp "$rules/../../.clang-format" .
  put include/pipeline/base/count.h <<'END'
// SPDX-License-Identifier: Apache-2.0
// Counting, as docs/design.md, Units and partials wants it.
#pragma once

int count_up(int n);
END
  put pipeline/base/count.c <<'END'
// SPDX-License-Identifier: Apache-2.0
// One function, since pipeline/run/run.c needs no more.
#include "pipeline/base/count.h"

int count_up(int n)
{
    return n + 1;
}
END
  put pipeline/run/run.h <<'END'
// SPDX-License-Identifier: Apache-2.0
// A run.
#pragma once

int run_all(void);
END
  put pipeline/run/run.c <<'END'
// SPDX-License-Identifier: Apache-2.0
// Runs what stages/count.c offers.
#include "pipeline/run/run.h"
#include "pipeline/base/count.h"

int run_all(void)
{
    return count_up(1);
}
END
  put include/stages/stage.h <<'END'
// SPDX-License-Identifier: Apache-2.0
// The stages.
#pragma once

int stage_run(void);
END
  put stages/count.c <<'END'
// SPDX-License-Identifier: Apache-2.0
// The one stage.
#include "pipeline/base/count.h"
#include "stages/stage.h"

int stage_run(void)
{
    return count_up(2);
}
END
  put pipeline/main.c <<'END'
// SPDX-License-Identifier: Apache-2.0
// The program.
#include "pipeline/run/run.h"
#include "stages/stage.h"

int main(void)
{
    return run_all() + stage_run();
}
END
  put cmake/rooms.cmake <<'END'
# SPDX-License-Identifier: Apache-2.0
room(pipeline/base LIBRARIES m)
room(pipeline/run USES pipeline/base
     LIBRARIES m)
room(stages USES pipeline)
END
  put docs/design.md <<'END'
# Design

## Units and partials

As `pipeline/base/count.h` says.
END
}

tried() { # sets seen and code to what the rule says of the small tree
  code=0
  seen=$(bash "$rules/$(basename "$0")" "$PWD" "$PWD/build" 2>&1) || code=$?
}

accepted() {
  tried
  [ $code = 0 ] || { printf 'a right tree is refused: %s\n' "$seen"; bad=1; }
  small_tree
}

refused() { # PATTERN...: the rule must name each
  local pattern
  tried
  [ $code = 1 ] || { printf 'a fault passes (exit %s); looked for: %s\n%s\n' "$code" "$*" "$seen"; bad=1; }
  for pattern in "$@"; do
    grep -q -e "$pattern" <<<"$seen" || { printf 'the fault is not named, no "%s" in:\n%s\n' "$pattern" "$seen"; bad=1; }
  done
  small_tree
}

# run_rule "$@": the last line of every rule.
run_rule() {
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  if [ "${1-}" = --twin ]; then
    small_tree
    twin
  else
    tree=$(cd "${1-$rules/../..}" && pwd) || exit 1
    build=${2-$tree/build}
    cd "$tree" || exit 1
    check
  fi
  exit $bad
}
