# Which build runs which test, and why: here alone. ./test makes two builds that run what is below:
#
#   dev      with sanitizers and faults: it sees errors of memory, and of what follows from failures,
#            that no assertion sees
#   release  optimised, as it is shipped: figures of time, CPU and memory are true there alone
#
# A test runs in both if each shows what the other does not. Each build knows all tests; those that it
# is not for have the label of the other one, and ./test leaves them out: ctest -LE dev in release, ctest
# -LE release in dev. What is named nowhere runs in both, and is told when the build is made.

# runs_in(dev|release|both NAME ...): NAME is a test, or a folder of tests; the longest name counts.
function(runs_in build)
    foreach(name ${ARGN})
        set_property(GLOBAL PROPERTY weir_build_of_${name} ${build})
    endforeach()
endfunction()

# The build that the test NAME runs in: dev, release or both.
function(build_of name ret_build)
    set(at ${name})
    get_property(build GLOBAL PROPERTY weir_build_of_${at})
    while(NOT build AND at MATCHES "/")
        string(REGEX REPLACE "/[^/]*$" "" at ${at})
        get_property(build GLOBAL PROPERTY weir_build_of_${at})
    endwhile()
    if(NOT build)
        message(WARNING "${name} runs in both builds, because tests/builds.cmake does not name it")
        set(build both)
    endif()
    set(${ret_build} ${build} PARENT_SCOPE)
endfunction()

# describe_test(NAME SECONDS LABEL): what ctest has to know of a test: how long it may take, what it is
# called besides, and where it does not run. Called in the folder that adds it.
function(describe_test name seconds label)
    build_of(${name} build)
    if(NOT build STREQUAL both)
        list(APPEND label ${build})
    endif()
    set_tests_properties(${name} PROPERTIES TIMEOUT ${seconds} LABELS "${label}")
    if(name IN_LIST weir_timed_tests)
        set_tests_properties(${name} PROPERTIES PROCESSORS 2)
    endif()
endfunction()

# test_program(TARGET NAME): the program of the test NAME is made with the rest only where the test runs.
function(test_program target name)
    build_of(${name} build)
    if(build STREQUAL dev AND NOT WEIR_SANITIZE)
        set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL TRUE)
    endif()
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    if(weir_whole)
        target_link_options(${target} PRIVATE -fno-lto)
    endif()
endfunction()

# Functions and plugins one by one: what may be wrong in them is memory and what follows from faults.
runs_in(dev unit plugin)
# Bits, numbers, layouts, atomics, threads: an optimiser makes something else of them.
runs_in(both unit/base unit/value unit/expr unit/loop)
# What plugins from outside meet is the loader and the ABI that are shipped; what scripts may cost are
# figures.
runs_in(both plugin/abi_offsets_test plugin/bad_test plugin/blocks_test plugin/blocking_test
    plugin/conformance_test plugin/docs_test plugin/lua_cost_test plugin/lua_memory_test)
# They read sources, or the files that are shipped.
runs_in(release lint lua plugin/header_c plugin/header_c++)

# The way of every request, of every stream and of every job, from one end to the other, under deaths,
# reloads and load: races show in the fast build, errors of memory in the other.
runs_in(both e2e/crash e2e/durable e2e/edge e2e/edge_deadlines e2e/engine e2e/h2 e2e/hello e2e/supervisor
    e2e/upstream)
# Sanitizers see what liars do to memory; how much memory and how long they take are figures.
runs_in(both e2e/engine2 e2e/h2_floods e2e/h2_frames e2e/lying_rules e2e/malformed e2e/reload e2e/rest
    e2e/streaming e2e/websocket)
# What strangers send: requests, frames, credentials, HTML, answers, and what they hope to see.
runs_in(dev e2e/admin_tokens e2e/auth e2e/canary e2e/issuers e2e/listeners e2e/malformed_rules
    e2e/masking e2e/rooms e2e/sanitize e2e/secrets e2e/secrets_sources e2e/sign e2e/sse e2e/tls e2e/verify)
# States, and what happens to them: no figure in it, and dev has the faults and the leaks.
runs_in(dev e2e/activation e2e/batches e2e/breaker e2e/cache e2e/cancel e2e/concurrency e2e/edit
    e2e/gateway e2e/given e2e/jobs e2e/lua e2e/once e2e/openapi e2e/operators e2e/order e2e/places e2e/postgres
    e2e/redis e2e/replay e2e/retention e2e/revisions e2e/testing e2e/wait)
# Commands: what they parse has unit tests and fuzz targets, with sanitizers, and each start of weir takes long there.
runs_in(release e2e/cli e2e/fmt e2e/graph e2e/import)
# Figures: time, CPU, memory, rates, moments of a clock.
runs_in(release e2e/amplification e2e/clock e2e/herd e2e/memory e2e/opossum e2e/overload e2e/ratelimit
    e2e/schedule)
# What is shipped: packages, units, schemas, what the documents say, and clients that people have.
runs_in(release e2e/authoring e2e/clients e2e/editor e2e/install e2e/new e2e/readme e2e/sandbox e2e/schemas)

# Times are compared in these: ctest counts them as two, so that only one more runs beside.
set(weir_timed_tests unit/net/redis_real_test unit/net/redis_test unit/store/store_test e2e/amplification
    e2e/crash e2e/h2_floods e2e/h2_frames e2e/herd e2e/lying_rules e2e/malformed e2e/memory e2e/once
    e2e/opossum e2e/overload e2e/ratelimit e2e/rest e2e/schedule e2e/streaming)
