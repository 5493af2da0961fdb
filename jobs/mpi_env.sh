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
[ -d /sys/devices/system/cpu ] || export HWLOC_HIDE_ERRORS=2 # a bare root without /sys: every rank would say so on stderr
