# The libraries that weir stands on, all of them packages of Debian 12 (packages.txt).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(event REQUIRED IMPORTED_TARGET libevent_core>=2.1.12)
pkg_check_modules(czmq REQUIRED IMPORTED_TARGET libczmq>=4.2)
pkg_check_modules(zmq REQUIRED IMPORTED_TARGET libzmq)
pkg_check_modules(ssl REQUIRED IMPORTED_TARGET libssl>=3.0)
pkg_check_modules(crypto REQUIRED IMPORTED_TARGET libcrypto>=3.0)
pkg_check_modules(msgpack REQUIRED IMPORTED_TARGET msgpack)
pkg_check_modules(fyaml REQUIRED IMPORTED_TARGET libfyaml)
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(cares REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis>=0.14)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3>=3.40)
pkg_check_modules(nghttp2 REQUIRED IMPORTED_TARGET libnghttp2>=1.52)

# Debian brought these limits to 1.52 (CVE-2023-44487, CVE-2024-28182); other packages of that
# version may be without.
include(CheckSymbolExists)
set(CMAKE_REQUIRED_LIBRARIES PkgConfig::nghttp2)
foreach(limit nghttp2_option_set_stream_reset_rate_limit nghttp2_option_set_max_continuations)
    check_symbol_exists(${limit} nghttp2/nghttp2.h have_${limit})
    if(NOT have_${limit})
        message(FATAL_ERROR "this libnghttp2 has no ${limit}: install one with the fixes of "
            "CVE-2023-44487 and CVE-2024-28182 (Debian 12: 1.52.0-1+deb12u2 or later)")
    endif()
endforeach()
unset(CMAKE_REQUIRED_LIBRARIES)

# wslay comes without a file for pkg-config.
find_library(wslay_library NAMES wslay REQUIRED)
find_path(wslay_include wslay/wslay.h REQUIRED)
add_library(wslay UNKNOWN IMPORTED)
set_target_properties(wslay PROPERTIES IMPORTED_LOCATION ${wslay_library}
    INTERFACE_INCLUDE_DIRECTORIES ${wslay_include})

# Only the plugins of the same or a similar name see these.
pkg_check_modules(gumbo REQUIRED IMPORTED_TARGET gumbo)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(pq REQUIRED IMPORTED_TARGET libpq>=15)
pkg_check_modules(lua REQUIRED IMPORTED_TARGET lua5.4>=5.4.4)

# llhttp: a libllhttp where there is one, else the C sources that node-llhttp ships.
find_library(llhttp_library NAMES llhttp)
find_path(llhttp_include llhttp.h PATH_SUFFIXES llhttp HINTS /usr/share/include)
if(llhttp_library)
    add_library(llhttp UNKNOWN IMPORTED)
    set_target_properties(llhttp PROPERTIES IMPORTED_LOCATION ${llhttp_library}
        INTERFACE_INCLUDE_DIRECTORIES ${llhttp_include})
else()
    find_path(llhttp_sources llhttp.c HINTS /usr/share/llhttp REQUIRED)
    add_library(llhttp STATIC ${llhttp_sources}/llhttp.c ${llhttp_sources}/http.c ${llhttp_sources}/api.c)
    target_include_directories(llhttp SYSTEM PUBLIC ${llhttp_include})
    target_compile_options(llhttp PRIVATE -w -O2 ${weir_hardening})
    target_compile_definitions(llhttp PRIVATE LLHTTP_STRICT_MODE=1)
endif()
