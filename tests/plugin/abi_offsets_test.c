/* plugin/abi_offsets_test.c - the layout of abi/weir.h is the one that is written down.
 *
 * Without an argument every member's offset is compared with abi_offsets.txt. With --print the
 * list is written out, for a change of the ABI that is meant: then docs/abi.md gets its line
 * too. A member that is missing in the tables below leaves a gap, which is an error as well.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/weir.h"

struct member {
    const char *name;
    size_t offset;
    size_t size;
    size_t align;
};

struct layout {
    const char *name;
    size_t size;
    const struct member *members;
    size_t n;
};

#define M(member)                                                           \
    { #member, offsetof(struct S, member), sizeof(((struct S *)0)->member), \
      _Alignof(__typeof__(((struct S *)0)->member)) },

#define SOCKET_CONFIG_MEMBERS M(size) M(ping_ms) M(idle_ms) M(max_message) M(max_queue) M(protocol) M(connection) \
    M(kind) M(pad) M(content_type)
#define SOCKET_OWNER_MEMBERS M(size) M(pad) M(opened) M(message) M(closed) M(drained)
#define EMIT_MEMBERS \
    M(size) M(n_headers) M(n_params) M(pad) M(method) M(path) M(query) M(client_ip) M(headers) M(params) M(body) \
    M(connection) M(auth)
#define TEXT_MEMBERS M(bytes) M(len)
#define ERROR_MEMBERS M(code) M(status) M(retry_after_ms) M(sent) M(detail) M(text)
#define METRIC_MEMBERS \
    M(size) M(kind) M(name) M(help) M(labels) M(buckets) M(n_buckets) M(max_series)
#define BLOCK_MEMBERS M(size) M(runs) M(path) M(names) M(keys) M(summary) M(required) M(apart)
#define NODE_MEMBERS                                                                    \
    M(size)                                                                             \
    M(flags)                                                                            \
    M(name)                                                                             \
    M(summary)                                                                          \
    M(config_schema) M(example) M(output) M(blocks) M(metrics) M(n_blocks) M(n_metrics) \
        M(effect) M(pad) M(open) M(attach) M(run) M(cancel) M(detach) M(close) M(effect_of) \
        M(file) M(fault)
#define TRIGGER_MEMBERS                                                                   \
    M(size)                                                                               \
    M(flags)                                                                              \
    M(name)                                                                               \
    M(summary)                                                                            \
    M(config_schema) M(example) M(metrics) M(n_metrics) M(pad) M(open) M(attach) M(start) \
        M(stop) M(accept) M(detach) M(close) M(sign) M(screen)
#define PLUGIN_MEMBERS \
    M(abi_major)       \
    M(abi_minor) M(size) M(n_nodes) M(name) M(version) M(nodes) M(triggers) M(n_triggers) \
    M(n_collections) M(collections) M(testers) M(n_testers) M(pad) M(missing)
#define TESTER_MEMBERS M(size) M(pad) M(suffix) M(summary) M(run)
#define ROUTE_MEMBERS M(size) M(flags) M(path) M(methods) M(n_methods) M(pad) M(max_body) M(headers) M(n_headers) M(pad2)
#define HEADER_MEMBERS M(name) M(value)
#define REPLY_MEMBERS \
    M(size) M(status) M(headers) M(n_headers) M(pad) M(content_type) M(body) M(value)
#define REQUEST_MEMBERS                                                             \
    M(size)                                                                         \
    M(flags)                                                                        \
    M(method)                                                                       \
    M(url)                                                                          \
    M(headers) M(n_headers) M(max_redirects) M(body) M(connect_ms) M(first_byte_ms) \
        M(whole_ms) M(pool) M(max_body) M(tls) M(allow_hosts)
#define ANSWER_MEMBERS M(size) M(status) M(headers) M(body)
#define COLLECTION_MEMBERS M(size) M(pad) M(name) M(summary) M(verbs) M(ask)
#define REDIS_MEMBERS M(size) M(timeout_ms) M(args) M(n_args) M(n_keys) M(script)
#define HOST_1_1_MEMBERS                                                                       \
    M(constant) M(file) M(pipeline_name) M(node_id) M(redis) M(lru) M(redis_send)              \
    M(redis_forget) M(lru_get) M(lru_set) M(lru_drop) M(table_realloc) M(table_sweep_part)     \
    M(table_usage) M(table_dropped) M(subscribe) M(unsubscribe) M(publish) M(event_shard)      \
    M(shard_index) M(shard_measure) M(say) M(metric_collect) M(sample) M(question_shard)       \
    M(question_item) M(question_verb) M(question_query) M(question_body)                       \
    M(question_set_data) M(question_data) M(answer) M(answer_fail)                \
    M(is_answer) M(pass_answer) M(whole_run) M(advance) \
    M(wait_open) M(wait) M(type_name) M(setting) M(lent) \
    M(hmac_parts) M(ed25519_verify) M(ed25519_sign) M(base64_write) M(base64_read) \
    M(event_header_at) M(event_key) M(step_key) M(event_query) M(event_header_hide) \
    M(event_query_hide) M(event_auth_set) M(key_new) M(key_free) M(key_algorithms) \
    M(key_check) M(fetch) M(fetch_cancel) M(work) M(password_hash_check) M(password_check) \
    M(signature_find) M(json_read_unique) M(event_peer) \
    M(socket_offer) M(socket_send) M(socket_close) M(socket_hold) M(socket_queued) M(event_query_text) \
    M(event_headers) M(event_params) M(emit_request) M(publish_to) M(redis_listen) M(redis_listen_end) \
    M(event_auth) M(event_eval) M(event_key_share) \
    M(event_auth_blocked) M(event_auth_failed) M(uuid) M(digest_local) M(json_heard)
#define HOST_MEMBERS                                                                           \
    M(size)                                                                                    \
    M(abi_minor)                                                                               \
    M(slot)                                                                                    \
    M(slot_flags)                                                                              \
    M(blocks) M(block_path) M(block_find) M(block_slot) M(pipeline_find) M(metric) M(route) M( \
        table) M(done) M(fail) M(alloc) M(set_data) M(data) M(shard) M(deadline_ms) M(attempt) \
        M(input) M(idempotency_key) M(eval) M(eval_text) M(lookup) M(block) M(block_cancel)    \
            M(pipeline) M(reply) M(header_set) M(header_add) M(log) M(log_fields) M(http)      \
                M(http_cancel) M(count) M(measure) M(event_method) M(event_path)               \
                    M(event_client_ip) M(event_header) M(event_body) M(event_alloc)            \
                        M(event_header_set) M(start_run) M(refuse) M(event_reply) M(emit)      \
                            M(now_ms) M(wall_ms) M(timer_start) M(timer_stop) M(watch_start)   \
                                M(watch_stop) M(table_entry) M(table_sweep) M(ref) M(unref)    \
                                    M(type) M(len) M(get_bool) M(get_int) M(get_double) M(     \
                                        get_text) M(get) M(at) M(member) M(null) M(boolean)    \
                                        M(integer) M(number) M(string) M(bytes) M(list_new)    \
                                            M(map_new) M(list_add) M(map_set) M(build)         \
                                                M(builder_free) M(equal) M(json_read)          \
                                                    M(json_write) M(schema_new) M(schema_free) \
                                                        M(schema_check) M(regex_new)           \
                                                            M(regex_free) M(regex_match)       \
                                                                M(digest) M(hmac)              \
                                                                    M(equal_secret) M(random) HOST_1_1_MEMBERS

#define S weir_text
static const struct member text[] = { TEXT_MEMBERS };
#undef S
#define S weir_error
static const struct member error[] = { ERROR_MEMBERS };
#undef S
#define S weir_metric
static const struct member metric[] = { METRIC_MEMBERS };
#undef S
#define S weir_block_type
static const struct member block_type[] = { BLOCK_MEMBERS };
#undef S
#define S weir_node_type
static const struct member node_type[] = { NODE_MEMBERS };
#undef S
#define S weir_trigger_type
static const struct member trigger_type[] = { TRIGGER_MEMBERS };
#undef S
#define S weir_plugin
static const struct member plugin[] = { PLUGIN_MEMBERS };
#undef S
#define S weir_route
static const struct member route[] = { ROUTE_MEMBERS };
#undef S
#define S weir_header
static const struct member header[] = { HEADER_MEMBERS };
#undef S
#define S weir_reply
static const struct member reply[] = { REPLY_MEMBERS };
#undef S
#define S weir_http_request
static const struct member http_request[] = { REQUEST_MEMBERS };
#undef S
#define S weir_http_answer
static const struct member http_answer[] = { ANSWER_MEMBERS };
#undef S
#define S weir_collection
static const struct member collection[] = { COLLECTION_MEMBERS };
#undef S
#define S weir_tester
static const struct member tester[] = { TESTER_MEMBERS };
#undef S
#define S weir_redis_request
static const struct member redis_request[] = { REDIS_MEMBERS };
#undef S
#define S weir_socket_config
static const struct member socket_config[] = { SOCKET_CONFIG_MEMBERS };
#undef S
#define S weir_socket_owner
static const struct member socket_owner[] = { SOCKET_OWNER_MEMBERS };
#undef S
#define S weir_emit
static const struct member emit[] = { EMIT_MEMBERS };
#undef S
#define S weir_host
static const struct member host[] = { HOST_MEMBERS };
#undef S

#define L(name)                                                             \
    {                                                                       \
#name, sizeof(struct weir_##name), name, sizeof name / sizeof *name \
    }
static const struct layout layouts[] = {
    L(text),  L(error),  L(metric), L(block_type),   L(node_type),   L(trigger_type), L(plugin),
    L(route), L(header), L(reply),  L(http_request), L(http_answer), L(collection), L(tester), L(redis_request),
    L(socket_config), L(socket_owner), L(emit), L(host),
};

/* Whether the members follow each other with no more between them than alignment asks for. */
static int
has_gaps(const struct layout *l)
{
    size_t end = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct member *m = &l->members[i];
        size_t expected = (end + m->align - 1) / m->align * m->align;
        if (m->offset != expected) {
            printf("weir_%s: there is a gap before '%s'\n", l->name, m->name);
            return 1;
        }
        end = m->offset + m->size;
    }
    if (l->size - end >= _Alignof(max_align_t)) {
        printf("weir_%s: there is a gap at its end\n", l->name);
        return 1;
    }
    return 0;
}

