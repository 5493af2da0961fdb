#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `device:` with each state of the plug-in: absent, broken, of another build, without a driver; and with one whose kernels are played
# in C (tests/unit/model/played_plugin.c): a pipeline's numbers beside the CPU's, the same bits on 1 and 2 ranks, one key for both.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
mkdir bin
cp "$SULCUS" bin/sulcus
plugin=bin/libsulcus_cuda.so
cat >p.yaml <<END
output: $scratch/cpu
models: {vit: {path: $SOURCE/examples/vit-glyph100}}
datasets:
  glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, digits], limit: 3, collect: 0.5}
steps:
  seen: {stage: collect, model: vit, data: glyphs, sites: [mlp, attn]}
  scores: {stage: score, from: seen, measure: abs}
END
sulcus() { # ARGUMENTS...
  code=0
  "$scratch/bin/sulcus" "$@" >stdout 2>stderr || code=$?
}
refused() { # WHAT TEXT
  sulcus run p.yaml --quiet -s device=cuda
  is "$1: exit" $code 2
  says "$1" stderr "device=cuda: $2.*or set device: cpu"
  is "$1: lines" "$(wc -l <stderr)" 1
}

refused "no plug-in" 'no libsulcus_cuda.so beside the program or in .*libexec/sulcus; build with -DSULCUS_CUDA=ON'
sulcus doctor "$scratch"
says "no plug-in, doctor" stdout 'no device, computing on CPUs: no libsulcus_cuda.so'
echo nonsense >$plugin
refused "a broken plug-in" 'libsulcus_cuda.so does not load: .*LD_LIBRARY_PATH'
cp "$BUILD/tests/played/libsulcus_cuda.so" $plugin
SULCUS_PLAYED=other refused "another build's" '.*/libsulcus_cuda.so is of another build of sulcus; build and install both together'
SULCUS_PLAYED=none refused "no device" 'the played driver shows no device'
if [ -e "$BUILD/libsulcus_cuda.so" ] && [ ! -e /dev/nvidiactl ]; then
  cp "$BUILD/libsulcus_cuda.so" real.so
  mv $plugin played.so
  mv real.so $plugin
  refused "the plug-in, and no driver" 'no NVIDIA driver answers here'
  mv played.so $plugin
else
  echo 'the plug-in was not built, or there is a driver: what it says without one is not tried'
fi

# What a plan says of its memory: without one, with one, and of one that is too small for the model, or for any part of it.
SULCUS_PLAYED=none sulcus plan p.yaml -s device=auto
says "a plan without a device" stdout 'models/vit, on a device: [0-9.]* [kM]B of weights, batches of .*B to .*B; no device here: the played driver'
sulcus plan p.yaml -s device=cuda
says "a plan with a device" stdout 'models/vit, on a device: .*; naive device has .* free$'
SULCUS_PLAYED_MEMORY=3000000 sulcus plan p.yaml -s device=cuda
says "a plan for a small device" stdout 'naive device has 3 MB free: TOO LITTLE, layers_over: [2-9] would do, or a device with more$'
wanted=$(sed -n 's/.*layers_over: \([0-9]*\) would.*/\1/p' stdout)
SULCUS_PLAYED_MEMORY=3000000 sulcus plan p.yaml -s device=cuda -s layers_over="$wanted"
says "a plan in parts" stdout 'naive device has 3 MB free$'
SULCUS_PLAYED_MEMORY=9999 sulcus plan p.yaml -s device=cuda
says "a plan for a tiny device" stdout 'TOO LITTLE, however many share its layers: use a device with more'
SULCUS_PLAYED_MEMORY=3000000 sulcus run p.yaml --quiet -s device=cuda -s output="$scratch/small"
is "a run on a small device" $code 2
sulcus plan p.yaml -s device=cuda
if grep -q '^models, once a node' stdout; then fail "this machine holds what is on a device"; fi
sulcus plan p.yaml
says "a plan for CPUs" stdout '^models, once a node'
if grep -q 'on a device' stdout; then fail "a plan for CPUs tells of devices"; fi

# Ranks that a wrapper shows a device each have all of its memory, and a part of it where it is the same for both.
for shown in '${OMPI_COMM_WORLD_LOCAL_RANK:-${MPI_LOCALRANKID:-${PMI_RANK:-0}}}' 7; do
  SULCUS_PLAYED_MEMORY=9000000 ranks 2 sh -c "SULCUS_PLAYED_SHOWN=$shown exec bin/sulcus run p.yaml --quiet -s device=cuda -s oversubscribe=true \
    -s output=$scratch/shown"
  is "two ranks are shown $shown" $code $([ $shown = 7 ] && echo 2 || echo 0)
  rm -rf shown
done

# auto goes on without one, and says so.
SULCUS_PLAYED=none sulcus run p.yaml -s device=auto
is "auto without a device" $code 0
says "auto says so" stdout 'device: auto: computing on CPUs: the played driver shows no device'
if ncdump -h cpu/seen/all.nc | grep -q 'cpu = .*naive device'; then fail "a device in what CPUs made"; fi

