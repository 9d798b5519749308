/* plugin/bad/no_symbol.c - exports something, but not the one symbol.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir.h>

WEIR_EXPORT int weir_plugin_entree(void);

int
weir_plugin_entree(void)
{
    return 0;
}
