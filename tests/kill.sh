#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Kills a pipeline N times (SIGKILL to a random rank or to mpirun, or to MPICH's proxy between them, at a random moment), each time goes on
# with the same command on a random number of ranks from 1 to 4, and compares the artefacts with those of a run that was never disturbed.
#   tests/kill.sh [N] [PIPELINE]      default 30, tests/small.yaml; SEED=n repeats a sequence of choices
#   SULCUS: the program; KILL_AFTER=s: the latest moment of a kill, default two thirds of what the undisturbed run took
# Fails on other bits; on anything left behind; when a run goes on from less than the last checkpoint said to the journal; and when
# more time is lost than one interval a kill. (The interval is 1 s, or what the last checkpoint said: they stretch to cost under 2%.)
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
kills=${1:-30} pipeline=${2:-$here/tests/small.yaml}
SULCUS=${SULCUS:-$here/build/sulcus}
. "$here/jobs/mpi_env.sh"
! ldd "$SULCUS" | grep -q libmpich || mpirun_anyhow='env OMPI_MCA_rmaps_base_oversubscribe=1 mpiexec.mpich -bind-to none'
RANDOM=${SEED:=$RANDOM}
echo "seed $SEED"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
out=$scratch/out journal=$scratch/out/journal.jsonl lost=$scratch/lost

digests() {
  sed -n 's/.*"event":"done".*"task":"\([^"]*\)".*"digest":"\([0-9a-f]*\)".*"file_digest".*/\1 \2/p' "$1/journal.jsonl" |
    awk '{last[$1] = $2} END {for (label in last) print label, last[label]}' | sort
}
say() { # and end
  echo "FAILED: $*"
  tail -3 "$scratch/stderr"
  exit 1
}
run() { # RANKS OUTPUT: in this process's place
  exec $mpirun_anyhow -n "$1" "$SULCUS" run "$pipeline" --quiet -s output="$2" -s checkpoint=1s -s threads=1
}

begun=$(date +%s%N)
(run 2 "$scratch/reference") >"$scratch/stdout" 2>"$scratch/stderr" || say "the undisturbed run"
took=$((($(date +%s%N) - begun) / 1000000))
digests "$scratch/reference" >"$scratch/reference.txt"
latest=$(awk "BEGIN {print int(1000 * ${KILL_AFTER:-0})}")
[ "$latest" -gt 0 ] || latest=$((took * 2 / 3))
echo "undisturbed: $took ms, $(wc -l <"$scratch/reference.txt") tasks"

# whole: the folder holds the finished pipeline, the same artefacts, and nothing else.
whole() {
  digests "$out" | cmp -s - "$scratch/reference.txt" || say "other bits: $(digests "$out" | diff - "$scratch/reference.txt")"
  local left
  left=$(find "$out" -name '*.tmp' -o -name 'lease*' -o -name checkpoints)
  [ -z "$left" ] || say "left behind: $left"
  "$SULCUS" fsck "$out" >"$scratch/stdout" 2>"$scratch/stderr" || say "fsck"
}
# How long before the moment $2 the run that began at $1 last told the journal that something was kept, and how long that may be at
# most. A run that had not yet begun its work lost nothing.
count_lost() {
  awk -v begun="$1" -v killed="$2" '
    function number(name) { return match($0, "\"" name "\":[0-9.e+-]+") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) + 0 : 0 }
    { at = number("time"); if (at > killed) next }
    /"event":"run"/ { kept = at >= begun ? at : 0; interval = 1 }
    /"event":"(saved|done|start|resumed)"/ && kept { kept = at }
    /"event":"saved"/ { interval = number("next"); if (interval < 1) interval = 1 }
    END { if (kept) print killed - kept, interval; else print 0, 1 }' "$journal"
}

# The processes below mpirun: its ranks, and MPICH's proxy, which starts them.
below() {
  local process
  for process in $(ps -o pid= --ppid "$1"); do
    echo "$process"
    [ "$(ps -o comm= -p "$process")" != hydra_pmi_proxy ] || below "$process"
  done
}

# mpirun notices that a rank has died, except (Open MPI 4.1.4: "PMIX ERROR: UNREACHABLE") in the middle of its own start.
wait_for_launcher() {
  for _ in $(seq 100); do
    kill -0 $launcher 2>/dev/null || break
    [ "$(ps -o stat= -p $launcher)" = Z ] && break
    sleep 0.2
  done
  if [ "$victim" != $launcher ] && kill -KILL $launcher 2>/dev/null; then
    hung=$((hung + 1))
  fi
  wait $launcher 2>/dev/null
}

done=0 finished=0 hung=0
while [ $done -lt "$kills" ]; do
  n=$((1 + RANDOM % 4)) after=$((200 + (RANDOM * 32768 + RANDOM) % latest))
  (run $n "$out") >"$scratch/stdout" 2>"$scratch/stderr" &
  launcher=$! started=$(date +%s.%N)
  sleep $((after / 1000)).$(printf %03d $((after % 1000)))
  ranks=($(below $launcher))
  victim=$launcher
  [ $((RANDOM % 2)) = 0 ] && [ ${#ranks[@]} -gt 0 ] && victim=${ranks[RANDOM % ${#ranks[@]}]}
  moment=$(date +%s.%N)
  if kill -KILL "$victim" 2>/dev/null; then
    wait_for_launcher
    done=$((done + 1))
    [ ! -e "$journal" ] || count_lost "$started" "$moment" >>"$lost"
  else # it was over before
    wait $launcher || say "a run ended with $?"
    whole
    rm -rf "$out"
    finished=$((finished + 1))
  fi
done
(run $((1 + RANDOM % 4)) "$out") >"$scratch/stdout" 2>"$scratch/stderr" || say "the last run ended with $?"
whole
# Each run went on from at least what the last one had said to have kept.
awk '
  function field(name) { return match($0, "\"" name "\":(\"[^\"]*\"|[0-9]+)") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) : "" }
  /"event":"saved"/ { kept[field("task")] = 1e9 * field("round") + field("done") }
  /"event":"resumed"/ { n++; if (1e9 * field("round") + field("done") < kept[field("task")]) { print "FAILED: less than was kept:", $0; bad = 1 } }
  END { print n + 0, "times a task went on inside"; exit bad }' "$journal" || exit 1
echo "$done kills, $((finished + 1)) times finished, the same bits; mpirun itself hung $hung times"
awk '{ sum += $1; may += $2; if ($1 > most) most = $1; if ($1 > $2 + 3) late++ }
  END { printf "lost at a kill: %.2f s on average, %.2f s at most; one interval was %.2f s on average\n", sum / NR, most, may / NR
        if (sum > may || late) { print "FAILED: more than one interval a kill"; exit 1 } }' "$lost"
