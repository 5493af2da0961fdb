#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What comments and papers point at is there: files by their names, sections of docs ("docs/design.md, Keys"), links in Markdown.
. "$(dirname "$0")/rule.bash"

check() {
  find . -type f -not -path './build*' -not -path './runs/*' -not -path './.git/*' -not -path './.git' | sed 's,^\./,,' | sort >"$scratch/files"
  # This folder's scripts are full of what is not there; a change log names what was.
  grep -vE '^(tests/rules/|CHANGELOG\.md)' "$scratch/files" >"$scratch/speakers"
  # headings: "heading FILE TEXT"; remarks: "remark FILE LINE TEXT", a comment of several lines as one text
  {
    grep '\.md$' "$scratch/speakers" | xargs -r awk '
      FNR == 1 {fenced = 0}
      /^ *```/ {fenced = !fenced}
      !fenced && /^#+ / {text = $0; sub(/^#+ +/, "", text); print "heading", FILENAME, text}'
    grep '\.md$' "$scratch/speakers" | xargs -r awk '{print "remark", FILENAME, FNR, $0}'
    grep -E '\.(c|h|def)$' "$scratch/speakers" | xargs -r awk -v mark='//' -f "$rules/remarks.awk"
    grep -E '(\.(sh|bash|awk|py|cmake|sbatch|yaml|supp)|CMakeLists\.txt|\.ci/run)$' "$scratch/speakers" | xargs -r awk -v mark='#' -f "$rules/remarks.awk"
  } | awk -f "$rules/references.awk" "$scratch/files" - | sort -u >"$scratch/seen"
  say 'comments and papers that point at what is not there:' "$(cat "$scratch/seen")"
}

twin() {
  accepted
  echo '// As gone.h says.' >>pipeline/run/run.c
  refused '^  pipeline/run/run.c:10: gone.h$'
  echo '// As pipeline/base/run.c says.' >>pipeline/run/run.c
  refused '^  pipeline/run/run.c:10: pipeline/base/run.c$'
  printf '// Why: docs/design.md,\n// Wavelets and so on.\n' >>pipeline/run/run.c
  refused '^  pipeline/run/run.c:10: docs/design.md, Wavelets'
  printf '// Why: docs/design.md,\n// Units and partials, and so on.\n' >>pipeline/run/run.c
  accepted
  echo '// DESIGN.md says so.' >>pipeline/run/run.c
  refused '^  pipeline/run/run.c:10: DESIGN.md$'
  put jobs/start.sh <<<'# What ../shared/notes say.'
  refused '^  jobs/start.sh:1: ../shared/notes$'
  echo 'See `pipeline/run/walk.c` and [this](design.md#units-and-partials).' >>docs/design.md
  refused '^  docs/design.md:6: pipeline/run/walk.c$'
  echo 'See [this](design.md#units-of-work).' >>docs/design.md
  refused '^  docs/design.md:6: design.md#units-of-work$'
  echo 'See [this](picture.png) and [that](https://example.org/none.md).' >>docs/design.md
  refused '^  docs/design.md:6: picture.png$'
}

run_rule "$@"
