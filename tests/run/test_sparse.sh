#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Mixtures of experts in the stages: what `collect` counts and means against PyTorch's numbers of lm-mixtral; scores, rankings, sets and
# clusters, with NaN for experts that no token reached, against a plain computation of them; the same bits on any ranks and in teams;
# dense models asked for experts; the report's note.
. "${SOURCE:?is set by ctest}/tests/lib.sh"

# Samples of lm-mixtral's fixture, a file and subset each. Its second one has one token, which is none to a dataset.
mkdir "$scratch/samples" "$scratch/ids" "$scratch/model"
cat >"$scratch/sparse_numbers.py" <<'PY'
import json, math, re, struct, subprocess, sys
NAN = float("nan")
def tensors(path):
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    form = {"F32": "f", "I32": "i", "U8": "B"}
    def read(t):
        begin, end = (8 + n + x for x in t["data_offsets"])
        return struct.unpack(f"<{math.prod(t['shape'])}{form[t['dtype']]}", data[begin:end])
    return {k: read(t) for k, t in json.loads(data[8:8 + n]).items() if k != "__metadata__"}
def save(path, **named): # F32 tensors of two dimensions, in this order
    head, data = {}, b""
    for name, rows in named.items():
        packed = b"".join(struct.pack(f"<{len(r)}f", *r) for r in rows)
        head[name] = {"dtype": "F32", "shape": [len(rows), len(rows[0])], "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(head).encode()
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)
class Artefact: # x["name"]: the values, flat
    def __init__(self, path):
        text = subprocess.run(["ncdump", "-p", "9,17", path], capture_output=True, text=True, check=True).stdout
        self.length = {k: int(v) for k, v in re.findall(r"^\t(\w+) = (\d+) ;", text, re.M)}
        self.note = dict(re.findall(r'^\t\t:(\w+) = "(.*)" ;', text, re.M))
        values = text[text.index("\ndata:"):]
        self.values = {k: [float(x.replace("NaN", "nan").replace("Infinity", "inf")) for x in v.replace("\n", " ").split(",")]
                       for k, v in re.findall(r"^ (\w+) =\s([^;\"]+);", values, re.M)}
    def __getitem__(self, name):
        return self.values[name]
def near(a, b, relative=1e-9, absolute=1e-12):
    return math.isnan(a) and math.isnan(b) or abs(a - b) <= absolute + relative * abs(b)
wrong = 0
def want(what, ok):
    global wrong
    wrong += not ok
    if not ok: print("wrong:", what)
def end():
    print(wrong, "wrong")
    sys.exit(wrong > 0)
PY
PYTHONPATH=$scratch python3 - "$SOURCE" "$scratch" <<'PY'
from sparse_numbers import *
import random
x, begin = tensors(sys.argv[1] + "/tests/reference/lm-mixtral.safetensors"), 0
for i, n in enumerate(x["lengths"]):
    if n > 1: open(f"{sys.argv[2]}/samples/{i}.bin", "wb").write(struct.pack(f"<{n}H", *x["ids"][begin:begin + n]))
    begin += n
random.seed(3)
for name, n, ids in ("few", 26, 4), ("one", 240, 59), ("two", 240, 59):
    open(f"{sys.argv[2]}/ids/{name}.bin", "wb").write(struct.pack(f"<{n}H", *[random.randrange(ids) for _ in range(n)]))
save(sys.argv[2] + "/whole.safetensors", a=[[1, 2, NAN, NAN], [NAN, NAN, 3, 4]], b=[[1, 2, 3, 4]] * 2)
save(sys.argv[2] + "/none.safetensors", a=[[NAN] * 4] * 2, b=[[1, 2, NAN, NAN], [NAN, NAN, 3, 4]], c=[[4, 3, 2, 1]] * 2)
save(sys.argv[2] + "/alone.safetensors", a=[[1, 2, 3, 4]] * 2)
save(sys.argv[2] + "/half.safetensors", a=[[1, 2, NAN, 4], [1, 2, 3, 4]])
PY

