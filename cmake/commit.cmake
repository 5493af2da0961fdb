# SPDX-License-Identifier: Apache-2.0
# cmake -DSOURCE=FOLDER -DHEADER=FILE -P commit.cmake: defines SULCUS_COMMIT in a header, at every build, which changes only with the commit.
# A tree that is not a git checkout of its own (a release's archive, perhaps below somebody's repository) is "unknown".
set(commit unknown)
find_program(GIT git)
if(GIT AND EXISTS ${SOURCE}/.git)
  execute_process(COMMAND ${GIT} -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
                  OUTPUT_VARIABLE said OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
  if(NOT failed)
    set(commit ${said})
  endif()
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "#define SULCUS_COMMIT \"${commit}\"\n" @ONLY)
