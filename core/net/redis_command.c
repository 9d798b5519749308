/* net/redis_command.c - commands from being sent to their end; see redis_parts.h.
 *
 * A plain command of a connection that is up is written straight to the connection's buffer. One
 * that waits, or that runs a script and may have to be repeated, keeps its bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/recycle.h"
#include "base/units.h"
#include "net/redis_parts.h"

#define STALL_MS 300u /* that a server has to say something after all */

static struct weir_command *
command_new(struct redis_conn *c, weir_redis_fn *fn, void *arg, size_t tail)
{
    size_t room = sizeof(struct weir_command) + tail;
    struct weir_command *cmd = recycle_take(room);
    *cmd = (struct weir_command){ .conn = c, .fn = fn, .arg = arg, .room = room };
    list_init(&cmd->link);
    return cmd;
}

/* Takes CMD out of what the connection counts, and of the order of replies. */
static void
take_out(struct weir_command *cmd)
{
    struct redis_conn *c = cmd->conn;
    list_remove(&cmd->link);
    heap_remove(&c->deadlines, &cmd->deadline);
    if (cmd->counted) {
        c->n--;
        c->bytes -= cmd->size;
    }
    cmd->counted = false;
    redis_script_leave(&cmd->script);
}

static void
command_free(struct weir_command *cmd)
{
    take_out(cmd);
    free(cmd->err);
    recycle_give(cmd, cmd->room);
}

static void
count(const struct redis_conn *c, enum redis_outcome outcome)
{
    atomic_fetch_add_explicit(&redis_counts(c)->commands[outcome], 1, memory_order_relaxed);
}

/* The end of CMD. */
static void
deliver(struct weir_command *cmd, enum redis_outcome outcome, const struct weir_value *reply,
        const struct weir_error *err)
{
    weir_redis_fn *fn = cmd->fn;
    void *arg = cmd->arg;
    if (fn != NULL)
        count(cmd->conn, outcome);
    command_free(cmd);
    if (fn != NULL)
        fn(arg, reply, err);
}

/* CMD ends with an error, soon. */
static void
end_soon(struct weir_command *cmd, enum weir_code code, bool sent, const char *text)
{
    struct redis_conn *c = cmd->conn;
    take_out(cmd);
    if (cmd->fn == NULL) {
        command_free(cmd);
        return;
    }
    cmd->err = malloc(sizeof *cmd->err);
    if (cmd->err == NULL)
        abort();
    err_set(cmd->err, code, "%s", text);
    cmd->err->sent = sent;
    list_push(&c->ended, &cmd->link);
    if (!c->owner->stopped)
        soon_add(c->owner->shard, &c->tell);
}

struct weir_command *
redis_command_refuse(struct redis_conn *c, weir_redis_fn *fn, void *arg, enum weir_code code,
                     const char *fmt, ...)
{
    char text[480];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    struct weir_command *cmd = command_new(c, fn, arg, 0);
    end_soon(cmd, code, false, text);
    c->broken = c->multi;
    return cmd;
}

void
redis_commands_tell(void *conn)
{
    struct redis_conn *c = conn;
    struct list now;
    list_unshift(&c->ended, &now); /* NOW becomes the head, and takes all over */
    list_remove(&c->ended);
    for (struct list *link; (link = list_shift(&now)) != NULL;) {
        struct weir_command *cmd = list_entry(link, struct weir_command, link);
        struct weir_error err = *cmd->err;
        deliver(cmd,
                err.code == WEIR_UNAVAILABLE ? REDIS_DID_UNAVAILABLE : REDIS_DID_ERROR, NULL,
                &err);
    }
}

/* What CMD is from now on: one of those whose replies come in order. */
static void
enter_sent(struct weir_command *cmd)
{
    struct redis_conn *c = cmd->conn;
    cmd->sent = true;
    cmd->start = c->appended;
    cmd->reads = c->reads;
    list_push(&c->sent, &cmd->link);
    soon_add(c->owner->shard, &c->flush);
}

/* Writes a command that has kept its bytes. */
static void
write_kept(struct weir_command *cmd)
{
    struct redis_conn *c = cmd->conn;
    size_t before = c->out.len;
    enter_sent(cmd);
    if (cmd->script != NULL) {
        cmd->whole = cmd->script->loaded != c->generation;
        cmd->script->loaded = c->generation;
        redis_encode_script(&c->out, cmd->script, cmd->parts, cmd->whole);
    }
    if (buf_add(&c->out, cmd->tail, cmd->tail_len, NULL) != WEIR_OK)
        abort();
    c->appended += c->out.len - before;
}

/* Writes R as the plain command CMD. */
static void
write_plain(struct weir_command *cmd, const struct weir_redis_request *r)
{
    struct redis_conn *c = cmd->conn;
    enter_sent(cmd);
    char *begin = buf_reserve(&c->out, cmd->size);
    size_t len = (size_t)(redis_encode(begin, r, true) - begin);
    buf_seal(&c->out, len);
    c->appended += len;
}

struct weir_command *
redis_command_add(struct redis_conn *c, const struct weir_redis_request *r, weir_redis_fn *fn,
                  void *arg)
{
    size_t size = redis_encode_size(r);
    struct redis_script *script =
        r->script.len > 0 && !c->multi ? redis_script_use(c, r->script) : NULL;
    bool keep = script != NULL || c->state != REDIS_UP;
    size_t tail = script != NULL ? size - r->script.len : size;
    struct weir_command *cmd = command_new(c, fn, arg, keep ? tail : 0);
    cmd->script = script;
    cmd->parts = r->n_args + 3;
    cmd->size = size;
    cmd->counted = true;
    cmd->timeout_ms = r->timeout_ms != 0 ? r->timeout_ms : REDIS_TIMEOUT_MS;
    c->n++;
    c->bytes += size;
    if (fn != NULL)
        heap_set(&c->deadlines, &cmd->deadline, shard_now(c->owner->shard) + cmd->timeout_ms);
    if (keep)
        cmd->tail_len = (size_t)(redis_encode(cmd->tail, r, script == NULL) - cmd->tail);
    if (c->state != REDIS_UP)
        list_push(&c->waiting, &cmd->link);
    else if (keep)
        write_kept(cmd);
    else
        write_plain(cmd, r);
    return cmd;
}

