# SPDX-License-Identifier: Apache-2.0
# Any CBLAS as blas::cblas: OpenBLAS by its .pc file, unless BLA_VENDOR asks for another; else what CMake's FindBLAS finds (OpenBLAS, BLIS,
# MKL, AOCL, ...). What only some of them have is asked for when the program runs (model/kernels/blas_check.c).
include(CheckCSourceCompiles)

add_library(blas::cblas INTERFACE IMPORTED GLOBAL)
if(NOT BLA_VENDOR)
  pkg_check_modules(openblas QUIET IMPORTED_TARGET openblas)
endif()
if(openblas_FOUND)
  target_link_libraries(blas::cblas INTERFACE PkgConfig::openblas)
else()
  find_package(BLAS QUIET)
  if(NOT BLAS_FOUND)
    message(FATAL_ERROR "No BLAS was found (BLA_VENDOR: \"${BLA_VENDOR}\"): apt-get install libopenblas-pthread-dev (or run jobs/setup.sh), "
      "or give -DBLA_VENDOR=NAME as in CMake's FindBLAS, and its folder by -DCMAKE_PREFIX_PATH=FOLDER")
  endif()
  # The header lies beside the library, or where each maker puts it.
  set(folders $ENV{MKLROOT}/include)
  foreach(library ${BLAS_LIBRARIES})
    cmake_path(GET library PARENT_PATH folder)
    list(APPEND folders ${folder}/../include ${folder}/../../include)
  endforeach()
  string(TOLOWER "${BLA_VENDOR}" vendor)
  find_path(CBLAS_INCLUDE NAMES cblas.h mkl_cblas.h HINTS ${folders}
    PATH_SUFFIXES ${CMAKE_LIBRARY_ARCHITECTURE} ${CMAKE_LIBRARY_ARCHITECTURE}/${vendor}-pthread blis openblas mkl flexiblas)
  if(NOT CBLAS_INCLUDE)
    message(FATAL_ERROR "cblas.h was not found beside ${BLAS_LIBRARIES}; give its folder by -DCBLAS_INCLUDE=FOLDER")
  endif()
  if(NOT EXISTS ${CBLAS_INCLUDE}/cblas.h) # MKL's has a name of its own
    file(WRITE ${PROJECT_BINARY_DIR}/made/blas/cblas.h "#include <mkl_cblas.h>\n")
    target_include_directories(blas::cblas INTERFACE ${PROJECT_BINARY_DIR}/made/blas)
  endif()
  target_include_directories(blas::cblas INTERFACE ${CBLAS_INCLUDE})
  target_link_libraries(blas::cblas INTERFACE BLAS::BLAS)
endif()

set(CMAKE_REQUIRED_LIBRARIES blas::cblas m)
string(CONCAT cblas_program "#include <cblas.h>\nint main(void) { float x = 1; cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, 1, 1, 1, x, &x, "
  "1, &x, 1, x, &x, 1); return 0; }")
check_c_source_compiles("${cblas_program}" CBLAS_IN_BLAS)
if(NOT CBLAS_IN_BLAS) # the reference BLAS keeps it apart
  find_library(CBLAS_LIBRARY cblas HINTS ${folders} PATH_SUFFIXES lib)
  if(CBLAS_LIBRARY)
    set(CMAKE_REQUIRED_LIBRARIES ${CBLAS_LIBRARY} blas::cblas m)
    check_c_source_compiles("${cblas_program}" CBLAS_APART)
  endif()
  if(NOT CBLAS_APART)
    unset(CBLAS_IN_BLAS CACHE) # the next try begins anew
    message(FATAL_ERROR "${BLAS_LIBRARIES} has no cblas_sgemm; give a BLAS with a C interface by -DBLA_VENDOR=NAME")
  endif()
  target_link_libraries(blas::cblas INTERFACE ${CBLAS_LIBRARY})
endif()
unset(CMAKE_REQUIRED_LIBRARIES)
