#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `export`: a folder that sulcus itself evaluates unpruned gives the accuracies and losses that the pruning had, for images
# and for text, for one site and for both; `import` of what lies in it gives the scores; and what cannot be exported is said.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 # MPI's plugins are gone by the end, and their leaks have no names; unit tests look for ours
cd "$scratch" || exit 1
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

try() { # EXIT ARGUMENTS...
  code=0
  "$SULCUS" "${@:2}" >stdout 2>stderr || code=$?
  is "${*:2}: exit" "$code" "$1"
}
digest() { "$SULCUS" inspect "$1" | sed -n '1s/.*digest //p'; }

cat >images.yaml <<END
output: images
models: {vit: {path: $SOURCE/examples/vit-glyph100}}
datasets: {d: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, greek, hebrew], limit: 20, split_seed: none}}
steps:
  a: {stage: collect, model: vit, data: d, sites: [mlp, attn]}
  s: {stage: score, from: a}
  p: {stage: prune, from: s, model: vit, data: d, fraction: 0.2, site: both, seeds: 0}
  m: {stage: prune, from: [a, s], model: vit, data: d, fraction: 0.3, site: both, seeds: 0, value: [mean, retain_mean]}
  e: {stage: export, from: [p, s]}
  f: {stage: export, from: [s, m, a], forget: [greek]}
END
cat >text.yaml <<END
output: text
models: {lm: {path: $SOURCE/examples/mistral-debtext}}
datasets: {d: {format: jsonl, path: $SOURCE/examples/debtext/test.jsonl, subsets: meta.pile_set_name, keep: [bible, german], context: 64, limit: 1500, split_seed: none}}
steps:
  a: {stage: collect, model: lm, data: d}
  s: {stage: score, from: a}
  p: {stage: prune, from: s, model: lm, data: d, drop: [0.1], seeds: 0}
END
row() { # VARIABLE FILE ROW: a row of a variable (forget, subset), or all of it
  ncdump -p 9,17 -v "$1" "$2" | sed -n "/^data:/,\$p" | tr -d '\n ' | sed "s/.*$1=//; s/;.*//" | tr , '\n' | awk -v n="$4" -v row="$3" 'NR > n * row && NR <= n * (row + 1)' | xargs
}

# evaluated PIPELINE ARTEFACT SUBSET ROW SUBSETS SITE: the exported folder beside the pruning.
evaluated() {
  local name=$1 file=$2 forget=$3 at=$4 n=$5 site=$6
  try 0 export "$name/$file" "out-$name" --forget "$forget"
  is "$name: what it says" "$(cat stdout)" "out-$name"
  sed "s,path: .*/examples/\(vit-glyph100\|mistral-debtext\)},path: $scratch/out-$name},; s,^output.*,output: again-$name,; /  [asmef]: /d
    s,  p: .*,  i: {stage: import\, path: out-$name/sulcus/scores.$site.safetensors\, site: $site}\n  p: {stage: prune\, from: i\, model: $([ "$name" = images ] && echo vit || echo lm)\, data: d\, site: $site\, fraction: 0.5\, seeds: 0}," \
    "$name.yaml" >"again-$name.yaml"
  try 0 run "again-$name.yaml" --quiet
  local losses
  losses=$(row loss "$name/$file" "$at" "$n")
  is "$name: accuracy" "$(row accuracy_base "again-$name/p/all.nc" 0 "$n")" "$(row accuracy "$name/$file" "$at" "$n")"
  near "$(row loss_base "again-$name/p/all.nc" 0 "$n")" "$losses" "$(batch_error)" || fail "$name: losses: got '$(row loss_base "again-$name/p/all.nc" 0 "$n")', expected '$losses'"
  near "$(row loss_base "$name/$file" 0 "$n")" "$losses" "$(batch_error)" && fail "$name: the twin, the unpruned model, is no other"
}
try 0 run images.yaml --quiet
try 0 run text.yaml --quiet
evaluated images p/all.nc greek 1 3 attn
evaluated text 'p/drop=0.1.nc' german 1 2 mlp
# The text's scores hold one site: all of the artefact is the same.
is 'imported scores' "$(digest again-text/i/all.nc)" "$(digest text/s/all.nc)"

