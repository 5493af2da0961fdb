#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `plan` says before any work begins: names of subsets, sites without scores, too many clusters, tokens of images, and paths that lead
# to nothing or to a hub's cache, each in one line with its place. And what `inspect` says of an output folder.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
: >stdout >stderr
sed "s,\.\./runs/small,out,; s,\.\./examples,$SOURCE/examples,; s,reference/,$SOURCE/tests/reference/," "$SOURCE/tests/small.yaml" >p.yaml

refused() { # EXIT PATTERN SED-SCRIPT: the file as the script changes it
  sed "$3" p.yaml >wrong.yaml
  cmp -s p.yaml wrong.yaml && fail "$3 changes nothing"
  code=0
  "$SULCUS" plan wrong.yaml >stdout 2>stderr || code=$?
  is "$3: exit" "$code" "$1"
  says "$3" stderr "$2"
  is "$3: lines" "$(wc -l <stderr)" 1
}
"$SULCUS" plan p.yaml >stdout 2>stderr || fail 'the file itself'
refused 2 '^sulcus: error: wrong.yaml:[0-9:]*: unknown subset latn; did you mean latin?' '/^  scores:/s/retain: all/retain: [latn]/'
refused 2 '^sulcus: error: wrong.yaml:[0-9:]*: .*auc compares latin with what else is retained' '/^  newer:/s/, auc\]/, auc], retain: latin/;/^  newer:/s/t, lape, //'
refused 2 '^sulcus: error: wrong.yaml:[0-9:]*: .*auc compares a subset with others' 's/keep: \[.*\]/keep: [latin]/;s/retain: others/retain: all/'
refused 2 '^sulcus: error: wrong.yaml:[0-9:]*: .*one subset only, and no others' '/^  newer:/d;/^  agreement:/d;s/keep: \[.*\]/keep: [latin]/;/^  scores:/s/retain: all/retain: others/'
refused 2 '^sulcus: error: wrong.yaml:[0-9:]*: .*has no scores of site attn' 's/sites: \[mlp, attn\], firing/sites: [mlp], firing/'
refused 2 '^sulcus: error: wrong.yaml:[0-9:]*: 1000 clusters of 512 neurons' '/^  experts:/s/clusters: 16/clusters: 1000/'
refused 2 '^sulcus: error: wrong.yaml:[0-9:]*: images have no tokens' '/^  unlearn:/s/seeds: 1/seeds: 1, skip: 5/'
refused 2 '^sulcus: error: wrong.yaml:[0-9:]*: images have no tokens' 's/^    limit: 40/&\n    context: 100/'
refused 2 '^sulcus: error: wrong.yaml:[0-9:]*: unknown subset latn; did you mean latin?' 's/keep: \[latin/keep: [latn/'
refused 3 "$scratch/nothing: there is no such file or folder" "/^  trained:/s,path: [^}]*,path: nothing,"
refused 3 "where some-org/some-model is a hub's name" "/^  trained:/s,path: [^}]*,path: some-org/some-model,"
mkdir -p models--some-org--some-model/snapshots/1234
refused 3 "is a folder of a hub's cache; the model is in one of its snapshots" "/^  trained:/s,path: [^}]*,path: models--some-org--some-model,"
refused 3 "$scratch/nothing: there is no such file or folder" "s,^    path: [^}]*glyph100,    path: nothing,"

"$SULCUS" run p.yaml --quiet -s datasets.glyphs.limit=8 --to overlap >stdout 2>stderr || fail 'a run'
rm out/overlap/model=random,measure=freq.nc
"$SULCUS" inspect out >stdout 2>stderr || fail 'inspect'
says 'the folder' stdout '^out: output of .*p.yaml, 1 runs$'
is 'a line each' "$(grep -c '\.nc' stdout)" 10
is 'what is gone' "$(sed -n 's/^  \([^ ]*\) .*(gone, or changed)$/\1/p' stdout)" 'overlap[model=random,measure=freq]'
finish
