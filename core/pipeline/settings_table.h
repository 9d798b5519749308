/* pipeline/settings_table.h - every setting: key, type, default, range, sentence.
 *
 * Types: TEXT, SECRET, ADDRESSES, RANGES and FILES (separated by commas), COUNT, BYTES, DURATION,
 * PERCENT, BOOL, CHOICE. For COUNT the range is one of numbers, for CHOICE a list of words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_SETTINGS_TABLE_H
#define PIPELINE_SETTINGS_TABLE_H

#define SETTINGS(X)                                                                         \
    X("edge.listen", ADDRESSES, "127.0.0.1:8080", "",                                       \
      "Addresses on which webhooks are taken, such as 0.0.0.0:8080 or unix:/run/weir/edge.sock.") \
    X("edge.public_url", TEXT, "", "",                                                      \
      "Where the edge is for others, such as https://hooks.example.org: for URLs that weir hands out. Empty: its first address over TLS, else its first one.") \
    X("edge.redirect_listen", ADDRESSES, "", "",                                            \
      "Addresses that answer every request with a redirect to https: to edge.public_url, else to the host that it names. Empty: none.") \
    X("edge.hsts", DURATION, "0", "",                                                       \
      "How long browsers that came over TLS come back over TLS only (Strict-Transport-Security); 0: nothing is said.") \
    X("edge.hsts_subdomains", BOOL, "false", "",                                            \
      "The same for all names below this one.")                                             \
    X("edge.hsts_preload", BOOL, "false", "",                                               \
      "Browsers may ship with it; it needs a year and the names below.")                    \
    X("edge.proxy_protocol", BOOL, "false", "",                                             \
      "Every connection to the edge begins with a PROXY header, version 1 or 2, of one of trusted_proxies; others are closed.") \
    X("edge.socket_mode", TEXT, "0660", "",                                                 \
      "The mode of the files of unix: addresses of the edge.")                              \
    X("edge.max_header_bytes", BYTES, "32KiB", "",                                          \
      "All header fields of a request together; 431 beyond.")                               \
    X("edge.max_header_line", BYTES, "8KiB", "", "One header field; 431 beyond.")           \
    X("edge.max_headers", COUNT, "100", "1..128",                                           \
      "Header fields of a request; 431 beyond.")                                            \
    X("edge.max_target", BYTES, "8KiB", "",                                                 \
      "The request target, that is path and query; 414 beyond.")                            \
    X("edge.max_body", BYTES, "1MiB", "",                                                   \
      "A body, where the trigger says nothing else; 413 beyond.")                           \
    X("edge.header_timeout", DURATION, "10s", "",                                           \
      "From the first byte of a request to the end of its header; 408 beyond.")             \
    X("edge.body_timeout", DURATION, "60s", "",                                             \
      "From the end of the header to the end of the body; 408 beyond.")                     \
    X("edge.min_body_rate", BYTES, "500", "",                                               \
      "Bytes a second that a body must reach after 10 s; 0: none.")                         \
    X("edge.idle_timeout", DURATION, "60s", "",                                             \
      "How long a connection is kept without a request.")                                   \
    X("edge.max_age", DURATION, "1h", "", "How long a connection is kept at all.")          \
    X("edge.max_requests", COUNT, "10000", "1..1000000000",                                 \
      "Requests on one connection before it is closed.")                                    \
    X("edge.write_timeout", DURATION, "30s", "",                                            \
      "How long a reader may take nothing before its connection is closed.")                \
    X("edge.max_connections", COUNT, "0", "0..1000000",                                     \
      "Open connections of a shard; 0: its part of half of the descriptors, at most of 10,000.") \
    X("edge.h2", BOOL, "true", "",                                                          \
      "HTTP/2 for callers over TLS that offer it (ALPN).")                                  \
    X("edge.h2c", BOOL, "false", "",                                                        \
      "HTTP/2 without TLS, for callers that begin with it (prior knowledge).")              \
    X("edge.tls.listen", ADDRESSES, "", "",                                                 \
      "Addresses on which webhooks are taken over TLS, such as 0.0.0.0:8443. Empty: none.") \
    X("edge.tls.cert", FILES, "", "",                                                       \
      "Certificates with their chains, in PEM; the caller's name for the server chooses, the first one is for all others.") \
    X("edge.tls.key", FILES, "", "",                                                        \
      "The private keys of these certificates, in the same order.")                         \
    X("edge.tls.client_auth", CHOICE, "none", "none|optional|required",                     \
      "Whether callers over TLS show a certificate of their own.")                          \
    X("edge.tls.client_ca", TEXT, "", "",                                                   \
      "The file with the authorities that sign callers' certificates, in PEM.")             \
    X("edge.tls.handshake_timeout", DURATION, "10s", "",                                    \
      "From the accept to the end of a PROXY header and of the TLS handshake; closed beyond.") \
    X("edge.tls.ticket_key_period", DURATION, "12h", "",                                    \
      "How often the key of session tickets is renewed, those of the admin too; the one before it still counts.")   \
    X("edge.security_headers", CHOICE, "none", "none|strict",                               \
      "Headers for browsers on every answer of a route that says nothing else: the strict set has HSTS with preload, so all of the domain has to be served by TLS.") \
    X("admin.listen", ADDRESSES, "127.0.0.1:8081", "",                                      \
      "Addresses of the admin API, such as 127.0.0.1:8081 or unix:/run/weir/admin.sock; other than these they need a token. Empty: none.") \
    X("admin.socket_mode", TEXT, "0600", "",                                                \
      "The mode of the files of unix: addresses of the admin API.")                         \
    X("admin.tls.listen", ADDRESSES, "", "",                                                \
      "Addresses of the admin API over TLS, such as 10.0.0.5:8444. Empty: none.")           \
    X("admin.tls.cert", FILES, "", "",                                                      \
      "Certificates of these with their chains, in PEM, as edge.tls.cert.")                 \
    X("admin.tls.key", FILES, "", "",                                                       \
      "The private keys of these certificates, in the same order.")                         \
    X("admin.tls.ca", TEXT, "", "",                                                         \
      "The file with what the commands trust the admin's certificate by, in PEM: an authority, or the certificate itself. Empty: the authorities of the system.") \
    X("admin.token", SECRET, "", "",                                                        \
      "The token that the admin API asks for; empty: none.")                                \
    X("admin.read_token", SECRET, "", "",                                                   \
      "A second token of the admin API, which may look at everything and change nothing; empty: none.") \
    X("shards", COUNT, "0", "0..62",                                                        \
      "Event loops, each with a thread; 0: one a core.")                                    \
    X("workers", COUNT, "4", "1..256", "Threads for nodes that block.")                     \
    X("engine.max_runs", COUNT, "10000", "1..1000000",                                      \
      "Runs in flight on one shard; 503 beyond.")                                           \
    X("engine.idempotency_memory", BYTES, "64MiB", "",                                      \
      "Memory for idempotency keys and answers of pipelines that are not durable.")         \
    X("engine.max_lag", DURATION, "250ms", "",                                              \
      "Delay of an event loop from which on new events are refused; 503 beyond.")           \
    X("engine.max_wait", DURATION, "2s", "",                                                \
      "How long an event may have to wait for a place of its pipeline's concurrency; 503 beyond. Jobs wait on. 0: for ever.") \
    X("engine.jobs_idle", PERCENT, "90%", "",                                               \
      "Share of its time that a shard leaves idle when jobs that wait are taken up while there are callers, so that they are answered meanwhile; 0%: none, jobs always go as fast as they can.") \
    X("memory.limit", BYTES, "0", "",                                                       \
      "Memory near which callers that stand still lose their places, and new work is refused; 0: what the cgroup or the machine has.") \
    X("store.url", TEXT, "sqlite:var/weir.db", "",                                          \
      "Where jobs are kept: sqlite:PATH; none: nowhere, so no pipeline may be durable.")    \
    X("store.max_waiting", BYTES, "64MiB", "",                                              \
      "Events that wait for their commit; 503 beyond.")                                     \
    X("store.max_size", BYTES, "0", "",                                                     \
      "Size of the store from which new durable events are refused with 503; 0: none.")     \
    X("store.max_crashes", COUNT, "5", "1..100",                                            \
      "How often a job may take the process down with it before it is dead.")               \
    X("store.incident_quiet", DURATION, "1h", "",                                           \
      "How long no job may have failed in one way for the next one to be an incident again.") \
    X("store.keep.completed", DURATION, "1d", "",                                           \
      "How long completed jobs are kept; 0: for ever.")                                     \
    X("store.keep.cancelled", DURATION, "7d", "",                                           \
      "How long cancelled jobs are kept; 0: for ever.")                                     \
    X("store.keep.discarded", DURATION, "7d", "",                                           \
      "How long discarded jobs are kept; 0: for ever.")                                     \
    X("store.keep.dead", DURATION, "30d", "",                                               \
      "How long dead jobs are kept; 0: for ever.")                                          \
    X("store.keep.audit", DURATION, "365d", "",                                             \
      "How long entries of the audit are kept; 0: for ever.")                               \
    X("store.keep.batches", DURATION, "30d", "",                                            \
      "How long batches of replays are kept that are over; 0: for ever, 1000 at most.")     \
    X("store.keep_jobs", COUNT, "1000000", "0..1000000000",                                 \
      "Jobs that are over, at most; then the oldest completed ones go first; 0: any number.") \
    X("store.keep_bytes", BYTES, "0", "",                                                   \
      "Payloads of jobs that are over, at most; completed ones go first; 0: any size.")     \
    X("client.connect_timeout", DURATION, "5s", "",                                         \
      "Connecting to an upstream, TLS included.")                                           \
    X("client.first_byte_timeout", DURATION, "30s", "",                                     \
      "From a sent request to the first byte of the answer.")                               \
    X("client.timeout", DURATION, "60s", "", "A whole request to an upstream.")             \
    X("client.pool", COUNT, "32", "1..10000",                                               \
      "Connections to one upstream on one shard.")                                          \
    X("client.idle_timeout", DURATION, "4s", "",                                            \
      "How long a connection is kept for the next request.")                                \
    X("client.max_body", BYTES, "10MiB", "",                                                \
      "The body of an answer that is not streamed.")                                        \
    X("client.retry_budget", PERCENT, "20%", "",                                            \
      "Retries to one upstream, as a part of its traffic.")                                 \
    X("secrets.file", TEXT, "var/secrets.enc", "",                                          \
      "The encrypted file of secrets (weir secrets set), opened by WEIR_MASTER_KEY; none: none.") \
    X("secrets.look", DURATION, "10s", "",                                                  \
      "How often the files of secrets are looked at for a change; 0: at a reload only.")    \
    X("secrets.aws.enabled", BOOL, "false", "",                                             \
      "Whether AWS Secrets Manager is a source, asked with AWS_ACCESS_KEY_ID and the like.") \
    X("secrets.aws.prefix", TEXT, "", "",                                                   \
      "What stands before a secret's name in its id at AWS, such as prod/weir/.")           \
    X("secrets.aws.region", TEXT, "", "", "The region; empty: AWS_REGION.")                 \
    X("secrets.aws.refresh", DURATION, "5m", "",                                            \
      "How often secrets are fetched from AWS again; 0: at a reload only.")                 \
    X("secrets.aws.timeout", DURATION, "10s", "",                                           \
      "How long a request to AWS may take, and how long a start waits for all of them.")    \
    X("trusted_proxies", RANGES, "", "",                                                    \
      "Address ranges whose X-Forwarded-For counts, such as 10.0.0.0/8; unix: who connects to a unix: address.") \
    X("auth.max_failures", COUNT, "20", "0..1000000",                                       \
      "Credentials from one address (of IPv6: one /64) that may be wrong within a minute; then it gets 429 for a minute, at webhooks and at the admin API each. 0: any number.") \
    X("drain_timeout", DURATION, "15s", "",                                                 \
      "How long running work may take at the end.")                                         \
    X("supervise", BOOL, "true", "",                                                        \
      "A small process holds the listening sockets and starts the one that works again when it dies.") \
    X("user", TEXT, "", "",                                                                 \
      "The user (or user:group) that weir becomes once its sockets are open, if root starts it. Empty: it stays who it is.") \
    X("hang_timeout", DURATION, "30s", "",                                                  \
      "How long an event loop may stand still before the process is started again; 0: for ever.") \
    X("log.format", CHOICE, "auto", "auto|text|json",                                       \
      "auto: text on a terminal, else JSON.")                                               \
    X("log.level", CHOICE, "info", "debug|info|warn|error",                                 \
      "The lowest level that is written.")                                                  \
    X("log.access", BOOL, "true", "", "A line for each request.")                           \
    X("plugins", TEXT, "", "",                                                              \
      "The folder of the plugins; empty: plugins/ next to the binary.")                     \
    X("ws.redis", SECRET, "", "",                                                           \
      "The Redis server through which rooms of WebSockets and event streams reach over several gateways, such as redis://cache:6379; empty: rooms are those of this process.") \
    X("lua.path", TEXT, "", "",                                                             \
      "The folder with nodes/ and std/ of Lua; empty: lua/ beside the folder of the pipelines.") \

#endif
