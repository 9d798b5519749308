#!/bin/bash
# weir with the pipelines of the tiers (BENCH), the log of requests off and keep-alive unlimited, as the peers have it.
. "$(dirname "$0")/../lib/common.sh"
WEIR=${WEIR:?path of the weir binary}; BENCH=${BENCH:?folder of the bench pipelines}
REDIS_URL=redis://127.0.0.1:9379 UPSTREAM_URL=http://127.0.0.1:9100 setsid $SRV "$WEIR" run "$BENCH" --shards "$WORKERS" --set log.access=false --set edge.max_requests=1000000000 --set edge.max_age=100h --edge 127.0.0.1:9204 --admin 127.0.0.1:9205 </dev/null >"$RUN/weir.log" 2>&1 & echo $! > "$RUN/weir.pids"
wait_http http://127.0.0.1:9205/readyz
