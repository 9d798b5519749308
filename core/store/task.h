/* store/task.h - what an operator has told the store to do that takes its time: one at once.
 *
 * It is begun by an order and told of in store.stats, while it is under way and afterwards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_TASK_H
#define STORE_TASK_H

#include <pthread.h>

#include "base/err.h"
#include "value/value.h"

enum task_kind { TASK_NONE, TASK_COMPACT, TASK_BACKUP };

struct task {
    pthread_mutex_t lock;
    enum task_kind kind; /* atomic; the latest one's */
    bool running;        /* atomic */
    bool ending;         /* atomic: the store is closing */
    uint64_t done;       /* bytes */
    uint64_t total;
    uint64_t begun_ms; /* wall */
    uint64_t ended_ms;
    uint64_t number; /* from 1, in this process */
    char *file;      /* of a backup; owned */
    char *error;     /* owned; NULL: it went well */
    pthread_t thread;
    bool threaded; /* THREAD has to be joined */
};

/* There was none yet. */
struct task *task_new(void);
/* Frees it; none is under way. NULL is accepted and left. */
void task_free(struct task **t);

/* Begins one; FILE (NULL: none) is copied. *RET_NUMBER is what it is known by. WEIR_CONFLICT:
 * another one is under way. */
enum weir_code task_begin(struct task *t, enum task_kind kind, const char *file,
                          uint64_t *ret_number, struct weir_error *err) MUST_USE;
/* Says how far it is. */
void task_at(struct task *t, uint64_t done, uint64_t total);
/* It is over; ERR is NULL if it went well. */
void task_over(struct task *t, const struct weir_error *err);

/* Whether one of KIND is under way. Any thread. */
bool task_runs(const struct task *t, enum task_kind kind);
/* Whether it has to stop. Any thread. */
bool task_ending(const struct task *t);

/* Makes it stop, and waits for its thread. */
void task_end(struct task *t);

/* Puts "task" into the map B, if there was one. */
void task_put(struct task *t, struct weir_builder *b);

#endif
