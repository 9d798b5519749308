#!/bin/sh
# rooms.sh: every quoted include is "room/file.h", and a third-party header is named only by the
# rooms that may (the order of rooms itself is kept by the include path: cmake/room.cmake).
set -eu
cd "$(dirname "$0")/../.."
status=0
say() { echo "$1"; status=1; }

rooms=$(sed -n 's/^room(\([a-z]*\).*/\1/p' core/CMakeLists.txt; echo cli supervisor)

# Spelling: "room/file.h", and in plugins <weir.h> or a file of their own.
for room in $rooms; do
    grep -nE '^#include "' core/"$room"/*.[ch] 2>/dev/null |
        grep -vE "#include \"($(echo $rooms | tr ' ' '|'))/[a-z0-9_]+\.h\"" && say "spelling: an include is not \"room/file.h\""
    [ -d core/"$room" ] || say "rooms: core/$room is not there"
done
grep -nE '#include "(\.\.|[a-z]+/)' plugins/*/*.[ch] plugins/shared/*/*.[ch] && say "plugins: they include <weir.h>, files of their own folder, and by their mere name those of plugins/shared"

# Order, as text: a room includes itself and rooms before it.
seen=""
for room in $rooms; do
    seen="$seen $room"
    for used in $(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' core/"$room"/*.[ch] 2>/dev/null | sort -u); do
        case " $seen " in *" $used "*) ;; *) say "order: core/$room includes $used, which comes after it" ;; esac
    done
done

# Third-party headers: prefix, and who may name it.
while read -r header allowed; do
    for file in $(grep -lE "^#include [<\"]$header" core/*/*.[ch] plugins/*/*.[ch] plugins/shared/*/*.[ch] 2>/dev/null || true); do
        room=$(echo "$file" | cut -d/ -f2)
        case " $allowed " in *" $room "*) ;; *) say "third party: $file names $header" ;; esac
    done
done <<TABLE
event2/ loop
czmq loop
zmq loop
openssl/ base net
msgpack value
pcre2 value
llhttp net
ares net
zlib net
libfyaml pipeline
dlfcn plugin postgres
lua lua
lauxlib lua
lualib lua
libpq postgres
hiredis net
sqlite3 store
gumbo validate
utf8proc validate
TABLE
exit $status
