# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The lines of `tests/bench.sh gpu`, which reads this file: a device's rates beside PyTorch's on the same one, with hooks that keep five statistics at
# the mlp site and without, and beside what the plug-in's products reach alone; how long a model of 14.5 GB takes to open; a search beside two cores.
# A pass is given many tiles at once, so its batches are as large as memory allows; a run's hold neighbouring units (docs/design.md), and are measured
# whole, from file to artefact, beside the passes.

# For lines that need a device: a folder with the program, the benchmark and the plug-in (PLUGIN, or the build's); exit 77 where there is none.
find_device() {
  local plugin=${PLUGIN:-$build/libsulcus_cuda.so} found
  [ -e "$plugin" ] || { echo "no $plugin: build with -DSULCUS_CUDA=ON"; exit 77; }
  ninja -C "$build" bench_model sulcus >"$scratch/ninja" 2>&1 || { cat "$scratch/ninja"; exit 1; }
  mkdir "$scratch/bin"
  cp "$build/tests/bench_model" "$build/sulcus" "$plugin" "$scratch/bin/"
  found=$("$scratch/bin/sulcus" doctor "$scratch" 2>&1 | grep -oE 'no device, computing on CPUs: .*|device .* TFLOP/s.*')
  case $found in
    '' | no*) echo "${found:-doctor says nothing of a device}"; exit 77 ;;
  esac
  echo "$found"
}

# device_rate KEY=VALUE...: rows/s of bench_model on the device; its whole line in $scratch/line, what it said beside in $scratch/err.
device_rate() {
  "$scratch/bin/bench_model" device=cuda threads="$threads" "$@" 2>"$scratch/err" | tail -1 >"$scratch/line"
  sed -n 's/.*pass \([0-9]*\) rows.*/\1/p' "$scratch/line"
}
each() { awk -v n="$1" '{print $1 / n}'; } # of rows, samples

