#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What artefacts say beside results: the values of axes, names, indices and modules, which other programs join tasks by; they are in no
# digest. examples/analysis.py joins a sweep with xarray and draws figures 1 and 3, where Python has what it needs (PYTHON=/path/to/python).
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
: >stdout >stderr
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
cat >p.yaml <<END
output: out
models:
  trained: {path: $SOURCE/examples/vit-glyph100}
  random: {path: $SOURCE/examples/vit-glyph100, weights: random}
datasets:
  d: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, greek], limit: 16}
  e: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [hebrew], limit: 16, collect: 0}
steps:
  activations: {stage: collect, model: [trained, random], data: d}
  scores: {stage: score, from: activations}
  unlearn: {stage: prune, from: scores, model: trained, data: d, drop: [0.5, 0.8], seeds: 1, evaluate: [d, e]}
  overlap: {stage: intersect, from: scores, fractions: [0.1, 0.2]}
END
"$SULCUS" run p.yaml --quiet -s steps.unlearn.tolerance=0.1 >stdout 2>stderr || fail 'the run'

# shown VARIABLE FILE: its values in one line.
shown() { ncdump -v "$1" "$2" | sed -n '/^data:/,$p' | tr -d '\n' | sed "s/.* $1 = *//; s/ *;.*//; s/  */ /g"; }
file=out/unlearn/drop=0.5.nc
is 'an axis that is a number' "$(ncdump -h $file | grep -c '^	double drop ;') $(shown drop $file)" '1 0.5'
is 'an axis that is a name' "$(shown model out/overlap/model=random.nc)" '"random"'
is 'a model that is not swept' "$(shown model $file)" '"trained"'
is 'a dataset' "$(shown dataset out/overlap/model=random.nc)" '"d"'
is 'datasets of subsets' "$(shown dataset $file)" '"d", "d", "e"'
is 'their own names' "$(shown subset_name $file)" '"latin", "greek", "hebrew"'
is 'names as ever' "$(shown subset $file)" '"d/latin", "d/greek", "e/hebrew"'
is 'layers' "$(shown layer $file)" '0, 1, 2, 3, 4, 5'
is 'modules' "$(shown mlp_module out/scores/model=trained.nc | cut -d, -f1-2)" '"vit.encoder.layer.0.output.dense", "vit.encoder.layer.1.output.dense"'
is 'told to readers' "$(ncdump -h $file | grep -c ':coordinates = ".*drop')" 1
[ "$(ncdump -h $file | grep -c 'in_digest = "no"')" -gt 5 ] || fail 'they are not marked'

# Not in the digest: another name of the model and of the dataset, the same digests. The twin: another result has another.
sed 's/\bd\b\([],:}]\)/glyphs\1/g; s/trained\b/known/g; s/output: .*/output: named/' p.yaml >named.yaml
"$SULCUS" run named.yaml --quiet -s steps.unlearn.tolerance=0.1 >stdout 2>stderr || fail 'the run under other names'
is 'a name in it' "$(shown model named/unlearn/drop=0.5.nc)" '"known"'
digest() { "$SULCUS" inspect "$1" | sed -n '1s/.*digest //p'; }
is 'digest' "$(digest named/activations/model=known.nc) $(digest named/overlap/model=known.nc)" "$(digest out/activations/model=trained.nc) $(digest out/overlap/model=trained.nc)"
[ "$(digest out/activations/model=random.nc)" != "$(digest out/activations/model=trained.nc)" ] || fail 'the twin has the same digest'
"$SULCUS" fsck out >stdout 2>stderr || fail 'fsck'

# The pipeline as it was run, in the artefact and in the report: it gives the same tasks under the same keys, with nothing on the command line.
text_of() { ncdump -h "$1" | sed -n 's/^.*:pipeline_text = "\(.*\)" ;$/\1/p' | sed 's/\\n/\n/g; s/\\"/"/g; s/\\\\/\\/g'; }
text_of $file >effective.yaml
says 'what -s changed' effective.yaml '^    tolerance: 0.1$'
says 'where it came from' effective.yaml '^# .*p.yaml, with -s steps.unlearn.tolerance=0.1$'
"$SULCUS" plan effective.yaml >stdout 2>stderr || fail 'plan of what was run'
is 'finished under the same keys' "$(grep -c '  finished$' stdout)" 8
"$SULCUS" run p.yaml --quiet -s output=plain --only activations >stdout 2>stderr || fail 'the run without'
mkdir below
(cd below && "$SULCUS" run ../p.yaml --quiet -s output=typed -s steps.scores.measure=freq --only activations) >stdout 2>stderr || fail 'the run from elsewhere'
text_of below/typed/activations/model=trained.nc >effective.yaml
says 'a path as it was meant' effective.yaml "^output: \"$scratch/below/typed\"$"
"$SULCUS" report p.yaml -s steps.unlearn.tolerance=0.1 >stdout 2>stderr || fail 'the report'
says 'in the report' out/report/index.html 'tolerance: 0.1'

python=${PYTHON-python3}
if "$python" -c 'import xarray, netCDF4, matplotlib' 2>stderr; then
  "$python" "$SOURCE/examples/analysis.py" out figures >stdout 2>stderr || fail 'analysis.py'
  for figure in figure1 figure3; do
    [ "$(head -c 4 figures/$figure.png | tail -c 3)" = PNG ] || fail "no $figure"
  done
  says 'a row a drop' stdout '^0.8 '
  says 'a row a model' stdout '^random'
  # Searches of different lengths join by their probes' indices, filled behind the last; without these they do not.
  "$python" - >stdout 2>stderr <<'PY' || fail 'searches that do not join'
import numpy, xarray
x = [xarray.open_dataset(f"out/unlearn/drop={drop}.nc") for drop in (0.5, 0.8)]
if x[0].sizes["probe"] == x[1].sizes["probe"]:
    x[1] = x[1].isel(probe=slice(0, -1))
both = xarray.concat(x, "drop", join="outer")
assert both.sizes["probe"] == max(t.sizes["probe"] for t in x)
for i, t in enumerate(x):
    n, trace = t.sizes["probe"], both.trace_fraction.isel({"drop": i}).values
    assert numpy.array_equal(trace[:, :n], t.trace_fraction.values, equal_nan=True) and numpy.isnan(trace[:, n:]).all()
try:
    xarray.concat([t.drop_vars("probe") for t in x], "drop", join="outer")
except ValueError:
    pass
else:
    raise SystemExit("joined without indices")
PY
else
  echo "NOTICE: $python has no xarray, netCDF4 and matplotlib: analysis.py is not tried"
fi
finish
