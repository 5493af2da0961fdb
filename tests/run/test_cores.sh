#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Threads: none that nobody asked for; kept on the cores of a rank; no more than Slurm gave a rank where nothing is bound; a core with two CPUs counts once; more CPUs
# than cpu_set_t has room for.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
machine=$BUILD/tests/libmachine.so
cat >p.yaml <<'END'
pipeline: cores
output: out
steps:
  sums: {stage: sum, units: 2}
END
: >stdout
: >stderr

# OpenBLAS has threads of its own where there are two CPUs; --help and `describe` want none of them.
for arguments in --help "describe collect"; do
  : >started
  # shellcheck disable=SC2086
  THREADS=$scratch/started LD_PRELOAD=$machine "$SULCUS" $arguments >stdout 2>stderr || fail "$arguments"
  is "threads of $arguments" "$(wc -l <started)" 0
done
"$SULCUS" doctor "$scratch/folder" >stdout 2>stderr # afterwards, all CPUs are there again
says "cores of the doctor" stdout "^threads  *ok  *[0-9]* threads in total.*this machine has \([0-9]*\) cores"

threads() { # RANKS SETTINGS...: a run's threads a rank, in $threads
  local n=$1
  shift
  rm -rf out
  ranks "$n" env LD_PRELOAD="$machine" "$@" "$TOY" run p.yaml --quiet
  is "exit code on $n ranks with $*" $code 0
  threads=$(sed -n 's/.*"event":"run".*"threads":\([0-9]*\),.*/\1/p' out/journal.jsonl)
}
threads 1 CPUS=2000
is "threads on two CPUs of 2,000" "$threads" 2
threads 2 CPUS=2000
is "threads of two ranks on two CPUs of 2,000" "$threads" 1
threads 1 CPUS=300000
is "threads on two CPUs of 300,000" "$threads" 2
threads 1 CPUS=2000 SLURM_CPUS_PER_TASK=1
is "threads where Slurm gave a rank one CPU" "$threads" 1
threads 1 CPUS=2000 SLURM_CPUS_ON_NODE=1
is "threads where Slurm gave the job one CPU" "$threads" 1
threads 1 CPUS=2000 SLURM_CPUS_PER_TASK=64
is "threads where Slurm gave more than is bound" "$threads" 2

# Threads are kept on the cores that a rank was given alone; thread 0, of which others are born, is not.
pins() { # EXPECTED RANKS SETTINGS...
  local expected=$1
  shift
  : >pins
  threads "$@" PINS="$scratch/pins"
  is "pins of $*" "$(paste -sd' ' pins)" "$expected"
}
pins 1999 1 CPUS=2000
pins '' 2 CPUS=2000
pins '' 1 CPUS=2000 SLURM_CPUS_PER_TASK=1
pins '' 1 A=B
mkdir -p nodes/sys/devices/system/node/node{0,3}
echo 0-99,1998 >nodes/sys/devices/system/node/node0/cpulist
echo 1999-2000 >nodes/sys/devices/system/node/node3/cpulist
CPUS=2000 SULCUS_ROOT=$scratch/nodes LD_PRELOAD=$machine "$SULCUS" doctor "$scratch/folder" >stdout 2>stderr
says "two domains of the doctor" stdout "^threads .*in 2 NUMA domains: one rank a domain is faster"
echo 2000 >nodes/sys/devices/system/node/node3/cpulist
CPUS=2000 SULCUS_ROOT=$scratch/nodes LD_PRELOAD=$machine "$SULCUS" doctor "$scratch/folder" >stdout 2>stderr
grep -q NUMA stdout && fail "the doctor sees a domain that no rank is in"

# What a node's ranks share lies in turns in the domains of all of them; a rank in one domain touches its own, and a system that refuses is
# none the slower. Small blocks stay where they are.
spread() { # EXPECTED RANKS SETTINGS...: what mbind was asked
  local expected=$1
  shift
  : >spread
  threads "$@" MBIND="$scratch/spread"
  is "mbind of $*" "$(sort spread | uniq -c | awk '{$1 = $1} 1' | paste -sd,)" "$expected"
}
sed -i 's/units: 2/units: 2, width: 100000/' p.yaml
spread '' 1 CPUS=2000 SULCUS_ROOT="$scratch/nodes"
echo 1999-2000 >nodes/sys/devices/system/node/node3/cpulist
spread '1 3 9 well' 1 CPUS=2000 SULCUS_ROOT="$scratch/nodes"
spread '1 3 9 well' 2 CPUS=2000 SULCUS_ROOT="$scratch/nodes"
digests out >spread.txt
spread '1 3 9 well' 2 CPUS=2000 SULCUS_ROOT="$scratch/nodes" NO_MBIND=1
digests out | cmp -s - spread.txt || fail "other bits where memory is not spread"
spread '' 2 A=B
sed -i 's/, width: 100000//' p.yaml
spread '' 1 CPUS=2000 SULCUS_ROOT="$scratch/nodes"

# CPUs 1998 and 1999 are one core; two threads may be asked for all the same.
mkdir -p root/sys/devices/system/cpu/cpu199{8,9}/topology
for cpu in 1998 1999; do echo 1998-1999 >root/sys/devices/system/cpu/cpu$cpu/topology/thread_siblings_list; done
threads 1 CPUS=2000 SULCUS_ROOT="$scratch/root"
is "threads on a core with two CPUs" "$threads" 1
for given in 2 3; do
  rm -rf out
  code=0
  CPUS=2000 SULCUS_ROOT=$scratch/root LD_PRELOAD=$machine "$TOY" run p.yaml --quiet -s threads=$given >stdout 2>stderr || code=$?
  is "$given threads on the two CPUs of a core" $code $((given == 2 ? 0 : 2))
done
# Four CPUs of two cores: two threads, the second on the other core.
mkdir -p two/sys/devices/system/cpu/cpu{1996..1999}/topology
for cpu in 1996 1998; do echo 1996,1998 >two/sys/devices/system/cpu/cpu$cpu/topology/thread_siblings_list; done
for cpu in 1997 1999; do echo 1997,1999 >two/sys/devices/system/cpu/cpu$cpu/topology/thread_siblings_list; done
pins 1997 1 CPUS=2000 OWN=4 SULCUS_ROOT="$scratch/two"
is "threads on two cores of four CPUs" "$threads" 2
pins '299998 299999' 1 CPUS=300000 OWN=3 A=B
finish
