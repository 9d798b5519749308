/* edge/memory.h - how near the process is to its limit of memory, and what is done about it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_MEMORY_H
#define EDGE_MEMORY_H

#include <stdint.h>

/* Each step does what those before it do as well. */
enum memory_step {
    MEMORY_GOOD,
    MEMORY_CLOSE_IDLE, /* from 85 % on: connections that are idle or stand still are closed */
    MEMORY_REFUSE_NEW, /* from 90 % on: so are requests on new connections, with 503 */
    MEMORY_REFUSE_ALL  /* from 95 % on: every request */
};

struct memory_watch {
    uint64_t limit; /* bytes; 0: none */
    uint64_t used;  /* bytes, when it was last looked at */
    enum memory_step step;
};

/* Begins to watch; LIMIT 0: that of the process' control group, or what the machine has. */
void memory_watch_init(struct memory_watch *w, uint64_t limit);

/* Reads what the process holds now (RSS) and sets w->step. */
void memory_watch_look(struct memory_watch *w);

/* The step for so many bytes of a limit. */
enum memory_step memory_step_of(uint64_t used, uint64_t limit);

#endif
