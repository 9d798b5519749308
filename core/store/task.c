/* store/task.c - see task.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/task.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/ask.h"

static const char *const kinds[] = { "none", "compact", "backup" };

struct task *
task_new(void)
{
    struct task *t = calloc(1, sizeof(*t));
    if (t == NULL)
        abort();
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void
task_free(struct task **t)
{
    if (*t == NULL)
        return;
    pthread_mutex_destroy(&(*t)->lock);
    free((*t)->file);
    free((*t)->error);
    free(*t);
    *t = NULL;
}

static char *
copy(const char *text)
{
    char *made = text != NULL ? strdup(text) : NULL;
    if (text != NULL && made == NULL)
        abort();
    return made;
}

/* Waits for the thread of one that is over. */
static void
join(struct task *t)
{
    if (t->threaded)
        pthread_join(t->thread, NULL);
    t->threaded = false;
}

enum weir_code
task_begin(struct task *t, enum task_kind kind, const char *file, uint64_t *ret_number,
           struct weir_error *err)
{
    if (__atomic_load_n(&t->running, __ATOMIC_ACQUIRE))
        return err_set(err, WEIR_CONFLICT,
                       "a %s of the store is under way; GET /api/v1/store "
                       "says how far it is",
                       kinds[t->kind]);
    join(t);
    pthread_mutex_lock(&t->lock);
    free(t->file);
    free(t->error);
    t->file = copy(file);
    t->error = NULL;
    t->done = t->total = t->ended_ms = 0;
    t->begun_ms = clock_wall_ms();
    *ret_number = ++t->number;
    __atomic_store_n(&t->kind, kind, __ATOMIC_RELAXED);
    __atomic_store_n(&t->running, true, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&t->lock);
    return WEIR_OK;
}

void
task_at(struct task *t, uint64_t done, uint64_t total)
{
    pthread_mutex_lock(&t->lock);
    t->done = done;
    t->total = total;
    pthread_mutex_unlock(&t->lock);
}

void
task_over(struct task *t, const struct weir_error *err)
{
    pthread_mutex_lock(&t->lock);
    t->error = copy(err != NULL ? err->text : NULL);
    t->ended_ms = clock_wall_ms();
    __atomic_store_n(&t->running, false, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&t->lock);
}

bool
task_runs(const struct task *t, enum task_kind kind)
{
    return __atomic_load_n(&t->running, __ATOMIC_ACQUIRE) &&
           __atomic_load_n(&t->kind, __ATOMIC_RELAXED) == kind;
}

bool
task_ending(const struct task *t)
{
    return __atomic_load_n(&t->ending, __ATOMIC_RELAXED);
}

void
task_end(struct task *t)
{
    __atomic_store_n(&t->ending, true, __ATOMIC_RELAXED);
    join(t);
}

void
task_put(struct task *t, struct weir_builder *b)
{
    pthread_mutex_lock(&t->lock);
    if (t->kind != TASK_NONE) {
        struct weir_builder *m = builder_map();
        put_number(m, "number", t->number);
        answer_put_text(m, "what", text_of(kinds[t->kind]));
        builder_put(m, "running", t->running ? &value_true : &value_false);
        put_number(m, "done_bytes", t->done);
        put_number(m, "total_bytes", t->total);
        put_number(m, "begun_ms", t->begun_ms);
        if (t->ended_ms != 0)
            put_number(m, "ended_ms", t->ended_ms);
        if (t->file != NULL)
            answer_put_text(m, "file", text_of(t->file));
        if (t->error != NULL)
            answer_put_text(m, "error", text_of(t->error));
        put_built(b, "task", &m);
    }
    pthread_mutex_unlock(&t->lock);
}
