#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What README.md shows is so: its first pipeline runs, its mistake is refused as quoted, its stage compiles, its files are there.
. "$SOURCE/tests/lib.sh"

readme=$SOURCE/README.md
block() { awk -v kind="$1" '$0 == "```" kind {inside = 1; next} /^```$/ {inside = 0} inside' "$readme"; }
ln -s "$SOURCE/examples" "$scratch/examples"
cd "$scratch" || exit 1

block yaml >first.yaml
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

block c >layers.c
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror -fsyntax-only -I"$SOURCE/include" layers.c >stdout 2>stderr || fail 'the stage does not compile'

# Paths in backquotes and pictures: `folder/file` with a file's ending exists.
{
  grep -oE '\]\([a-z]+/[A-Za-z0-9_/.-]+\.png\)' "$readme" | tr -d '()]'
  grep -oE '`[a-z]+/[A-Za-z0-9_/.-]+\.(c|h|sh|sbatch|yaml|def|md|png|py)`' "$readme" | tr -d '`'
} | sort -u >paths
[ "$(wc -l <paths)" -gt 20 ] || fail 'no paths were found'
while read -r path; do
  case $path in stages/layers.c | model/NAME.c | runs/*) continue ;; esac
  [ -e "$SOURCE/$path" ] || fail "README.md names $path, which is not there"
done <paths
finish