# against_device LABEL MODEL WHAT COMPUTE ROWS BATCHES KEY=VALUE...: in turns; rates in units of ROWS rows. WHAT: mlp, or mlp-answer.
against_device() {
  local label=$1 model=$2 what=$3 compute=$4 rows=$5 batches=$6 ours=() hooks=() bare=() more=() most=() a b i dtype kind=$2
  local -A dtypes=([f32]=float32 [tf32]=tf32 [bf16]=bfloat16)
  dtype=${dtypes[$compute]}
  [[ $kind != */* ]] || kind=mistral-7b
  for ((i = 0; i < repeats; i++)); do
    a=$(device_rate model="$model" what="$what" compute="$compute" repeats=3 "${@:7}" | each "$rows")
    [ -n "$a" ] || { row "$label" "$(tail -1 "$scratch/err")" '' '' '' ''; return; }
    ours+=("$a")
    have torch || continue
    for b in five none; do
      "$venv/bin/python" tests/reference/bench_torch.py "$kind" "${what/mlp/$b}" "$dtype" "$threads" 5 "$batches" cuda 2>"$scratch/torch" |
        each "$rows" >"$scratch/$b"
    done
    { [ -s "$scratch/five" ] && [ -s "$scratch/none" ]; } || continue
    hooks+=("$(cat "$scratch/five")") bare+=("$(cat "$scratch/none")")
    more+=("$(ratio "$a" "${hooks[-1]}")") most+=("$(ratio "$a" "${bare[-1]}")")
  done
  if [ ${#hooks[@]} -gt 0 ]; then
    row "$label" "$(fold "${ours[@]}")" "PyTorch $dtype, hooks: five statistics" "$(fold "${hooks[@]}")" "$(fold "${more[@]}")×" "$(share)"
    row "$label" "$(fold "${ours[@]}")" "PyTorch $dtype, no hooks" "$(fold "${bare[@]}")" "$(fold "${most[@]}")×" ''
  else
    row "$label" "$(fold "${ours[@]}")" 'PyTorch cannot be had on the device' '' '' "$(share)"
  fi
}

# The search of (d), on the device and on two cores; what both collected and scored before is not in it.
search_on_device() {
  local device i begin seconds
  local -A took=()
  for device in cuda cpu; do
    search_yaml "$scratch/search-$device" '[0.5, 0.8]' "${SUBSETS:-20}"
    set -- "$scratch/p.yaml" --quiet -s device=$device -s threads=2
    "$scratch/bin/sulcus" run "$@" --only activations && "$scratch/bin/sulcus" run "$@" --only scores || return
    seconds=()
    for ((i = 0; i < repeats; i++)); do
      begin=$(now)
      "$scratch/bin/sulcus" run "$@" --force search || return
      seconds+=("$(awk -v a="$begin" -v b="$(now)" 'BEGIN {print b - a}')")
    done
    took[$device]=$(fold "${seconds[@]}")
  done
  row "(gpu) search, ${SUBSETS:-20} subsets × 2 targets, example ViT, float32" "${took[cuda]} s" 'two CPU cores' "${took[cpu]} s" \
    "$(ratio "${took[cpu]%% *}" "${took[cuda]%% *}")×" ''
}

# `sulcus run` from files to an artefact, start and end included, on images of the examples made as large as ViT-B/16 sees them; beside its passes alone.
whole_on_device() { # COMPUTE TILES
  local i begin alone rates=() images=2000
  vit_images "$scratch/r.yaml" $((images / 20)) '[mlp]'
  alone=$(device_rate model=vit-b what=mlp compute="$1" repeats=3 tiles="$2" | each 197)
  for ((i = 0; i < repeats; i++)); do
    rm -rf "$scratch/r"
    begin=$(now)
    "$scratch/bin/sulcus" run "$scratch/r.yaml" --quiet -s device=cuda -s compute="$1" -s threads="$threads" || return
    rates+=("$(awk -v a="$begin" -v b="$(now)" -v n=$images 'BEGIN {print n / (b - a)}')")
  done
  row "(gpu) ViT-B/16 collect, $1, mlp, a whole run of $images images, images/s" "$(fold "${rates[@]}")" 'the passes alone' "$(fold "$alone")" \
    "$(ratio "$(fold "${rates[@]}" | cut -d' ' -f1)" "$alone" | cut -c1-5)×" ''
}

# A model of Mistral-7B's size from files in the page cache, where disk and memory are there for it: $model is its folder, and a line says how long it
# takes to open; else weights are drawn.
mistral_files() {
  model=mistral-7b
  have numpy && [ "$(df --output=avail -k "$scratch" | tail -1)" -gt 20000000 ] && [ "$(awk '/MemAvailable/ {print $2}' /proc/meminfo)" -gt 64000000 ] || return
  "$venv/bin/python" tests/reference/make_mistral_7b.py "$scratch/7b" 1 1000 || return
  cat "$scratch"/7b/*.safetensors >/dev/null
  model=$scratch/7b
  device_rate model="$model" what=mlp compute=bf16 length=1000 tiles=1 repeats=1 alone=no >"$scratch/rate"
  row "(gpu) Mistral-7B's shapes, 14.5 GB of bf16, opened from the page cache" "$(sed -n 's/^opened in //p' "$scratch/err")" '' '' '' ''
}

bench_gpu() {
  local compute what model many
  local -A says=([mlp]=collect [mlp-answer]='collect and answers')
  # About eight batches of 2^15 rows.
  many=$((8 * 32768 / 600 / threads + 1))
  for compute in bf16 tf32 f32; do
    against_device "(gpu) ViT-B/16 collect, $compute, mlp, images/s" vit-b mlp $compute 197 32,128,256,512 tiles=$many
    whole_on_device $compute $many
  done
  mistral_files
  many=$((4 * 32768 / 1000 / threads + 1))
  for what in mlp mlp-answer; do
    against_device "(gpu) Mistral-7B's shapes ${says[$what]}, bf16, samples of 1,000 tokens, tokens/s" "$model" $what bf16 1 4,8,16,32 tiles=$many length=1000
  done
  rm -rf "$scratch/7b"
  search_on_device
}
