#!/bin/sh
# symbols.sh BUILD: plugins export weir_plugin_entry alone; the binary exports nothing of ours.
set -eu
build=$1
status=0
for so in "$build"/plugins/*.so; do
    names=$(nm -D --defined-only "$so" | awk '$2 ~ /[TDBRVW]/ { print $3 }' | grep -vE '^(_init|_fini|__asan|__odr_asan|__ubsan|_edata|_end|__bss_start|__start_|__stop_)' | sort -u | tr '\n' ' ')
    [ "$names" = "weir_plugin_entry " ] || { echo "$so exports: $names"; status=1; }
done
ours=$(nm -D --defined-only "$build/weir" | awk '$2 == "T" { print $3 }' | grep -E '^(value|run|frame|call|engine|edge|pipeline|expr|buf|arena)_' || true)
[ -z "$ours" ] || { echo "the binary exports: $ours"; status=1; }
exit $status
