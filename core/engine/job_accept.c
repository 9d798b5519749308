/* engine/job_accept.c - events on their way into the store. See job.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/job.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "engine/admission.h"
#include "engine/job_event.h"
#include "engine/once.h"
#include "engine/outcome.h"

#define EVENT_MAX (16u << 20) /* bytes of a stored event */
#define JOB_PATH "/_weir/jobs/"

bool
job_wanted(const struct engine *e, const struct flow *f)
{
    return e->jobs && f->pipeline->durable != DURABLE_NO;
}

/* -- new jobs -- */

/* An event on its way into the store. */
struct accepting {
    struct job_accept accept;
    struct weir_event *event;
    struct gate *gate;
    struct weir_text key;
    bool placed;
    uint8_t once[DIGEST_MAX];    /* of the idempotency key; JOB_ONCE bytes count */
    uint8_t content[DIGEST_MAX]; /* of what has to be the same */
    struct buf bytes;
};

static void
refuse(struct weir_event *e, const struct weir_error *err)
{
    struct generation_part *part = e->part;
    once_end(e, false);
    event_answer_error(e, err);
    e->ops->release(e);
    part_unpin(part);
}

static void
accepting_free(struct accepting *a)
{
    job_accept_free(&a->accept);
    buf_fini(&a->bytes);
    free(a);
}

/* Nothing became of it. */
static void
accept_failed(struct accepting *a, const struct weir_error *err)
{
    struct weir_event *e = a->event;
    if (err->code == WEIR_UNAVAILABLE)
        admission_count(e->shard, e->trigger->flow, ADMISSION_STORE);
    if (a->placed && a->gate)
        admission_leave(engine_of(e->shard), a->gate, a->key);
    e->job = NULL;
    refuse(e, err);
}

/* The event does not run here: it came before, and its caller gets what the first one got; or
 * its pipeline is paused, or others of its order key come first, and nobody can wait for that. */
static void
answer_and_leave(struct accepting *a)
{
    struct weir_event *e = a->event;
    struct generation_part *part = e->part;
    if (a->placed && a->gate)
        admission_leave(engine_of(e->shard), a->gate, a->key);
    e->job = NULL;
    if (!a->accept.repeated)
        job_reply_accepted(e, a->accept.id);
    else if (!job_answer_again(e, a->accept.first_result))
        job_reply_accepted(e, a->accept.first);
    once_end(e, true);
    e->ops->release(e);
    part_unpin(part);
}

/* What is said of a job that has been accepted. The caller lets go of the body. */
struct notice {
    char url[sizeof JOB_PATH + ID_UUID];
    struct weir_header location;
    struct event_reply reply;
};

/* Copies TEXT to TO; where it ends. */
static char *
put(char *to, struct weir_text text)
{
    memcpy(to, text.bytes, text.len);
    return to + text.len;
}

static void
write_notice(struct notice *n, const char *id)
{
    char json[64 + 2 * ID_UUID], *to = json; /* 37 characters beside the job's */
    struct weir_text job = text_of(id);
    char *end = put(put(n->url, TEXT(JOB_PATH)), job);
    struct weir_text url = { n->url, (size_t)(end - n->url) };
    to = put(put(to, TEXT("{\"job\":\"")), job);
    to = put(put(to, TEXT("\",\"status_url\":\"")), url);
    to = put(to, TEXT("\"}"));
    n->location = (struct weir_header){ TEXT("Location"), url };
    n->reply = (struct event_reply){ .status = 202,
                                     .content_type = TEXT("application/json"),
                                     .headers = &n->location,
                                     .n_headers = 1,
                                     .body = value_string(json, (size_t)(to - json)) };
}

/* E is in the store, and nobody has heard yet: other gateways may say so from now on. */
static void
commit(struct weir_event *e)
{
    struct notice n;
    size_t len = 0;
    if (e->once_claim == NULL)
        return;
    write_notice(&n, e->job->id);
    char *bytes = job_answer_pack(&n.reply, &len);
    claim_commit(e, (struct weir_text){ bytes, bytes ? len : 0 });
    free(bytes);
    value_unref(&n.reply.body);
}

static void
accepted(struct store_op *op, const struct weir_error *err)
{
    struct accepting *a = (struct accepting *)(void *)op;
    struct weir_event *e = a->event;
    (void)job_op_told(op);
    if (err) {
        struct weir_error copy = *err;
        copy.retry_after_ms = err->code == WEIR_UNAVAILABLE ? 1000 : 0;
        copy.status = err->code == WEIR_INVALID ? 422 : 0;
        accept_failed(a, &copy);
    } else if (a->accept.repeated || a->accept.held || a->accept.blocked) {
        answer_and_leave(a);
    } else {
        e->job->seq = a->accept.seq;
        if (e->trigger->flow->pipeline->respond == RESPOND_ACCEPTED) {
            job_reply_accepted(e, e->job->id);
            once_end(e, true);
        } else {
            commit(e);
        }
        if (a->accept.state != JOB_RUNNING) { /* the store keeps it until there is a place */
            struct generation_part *part = e->part;
            e->ops->release(e);
            part_unpin(part);
        } else {
            admission_go(e, a->gate, a->key, a->placed);
        }
    }
    accepting_free(a);
}

