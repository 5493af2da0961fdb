#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy 14 with the checks of .clang-tidy, on as many sources at once as there are cores.
#   tests/tidy.sh [SOURCE...]   the product's sources by default
# What was clean is not looked at again until it, a header it includes or .clang-tidy has changed: build/tidy holds a stamp for each.
set -euo pipefail
cd "$(dirname "$0")/.."
stamps=build/tidy

# command_of SOURCE: the compiler's arguments, as CMake wrote them.
command_of() {
  awk -v file="\"$PWD/$1\"" -F'": ' '
    /"command"/ {command = $2}
    /"file"/ && index($2, file) == 1 {print command; exit}' "$stamps/compile_commands.json" | sed 's/^"//; s/",$//; s/\\"/"/g; s/ -o [^ ]* -c [^ ]*$//; s/\\\\*"/"/g'
}

one() { # SOURCE
  local arguments digest
  read -ra arguments <<<"$(command_of "$1")"
  [ ${#arguments[@]} -gt 0 ] || { echo "tests/tidy.sh: build/compile_commands.json does not know $1: configure anew"; return 1; }
  digest=$({ cat .clang-tidy tests/tidy.sh; clang-14 "${arguments[@]:1}" -E -C "$1" 2>/dev/null || cat "$1"; } | sha256sum | cut -c1-32)
  [ ! -e "$stamps/$digest" ] || return 0
  clang-tidy-14 -p "$stamps" --quiet --extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=mode=shallow "$1" 2>"$stamps/$digest.err" ||
    { grep -v 'warnings\? generated' "$stamps/$digest.err"; return 1; }
  rm -f "$stamps/$digest.err"
  touch "$stamps/$digest"
}

if [ "${1-}" = --one ]; then
  one "$2"
  exit
fi
command -v clang-tidy-14 >/dev/null || { echo "clang-tidy-14 is missing: jobs/setup.sh --tests" >&2; exit 1; }
[ -e build/compile_commands.json ] || { echo "tests/tidy.sh: configure build/ first" >&2; exit 1; }
mkdir -p $stamps
sed 's/ -fno-thread-jumps//' build/compile_commands.json >$stamps/compile_commands.json # clang knows no such flag
[ $# -gt 0 ] || set -- $(find pipeline data model stages -name '*.c' | sort)
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash tests/tidy.sh --one {}
