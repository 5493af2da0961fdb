#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A simulated cluster: the engine's own scheduler with toy units that only sleep, on up to 64 ranks of this machine, split into up to 16
# "nodes" (SULCUS_NODES). Prints a table, a line a wave: how long the ranks were idle, and how many letters the nodes exchanged; then how
# both grow.
#   tests/sim.sh [MOST-RANKS]     default 64, some minutes; a wave has 40 units a rank, which cost 1 to 50 times COST (0.002) seconds
# On paper: a wave of R ranks and U units of mean cost c takes U c / R, and at its end a rank that finds nothing left waits for the last
# unit that another one has begun: at most the longest unit, on average less than half of it, whatever R is. Letters: a node that runs
# empty asks one that it believes to have most, and each letter tells all that its sender knows, so that what N nodes have left is known
# everywhere after each has exchanged a few letters (log N, as rumours spread), and nobody asks those that have nothing. So idle time
# should not grow with the ranks, and letters should grow as N log N.
# Fails on other bits than one rank's; what is idle too long is for the reader to see (tests/engine/test_steal.sh sets bounds).
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
most=${1:-64} cost=${COST:-0.002}
TOY=${TOY:-$here/build/tests/toy}
. "$here/jobs/mpi_env.sh"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
failed=0

digests() { sed -n 's/.*"event":"done".*"digest":"\([0-9a-f]*\)".*"file_digest".*/\1/p' "$1/journal.jsonl"; }
field() { sed -n "s/.*\"$1\":\([-0-9.e]*\).*/\1/p" <<<"$line"; }
# wave KIND RANKS NODES: one run; its line of the table. KIND: costs foretold, or not.
wave() {
  local key=uneven
  [ "$1" = foretold ] || key=lopsided
  printf 'pipeline: t\noutput: out\nsteps:\n  one: {stage: sum, units: %d, width: 8, %s: %s}\n' $((40 * $2)) $key "$cost" >p.yaml
  sed "s/$key: $cost/$key: 0/; s/output: out/output: alone/" p.yaml >alone.yaml
  rm -rf out alone
  "$TOY" run alone.yaml --quiet >/dev/null || exit 1
  $mpirun_anyhow -n "$2" env SULCUS_STATS=1 SULCUS_NODES="$3" "$TOY" run p.yaml --quiet >/dev/null </dev/null || exit 1
  [ "$(digests out)" = "$(digests alone)" ] || { echo "other bits: $*"; failed=1; }
  line=$(grep '"event":"wave"' out/journal.jsonl)
  awk -v kind="$1" -v ranks="$2" -v nodes="$3" -v seconds="$(field seconds)" -v mean="$(field idle_mean)" -v most="$(field idle_most)" \
    -v unit="$(field longest)" -v letters="$(field letters)" -v fetched="$(field fetched)" 'BEGIN {
      printf "%-10s %5d %5d %8.2f %9.1f%% %9.2f %10.2f %8d %8d\n", kind, ranks, nodes, seconds, 100 * mean / seconds, mean / unit, most / unit, letters, fetched }' | tee -a table
}

printf '%-10s %5s %5s %8s %10s %9s %10s %8s %8s\n' costs ranks nodes seconds idle 'in units' 'the most' letters moved
for kind in foretold unforeseen; do
  for ranks in 1 2 4 8 16 32 64; do
    [ "$ranks" -le "$most" ] || continue
    for nodes in 1 2 4 8 16; do
      [ "$nodes" -le "$ranks" ] && [ $((ranks / nodes)) -le 16 ] && wave $kind "$ranks" "$nodes"
    done
  done
done
# Exponents of a least-squares line through the logarithms.
awk '
  function add(k, x, y) { if (x > 0 && y > 0) { n[k]++; sx[k] += log(x); sy[k] += log(y); sxx[k] += log(x) ^ 2; sxy[k] += log(x) * log(y) } }
  { add("idle units of a rank, in ranks, " $1, $2, $6) }
  $3 > 1 { add("letters, in nodes, " $1, $3, $8) }
  END { for (k in n) if (n[k] * sxx[k] - sx[k] ^ 2 > 1e-9)
          printf "%s: exponent %.2f\n", k, (n[k] * sxy[k] - sx[k] * sy[k]) / (n[k] * sxx[k] - sx[k] ^ 2) }' table | sort
exit $failed
