/* cli/listening.h - where weir listens, and the sockets that were opened for it before.
 *
 * A supervisor, or systemd, has opened them; a process without both opens its own. Main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_LISTENING_H
#define CLI_LISTENING_H

#include "edge/edge.h"
#include "guard/channel.h"
#include "guard/order.h"
#include "pipeline/settings.h"

/* The addresses of a side, from its settings. The error names the setting. */
enum weir_code listening_addresses(const struct settings *s, enum handover_side side,
                                   struct edge_addresses *ret, struct weir_error *err) MUST_USE;

/* How many shards there are to be. */
unsigned listening_shards(const struct settings *s);

/* Opens sockets for all that S names, or takes those that systemd has opened, into an empty H. Those
 * with the name of a setting take its place in S.
 * What can't be opened is left to who listens, who will say what is wrong with it. */
void listening_open(struct settings *s, struct handover *h);

/* Writes down which files of paths listening_open made, for another program to remove; room for
 * ORDER_FILES. Returns how many. */
unsigned listening_files(struct order_file *ret);

/* At the end: removes the files of paths that listening_open made. */
void listening_end(void);

/* Puts the sockets that were handed over to the addresses of a side, read by listening_addresses. */
void listening_given(enum handover_side side, struct edge_addresses *a);

/* Sets in S what the sockets that were handed over were made from: ACTIVATED, those of systemd
 * alone; else the others, and says so where that differs from what S had. */
void listening_settings(struct settings *s, bool activated);

#endif