# Neurons that became their means, which biases take up: the sums are of another order, so that losses agree as far as the biases do, which are F16 here.
for value in mean retain_mean; do
  try 0 export "images/m/value=$value.nc" "out-$value" --forget greek
  sed "s,path: .*/vit-glyph100},path: $scratch/out-$value},; s,^output.*,output: again-$value,; /  [asmef]: /d
    s,  p: .*,  i: {stage: import\, path: out-$value/sulcus/scores.mlp.safetensors}\n  p: {stage: prune\, from: i\, model: vit\, data: d\, fraction: 0.5\, seeds: 0}," images.yaml >"again-$value.yaml"
  try 0 run "again-$value.yaml" --quiet
  is "$value: accuracy" "$(row accuracy_base "again-$value/p/all.nc" 0 3)" "$(row accuracy "images/m/value=$value.nc" 1 3)"
  near "$(row loss_base "again-$value/p/all.nc" 0 3)" "$(row loss "images/m/value=$value.nc" 1 3)" 3e-4 || fail "$value: losses differ: $(row loss_base "again-$value/p/all.nc" 0 3), $(row loss "images/m/value=$value.nc" 1 3)"
done
near "$(row loss_base again-mean/p/all.nc 0 3)" "$(row loss 'images/m/value=retain_mean.nc' 1 3)" 3e-4 && fail 'the twin: the mean of all is that of what is retained'
says 'what became of them' out-mean/README.md 'biases have what the neurons'
sed 's/  p: .*/  p: {stage: prune, from: [s, a], model: lm, data: d, fraction: 0.1, seeds: 0, value: mean}/; s/^output.*/output: llama/' text.yaml >llama.yaml
try 0 run llama.yaml --quiet
try 3 export llama/p/all.nc out-llama --forget german
says 'no bias' stderr 'family llama has no bias where site mlp is read.*value: zero'

# What is in the folder.
is 'files' "$(cd out-images && echo * sulcus/*)" 'README.md config.json model.safetensors preprocessor_config.json sulcus sulcus/cut.json sulcus/mask.attn.safetensors sulcus/mask.mlp.safetensors sulcus/scores.attn.safetensors sulcus/scores.mlp.safetensors'
is 'neurons' "$(grep -c '"unit"' out-images/sulcus/cut.json)" "$(ncdump -v pruned images/p/all.nc | sed -n 's/ pruned = [0-9]*, \([0-9]*\),.*/\1/p')"
says 'the run' out-images/README.md 'task: `p`'
says 'an accuracy' out-images/README.md '^| greek | '
for name in config.json preprocessor_config.json; do cmp "$SOURCE/examples/vit-glyph100/$name" out-images/$name || fail "$name differs"; done
is 'sizes' "$(stat -c %s out-images/model.safetensors)" "$(stat -c %s "$SOURCE/examples/vit-glyph100/model.safetensors")"

# transformers, where there is any: PYTHON=/path/to/python.
python=${PYTHON-python3}
if "$python" -c 'import torch, transformers' 2>stderr; then
  try 0 table images/p/all.nc --variable accuracy --csv
  cp stdout table
  "$python" "$SOURCE/tests/reference/check_export.py" images out-images greek <table >stdout 2>stderr || fail 'transformers, images'
  cat stdout
  "$python" "$SOURCE/tests/reference/check_export.py" images "$SOURCE/examples/vit-glyph100" greek <table >stdout 2>stderr && fail 'the twin, the whole model, passes'
  for value in mean retain_mean; do
    try 0 table "images/m/value=$value.nc" --variable accuracy --csv
    cp stdout table
    "$python" "$SOURCE/tests/reference/check_export.py" images "out-$value" greek <table >stdout 2>stderr || fail "transformers, $value"
    cat stdout
  done
  try 0 table text/p/drop=0.1.nc --variable accuracy --csv
  cp stdout table
  "$python" "$SOURCE/tests/reference/check_export.py" text out-text german <table >stdout 2>stderr || fail 'transformers, text'
  cat stdout
else
  echo "NOTICE: $python has no transformers: not tried with it"
fi

# The stage writes what the command does, for every point and subset, and says where; again, on two ranks, over what a killed run left.
field() { ncdump -v "$1" "$2" | sed -n '/^data:/,$p' | tr -d ' \n"' | sed "s/.*[;:]$1=//; s/;.*//"; }
folders=images/$(field path images/e/all.nc | sed 's,/[^/]*$,,; s/.*,//')
is 'folders' "$(field path images/e/all.nc | tr , '\n' | sed 's/\.[0-9a-f]*//' | xargs)" 'e/all/latin e/all/greek e/all/hebrew'
diff -r -x README.md out-images "$folders/greek" >stdout || fail 'the stage writes another folder than the command'
for value in mean retain_mean; do
  diff -r -x README.md -x 'scores*' "out-$value" "images/$(field path "images/f/value=$value.nc")" >stdout || fail "the stage writes another folder, $value"
