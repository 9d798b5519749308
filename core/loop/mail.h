/* loop/mail.h - mailboxes: how actors talk. Messages are values, msgpack in ZeroMQ frames.
 *
 * A mailbox has a name within the process and is read on the shard that opened it. Sending
 * never blocks: a full mailbox refuses. What a mailbox holds is bounded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_MAIL_H
#define LOOP_MAIL_H

#include "loop/shard.h"
#include "value/value.h"

struct mailbox;

/* A message has come; it is lent. */
typedef void mail_fn(void *arg, const struct weir_value *message);

/* Opens the mailbox NAME ("shard-0", "keeper") on S, holding at most MAX messages. */
enum weir_code mailbox_open(struct weir_shard *s, const char *name, unsigned max, mail_fn *fn, void *arg,
                            struct mailbox **ret, struct weir_error *err) MUST_USE;

/* Closes; messages that were not read are lost. NULL is accepted and left. Same thread. */
void mailbox_close(struct mailbox **m);

/* Sends MESSAGE to the mailbox NAME. WEIR_UNAVAILABLE if it is full, WEIR_NOT_FOUND if it is
 * not there. Any thread: each keeps its own sockets, see mail_thread_end. */
enum weir_code mail_send(const char *name, const struct weir_value *message, struct weir_error *err) MUST_USE;

/* The same for a map that holds "kind" alone. */
enum weir_code mail_send_kind(const char *name, const char *kind, struct weir_error *err) MUST_USE;

/* Closes the calling thread's sending sockets; call before a thread ends. */
void mail_thread_end(void);

/* Messages that the mailbox NAME took and has not yet given out; 0 if there is none. Any thread. */
uint64_t mail_depth(const char *name);

/* To be called once before the first socket of the process: ZeroMQ's own signal handling is
 * switched off; and once at the end. */
void mail_begin(void);
void mail_end(void);

#endif
