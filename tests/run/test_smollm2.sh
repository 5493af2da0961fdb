#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SmolLM2-135M, a real model from a real GGUF file, against PyTorch on the same weights: logits, and next-token accuracy on the example text
# within 0.1 points. Skipped, with a notice, only where the package that has the file cannot be downloaded.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
code=0
file=$("$SOURCE/jobs/get_smollm2.sh" "$BUILD/models" 2>"$scratch/stderr") || code=$?
if [ "$code" = 77 ]; then
  echo "SKIPPED: SmolLM2-135M cannot be downloaded here:"
  cat "$scratch/stderr"
  exit 77
fi
is 'jobs/get_smollm2.sh' "$code" 0

"$BUILD/tests/smollm2" "$file" >"$scratch/stdout" 2>"$scratch/stderr" || fail 'SmolLM2 differs from PyTorch'
grep 'Top-1' "$scratch/stdout" || true

# The twin: one damaged byte of every kilobyte of a layer's weights must show.
"$BUILD/tests/smollm2" "$file" 2 >"$scratch/stdout" 2>"$scratch/stderr" || fail 'two samples of SmolLM2 differ from PyTorch'
cp "$file" "$scratch/damaged.gguf"
python3 - "$scratch/damaged.gguf" <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as f:
    for at in range(60_000_000, 60_400_000, 1_000):
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 0x40]))
PYTHON
"$BUILD/tests/smollm2" "$scratch/damaged.gguf" 2 >"$scratch/stdout" 2>"$scratch/stderr" && fail 'a damaged SmolLM2 passed'
finish
