#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# skip_bad: records that are broken are passed over up to that number, noted in the artefacts, told by the report and listed by `inspect`;
# without it, and with one record more, a run ends with 3. What is computed is what the good records alone give, on two ranks too.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
mkdir good bad
grep -E '"(bible|german)"' "$SOURCE/examples/debtext/test.jsonl" | head -n 40 >good/a.jsonl
{ head -n 9 good/a.jsonl; echo '{"text": null, "meta": {"pile_set_name": "bible"}}'; tail -n +10 good/a.jsonl; printf '{"text": "\xff"}\n'; } >bad/a.jsonl

# run_on FOLDER OUTPUT RANKS CODE [KEYS...]
run_on() {
  cat >p.yaml <<END
pipeline: skip
output: $2
threads: 1
oversubscribe: true
models: {m: {path: $SOURCE/examples/mistral-debtext}}
datasets: {d: {format: jsonl, path: $1, subsets: meta.pile_set_name, context: 64${5+, $5}}}
steps:
  a: {stage: collect, model: m, data: d}
  s: {stage: score, from: a, retain: all}
  p: {stage: prune, from: s, model: m, data: d, fraction: 0.1}
END
  ranks "$3" "$SULCUS" run p.yaml --quiet
  is "exit code of $2" $code "$4"
}
run_on good plain 1 0
for n in 1 2; do
  run_on bad "skipped$n" $n 0 'skip_bad: 2'
  is "digests on $n ranks" "$(digests "skipped$n")" "$(digests plain)"
  for task in a p; do
    is "noted in $task on $n ranks" "$(ncdump -h "skipped$n/$task/all.nc" | sed -n 's/^\t\t:skipped = "\(.*\)" ;/\1/p')" 2
  done
done
is 'noted where none was' "$(ncdump -h plain/a/all.nc | grep -c ':skipped')" 0
"$SULCUS" report p.yaml >stdout 2>stderr # of the last
is 'told by the report' "$(grep -o 'collect, without 2 broken records\|prune, without 2 broken records' skipped2/report/index.html | wc -l)" 2
run_on bad none 1 3
says 'without skip_bad' stderr 'a.jsonl:10: field text is not a text'
run_on bad few 1 3 'skip_bad: 1'
says 'one too many' stderr 'a.jsonl:42:.*not UTF-8.*skip_bad: 1 are passed over already'
"$SULCUS" inspect bad >stdout 2>stderr
is 'inspect' $? 3
says 'listed' stdout 'broken *2, which skip_bad: 2 passes over'
is 'lines of the list' "$(grep -c 'a.jsonl:\(10\|42\):' stdout)" 2
finish
