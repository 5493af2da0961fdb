#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `gc` takes away nothing that anybody may need: results of pipeline files in other folders, or of such as cannot be read, and files that
# are not the program's; and what it did take away is no damage.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
: >stdout >stderr
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
cat >p.yaml <<END
output: out
models: {vit: {path: $SOURCE/examples/vit-glyph100}}
datasets: {d: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, greek], limit: 16}}
steps:
  activations: {stage: collect, model: vit, data: d}
  scores: {stage: score, from: activations}
  unlearn: {stage: prune, from: scores, model: vit, data: d, fraction: 0.5, seeds: 0}
END
try() { # EXIT ARGUMENTS...
  code=0
  "$SULCUS" "${@:2}" >stdout 2>stderr || code=$?
  is "${*:2}: exit" "$code" "$1"
}
unused() { sed -n 's/^unused  \(.*\), .*/\1/p' stdout | xargs; }
try 0 run p.yaml --quiet

# Another pipeline file, in another folder and run from there, that calls the output folder by another name. All it needs is found by key.
mkdir sub
sed 's/  unlearn:/  beside:/; s,^output.*,output: ../sub/../out,' p.yaml >sub/beside.yaml
(cd sub && "$SULCUS" run beside.yaml --quiet) >stdout 2>stderr || fail 'a run from another folder'
cp out/journal.jsonl journal
(cd sub && "$SULCUS" run beside.yaml --quiet) >stdout 2>stderr || fail 'a second one'
cmp -s journal out/journal.jsonl || fail 'a run of nothing says what was known'
try 0 run p.yaml --quiet -s steps.unlearn.fraction=0.7
try 0 run p.yaml --quiet
try 0 gc p.yaml
is 'of another folder' "$(unused)" "$(cd out && echo .kept/*.nc)"
(cd sub && "$SULCUS" gc ../p.yaml) >stdout 2>stderr || fail 'gc from another folder'
is 'from another folder' "$(unused)" "$(cd out && echo .kept/*.nc)"

# One that is there and cannot be read.
cp -r out before
cp sub/beside.yaml whole.yaml
echo '  wrong: [' >>sub/beside.yaml
try 0 gc p.yaml
says 'one that cannot be read' stdout '^not looked at: .*/sub/beside.yaml:'
try 2 gc p.yaml --remove
says 'which' stderr '/sub/beside.yaml:'
is 'nothing is removed' "$(diff -r out before)" ''
mv whole.yaml sub/beside.yaml

# A journal of an older version, which did not say where the file lies.
mv out/journal.jsonl journal
{ cat journal
  echo '{"event":"run","time":1.0,"epoch":1,"ranks":1,"threads":1,"version":"0.1.0","command":"sulcus run old.yaml","pipeline":"old.yaml","sum":"a8f640f35142c6a6"}'
} >out/journal.jsonl
cp out/journal.jsonl before/journal.jsonl
try 3 gc p.yaml --remove
says 'a path of old' stderr 'old.yaml: was run here, and is not found from the current folder'
is 'nothing is removed for it' "$(diff -r out before)" ''
cp p.yaml old.yaml
try 0 gc p.yaml
is 'it is found here' "$(grep -c 'not looked at' stdout)" 0

# Nothing is looked at while a run may be on: here, this shell's.
rm out/journal.jsonl
mkdir out/journal.jsonl
{ printf 'id x\nhost %s\nboot %s\nspace %s\n' "$(hostname)" "$(cat /proc/sys/kernel/random/boot_id)" "$(readlink /proc/self/ns/pid)"
  printf 'pid %d\nstart %d\njob \nrestart \nsince now\nbeat %010d\n' $$ "$(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f20)" 0
} >out/lease
SULCUS_LEASE_WAIT=0.1 try 75 gc p.yaml --remove
says 'who is there' stderr "is in use by process $$"
rm -r out/journal.jsonl out/lease
mv journal out/journal.jsonl

# Files that no run has written stay, and so do their folders; what goes is no damage afterwards, and what is kept is looked at.
mkdir out/analysis out/empty
cp out/scores/all.nc out/analysis/mine.nc
try 0 fsck out
says 'kept ones' stdout '^2 that are kept are as they were committed, 0 are not'
sed -i 's/  unlearn:/  elsewise:/; s/fraction: 0.5/fraction: 0.9/' p.yaml
try 0 run p.yaml --quiet --to scores
cp -r out before2
kept=$(echo out/.kept/*.nc)
other=${kept#* }
kept=${kept% *}
touch -r "$kept" time
printf x | dd of="$kept" bs=1 seek=3000 conv=notrunc status=none
touch -r time "$kept"
try 3 fsck out
says 'a damaged one' stdout '^bad   .kept/.*: .*differs from what was committed'
is 'is moved away' "$(ls out/.kept)" "${other##*/}"
rm -r out
mv before2 out
try 0 gc p.yaml --remove
is 'removed' "$(sed -n 's/^removed \(.*\), .*/\1/p' stdout | xargs)" "${kept#out/} ${other#out/} unlearn/all.nc"
is 'what is left' "$(cd out && find . -mindepth 1 | sort | xargs)" \
  './activations ./activations/all.nc ./analysis ./analysis/mine.nc ./beside ./beside/all.nc ./empty ./journal.jsonl ./scores ./scores/all.nc'
try 0 fsck out
rm out/beside/all.nc
try 3 fsck out
says 'what is lost' stdout '^bad   beside:'

# A folder of an exported model goes with the result that it is of, and no other does.
sed 's/^output.*/output: models/; s/  elsewise:/  unlearn:/; $a\  e: {stage: export, from: unlearn, forget: [latin]}' p.yaml >e.yaml
try 0 run e.yaml --quiet
first=$(cd models && echo e/all.*/)
try 0 run e.yaml --quiet -s steps.unlearn.fraction=0.7
mkdir models/e/all.mine
sed 's/fraction: 0.9/fraction: 0.7/' e.yaml >e2.yaml
try 0 gc e2.yaml
is 'both are referred to' "$(unused)" ''
rm e.yaml
second=$(cd models && ls -d e/all.*/ | grep -vx -e "$first" -e e/all.mine/)
try 0 gc e2.yaml
is 'a folder of a result' "$(unused)" "$(cd models && echo .kept/*.nc "$first")"
[ -e "models/$first/latin/model.safetensors" ] || fail 'a list of what is unused removed it'
try 0 gc e2.yaml --remove
is 'what is left of the folders' "$(cd models && ls -d e/*/ | xargs)" "$(printf '%s\n' "$second" e/all.mine/ | sort | xargs)"
says 'how much' stdout '^removed e/all.*/, [2-9]\.[0-9] MB$'
[ -e "models/$second/latin/model.safetensors" ] || fail 'the folder of what is referred to is gone'
try 0 fsck models
finish
