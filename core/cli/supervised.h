/* cli/supervised.h - weir run as two processes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_SUPERVISED_H
#define CLI_SUPERVISED_H

#include "cli/setup.h"

/* Runs the supervisor if the settings want one: true, with its exit code. False: this process is
 * to do the work itself, as it also is where the settings are wrong, which it then says. */
bool supervised(const struct args *a, int *ret_code);

/* Starts the log as the settings want it. */
void start_log(const struct settings *s);

#endif
