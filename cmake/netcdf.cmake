# SPDX-License-Identifier: Apache-2.0
# NetCDF as netcdf::netcdf. A serial build is enough, with any MPI, since each file is opened by one rank: only nc_create and nc_open are
# called. A parallel build is taken too if its MPI is the one in use. Folders, in order: CMAKE_PREFIX_PATH and netCDF_DIR, what
# nc-config, pkg-config and netCDFConfig.cmake say, the system's, and last Debian's folder for the MPI build.
set(folders)
find_package(netCDF CONFIG QUIET NO_SYSTEM_ENVIRONMENT_PATH NO_CMAKE_SYSTEM_PATH NO_CMAKE_PACKAGE_REGISTRY) # what the user named
list(APPEND folders ${netCDF_INCLUDE_DIR} ${netCDF_LIB_DIR} ${netCDF_INSTALL_PREFIX})
find_program(NC_CONFIG nc-config)
mark_as_advanced(NC_CONFIG)
if(NC_CONFIG)
  foreach(asked includedir libdir libs prefix)
    execute_process(COMMAND ${NC_CONFIG} --${asked} OUTPUT_VARIABLE said OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    string(REGEX MATCHALL "(^|-L)/[^ ]+" said "${said}")
    list(TRANSFORM said REPLACE "^-L" "")
    list(APPEND folders ${said})
  endforeach()
endif()
pkg_check_modules(netcdf_pc QUIET netcdf)
list(APPEND folders ${netcdf_pc_INCLUDE_DIRS} ${netcdf_pc_INCLUDEDIR} ${netcdf_pc_LIBRARY_DIRS} ${netcdf_pc_LIBDIR})
find_package(netCDF CONFIG QUIET)
list(APPEND folders ${netCDF_INCLUDE_DIR} ${netCDF_LIB_DIR} ${netCDF_INSTALL_PREFIX})
pkg_check_modules(netcdf_mpi_pc QUIET netcdf-mpi)

find_path(NETCDF_INCLUDE netcdf.h HINTS ${folders} PATHS ${netcdf_mpi_pc_INCLUDE_DIRS})
find_library(NETCDF_LIBRARY NAMES netcdf netcdf_mpi HINTS ${folders} PATHS ${netcdf_mpi_pc_LIBRARY_DIRS})
if(NOT NETCDF_INCLUDE OR NOT NETCDF_LIBRARY)
  message(FATAL_ERROR "NetCDF was not found by netCDFConfig.cmake, nc-config or pkg-config: apt-get install libnetcdf-dev (or run "
    "jobs/setup.sh), load the netcdf module of your centre, or give -DCMAKE_PREFIX_PATH=FOLDER")
endif()
add_library(netcdf::netcdf INTERFACE IMPORTED GLOBAL)
target_include_directories(netcdf::netcdf INTERFACE ${NETCDF_INCLUDE})
target_link_libraries(netcdf::netcdf INTERFACE ${NETCDF_LIBRARY})

# A program of both, linked once for each pair: which MPI libraries would be loaded? Two would run side by side, and abort.
if(NOT NETCDF_TRIED STREQUAL "${NETCDF_LIBRARY} ${MPI_C_LIBRARIES}")
  set(both ${PROJECT_BINARY_DIR}/netcdf_and_mpi)
  try_compile(linked SOURCE_FROM_CONTENT both.c
    "#include <mpi.h>\n#include <netcdf.h>\nint main(void) { int f; return MPI_Init(0, 0) + nc_open(\"\", 0, &f); }\n"
    LINK_LIBRARIES MPI::MPI_C netcdf::netcdf COPY_FILE ${both} COPY_FILE_ERROR copied OUTPUT_VARIABLE output)
  if(NOT linked)
    message(FATAL_ERROR "${NETCDF_LIBRARY} cannot be linked with ${MPI_C_LIBRARIES}; give another NetCDF by -DCMAKE_PREFIX_PATH=FOLDER "
      "(in a new build folder):\n${output}")
  endif()
  execute_process(COMMAND ldd ${both} OUTPUT_VARIABLE loaded ERROR_QUIET)
  # libmpi.so.40 is Open MPI's; libmpich.so.12, libmpi.so.12, libmpi_cray.so.12 and libmpi_gnu_123.so.12 are MPICH's and its children's.
  string(REGEX MATCHALL "/[^ \n]*/libmpi(ch|_cray|_gnu[_0-9]*|_intel|_mt)?\\.so[.0-9]*" mpis "${loaded}")
  set(files)
  foreach(mpi ${mpis})
    file(REAL_PATH ${mpi} mpi)
    list(APPEND files ${mpi})
  endforeach()
  list(REMOVE_DUPLICATES files)
  list(LENGTH files n)
  if(n GREATER 1)
    list(JOIN files " and " files)
    message(FATAL_ERROR "${NETCDF_LIBRARY} was built with another MPI than ${MPI_C_LIBRARIES}: the program would load ${files}, and "
      "abort. In a new build folder, give a serial NetCDF (apt-get install libnetcdf-dev) or one that was built with this MPI by "
      "-DCMAKE_PREFIX_PATH=FOLDER, or the other MPI by -DMPI_C_COMPILER=ITS_MPICC")
  endif()
  set(NETCDF_TRIED "${NETCDF_LIBRARY} ${MPI_C_LIBRARIES}" CACHE INTERNAL "")
endif()
message(STATUS "NetCDF: ${NETCDF_LIBRARY}; MPI: ${MPI_C_LIBRARIES}")
