# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts here and in tests/: lets Open MPI's mpirun start as root (it refuses otherwise) and inside containers, where
# reading another process's memory is often forbidden. On a cluster nothing of this applies.
if [ "$(id -u)" = 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
if [ "$(id -u)" = 0 ] || [ -e /.dockerenv ] || [ -e /run/.containerenv ]; then
  export OMPI_MCA_btl_vader_single_copy_mechanism=none
  export OMPI_MCA_plm_rsh_agent=${OMPI_MCA_plm_rsh_agent-sh} # a bare machine has no ssh, and one node needs none
fi
without=ofi,openib # network cards: looking for them where there are none takes a second a start
if [ ! -d /sys/devices/system/cpu ]; then # a bare root without /sys: every rank would say so on stderr
  without=$without,tcp
  export HWLOC_HIDE_ERRORS=2 UCX_LOG_LEVEL=${UCX_LOG_LEVEL-fatal}
fi
[ -d /sys/class/infiniband ] || export OMPI_MCA_btl=${OMPI_MCA_btl-^$without} OMPI_MCA_mtl=${OMPI_MCA_mtl-^ofi,psm,psm2}

# For the quickstart and tests: how mpirun is told that ranks may be more than cores, are bound to none, and that it should be quiet.
case $(mpirun --version 2>/dev/null) in
*HYDRA*) mpirun_anyhow='mpirun -bind-to none' ;; # MPICH
*'Open MPI) '[1-4].*) mpirun_anyhow='mpirun --oversubscribe --bind-to none -q' ;;
*) mpirun_anyhow='mpirun --oversubscribe --bind-to none' ;; # Open MPI 5 has no -q
esac
