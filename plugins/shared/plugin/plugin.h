/* shared/plugin/plugin.h - what every plugin here has: the host, its one symbol, errors, memory, and calls that
 * end as what they ran did. It is built into each of them, without being named in its CMakeLists.txt.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SHARED_PLUGIN_PLUGIN_H
#define SHARED_PLUGIN_PLUGIN_H

#include <stdlib.h>
#include <string.h>
#include <weir.h>

/* The host, once the plugin was loaded. Hidden, which spares a look at where it is for each use of it. */
extern const struct weir_host *host __attribute__((visibility("hidden")));

/* -- the plugin -- */

/* The fields of struct weir_plugin that all of ours have. */
#define PLUGIN_HEAD(its_name)                                                                  \
    .abi_major = WEIR_ABI_MAJOR, .abi_minor = WEIR_ABI_MINOR, .size = sizeof(struct weir_plugin), \
    .name = its_name, .version = "1.0.0"

/* Those of an array of node types, trigger types or collections. */
#define PLUGIN_NODES(them) .nodes = them, .n_nodes = sizeof(them) / sizeof *(them)
#define PLUGIN_TRIGGERS(them) .triggers = them, .n_triggers = sizeof(them) / sizeof *(them)
#define PLUGIN_COLLECTIONS(them) .collections = them, .n_collections = sizeof(them) / sizeof *(them)

/* Those of struct weir_node_type (and of a trigger type) for an array of blocks or metrics. */
#define PLUGIN_BLOCKS(them) .blocks = them, .n_blocks = sizeof(them) / sizeof *(them)
#define PLUGIN_METRICS(them) .metrics = them, .n_metrics = sizeof(them) / sizeof *(them)

/* The entry of a plugin that has nothing to prepare: PLUGIN("try", PLUGIN_NODES(nodes)); */
#define PLUGIN(its_name, ...)                                                                  \
    const struct weir_plugin *weir_plugin_entry(const struct weir_host *h)                     \
    {                                                                                          \
        static const struct weir_plugin plugin = { PLUGIN_HEAD(its_name), __VA_ARGS__ };       \
        host = h;                                                                              \
        return &plugin;                                                                        \
    }                                                                                          \
    struct weir_plugin /* takes the semicolon */

/* -- errors -- */

/* Fills ERR and returns its code. */
uint32_t refuse(struct weir_error *err, uint32_t code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold));

/* -- memory: without it the process ends -- */

/* Zeros, for N things of SIZE bytes. */
static inline void *
zeroed(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (p == NULL)
        abort();
    return p;
}

/* A copy of T with a NUL behind it, owned by the caller. */
static inline char *
text_copied(struct weir_text t)
{
    char *copy = malloc(t.len + 1);
    if (copy == NULL)
        abort();
    if (t.len > 0)
        memcpy(copy, t.bytes, t.len);
    copy[t.len] = '\0';
    return copy;
}

/* -- values -- */

/* Sets KEY to a value that was made for it; NULL counts as null. */
static inline void
map_take(struct weir_builder *map, struct weir_text key, const struct weir_value *take_v)
{
    host->map_set(map, key, &take_v);
}

/* -- ends of calls -- */

/* Fails the call, and frees what ERR owns. */
void fail_with(struct weir_call *call, const struct weir_error *err);

/* Answers a call that is to be cancelled; WHAT says what is not waited for. */
void cut_short(struct weir_call *call, const char *what);

/* A weir_answer_fn: the struct weir_call ARG ends as what it ran did. */
void pass_on(void *arg, const struct weir_value *output, const struct weir_error *err);

#endif
