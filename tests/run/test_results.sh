#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `table`, `top` and `compare` against ncdump and sort: each number of a pruning is in its row, the first neurons are those that sorting
# all of them gives, and two runs differ where one was changed.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 # MPI's plugins are gone by the end, and their leaks have no names; unit tests look for ours
cd "$scratch" || exit 1
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
settings=(-s output="$scratch/out" -s datasets.glyphs.limit=16 -s models.trained.path="$SOURCE/examples/vit-glyph100")

try() { # EXIT ARGUMENTS...
  code=0
  "$SULCUS" "${@:2}" >stdout 2>stderr || code=$?
  is "${*:2}: exit" "$code" "$1"
}
for step in unlearn overlap; do
  for before in activations scores $step; do try 0 run "$SOURCE/tests/small.yaml" "${settings[@]}" --only $before --quiet; done
done

# numbers VARIABLE FILE: its values in ncdump's order, a line each, "_" for NaN.
numbers() {
  ncdump -p 9,17 -v "$1" "$2" | sed -n "/^data:/,\$p" | tr '\n' ' ' | sed "s/.* $1 = *//; s/;.*//; s/NaN/_/g" | tr -d ' ' | tr , '\n'
}
# column NAME: of the CSV on stdin (none of these cells holds a comma).
column() { awk -F, -v name="$1" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) at = i; next} {print at ? $at : "none"}'; }

# --- table
file=out/unlearn/drop=0.3.nc
try 0 table $file --variable accuracy --csv
for pair in value:accuracy low:accuracy_low high:accuracy_high; do
  numbers "${pair#*:}" $file | awk '{printf "%.15g\n", $1}' >wanted
  column "${pair%:*}" <stdout | awk '{printf "%.15g\n", $1}' >got
  is "$pair" "$(diff wanted got)" ''
  is "$pair: rows" "$(wc -l <got)" 16
done
is 'axis' "$(column drop <stdout | sort -u)" 0.3
is 'forget, subset' "$(sed -n 3p stdout | cut -d, -f1-5)" 'unlearn,0.3,accuracy,latin,digits'
is 'reached' "$(column reached <stdout | awk 'NR % 4 == 1' | xargs)" "$(numbers reached $file | xargs)"
try 0 table out --csv
is 'steps of a run' "$(column step <stdout | sort -u | xargs)" 'activations overlap unlearn'
is 'axes of a run' "$(head -1 stdout | cut -d, -f1-4)" 'step,model,measure,drop'
is 'no neuron' "$(grep -c mask stdout)" 0
try 0 table $file
is 'aligned' "$(awk '{print (length($0) > 40)}' stdout | sort -u)" 1
try 3 table $file --variable nothing
says 'no such variable' stderr 'there is no table of nothing'
try 3 table out/scores/model=trained,measure=abs.nc
says 'neurons only' stderr 'sulcus top'
mkdir empty
try 3 table empty
says 'an empty folder' stderr 'has no finished task'
try 3 table nowhere.nc
head -c 3000 $file >cut.nc
try 3 table cut.nc
is 'one line' "$(wc -l <stderr)" 1

# Sixty thousand rows of few columns are little memory, and none too many to compare.
for of in 1 2 60000; do
  printf 'netcdf x {\ndimensions: row = %d, half = 2 ;\nvariables: double value(row, half) ; value:_FillValue = %d. ;\n}\n' $((of < 3 ? 30000 : 1)) "$of" |
    ncgen -4 -o "many-$of.nc" - || fail ncgen
done
small() { (ulimit -d 36000 && "$SULCUS" "$@") >stdout 2>stderr; } # kB
if small table many-60000.nc; then
  small table many-1.nc --csv || fail 'many rows'
  is 'many rows' "$(wc -l <stdout) $(tail -1 stdout)" '60001 value,29999,1,1'
  small compare many-1.nc many-2.nc --csv || fail 'many differences'
  is 'many differences' "$(wc -l <stdout) $(tail -1 stdout)" '60001 value,29999,1,1,2,1'
else
  echo "not looked at: memory of many rows (sanitizers need more than there is)"
fi

# --- top
scores=out/scores/model=trained,measure=abs.nc
best() { # SUBSET'S NUMBER, SITE: "layer unit", the first seven
  local width
  width=$(ncdump -h $scores | sed -n "s/^\t$([ "$2" = mlp ] && echo unit || echo attn_unit) = \([0-9]*\) ;/\1/p")
  numbers "$2_score" $scores | awk -v n=$((6 * width)) -v subset="$1" -v width="$width" \
    'NR > subset * n && NR <= (subset + 1) * n {i = NR - 1 - subset * n; printf "%s %d %d %d\n", $1, i, i / width, i % width}' |
    sort -k1,1gr -k2,2n | head -7 | cut -d' ' -f3-
}
try 0 top $scores --subset greek -n 7 --csv
best 2 mlp >wanted
best 2 attn >>wanted
paste -d' ' <(column layer <stdout) <(column unit <stdout) >got
is 'the first seven' "$(diff wanted got)" ''
is 'ranks' "$(column rank <stdout | xargs)" '1 2 3 4 5 6 7 1 2 3 4 5 6 7'
best 1 mlp | cmp -s - <(head -7 got) && fail 'the twin, the neurons of another subset, is taken for these'
try 0 top $scores --subset greek -n 300 --csv
says 'what else they serve' stdout '(1'
try 2 top $scores --subset grek
says 'another subset' stderr 'did you mean greek'
try 2 top $scores
says 'no subset' stderr 'latin, digits, greek, hebrew'
try 2 top $scores --subset greek -n none
try 3 top $file --subset greek
says 'no scores' stderr 'holds no scores'

# --- compare
cp -r out again
try 0 compare out again
is 'the same' "$(sed 's/^[0-9]* //' stdout)" 'numbers are the same, 0 differ, 0 of them beyond their intervals'
try 0 compare $file out/unlearn/drop=0.6.nc --csv
numbers pruned $file | paste -d, - <(numbers pruned out/unlearn/drop=0.6.nc) >wanted
grep '^pruned,' stdout >got
paste -d, <((head -1 stdout; cat got) | column a) <((head -1 stdout; cat got) | column b) | sed 's/\.0*$//' >pairs
is 'pruned' "$(awk -F, '$1 != $2' wanted | diff - pairs)" ''
try 0 run "$SOURCE/tests/small.yaml" "${settings[@]}" -s output="$scratch/other" -s steps.unlearn.drop=0.9 --only activations --quiet
for before in scores unlearn; do
  try 0 run "$SOURCE/tests/small.yaml" "${settings[@]}" -s output="$scratch/other" -s 'steps.unlearn.drop=[0.3]' -s steps.unlearn.tolerance=0.5 --only $before --quiet
done
try 0 compare out other
says 'a run' stdout '^unlearn\[drop=0.3\] '
says 'in one only' stdout 'are in the first only'
try 3 compare $file $scores
says 'nothing in common' stderr 'has no number that'
finish
