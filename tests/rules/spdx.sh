#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every file's first line names the licence; in a script it follows the line that names the shell.
. "$(dirname "$0")/rule.bash"

check() {
  say 'without an SPDX line first:' "$(sources tests | xargs awk 'FNR == 1 && $0 != "// SPDX-License-Identifier: Apache-2.0" {print FILENAME}')"
  say 'without an SPDX line:' "$(find . \( -name '*.sh' -o -name '*.bash' -o -name '*.awk' -o -name '*.py' -o -name '*.cmake' -o -name CMakeLists.txt -o -name '*.sbatch' -o -name '*.def' \) \
    -not -path './build*' -not -path './runs/*' -not -path './.*/*' -print0 | xargs -0 awk '
      FNR == 1 {found = 0}
      FNR <= 2 && /SPDX-License-Identifier: Apache-2.0/ {found = 1}
      FNR == 2 && !found {print FILENAME}')"
}

twin() {
  accepted
  echo 'int x;' | put pipeline/base/bare.c
  refused '^  pipeline/base/bare.c'
  printf '#!/bin/sh\ntrue\n' | put jobs/bare.sh
  refused '^  ./jobs/bare.sh'
}

run_rule "$@"
