/* engine/job_trace.c - see job_trace.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/job_trace.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "engine/given.h"
#include "engine/job.h"
#include "value/msgpack.h"

#define OUTPUT_MAX (64u << 10)
#define OUTPUTS_MAX (256u << 10)

static const char *const effects[] = { "none", "idempotent", "unsafe" };

static void
put(struct weir_builder *b, const char *key, const struct weir_value *take_v)
{
    builder_set(b, key, strlen(key), &take_v);
}

static void
put_output(struct weir_builder *b, const struct run *r, const struct weir_value *output, size_t *left)
{
    size_t size = value_weight_all(output);
    if (value_type(output) == WEIR_STREAM || size > OUTPUT_MAX || size > *left) {
        put(b, "bytes", value_int((int64_t)size));
        return;
    }
    const struct weir_value *unmarked = value_masked(output);
    put(b, "output", secrets_kept(r->part->generation->secrets, unmarked)); /* an upstream may have echoed one */
    value_unref(&unmarked);
    *left -= size;
}

/* The wall time of a moment of R. */
static int64_t
wall_ms(const struct run *r, uint64_t ns)
{
    return (int64_t)(r->started_wall_ms + (ns > r->started_ns ? (ns - r->started_ns) / 1000000 : 0));
}

/* Whether N may run many times, each time with another key. */
static bool
repeats(const struct node *n)
{
    for (; n; n = n->in->owner)
        if (n->in->owner && n->in != n->in->owner->catch && (n->in->type == NULL || n->in->type->runs == WEIR_MANY))
            return true;
    return false;
}

static void
put_key(struct weir_builder *b, const struct run *r, const struct node *n)
{
    char key[JOB_KEY];
    job_step_key(job_root(r), text_of(n->id), key);
    put(b, "key", value_text(key));
}

static void
add_step(struct weir_builder *steps, const struct run *r, unsigned index, size_t *left)
{
    struct weir_builder *b = builder_map();
    static const struct run_step unknown; /* there was no memory for it */
    const struct run_step *s = r->steps ? &r->steps[index] : &unknown;
    const struct node *n = r->flow->pipeline->nodes[index];
    put(b, "id", value_text(n->id));
    if (r->outputs[index])
        put_output(b, r, r->outputs[index], left);
    if (s->tries > 0) {
        put(b, "started_ms", value_int(wall_ms(r, s->began_ns)));
        put(b, "took_ms", value_int(s->took_us / 1000));
        put(b, "tries", value_int(s->tries));
        put(b, "effect", value_text(effects[r->flow->units[index].effect]));
        if (r->flow->units[index].effect == WEIR_EFFECT_IDEMPOTENT && !repeats(n))
            put_key(b, r, n);
    }
    if (s->code != 0 && r->outputs[index] == NULL) /* else its catch gave the output */
        put(b, "code", value_text(code_name(s->code)));
    if (r->failure && r->failure->node == n->id)
        given_put(b, r, r->failure, left);
    const struct weir_value *v = builder_end(&b);
    builder_add(steps, &v);
}

void
job_step_key(const char *root, struct weir_text path, char ret[JOB_KEY])
{
    uint8_t hash[DIGEST_MAX];
    struct buf b;
    buf_init(&b, 4096);
    (void)buf_printf(&b, "%s/", root);
    (void)buf_text(&b, path);
    digest(WEIR_SHA256, buf_content(&b), hash);
    for (unsigned i = 0; i < (JOB_KEY - 1) / 2; i++)
        (void)snprintf(ret + (size_t)(2 * i), 3, "%02x", hash[i]);
    buf_fini(&b);
}

void
job_trace_times(struct job_step *s, const struct frame *f, const struct unit *u)
{
    uint64_t now_ns = clock_mono_ns();
    uint64_t ago_ms = f->attempt > 0 && now_ns > f->attempt_started_ns ? (now_ns - f->attempt_started_ns) / 1000000 : 0;
    s->started_ms = s->at_ms > ago_ms ? s->at_ms - ago_ms : s->at_ms;
    s->tries = f->attempt;
    s->effect = u->effect;
}

void
job_trace_write(struct buf *out, const struct run *r)
{
    size_t left = OUTPUTS_MAX, at = out->len;
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_int(1);
    builder_set(b, "v", 1, &v);
    struct weir_builder *steps = builder_list();
    for (unsigned i = 0; i < r->flow->pipeline->n_nodes; i++)
        if (r->outputs[i] || (r->steps && r->steps[i].tries > 0))
            add_step(steps, r, i, &left);
    v = builder_end(&steps);
    builder_set(b, "steps", 5, &v);
    v = builder_end(&b);
    struct weir_error err;
    if (msgpack_write(out, v, &err) != WEIR_OK)
        out->len = at; /* a stream inside, or no room: the failure itself is kept */
    value_unref(&v);
}
