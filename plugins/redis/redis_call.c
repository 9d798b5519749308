/* redis/redis_call.c - one call: from words to commands, and from replies to its answer.
 *
 * All words of a call are made and looked at before the first command is sent. Then all go in
 * one go, so that nothing of another step comes between MULTI and EXEC.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis.h"

/* One call: what was sent for it, in order. Of a transaction MULTI is the first and EXEC the
 * last. In the call's memory. */
struct request {
    struct weir_call *call;
    const struct redis_node *node;
    unsigned n;
    unsigned pending;
    bool
        sent; /* something may have reached the server, and is not known to be without effect */
    struct sent {
        struct request *request;
        struct weir_command *command;   /* NULL: it has ended */
        const struct weir_value *reply; /* owned; NULL: it has failed, or is still to end */
        struct weir_error *err;         /* how it failed, in the call's memory */
    } all[];
};

/* -- the end -- */

/* Lets go of all that was sent and replied. */
static void
drop(struct request *r)
{
    for (unsigned i = 0; i < r->n; i++) {
        host->redis_forget(&r->all[i].command);
        host->unref(&r->all[i].reply);
    }
}

/* The map { error } for what Redis says to a command; SAID as the engine tells it. */
static const struct weir_value *
kept_error(struct weir_text said)
{
    static const char front[] = "Redis: ";
    if (said.len >= sizeof front - 1 && memcmp(said.bytes, front, sizeof front - 1) == 0) {
        said.bytes += sizeof front - 1;
        said.len -= sizeof front - 1;
    }
    struct weir_builder *b = host->map_new();
    const struct weir_value *text = host->string(reply_said(said));
    if (text == NULL)
        text = host->string(WEIR_TEXT("an error"));
    host->map_set(b, WEIR_TEXT("error"), &text);
    return host->build(&b);
}

/* Puts in front of ERR's text which command it is about. */
static uint32_t
name_order(const struct redis_node *n, unsigned order, struct weir_error *err)
{
    if (n->script != NULL)
        return refuse_in(err, "script");
    if (n->many)
        return refuse_in(err, "/commands/%u (%s)", order, n->orders[order].name);
    return refuse_in(err, "%s", n->orders[order].name);
}

/* The first command that has failed, as the call's error; false: none has. */
static bool
find_failure(const struct request *r, struct weir_error *ret)
{
    bool atomic = r->node->atomic;
    for (unsigned i = 0; i < r->n; i++) {
        if (r->all[i].err == NULL)
            continue;
        *ret = *r->all[i].err;
        ret->sent = r->sent;
        struct weir_text said = reply_said((struct weir_text){ ret->text, strlen(ret->text) });
        ret->text[said.len] = '\0';
        if (atomic && (i == 0 || i == r->n - 1))
            (void)refuse_in(ret, i == 0 ? "MULTI" : "EXEC");
        else
            (void)name_order(r->node, atomic ? i - 1 : i, ret);
        return true;
    }
    return false;
}

/* The reply to command ORDER, V, as a part of the output. */
static uint32_t
shape_order(const struct redis_node *n, unsigned order, const struct weir_value *v,
            const struct weir_value **ret, struct weir_error *err)
{
    struct weir_text error = reply_error(v);
    if (n->script == NULL && error.bytes != NULL) {
        if (n->keeps_errors) {
            *ret = kept_error(error);
            return WEIR_OK;
        }
        error = reply_said(error);
        refuse(err, WEIR_SCRIPT, "Redis: %.*s", (int)error.len, error.bytes);
        return name_order(n, order, err);
    }
    bool pairs = n->script == NULL && n->orders[order].pairs;
    if (reply_shape(v, n->parse, pairs, ret, err) == WEIR_OK)
        return WEIR_OK;
    return name_order(n, order, err);
}

/* The list of all replies. */
static uint32_t
shape_all(const struct request *r, const struct weir_value **ret, struct weir_error *err)
{
    const struct redis_node *n = r->node;
    const struct weir_value *replies = n->atomic ? r->all[r->n - 1].reply : NULL;
    if (n->atomic && (host->type(replies) != WEIR_LIST || host->len(replies) != n->n_orders))
        return refuse(err, WEIR_UPSTREAM, "EXEC: Redis answered with something else");
    struct weir_builder *b = host->list_new();
    for (unsigned i = 0; i < n->n_orders; i++) {
        const struct weir_value *item = NULL;
        const struct weir_value *v = n->atomic ? host->at(replies, i) : r->all[i].reply;
        if (shape_order(n, i, v, &item, err) != WEIR_OK) {
            host->builder_free(&b);
            return err->code;
        }
        host->list_add(b, &item);
    }
    *ret = host->build(&b);
    return WEIR_OK;
}

/* Answers when the last command has ended. */
static void
finish(struct request *r)
{
    struct weir_error err = { 0 };
    const struct weir_value *out = NULL;
    if (!find_failure(r, &err)) {
        err.sent = 1;
        if (r->node->many)
            (void)shape_all(r, &out, &err);
        else
            (void)shape_order(r->node, 0, r->all[0].reply, &out, &err);
    }
    drop(r);
    if (err.code == WEIR_OK)
        host->done(r->call, &out);
    else
        host->fail(r->call, &err);
}

/* Whether an error of that kind stays in the list that is the output. */
static bool
keeps(const struct request *r, const struct weir_error *err)
{
    return r->node->keeps_errors && !r->node->atomic && err->code == WEIR_SCRIPT;
}