# With a device: its numbers are near, its name is told, its bits do not depend on ranks.
# The plug-in is asked once a rank, and ranks take the two devices in turn, whatever their launcher's variables say.
for n in 1 2; do
  SULCUS_PLAYED_LOG=$scratch/log$n ranks $n env -u OMPI_COMM_WORLD_LOCAL_RANK -u OMPI_COMM_WORLD_LOCAL_SIZE -u MPI_LOCALRANKID \
    -u MPI_LOCALNRANKS bin/sulcus run p.yaml --quiet -s device=cuda -s output="$scratch/device$n" -s oversubscribe=true
  is "on a device, $n ranks" $code 0
  is "how often the plug-in is asked, $n ranks" "$(grep -c asked log$n)" $n
  is "devices of $n ranks" "$(grep opened log$n | sort -u | wc -l)" $n
done
ncdump -h device1/seen/all.nc >stdout
says "the attribute cpu" stdout 'cpu = ".*, naive device'
variables() { ncdump "$1" | sed '/^\/\/ global/,/^data:/d'; }
for one in seen scores; do
  is "$one on 1 and 2 ranks" "$(variables device1/$one/all.nc | md5sum)" "$(variables device2/$one/all.nc | md5sum)"
  [ "$(variables device1/$one/all.nc)" != "$(variables cpu/$one/all.nc)" ] || fail "$one has the CPU's bits: did the device make it?"
done
for site in mlp attn; do
  "$BUILD/tests/agree" device1/scores/all.nc cpu/scores/all.nc ${site}_score 0.99999 0.99 >stdout || fail "scores of $site are not the CPU's"
done

# Weights pass by this machine in pieces: a rank held, beside the device that is played in its memory, what was planned (within 15%), and
# less than the weights are as float32.
mkdir model
cp "$SOURCE/examples/vit-glyph100/preprocessor_config.json" model
sed 's/"hidden_size": [0-9]*/"hidden_size": 512/; s/"intermediate_size": [0-9]*/"intermediate_size": 2304/; s/"num_attention_heads": [0-9]*/"num_attention_heads": 8/; s/"num_hidden_layers": [0-9]*/"num_hidden_layers": 4/' \
  "$SOURCE/examples/vit-glyph100/config.json" >model/config.json
large=(-s models.vit.path=model -s models.vit.weights=random -s datasets.glyphs.limit=2 -s 'datasets.glyphs.keep=[latin]' -s threads=1
  -s device=cuda -s compute=bf16 -s output="$scratch/large")
sulcus plan p.yaml "${large[@]}"
planned=$(sed -n 's/^run *seen .* units *\([0-9.]*\) MB .*/\1/p' stdout)
SULCUS_PLAYED_LOG=$scratch/held sulcus run p.yaml --only seen --quiet "${large[@]}"
is "a large model" $code 0
awk -v planned="$planned" -v weights=54.6 -v took="$(grep -oE '"memory":[0-9.]+' large/journal.jsonl | tail -1 | cut -d: -f2)" \
  -v held="$(tail -1 held | cut -d' ' -f2)" 'BEGIN {
    measured = (took - held) / 1e6
    printf "%.1f MB expected beside a device, %.1f MB measured\n", planned, measured
    exit !(planned > 0 && measured > planned / 1.15 && measured < planned * 1.15 && measured < weights)}' || fail "memory of a large model"

# Time is foretold by what has run on the same device, or on CPUs.
time_of() { # OUTPUT DEVICE: of the step `seen`, with another limit
  sulcus plan p.yaml -s datasets.glyphs.limit=4 -s output="$1" -s device="$2"
  sed -nE 's/^run *seen +[0-9]+ units +[0-9.]+ .B +[0-9.]+ .B +([-0-9.]+).*/\1/p' stdout
}
is "time on a device, by a run on one" "$(time_of "$scratch/device1" cuda | grep -c '^[0-9]')" 1
is "time on CPUs, by a run on a device" "$(time_of "$scratch/device1" cpu)" -
is "time on a device, by a run on CPUs" "$(time_of "$scratch/cpu" cuda)" -
is "time on CPUs, by a run on CPUs" "$(time_of "$scratch/cpu" cpu | grep -c "^[0-9]")" 1
is "time without a device here, by a run on one" "$(SULCUS_PLAYED=none time_of "$scratch/device1" cuda | grep -c '^[0-9]')" 1
says "the journal" device1/journal.jsonl '"event":"done".*"device":"naive device"'
if grep -q '"device"' cpu/journal.jsonl; then fail "a device in the journal of CPUs"; fi

# A run that was begun on a device goes on without one: nothing is made again.
sulcus run p.yaml -s output="$scratch/device1"
is "again, on CPUs" $code 0
says "one key" stdout '2 \(tasks \)\?.*\(skip\|finished\)'
sulcus run p.yaml --quiet -s compute=tf32
is "tf32 on CPUs" $code 2
says "tf32 on CPUs" stderr 'compute: tf32 needs a device; use f32 or bf16'

# The benchmark of a device is left out where there is none, before it fetches or builds anything for others.
code=0
PLUGIN=$scratch/none.so bash "$SOURCE/tests/bench.sh" gpu >stdout 2>stderr || code=$?
is "a benchmark without a plug-in" $code 77
says "a benchmark without a plug-in" stdout 'no .*/none.so: build with -DSULCUS_CUDA=ON'
finish
