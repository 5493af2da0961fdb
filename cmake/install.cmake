# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where: the program, and in share/sulcus what it and a user need beside it, which the program finds from
# where it lies; so the installed folder may be moved. RPATHs of libraries outside the system's folders stay.
set(share ${CMAKE_INSTALL_DATADIR}/sulcus)
install(TARGETS sulcus RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
file(RELATIVE_PATH from_program ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_DATADIR}/sulcus)
set_source_files_properties(pipeline/commands/installed.c PROPERTIES COMPILE_DEFINITIONS "SULCUS_SHARE=\"${from_program}\"")
file(RELATIVE_PATH from_program ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBEXECDIR}/sulcus)
set_source_files_properties(model/cuda/loader.c PROPERTIES COMPILE_DEFINITIONS "SULCUS_LIBEXEC=\"${from_program}\"")
install(DIRECTORY yaml examples DESTINATION ${share})
install(DIRECTORY jobs DESTINATION ${share} USE_SOURCE_PERMISSIONS PATTERN setup.sh EXCLUDE PATTERN quickstart.sh EXCLUDE) # these two are a clone's
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES README.md CHANGELOG.md CITATION.cff LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# made_page(OPTION FILE FOLDER NAME): what `sulcus describe --OPTION` prints, installed as FOLDER/NAME.
function(made_page option file folder name)
  add_custom_command(OUTPUT ${file} COMMAND sulcus describe --${option} > ${file} DEPENDS sulcus VERBATIM)
  add_custom_target(made_${option} ALL DEPENDS ${file})
  install(FILES ${PROJECT_BINARY_DIR}/${file} DESTINATION ${folder} RENAME ${name})
endfunction()
made_page(man sulcus.1 ${CMAKE_INSTALL_MANDIR}/man1 sulcus.1)
made_page(completion sulcus.bash ${CMAKE_INSTALL_DATADIR}/bash-completion/completions sulcus)
made_page(schema sulcus.schema.json ${share} sulcus.schema.json)

# `cmake --build BUILD --target uninstall` removes what the last install wrote.
add_custom_target(uninstall VERBATIM
  COMMAND ${CMAKE_COMMAND} -DMANIFEST=${PROJECT_BINARY_DIR}/install_manifest.txt -P ${PROJECT_SOURCE_DIR}/cmake/uninstall.cmake)
