#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` wrote is enough, also after the folder was moved: `sulcus --smoke`, `sulcus quickstart`, pages. Uninstalled, nothing
# of it is left. Hardening and relative paths, as readelf and strings see them.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
: >stdout >stderr
cp "$BUILD/install_manifest.txt" manifest.before 2>/dev/null
cmake --install "$BUILD" --prefix "$scratch/first" >log 2>&1 || fail "install: $(tail -1 log)"
cp "$BUILD/install_manifest.txt" manifest
for file in bin/sulcus share/man/man1/sulcus.1 share/bash-completion/completions/sulcus share/doc/sulcus/LICENSE share/doc/sulcus/cluster.md \
  share/sulcus/sulcus.schema.json share/sulcus/jobs/slurm.sbatch share/sulcus/yaml/quickstart.yaml share/sulcus/examples/vit-glyph100/config.json; do
  [ -s "first/$file" ] || fail "not installed: $file"
done
python3 -m json.tool first/share/sulcus/sulcus.schema.json >stdout 2>stderr || fail 'the schema is not JSON'

# Moved elsewhere.
cp -r first 'moved there'
ranks 2 'moved there/bin/sulcus' --smoke
is 'smoke' "$code" 0
says 'smoke' stdout '^smoke: OK, [1-9][0-9]* numbers as they should be on 2 ranks$'
(TMPDIR=$scratch/own && mkdir "$TMPDIR" && export TMPDIR && 'moved there/bin/sulcus' --smoke >stdout 2>stderr && [ -z "$(ls "$TMPDIR")" ]) ||
  fail 'smoke in a TMPDIR of its own, left empty'
sed -i 's/^unlearn.*accuracy_base .*/unlearn\/all.nc accuracy_base 0.5 0.1/' 'moved there/share/sulcus/examples/smoke/known.txt'
ranks 2 'moved there/bin/sulcus' --smoke
is 'a wrong number' "$code" 5
says 'a wrong number' stderr 'accuracy_base of unlearn/all.nc is 1 on average, and should be 0.5'
rm -r 'moved there/share/sulcus'
'moved there/bin/sulcus' --smoke >stdout 2>stderr
is 'without examples' $? 3
says 'without examples' stderr 'no ../share/sulcus/examples/smoke/smoke.yaml from here; install the program with `cmake --install`'

# The example pipeline, where one stands.
mkdir here && (cd here && ../first/bin/sulcus quickstart >../stdout 2>../stderr) || fail 'quickstart'
says 'what next' stdout '^  mpirun -n 2 sulcus run yaml/quickstart.yaml$'
is 'the plan of the copy' "$(first/bin/sulcus plan here/yaml/quickstart.yaml 2>&1 | grep -c 'never run')" \
  "$("$SULCUS" plan "$SOURCE/yaml/quickstart.yaml" -s output="$scratch/none" 2>&1 | grep -c 'never run')"
first/bin/sulcus quickstart here >stdout 2>stderr
is 'again' "$(head -1 stdout)" '0 files copied. Run it, and look at the report:'
echo '# mine' >>here/yaml/quickstart.yaml
first/bin/sulcus quickstart here >stdout 2>stderr
is 'a changed file' $? 2
says 'a changed file' stderr 'here/yaml/quickstart.yaml: exists and is another file; give a folder'
is 'a changed file stays' "$(tail -1 here/yaml/quickstart.yaml)" '# mine'

# Hardened, with no path of this machine inside.
if grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Release' "$BUILD/CMakeCache.txt" && command -v readelf >/dev/null; then
  readelf -hldW first/bin/sulcus >elf
  says 'PIE' elf 'Type: *DYN (Position-Independent Executable'
  says 'RELRO' elf 'GNU_RELRO'
  says 'bound at start' elf 'FLAGS_1.* NOW'
  nm -D first/bin/sulcus >symbols
  says 'stack protector' symbols '__stack_chk_fail'
  says 'fortified calls' symbols '__.*_chk@'
  is 'paths' "$(strings first/bin/sulcus | grep -cF "$SOURCE/")" 0
fi

cp manifest "$BUILD/install_manifest.txt"
cmake --build "$BUILD" --target uninstall >log 2>&1 || fail "uninstall: $(tail -1 log)"
is 'what is left' "$(find first -type f)" ''
is 'folders left' "$(find first -path '*sulcus*')" ''
[ ! -e manifest.before ] || cp manifest.before "$BUILD/install_manifest.txt"
finish
