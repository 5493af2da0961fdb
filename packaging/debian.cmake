# SPDX-License-Identifier: Apache-2.0
# Run by cpack in the staged tree: gives it what Debian's policy asks of every package, under the names that it asks for.
set(share ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share)
set(doc ${share}/doc/sulcus)
file(GLOB staged ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/bin/sulcus)
if(NOT staged)
  message(FATAL_ERROR "nothing in ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/bin")
endif()
file(COPY ${CMAKE_CURRENT_LIST_DIR}/copyright DESTINATION ${doc})
file(REMOVE ${doc}/LICENSE) # in common-licenses
file(RENAME ${doc}/CHANGELOG.md ${doc}/changelog)
execute_process(COMMAND gzip -9nf ${doc}/changelog ${share}/man/man1/sulcus.1 COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND chmod -R u=rwX,go=rX ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr COMMAND_ERROR_IS_FATAL ANY)