/* Whether a job that has its answer waits in the store, and not in memory. */
static bool
waits_in_store(const struct engine *en, const struct weir_event *e, bool placed)
{
    return e->trigger->flow->pipeline->respond == RESPOND_ACCEPTED &&
           (!placed || atomic_load_explicit(&en->n_runs, memory_order_relaxed) >= JOBS_MAX);
}

static struct job *
job_new(struct weir_event *e)
{
    struct job *j = arena_alloc(e->arena, sizeof *j);
    if (j == NULL)
        return NULL;
    j->accepted_ms = clock_wall_ms();
    id_uuid7(j->accepted_ms, j->id);
    j->attempt = 1;
    return j;
}

/* Fills in the idempotency key of A's event, if its pipeline asks for one and it has one. */
static enum weir_code
take_once(struct accepting *a, struct weir_error *err)
{
    struct weir_event *e = a->event;
    const struct pipeline *p = e->trigger->flow->pipeline;
    if (!once_key(e, a->once, a->content, err))
        return (enum weir_code)err->code;
    struct job_accept *op = &a->accept;
    op->once = a->once;
    op->content = a->content;
    op->once_until_ms = clock_wall_ms() + once_ttl(e);
    op->once_running = p->idempotency_refuse ? ONCE_REFUSE : p->respond == RESPOND_RESULT ? ONCE_WAIT : ONCE_TELL;
    e->job->once = p->respond == RESPOND_RESULT;
    return WEIR_OK;
}

/* Fills in the order key of A's event, if its pipeline asks for one and it has one. */
static enum weir_code
take_order(struct accepting *a, struct weir_error *err)
{
    struct weir_event *e = a->event;
    const struct pipeline *p = e->trigger->flow->pipeline;
    struct weir_text key = { "", 0 };
    enum weir_code code = p->order_by ? admission_text(e, p->order_by, &key, err) : WEIR_OK;
    if (code == WEIR_NOT_FOUND)
        return WEIR_OK;
    if (code != WEIR_OK)
        return err_in(err, "order_by");
    a->accept.order_key = key;
    a->accept.order_hold = p->order_hold;
    return WEIR_OK;
}

static struct accepting *
accepting_new(struct weir_event *e, struct weir_error *err)
{
    struct accepting *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    buf_init(&a->bytes, EVENT_MAX);
    a->event = e;
    e->job = job_new(e);
    if (e->job && job_event_write(&a->bytes, e, err) == WEIR_OK && take_once(a, err) == WEIR_OK &&
        take_order(a, err) == WEIR_OK)
        return a;
    if (e->job == NULL)
        err_set(err, WEIR_TOO_LARGE, "the event needs more memory than it may have");
    e->job = NULL;
    accepting_free(a);
    return NULL;
}

void
job_accept(struct weir_event *e, struct gate *gate, struct weir_text key, bool placed)
{
    struct engine *en = engine_of(e->shard);
    const struct pipeline *p = e->trigger->flow->pipeline;
    struct weir_error err = { 0 };
    struct accepting *a = accepting_new(e, &err);
    if (a == NULL) {
        if (placed && gate)
            admission_leave(en, gate, key);
        refuse(e, &err);
        return;
    }
    bool in_store = waits_in_store(en, e, placed);
    if (in_store && placed && gate)
        admission_leave(en, gate, key);
    a->gate = gate;
    a->key = key;
    a->placed = placed && !in_store;
    struct job_accept *op = &a->accept;
    op->op = (struct store_op){ .shard = e->shard, .done = accepted, .kind = STORE_ACCEPT };
    memcpy(op->id, e->job->id, sizeof op->id);
    op->state = in_store ? JOB_READY : JOB_RUNNING;
    op->waits = !in_store && !placed;
    e->job->attempt = op->waits ? 0 : 1;
    op->pipeline = text_of(p->name);
    op->revision = text_of(p->revision);
    op->event = (struct weir_text){ a->bytes.bytes, a->bytes.len };
    if (p->concurrency_key) /* else it is the same for all, and the store need not look for it */
        op->key = key;
    op->created_ms = op->due_ms = e->job->accepted_ms; /* what now() is in the first attempt, and in each */
    if (job_submit(en, &op->op, &err) == WEIR_OK)
        return;
    err.retry_after_ms = 1000;
    accept_failed(a, &err);
    accepting_free(a);
}

void
job_reply_accepted(struct weir_event *e, const char *id)
{
    struct notice n;
    write_notice(&n, id);
    event_answer(e, &n.reply);
    value_unref(&n.reply.body);
}
