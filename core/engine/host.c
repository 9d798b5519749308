/* engine/host.c - the host table, put together. See host.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include <pthread.h>

static struct weir_host table;

static void
fill(void)
{
    table.size = sizeof table;
    table.abi_minor = WEIR_ABI_MINOR;
    host_fill_open(&table);
    host_fill_load(&table);
    host_fill_call(&table);
    host_fill_http(&table);
    host_fill_redis(&table);
    host_fill_event(&table);
    host_fill_shard(&table);
    host_fill_value(&table);
    host_fill_tools(&table);
    host_fill_question(&table);
    host_fill_mark(&table);
    host_fill_auth(&table);
    host_fill_key(&table);
    host_fill_fetch(&table);
    host_fill_emit(&table);
    host_fill_socket(&table);
}

const struct weir_host *
host_table(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill);
    return &table;
}
