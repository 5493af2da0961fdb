#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Three hosts on one machine, each with its own network, processes, /tmp, /dev/shm and sshd, and a switch between them that can be slow or
# cut: the same bits on them, what they lose when a link or a host goes, what they say of each other, and how long small tasks take over
# 40 ms. Needs root and name spaces; traffic stays in them.
#   tests/hosts.sh            with the programs of build/
#   BUILD=FOLDER tests/hosts.sh
SOURCE=${SOURCE-$(cd "$(dirname "$0")/.." && pwd)}
BUILD=${BUILD-$SOURCE/build}
export SOURCE BUILD TOY=$BUILD/tests/toy SULCUS=$BUILD/sulcus
if [ -z "${HUB-}" ]; then # all that is started here ends with this shell
  HUB=1 unshare --net --mount --pid --fork --kill-child --mount-proc true 2>/dev/null || {
    echo "SKIPPED: the kernel does not let this user make network, mount and process name spaces"
    exit 77
  }
  HUB=1 exec unshare --net --mount --pid --fork --kill-child --mount-proc bash "$0" "$@"
fi
. "${SOURCE:?is set by ctest}/tests/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
ip link set lo up
cd "$scratch" || exit 1
: >stdout
: >stderr
begun=$SECONDS

# --- The hosts

mkfifo orders
"$BUILD/tests/wire" t1 t2 t3 <orders >wire.out 2>&1 &
wire=$!
exec 9>orders
for _ in $(seq 50); do grep -q ready wire.out && break; kill -0 $wire 2>/dev/null || break; sleep 0.1; done
grep -q ready wire.out || {
  echo "SKIPPED: $(cat wire.out)"
  exit 77
}
network() { echo "$*" >&9; } # delay MILLISECONDS, cut HOST, join HOST
printf '127.0.0.1 localhost\n10.99.0.1 h1\n10.99.0.2 h2\n10.99.0.3 h3\n' >hosts
cat >host.sh <<'END' # N: becomes host N's first process
hostname "h$1"
for folder in /dev/shm /run $OWN_TMP; do mount -t tmpfs none "$folder"; done
mount --bind hosts /etc/hosts
ip link set lo up
until ip link show "t$1" >/dev/null 2>&1; do sleep 0.05; done
ip link set "t$1" address "02:00:00:00:00:0$1" name eth0
ip address add "10.99.0.$1/24" dev eth0
ip link set eth0 up
mkdir /run/sshd
: >"up$1"
if [ -e key ]; then exec "$(command -v sshd)" -D -e -f sshd.conf 2>"sshd$1.log"; else exec sleep infinity; fi
END
if command -v sshd >/dev/null && command -v ssh-keygen >/dev/null; then
  ssh-keygen -q -t ed25519 -N '' -f key
  cp key.pub authorized
  printf '%s\n' "HostKey $scratch/key" "AuthorizedKeysFile $scratch/authorized" 'StrictModes no' 'UsePAM no' 'PermitRootLogin yes' \
    'PidFile none' 'MaxStartups 100' >sshd.conf
  printf '#!/bin/sh\nexec ssh -q -i %s/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "$@"\n' "$scratch" >agent
else # enters the host as a login would
  printf '#!/bin/sh\nhost=$1\nshift\nexec nsenter -t "$(cat %s/$host.pid)" -a -- env -i PATH=/usr/bin:/bin sh -c "cd; $*"\n' "$scratch" >agent
