/* store/oldest.c - since when the oldest job of each pipeline is due: for metrics.
 *
 * The writer looks it up by the index that claims go by, one step a pipeline and at most once a second, so that who
 * reads metrics waits for no disk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/impl.h"
#include "store/job.h"

enum { PIPELINES = 256, NAME_MAX_BYTES = 128, LOOK_MS = 1000 };

struct oldest_one {
    char name[NAME_MAX_BYTES]; /* cut, as labels are */
    size_t len;
    uint64_t due_ms;
};

struct oldest {
    pthread_mutex_t lock; /* over N and ALL */
    unsigned n;
    struct oldest_one all[PIPELINES];
    struct oldest_one found[PIPELINES]; /* by a look that goes on: the writer's */
    uint64_t commits; /* that there were at the last look: the writer's */
    uint64_t next_ms; /* mono; before that it is not looked again */
};

struct oldest *
oldest_new(void)
{
    struct oldest *o = calloc(1, sizeof(*o));
    if (o == NULL)
        abort();
    pthread_mutex_init(&o->lock, NULL);
    o->commits = UINT64_MAX;
    return o;
}

void
oldest_free(struct oldest **o)
{
    if (*o == NULL)
        return;
    pthread_mutex_destroy(&(*o)->lock);
    free(*o);
    *o = NULL;
}

static void
look(struct store *s)
{
    struct oldest *o = s->oldest;
    struct db *db = &s->writes;
    char name[JOB_PIPELINE_MAX] = "";
    size_t len = 0;
    unsigned n = 0;
    for (; n < PIPELINES; n++) {
        sqlite3_stmt *stmt = db_use(db, SQL_NEXT_PIPELINE);
        sqlite3_bind_text(stmt, 1, name, (int)len, SQLITE_STATIC);
        if (!db_row(db, stmt))
            break;
        struct oldest_one *one = &o->found[n];
        struct weir_text t = column_text(stmt, 0);
        one->due_ms = column_number(stmt, 1);
        len = t.len < sizeof(name) ? t.len : sizeof(name);
        memcpy(name, t.bytes, len);
        one->len = len < sizeof(one->name) ? len : sizeof(one->name);
        memcpy(one->name, name, one->len);
        sqlite3_reset(stmt);
    }
    if (db->rc != SQLITE_OK) {
        db_clear(db); /* the next look tries it again */
        return;
    }
    pthread_mutex_lock(&o->lock);
    memcpy(o->all, o->found, n * sizeof(o->all[0]));
    o->n = n;
    pthread_mutex_unlock(&o->lock);
}

uint64_t
oldest_turn(struct store *s)
{
    struct oldest *o = s->oldest;
    uint64_t commits = __atomic_load_n(&s->stats.commits, __ATOMIC_RELAXED), now = clock_mono_ms();
    if (commits == o->commits)
        return UINT64_MAX; /* nothing can have changed */
    if (now < o->next_ms)
        return o->next_ms - now;
    look(s);
    o->commits = commits;
    o->next_ms = now + LOOK_MS;
    return UINT64_MAX;
}

void
store_oldest(const struct store *s, store_oldest_fn *fn, void *arg)
{
    struct oldest *o = s->oldest;
    uint64_t now = clock_wall_ms();
    pthread_mutex_lock(&o->lock);
    for (unsigned i = 0; i < o->n; i++)
        fn(arg, (struct weir_text){ o->all[i].name, o->all[i].len },
           now > o->all[i].due_ms ? now - o->all[i].due_ms : 0);
    pthread_mutex_unlock(&o->lock);
}
