# SPDX-License-Identifier: Apache-2.0
# What a path says of its place in the house.
function module_of(path) { sub(/^include\//, "", path); sub(/\.[ch]$/, "", path); return path }
function room_of(path) { sub(/^include\//, "", path); sub(/\/[^\/]*$/, "", path); return path }
function layer_of(path) { sub(/^include\//, "", path); sub(/\/.*/, "", path); return path }
