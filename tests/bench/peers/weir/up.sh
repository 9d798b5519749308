#!/bin/bash
# weir with the pipelines of the tiers (BENCH), the log of requests off (unless BENCH_LOG=on) and keep-alive unlimited, as the peers have it.
. "$(dirname "$0")/../lib/common.sh"
WEIR=${WEIR:?path of the weir binary}; BENCH=${BENCH:?folder of the bench pipelines}
# T3 is pipelines/gateway.yaml as it is, but for limits that nobody reaches; T3m the same with them in the process.
all="$RUN/weir-pipelines"; rm -rf "$all" "$RUN"/weir.db*; mkdir -p "$all"; cp "$BENCH"/*.yaml "$all"
node "$P/../lib/gateway.mjs" "$all"
up=http://127.0.0.1:9100
export LLAMA_URL=$up EMBEDDINGS_URL=$up/embeddings CALENDAR_URL=$up/calendar ECOMMERCE_URL=$up/ecommerce BASEROW_URL=$up/baserow
REDIS_URL=redis://127.0.0.1:9379 UPSTREAM_URL=$up setsid $SRV "$WEIR" run "$all" --shards "$WORKERS" --set log.access=$([ "$LOG" = off ] && echo false || echo true) --set store.url="sqlite:$RUN/weir.db" --set edge.max_requests=1000000000 --set edge.max_age=100h --edge 127.0.0.1:9204 --admin 127.0.0.1:9205 </dev/null >"$RUN/weir.log" 2>&1 & echo $! > "$RUN/weir.pids"
wait_http http://127.0.0.1:9205/readyz
