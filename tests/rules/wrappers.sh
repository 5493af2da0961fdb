#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A library that has a wrapper is seen only by it: the header is reached from nowhere else, through other headers neither.
. "$(dirname "$0")/rule.bash"

# HEADER, and the files that may see it
wrappers='
mpi.h          pipeline/(comm/.*|main\.c)
sys/mman.h     (pipeline/(base/(file|map_guard)|store/artefact_create|comm/node_share|machine/(shared_file|child))|model/(kernels/blas_check|weights/addresses))\.c
netcdf[a-z_]*  pipeline/store/artefact(_[a-z]+)?\.c
yaml.h         pipeline/config/yaml_tree\.c
jpeglib.h      data/image/decode_jpeg\.c
png.h          data/image/decode_png\.c
webp/decode.h  data/image/decode_webp\.c
zstd.h         data/bytes/(byte_stream|packed_block)\.c
snappy-c.h     data/bytes/packed_block\.c
lz4.h          data/bytes/packed_block\.c
pcre2.h        data/words/pattern\.c
dnnl.h         model/kernels/products_onednn\.c
metis.h        stages/cluster/cofiring_graph\.c
igraph[a-z_/]* stages/cluster/leiden\.c
'

check() {
  local header place
  sources >"$scratch/sources"
  xargs grep -HoE '^ *# *include ["<][^">]+' <"$scratch/sources" | sed -E 's/: *# *include ["<]/ /' >"$scratch/includes"
  while read -r header place; do
    [ -n "$header" ] && say "$header is seen outside its wrapper:" "$(awk -v header="^${header%.h}\\\\.h$" '
      {from[NR] = $1; to[NR] = $2}
      $2 ~ header {sees[$1]}
      END {
        do {
          more = 0
          for (i = 1; i <= NR; i++)
            if (!(from[i] in sees) && (to[i] in sees || ("include/" to[i]) in sees)) {
              sees[from[i]]
              more = 1
            }
        } while (more)
        for (file in sees) print file
      }' "$scratch/includes" | grep -vE "^$place\$" | sort)"
  done <<<"$wrappers"
}

twin() {
  accepted
  echo '#include <netcdf_par.h>' >>pipeline/run/run.c
  refused 'netcdf' '^  pipeline/run/run.c'
  put pipeline/comm/comm.h <<<'#include <mpi.h>'
  sed -i '1i #include "pipeline/comm/comm.h"' pipeline/run/run.h
  refused '^mpi.h' '^  pipeline/run/run.c' '^  pipeline/run/run.h'
}

run_rule "$@"
