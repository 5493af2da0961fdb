#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A model, tokenizer or data file, of every format, that is overwritten in place and put back, or cut, while `collect` reads it: exit 3,
# one line that names it, no signal, nothing committed.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
cp -r "$SOURCE/examples/vit-glyph100" "$SOURCE/examples/mistral-debtext" .
mkdir cifar images mmlu
zcat "$SOURCE/examples/glyph100/test.bin.gz" | head -c $((3074 * 1000)) >cifar/test.bin
cp "$SOURCE"/examples/glyph100/*.txt cifar
for class in a b g; do
  mkdir images/latin_capital_letter_$class
  for i in $(seq 150); do cp "$SOURCE/tests/reference/images/large.jpg" images/latin_capital_letter_$class/$i.jpg; done
done
head -c 250000 "$SOURCE/examples/debtext/test.jsonl" | sed '$d' >text.jsonl
head -c 250000 "$SOURCE/examples/debtext/test.jsonl" | sed '$d' | gzip >text.jsonl.gz
cp -r "$SOURCE/examples/debquiz/." mmlu
head -c 60000 "$SOURCE/examples/debtext/test.jsonl" | od -An -v -tu1 -w1 | awk '{printf "%c", 1 + $1 % 100; printf "%c", 2}' >ids.bin

# changed FILE MODEL HOW DATA: FILE is changed while the dataset is collected on.
changed() {
  local file=$1 how=$3 at code=0
  cp -p "$file" kept
  printf 'pipeline: changed\noutput: out\nthreads: 1\nmodels: {m: {path: %s}}\ndatasets: {d: {%s}}\nsteps: {a: {stage: collect, model: m, data: d}}\n' "$2" "$4" >p.yaml
  "$SULCUS" run p.yaml --quiet >stdout 2>stderr </dev/null &
  local pid=$!
  for _ in $(seq 200); do
    grep -q '"event":"start"' out/journal.jsonl 2>/dev/null && break
    sleep 0.02
  done
  if [ "$how" = cut ]; then
    truncate -s 4096 "$file"
  elif [ "$how" = chmod ]; then
    chmod 600 "$file"
  elif [ "$how" = linked ]; then
    ln -f "$file" link
  elif [ "$how" = renamed ]; then
    mv "$file" elsewhere && mv elsewhere "$file"
  else
    at=$(($(stat -c %s "$file") / 2))
    printf 'XXXXXXXX' | dd of="$file" bs=1 seek="$at" conv=notrunc status=none
    sleep 0.05
    dd if=kept of="$file" bs=1 skip="$at" seek="$at" count=8 conv=notrunc status=none
    touch -r kept "$file"
  fi
  wait $pid || code=$?
  is "exit code, $file $how" "$code" 3
  is "lines, $file $how" "$(grep -c . stderr)" 1
  says "$file $how" stderr "^sulcus: error: .*${file##*/}"
  is "artefacts, $file $how" "$(find out -name '*.nc' -o -name '*.checkpoint')" ''
  cp -p kept "$file"
  rm -rf out
}
images='collect: same'
text='context: 128, collect: same'
for how in cut restored; do
  changed cifar/test.bin vit-glyph100 $how "format: cifar100, path: cifar, subsets: coarse, $images"
  changed vit-glyph100/model.safetensors vit-glyph100 $how "format: cifar100, path: cifar, subsets: coarse, $images"
  changed text.jsonl mistral-debtext $how "format: jsonl, path: text.jsonl, subsets: meta.pile_set_name, $text"
  changed images/latin_capital_letter_g/149.jpg vit-glyph100 $how "format: images, path: images, subsets: folder, $images"
done
for how in chmod linked renamed; do # which move the time that cannot be set back
  changed text.jsonl mistral-debtext $how "format: jsonl, path: text.jsonl, subsets: meta.pile_set_name, $text"
done
changed text.jsonl.gz mistral-debtext restored "format: jsonl, path: text.jsonl.gz, subsets: meta.pile_set_name, $text"
changed mistral-debtext/tokenizer.json mistral-debtext restored "format: jsonl, path: text.jsonl, subsets: meta.pile_set_name, $text"
changed ids.bin mistral-debtext restored "format: tokens, path: ids.bin, $text"
changed mmlu/test/languages_test.csv mistral-debtext restored "format: mmlu, path: mmlu, $text"
finish
