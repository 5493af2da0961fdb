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

# Debian's own folders are looked into anyhow; a centre's, from which a rebuilt package takes a library, stay.
set(program ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/bin/sulcus)
execute_process(COMMAND readelf -d ${program} OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCH "RUNPATH[^[]*\\[([^]]*)\\]" found "${dynamic}")
string(REPLACE ":" ";" folders "${CMAKE_MATCH_1}")
list(FILTER folders EXCLUDE REGEX "^/usr/lib/")
if(found AND NOT folders)
  file(RPATH_REMOVE FILE ${program})
endif()

# There is no address to write to.
file(WRITE ${share}/lintian/overrides/sulcus "sulcus: bogus-mail-host Maintainer *\n")
file(CHMOD ${share}/lintian/overrides/sulcus PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
