# SPDX-License-Identifier: Apache-2.0
# What every build gets beside a user's own CFLAGS, which stay: position-independent, hardened, and the same bytes in any folder.
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# These would change results, or hide that a number is not one.
if("${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_RELEASE}" MATCHES "-Ofast|-ffast-math|-funsafe-math-optimizations|-ffinite-math-only|-fassociative-math")
  message(FATAL_ERROR "CFLAGS has ${CMAKE_MATCH_0}, with which results are no longer the same on every machine: leave it out")
endif()

option(SULCUS_HARDEN "hardening: full RELRO, stack protector, _FORTIFY_SOURCE (where the flags do not say otherwise)" ON)
if(SULCUS_HARDEN AND CMAKE_BUILD_TYPE STREQUAL "Release")
  add_link_options(-Wl,-z,relro,-z,now)
  if(NOT CMAKE_C_FLAGS MATCHES "stack-protector")
    add_compile_options(-fstack-protector-strong)
  endif()
  if(NOT CMAKE_C_FLAGS MATCHES "_FORTIFY_SOURCE|-O0")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) # some compilers have it built in
  endif()
endif()

# An -O of CFLAGS is the user's word: ours would come behind it.
if(CMAKE_C_FLAGS MATCHES "(^| )-O[0-3sgz]?( |$)")
  string(REGEX REPLACE "(^| )-O[0-3sgz]?( |$)" " " CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
endif()

# Paths in messages and debug information are relative to the tree; the build folder counts as one in it.
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/= -ffile-prefix-map=${PROJECT_BINARY_DIR}/=build/)