/* The whole list; the caller frees it. */
static char *
written(void)
{
    char *text_of_all = calloc(1, 65536);
    size_t len = 0;
    if (text_of_all == NULL)
        abort();
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        const struct layout *l = &layouts[i];
        len += (size_t)sprintf(text_of_all + len, "weir_%s %zu\n", l->name, l->size);
        for (size_t k = 0; k < l->n; k++)
            len += (size_t)sprintf(text_of_all + len, "  %s %zu\n", l->members[k].name,
                                   l->members[k].offset);
    }
    return text_of_all;
}

/* Tells the first line in which they differ. */
static int
compare(const char *is, const char *was)
{
    for (unsigned line = 1; *is || *was; line++) {
        size_t a = strcspn(is, "\n");
        size_t b = strcspn(was, "\n");
        if (a != b || memcmp(is, was, a) != 0) {
            printf(
                "abi_offsets.txt:%u: was '%.*s', is '%.*s'\n"
                "A member that is moved, or is larger, needs a new WEIR_ABI_MAJOR; one that "
                "is\n"
                "appended a new WEIR_ABI_MINOR. See docs/abi.md, then run this with --print.\n",
                line, (int)b, was, (int)a, is);
            return 1;
        }
        is += a + (is[a] != '\0');
        was += b + (was[b] != '\0');
    }
    return 0;
}

int
main(int argc, char **argv)
{
    static char was[65536];
    int bad = 0;
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        bad |= has_gaps(&layouts[i]);
    char *is = written();
    if (argc > 1 && strcmp(argv[1], "--print") == 0) {
        fputs(is, stdout);
    } else {
        FILE *f = fopen(WEIR_SOURCE "/tests/plugin/abi_offsets.txt", "r");
        if (f != NULL) {
            (void)fread(was, 1, sizeof was - 1, f);
            fclose(f);
        }
        bad |= compare(is, was);
    }
    free(is);
    return bad;
}
