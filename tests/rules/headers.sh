#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone: whoever includes it needs nothing before it.
. "$(dirname "$0")/rule.bash"

check() {
  local flags=(-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -Iinclude -I.)
  [ -e "$build/compile_commands.json" ] &&
    mapfile -t -O ${#flags[@]} flags < <(grep -oE -- '-isystem [^ ]+' "$build/compile_commands.json" | sort -u | tr ' ' '\n')
  say 'headers that do not compile alone:' \
    "$(sources | grep '\.h$' | xargs -P "$(nproc)" -I{} "${CC-cc}" "${flags[@]}" -include {} -x c /dev/null 2>&1 | grep -E 'error|warning')"
}

twin() {
  accepted
  echo 'size_t run_size(void);' >>pipeline/run/run.h
  refused '^  .*pipeline/run/run.h:6:.*size_t'
}

run_rule "$@"
