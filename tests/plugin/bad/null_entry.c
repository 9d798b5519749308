/* plugin/bad/null_entry.c - has nothing to say of itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir.h>

const struct weir_plugin *
weir_plugin_entry(const struct weir_host *host)
{
    (void)host;
    return NULL;
}