fi
chmod +x agent
export OWN_TMP=/tmp
case $SOURCE$BUILD$scratch in */tmp/*) OWN_TMP= ;; esac

start_host() { # N
  rm -f "up$1"
  unshare --uts --ipc --mount --net --pid --fork --kill-child --mount-proc bash host.sh "$1" &
  local pid
  until pid=$(ps -o pid= --ppid $!) && [ "$pid" ]; do sleep 0.02; done
  echo $pid >"h$1.pid"
  ip link set "t$1" netns $((pid))
  for _ in $(seq 100); do [ -e "up$1" ] && return; sleep 0.05; done
  fail "host $1 does not come up"
}
on() { # N COMMAND...
  local host=$1
  shift
  nsenter -t $(($(cat "h$host.pid"))) -a -- bash -c 'cd "$0" && exec "$@"' "$scratch" "$@"
}
export OMPI_MCA_plm_rsh_agent=$scratch/agent OMPI_MCA_btl=self,vader,tcp OMPI_MCA_btl_tcp_if_include=eth0 OMPI_MCA_oob_tcp_if_include=eth0 SULCUS_LEASE_WAIT=3
cluster() { # HOSTS COMMAND...: a rank on each host, "h1,h2"; as `ranks`
  local hosts=$1
  shift
  code=0
  on 1 timeout 100 mpirun --oversubscribe --bind-to none -q -H "$hosts" -x SULCUS_LEASE_WAIT "$@" >stdout 2>stderr.all </dev/null || code=$?
  grep -v '^$' stderr.all >stderr
  return $code
}
begin() { # HOSTS COMMAND...: the same in the background, until its task is under way
  rm -f stdout
  cluster "$@" &
  cluster=$!
  for _ in $(seq 200); do grep -qs 'long started' stdout && return; sleep 0.05; done
  fail "the run did not begin"
}
until_over() {
  code=0
  wait $cluster || code=$?
}
kill_host() { on "$1" bash -c 'kill -9 -1' 2>/dev/null; } # all of its processes but the first
for n in 1 2 3; do start_host $n; done
echo "three hosts after $((SECONDS - begun)) s"

cluster h1,h2,h3 hostname
is "hosts" "$(sort stdout | tr '\n' ' ')" "h1 h2 h3 "

# --- The same bits

cat >p.yaml <<'END'
pipeline: toy
output: out
numbers: {a: {path: numbers}}
steps:
  quick: {stage: sum, numbers: a, units: 20, rounds: 3}
  search: {stage: bisect, target: 2000}
  long: {stage: sum, from: quick, units: 400, rounds: 2}
END
seq 1 9 >numbers
env OMPI_MCA_btl=self "$TOY" run p.yaml --quiet -s output=alone || fail "one rank alone"
digests alone >alone.txt
toy() { # HOSTS SETTINGS...
  local hosts=$1
  shift
  cluster "$hosts" "$TOY" run p.yaml -s threads=1 "$@"
}
same() { # WHAT
  echo "$1: $((SECONDS - begun)) s"
  is "exit code of $1" $code 0
  digests out | cmp -s - alone.txt || fail "other bits: $1"
  rm -rf out
}
slow=(-s steps.long.seconds=0.02 -s checkpoint=1s)
toy h1,h2,h3
same "three hosts"

# --- A link that is cut

begin h1,h2,h3 "$TOY" run p.yaml -s threads=1 "${slow[@]}"
network cut 3
sleep 10
network join 3
until_over
same "a link cut for ten seconds"

begin h1,h2,h3 "$TOY" run p.yaml -s threads=1 "${slow[@]}" -s watchdog=1s
sleep 1.5
network cut 3
for _ in $(seq 100); do grep -qs 'h3 does not answer' stderr.all && break; sleep 0.2; done
for n in 1 2 3; do kill_host $n; done # the job is over: nothing else ends it
until_over
says "who does not answer" stderr '^sulcus: nothing moves: h3 does not answer (rank 2), for [0-9]'
"$TOY" status p.yaml --json >status.json
says "a link cut for good" status.json '"resumable": *true'
network join 3
toy h1,h2
says "two hosts go on" stdout 'long goes on'
same "a link cut for good, and two hosts that go on"

# --- A host that dies

begin h1,h2,h3 "$TOY" run p.yaml -s threads=1 "${slow[@]}"
sleep 1.5
kill_host 2
until_over
[ $code != 0 ] || fail "a run whose host died ends with 0"
"$TOY" status p.yaml --json >status.json
says "a host that died" status.json '"resumable": *true'
toy h1,h3
same "a host that died"

# --- What only one host sees

for n in 1 2 3; do on $n bash -c 'mkdir /run/own; seq 1 9 >/run/own/numbers'; done
missing() { toy h1,h2,h3 -s numbers.a.path=/run/own/numbers "$@"; }
on 3 rm /run/own/numbers
missing
is "exit code of a model that is missing on one host" $code 3
says "a model that is missing on one host" stderr '^sulcus: error: on h3: /run/own/numbers: cannot .*No such file'
rm -rf out
toy h1,h2,h3 -s output=/run/out
is "exit code of a folder that only one host has" $code 4
says "a folder that only one host has" stderr '^sulcus: error: on h2: /run/out: .*not to be seen from here'
on 1 rm -rf /run/out

# --- Clocks an hour apart

printf '[ "$HOSTNAME" = h1 ] || export LD_PRELOAD=%s AHEAD=3600\nexec "$@"\n' "$BUILD/tests/libclock.so" >ahead.sh
cluster h1,h2,h3 -x SLURM_JOB_END_TIME=$(($(date +%s) + 600)) bash ahead.sh "$TOY" run p.yaml -s threads=1
same "hosts whose clocks are an hour ahead"

# --- Small tasks over a slow link

small() { cluster "$1" "$SULCUS" run "$SOURCE/tests/small.yaml" --quiet -s output="$scratch/out" -s threads=1 "${@:2}"; }
small h1
is "exit code of small tasks on one host" $code 0
digests out >alone.txt
rm -rf out
network delay 40
since=$SECONDS
small h1,h2,h3
echo "small tasks over 40 ms: $((SECONDS - since)) s"
[ $((SECONDS - since)) -le 60 ] || fail "small tasks over 40 ms take $((SECONDS - since)) s"
same "small tasks over 40 ms"
echo "all in $((SECONDS - begun)) s"
finish
