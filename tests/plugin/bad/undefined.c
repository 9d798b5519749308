/* plugin/bad/undefined.c - needs a symbol that nobody has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir.h>

const struct weir_plugin *plugin_of_nobody(void);

const struct weir_plugin *
weir_plugin_entry(const struct weir_host *host)
{
    (void)host;
    return plugin_of_nobody();
}