done
is 'bytes' "$(field bytes images/e/all.nc | cut -d, -f2)" "$(cd "$folders/greek" && find . -type f ! -name README.md -printf '%s\n' | awk '{n += $1} END {print n}')"
digest images/e/all.nc >before
mkdir -p "$folders/greek.tmp/sulcus"
echo part >"$folders/greek.tmp/sulcus/cut.json"
echo part >"$folders/latin/model.safetensors"
rm -r "$folders/hebrew"
ranks 2 "$SULCUS" run images.yaml --quiet --force e
is 'again: exit' "$code" 0
is 'again: digest' "$(digest images/e/all.nc)" "$(cat before)"
is 'again: folders' "$(ls "$folders" | xargs)" 'greek hebrew latin'
diff -r -x README.md out-images "$folders/greek" >stdout || fail 'again, another folder'
cmp -s "$folders/latin/model.safetensors" "$folders/greek/model.safetensors" && fail 'the twin: one subset is another'

foresees() { # WHAT CODE MESSAGE SETTING...
  try "$2" plan "$pipeline" "${@:4}"
  says "$1" stderr "$3"
}
pipeline=images.yaml
foresees 'means alone' 2 'steps.f.from=m: .*needs its activations too; give from: .prunings, activations' -s steps.f.from=m
foresees 'activations for nothing' 2 'activations are for value: mean' -s 'steps.e.from=[p, a]'
foresees 'scores alone' 2 'not one step of prunings' -s steps.e.from=s
foresees 'resampled' 2 'no weights can say' -s steps.p.value=resample
foresees 'another subset' 2 'unknown subset grek; did you mean greek' -s 'steps.e.forget=[grek]'
sed 's/  p: .*/  p: {stage: prune, from: [s, a], model: lm, data: d, fraction: 0.1, seeds: 0, value: mean}/; $a\  e: {stage: export, from: [p, a]}' text.yaml >llama.yaml
pipeline=llama.yaml
foresees 'no bias, foreseen' 3 'family llama has no bias where site mlp is read'

# A whole run; a model that has moved.
try 0 export images all-images
is 'all of a run' "$(cd all-images && echo */*/*)" 'm/value=mean/greek m/value=mean/hebrew m/value=mean/latin m/value=retain_mean/greek m/value=retain_mean/hebrew m/value=retain_mean/latin p/all/greek p/all/hebrew p/all/latin'
cmp all-images/p/all/greek/model.safetensors out-images/model.safetensors || fail 'one of a run is another'
cp -r "$SOURCE/examples/vit-glyph100" moved
sed "s,path: .*/vit-glyph100},path: $scratch/moved}," images.yaml >moved.yaml
sed -i '/  [mef]: /d' moved.yaml
try 0 run moved.yaml --quiet -s output=moved-run
mv moved elsewhere
try 3 export moved-run/p/all.nc out-moved --forget latin
says 'a model that is gone' stderr 'no longer where it was'
try 0 export moved-run/p/all.nc out-moved --forget latin --model elsewhere
cmp all-images/p/all/latin/model.safetensors out-moved/model.safetensors || fail 'the moved model gives another'
printf '\1' | dd of=elsewhere/model.safetensors bs=1 seek=9000 conv=notrunc status=none
try 3 export moved-run/p/all.nc out-other --forget latin --model elsewhere
says 'another model' stderr 'other bytes than the model that was pruned'

# A file is asked for from wherever one is, and one that another's name ends with is not that.
(cd images/p && "$SULCUS" export all.nc "$scratch/from-within" --forget latin) >stdout 2>stderr || fail 'from its own folder'
cmp from-within/model.safetensors all-images/p/all/latin/model.safetensors || fail 'from its own folder it is another'
mkdir images/my-p
cp images/p/all.nc images/my-p/all.nc
try 3 export images/my-p/all.nc out-none --forget latin
says 'a copy beside' stderr 'is no artefact of a run'
rm -r images/my-p from-within

# Refused, and nothing is left behind.
try 2 export images/p/all.nc out-images --forget greek
says 'a folder that is there' stderr 'is there already'
try 2 export images/p/all.nc out-none --forget grek
says 'another subset' stderr 'did you mean greek?'
try 3 export images/s/all.nc out-none
says 'no pruning' stderr 'is no pruning'
try 3 export nowhere out-none
try 3 export images.yaml out-none
sed 's/examples.vit-glyph100/&, weights: random/; s/^output.*/output: drawn/' images.yaml >drawn.yaml
sed -i '/  [mf]: /d' drawn.yaml
try 3 plan drawn.yaml
says 'drawn weights, foreseen' stderr 'its weights are drawn'
sed -i '/  e: /d' drawn.yaml
try 0 run drawn.yaml --quiet
try 3 export drawn out-none
says 'drawn weights' stderr 'weights that were drawn'
is 'what is left' "$(ls -d out-* | xargs)" 'out-images out-mean out-moved out-retain_mean out-text'
finish
