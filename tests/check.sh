#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What to run before a commit: builds, the rules over the whole tree (seconds), clang-tidy and cppcheck over what changed.
#   tests/check.sh [BASE]   what differs from BASE (HEAD by default), or is new
#   tests/check.sh --all    all sources, as CI does
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

step() { # NAME COMMAND...
  local began=$SECONDS code=0
  "${@:2}" >"$scratch/step" 2>&1 || code=$?
  if [ $code = 0 ] || [ $code = 77 ]; then
    printf '%-24s %s, %d s\n' "$1" "$([ $code = 0 ] && echo 'is well' || cat "$scratch/step")" $((SECONDS - began))
  else
    printf '%-24s FAILED, %d s\n' "$1" $((SECONDS - began))
    cat "$scratch/step"
    failed=1
  fi
}

build() {
  [ -e build/build.ninja ] || cmake -S . -B build -G Ninja -DSULCUS_WERROR=ON || return
  cmake --build build
}

# Sources that clang-tidy looks at: those that changed, and the source of a header that did.
tidy_sources() {
  sed -nE 's,^(include/)?((pipeline|data|model|stages)/.*)\.[ch]$,\2.c,p' "$scratch/changed" | sort -u | while read -r source; do
    [ ! -e "$source" ] || echo "$source"
  done
}

check_cpp() { # SOURCE...
  cppcheck --enable=warning,performance,portability --suppressions-list=<(grep -v '^#' tests/cppcheck.supp) \
    '-Djson_object_foreach(object, key, value)=while (json_next(object, &key, &value))' \
    --std=c11 -D_GNU_SOURCE -Iinclude -I. -j "$(nproc)" --quiet --error-exitcode=1 --template='{file}:{line}: {id}: {message}' "$@"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
scope=changes
if [ "${1-}" = --all ]; then
  scope=all
  find pipeline data model stages include tests -name '*.[ch]' | sort >"$scratch/changed"
else
  { git diff --name-only "${1-HEAD}"; git ls-files --others --exclude-standard; } | sort -u >"$scratch/changed"
fi

step build build
for rule in tests/rules/*.sh; do
  step "${rule#tests/}" bash "$rule" . build
  [ $scope = changes ] && ! grep -q '^tests/rules/' "$scratch/changed" || step "${rule#tests/}, twin" bash "$rule" --twin
done
mapfile -t sources < <(tidy_sources)
[ ${#sources[@]} = 0 ] || step "clang-tidy" tests/tidy.sh "${sources[@]}"
mapfile -t sources < <(grep -E '\.c$' "$scratch/changed" | while read -r source; do [ ! -e "$source" ] || echo "$source"; done)
[ ${#sources[@]} = 0 ] || step "cppcheck" check_cpp "${sources[@]}"
exit $failed
