#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a clone to the paper's figures: installs what is missing, builds, runs yaml/quickstart.yaml on two ranks, writes the report.
#   jobs/quickstart.sh
# Ends with the path of runs/quickstart/report/index.html. Run it again and it does only what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs/setup.sh
. jobs/mpi_env.sh
cmake -S . -B build -G Ninja -DBUILD_TESTING=OFF >/dev/null
cmake --build build
$mpirun_anyhow -n 2 build/sulcus run yaml/quickstart.yaml
build/sulcus report yaml/quickstart.yaml
