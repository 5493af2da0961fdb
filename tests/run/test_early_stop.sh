#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A signal while inputs are digested, indexed or tokenised or weights are made, which takes as long as they are large: 75 within seconds.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
mkdir large
cp "$SOURCE/examples/vit-glyph100/preprocessor_config.json" large
sed 's/"hidden_size": [0-9]*/"hidden_size": 2048/; s/"intermediate_size": [0-9]*/"intermediate_size": 8192/; s/"num_attention_heads": [0-9]*/"num_attention_heads": 16/;
  s/"num_hidden_layers": [0-9]*/"num_hidden_layers": 40/' "$SOURCE/examples/vit-glyph100/config.json" >large/config.json # 8 GB, of which few are touched

# stopped WHAT MODEL DATA [MPIRUN...]: USR1 after so long that it is under way; the run must end in 75, soon.
stopped() {
  local what=$1 model=$2 data=$3 code=0 begun
  shift 3
  printf 'pipeline: stop\noutput: out\nthreads: 1\noversubscribe: true\nmodels: {m: {%s}}\ndatasets: {d: {%s}}\nsteps: {a: {stage: collect, model: m, data: d}}\n' \
    "$model" "$data" >p.yaml
  rm -rf out
  "$@" "$SULCUS" run p.yaml --quiet -s memory=100GB >stdout 2>stderr </dev/null &
  sleep 2
  begun=$EPOCHREALTIME
  kill -USR1 $! 2>/dev/null || fail "$what: ended before"
  wait $! || code=$?
  is "exit code, $what" "$code" 75
  says "$what" stderr '^sulcus: error: interrupted; run the same command again'
  is "lines, $what" "$(grep -c '^sulcus: error' stderr)" 1
  awk -v begun="$begun" -v now="$EPOCHREALTIME" 'BEGIN {exit now - begun > 5}' || fail "$what: took from $begun to $EPOCHREALTIME"
}
text="path: $SOURCE/examples/mistral-debtext"
yes '{"text": "a b"}' | head -n 40000000 | gzip -1 >lines.jsonl.gz
stopped indexing "$text" 'format: jsonl, path: lines.jsonl.gz, context: 64, collect: same'
yes "$(head -c 2000 "$SOURCE/LICENSE" | tr '\n"\\' '   ')" | head -n 300000 >words.txt # more than a rank tokenises in that time
stopped tokenising "$text" 'format: text, path: words.txt, context: 64, pack: true, collect: same'
stopped 'tokenising on two ranks' "$text" 'format: text, path: words.txt, context: 64, pack: true, collect: same' $mpirun_anyhow -n 2
truncate -s 40G zeros.bin
stopped digesting "$text" 'format: tokens, path: zeros.bin, context: 64, collect: same'
stopped 'drawing weights' 'path: large, weights: random, seed: 1' "format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse"
finish
