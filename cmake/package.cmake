# SPDX-License-Identifier: Apache-2.0
# `cpack -G DEB` in the build folder makes sulcus_VERSION_ARCH.deb, for the distribution that it is built on.
set(CPACK_PACKAGE_NAME sulcus)
set(CPACK_PACKAGE_VENDOR "sulcus")
set(CPACK_PACKAGE_CONTACT "sulcus developers <sulcus@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "which neurons of a transformer serve which task")
set(CPACK_PACKAGE_DESCRIPTION "An MPI program that scores the neurons of a transformer against subsets
of data, prunes the most specific ones, clusters and intersects them, and
writes a report. A pipeline is one YAML file; a run may be killed and goes on;
results are the same bits on any number of ranks and threads.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/packaging/debian.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "openmpi-bin | mpich, gnuplot-nox | gnuplot")
set(CPACK_GENERATOR DEB)
include(CPack)
