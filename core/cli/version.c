/* cli/version.c - weir version. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "abi/weir.h"
#include "cli/commands.h"

static int
run(const struct args *a)
{
    if (args_given(a, "json"))
        printf("{\"version\": \"%s\", \"abi\": \"%u.%u\"}\n", WEIR_VERSION, WEIR_ABI_MAJOR, WEIR_ABI_MINOR);
    else
        printf("weir %s (plugin ABI %u.%u)\n", WEIR_VERSION, WEIR_ABI_MAJOR, WEIR_ABI_MINOR);
    return EXIT_GOOD;
}

static const struct option options[] = { { 0, "json", NULL, "as JSON" } };

const struct command command_version = {
    .name = "version",
    .summary = "say which version this is",
    .usage = "[--json]",
    .description = "The version of weir, and that of the interface which plugins are built for: a plugin of the\n"
                   "same major ABI version loads. With --json: { version, abi }.\n",
    .exits = "0 good, 2 used wrongly",
    .options = options,
    .n_options = 1,
    .run = run,
};
