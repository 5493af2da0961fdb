#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every stage, in one process with two threads (one under the address sanitizer), and every command on what it wrote: a short way through the whole
# program for the builds that are slow, with sanitizers and with a count of lines. Data races show as an exit of 66 in the build with the thread sanitizer.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 # their threads are not instrumented
export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 # MPI's plugins are gone by the end, and their leaks have no names; unit tests look for ours
cd "$scratch" || exit 1
settings=(-s output="$scratch/out" -s threads="$(forking_threads)" -s datasets.glyphs.limit=8)

try() { # EXIT ARGUMENTS...
  code=0
  "$SULCUS" "${@:2}" >stdout 2>stderr || code=$?
  is "${*:2:1}: exit" "$code" "$1"
}

try 0 plan "$SOURCE/tests/small.yaml" "${settings[@]}"
# A command of one process that mpirun starts twice is refused; what asks nothing of files is not.
ranks 2 "$SULCUS" plan "$SOURCE/tests/small.yaml" "${settings[@]}"
is 'plan on two ranks' "$code $(wc -l <stdout) $(grep '^sulcus:' stderr | sort -u)" '2 0 sulcus: error: plan: it needs one process, and 2 were started; leave out mpirun or srun'
ranks 2 "$SULCUS" describe prune
is 'describe on two ranks' "$code" 0
ranks 2 sh -c '"$@" || exit 3' - "$SULCUS" plan "$SOURCE/tests/small.yaml" "${settings[@]}" # a shell on each rank knows what it does
is 'plan in the shells of two ranks' "$code" 0
try 0 run "$SOURCE/tests/small.yaml" "${settings[@]}" --quiet
is 'artefacts' "$(find out -name '*.nc' | wc -l)" 32
try 0 run "$SOURCE/tests/small.yaml" "${settings[@]}" --quiet
try 0 status "$SOURCE/tests/small.yaml" "${settings[@]}"
says status stdout '32 done'
try 0 status "$SOURCE/tests/small.yaml" "${settings[@]}" --json
try 0 explain "$SOURCE/tests/small.yaml" 'unlearn[drop=0.3]' "${settings[@]}" -s steps.unlearn.seeds=2
says explain stdout seeds
try 0 report "$SOURCE/tests/small.yaml" "${settings[@]}"
try 0 fsck out
for path in out/share/all.nc "$SOURCE/examples/vit-glyph100" "$SOURCE/examples/glyph100"; do
  try 0 inspect "$path"
done
sed "s,\\.\\./runs/small,out,; s,\\.\\./examples,$SOURCE/examples," "$SOURCE/tests/small.yaml" >small.yaml
"$SULCUS" doctor small.yaml >stdout 2>stderr
code=$?
[ $code = 0 ] || [ $code = 2 ] || fail "doctor: exit $code" # 2: what it finds wrong is this machine's
says doctor stdout '^inputs  *ok '
try 0 describe
try 0 describe prune
try 0 describe --schema
try 0 --version
finish
