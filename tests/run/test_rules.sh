#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The house rules that grep can see. With a folder as argument it checks that tree instead: how this test tests itself.
set -u
tree=${1-$SOURCE}
cd "$tree" || exit 1
bad=0
say() { # TITLE LINES
  [ -z "$2" ] && return
  printf '%s\n%s\n' "$1" "$2"
  bad=1
}
sources=$(find pipeline data model stages include tests -name '*.c' -o -name '*.h' | sort)
product=$(find pipeline data model stages include -name '*.c' -o -name '*.h' | sort)

say 'without an SPDX line first:' "$(for f in $sources; do head -1 "$f" | grep -q '^// SPDX-License-Identifier: Apache-2.0$' || echo "  $f"; done)"
say 'MPI_COMM_WORLD, exit or abort outside main.c:' \
  "$(grep -nE '\bMPI_COMM_WORLD\b|(^|[^_[:alnum:]])(exit|_exit|abort)\(' $product | grep -v '^pipeline/main.c:' | sed 's/^/  /')"
for header in 'netcdf[a-z_]*' 'yaml'; do
  files=$(grep -lE "#include <$header\.h>" $product | grep -v '^pipeline/main.c$')
  [ "$(printf '%s\n' "$files" | grep -c .)" -gt 2 ] && say "<$header.h> in more than two files:" "$files"
done
say 'sources that reach mpi.h beside the wrappers of MPI:' \
  "$(grep -nE '#include ("pipeline/(node_share|stream)\.h"|<mpi\.h>)' $product | grep -vE '^(pipeline/(main|comm|letters|node_share|team|stream)\.c|include/pipeline/(node_share|stream)\.h):' | sed 's/^/  /')"
say 'left behind:' "$(grep -nHE 'TODO|FIXME|XXX|HACK|#if 0' $product | sed 's/^/  /')"
say 'lines over 120 columns:' "$(awk 'length > 120 {print "  " FILENAME ":" FNR}' $product)"
say 'files over 600 lines:' "$(wc -l $product | awk '$2 != "total" && $1 > 600 {print "  " $2 ": " $1}')"
say 'sources of the engine that know a transformer or a stage:' \
  "$(grep -nE '#include "(model|data|stages)/' pipeline/*.c pipeline/base/*.c include/pipeline/*.h include/pipeline/base/*.h 2>/dev/null | grep -v '^pipeline/main.c:' | sed 's/^/  /')"
say 'data or model that reach beyond base:' \
  "$(grep -nE '#include "(stages/|pipeline/[a-z_]+\.h)' data/*.c model/*.c include/data/*.h include/model/*.h | sed 's/^/  /')"
if command -v clang-format-14 >/dev/null; then
  say 'not as clang-format 14 writes it:' "$(clang-format-14 --dry-run $sources 2>&1 | grep -oE '^[^:]+' | sort -u | sed 's/^/  /')"
fi

if [ $# = 0 ]; then # the twin: a tree with one fault of each kind must be refused
  broken=$(mktemp -d)
  trap 'rm -rf "$broken"' EXIT
  cp -r pipeline data model stages include tests "$broken"
  printf 'void f(void)\n{\n    exit(1);\n}\n' >"$broken/stages/broken.c"
  seen=$(bash "$0" "$broken") && { echo "a tree with an exit() and no SPDX line passed"; bad=1; }
  case $seen in *SPDX*exit*) ;; *) echo "the faults were not named: $seen"; bad=1 ;; esac
fi
exit $bad
