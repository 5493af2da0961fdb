#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Statistics by fold, of data that a seed cuts. The whole has the bits it has without folds; a fold's are those of a file that holds its
# samples alone; intervals, scores without a fold, overlaps and stability are what Python makes of the folds' statistics; the same in teams
# of ranks and after a kill; the twins fail.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
: >stdout >stderr
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
ids="$SOURCE/tests/reference/models/lm-mixtral"
mkdir ids
python3 -c '
for d in 5, 7: open(f"ids/{d}.bin", "wb").write(b"".join(bytes([i * i * d % 57, 0]) for i in range(3000)))
'
cat >p.yaml <<END
output: out
models: {vit: {path: $SOURCE/examples/vit-glyph100}, moe: {path: $ids}}
datasets:
  glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, greek, thai], split_seed: 3}
  ids: {format: tokens, path: ids, context: 12, collect: 1}
steps:
  a: {stage: collect, model: vit, data: glyphs, sites: [mlp, attn], firing: 60, histogram: true, folds: 4}
  s: {stage: score, from: a, measure: [abs, t, lape, auc, contribution, weights, random]}
  o: {stage: intersect, from: "s[measure=abs]", fractions: [0.3, 0.05], site: both}
  plain: {stage: collect, model: vit, data: glyphs, sites: [mlp, attn], firing: 60, histogram: true}
  ps: {stage: score, from: plain, measure: [abs, t, lape, auc, contribution, weights, random]}
  m: {stage: collect, model: moe, data: ids, sites: [mlp, expert], histogram: true, folds: 3}
  ms: {stage: score, from: m, measure: [abs, auc]}
  mo: {stage: intersect, from: ms, fractions: [0.2]}
END
ranks 2 "$SULCUS" run p.yaml --quiet
is 'run' "$code" 0
digests out >two
ranks 4 "$SULCUS" run p.yaml --quiet -s output=four -s threads=1 -s layers_over=2
digests four | cmp -s - two || fail 'other bits on four ranks in teams of two'

# Killed between two folds of a subset whose samples a seed chose, and gone on with in teams. A process alone: mpirun's orphans live on.
for _ in 1 2 3 4 5; do # until it is not finished before the kill
  rm -rf killed
  "$SULCUS" run p.yaml --quiet -s output=killed -s threads=1 -s checkpoint=0.01s --only a >stdout 2>stderr &
  for _ in $(seq 600); do grep -qs '"event":"saved"' killed/journal.jsonl && break; sleep 0.01; done
  kill -KILL $! 2>/dev/null
  wait $! 2>/dev/null
  [ -n "$(digests killed)" ] || break
done
is 'what is finished at the kill' "$(digests killed)" ''
ranks 2 "$SULCUS" run p.yaml --quiet -s output=killed -s threads=1 -s layers_over=2
is 'the run after the kill' "$code" 0
says 'the run after the kill' killed/journal.jsonl '"event":"resumed","time":.*"task":"a"'
digests killed | cmp -s - two || fail 'other bits after a kill'

# What stands in the artefact without folds stands in the other, bit for bit.
values() { ncdump -p 9,17 -v "$2" "$1" | sed -n '/^data:/,$p'; }
for v in mlp_count mlp_mean_abs mlp_mean_square mlp_positive mlp_histogram mlp_firing attn_mean collected; do
  is "the whole: $v" "$(values out/a/all.nc $v | cksum)" "$(values out/plain/all.nc $v | cksum)"
done
for m in abs t lape auc contribution weights random; do is "scores: $m" "$(values out/s/measure=$m.nc mlp_score | cksum)" "$(values out/ps/measure=$m.nc mlp_score | cksum)"; done
for m in weights random; do is "$m has no interval" "$(ncdump -h out/s/measure=$m.nc | grep -c 'mlp_score_low(')" 0; done
for m in contribution auc; do is "$m has" "$(ncdump -h out/s/measure=$m.nc | grep -c 'mlp_score_low(')" 1; done
is 'what has no folds' "$(for f in out/plain/all.nc out/ps/measure=abs.nc; do ncdump -h $f; done | grep -c 'fold_\|score_low(\|_without(')" 0