static void
replied(void *arg, const struct weir_value *reply, const struct weir_error *err)
{
    struct sent *s = arg;
    struct request *r = s->request;
    s->command = NULL;
    if (err == NULL) {
        s->reply = host->ref(reply);
    } else if (keeps(r, err)) {
        s->reply = kept_error((struct weir_text){ err->text, strlen(err->text) });
    } else {
        s->err = host->alloc(r->call, sizeof *s->err);
        *s->err = *err;
        s->err->detail = NULL;
    }
    r->sent |= err == NULL || err->sent;
    if (--r->pending == 0)
        finish(r);
}

/* -- sending -- */

/* The words of P[0] and P[1], which errors call PLACES. */
static uint32_t
make_words(struct weir_call *call, const struct piece *const p[2], const char *const places[2],
           struct words *ret, struct weir_error *err)
{
    const struct weir_value *lists[2] = { NULL, NULL };
    uint32_t code = WEIR_OK;
    *ret = (struct words){ 0 };
    for (unsigned k = 0; k < 2 && code == WEIR_OK; k++)
        if (p[k] != NULL)
            code = piece_eval(call, p[k], &lists[k], err);
    if (code == WEIR_OK)
        code = words_make(lists, places, ret, err);
    host->unref(&lists[0]);
    host->unref(&lists[1]);
    return code;
}

/* The words of command I of N. */
static uint32_t
make_order(struct weir_call *call, const struct redis_node *n, unsigned i, struct words *ret,
           struct weir_error *err)
{
    char place[32];
    const struct piece *const p[2] = { &n->orders[i].words, NULL };
    const char *const places[2] = { place, "" };
    snprintf(place, sizeof place, n->many ? "/commands/%u" : "/command", i);
    if (make_words(call, p, places, ret, err) != WEIR_OK)
        return err->code;
    const char *why = refused_why(ret->texts, ret->n);
    if (why == NULL)
        return WEIR_OK;
    err->status = 422;
    return refuse(err, WEIR_INVALID, "%s: %s with these arguments is refused: %s", place,
                  n->orders[i].name, why);
}

static void
send(struct request *r, unsigned i, struct weir_redis_request q)
{
    q.size = sizeof q;
    q.timeout_ms = r->node->timeout_ms;
    r->all[i].request = r;
    r->all[i].command =
        host->redis_send(host->shard(r->call), r->node->server, &q, replied, &r->all[i]);
}

static struct request *
request_new(struct weir_call *call, const struct redis_node *n, unsigned n_commands)
{
    struct request *r = host->alloc(call, sizeof *r + n_commands * sizeof r->all[0]);
    r->call = call;
    r->node = n;
    r->n = r->pending = n_commands;
    host->set_data(call, r);
    return r;
}

static void
send_orders(struct weir_call *call, const struct redis_node *n, const struct words *words)
{
    static const struct weir_text multi = { "MULTI", 5 };
    static const struct weir_text exec = { "EXEC", 4 };
    unsigned first = n->atomic ? 1 : 0;
    struct request *r = request_new(call, n, n->n_orders + 2 * first);
    if (n->atomic)
        send(r, 0, (struct weir_redis_request){ .args = &multi, .n_args = 1 });
    for (unsigned i = 0; i < n->n_orders; i++)
        send(r, first + i,
             (struct weir_redis_request){ .args = words[i].texts, .n_args = words[i].n });
    if (n->atomic)
        send(r, r->n - 1, (struct weir_redis_request){ .args = &exec, .n_args = 1 });
}

static uint32_t
refuse_size(struct weir_error *err)
{
    return refuse(err, WEIR_TOO_LARGE, "what is sent to Redis may have at most %u MiB",
                  MAX_BYTES >> 20);
}

static uint32_t
run_orders(struct weir_call *call, const struct redis_node *n, struct weir_error *err)
{
    struct words *words = zeroed(n->n_orders, sizeof *words);
    uint32_t code = WEIR_OK;
    size_t bytes = 4 * ORDER_AROUND;
    for (unsigned i = 0; i < n->n_orders && code == WEIR_OK; i++) {
        code = make_order(call, n, i, &words[i], err);
        bytes += words[i].bytes;
    }
    if (code == WEIR_OK && bytes > MAX_BYTES)
        code = refuse_size(err);
    if (code == WEIR_OK)
        send_orders(call, n, words);
    for (unsigned i = 0; i < n->n_orders; i++)
        words_drop(&words[i]);
    free(words);
    return code;
}

static uint32_t
run_script(struct weir_call *call, const struct redis_node *n, struct weir_error *err)
{
    const struct piece *const p[2] = { &n->keys, &n->args };
    const char *const places[2] = { "/keys", "/args" };
    struct words words;
    struct weir_text script = WEIR_TEXT("");
    (void)host->get_text(n->script, &script);
    uint32_t code = make_words(call, p, places, &words, err);
    if (code == WEIR_OK && words.bytes + script.len > MAX_BYTES)
        code = refuse_size(err);
    if (code == WEIR_OK)
        send(request_new(call, n, 1), 0,
             (struct weir_redis_request){ .args = words.texts,
                                          .n_args = words.n,
                                          .n_keys = words.n_first,
                                          .script = script });
    words_drop(&words);
    return code;
}

void
node_run(struct weir_call *call, void *state)
{
    const struct redis_node *n = state;
    struct weir_error err = { 0 };
    uint32_t code = n->script != NULL ? run_script(call, n, &err) : run_orders(call, n, &err);
    if (code == WEIR_OK)
        return;
    fail_with(call, &err);
}

void
node_cancel(struct weir_call *call, void *state)
{
    (void)state;
    drop(host->data(call));
    host->fail(call, &(struct weir_error){ .code = WEIR_CANCELLED,
                                           .sent = 1,
                                           .text = "the reply of Redis was not waited for" });
}
