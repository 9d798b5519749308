# cmake --install: the binary, the header for plugins, the plugins (see plugin.cmake).
if(TARGET weir)
    install(TARGETS weir RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES core/abi/weir.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