mixtral='"model_type": "mixtral", "architectures": ["MixtralForCausalLM"], "vocab_size": 59, "hidden_size": 24, "intermediate_size": 20, "num_hidden_layers": 3'
mixtral+=', "num_attention_heads": 4, "num_key_value_heads": 2, "num_local_experts": 16, "num_experts_per_tok": 2, "initializer_range": 0.5'
echo "{$mixtral, \"max_position_embeddings\": 64, \"rms_norm_eps\": 1e-05}" >"$scratch/model/config.json"
cat >"$scratch/p.yaml" <<END
pipeline: sparse
output: out
models:
  fixture: {path: $SOURCE/tests/reference/models/lm-mixtral}
  mixtral: {path: $scratch/model, weights: random, seed: 3}
datasets:
  samples: {format: tokens, path: $scratch/samples, context: 64, collect: same}
  ids: {format: tokens, path: $scratch/ids, context: 12, collect: 0.5}
steps:
  fixture: {stage: collect, model: fixture, data: samples, sites: [mlp, attn, expert], firing: 100}
  behind: {stage: collect, model: fixture, data: samples, sites: [mlp, expert], firing: 100, skip_first: 3}
  activations: {stage: collect, model: mixtral, data: ids, sites: [mlp, attn, expert], firing: 1000, histogram: true}
  scores: {stage: score, from: activations, measure: [abs, auc, lape, t, random, contribution, weights]}
  others: {stage: score, from: activations, retain: others}
  unlearn: {stage: prune, from: "scores[measure=abs]", data: ids, fraction: [0.1, 0.7], seeds: 1, random: [uniform, layer_matched, lowest]}
  without: {stage: prune, from: "scores[measure=abs]", data: ids, fraction: 0.2, site: expert, seeds: 1}
  kmeans: {stage: cluster, model: mixtral, method: weights, clusters: 16, starts: 2}
  experts: {stage: cluster, model: mixtral, method: experts}
  overlap: {stage: intersect, from: "scores[measure=abs]", fractions: [0.1, 0.9], within: layer, draws: 20}
  shared: {stage: intersect, from: "scores[measure=abs]", fractions: [0.25], site: expert}
  meeting: {stage: intersect, from: ["scores[measure=abs]", others], fractions: [0.1, 0.9]}
  modularity: {stage: intersect, from: ["scores[measure=abs]", kmeans], fractions: [0.1, 0.9], draws: 20}
  modules: {stage: intersect, from: ["scores[measure=abs]", experts], fractions: [0.1, 0.9], draws: 20}
  homes: {stage: enrichment, from: ["scores[measure=abs]", experts], fractions: [0.1, 0.9]}
  ranked: {stage: correlate, from: ["scores[measure=abs]", "scores[measure=lape]"], fractions: [0.1, 0.9]}
  agree: {stage: agreement, from: [kmeans, experts], permutations: 5}
  elsewhere: {stage: import, path: $scratch/whole.safetensors, experts: 2}
END
ranks 1 "$SULCUS" run "$scratch/p.yaml" --quiet -s output="$scratch/out" -s threads=1
is 'one rank: exit' "$code" 0
is 'one rank: stderr' "$(cat "$scratch/stderr")" ''
digests "$scratch/out" >"$scratch/first"
is 'tasks' "$(wc -l <"$scratch/first")" 25
for measure in abs weights; do
  ncdump -h "$scratch/out/scores/measure=$measure.nc" | grep -o 'model.\{0,9\}seed.\{0,9\}' >"$scratch/key-$measure"
done
is 'the model is in no key but that of measures of weights' "$(wc -l <"$scratch/key-abs"), $(wc -l <"$scratch/key-weights")" '0, 1'

for way in 2-1 3-1 2-2 4-2; do # ranks, of a team
  ranks "${way%-*}" env SULCUS_NODES="${way#*-}" "$SULCUS" run "$scratch/p.yaml" --quiet -s output="$scratch/again" -s threads=1 -s layers_over="${way#*-}"
  is "$way: exit" "$code" 0
  digests "$scratch/again" >"$scratch/digests"
  is "$way: digests" "$(diff "$scratch/first" "$scratch/digests")" ''
  rm -rf "$scratch/again"
done

