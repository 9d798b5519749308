/* engine/tail.c - see tail.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/tail.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "engine/run.h"
#include "loop/mail.h"

#define SHOWN_MAX 4096u /* bytes of an output that a watcher is shown */

static atomic_uint watchers;
static atomic_ullong lost;

void
tail_begin(void)
{
    atomic_fetch_add(&watchers, 1);
}

void
tail_end(void)
{
    atomic_fetch_sub(&watchers, 1);
}

uint64_t
tail_lost(void)
{
    return atomic_load(&lost);
}

bool
tail_wanted(void)
{
    return atomic_load_explicit(&watchers, memory_order_relaxed) > 0;
}

static void
put(struct weir_builder *b, const char *key, const struct weir_value *take_v)
{
    builder_set(b, key, strlen(key), &take_v);
}

static struct weir_builder *
message(const struct run *r, const char *what)
{
    char time[CLOCK_TEXT];
    clock_text(clock_wall_ms(), time);
    struct weir_builder *b = builder_map();
    put(b, "event", value_text(what));
    put(b, "time", value_text(time));
    put(b, "pipeline", value_text(r->flow->pipeline->name));
    put(b, "run", value_text(r->id));
    put(b, "request", value_string(r->event->id.bytes, r->event->id.len));
    return b;
}

static void
put_masked(struct weir_builder *b, struct run *r, const char *key, const struct weir_value *v)
{
    const struct weir_value *unmarked = value_masked(v);
    put(b, key, run_hide_value(r, unmarked));
    value_unref(&unmarked);
}

/* A value as a watcher may see it: without secrets, and not if it is large. */
static void
put_shown(struct weir_builder *b, struct run *r, const char *key, const struct weir_value *v)
{
    if (v == NULL)
        return;
    if (v->type == WEIR_STREAM)
        put(b, key, value_text("(a stream)"));
    else if (value_weight(v) > SHOWN_MAX)
        put(b, key, value_text("(larger than is shown)"));
    else
        put_masked(b, r, key, v);
}

static void
put_failure(struct weir_builder *b, const struct failure *f)
{
    put(b, "code", value_text(code_name(f->error.code)));
    put(b, "error", value_text(f->error.text));
}

static void
send(struct weir_builder *b)
{
    const struct weir_value *v = builder_end(&b);
    struct weir_error err;
    if (mail_send(TAIL_MAILBOX, v, &err) != WEIR_OK)
        atomic_fetch_add(&lost, 1);
    value_unref(&v);
}

void
tail_run(struct run *r, const char *what, const char *outcome)
{
    struct weir_builder *b = message(r, what);
    if (outcome) {
        put(b, "outcome", value_text(outcome));
        put(b, "status", value_int(r->reply_status));
        put(b, "duration_ms", value_double((double)(clock_mono_ns() - r->started_ns) / 1e6));
    } else {
        put(b, "method", value_string(r->event->method.bytes, r->event->method.len));
        struct weir_text path = run_hides_path(r) ? r->event->route : r->event->path;
        put(b, "path", value_string(path.bytes, path.len));
    }
    if (r->failure) {
        put(b, "node", value_text(r->failure->node ? r->failure->node : ""));
        put_failure(b, r->failure);
    }
    send(b);
}

void
tail_node(const struct frame *f, const struct unit *u, uint64_t duration_ns, const struct weir_value *output,
          const struct failure *failure)
{
    struct run *r = f->run;
    struct weir_builder *b = message(r, "node.ended");
    put(b, "node", value_text(u->node->id));
    put(b, "type", value_text(u->type->name));
    put(b, "attempt", value_int(f->attempt));
    put(b, "duration_ms", value_double((double)duration_ns / 1e6));
    const struct weir_value *input = f->input ? f->input : r->event->body ? r->event->body : r->body;
    put_shown(b, r, "input", input);
    if (failure)
        put_failure(b, failure);
    else
        put_shown(b, r, "output", output);
    send(b);
}
