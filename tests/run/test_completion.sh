#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bash's completion: sourced as bash would, without the bash-completion package, and asked for words by COMP_WORDS. Its words of
# commands and options are those of `sulcus --help`.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
: >stdout >stderr
mkdir -p folder/inner
cp "$SOURCE/tests/small.yaml" small.yaml
touch other.yml notes.txt 'folder/deep file.yaml'
"$SULCUS" describe --completion >script || fail 'no script'
unset -f _init_completion
. ./script
is 'registered' "$(complete -p sulcus)" 'complete -F _sulcus sulcus'

# complete_words WORD...: what the last word may become, sorted, in one line.
complete_words() {
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _sulcus "$SULCUS" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}" 2>>stderr
  printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd' '
}
options_of() { "$SULCUS" "$1" --help | grep -oE '^  (-[a-z], )?--[a-z]+' | tr -d , | tr -s ' ' '\n' | sed '/^$/d' | sort | paste -sd' '; }
commands=$("$SULCUS" --help | sed -n '/^  [a-z-]/s/^  \([a-z-]*\) .*/\1/p')
[ "$(wc -w <<<"$commands")" -gt 8 ] || fail 'too few commands'
is 'commands' "$(complete_words sulcus '')" "$(printf '%s\n' --help $commands | sort | paste -sd' ')"
is 'a beginning' "$(complete_words sulcus re)" 'report'
for command in $commands; do
  is "options of $command" "$(complete_words sulcus "$command" -)" "$(options_of "$command")"
done

is 'a pipeline' "$(complete_words sulcus run '')" 'folder other.yml small.yaml'
is 'a pipeline below' "$(complete_words sulcus run folder/)" 'folder/deep file.yaml folder/inner'
is 'no second pipeline' "$(complete_words sulcus run small.yaml '')" ''
is 'a folder' "$(complete_words sulcus fsck '')" 'folder'
is 'a path' "$(complete_words sulcus inspect n)" 'notes.txt'
is 'a stage or section' "$(complete_words sulcus describe '')" "$("$SULCUS" describe | sed -n 's/^\([a-z]*\): .*/\1/p' | grep -v '^steps$' | sort | paste -sd' ')"

steps=$(sed -n '/^steps:/,$s/^  \([a-z_]*\):.*/\1/p' small.yaml | sort | paste -sd' ')
is 'a step' "$(complete_words sulcus run small.yaml --from '')" "$steps"
is 'a step, the pipeline behind it' "$(COMP_WORDS=(sulcus run --only '' small.yaml) COMP_CWORD=3; _sulcus "$SULCUS"; printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd' ')" "$steps"
is 'a step behind =' "$(complete_words sulcus run small.yaml --force = '')" "$steps"
is 'a step at =' "$(complete_words sulcus run small.yaml --force =)" "$steps"
is 'a task' "$(complete_words sulcus explain small.yaml sco)" 'scores'
is 'a key' "$(complete_words sulcus plan small.yaml -s steps.scores.m)" 'steps.scores.measure='
is 'a key after another' "$(complete_words sulcus plan small.yaml -s compute = bf16 --set mem)" 'memory='
is 'a value' "$(complete_words sulcus plan small.yaml -s models.vit.path = fol)" 'folder'
is 'an argument after values' "$(complete_words sulcus explain -s compute = bf16 small.yaml unl)" "$(tr ' ' '\n' <<<"$steps" | grep '^unl' | paste -sd' ')"
is 'no pipeline' "$(complete_words sulcus run --from '')" ''
is 'a pipeline with a mistake' "$(complete_words sulcus run other.yml --from '')" ''
is 'an unknown command' "$(complete_words sulcus walk '')" ''
is 'a key of every parameter is one that -s takes' "$("$SULCUS" describe --keys small.yaml | grep -c '^steps\.scores\.')" \
  "$(($("$SULCUS" describe score | grep -cE '^  [a-z_]+ ') + 2))" # and `stage` and `from`
is 'complaints' "$(cat stderr)" ''

# The twin: a script without one of the options is seen.
sed 's/ --quiet//' script >broken
. ./broken
[ "$(complete_words sulcus run -)" != "$(options_of run)" ] || fail 'the twin, a script without --quiet, passes'
finish