# The fixture: PyTorch's numbers. With an argument, one count is another.
cat >"$scratch/fixture.py" <<'PY'
from sparse_numbers import *
x, a, behind = tensors(sys.argv[1]), Artefact(sys.argv[2] + "/fixture/all.nc"), Artefact(sys.argv[2] + "/behind/all.nc")
L, E, K, H = 2, 5, 2, 36
lengths, U = x["lengths"], a.length["unit"]
width, n = U // E, sum(lengths)
tokens, skipped = a["expert_tokens"], behind["expert_tokens"]
if len(sys.argv) > 3: tokens[1] += 1
begin, alone = 0, [[False] * E for _ in range(L)] # experts of the one token
for i, length in enumerate(lengths):
    for l in range(L):
        for e in range(E):
            rows = [t for t in range(begin, begin + length) if e in x["chosen"][(l * n + t) * K:(l * n + t + 1) * K]]
            if length == 1:
                alone[l][e] = bool(rows)
                continue
            at = (i // 2 * L + l) * E + e
            left = sum(t >= begin + 3 for t in rows)
            want(f"tokens behind {i} {l} {e}", skipped[at] == left and near(behind["expert_positive"][at], left / (length - 3)))
            for u in range(e * width, (e + 1) * width):
                byte = behind.length["byte"]
                row = behind["mlp_firing"][((l * U + u) * 2 + i // 2) * byte:((l * U + u) * 2 + i // 2 + 1) * byte]
                positive = behind["mlp_positive"][(i // 2 * L + l) * U + u]
                want("firing behind", sum(bin(int(b)).count("1") for b in row) == (round(positive * left) if left else 0))
            want(f"tokens {i} {l} {e}", tokens[at] == len(rows))
            want(f"share {i} {l} {e}", near(a["expert_positive"][at], len(rows) / length))
            weight = sum(x["weight"][(l * n + t) * E + e] for t in range(begin, begin + length)) / length
            want(f"weight {i} {l} {e}", near(a["expert_mean"][at], weight, 1e-4, 1e-6))
    begin += length
compared = 0
for l in range(L):
    for u in range(U):
        if alone[l][u // width]: continue
        for key in "mean_abs", "mean", "mean_square", "mean_sqrt_abs", "positive":
            parts = [(tokens[(s * L + l) * E + u // width], a[f"mlp_{key}"][(s * L + l) * U + u]) for s in range(2)]
            mean = sum(t * v for t, v in parts) / sum(t for t, _ in parts)
            want(f"mlp {key} {l} {u}", near(mean, x[f"mlp_{key}"][l * U + u], 1e-4, 1e-5))
            compared += 1
want("neurons compared", compared == 5 * L * (E - K) * width)
end()
PY
compare=(python3 "$scratch/fixture.py" "$SOURCE/tests/reference/lm-mixtral.safetensors" "$scratch/out")
"${compare[@]}" >"$scratch/stdout" || fail 'statistics that are not as PyTorch has them'
"${compare[@]}" fault >"$scratch/twin" && fail 'the twin: a count that is not PyTorch'"'"'s was not noticed'

# What follows from them.
cat >"$scratch/stages.py" <<'PY'
from sparse_numbers import *
folder, fault = sys.argv[1], len(sys.argv) > 2
read = lambda name: Artefact(f"{folder}/{name}.nc")
L, E, D, S, H = 3, 16, 20, 3, 24
U, N = E * D, 3 * E * D
a = read("activations/all")
tokens, count, mean = a["expert_tokens"], a["mlp_count"], a["mlp_mean_abs"]
few = a["subset"].index("few") if "subset" in a.values else 0
T = lambda s, l, u: tokens[(s * L + l) * E + u // D]
for s in range(S):
    for l in range(L):
        want("experts of a token", sum(tokens[(s * L + l) * E:(s * L + l + 1) * E]) == 2 * count[s])
        for e in range(E):
            at = (s * L + l) * E + e
            want("share", near(a["expert_positive"][at] * count[s], tokens[at]))
    for l in range(L):
        for u in range(U):
            at = (s * L + l) * U + u
            want("histogram", sum(a["mlp_histogram"][64 * at:64 * at + 64]) == T(s, l, u))
            row = a["mlp_firing"][((l * U + u) * S + s) * a.length["byte"]:((l * U + u) * S + s + 1) * a.length["byte"]]
            fired = sum(bin(int(b)).count("1") for b in row)
            want("firing", fired == (round(a["mlp_positive"][at] * T(s, l, u)) if T(s, l, u) else 0))
unreached = sum(t == 0 for t in tokens)
want("experts that few reach not", 10 < unreached and all(t > 0 for t in tokens[L * E:]))

def scored(others): # as defined, one by one
    out = []
    for s in range(S):
        for l in range(L):
            for u in range(U):
                rest = [r for r in range(S) if T(r, l, u) > 0 and (r != s or not others)]
                over = sum(T(r, l, u) for r in rest)
                r = sum(T(r, l, u) * mean[(r * L + l) * U + u] for r in rest) / over if over else NAN
                out.append(mean[(s * L + l) * U + u] / (r + 1e-6))
    return out
if fault: mean[5] = 0
for step, others in ("scores/measure=abs", False), ("others/all", True):
    x, y = read(step), scored(others)
    want(step, all(near(p, q, 1e-9) for p, q in zip(x["mlp_score"], y)))
    want(step + " reached", [t > 0 for t in tokens] == [v == 1 for v in x["expert_reached"]])
    want(step + " note", x.note["unreached"] == a.note["unreached"])
for site, reached in ("mlp", lambda s, l, u, w: T(s, l, u) > 0), ("attn", None), ("expert", None):
    x, norms = read("scores/measure=contribution")[site + "_score"], read("scores/measure=weights")[site + "_score"]
    n, size = a[site + "_mean_abs"], a.length["unit" if site == "mlp" else site if site == "expert" else "attn_unit"]
    for s in range(S):
        for l in range(L):
            for u in range(size):
                over = [(T(r, l, u) if reached else a[site + "_count"][r], n[(r * L + l) * size + u]) for r in range(S)]
                if reached and not over[s][0]: continue
                at, known = (s * L + l) * size + u, [(t, v) for t, v in over if t]
                rest = sum(t * v for t, v in known) / sum(t for t, _ in known)
                norm = norms[((S - 1) * L + l) * size + u]
                want(f"norm {site} {s} {l} {u}", norms[at] == norm and 0 < norm)
                want(f"contribution {site} {s} {l} {u}", abs(x[at] - (n[at] - rest) * norm) <= 1e-12 * (1 + n[at] * norm))
norms = [read("scores/measure=weights")[site + "_score"][-N if site == "mlp" else -L * E:] for site in ("mlp", "expert")]
for e in range(L * E): # of an expert, those of all its neurons together
    want("norm of an expert", near(norms[1][e] ** 2, sum(v * v for v in norms[0][e * D:e * D + D]), 1e-9))
for measure in "auc", "lape", "random", "contribution", "weights":
    want(measure, [math.isnan(v) for v in read(f"scores/measure={measure}")["mlp_score"]] == [math.isnan(v) for v in mean])
want("t of one token", [math.isnan(v) for v in read("scores/measure=t")["mlp_score"]] == [T(s, l, u) < 2 for s in range(S) for l in range(L) for u in range(U)])
want("experts of one token", 1 in tokens)
whole = read("elsewhere/all")
want("import", whole["expert_reached"] == [1, 0, 0, 1, 1, 1, 1, 1] and whole.note["unreached"] == "2 experts in 2 layers (a)")

score = read("scores/measure=abs")["mlp_score"]
def order(values): # NaN last, ties to the lower
    return sorted(range(len(values)), key=lambda i: (math.isnan(values[i]), 0 if math.isnan(values[i]) else -values[i], i))
def top(s, share, part=None): # a set: NaN never in it
    own = score[s * N:(s + 1) * N] if part is None else score[s * N + part * U:s * N + (part + 1) * U]
    best = order(own)[:int(share * len(own) + 1e-9)]
    return {i for i in best if not math.isnan(own[i])}
for share in 0.1, 0.7:
    x = read(f"unlearn/fraction={share}")
    for s in range(S):
        k = int(share * N + 1e-9)
        mask = x["mlp_mask"][s * N:(s + 1) * N]
        want(f"mask {share}", {i for i in range(N) if mask[i]} == set(order(score[s * N:(s + 1) * N])[:k]) and x["pruned"][s] == k)
whole = read("scores/measure=abs")["expert_score"]
x = read("without/all")
for s in range(S):
    best = order(whole[s * L * E:(s + 1) * L * E])[:int(0.2 * L * E + 1e-9)]
    want("experts pruned", [i for i in range(L * E) if x["expert_mask"][s * L * E + i]] == sorted(best))

x = read("experts/all")
want("clusters", x["cluster"] == [u // D for u in range(U)] * L and x["size"] == [D] * (L * E))
want("k-means is nearer", all(p < q for p, q in zip(read("kmeans/all")["inertia"], x["inertia"])))

share = lambda a, b: len(a & b) / len(a)
x, meeting = read("overlap/all"), read("meeting/all")
for f, fraction in enumerate((0.1, 0.9)):
    sets = [top(s, fraction) for s in range(S)]
    for i in range(S):
        for j in range(S):
            at = (f * S + i) * S + j
            want("overlap", near(x["overlap"][at], share(sets[i], sets[j])))
            want("diagonal", i != j or x["overlap"][at] == 1)
            for l in range(L):
                within = [top(s, fraction, l) for s in (i, j)]
                want("within", near(x["overlap_within"][((f * L + l) * S + i) * S + j], share(*within)))
        for l in range(L):
            want("share", near(x["share_layer"][(f * S + i) * L + l], len([u for u in sets[i] if u // U == l]) / U))
    want("few has fewer", (len(sets[few]) < int(fraction * N)) == (fraction == 0.9))
def area(selected, label): # figure 6's
    counts = sorted((sum(label[u] == c for u in selected) for c in range(E)), reverse=True)
    m, curve = min(len(selected), E), [0]
    for c in counts: curve.append(curve[-1] + c)
    return sum(curve[:m]) / (curve[m] * m)
for step, label in ("modules", [u // D for u in range(U)] * L), ("modularity", read("kmeans/all")["cluster"]):
    x = read(f"{step}/all")
    for f, fraction in enumerate((0.1, 0.9)):
        for s in range(S):
            for l in range(L):
                want(step, near(x["auc"][(f * S + s) * L + l], area(top(s, fraction, l), label[l * U:(l + 1) * U])))
other, x = read("scores/measure=lape")["mlp_score"], read("ranked/all")
for f, fraction in enumerate((0.1, 0.9)):
    for s in range(S):
        theirs = {i for i in order(other[s * N:(s + 1) * N])[:int(fraction * N + 1e-9)] if not math.isnan(other[s * N + i])}
        sets = top(s, fraction), theirs
        want("ranked", all(near(x["overlap"][(f * S + s) * 4 + i], share(sets[i // 2], sets[i % 2])) for i in range(4)))
x = read("homes/all")
for f, fraction in enumerate((0.1, 0.9)):
    for s in range(S):
        for l in range(L):
            best = top(s, fraction, l)
            want("hits", x["hits"][((f * S + s) * L + l) * E:((f * S + s) * L + l + 1) * E] == [sum(u // D == e for u in best) for e in range(E)])
end()
PY
python3 "$scratch/stages.py" "$scratch/out" >"$scratch/stdout" || fail 'what follows is not as computed one by one'
python3 "$scratch/stages.py" "$scratch/out" fault >"$scratch/twin" && fail 'the twin: another mean was not noticed'

"$SULCUS" report "$scratch/p.yaml" -s output="$scratch/out" >"$scratch/stdout" 2>"$scratch/stderr" || fail 'report'
says 'the note' "$scratch/out/report/index.html" 'collect, no token reached [0-9]* experts in 3 layers (few)'
says 'figure 6' "$scratch/out/report/figure6-text.csv" 'mixtral experts, mixtral neurons'
says 'figure 6' "$scratch/out/report/figure6-text.csv" 'mixtral clusters, mixtral neurons'
says 'key numbers' "$scratch/out/report/index.html" 'of all experts are pruned'

# The example, with a small random model in OLMoE's place.
mkdir "$scratch/olmoe"
cp "$SOURCE/examples/mistral-debtext/tokenizer.json" "$scratch/olmoe"
olmoe='"model_type": "olmoe", "architectures": ["OlmoeForCausalLM"], "vocab_size": 4096, "hidden_size": 32, "intermediate_size": 6, "num_hidden_layers": 2'
echo "{$olmoe, \"num_attention_heads\": 4, \"num_key_value_heads\": 4, \"num_experts\": 64, \"num_experts_per_tok\": 8, \"initializer_range\": 0.3}" \
  >"$scratch/olmoe/config.json"
little=(-s output="$scratch/example" -s models.olmoe.path="$scratch/olmoe" -s models.olmoe.weights=random -s datasets.domains.limit=400 -s datasets.domains.context=32)
ranks 2 "$SULCUS" run "$SOURCE/yaml/olmoe.yaml" --quiet "${little[@]}"
is 'the example: exit' "$code" 0
digests "$scratch/example" >"$scratch/digests"
is 'the example: tasks' "$(wc -l <"$scratch/digests")" 12
"$SULCUS" report "$SOURCE/yaml/olmoe.yaml" "${little[@]}" >"$scratch/stdout" 2>"$scratch/stderr" || fail 'the report of the example'
for figure in figure2 figure2-unlearn-experts figure4 figure4-shared figure6-text; do
  [ -s "$scratch/example/report/$figure.csv" ] || fail "the example: no $figure"
done

# A subset none of whose experts was reached has no set: what is compared is the rest, and no NaN is drawn or told.
cat >"$scratch/q.yaml" <<END
pipeline: empty
output: $scratch/empty
steps:
  none: {stage: import, path: $scratch/none.safetensors, experts: 2}
  whole: {stage: import, path: $scratch/whole.safetensors, experts: 2}
  alone: {stage: import, path: $scratch/alone.safetensors, experts: 2}
  within: {stage: intersect, from: none, fractions: [0.5], within: layer, draws: 5}
  between: {stage: intersect, from: [none, whole], fractions: [0.5]}
  little: {stage: intersect, from: [alone, alone], fractions: [0.5]}
END
ranks 1 "$SULCUS" run "$scratch/q.yaml" --quiet
is 'an empty set: exit' "$code" 0
PYTHONPATH=$scratch python3 - "$scratch/empty" <<'PY' >"$scratch/stdout" || fail 'means over what is not there'
from sparse_numbers import *
x = Artefact(sys.argv[1] + "/between/all.nc") # a: none; b: neurons 0, 1, 6, 7, of which the 4 best; c: 0, 1, 4, 5 by ties
want("pairs", [math.isnan(v) for v in x["overlap_between"]] == [True] * 2 + [False] * 4)
want("same", x["overlap_between_same"] == x["overlap_between"][3:4])
want("others", near(x["overlap_between_others"][0], (x["overlap_between"][2] + sum(x["overlap_between"][4:])) / 3))
end()
PY
"$SULCUS" report "$scratch/q.yaml" >"$scratch/stdout" 2>"$scratch/stderr" || fail 'the report of an empty set'
page=$scratch/empty/report/index.html
says 'the deviation over the rest' "$page" '<td>0</td><td>[0-9.]*%</td><td>[0-9.]*</td>'
grep -q -e '>-\?nan' -e 'nan%' "$page" && fail "NaN in the report: $(grep -o -e '.\{60\}>-\?nan' -e '.\{60\}nan%' "$page" | head -3)"

# Means of other models: as many neurons a layer, of more experts or of none.
mkdir "$scratch/more" "$scratch/none"
sed 's/: 16,/: 32,/; s/: 20,/: 10,/' "$scratch/model/config.json" >"$scratch/more/config.json"
sed 's/"mixtral"/"mistral"/; s/Mixtral/Mistral/; s/: 20,/: 320,/; s/"num_local[^,]*, //; s/"num_experts[^,]*, //' "$scratch/model/config.json" >"$scratch/none/config.json"
sed "s,^datasets:,  more: {path: $scratch/more\, weights: random}\n  none: {path: $scratch/none\, weights: random}\n&," "$scratch/p.yaml" >"$scratch/r.yaml"
cat >>"$scratch/r.yaml" <<END
  foreign: {stage: collect, model: [more, none], data: ids, sites: [mlp]}
  dense: {stage: score, from: "foreign[model=none]"}
  means-of-more: {stage: prune, from: ["scores[measure=abs]", "foreign[model=more]"], model: mixtral, data: ids, fraction: 0.1, value: mean}
  means-of-none: {stage: prune, from: ["scores[measure=abs]", "foreign[model=none]"], model: mixtral, data: ids, fraction: 0.1, value: mean}
  means-of-many: {stage: prune, from: [dense, "foreign[model=more]"], model: none, data: ids, fraction: 0.1, value: mean}
  last: {stage: collect, model: none, data: pair, sites: [mlp], skip_first: 11}
  alone: {stage: score, from: last, measure: t}
END
sed -i "s,^datasets:,&\n  pair: {format: tokens\, path: $scratch/pair\, context: 12\, collect: same}," "$scratch/r.yaml"
mkdir "$scratch/pair"
for name in one two; do head -c 24 "$scratch/ids/$name.bin" >"$scratch/pair/$name.bin"; done
while read -r step theirs ours; do
  ranks 1 "$SULCUS" run "$scratch/r.yaml" --quiet --to "$step" -s output="$scratch/out" -s threads=1
  is "$step: exit" "$code" 3
  is "$step: lines" "$(wc -l <"$scratch/stderr")" 1
  says "$step" "$scratch/stderr" "mlp_mean is of a model whose layers have $theirs experts, and the pruned one's have $ours; give the activations"
done <<'END'
means-of-more 32 16
means-of-none 0 16
means-of-many 32 0
END

# One token has no variance.
ranks 1 "$SULCUS" run "$scratch/r.yaml" --quiet --to alone -s output="$scratch/out" -s threads=1
is 'one token: exit' "$code" 3
says 'one token' "$scratch/stderr" 'one has 1 of the 2 tokens that measure t needs'

# refused WHAT CODE PATTERN STEP: a pipeline of that one step.
refused() {
  cat >"$scratch/q.yaml" <<END
pipeline: refused
output: $scratch/refused
models:
  dense: {path: $SOURCE/tests/reference/models/lm-llama3}
  mixtral: {path: $scratch/model, weights: random}
datasets: {ids: {format: tokens, path: $scratch/ids, context: 12, collect: 0.5}}
steps:
  mlp: {stage: collect, model: dense, data: ids}
  scores: {stage: score, from: mlp}
  step: $4
END
  code=0
  "$SULCUS" "${5-plan}" "$scratch/q.yaml" >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
  is "$1: exit" "$code" "$2"
  says "$1" "$scratch/stderr" "$3"
}
refused 'sites of a dense model' 2 'q.yaml:10:[0-9]*: .*the model is dense and has no site expert' '{stage: collect, model: dense, data: ids, sites: [mlp, expert]}'
refused 'pruning its experts' 2 'q.yaml:10:[0-9]*: .*model dense is dense and has no experts' '{stage: prune, from: scores, data: ids, fraction: 0.1, site: expert}'
refused 'clusters of its experts' 2 'q.yaml:10:[0-9]*: .*model dense is dense and has no experts' '{stage: cluster, model: dense, method: experts}'
refused 'as many clusters as no experts' 2 'q.yaml:10:[0-9]*: .*has 16 experts' '{stage: cluster, model: mixtral, method: experts, clusters: 5}'
refused 'no number of clusters' 2 'q.yaml:10:[0-9]*: .*needs a number of clusters' '{stage: cluster, model: mixtral}'
refused 'half an expert' 5 'tensor\|half.safetensors: .*layer 0, expert 1' "{stage: import, path: $scratch/half.safetensors, experts: 2}" run
refused 'no whole experts' 2 'q.yaml:10:[0-9]*: .*are not of 3 experts' "{stage: import, path: $scratch/whole.safetensors, experts: 3}" run
refused 'experts of another site' 2 'q.yaml:10:[0-9]*: .*it is about neurons of mlp' "{stage: import, path: $scratch/whole.safetensors, site: attn, experts: 2}" run
refused 'NaN without experts' 5 'is NaN at \[0, 2\]' "{stage: import, path: $scratch/whole.safetensors}" run
finish
