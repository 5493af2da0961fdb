#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `skip_first` leaves out the first tokens of each sample. Of samples of four tokens the first two alone are a dataset of their own, so that what
# is left is known from the statistics of both; and its firing bits are the latter two of every four.
. "$(dirname "$0")/../lib.sh"
mkdir "$scratch/all" "$scratch/firsts"
python3 - "$scratch" <<'PY'
import random, struct, sys
random.seed(3)
for name in "one", "two":
    ids = [random.randrange(59) for _ in range(400)]
    open(f"{sys.argv[1]}/all/{name}.bin", "wb").write(struct.pack("<400H", *ids))
    open(f"{sys.argv[1]}/firsts/{name}.bin", "wb").write(struct.pack("<200H", *(x for i, x in enumerate(ids) if i % 4 < 2)))
PY
cat >"$scratch/p.yaml" <<END
pipeline: skip
output: $scratch/out
models: {m: {path: $SOURCE/tests/reference/models/lm-llama3}}
datasets:
  all: {format: tokens, path: $scratch/all, context: 4, collect: same}
  firsts: {format: tokens, path: $scratch/firsts, context: 2, collect: same}
steps:
  whole: {stage: collect, model: m, data: all, sites: [mlp, attn], firing: 1000}
  first: {stage: collect, model: m, data: firsts, sites: [mlp, attn]}
  behind: {stage: collect, model: m, data: all, sites: [mlp, attn], firing: 1000, skip_first: 2}
END
ranks 2 "$SULCUS" run "$scratch/p.yaml" --quiet
is 'exit code' $code 0
digests "$scratch/out" >"$scratch/two"
ranks 1 "$SULCUS" run "$scratch/p.yaml" --quiet -s threads=3 -s oversubscribe=true -s output="$scratch/one"
digests "$scratch/one" | cmp -s - "$scratch/two" || fail 'other bits on one rank'

# The variables of an artefact as numbers, by ncdump.
cat >"$scratch/compare.py" <<'PY'
import re, subprocess, sys
def read(name):
    text = subprocess.run(["ncdump", "-p", "9,17", f"{sys.argv[1]}/{name}/all.nc"], capture_output=True, text=True, check=True).stdout
    text = text[text.index("data:"):]
    return {k: [float(x) for x in v.replace("\n", " ").split(",")] for k, v in re.findall(r"(\w+) =\s([^;\"]+);", text)}
whole, first, behind = map(read, ("whole", "first", "behind"))
wrong = 0
for site in "mlp", "attn":
    assert behind[site + "_count"] == [200, 200] == first[site + "_count"] and whole[site + "_count"] == [400, 400]
    for moment in "mean_abs", "mean", "mean_square", "mean_sqrt_abs", "positive":
        for w, f, b in zip(*(x[f"{site}_{moment}"] for x in (whole, first, behind))):
            wrong += abs(2 * w - f - b) > (1e-5 if "sqrt" in moment else 1e-6) * max(1, abs(w)) # a root enlarges what rounds near 0
bits = lambda x: [int(v) >> k & 1 for v in x["mlp_firing"] for k in range(8)]
all_bits, behind_bits = bits(whole), bits(behind)
assert len(all_bits) == 2 * len(behind_bits) and 0 < sum(behind_bits) < len(behind_bits)
place = int(sys.argv[2])
wrong += [b for i, b in enumerate(all_bits) if place <= i % 4 < place + 2] != behind_bits
print(wrong, "wrong")
sys.exit(wrong > 0)
PY
python3 "$scratch/compare.py" "$scratch/out" 2 || fail 'what is left is not the whole without the first tokens'
python3 "$scratch/compare.py" "$scratch/out" 1 >"$scratch/twin" && fail 'the twin: the firing of other tokens is not theirs' # seen

code=0
"$SULCUS" plan "$scratch/p.yaml" -s steps.behind.skip_first=4 >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
is 'nothing is left: exit' "$code" 2
says 'nothing is left' "$scratch/stderr" 'or none is longer than skip_first'
finish
