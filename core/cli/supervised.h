/* cli/supervised.h - weir run as two processes: what the supervisor is given, and what the worker
 * takes from it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_SUPERVISED_H
#define CLI_SUPERVISED_H

#include "cli/setup.h"
#include "edge/edge.h"
#include "guard/channel.h"

/* Runs the supervisor if the settings want one: true, with its exit code. False: this process is
 * to do the work itself, as it also is where the settings are wrong, which it then says. */
bool supervised(const struct args *a, int *ret_code);

/* Starts the log as the settings want it. */
void start_log(const struct settings *s);

/* The addresses of a side that were handed over, in place of those of the setting KEY; false if
 * there are none. They borrow what was handed over. */
bool handed_addresses(const struct settings *s, enum handover_side side, const char *key,
                      struct edge_addresses *ret);

/* How many shards there are to be. */
unsigned shards_wanted(const struct settings *s);

#endif
