#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Malformed models, data, artefacts and pipeline files against the real program: each has its exit code, one line that names the place,
# nothing half-written, no signal and, in the sanitizers' build, no report. A number in front names a class of faults: its cases stand together.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
# Leaks inside Open MPI and HDF5 (their modules are unloaded by the end, so that no suppression can name them) must not end the run.
export LSAN_OPTIONS=${LSAN_OPTIONS-}:exitcode=0
cases=0

# refused WHAT CODE PATTERN COMMAND...: the program's COMMAND must end so, its error's line hold PATTERN.
refused() {
  local what=$1 expected=$2 pattern=$3 actual=0
  shift 3
  cases=$((cases + 1))
  rm -rf "$scratch/out"
  "$SULCUS" "$@" >"$scratch/stdout" 2>"$scratch/stderr" </dev/null || actual=$?
  [ "$actual" = "$expected" ] || fail "$what: exit $actual, not $expected"
  local errors
  errors=$(grep -a '^sulcus: ' "$scratch/stderr")
  [ "$(printf '%s\n' "$errors" | wc -l)" = 1 ] || fail "$what: not one line"
  printf '%s\n' "$errors" | grep -aq -e "^sulcus: error: .*$pattern" || fail "$what: no '$pattern'"
  # Anything else on stderr is a crash or a sanitizer's; of its leaks only ours count.
  if grep -aqE 'ERROR: AddressSanitizer|runtime error:' "$scratch/stderr" ||
    grep -aqE '#[0-9]+ .* in .*/(pipeline|data|model|stages)/[a-z_]*\.c' "$scratch/stderr"; then
    fail "$what: a sanitizer reports"
  fi
  if [ -d "$scratch/out" ]; then
    is "$what: left behind" "$(cd "$scratch/out" && find . -type f ! -name 'journal.jsonl' ! -name 'lease*' | xargs)" ''
  fi
}

# --- Models: a folder with one thing wrong, run on two images a class.

