#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The report's page in a real browser: nothing in its console, nothing fetched; cells and points tell their numbers, rows sort, the tasks of a
# sweep take turns, tables sort and filter, another page is compared with, and a narrow window does not scroll sideways.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
browser=$(command -v chromium || true)
[ -n "$browser" ] || { echo 'skipped: no chromium (jobs/setup.sh --tests installs it)'; exit 77; }
command -v gnuplot >/dev/null || { echo 'skipped: no gnuplot'; exit 77; }

cat >first.yaml <<END
pipeline: first & <last>
output: out
models: {vit: {path: $SOURCE/examples/vit-glyph100}}
datasets: {glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, subsets: coarse, keep: [latin, greek, hebrew, arabic], collect: 0.5}}
steps:
  activations: {stage: collect, model: vit, data: glyphs}
  scores: {stage: score, from: activations, measure: [abs, freq]}
  unlearn: {stage: prune, from: scores, model: vit, data: glyphs, drop: 0.5, seeds: 2}
  overlap: {stage: intersect, from: scores, fractions: [0.01, 0.1]}
END
"$SULCUS" run first.yaml >stdout 2>stderr || fail 'the run'
is 'lines without a time' "$(grep -cvE '^[0-9]{2}:[0-9]{2}:[0-9]{2} ' stdout)" 0
"$SULCUS" status first.yaml >stdout
is 'tasks with rank-seconds' "$(grep -c 'rank-seconds' stdout)" 7
"$SULCUS" report first.yaml >stdout 2>stderr || fail 'the report'
is 'what it says' "$(cat stderr)" ''

# look PAGE WIDTH: the page as it is once the probe has gone through it, in page.txt, and what its console said.
look() {
  HOME=$scratch timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$scratch/profile" \
    --window-size="$2",1000 --enable-logging=stderr --virtual-time-budget=5000 --dump-dom "file://$1" >dom.html 2>browser.txt
  sed -n '/<pre id="probe">/,/<\/pre>/p' dom.html | sed 's/<[^>]*>//g; s/&amp;/\&/g; s/&lt;/</g; s/&gt;/>/g' >page.txt
  grep ':CONSOLE' browser.txt >console.txt
}
# probed PAGE NAME: a copy of it with the probe.
probed() {
  { sed '$d' "$1" | sed '$d'; echo '<script>'; cat "$SOURCE/tests/run/probe.js"; echo '</script></body></html>'; } >"$2"
}
value() {
  sed -n "s/^$1=//p" page.txt
}

probed out/report/index.html "$scratch/probed.html"
look "$scratch/probed.html" 1280
for site in 1 2; do
  "$SULCUS" report first.yaml --columns $site --dpi 100 >stdout 2>stderr || fail "a figure as wide as $site columns"
  is "pixels of $site columns" "$(od -An -j16 -N4 -tu1 'out/report/figure1-measure=abs.png' | awk '{print $3 * 256 + $4}')" $((site == 1 ? 335 : 700))
done
"$SULCUS" report first.yaml --columns 3 >stdout 2>stderr
is 'three columns' $? 2
is 'the console' "$(cat console.txt)" ''
is 'an error' "$(value error)" ''
is 'fetched' "$(value fetched)" 0
# The cell of the first column, second row, as the CSV has it.
greek=$(awk -F, '$1 == 1 && $2 == 2 && $3 == 1 {printf "%.4g", $5}' 'out/report/figure1-measure=abs.csv')
says 'a cell' page.txt "^cell=task unlearn\[measure=abs\]|unlearned latin|evaluated greek|Top-1, % of the unpruned model's $greek|95% interval [0-9.]* to [0-9.]*|n [0-9]*|"
is 'left' "$(value left)" true
is 'before sorting' "$(value before)" svg
is 'rows by name' "$(value rows-name)" 'arabic greek hebrew latin'
# By what is left on average, least first.
mean=$(awk -F, 'NR > 1 && $1 == 1 {sum[$8] += $5} END {for (n in sum) print sum[n], n}' 'out/report/figure1-measure=abs.csv' | sort -n | awk '{print $2}' | xargs)
is 'rows by value' "$(value rows-value)" "$mean"
is 'rows by similarity' "$(value rows-similarity | xargs -n 1 | sort | xargs)" 'arabic greek hebrew latin'
is 'sorted' "$(value sorted)" canvas
is 'something is drawn' "$(value colours)" true
is 'as given again' "$(value again)" svg
is 'the other task' "$(value turned)" true
says 'a point' page.txt '^curve=.*|share of neurons pruned, % 0|Top-1, % of the unpruned 100|the goal 50'
says 'a search among dots' page.txt '^dot=measure [a-z]*|until the unlearned class loses 50%|what the others lose, % of their Top-1 [0-9.-]*|unlearned [a-z]*'
says 'a mean among dots' page.txt "^mean=measure $(awk -F, '$1 == 1 && $2 == 1 && $3 == "mean" {print $8}' out/report/figure17.csv)|.*|bar [0-9.-]* to [0-9.-]*"
sorted=$(awk -F, 'NR > 1 && $1 == 1 && $4 == 1 {print $9}' 'out/report/figure1-measure=abs.csv' | sort | xargs)
is 'rows of the table' "$(value up | xargs -n 1 | sort | xargs)" "$sorted"
is 'down is up, backwards' "$(value down)" "$(value up | xargs -n 1 | tac | xargs)"
is 'filtered' "$(value filtered)" 'unlearn[measure=freq]'
says 'compared' page.txt '^compared=figure1-measure=abs|pruned until the unlearned class has lost 50%|16|.*|latin, latin$'
says 'the difference' page.txt '^apart=.*the other run 1000|difference -'
is 'open on paper' "$(value folded)" 0
look "$scratch/probed.html" 400
is 'the console of a narrow window' "$(cat console.txt)" ''
is 'a narrow window' "$(value wide)" true

# Twins: a page whose script fails, and one that fetches and does not sort.
sed "s/^'use strict';/'use strict'; undefined_name();/" probed.html >fails.html
look "$scratch/fails.html" 1280
[ -s console.txt ] || fail 'a script that fails passes'
sed 's,</h1>,</h1><img src="none.png"/>,; s/body.append(...order.map(i => rows\[i\]));/body.append(...rows);/' probed.html >wrong.html
look "$scratch/wrong.html" 1280
[ -s console.txt ] || fail 'a page that fetches passes'
[ "$(value down)" != "$(value up | xargs -n 1 | tac | xargs)" ] || fail 'a table that does not sort passes'
finish
