/* engine/job_step.c - records of steps: what is finished is not done twice. See job.h.
 *
 * With durable: steps each step's answer is in the store before the next one starts. In both
 * kinds an unsafe step's start is there before anything is sent, and its end before the next step
 * starts: if a crash cuts it in the middle, nobody knows whether it was done, and the job says so.
 * Block nodes have no records of their own: they are called again, and what is in them answers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "engine/job.h"
#include "engine/job_trace.h"
#include "value/msgpack.h"

#define PATH_ROOM 512u
#define OUTPUT_MAX (16u << 20)

/* A record on its way into the store. */
struct recording {
    struct job_step step;
    struct run *run;     /* which its memory waits for */
    struct frame *frame; /* NULL: it went */
    struct weir_call *call; /* of a wait; else NULL */
    struct buf bytes;    /* path, message and output */
    struct job_choice *choices; /* that go with it; owned */
};

static size_t
write_path(const struct frame *f, const struct unit *u, bool attempts, char *ret, size_t size)
{
    int len = snprintf(ret, size, "%s", u->node->id);
    for (; f; f = f->parent) {
        if (frame_repeats(f) && len > 0 && (size_t)len < size - 48)
            len += snprintf(ret + len, size - (size_t)len, "/%llu", (unsigned long long)f->turn);
        if (attempts && f->owner && f->owner->attempt > 1 && (size_t)len < size - 24)
            len += snprintf(ret + len, size - (size_t)len, "~%u", f->owner->attempt);
    }
    return len > 0 ? (size_t)len : 0;
}

size_t
job_step_path(const struct frame *f, const struct unit *u, char *ret, size_t size)
{
    return write_path(f, u, false, ret, size);
}

size_t
job_record_path(const struct frame *f, const struct unit *u, char *ret, size_t size)
{
    return write_path(f, u, true, ret, size);
}

const char *
job_root(const struct run *r)
{
    const struct job *j = r->event->job;
    return j && j->root[0] ? j->root : r->id;
}

/* UUID version 8 (RFC 9562): the bytes are those of a SHA-256 over the run's root, the step and a
 * count. */
void
job_step_uuid(struct frame *f, char ret[ID_UUID])
{
    char text[ID_UUID + PATH_ROOM + 16];
    uint8_t hash[DIGEST_MAX];
    const struct unit *u = &f->run->flow->units[f->block->nodes[f->at]->index];
    size_t len = (size_t)snprintf(text, sizeof text, "%s/", job_root(f->run));
    len += job_step_path(f, u, text + len, PATH_ROOM);
    len += (size_t)snprintf(text + len, sizeof text - len, "#%u", f->uuids++);
    digest(WEIR_SHA256, (struct weir_text){ text, len }, hash);
    id_uuid8(hash, ret);
}

static bool
is_unsafe(const struct unit *u)
{
    return u->effect == WEIR_EFFECT_UNSAFE;
}

/* Whether U has records in a run of F's pipeline. */
static bool
is_recorded(const struct frame *f, const struct unit *u)
{
    const struct run *r = f->run;
    if (r->event->job == NULL || r->stage != RUN_STEPS || u->node->n_children > 0 || u->type->flags & WEIR_WAITS)
        return false; /* a wait has a record of its own: job_wait.c */
    return pipeline_records(r->flow->pipeline) || is_unsafe(u);
}

void
job_step_forget(struct frame *f)
{
    struct recording *rec = f->recording;
    if (rec)
        rec->frame = NULL;
    f->recording = NULL;
}

static void
recording_free(struct recording *rec)
{
    job_choices_free(&rec->choices);
    buf_fini(&rec->bytes);
    free(rec);
}

/* The store has it (ERR NULL), or the job is somebody else's by now. */
static void
recorded(struct store_op *op, const struct weir_error *err)
{
    struct recording *rec = (struct recording *)(void *)op;
    struct run *r = rec->run;
    struct frame *f = rec->frame;
    struct weir_call *waits = f && f->call == rec->call ? rec->call : NULL;
    (void)job_op_told(op);
    recording_free(rec);
    if (f)
        f->recording = NULL;
    if (err && f)
        run_cancel(r, WEIR_CANCELLED, err->text);
    job_cancel_go_on(r);
    r->owed--;
    if (waits)
        job_wait_opened(waits, err);
    if (f && !f->running)
        frame_walk(f); /* R may be gone after this */
    else
        run_settle(r);
}

/* Hands the record to the store; false: it can't be, and the run ends. */
static bool
submit(struct recording *rec)
{
    struct run *r = rec->run;
    struct weir_error err;
    if (job_submit(r->engine, &rec->step.op, &err) == WEIR_OK) {
        rec->frame->recording = rec;
        r->owed++;
        return true;
    }
    run_cancel(r, WEIR_CANCELLED, err.text);
    recording_free(rec);
    return false;
}

static struct recording *
recording_new(struct frame *f, const struct unit *u)
{
    char path[PATH_ROOM];
    struct recording *rec = calloc(1, sizeof *rec);
    if (rec == NULL)
        abort();
    struct job *j = f->run->event->job;
    buf_init(&rec->bytes, OUTPUT_MAX);
    rec->run = f->run;
    rec->frame = f;
    struct job_step *s = &rec->step;
    s->op = (struct store_op){ .shard = f->run->engine->shard, .done = recorded, .kind = STORE_STEP };
    memcpy(s->id, j->id, sizeof s->id);
    s->attempt = j->attempt;
    s->at_ms = clock_wall_ms();
    s->choices = rec->choices = j->choices;
    j->choices = NULL;
    j->choices_end = NULL;
    j->n_choices = 0;
    s->revision = text_of(f->run->flow->pipeline->revision); /* the run holds it */
    s->path.len = job_record_path(f, u, path, sizeof path);
    (void)buf_add(&rec->bytes, path, s->path.len, NULL);
    job_trace_times(s, f, u);
    return rec;
}

