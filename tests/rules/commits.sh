#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Commits say what and why: a subject of at most 72 characters and a body that is not trailers only. Looks at what is newer than the last version.
. "$(dirname "$0")/rule.bash"

start=${SULCUS_START-bf60ca0} # the house rule is younger than what came before

check() {
  if ! git rev-parse --git-dir >/dev/null 2>&1 || ! git cat-file -e "$start^{commit}" 2>/dev/null; then
    echo "skipped: no git history of it here"
    exit 77
  fi
  local from
  from=$(git describe --tags --abbrev=0 HEAD 2>/dev/null) && git merge-base --is-ancestor "$start" "$from" || from=$start
  say 'commits without a short subject or without a body that says why:' "$(
    git log --no-merges --format='commit %h %s%n%w(0,1,1)%b%w(0,0,0)' "$from"..HEAD | awk '
      function verdict() {
        if (id != "" && length(subject) > 72) print id ": the subject has " length(subject) " characters: " subject
        if (id != "" && !body) print id ": no body: " subject
      }
      /^commit / {
        verdict()
        id = $2
        subject = substr($0, length($1 $2) + 3)
        body = 0
        next
      }
      NF && !/^ ([A-Z][a-z]+(-[a-z]+)+|Fixes|Closes|Refs|Link): / {body = 1} # not a trailer
      END {verdict()}'
  )"
}

twin() {
  export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
  history() { # COMMIT-MESSAGE...
    git init -q . && git add . && git commit -q -m first && git tag v0
    for message; do git commit -q --allow-empty -m "$message"; done
  }
  tried
  [ $code = 77 ] || { echo "a tree without history: exit $code, $seen"; bad=1; }
  export SULCUS_START=v0
  history $'Count: upwards\n\nSince that is the direction of time.'
  accepted
  history "$(printf 'Count: %066d' 0)"$'\n\nSince that is the direction of time.'
  refused 'has 73 characters'
  history 'Count: upwards'
  refused 'no body: Count'
  history $'Count: upwards\n\nCo-authored-by: a <a@example.org>'
  refused 'no body: Count'
}

run_rule "$@"
