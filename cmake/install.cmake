# cmake --install: the binary and its supervisor, the header for plugins, the plugins (see plugin.cmake), the
# service, and settings to start from. cpack -G DEB makes a package of it.
install(TARGETS weir RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS weir-supervisor RUNTIME DESTINATION ${CMAKE_INSTALL_LIBDIR}/weir)
install(FILES core/abi/weir.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY schemas/ DESTINATION ${CMAKE_INSTALL_DATADIR}/weir/schemas)
install(DIRECTORY lua/std lua/types DESTINATION ${CMAKE_INSTALL_DATADIR}/weir/lua)
install(DIRECTORY docs/ DESTINATION share/doc/weir FILES_MATCHING PATTERN "*.md" PATTERN "*.svg"
    PATTERN examples EXCLUDE)
install(DIRECTORY deploy/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES deploy/completion/weir DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES deploy/completion/_weir DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES deploy/completion/weir.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES LICENSE DESTINATION share/doc/weir RENAME copyright)
# Below /usr it is a service too. The prefix is known when it is installed: cpack has its own.
install(CODE "
    if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
        file(INSTALL \"${CMAKE_SOURCE_DIR}/deploy/weir.service\" \"${CMAKE_SOURCE_DIR}/deploy/weir.socket\"
            DESTINATION /usr/lib/systemd/system)
        file(INSTALL \"${CMAKE_SOURCE_DIR}/deploy/weir.yaml\" DESTINATION /etc/weir)
        file(INSTALL \"${CMAKE_SOURCE_DIR}/pipelines/hello.yaml\" DESTINATION /etc/weir/pipelines)
    endif()")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME weir)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "workflow engine and webhook gateway")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Takes webhooks in, runs declarative YAML pipelines over them, calls
upstreams and answers: one binary without a runtime, checked configuration,
limits that hold, reload without a failed request.")
set(CPACK_PACKAGE_CONTACT "weir maintainers <weir@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS ca-certificates)
# The postgres plugin loads libpq when it is needed; schedules read the zones of tzdata.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libpq5, tzdata")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${CMAKE_SOURCE_DIR}/deploy/debian/postinst ${CMAKE_SOURCE_DIR}/deploy/debian/prerm
    ${CMAKE_SOURCE_DIR}/deploy/debian/postrm ${CMAKE_SOURCE_DIR}/deploy/debian/conffiles)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
include(CPack)
