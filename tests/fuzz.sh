#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fuzzing with libFuzzer, the address and the undefined-behaviour sanitizer: tests/fuzz/fuzz_NAME.c, from tests/fuzz/corpus/NAME.
#   tests/fuzz.sh [DURATION] [NAME...]   each harness for DURATION (20s; 5m, 24h), as many at once as there are cores
#   SEED=N tests/fuzz.sh ...             from that seed: nearly the same inputs each time
#   tests/fuzz.sh --twin [NAME...]       each has a fault put in, and must find it
# First every input of the corpus is run once. What is found goes to tests/fuzz/found, with the line that runs it again: mend it, make it
# small (-minimize_crash=1), and put it into the corpus under a name that says what it found. New inputs that reach further are kept in
# build-fuzz/corpus for the next time; tests/fuzz/seeds.py makes the binary seeds.
set -euo pipefail
cd "$(dirname "$0")/.."
. jobs/mpi_env.sh
bytes=4096 # of an input, at most
build=build-fuzz found=tests/fuzz/found duration=20s twin=

if [ "${1-}" = --twin ]; then
  twin=1
  shift
elif [[ ${1-} =~ ^[0-9] ]]; then
  duration=$1
  shift
fi
[[ $duration =~ ^([0-9]+)([smhd]?)$ ]] || { echo "tests/fuzz.sh: $duration is no duration; 20s, 5m or 24h" >&2; exit 2; }
case ${BASH_REMATCH[2]} in m) unit=60 ;; h) unit=3600 ;; d) unit=86400 ;; *) unit=1 ;; esac
seconds=$((BASH_REMATCH[1] * unit))
[ $# -gt 0 ] || set -- $(ls tests/fuzz/fuzz_*.c | sed 's,.*/fuzz_,,; s,\.c$,,')
for name; do
  [ -e "tests/fuzz/fuzz_$name.c" ] || { echo "tests/fuzz.sh: there is no harness $name" >&2; exit 2; }
done

clang=$(command -v clang-14 || command -v clang) || { echo "clang is missing: jobs/setup.sh --tests" >&2; exit 1; }
cmake -S . -B $build -G Ninja -DSULCUS_WERROR=ON -DCMAKE_BUILD_TYPE=Fuzz -DCMAKE_C_COMPILER="$clang" >$build.log 2>&1 || { cat $build.log; exit 1; }
cmake --build $build --target "${@/#/fuzz_}" >$build.log 2>&1 || { cat $build.log; exit 1; }

memory=$(mktemp -d /dev/shm/sulcus-fuzz.XXXXXX)
trap 'rm -rf "$memory"' EXIT
mkdir -p $found
export TMPDIR=$memory
export UBSAN_OPTIONS=print_stacktrace=1 OPENBLAS_NUM_THREADS=1
# memmem is not looked at: for each call the sanitizer would read all that is left. The rest is for speed.
export ASAN_OPTIONS=allocator_may_return_null=1:intercept_memmem=0:quarantine_size_mb=16:malloc_context_size=8
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0

limits=(-seed="${SEED-0}" -rss_limit_mb=2048 -malloc_limit_mb=1536 -timeout=10 -close_fd_mask=1 -print_final_stats=1)

one() { # NAME: one harness, its log beside its inputs; says how it went in a line
  local name=$1 harness=$build/tests/fuzz/fuzz_$1 log=$build/$1.log code=0 kept=$build/corpus/$1 input inputs=tests/fuzz/corpus/$1
  local arguments=("${limits[@]}" -artifact_prefix="$found/$name-")
  mkdir -p "$kept"
  [ ! -e "tests/fuzz/$name.dict" ] || arguments+=(-dict="tests/fuzz/$name.dict")
  if [ "$twin" ]; then
    mkdir -p "$memory/found" "$memory/$name"
    SULCUS_FUZZ_TWIN=1 "$harness" "${limits[@]}" -artifact_prefix="$memory/found/$name-" -max_len=$bytes -max_total_time=60 "$memory/$name" "$inputs" >"$log" 2>&1 || code=$?
    if [ $code != 0 ] && grep -q 'heap-buffer-overflow' "$log" && ls "$memory/found/$name-"* >/dev/null 2>&1; then
      echo "$name: found its fault"
      return
    fi
    echo "$name: DID NOT FIND its fault (status $code); see $log"
    return 1
  fi
  "$harness" "${arguments[@]}" "$inputs"/* >"$log" 2>&1 || code=$?
  if [ $code = 0 ] && [ "$seconds" -gt 0 ]; then
    "$harness" "${arguments[@]}" -max_len=$bytes -max_total_time="$seconds" "$kept" "$inputs" >"$log" 2>&1 || code=$?
  fi
  if [ $code = 0 ]; then
    awk -v name="$name" '
      / cov: / {for (i = 1; i < NF; i++) {if ($i == "cov:") cov = $(i + 1); if ($i == "ft:") ft = $(i + 1); if ($i == "exec/s:") rate = $(i + 1)}}
      /number_of_executed_units/ {runs = $2}
      END {printf "%-12s nothing found: %d inputs, %d a second, %d edges, %d features\n", name, runs, rate, cov, ft}' "$log"
    return
  fi
  grep -E -m 3 'ERROR:|runtime error:|SUMMARY|does not say in one line' "$log" || tail -n 3 "$log"
  input=$(sed -nE 's/^Running: //p; s/^.*Test unit written to //p' "$log" | tail -n 1)
  echo "$name: FOUND a fault, see $log; once more: $harness $input"
  return 1
}

failed=0
running=0
for name; do
  if [ $running -ge "$(nproc)" ]; then
    wait -n || failed=1
    running=$((running - 1))
  fi
  one "$name" &
  running=$((running + 1))
done
while [ $running -gt 0 ]; do
  wait -n || failed=1
  running=$((running - 1))
done
exit $failed
