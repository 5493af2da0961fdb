#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Killed thirty times, on one to four ranks: the same bits, and at most one interval is lost at a kill.
exec bash "$SOURCE/tests/kill.sh" 30
