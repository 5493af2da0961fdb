#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a run would stumble on in hours, `plan` and the beginning of a run say before any work: each in a line with the place in the pipeline
# file, with the run's exit code; and in well under a second beside weights of 7 billion parameters.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1

good=$SOURCE/examples/mistral-debtext
mkdir lm
cp "$good"/*.json lm
cp "$good"/*.safetensors lm 2>/dev/null
printf '{"text": "one two three four", "set": "a"}\n{"text": "five six seven eight", "set": "b"}\n' >lines.jsonl
cp -r "$SOURCE/examples/debquiz" quiz
python_images() { # two classes of two images each
  mkdir -p pictures/blue pictures/red
  for name in blue/1 blue/2 red/1 red/2; do cp "$SOURCE/tests/reference/images/rgb.png" "pictures/$name.png"; done
}
python_images
cat >p.yaml <<END
pipeline: look
output: out
models:
  lm: {path: lm}
  vit: {path: $SOURCE/tests/reference/models/vit-resize}
datasets:
  early: {format: jsonl, path: $SOURCE/examples/debtext/test.jsonl, subsets: meta.pile_set_name, keep: [bible, german], limit: 2000, context: 64}
  late: {format: jsonl, path: lines.jsonl, subsets: set, collect: same}
  pictures: {format: images, path: pictures, labels: position, collect: same}
steps:
  first: {stage: collect, model: lm, data: early}
  last: {stage: collect, model: lm, data: late}
  seen: {stage: collect, model: vit, data: pictures}
END
"$SULCUS" plan p.yaml >stdout 2>stderr || fail 'plan of what is right'
is 'lines of stderr' "$(wc -l <stderr)" 0
"$SULCUS" plan p.yaml --inputs >stdout 2>stderr || fail 'plan --inputs of what is right'

# found WHAT CODE PLACE PATTERN: `plan` says it, one line; a run says the same, before it begins with anything.
found() {
  rm -rf out
  local code=0
  "$SULCUS" plan p.yaml >stdout 2>stderr || code=$?
  is "plan, $1: exit code" $code "$2"
  is "plan, $1: lines" "$(wc -l <stderr)" 1
  says "plan, $1" stderr "^sulcus: error: $3: .*$4"
  code=0
  "$SULCUS" run p.yaml --quiet >stdout 2>stderr || code=$?
  is "run, $1: exit code" $code "$2"
  is "run, $1: lines" "$(wc -l <stderr)" 1
  says "run, $1" stderr "^sulcus: error: $3: .*$4"
  is "run, $1: what came first" "$(grep -oE '"event":"(start|failed)"' out/journal.jsonl | head -1)" '"event":"failed"'
}
lm='p.yaml:4:3' late='p.yaml:8:3' pictures='p.yaml:9:3'
cp lm/tokenizer.json keep.json
sed 's/"model"/"modle"/' keep.json >lm/tokenizer.json
found 'a tokenizer without a model' 3 $lm 'lm/tokenizer.json: is no tokenizer.json'
head -c 500 keep.json >lm/tokenizer.json
found 'a tokenizer that was cut' 3 $lm 'lm/tokenizer.json: line'
rm lm/tokenizer.json
found 'no tokenizer' 3 $lm 'lm/tokenizer.json'
cp keep.json lm/tokenizer.json
cp lines.jsonl keep.jsonl
sed 's/"text"/"content"/' keep.jsonl >lines.jsonl
found 'the wrong field' 3 $late 'lines.jsonl:1: field text is missing'
sed 's/four/f\xf6ur/' keep.jsonl >lines.jsonl
found 'the wrong encoding' 3 $late 'lines.jsonl:1:.*UTF-8'
printf 'one,two\n' >lines.jsonl
found 'the wrong format' 3 $late 'lines.jsonl:1:'
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' >lines.jsonl
found 'an LFS pointer' 3 $late 'lines.jsonl:1:'
rm lines.jsonl
found 'no data' 3 $late 'lines.jsonl'
cp keep.jsonl lines.jsonl
head -c 60 "$SOURCE/tests/reference/images/rgb.png" >pictures/blue/1.png
found 'an image that was cut' 3 $pictures 'blue/1.png'
printf '<html>' >pictures/blue/1.png
found 'a page for an image' 3 $pictures 'blue/1.png: is named as an image'
cp "$SOURCE/tests/reference/images/rgb.png" pictures/blue/1.png

# All at once: each in its line; nothing is said twice.
head -c 500 keep.json >lm/tokenizer.json
printf '' >pictures/red/2.png
sed 's/"text"/"content"/' keep.jsonl >lines.jsonl
code=0
"$SULCUS" plan p.yaml >stdout 2>stderr || code=$?
is 'three faults: code' $code 3
is 'three faults: lines' "$(grep -c '^sulcus: error: p.yaml:[0-9]*:[0-9]*: ' stderr)" 3
is 'three faults: no other line' "$(wc -l <stderr)" 3
cp keep.json lm/tokenizer.json
cp "$SOURCE/tests/reference/images/rgb.png" pictures/red/2.png

# With on_error: continue the others are done.
rm -rf out
"$SULCUS" run p.yaml --quiet -s on_error=continue -s steps.seen.data=pictures >stdout 2>stderr
is 'on_error: continue: code' $? 3
is 'on_error: continue: done' "$(digests out | cut -d' ' -f1 | xargs)" "first seen"
cp keep.jsonl lines.jsonl

# An override has its own place.
"$SULCUS" plan p.yaml -s datasets.late.context=99999999 >stdout 2>stderr
is 'a context beyond the model: code' $? 2
says 'a context beyond the model' stderr '^sulcus: error: p.yaml:8:3: .*context: 99999999 is more'

# Notices are printed by both, as a model's are; each once, though two tasks read it.
sed -i 's/"add_bos_token": true/"add_bos_token": false/' lm/tokenizer_config.json
{ gzip -c keep.jsonl; head -c 700 /dev/zero; } >lines.jsonl
"$SULCUS" plan p.yaml >stdout 2>stderr || fail 'plan with notices'
is 'the notice on padding' "$(grep -c '^note: datasets/late: .*lines.jsonl has zeros behind' stdout)" 1
is 'the notice on the tokenizer' "$(grep -c '^note: datasets/late: tokenizer_config.json has add_bos_token' stdout)" 1
rm -rf out
"$SULCUS" run p.yaml --only last >stdout 2>stderr || fail 'run with notices'
is 'a run: the notice on padding' "$(cat stdout stderr | grep -c 'note: datasets/late: .*lines.jsonl has zeros behind')" 1
is 'a run: the notice on the tokenizer' "$(cat stdout stderr | grep -c 'note: datasets/late: tokenizer_config.json has add_bos_token')" 1
cp keep.jsonl lines.jsonl

# Images in Parquet, and ids in the middle of a file: every record, with --inputs; by a run before its first pass.
sed "s|^  pictures:.*|  pictures: {format: parquet, path: $SOURCE/tests/reference/parquet/wrong/late-image.parquet, labels: position, collect: same}|" p.yaml >parquet.yaml
"$SULCUS" plan parquet.yaml >stdout 2>stderr || fail 'images in Parquet: what plan alone does not look at'
code=0
"$SULCUS" plan parquet.yaml --inputs >stdout 2>stderr || code=$?
is 'images in Parquet, --inputs: code' $code 3
rm -rf out
"$SULCUS" run parquet.yaml --only seen >stdout 2>stderr
is 'images in Parquet, a run: code' $? 3
says 'images in Parquet, a run' stderr '^sulcus: error: .*late-image.parquet:[0-9]*: '
is 'images in Parquet, a run: units' "$(grep -c '"event":"unit\|"event":"checkpoint' out/journal.jsonl)" 0
"$SULCUS" plan parquet.yaml --inputs >stdout 2>stderr
says 'images in Parquet, --inputs' stderr '^sulcus: error: parquet.yaml:9:3: .*late-image.parquet:[0-9]*: '

# Weights of a model of 7 billion parameters, 14 GB of a hole: what is looked at are headers, and digests are not taken.
mkdir large
cp lm/tokenizer*.json large
cat >large/config.json <<'END'
{"model_type": "mistral", "hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32,
 "num_key_value_heads": 8, "num_hidden_layers": 32, "vocab_size": 32000, "max_position_embeddings": 32768, "rms_norm_eps": 1e-5,
 "rope_theta": 10000.0, "sliding_window": null, "tie_word_embeddings": false}
END
awk 'function add(name, shape, values) {
  printf "%s\"%s\":{\"dtype\":\"BF16\",\"shape\":[%s],\"data_offsets\":[%.0f,%.0f]}", n++ ? "," : "{", name, shape, at, at + 2 * values
  at += 2 * values
}
BEGIN {
  add("model.embed_tokens.weight", "32000,4096", 32000 * 4096)
  for (i = 0; i < 32; i++) {
    l = "model.layers." i "."
    add(l "input_layernorm.weight", "4096", 4096); add(l "post_attention_layernorm.weight", "4096", 4096)
    add(l "self_attn.q_proj.weight", "4096,4096", 4096 * 4096); add(l "self_attn.k_proj.weight", "1024,4096", 1024 * 4096)
    add(l "self_attn.v_proj.weight", "1024,4096", 1024 * 4096); add(l "self_attn.o_proj.weight", "4096,4096", 4096 * 4096)
    add(l "mlp.gate_proj.weight", "14336,4096", 14336 * 4096); add(l "mlp.up_proj.weight", "14336,4096", 14336 * 4096)
    add(l "mlp.down_proj.weight", "4096,14336", 4096 * 14336)
  }
  add("model.norm.weight", "4096", 4096); add("lm_head.weight", "32000,4096", 32000 * 4096)
  printf "}"
  printf "%.0f", at >"size"
}' >header
n=$(stat -c %s header)
{ for i in 0 8 16 24 32 40 48 56; do printf "\\x$(printf %02x $((n >> i & 255)))"; done; cat header; } >large/model.safetensors
truncate -s $((8 + n + $(cat size))) large/model.safetensors
elapsed=99999
for try in 1 2 3; do # the machine may be busy with something else
  start=$(date +%s%N)
  "$SULCUS" plan p.yaml -s models.lm.path=large -s output=other >stdout 2>stderr || fail 'plan of 7 billion parameters'
  took=$((($(date +%s%N) - start) / 1000000))
  [ $took -lt $elapsed ] && elapsed=$took
done
echo "plan beside weights of $(stat -c %s large/model.safetensors) bytes: $elapsed ms"
[ $elapsed -lt 1000 ] || fail "plan took $elapsed ms"
truncate -s -1 large/model.safetensors
"$SULCUS" plan p.yaml -s models.lm.path=large -s output=other >stdout 2>stderr
is 'a byte less: code' $? 3
says 'a byte less' stderr '^sulcus: error: p.yaml:4:3: .*model.safetensors: tensor '
finish