# A fold of one tile: 100 samples of 17 tokens are four tiles of 25.
cat >tiles.py <<'PY'
import gzip, os, re, subprocess, sys
source, each = sys.argv[1], int(sys.argv[2])
text = subprocess.run(["ncdump", "-v", "collected", "out/a/all.nc"], capture_output=True, text=True, check=True).stdout
bits = [int(x) for x in re.search(r" collected =\s([^;]+);", text).group(1).split(",")]
latin = open(f"{source}/examples/glyph100/coarse_label_names.txt").read().split().index("latin")
raw = gzip.open(f"{source}/examples/glyph100/test.bin.gz").read()
records = [r for r in (raw[i:i + 3074] for i in range(0, len(raw), 3074)) if r[0] == latin]
chosen = [r for i, r in enumerate(records) if bits[i // 8] >> i % 8 & 1]
for k in range(4):
    os.makedirs(f"tile{k}", exist_ok=True)
    open(f"tile{k}/test.bin", "wb").write(b"".join(chosen[25 * k:25 * k + each]))
PY
width=$((6 * 512))
values out/a/all.nc mlp_fold_mean_abs | sed '1,/mlp_fold_mean_abs =/d' | tr -d ' \n;}' | tr ',' '\n' | head -$((4 * width)) |
  awk -v w=$width '{row = row (NR % w == 1 ? "" : ",") $0} NR % w == 0 {print row; row = ""}' | sort >folds
# tiles SAMPLES: means of files with so many samples of each tile, a line each
tiles() {
  python3 tiles.py "$SOURCE" "$1" || fail 'tiles'
  for k in 0 1 2 3; do
    cp "$SOURCE"/examples/glyph100/*_label_names.txt tile$k
    printf 'output: of%s\nmodels: {vit: {path: %s}}\ndatasets: {d: {format: cifar100, path: tile%s, split: test, subsets: coarse, collect: 1}}\nsteps: {a: {stage: collect, model: vit, data: d}}\n' \
      $k "$SOURCE/examples/vit-glyph100" $k >tile.yaml
    "$SULCUS" run tile.yaml --quiet >stdout 2>stderr || fail "tile $k"
    values of$k/a/all.nc mlp_mean_abs | sed '1,/mlp_mean_abs =/d' | tr -d ' \n;}'
    echo
  done | sort
}
is 'folds, and files of their samples' "$(tiles 25 | cksum)" "$(cksum <folds)"
is 'the twin: a sample is missing in each' "$(comm -12 <(tiles 24) folds)" ''

# The rest in Python, from the folds' own statistics; TWIN leaves out a fold too few.
cat >oracle.py <<'PY'
import math, re, subprocess, sys
twin = len(sys.argv) > 1
def read(path):
    text = subprocess.run(["ncdump", "-p", "9,17", path], capture_output=True, text=True, check=True).stdout
    size = {k: int(v) for k, v in re.findall(r"\t(\w+) = (\d+) ;", text[:text.index("variables:")])}
    data = {k: v for k, v in re.findall(r" (\w+) =\s([^;]+);", text[text.index("data:"):])}
    return size, {k: [float("nan") if "NaN" in x or "_" in x else float(x) for x in v.split(",")] for k, v in data.items() if '"' not in v}
T = {3: 4.302652729911275, 4: 3.182446305284263}  # SciPy's t.ppf(0.975, folds - 1)
def interval(about, values):
    k = len(values)
    mean = sum(values) / k
    half = T[k] * math.sqrt((k - 1) / k * sum((v - mean) ** 2 for v in values))
    return about - half, about + half
worst = 0
def near(got, expected, what):
    global worst
    if math.isnan(got) != math.isnan(expected): raise SystemExit(f"{what}: {got} and {expected}")
    if not math.isnan(got): worst = max(worst, abs(got - expected) / max(abs(expected), 1e-3))
def without_each(a, name, count, groups):
    """[fold][subset][neuron]: the statistic over all other folds, added up."""
    size, x = a
    k, S, n = size["fold"], size["subset"], len(x[name]) // size["fold"] // size["subset"]
    per, width = n // groups, {}
    out = []
    for f in range(k):
        left = [g for g in range(k) if g != f and not (twin and g == (f + 1) % k)]
        row = []
        for s in range(S):
            for i in range(n):
                cells = [(s * k + g) for g in left]
                tokens = [x[count][c * groups + i // per] for c in cells]
                row.append(sum(t * x[name][c * n + i] for t, c in zip(tokens, cells) if t) / sum(tokens) if sum(tokens) else float("nan"))
        out.append((row, [sum(x[count][(s * k + g) * groups + j] for g in left) for s in range(S) for j in range(groups)]))
    return out, k, S, n, per
def check_abs(a, scores, site, count, groups):
    out, k, S, n, per = without_each(a, f"{site}_fold_mean_abs", count, groups)
    made = []
    for f, (m, tokens) in enumerate(out):
        for s in range(S):
            for i in range(n):
                group = [tokens[r * groups + i // per] for r in range(S)]
                pooled = sum(t * m[r * n + i] for r, t in enumerate(group) if t) / sum(group) if sum(group) else float("nan")
                made.append(m[s * n + i] / (pooled + 1e-6))
    check_made(scores, site, made, k, S * n)
def check_auc(a, scores, site):
    size, x = a
    k, S, bins = size["fold"], size["subset"], size["bin"]
    folds = x[f"{site}_fold_histogram"]
    n = len(folds) // k // S // bins
    made = []
    for f in range(k):
        left = [g for g in range(k) if g != f and not (twin and g == (f + 1) % k)]
        count = [[[sum(folds[((r * k + g) * n + i) * bins + b] for g in left) for b in range(bins)] for i in range(n)] for r in range(S)]
        for s in range(S):
            for i in range(n):
                own, rest = count[s][i], [sum(count[r][i][b] for r in range(S) if r != s) for b in range(bins)]
                pairs = sum(own) * sum(rest)
                above = sum(own[b] * (sum(rest[:b]) + rest[b] / 2) for b in range(bins))
                made.append(above / pairs if pairs else float("nan"))
    check_made(scores, site, made, k, S * n)
def check_made(scores, site, made, k, values):
    got = scores[1][f"{site}_score_without"]
    if len(got) != len(made): raise SystemExit(f"{site}: {len(got)} and {len(made)} scores")
    for g, e in zip(got, made): near(g, e, f"{site} without")
    for i in range(values):
        low, high = interval(scores[1][f"{site}_score"][i], [got[f * values + i] for f in range(k)])
        near(scores[1][f"{site}_score_low"][i], low, "low")
        near(scores[1][f"{site}_score_high"][i], high, "high")
a, s = read("out/a/all.nc"), read("out/s/measure=abs.nc")
check_abs(a, s, "mlp", "mlp_fold_count", 1)
check_abs(a, s, "attn", "attn_fold_count", 1)
m = read("out/m/all.nc")
check_abs(m, read("out/ms/measure=abs.nc"), "mlp", "expert_fold_tokens", m[0]["layer"] * m[0]["expert"])
check_abs(m, read("out/ms/measure=abs.nc"), "expert", "expert_fold_count", 1)
for site in "mlp", "expert": check_auc(m, read("out/ms/measure=auc.nc"), site)
# Sets of both sites, a layer's side by side.
size, x = s
S, L, k = size["subset"], size["layer"], size["fold"]
def both(mlp, attn, row):
    w, v = size["unit"], size["attn_unit"]
    return [y for l in range(L) for y in mlp[(row * L + l) * w:(row * L + l + 1) * w] + attn[(row * L + l) * v:(row * L + l + 1) * v]]
def top(values, share):
    return set(sorted(range(len(values)), key=lambda i: (-values[i], i))[:math.floor(share * len(values) + 1e-9)])
o = read("out/o/all.nc")[1]
for j, share in enumerate([0.3, 0.05]):
    whole = [top(both(x["mlp_score"], x["attn_score"], r), share) for r in range(S)]
    sets = [[top(both(x["mlp_score_without"], x["attn_score_without"], f * S + r), share) for r in range(S)] for f in range(k)]
    for p in range(S):
        near(o["stability"][j * S + p], sum(len(whole[p] & sets[f][p]) / len(whole[p]) for f in range(k)) / k, "stability")
        for q in range(S):
            at = (j * S + p) * S + q
            low, high = interval(o["overlap"][at], [len(sets[f][p] & sets[f][q]) / len(sets[f][p]) for f in range(k)])
            near(o["overlap_low"][at], max(0, low), "overlap_low")
            near(o["overlap_high"][at], min(1, high), "overlap_high")
    pairs = [(p, q) for p in range(S) for q in range(p + 1, S)]
    means = [sum(len(sets[f][p] & sets[f][q]) / len(sets[f][p]) for p, q in pairs) / len(pairs) for f in range(k)]
    low, high = interval(o["overlap_mean"][j], means)
    near(o["overlap_mean_low"][j], max(0, low), "overlap_mean_low")
    near(o["overlap_mean_high"][j], min(1, high), "overlap_mean_high")
print(worst)
raise SystemExit(worst > 1e-9)
PY
python3 oracle.py >stdout 2>stderr || fail 'the oracle'
python3 oracle.py twin >stdout 2>stderr && fail 'the twin passes'

"$SULCUS" plan p.yaml -s steps.a.folds=5 -s output=planned >stdout 2>stderr && fail 'more folds than tiles'
says 'more folds than tiles' stderr 'folds=5: subset latin is 4 tiles .* too few for 5 folds; `folds: 4` is the most for all subsets'
printf '\1\0%.0s' {1..300} >ids/short.bin # one tile, and not the first subset
"$SULCUS" plan p.yaml -s output=planned >stdout 2>stderr && fail 'more folds than the tiles of the smallest subset'
says 'one tile' stderr 'subset short is 1 tile (.* too few for 3 folds; leave out `folds`, or collect on more samples'
rm ids/short.bin
"$SULCUS" table out/o/all.nc --csv >stdout 2>stderr || fail 'table'
is 'rows with an interval' "$(awk -F, 'NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i} $at["variable"] == "overlap" && $at["low"] != "" {n++} END {print n}' stdout)" 18
"$SULCUS" report p.yaml >stdout 2>stderr || fail 'report'
says 'report' out/report/index.html 'by leaving out folds, without which every set keeps'
says 'report' out/report/index.html '"lowEnd"'
finish
