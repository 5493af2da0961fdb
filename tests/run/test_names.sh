#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Subsets named as gnuplot's formats and enhanced text, SVG's and HTML's markup, shells' and spreadsheets' formulas: the report draws each
# name as it is, in well-formed SVG, and its CSV starts no formula.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1

# As JSON spells them; and below, as a picture shows them where that differs.
cat >names.txt <<'END'
5% milk
%d items
100%%
a_b^c
x@y
{b}
}{
{{{
\\alpha
a\\nb
a\\
`id`
$(id)
'single'
''
\"double\"
#hash
a&b &lt; &amp;
<script>
]]>
=HYPERLINK(\"http://x\";\"y\")
+1
-2+3
@SUM(1)
＝1+1
שלום עולם
\u202eabc
中文
\ufffe
a,b
END
sed -e 's/\\\\/\x01/g; s/\\"/"/g; s/\\u202e/\xe2\x80\xae/; s/\\ufffe/\xef\xbf\xbd/; s/\x01/\\/g' names.txt >shown.txt
n=0
while IFS= read -r name; do
  n=$((n + 1))
  for text in 'one two three four' 'five six seven eight' 'nine ten eleven twelve'; do
    printf '{"text": "%s %s %s %s", "name": "%s"}\n' "$n" "$text" "$n" "$text" "$name"
  done
done <names.txt >text.jsonl
cat >p.yaml <<END
pipeline: "names 5% {a} 'b'"
output: out
models: {m: {path: $SOURCE/examples/mistral-debtext}}
datasets: {d: {format: jsonl, path: text.jsonl, subsets: name, context: 32, limit: 24, collect: same}}
steps:
  a: {stage: collect, model: m, data: d}
  s: {stage: score, from: a}
  o: {stage: intersect, from: s, fractions: [0.02, 0.5]}
END
"$SULCUS" run p.yaml --quiet >stdout 2>stderr
is 'exit code of the run' $? 0
"$SULCUS" report p.yaml >stdout 2>stderr
is 'exit code of the report' $? 0
is 'what it says' "$(cat stderr)" ''
for svg in out/report/*.svg; do
  xmllint --noout "$svg" >xml 2>&1 || fail "$svg: $(head -3 xml)"
done
svg=$(grep -l 'milk' out/report/figure*.svg | head -1)
[ -n "$svg" ] || fail 'no picture with names'
xmllint --xpath '//*[local-name()="text"]' "$svg" 2>xml | sed 's/<\/text>/&\n/g' |
  sed "s/<[^>]*>//g; s/&lt;/</g; s/&gt;/>/g; s/&quot;/\"/g; s/&amp;/\&/g; s/\xe2\x80\x8b//; s/^[ \t]*//; s/[ \t]*\$//" >drawn.txt
while IFS= read -r name; do
  # Of a row and of a column.
  is "$name is drawn" "$(grep -cxF -- "$(printf '%s' "$name" | sed 's/ *$//')" drawn.txt)" 2
done <shown.txt

# No field of a CSV begins as a formula, but numbers.
cat out/report/*.csv | grep -oE '(^|,)"?([=+@-]|＝)[^,]*' | grep -vE '^,?-?[0-9.]+(e-?[0-9]+)?$' >formulas
is 'formulas' "$(cat formulas)" ''
is "their names' fields" "$(grep -cE ",'[=+@-]|\"'=" out/report/*.csv | cut -d: -f2 | sort -n | tail -1 | sed 's/^[1-9][0-9]*$/some/')" some
finish
