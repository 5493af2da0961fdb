#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sweeps over what takes a list, as lists of lists, and over a model's or a dataset's own keys: which tasks there are, what they are
# called, how one is selected, and what is said where that makes no sense.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
: >stdout >stderr
cat >p.yaml <<END
output: out
models:
  trained: {path: $SOURCE/examples/vit-glyph100}
  random: {path: $SOURCE/examples/vit-glyph100, weights: random, seed: [1, 2]}
datasets:
  d: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, greek], limit: 16}
steps:
  a: {stage: collect, model: [trained, random], data: d}
  s: {stage: score, from: a}
  o: {stage: intersect, from: "s[model=random-2]", fractions: [[0.1, 0.2], [0.50]]}
  p: {stage: prune, from: s, model: trained, data: d, fraction: 0.1, evaluate: [[d], [d, d]]}
END
tasks() { # ARGUMENTS...
  "$SULCUS" plan p.yaml "$@" >stdout 2>stderr || fail "plan $*"
  sed -nE 's/^(run|wait|done)  *([^ ]*)  .*/\2/p' stdout | xargs
}
all='a[model=trained] a[model=random-1] a[model=random-2] s[model=trained] s[model=random-1] s[model=random-2] o[fractions=0.1+0.2] o[fractions=0.50]'
is 'tasks' "$(tasks)" "$all p[evaluate=d] p[evaluate=d+d]"
is 'a list of lists is selected' "$("$SULCUS" plan p.yaml --only 'o[fractions=0.10+0.2]' 2>&1 | cut -d: -f3)" ' o[fractions=0.1+0.2]' # which needs what is left out
is 'one value in a list' "$(tasks -s 'steps.o.fractions=[[0.1]]' | grep -o 'o\[[^ ]*')" 'o[fractions=0.1]'
is 'a list alone is one task' "$(tasks -s 'steps.o.fractions=[0.1, 0.2]' | grep -o ' o[^ ]*')" ' o'
is 'a dataset' "$(tasks -s 'datasets.d.limit=[8, 16]' -s 'steps.p.evaluate=d' | grep -o 'a\[model=trained[^ ]*' | xargs)" 'a[model=trained,data=d-8] a[model=trained,data=d-16]'
refused() { # WHAT PATTERN ARGUMENTS...
  code=0
  "$SULCUS" plan p.yaml "${@:3}" >stdout 2>stderr || code=$?
  is "$1: exit" "$code" 2
  says "$1" stderr "$2"
}
refused 'two of one name' 'two of the name `random-random' -s 'models.random.weights=[random, random]' -s models.random.seed=1
refused 'a name that is taken' 'two of the name `random-1`' -s "models.random-1={path: $SOURCE/examples/vit-glyph100}"
refused 'a member that is not there' 'model=random' -s 'steps.o.from="s[model=random]"'
refused 'lists in a value' 'list inside its list' -s 'steps.p.fraction=[[0.1], [0.2]]'
refused 'too many' 'more than 1000' -s "models.random.seed=[$(seq -s, 40)]" -s "models.random.path=[$(seq -s, 40)]"
refused 'no name' 'model' -s 'models.random.weights=[random, ""]'
"$SULCUS" run p.yaml --quiet --to o >stdout 2>stderr || fail 'a run'
is 'files' "$(cd out && echo a/* o/*)" 'a/model=random-2.nc o/fractions=0.1+0.2.nc o/fractions=0.50.nc'
is 'another seed, other weights' "$("$SULCUS" run p.yaml --quiet --to a >stdout 2>stderr; sed -n 's/.*"event":"done".*"task":"a.*"digest":"\([0-9a-f]*\)".*"file_digest".*/\1/p' out/journal.jsonl | sort -u | wc -l)" 3
finish
