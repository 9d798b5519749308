# plugin(NAME [LIBS target ...] [SHARED folder ...]): plugins/NAME/*.c becomes build/.../plugins/NAME.so.
# A plugin sees abi/weir.h as <weir.h>, its own libraries, plugins/shared/plugin, and those folders of
# plugins/shared that it names, which are built into it; it exports weir_plugin_entry alone.
function(plugin name)
    cmake_parse_arguments(P "" "" "LIBS;SHARED" ${ARGN})
    set(folders ${CMAKE_CURRENT_SOURCE_DIR}/${name})
    foreach(shared plugin ${P_SHARED})
        list(APPEND folders ${CMAKE_CURRENT_SOURCE_DIR}/shared/${shared})
    endforeach()
    list(TRANSFORM folders APPEND /*.c OUTPUT_VARIABLE patterns)
    file(GLOB sources CONFIGURE_DEPENDS ${patterns})
    add_library(plugin_${name} MODULE ${sources})
    set_target_properties(plugin_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
    target_include_directories(plugin_${name} PRIVATE ${CMAKE_SOURCE_DIR}/core/abi ${folders})
    target_compile_options(plugin_${name} PRIVATE ${weir_warnings} ${weir_hardening})
    target_link_libraries(plugin_${name} PRIVATE ${P_LIBS})
    set_property(GLOBAL APPEND PROPERTY weir_plugins ${name})
    install(TARGETS plugin_${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/weir/plugins)
endfunction()
