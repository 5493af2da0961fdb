#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `sulcus --version`: version, commit and compiler of the build, every library that the program is linked with, the kernels; as text
# and as JSON the same. The commit follows the tree at each build, and is "unknown" without git.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
"$SULCUS" --version >stdout 2>stderr
is 'exit' $? 0
is 'complaints' "$(cat stderr)" ''
is 'the first line' "$(head -1 stdout)" "sulcus $(sed -n 's/^project(sulcus VERSION \([0-9.]*\) .*/\1/p' "$SOURCE/CMakeLists.txt")"
says 'compiler' stdout '^compiler [A-Za-z]* [0-9][0-9.]*$'
says 'build type' stdout "^build $(sed -n 's/^CMAKE_BUILD_TYPE:[A-Z]*=//p' "$BUILD/CMakeCache.txt")$"
says 'flags' stdout '^flags .*-ffp-contract=off'

# Libraries: the versions that Debian's packages say, of the files that the program is linked with.
version_of() { sed -n "s/^  $1  *//p" stdout; }
for pair in "MPI:libmpi(ch)?" libyaml:libyaml-0 "NetCDF:libnetcdf(_mpi)?" "HDF5:libhdf5_[a-z]+" jansson:libjansson xxHash:libxxhash BLAS:libopenblas oneDNN:libdnnl \
  METIS:libmetis igraph:libigraph PCRE2:libpcre2-8 utf8proc:libutf8proc zlib:libz zstd:libzstd Snappy:libsnappy LZ4:liblz4 libpng:libpng16 libjpeg:libjpeg libwebp:libwebp; do
  [ -n "$(version_of "${pair%%:*}")" ] || fail "no ${pair%%:*}"
  file=$(ldd "$SULCUS" | awk -v n="^${pair#*:}[.]" '$1 ~ n {print $3}' | head -1)
  [ -n "$file" ] || { [ "${pair#*:}" = libxxhash ] || fail "the program is not linked with ${pair#*:}"; continue; }
  package=$(dpkg-query -S "$(realpath "$file")" 2>/dev/null | head -1 | cut -d: -f1)
  [ -n "$package" ] || continue
  upstream=$(dpkg-query -W -f '${Version}\n' "$package" | head -1 | sed 's/^[0-9]*://; s/[-+~].*//; s/\.dfsg.*//')
  case $(version_of "${pair%%:*}") in
  *"$upstream"*) ;;
  *) fail "${pair%%:*}: $(version_of "${pair%%:*}"), but $package is $upstream" ;;
  esac
done
cores=$(version_of 'float32 products')
case $(grep -m1 -oE 'avx512f' /proc/cpuinfo):$cores in
avx512f:'sulcus AVX-512' | :OpenBLAS*) ;;
*) [ "$(uname -m)" != x86_64 ] || [ -n "${DNNL_MAX_CPU_ISA-}" ] || fail "float32 products: $cores" ;;
esac
is 'the kernels of a lesser CPU' "$(DNNL_MAX_CPU_ISA=AVX2 "$SULCUS" --version | sed -n 's/^  \(float32\|bf16\) products *//p' | sed 's/^OpenBLAS [A-Za-z0-9]*$/OpenBLAS/' | paste -sd' ')" 'OpenBLAS none'

# JSON says the same; and is not read as a command.
"$SULCUS" --version --json >json
is 'JSON' "$(python3 - json <<'PY'
import json, sys
for key, value in json.load(open(sys.argv[1])).items():
    if isinstance(value, str):
        print(key, value)
    else:
        print(key + ":", *(f"  {k:<17} {v}" for k, v in value.items()), sep="\n")
PY
)" "$(cat stdout)"

# The commit, in a repository of its own.
commit() { cmake -DSOURCE="$scratch/tree" -DHEADER="$scratch/commit.h" -P "$SOURCE/cmake/commit.cmake" >/dev/null && sed 's/.*"\(.*\)"/\1/' commit.h; }
in_tree() { git -C tree -c user.name=nobody -c user.email=nobody@example.org "$@" >/dev/null 2>&1; }
mkdir tree
echo one >tree/file
is 'no git' "$(commit)" unknown
in_tree init && in_tree add file && in_tree commit -m one
in_tree tag -a -m release v9
first=$(git -C tree rev-parse --short=12 HEAD)
is 'a commit' "$(commit)" "$first"
touch -d '1 hour ago' commit.h
before=$(stat -c %Y commit.h)
is 'again' "$(commit)" "$first"
is 'a header that need not change' "$(stat -c %Y commit.h)" "$before"
echo two >tree/file
is 'a change' "$(commit)" "$first-dirty"
in_tree commit -am two
is 'the next commit' "$(commit)" "$(git -C tree rev-parse --short=12 HEAD)"
mkdir tree/below
is 'a folder of another repository' "$(cmake -DSOURCE="$scratch/tree/below" -DHEADER="$scratch/commit.h" -P "$SOURCE/cmake/commit.cmake" && sed 's/.*"\(.*\)"/\1/' commit.h)" unknown
finish
