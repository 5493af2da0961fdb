#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What README.md and docs/ show is so: the first pipeline runs, its mistake is refused as quoted, every pipeline is accepted, every piece of
# C compiles; commands and their options, messages, files and links are there, and tables have whole rows. Then the twin.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
ln -s "$SOURCE/examples" "$scratch/examples"
cd "$scratch" || exit 1
: >stdout
: >stderr
readme=$SOURCE/README.md

# Every fenced block, as PAGE-NUMBER.KIND.
awk '
  FNR == 1 {page = FILENAME; gsub(/.*\/|\.md$/, "", page); n = 0}
  /^```[a-z]/ {file = page "-" ++n "." substr($0, 4); next}
  /^```$/ {file = ""}
  file != "" {print >file}' "$readme" "$SOURCE"/docs/*.md

mv README-1.yaml first.yaml
ranks 2 "$SULCUS" run first.yaml --quiet
is 'the first pipeline: exit' "$code" 0
is 'the first pipeline: artefacts' "$(cd runs/first && find . -name '*.nc' | sort | xargs)" \
  './activations/all.nc ./overlap/measure=abs.nc ./overlap/measure=freq.nc ./scores/measure=abs.nc ./scores/measure=freq.nc ./unlearn/measure=abs.nc ./unlearn/measure=freq.nc'
"$SULCUS" explain first.yaml 'unlearn[measure=abs]' -s steps.unlearn.drop=0.8 >stdout 2>stderr
says 'explain' stdout 'drop changed from 0.5 to 0.8'

mv first.yaml right.yaml
sed 's/measure:/mesure:/' right.yaml >first.yaml
"$SULCUS" plan first.yaml >stdout 2>stderr
is 'the mistake: exit' $? 2
quoted=$(grep -o '``first.yaml:.*``' "$readme" | sed 's/^``//; s/``$//')
is 'the mistake' "$(cat stderr)" "sulcus: error: $quoted"

for pipeline in *-*.yaml; do # a model that is not here is 3, once nothing is wrong with the file
  "$SULCUS" plan "$pipeline" >stdout 2>stderr
  code=$?
  [ $code = 0 ] || is "$pipeline: exit" $code 3
done
for source in *-*.c; do
  ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror -fsyntax-only -I"$SOURCE/include" -I"$SOURCE" "$source" >stdout 2>stderr || fail "$source does not compile"
done

# All string literals of the sources, those of several lines as one.
find "$SOURCE"/{pipeline,data,model,stages} -name '*.c' -print0 | xargs -0 cat | tr '\n' ' ' | sed -E 's/" +"//g; s/\\"/"/g' >literals

# code FOLDER: what its pages have in blocks and between backquotes. ``two`` are around messages.
code() {
  awk '
    FNR == 1 {fenced = 0}
    /^```/ {fenced = !fenced; next}
    fenced || /^    / {print; next}
    {gsub(/``.*``/, ""); while (match($0, /`[^`]+`/)) {print substr($0, RSTART + 1, RLENGTH - 2); $0 = substr($0, RSTART + RLENGTH)}}' "$1"/README.md "$1"/docs/*.md
}

# wrong FOLDER: what its README.md and docs/ have that is not so, a line each.
wrong() {
  local command words word piece path page
  code "$1" | sed 's/#.*//' | grep -oE '(^|[ /])sulcus [a-z]+[^&]*' | sed -E 's/.*sulcus //' | sort -u | while read -r command words; do
    "$SULCUS" "$command" --help >help 2>/dev/null || echo "no command $command"
    for word in $words; do
      case $word in --[a-z]*) grep -q -e "$word" help || echo "no option $word of $command" ;; esac
    done
  done
  grep -ohE '``[^ ].*[^ ]``' "$1"/README.md "$1"/docs/*.md | grep -v '^``first.yaml:' | sed 's/``//g; s/ *… */\n/g' | grep . | while read -r piece; do
    grep -qF -e "$piece" literals || echo "no message '$piece'"
  done
  code "$1" | grep -xE '(include|pipeline|data|model|stages|tests|jobs|yaml|examples|cmake|docs)/[a-z0-9_/.-]*' | sort -u | while read -r path; do
    [ "$path" = stages/layers/ ] || [ -e "$SOURCE/$path" ] || echo "no file $path"
  done
  for page in $(cd "$1" && echo README.md docs/*.md); do
    grep -oE '\]\([^)]+' "$1/$page" | sed -E 's/^..//; s/#.*//' | grep -v '://' | sort -u | while read -r path; do
      [ -e "$SOURCE/$(dirname "$page")/$path" ] || echo "no link $path in $page"
    done
  done
  awk '
    {row = /^\|/; line = $0; gsub(/\\\|/, "", line); cells = gsub(/\|/, "", line)}
    row && FNR > 1 && before && cells != n {print "broken table " FILENAME ":" FNR}
    {before = row; n = cells}' "$1"/README.md "$1"/docs/*.md | sed "s,$1/,,"
  for word in $(sed -nE 's/^(STAGE|FORMAT)\((.*)\)$/\2/p' "$SOURCE/stages/stages.def" $(find "$SOURCE/data" "$SOURCE/include" -name formats.def)); do
    grep -q "\`$word\`" "$1/README.md" || echo "README.md has no \`$word\`"
  done
}
is 'what is not so' "$(wrong "$SOURCE")" ''
[ "$(code "$SOURCE" | wc -l)" -gt 500 ] || fail 'hardly any code was found'
is 'lines of README.md' "$(awk 'END {print NR <= 200 ? "200 at most" : NR}' "$readme")" '200 at most'

mkdir -p twin
cp -r "$readme" "$SOURCE/docs" twin
sed -i 's/`idx`/`xdi`/' twin/README.md
cat >>twin/docs/glossary.md <<'END'
`sulcus rum pipeline.yaml`, `sulcus run --quite`, ``nobody ever … says this``, `pipeline/run/walk.c`, [page](walk.md)

| a | b |
|---|---|
| one |
END
is 'what is not so in the twin' "$(wrong "$PWD/twin" | sed 's/:[0-9]*$//' | xargs)" \
  "no command rum no option --quite of run no message nobody ever no message says this no file pipeline/run/walk.c no link walk.md in docs/glossary.md broken table docs/glossary.md README.md has no \`idx\`"
sed 's/clusters:/cluster:/' published-1.yaml >twin.yaml
"$SULCUS" plan twin.yaml >stdout 2>stderr
is 'a wrong key: exit' $? 2
finish
