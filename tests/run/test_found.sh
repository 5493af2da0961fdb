#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Keys find results: a value that was tried before is not computed again, under whatever name: 0.5, 0.8 and 0.5 again; 0.5, and then a
# sweep with 0.5 in it; a step of another name. What is found says what its task is called now, and has the bits it had. `gc` lists and
# removes what nobody refers to, and `--to` runs a step and what it needs.
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
  overlap: {stage: intersect, from: scores, fractions: [0.1]}
END
run() { # EXPECTED ARGUMENTS...: what a run says of tasks
  "$SULCUS" run p.yaml "${@:2}" >stdout 2>stderr || fail "run ${*:2}"
  is "run ${*:2}" "$(sed -n 's/^.*\( done in\| was there, as\).*/&/p' stdout | sed 's/^[0-9:. ]*//; s/ done in.*//' | grep -v '^[0-9]* done,' | sort | paste -sd';')" "$1"
}
digest() { "$SULCUS" inspect "$1" | sed -n '1s/.*digest //p'; }
shown() { ncdump -v "$1" "$2" | sed -n '/^data:/,$p' | tr -d '\n' | sed "s/.* $1 = *//; s/ *;.*//; s/  */ /g"; }

run 'activations;scores' --to scores
is 'left out by --to' "$(ls out | xargs)" 'activations journal.jsonl scores'
run 'overlap;unlearn'
half=$(digest out/unlearn/all.nc)

# Another value, and back.
run 'unlearn' -s steps.unlearn.fraction=0.8
[ "$(digest out/unlearn/all.nc)" != "$half" ] || fail 'the twin: 0.8 gives what 0.5 does'
is 'kept' "$(find out/.kept -name '*.nc' | wc -l)" 1
"$SULCUS" plan p.yaml >stdout 2>stderr
says 'plan finds it' stdout '^done  unlearn .* finished, as unlearn$'
"$SULCUS" report p.yaml >stdout 2>stderr || fail 'a report of what is kept'
run 'unlearn was there, as unlearn'
is 'the same bits' "$(digest out/unlearn/all.nc)" "$half"
run ''

# A sweep, in which it has another name.
run 'unlearn[fraction=0.5] was there, as unlearn;unlearn[fraction=0.8] was there, as unlearn' -s steps.unlearn.fraction=[0.5,0.8]
for name in 0.5 0.8; do is "its axis" "$(shown swept_fraction out/unlearn/fraction=$name.nc)" $name; done
is 'its name' "$(ncdump -h out/unlearn/fraction=0.5.nc | sed -n 's/.*:task = "\(.*\)".*/\1/p')" 'unlearn[fraction=0.5]'
is 'its bits' "$(digest out/unlearn/fraction=0.5.nc)" "$half"
is 'its history' "$(ncdump -h out/unlearn/fraction=0.5.nc | grep -c 'found by its key, for unlearn\[fraction=0.5\]')" 1
is 'its modules' "$(shown mlp_module out/unlearn/fraction=0.5.nc | cut -c1-12)" '"vit.encoder'
run 'unlearn[fraction=0.5]' -s steps.unlearn.fraction=[0.5,0.8] --force 'unlearn[fraction=0.5]'
"$SULCUS" fsck out >stdout 2>stderr || fail 'fsck'

# A step of another name; --force computes.
sed 's/  unlearn:/  prune-half:/' p.yaml >named.yaml
"$SULCUS" plan named.yaml >stdout 2>stderr
says 'another name' stdout '^done  prune-half .* finished, as unlearn'
"$SULCUS" run named.yaml --force prune-half >stdout 2>stderr || fail 'a run that is forced'
says 'forced' stdout 'prune-half done in'

# gc: what the file, and those that were run here, do not refer to.
"$SULCUS" gc p.yaml >stdout 2>stderr || fail 'gc'
is 'unused' "$(sed -n 's/^unused  \(.*\), .*/\1/p' stdout | xargs)" 'unlearn/fraction=0.5.nc unlearn/fraction=0.8.nc'
mv named.yaml elsewhere.yaml
cp -r out before
"$SULCUS" gc p.yaml >stdout 2>stderr
says 'a pipeline file that is gone' stdout '^not looked at: .*/named.yaml'
says 'what it referred to' stdout '^unused  prune-half/all.nc'
is 'lists only' "$(diff -r out before)" ''
"$SULCUS" gc p.yaml --remove >stdout 2>stderr || fail 'gc --remove'
is 'what is left' "$(cd out && find . -name '*.nc' | sort | xargs)" './activations/all.nc ./overlap/all.nc ./scores/all.nc ./unlearn/all.nc'
run ''
"$SULCUS" gc p.yaml >stdout 2>stderr
says 'nothing more' stdout '^0 files, 0.0 MB'

# Damaged ones are not found.
"$SULCUS" run p.yaml -s steps.unlearn.fraction=0.3 --quiet >stdout 2>stderr
"$SULCUS" run p.yaml -s steps.unlearn.fraction=0.4 --quiet >stdout 2>stderr
kept=$(ls -t out/.kept/*.nc | head -1)
printf 'x' | dd of="$kept" bs=1 seek=3000 conv=notrunc status=none
touch "$kept"
run 'unlearn' -s steps.unlearn.fraction=0.3

# Nor where it shows only when one is opened; what lies in the task's place is kept all the same.
rm "$kept"
kept=$(ls -t out/.kept/*.nc | head -1)
touch -r "$kept" time
printf 'x' | dd of="$kept" bs=1 seek=3000 conv=notrunc status=none
touch -r time "$kept"
run 'unlearn' -s steps.unlearn.fraction=0.4
says 'a damaged one' stdout 'unlearn was there, but .*/.kept/.*: differs from what was committed'
run 'unlearn was there, as unlearn' -s steps.unlearn.fraction=0.3

# What was changed in its place is not what its key says.
rm -r out/.kept
printf 'x' >>out/unlearn/all.nc
run 'unlearn' -s steps.unlearn.fraction=0.4
is 'a changed one is not kept' "$(find out/.kept -type f 2>/dev/null)" ''
finish