/* The texts lie one behind the other. */
static void
point(struct recording *rec, size_t message_len)
{
    struct job_step *s = &rec->step;
    const char *b = rec->bytes.bytes;
    s->path.bytes = b;
    s->failure.message = (struct weir_text){ b + s->path.len, message_len };
    s->output = (struct weir_text){ b + s->path.len + message_len, rec->bytes.len - s->path.len - message_len };
}

static const struct job_known *
find_known(const struct frame *f, const struct unit *u)
{
    char path[PATH_ROOM];
    const struct job *j = f->run->event->job;
    if (j->memory == NULL)
        return NULL;
    const struct job_known *k = job_known_find(j, (struct weir_text){ path, job_record_path(f, u, path, sizeof path) });
    return k && k->kind == RECORD_OVER ? k : NULL;
}

uint64_t
job_step_now(const struct frame *f)
{
    const struct job *j = f->run->event->job;
    return f->recorded_ms ? f->recorded_ms : j->accepted_ms;
}

enum job_step_is
job_step_begin(struct frame *f, const struct unit *u)
{
    if (f->run->event->job->cancelled && f->run->stage == RUN_STEPS)
        return JOB_STEP_WAIT; /* for the end of the run, which comes when no unsafe step is open */
    if (!is_recorded(f, u) || f->recorded)
        return JOB_STEP_GO;
    const struct job_known *k = find_known(f, u);
    if (k) {
        f->answered = true;
        f->repeated = true;
        f->recorded_ms = k->at_ms;
        if (k->code == 0) {
            f->output = value_ref(k->output);
            return JOB_STEP_KNOWN;
        }
        struct weir_error err = { 0 };
        err_set(&err, (enum weir_code)k->code, "%.*s", (int)k->message.len, k->message.bytes);
        err.sent = 1;
        f->node_failure = run_failure(f->run, &err, u->node->id, f->attempt);
        return JOB_STEP_KNOWN;
    }
    f->recorded = true;
    if (!is_unsafe(u))
        return JOB_STEP_GO;
    struct recording *rec = recording_new(f, u);
    rec->step.kind = RECORD_BEGUN;
    point(rec, 0);
    f->run->event->job->open_unsafe++;
    (void)submit(rec); /* if it can't be, the run is being cancelled */
    return JOB_STEP_WAIT;
}

bool
job_step_waits(struct weir_call *c, uint64_t until_ms, const char *token)
{
    struct recording *rec = recording_new(c->frame, c->unit);
    rec->call = c;
    rec->step.kind = RECORD_WAITS;
    rec->step.until_ms = until_ms;
    rec->step.token = token;
    point(rec, 0);
    return submit(rec);
}

/* Appends the output. An upstream may have echoed a secret: what is kept does not have it, so a
 * later attempt sees *** in its place. */
static enum weir_code
write_output(struct recording *rec, const struct weir_value *output, struct weir_error *err)
{
    const struct secrets *s = rec->run->part->generation->secrets;
    size_t before = rec->bytes.len;
    enum weir_code code = msgpack_write(&rec->bytes, output, err);
    struct weir_text written = { rec->bytes.bytes + before, rec->bytes.len - before };
    if (code != WEIR_OK || !secrets_stand_in(s, written))
        return code;
    rec->bytes.len = before;
    const struct weir_value *kept = secrets_kept(s, output);
    code = msgpack_write(&rec->bytes, kept, err);
    value_unref(&kept);
    return code;
}

bool
job_step_end(struct frame *f, const struct unit *u)
{
    if (f->ended_record || f->repeated || !is_recorded(f, u))
        return false;
    f->ended_record = true;
    struct recording *rec = recording_new(f, u);
    struct weir_error err;
    if (write_output(rec, f->output ? f->output : &value_null, &err) != WEIR_OK) {
        recording_free(rec);
        run_cancel(f->run, WEIR_INTERNAL, "the output of a step can't be stored");
        return true;
    }
    point(rec, 0);
    f->recorded_ms = rec->step.at_ms;
    if (is_unsafe(u))
        f->run->event->job->open_unsafe--;
    (void)submit(rec);
    return true;
}

void
job_step_failed(struct frame *f, const struct unit *u, const struct failure *failure)
{
    bool unsafe = is_unsafe(u);
    if (f->repeated || !is_recorded(f, u) || !f->recorded || failure->error.code == WEIR_CANCELLED)
        return;
    struct recording *rec = recording_new(f, u);
    struct weir_text message = text_of(failure->error.text);
    char how = unsafe ? failure->error.sent ? JOB_FAILED_SENT : JOB_FAILED_UNSENT : JOB_FAILED_CAUGHT;
    rec->step.failure.code = failure->error.code;
    (void)buf_add(&rec->bytes, message.bytes, message.len, NULL);
    (void)buf_add(&rec->bytes, &how, 1, NULL);
    point(rec, message.len);
    if (unsafe)
        f->run->event->job->open_unsafe--;
    if (submit(rec)) /* nothing follows that has to wait */
        job_step_forget(f);
}

void
job_step_cut(struct frame *f)
{
    struct run *r = f->run;
    if (f->at >= f->block->n || f->catching || !f->recorded || f->ended_record || f->repeated)
        return;
    const struct unit *u = &r->flow->units[f->block->nodes[f->at]->index];
    if (!is_recorded(f, u) || !is_unsafe(u))
        return;
    r->event->job->cut_unsafe++;
    job_cancel_go_on(r);
}