void
redis_command_forget(struct weir_command *cmd)
{
    struct redis_conn *c = cmd->conn;
    count(c, REDIS_DID_FORGOTTEN);
    cmd->fn = NULL;
    if (cmd->sent && cmd->err == NULL)
        heap_remove(&c->deadlines, &cmd->deadline); /* its reply is still to come */
    else
        command_free(cmd);
}

void
redis_commands_send(struct redis_conn *c)
{
    for (struct list *link; (link = list_shift(&c->waiting)) != NULL;)
        write_kept(list_entry(link, struct weir_command, link));
}

/* The server does not know the script of CMD (any more): it is sent whole. */
static void
repeat(struct weir_command *cmd)
{
    struct redis_conn *c = cmd->conn;
    size_t len = cmd->script->len;
    if (cmd->fn == NULL) {
        command_free(cmd);
        return;
    }
    if (len > REDIS_BYTES_MAX - c->bytes) {
        end_soon(cmd, WEIR_UNAVAILABLE, true, "too many commands wait for Redis");
        return;
    }
    cmd->size += len;
    c->bytes += len;
    write_kept(cmd);
}

static bool
is_noscript(const struct weir_value *v)
{
    struct weir_text text = value_as_text(v);
    return text.len >= 8 && memcmp(text.bytes, "NOSCRIPT", 8) == 0;
}

bool
redis_command_reply(struct redis_conn *c, const struct weir_value **take_reply, bool error)
{
    const struct weir_value *reply = *take_reply;
    *take_reply = NULL;
    struct list *link = list_shift(&c->sent);
    if (link == NULL) {
        value_unref(&reply);
        return false;
    }
    struct weir_command *cmd = list_entry(link, struct weir_command, link);
    if (error && cmd->script != NULL && is_noscript(reply)) {
        cmd->script->loaded = 0;
        if (!cmd->whole) {
            value_unref(&reply);
            repeat(cmd);
            return true;
        }
    }
    struct weir_error err;
    if (error)
        redis_reply_error(value_as_text(reply), &err);
    enum redis_outcome outcome = !error                        ? REDIS_DID_OK
                                 : err.code == WEIR_UNAVAILABLE ? REDIS_DID_UNAVAILABLE
                                                                : REDIS_DID_ERROR;
    deliver(cmd, outcome, error ? NULL : reply, error ? &err : NULL);
    value_unref(&reply);
    return true;
}

/* CMD was sent and has no reply in time; it keeps its place in the order. */
static void
time_sent(struct weir_command *cmd, uint64_t now_ms, const char *time)
{
    struct redis_conn *c = cmd->conn;
    if (c->reads == cmd->reads && !c->stalled) {
        c->stalled = true;
        c->phase_ms = now_ms + STALL_MS;
    }
    struct weir_error err;
    err_set(&err, WEIR_TIMEOUT, "Redis at %s gave no reply within %s", c->server->place->name,
            time);
    err.sent = c->written > cmd->start;
    weir_redis_fn *fn = cmd->fn;
    cmd->fn = NULL;
    count(c, REDIS_DID_TIMEOUT);
    fn(cmd->arg, NULL, &err);
}

/* CMD has waited too long for the connection: others need not. */
static void
time_waiting(struct weir_command *cmd, const char *time)
{
    struct redis_conn *c = cmd->conn;
    struct weir_error err;
    err_set(&err, WEIR_TIMEOUT, "there was no connection to Redis at %s within %s",
            c->server->place->name, time);
    redis_set_away(c, "does not answer the connection");
    deliver(cmd, REDIS_DID_TIMEOUT, NULL, &err);
}

void
redis_commands_time(struct redis_conn *c, uint64_t now_ms)
{
    struct heap_link *first;
    while ((first = heap_first(&c->deadlines)) != NULL && first->key <= now_ms) {
        struct weir_command *cmd = list_entry(first, struct weir_command, deadline);
        char time[32];
        heap_remove(&c->deadlines, first);
        duration_text(cmd->timeout_ms, time, sizeof time);
        if (cmd->sent)
            time_sent(cmd, now_ms, time);
        else
            time_waiting(cmd, time);
    }
}

static void
fail_list(struct redis_conn *c, struct list *head, const char *text)
{
    while (!list_empty(head)) {
        struct weir_command *cmd = list_entry(head->next, struct weir_command, link);
        end_soon(cmd, WEIR_UNAVAILABLE, cmd->sent && c->written > cmd->start, text);
    }
}

void
redis_commands_fail(struct redis_conn *c, bool waiting, const char *reason)
{
    char text[480];
    snprintf(text, sizeof text, "Redis at %s %s", c->server->place->name, reason);
    fail_list(c, &c->sent, text);
    if (waiting)
        fail_list(c, &c->waiting, text);
}

static void
drop_list(struct list *head)
{
    while (!list_empty(head))
        command_free(list_entry(head->next, struct weir_command, link));
}

void
redis_commands_drop(struct redis_conn *c)
{
    drop_list(&c->sent);
    drop_list(&c->waiting);
    drop_list(&c->ended);
}
