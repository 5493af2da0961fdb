#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Calls of the program's own code, failed one at a time.
exec bash "$SOURCE/tests/faults.sh" 200