good=$SOURCE/examples/vit-glyph100
mkdir "$scratch/data"
zcat "$SOURCE/examples/glyph100/test.bin.gz" | head -c $((3074 * 40)) >"$scratch/data/test.bin"
cp "$SOURCE"/examples/glyph100/*.txt "$scratch/data"
cat >"$scratch/p.yaml" <<END
pipeline: bad
output: $scratch/out
models: {m: {path: $scratch/model}}
datasets: {d: {format: cifar100, path: $scratch/data, subsets: fine, limit: 2, collect: same}}
steps:
  a: {stage: collect, model: m, data: d}
END

fresh_model() {
  rm -rf "$scratch/model"
  mkdir "$scratch/model"
  cp "$good"/*.json "$scratch/model"
  ln -s "$good/model.safetensors" "$scratch/model/model.safetensors"
}
# u64 N: eight bytes, little-endian.
u64() {
  local n=$1 i
  for i in 1 2 3 4 5 6 7 8; do
    printf "\\x$(printf %02x $((n & 255)))"
    n=$((n >> 8))
  done
}
# weights WHAT PATTERN HEADER BYTES: a safetensors file of that header and so many zeros behind it.
weights() {
  fresh_model
  rm "$scratch/model/model.safetensors"
  { u64 ${#3}; printf '%s' "$3"; head -c "$4" /dev/zero; } >"$scratch/model/model.safetensors"
  refused "$1" 3 "model.safetensors: $2" run "$scratch/p.yaml"
}
# raw_weights WHAT PATTERN: the file is what stdin says.
raw_weights() {
  fresh_model
  rm "$scratch/model/model.safetensors"
  cat >"$scratch/model/model.safetensors"
  refused "$1" 3 "model.safetensors: $2" run "$scratch/p.yaml"
}

fresh_model
"$SULCUS" run "$scratch/p.yaml" --quiet >"$scratch/stdout" 2>"$scratch/stderr" || fail 'the good model and data are refused'
is 'the good run writes' "$(cd "$scratch/out" && find . -name '*.nc' | xargs)" './a/all.nc'

f32='"dtype":"F32"'
raw_weights '1 an empty file' 'holds 0 bytes' < <(:)
raw_weights '1 three bytes' 'holds 3 bytes' < <(printf 'abc')
raw_weights '2 a header longer than the file' 'claims a header of 5000 bytes' < <(u64 5000)
raw_weights '2 a header of 200 MB' 'claims a header' < <({ u64 200000000; printf '{}'; })
raw_weights '3 a length near 2^64' 'claims a header of 18446744073709551608' < <({ u64 -8; printf '{}'; })
raw_weights '4 not an object' '' < <({ u64 4; printf '[{}]'; })
weights '4 truncated JSON' '' '{"a":{"dtype":"F32","shape":[1],"data_offs' 4
weights '4 deep JSON' '' "$(printf '{"a":%s1%s}' "$(printf '[%.0s' $(seq 5000))" "$(printf ']%.0s' $(seq 5000))")" 4
weights '4 a huge number' '' "{\"a\":{$f32,\"shape\":[1e999],\"data_offsets\":[0,4]}}" 4
raw_weights '4 not UTF-8' '' < <(printf '\x02\0\0\0\0\0\0\0\xff\xfe')
weights '5 begins after its end' 'tensor a: begins at 8' "{\"a\":{$f32,\"shape\":[1],\"data_offsets\":[8,4]}}" 8
weights '5 a negative offset' 'header byte 48: a whole number, not negative' "{\"a\":{$f32,\"shape\":[1],\"data_offsets\":[-4,4]}}" 8
weights '5 an offset that is no whole number' 'header byte 51: a whole number' "{\"a\":{$f32,\"shape\":[1],\"data_offsets\":[0,4.5]}}" 8
weights '5 three offsets' 'header byte 51' "{\"a\":{$f32,\"shape\":[1],\"data_offsets\":[0,4,8]}}" 8
weights '6 elements that do not fill the bytes' 'tensor a: 2 elements of F32' "{\"a\":{$f32,\"shape\":[2],\"data_offsets\":[0,4]}}" 4
weights '7 a product that wraps to 0' 'tensor a' "{\"a\":{$f32,\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}" 0
weights '8 an incomplete download' 'tensor a: ends at byte 400' "{\"a\":{$f32,\"shape\":[100],\"data_offsets\":[0,400]}}" 100
weights '9 an overlap' 'tensor b: overlaps' "{\"a\":{$f32,\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{$f32,\"shape\":[2],\"data_offsets\":[4,12]}}" 12
weights '9 a hole' 'tensor b: unused bytes' "{\"a\":{$f32,\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{$f32,\"shape\":[1],\"data_offsets\":[8,12]}}" 12
weights '9 trailing bytes' '3 bytes follow' "{\"a\":{$f32,\"shape\":[1],\"data_offsets\":[0,4]}}" 7
weights '10 a name twice' '' "{\"a\":{$f32,\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{$f32,\"shape\":[1],\"data_offsets\":[4,8]}}" 8
weights '11 an unknown type' 'tensor a: dtype F4' '{"a":{"dtype":"F4","shape":[1],"data_offsets":[0,4]}}' 4
weights '12 metadata that is no text' '' "{\"__metadata__\":{\"n\":1},\"a\":{$f32,\"shape\":[1],\"data_offsets\":[0,4]}}" 4
weights '13 an empty and a 0-d tensor are legal; ours are missing' '' \
  "{\"e\":{$f32,\"shape\":[0,4],\"data_offsets\":[0,0]},\"s\":{$f32,\"shape\":[],\"data_offsets\":[0,4]}}" 4
grep -q 'is missing' "$scratch/stderr" || fail '13 legal tensors: refused for something else'

# index WHAT PATTERN JSON: shards as that index says; one.safetensors holds a tensor a.
index() {
  fresh_model
  rm "$scratch/model/model.safetensors"
  local header="{\"a\":{$f32,\"shape\":[1],\"data_offsets\":[0,4]}}"
  { u64 ${#header}; printf '%s' "$header"; head -c 4 /dev/zero; } >"$scratch/model/one.safetensors"
  cp "$scratch/model/one.safetensors" "$scratch/model/two.safetensors"
  ln -s loop.safetensors "$scratch/model/loop.safetensors"
  printf '%s' "$3" >"$scratch/model/model.safetensors.index.json"
  refused "$1" 3 "$2" run "$scratch/p.yaml"
}
index '14 a missing shard' 'three.safetensors' '{"weight_map":{"a":"three.safetensors"}}'
index '14 a tensor in two shards' 'tensor a' '{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}'
index '14 a shard outside the folder' 'a shard must be a file beside the index' '{"weight_map":{"a":"../one.safetensors"}}'
index '14 an absolute shard' 'a shard must be a file beside the index' '{"weight_map":{"a":"/etc/passwd"}}'
index '14 a loop of links' 'loop.safetensors' '{"weight_map":{"a":"loop.safetensors"}}'
index '14 an index without a map' 'has no weight_map' '{}'

# config WHAT PATTERN SED-EXPRESSION [FILE]
config() {
  fresh_model
  sed -i "$3" "$scratch/model/${4-config.json}"
  cmp -s "$scratch/model/${4-config.json}" "$good/${4-config.json}" && fail "$1: the file was not changed"
  refused "$1" 3 "${4-config.json}: $2" run "$scratch/p.yaml"
}
config '28 heads that do not divide the width' '"hidden_size" 128 is no multiple' 's/"num_attention_heads": 4/"num_attention_heads": 3/'
config '28 no layers' '"num_hidden_layers"' 's/"num_hidden_layers": 6/"num_hidden_layers": 0/'
config '28 a thousand million layers' '"num_hidden_layers"' 's/"num_hidden_layers": 6/"num_hidden_layers": 1000000000/'
config '28 layers as text' '"num_hidden_layers"' 's/"num_hidden_layers": 6/"num_hidden_layers": "6"/'
config 'a patch of 0' '"patch_size"' 's/"patch_size": 8/"patch_size": 0/'
config 'an unknown activation' '"hidden_act": activation snake is not supported' 's/"hidden_act": "gelu"/"hidden_act": "snake"/'
config 'an unknown architecture' '"architectures" says SwinForImageClassification' 's/ViTForImageClassification/SwinForImageClassification/'
config 'JSON that stops' 'line ' '20,$d'
config 'an unknown resampling' 'resample' 's/"resample": [0-9]/"resample": 1/' preprocessor_config.json
config 'a deviation of 0' '.*a standard deviation must not be 0' '/image_std/,/\]/s/0\.5/0/' preprocessor_config.json
fresh_model
sed -i 's/"intermediate_size": 512/"intermediate_size": 256/' "$scratch/model/config.json"
refused '15 shapes that are not those of config.json' 3 'tensor .*shape \[512.*but the configuration makes it \[256' run "$scratch/p.yaml"
fresh_model
rm "$scratch/model/config.json"
refused 'no config.json' 3 'config.json' run "$scratch/p.yaml"
fresh_model
rm "$scratch/model/model.safetensors"
refused 'no weights' 3 'holds neither model.safetensors' run "$scratch/p.yaml"
fresh_model
cp --remove-destination "$good/model.safetensors" "$scratch/model/model.safetensors"
printf '\x00\x7e' | dd of="$scratch/model/model.safetensors" bs=1 seek=1200000 conv=notrunc 2>/dev/null
refused '16 a weight that is NaN' 5 'tensor .*: element [0-9]* is NaN' run "$scratch/p.yaml"

# --- Data

fresh_model
saved=$scratch/saved
cp -r "$scratch/data" "$saved"
# data WHAT PATTERN FORMAT SHELL-COMMANDS: in a fresh copy of the data's folder.
data() {
  rm -rf "$scratch/data"
  cp -r "$saved" "$scratch/data"
  (cd "$scratch/data" && eval "$4")
  refused "$1" 3 "$2" run "$scratch/p.yaml" -s datasets.d.format="$3" -s datasets.d.subsets="${5-fine}" "${@:6}"
}
data 'half a record' 'test.bin: holds' cifar100 'truncate -s -5 test.bin'
data 'no records' 'test.bin' cifar100 ': >test.bin'
data 'a label beyond the last' 'record 3 has label 200' cifar100 'printf "\310" | dd of=test.bin bs=1 seek=$((3 * 3074 + 1)) conv=notrunc 2>/dev/null'
data 'no file of the split' 'holds neither' cifar100 'rm test.bin'
data 'no folder' 'data' cifar100 'cd .. && rm -r data'
data 'too few names' 'fine_label_names.txt' cifar100 'sed -i 3d fine_label_names.txt'
data 'names that are no text' 'fine_label_names.txt' cifar100 'printf "\377\376\n" >fine_label_names.txt'
data 'a gzip file that stops' 'test.bin.gz' cifar100 'gzip test.bin && truncate -s -50 test.bin.gz'
data 'a gzip file with a wrong sum' 'test.bin.gz' cifar100 'gzip test.bin && printf "x" | dd of=test.bin.gz bs=1 seek=$(($(stat -c %s test.bin.gz) - 7)) conv=notrunc 2>/dev/null'
data 'a gzip file that is none' 'test.bin.gz' cifar100 'rm test.bin && echo hello >test.bin.gz'
idx='printf "\0\0\x08\x03\0\0\0\x02\0\0\0\x04\0\0\0\x04" >t10k-images-idx3-ubyte && head -c 32 /dev/zero >>t10k-images-idx3-ubyte; printf "\0\0\x08\x01\0\0\0\x02\0\x01" >t10k-labels-idx1-ubyte;'
data 'IDX: labels for other images' 't10k' idx "$idx"'printf "\0\0\x08\x01\0\0\0\x03\0\x01\x02" >t10k-labels-idx1-ubyte' label
data 'IDX: another magic' 't10k-images-idx3-ubyte' idx "$idx"'printf "\x01" | dd of=t10k-images-idx3-ubyte bs=1 seek=1 conv=notrunc 2>/dev/null' label
data 'IDX: a size that wraps' 't10k-images-idx3-ubyte' idx "$idx"'printf "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" | dd of=t10k-images-idx3-ubyte bs=1 seek=4 conv=notrunc 2>/dev/null' label
data 'IDX: images that stop' 't10k-images-idx3-ubyte' idx "$idx"'truncate -s 30 t10k-images-idx3-ubyte' label
images="$SOURCE/tests/reference/images"
picture='rm *; mkdir latin_capital_letter_a;'
data 'images: a JPEG that stops' 'a.jpg' images "$picture head -c 300 $images/large.jpg >latin_capital_letter_a/a.jpg" folder
data 'images: a PNG of 2^31 pixels a side' 'a.png' images "$picture"'printf "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\0\0\0\0\0\0\0" >latin_capital_letter_a/a.png' folder
data 'images: text that is called PNG' 'a.png' images "$picture echo hello >latin_capital_letter_a/a.png" folder
data 'images: empty folders' 'data' images "$picture" folder
rm -rf "$scratch/data"
cp -r "$saved" "$scratch/data"

# A tokenizer that cannot cut a text: it and the text's place are named.
mkdir "$scratch/lm"
cp "$SOURCE"/examples/mistral-debtext/*.json "$scratch/lm"
ln -s "$SOURCE/examples/mistral-debtext/model.safetensors" "$scratch/lm"
cat >"$scratch/text.yaml" <<END
pipeline: bad
output: $scratch/out
models: {m: {path: $scratch/lm}}
datasets: {d: {format: jsonl, path: $scratch/text.jsonl, context: 64, limit: 1000, collect: same}}
steps:
  a: {stage: collect, model: m, data: d}
END
printf '{"text": "one"}\n{"text": "two xabxab"}\n' >"$scratch/text.jsonl"
sed 's/"pre_tokenizer": *null/"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "x(?=(?1))(?:(ab\\\\K)){0}"}, "behavior": "Isolated"}/' \
  "$SOURCE/examples/mistral-debtext/tokenizer.json" >"$scratch/lm/tokenizer.json"
refused 'a pattern that could end before it begins' 3 'tokenizer.json: pattern of the [a-z-]*, at character 4: this kind of group is not supported' run "$scratch/text.yaml"

# --- Scores from elsewhere, and artefacts

# scores WHAT CODE PATTERN HEADER BYTES
scores() {
  { u64 ${#4}; printf '%s' "$4"; head -c "$5" /dev/zero | tr '\0' "${6-\\0}"; } >"$scratch/scores.safetensors"
  printf 'pipeline: s\noutput: %s\nsteps: {i: {stage: import, path: %s}}\n' "$scratch/out" "$scratch/scores.safetensors" >"$scratch/s.yaml"
  refused "$1" "$2" "scores.safetensors: $3" run "$scratch/s.yaml"
}
scores 'scores in one dimension' 3 'tensor a is not \[layers, units\]' "{\"a\":{$f32,\"shape\":[4],\"data_offsets\":[0,16]}}" 16
scores 'scores of two shapes' 3 'tensor b is \[1, 2\]' "{\"a\":{$f32,\"shape\":[2,1],\"data_offsets\":[0,8]},\"b\":{$f32,\"shape\":[1,2],\"data_offsets\":[8,16]}}" 16
scores 'scores that are NaN' 5 'tensor a is NaN at \[0, 0\]' "{\"a\":{$f32,\"shape\":[2,1],\"data_offsets\":[0,8]}}" 8 '\377'
scores 'scores of a type that is no number of ours' 3 'tensor a' '{"a":{"dtype":"BOOL","shape":[2,2],"data_offsets":[0,4]}}' 4
scores 'no scores' 3 'there are no tensors' '{}' 0

"$SULCUS" run "$scratch/p.yaml" --quiet -s output="$scratch/kept" >"$scratch/stdout" 2>"$scratch/stderr" || fail 'a good run'
nc=$scratch/kept/a/all.nc
size=$(stat -c %s "$nc")
for at in 0 1 7 100 $((size / 2)) $((size - 1)); do
  head -c "$at" "$nc" >"$scratch/cut.nc"
  refused "38 an artefact of $at bytes" 3 'cut.nc' inspect "$scratch/cut.nc"
done
# Bytes changed anywhere, as many headers as data: what it holds, or 3; within seconds and 700 MB; never a signal.
awk 'BEGIN {srand(7); for (i = 0; i < 150; i++) print int(rand() * (i % 3 ? 40000 : '"$size"')), int(rand() * 255)}' >"$scratch/changes"
while read -r at value; do
  cp "$nc" "$scratch/changed.nc"
  for more in 0 $((at / 2)) $((at * 7 % 9000)); do
    printf "\\x$(printf %02x "$value")" | dd of="$scratch/changed.nc" bs=1 seek=$(((at + more) % size)) conv=notrunc 2>/dev/null
  done
  code=0
  (ulimit -t 20; exec "$SULCUS" inspect "$scratch/changed.nc") >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
  [ $code = 0 ] || [ $code = 3 ] || fail "40 byte $value at $at of an artefact: exit $code"
  [ $code = 0 ] || is "40 byte $value at $at: lines" "$(grep -c . "$scratch/stderr")" 1
done <"$scratch/changes"
printf 'CDF\001\0\0\0\0\0\0\0\012\0' >"$scratch/cut.nc"
refused '40 a classic header of 13 bytes' 3 'cut.nc' inspect "$scratch/cut.nc"
refused 'inspect: nothing there' 3 'nothing: does not exist' inspect "$scratch/nothing"
refused 'inspect: a text file' 3 's.yaml' inspect "$scratch/s.yaml"

# (Never through a pipe: a subshell would lose its counts.)
# --- Pipeline files: plan never starts MPI and touches no output.

# yaml WHAT PLACE-AND-TEXT: the file is stdin.
yaml() {
  cat >"$scratch/y.yaml"
  refused "$1" 2 "y.yaml:$2" plan "$scratch/y.yaml"
  [ -e "$scratch/out" ] && fail "$1: plan made the output's folder"
}
# lines TEXT: the good file with a line behind it.
lines() { printf '%s\n' "$(cat "$scratch/p.yaml")" "$@"; }
yaml 'an unknown section' '7:1: .*stepps' < <(lines 'stepps: {}')
yaml 'an unknown stage' '7:14: .*did you mean .*collect' < <(lines '  b: {stage: colect, model: m, data: d}')
yaml 'an unknown key' '7:23: .*did you mean .*model' < <(lines '  b: {stage: collect, modle: m, data: d}')
yaml 'a misspelt stage:' '7:7: unknown key .satge. in step .b.; did you mean .stage.' < <(lines '  b: {satge: collect, model: m, data: d}')
yaml 'a misspelt from:' '7:21: unknown key .form. in step .b.; did you mean .from.' < <(lines '  b: {stage: score, form: a}')
yaml 'no from:' '7:3: step .b. has no .from.' < <(lines '  b: {stage: score}')
yaml 'an unknown model' '7:30: ' < <(lines '  b: {stage: collect, model: n, data: d}')
yaml 'a wrong type' '7:50: ' < <(lines '  b: {stage: collect, model: m, data: d, firing: many}')
yaml 'out of range' '7:50: ' < <(lines '  b: {stage: collect, model: m, data: d, firing: -1}')
yaml 'an unknown choice in a list' '7:55: .*mlp' < <(lines '  b: {stage: collect, model: m, data: d, sites: [mlp, mpl]}')
yaml 'a parameter that is missing' '7:.*data' < <(lines '  b: {stage: collect, model: m}')
yaml 'no stage' '7:.*stage' < <(lines '  b: {model: m}')
yaml '33 a step twice' '7:3: ' < <(lines '  a: {stage: collect, model: m, data: d}')
yaml '33 a key twice' '7:42: ' < <(lines '  b: {stage: collect, model: m, data: d, model: m}')
yaml '36 a cycle' '[78]:' < <(lines '  b: {stage: score, from: c}' '  c: {stage: score, from: b}')
yaml '36 a step from itself' '7:' < <(lines '  b: {stage: score, from: b}')
yaml '36 from a step that is not there' '7:27: ' < <(lines '  b: {stage: score, from: activatoins}')
yaml 'from a step of the wrong stage' '7:27: ' < <(lines '  b: {stage: prune, from: a, model: m, data: d, drop: 0.5}')
yaml 'a selection of nothing' '7:27: ' < <(lines '  b: {stage: score, from: "a[model=x]"}')
yaml 'a step named as a path' '7:3: ' < <(lines '  ../b: {stage: score, from: a}')
yaml '34 a tab' '7:1: ' < <(lines "$(printf '\tb: {stage: score, from: a}')")
yaml '34 a NUL' '' < <({ cat "$scratch/p.yaml"; printf '  b: {stage: "sc\0ore", from: a}\n'; })
yaml '35 not quite a number' '7:50: ' < <(lines '  b: {stage: collect, model: m, data: d, firing: 1e3x}')
yaml '35 no is no number' '7:50: ' < <(lines '  b: {stage: collect, model: m, data: d, firing: no}')
yaml 'a bracket that is open' '' < <(lines '  b: {stage: score, from: a')
yaml 'an empty file' '' </dev/null
yaml 'a list' '1:1: ' < <(echo '[1, 2]')
bomb() {
  echo 'a0: &a0 [x, x, x, x, x, x, x, x, x]'
  for i in $(seq 9); do echo "a$i: &a$i [$(printf "*a$((i - 1)), %.0s" $(seq 9))]"; done
}
yaml '31 an alias bomb' '' < <(bomb)
yaml '32 ten thousand levels' '' < <(printf 'a: %s%s\n' "$(printf '[%.0s' $(seq 10000))" "$(printf ']%.0s' $(seq 10000))")
refused 'a pipeline file that is not there' 2 'absent.yaml' plan "$scratch/absent.yaml"
refused 'a pipeline that is a folder' 2 'data' plan "$scratch/data"
refused 'an override of nothing' 2 'steps.b.drop' plan "$scratch/p.yaml" -s steps.b.drop=1
refused 'an override without a value' 2 'pipeline' plan "$scratch/p.yaml" -s pipeline
refused 'an override of a wrong type' 2 'firing' plan "$scratch/p.yaml" -s steps.a.firing=x
refused 'an unknown option' 2 '--forse' run "$scratch/p.yaml" --forse a
refused 'an unknown command' 2 'rnu' rnu "$scratch/p.yaml"
refused 'an unknown step to force' 2 'steps\|step' run "$scratch/p.yaml" --force b
lines '  keep: {stage: score, from: a, retain: [latin_capital_letter_z]}' >"$scratch/y.yaml"
refused 'a subset that is not there' 2 'latin_capital_letter_z' run "$scratch/y.yaml" --only keep --quiet -s output="$scratch/kept"
refused 'a subset to keep that is not there' 2 'p.yaml:4:.*latin_capital_letter_z\|latin_capital_letter_z' run "$scratch/p.yaml" -s datasets.d.keep=latin_capital_letter_z

# --- Outputs that cannot be written

echo hello >"$scratch/file"
refused 'an output that is a file' 4 'file' run "$scratch/p.yaml" -s output="$scratch/file"
refused 'an output inside a file' 4 'file' run "$scratch/p.yaml" -s output="$scratch/file/inside"
refused 'an output on a pseudo-device' 4 'proc' run "$scratch/p.yaml" -s output=/proc/nothing

# The twins: good input is not refused, a wrong place or code is noticed.
fresh_model
for twin in "3 p.yaml run $scratch/p.yaml" "2 elsewhere plan $scratch/absent.yaml" "3 absent.yaml plan $scratch/absent.yaml"; do
  # shellcheck disable=SC2086
  (failures=0; refused twin $twin; [ "$failures" -gt 0 ]) >/dev/null || fail "the check passes what it must not: $twin"
done

echo "$cases cases"
[ "$cases" -ge 100 ] || fail 'cases were lost'
finish
