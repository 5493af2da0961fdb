#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# F02: what `inspect` shows of questions is the whole prompt, under every template; another template gives other numbers, and is in the key.
. "${SOURCE:?is set by ctest}/tests/lib.sh"

mkdir -p "$scratch/quiz/test"
printf '"two\nlines? ",1,2,"a, b",4,C\n' >"$scratch/quiz/test/us_history_test.csv"
"$SULCUS" inspect "$scratch/quiz" >"$scratch/stdout" 2>"$scratch/stderr" || fail "inspect"
prompt() { sed -n "/^prompt *template: $1,/,/Answer:/p" "$scratch/stdout" | sed '1d; s/^  | //'; }
choices=$'A. 1\nB. 2\nC. a, b\nD. 4\nAnswer:'
about='The following are multiple choice questions (with answers) about'
is 'ours' "$(prompt ours)" "$about us history."$'\n\nQuestion: two\nlines? \n'"$choices"
is 'the original' "$(prompt original)" "$about  us history."$'\n\ntwo\nlines? \n'"$choices"
is 'the harness' "$(prompt harness)" "$about us history."$'\n\ntwo\nlines?\n'"$choices"
"$SULCUS" inspect "$SOURCE/tests/reference/parquet/quiz/all" >"$scratch/stdout" 2>"$scratch/stderr" || fail "inspect of Parquet"
is 'prompts of Parquet' "$(grep -c '^prompt ' "$scratch/stdout")" 3

cat >"$scratch/p.yaml" <<END
pipeline: prompts
output: $scratch/out
models: {lm: {path: $SOURCE/examples/mistral-debtext}}
datasets:
  text: {format: jsonl, path: $SOURCE/examples/debtext/test.jsonl, subsets: meta.pile_set_name, keep: [bible, german], context: 64, limit: 1000}
  quiz: {format: mmlu, path: $SOURCE/examples/debquiz, keep: [jargon], limit: 5}
steps:
  a: {stage: collect, model: lm, data: text}
  s: {stage: score, from: a}
  p: {stage: prune, from: s, model: lm, data: text, fraction: 0.1, seeds: 0, evaluate: quiz}
END
digest() { "$SULCUS" run "$scratch/p.yaml" --quiet -s "output=$scratch/$1" "${@:2}" >"$scratch/stdout" 2>"$scratch/stderr" || fail "run $1"; digests "$scratch/$1" | grep '^p '; }
none=$(digest none)
[ "$(digest original -s datasets.quiz.template=original)" != "$none" ] || fail 'the template changes nothing'
"$SULCUS" plan "$scratch/p.yaml" -s "output=$scratch/none" -s datasets.quiz.template=harness >"$scratch/stdout" 2>"$scratch/stderr"
says 'the key has the template' "$scratch/stdout" '^run   p .*template'
"$SULCUS" plan "$scratch/p.yaml" -s datasets.quiz.template=helm >"$scratch/stdout" 2>"$scratch/stderr"
is 'an unknown template: exit' $? 2
says 'an unknown template' "$scratch/stderr" 'template.*ours|original|harness'
finish
