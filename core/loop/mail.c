/* loop/mail.c - see mail.h.
 *
 * A mailbox is a PULL socket bound to inproc://NAME, and a box: an entry of the registry that
 * both sides count messages in. The count, not ZeroMQ's high-water mark, is the bound: the mark
 * holds for each sending thread on its own and is released late. A thread that sends keeps a
 * PUSH socket a name and finds by the box's flag that the mailbox was closed meanwhile.
 *
 * ZMQ_FD is told of once, when something comes that nobody was told of before: so each wake-up
 * reads until there is nothing, and what a wake-up leaves is taken up by a soon.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop/mail.h"

#include <assert.h>
#include <czmq.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/map.h"
#include "loop/impl.h"
#include "value/msgpack.h"

#define NAME_MAX_LEN 31
#define MESSAGE_MAX (16u << 20)
#define BATCH 64            /* messages that are given out before others get their turn */
#define SCRATCH_KEEP 65536u /* a thread's encoding buffer that is not freed after use */

struct box {
    char name[NAME_MAX_LEN + 1];
    unsigned max;
    uint32_t refs;  /* of the registry, the mailbox and each sending thread; atomic */
    uint64_t depth; /* atomic */
    bool closed;    /* atomic */
};

struct mailbox {
    struct weir_shard *shard;
    struct box *box; /* counted */
    zsock_t *socket; /* owned */
    struct watch *watch;
    struct soon more; /* reads what one batch left */
    mail_fn *fn;
    void *arg;
    bool reading; /* FN may be running: closing frees later */
    bool closed;
};

/* A way from this thread to a mailbox. */
struct outbox {
    struct outbox *next;
    struct box *box; /* counted */
    zsock_t *socket; /* owned */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map boxes; /* of open mailboxes by name; guarded by lock */

static _Thread_local struct outbox *outboxes;
static _Thread_local struct buf scratch;

static void
box_unref(struct box *b)
{
    if (__atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) == 0)
        free(b);
}

static struct box *
box_ref(struct box *b)
{
    __atomic_add_fetch(&b->refs, 1, __ATOMIC_RELAXED);
    return b;
}

/* -- the reader's side -- */

static void
mailbox_destroy(struct mailbox *m)
{
    soon_remove(&m->more);
    watch_free(&m->watch);
    zsock_destroy(&m->socket);
    box_unref(m->box);
    free(m);
}

static void
give_out(struct mailbox *m, zmq_msg_t *message)
{
    struct weir_text bytes = { zmq_msg_data(message), zmq_msg_size(message) };
    const struct weir_value *v = NULL;
    struct weir_error err = { 0 };
    if (msgpack_read(bytes, &v, &err) != WEIR_OK) {
        log_say(WEIR_ERROR, "mailbox %s: a message is dropped: %s", m->box->name, err.text);
        return;
    }
    m->fn(m->arg, v);
    value_unref(&v);
}

/* Takes one message out; false if there is none. */
static bool
read_one(struct mailbox *m)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    int got;
    do
        got = zmq_msg_recv(&message, zsock_resolve(m->socket), ZMQ_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got >= 0) {
        __atomic_sub_fetch(&m->box->depth, 1, __ATOMIC_ACQ_REL);
        give_out(m, &message);
    }
    zmq_msg_close(&message);
    return got >= 0;
}

static void
read_batch(void *arg)
{
    struct mailbox *m = arg;
    m->reading = true;
    unsigned n = 0;
    while (n < BATCH && !m->closed && read_one(m))
        n++;
    m->reading = false;
    if (m->closed)
        mailbox_destroy(m);
    else if (n == BATCH)
        soon_add(m->shard, &m->more);
}

static void
on_readable(void *arg, int fd, unsigned ready)
{
    (void)fd;
    (void)ready;
    read_batch(arg);
}

/* Binds the mailbox and enters its box; with the lock held, so that nobody connects to a name
 * that nobody is bound to, which ZeroMQ would allow. */
static enum weir_code
enter(struct mailbox *m, struct weir_error *err)
{
    const char *name = m->box->name;
    if (map_get(&boxes, name, strlen(name)) != NULL)
        return err_set(err, WEIR_CONFLICT, "there is a mailbox %s already", name);
    if (zsock_bind(m->socket, "inproc://%s", name) < 0)
        return err_set(err, WEIR_UNAVAILABLE, "mailbox %s: %s", name, zmq_strerror(errno));
    (void)map_set(&boxes, name, strlen(name), box_ref(m->box));
    return WEIR_OK;
}

static struct box *
box_new(const char *name, unsigned max)
{
    assert(strlen(name) <= NAME_MAX_LEN && max > 0);
    struct box *b = calloc(1, sizeof(*b));
    if (b == NULL)
        abort();
    strcpy(b->name, name);
    b->max = max;
    b->refs = 1;
    return b;
}

enum weir_code
mailbox_open(struct weir_shard *s, const char *name, unsigned max, mail_fn *fn, void *arg,
             struct mailbox **ret, struct weir_error *err)
{
    zsock_t *socket = zsock_new(ZMQ_PULL);
    if (socket == NULL)
        return err_set(err, WEIR_UNAVAILABLE, "mailbox %s: no socket", name);
    struct mailbox *m = calloc(1, sizeof(*m));
    if (m == NULL)
        abort();
    *m = (struct mailbox){ .shard = s, .socket = socket, .fn = fn, .arg = arg };
    m->box = box_new(name, max);
    soon_init(&m->more, read_batch, m);
    zsock_set_rcvhwm(socket, (int)max);

    pthread_mutex_lock(&lock);
    enum weir_code code = enter(m, err);
    pthread_mutex_unlock(&lock);
    if (code != WEIR_OK) {
        mailbox_destroy(m);
        return code;
    }
    m->watch = watch_new(s, (int)zsock_fd(socket), WEIR_READ, on_readable, m);
    soon_add(s, &m->more); /* whatever came before the watch stood */
    *ret = m;
    return WEIR_OK;
}

void
mailbox_close(struct mailbox **mailbox)
{
    struct mailbox *m = *mailbox;
    if (m == NULL)
        return;
    *mailbox = NULL;

    const char *name = m->box->name;
    pthread_mutex_lock(&lock);
    __atomic_store_n(&m->box->closed, true, __ATOMIC_RELEASE);
    struct box *entered = map_remove(&boxes, name, strlen(name));
    assert(entered == m->box);
    box_unref(entered);
    /* zsock_destroy gives the name back later, on another thread: too late to open it again. */
    zsock_unbind(m->socket, "inproc://%s", name);
    pthread_mutex_unlock(&lock);

    m->closed = true;
    if (!m->reading)
        mailbox_destroy(m);
}

uint64_t
mail_depth(const char *name)
{
    pthread_mutex_lock(&lock);
    const struct box *b = map_get(&boxes, name, strlen(name));
    uint64_t depth = b ? __atomic_load_n(&b->depth, __ATOMIC_RELAXED) : 0;
    pthread_mutex_unlock(&lock);
    return depth;
}

/* -- the sender's side -- */

static void
outbox_free(struct outbox *o)
{
    zsock_destroy(&o->socket);
    box_unref(o->box);
    free(o);
}

/* Connects this thread to the mailbox NAME. */
static enum weir_code
outbox_new(const char *name, struct outbox **ret, struct weir_error *err)
{
    zsock_t *socket = zsock_new(ZMQ_PUSH);
    if (socket == NULL)
        return err_set(err, WEIR_UNAVAILABLE, "mailbox %s: no socket", name);

    pthread_mutex_lock(&lock);
    struct box *b = map_get(&boxes, name, strlen(name));
    bool connected = false;
    if (b != NULL) {
        zsock_set_sndhwm(socket, (int)b->max);
        connected = zsock_connect(socket, "inproc://%s", name) == 0;
        if (connected)
            box_ref(b);
    }
    pthread_mutex_unlock(&lock);
    if (!connected) {
        zsock_destroy(&socket);
        return err_set(err, WEIR_NOT_FOUND, "there is no mailbox %s", name);
    }

    struct outbox *o = malloc(sizeof(*o));
    if (o == NULL)
        abort();
    *o = (struct outbox){ .next = outboxes, .box = b, .socket = socket };
    outboxes = o;
    *ret = o;
    return WEIR_OK;
}

/* This thread's way to the mailbox NAME; one to a mailbox that was closed is dropped. */
static enum weir_code
outbox_find(const char *name, struct outbox **ret, struct weir_error *err)
{
    for (struct outbox **at = &outboxes; *at != NULL; at = &(*at)->next) {
        struct outbox *o = *at;
        if (strcmp(o->box->name, name) != 0)
            continue;
        if (!__atomic_load_n(&o->box->closed, __ATOMIC_ACQUIRE)) {
            *ret = o;
            return WEIR_OK;
        }
        *at = o->next;
        outbox_free(o);
        break;
    }
    return outbox_new(name, ret, err);
}

static bool
send_now(zsock_t *socket)
{
    int sent;
    do
        sent = zmq_send(zsock_resolve(socket), scratch.bytes, scratch.len, ZMQ_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

/* Sends what is in the scratch buffer, if the box has room. */
static enum weir_code
outbox_send(struct outbox *o, struct weir_error *err)
{
    struct box *b = o->box;
    uint64_t before = __atomic_fetch_add(&b->depth, 1, __ATOMIC_ACQ_REL);
    if (before < b->max && !fault(MAILBOX_FULL)) {
        if (send_now(o->socket))
            return WEIR_OK;
        /* The socket may not have looked yet at what the reader told it of room. */
        if ((zsock_events(o->socket) & ZMQ_POLLOUT) && send_now(o->socket))
            return WEIR_OK;
    }
    __atomic_sub_fetch(&b->depth, 1, __ATOMIC_ACQ_REL);
    return err_set(err, WEIR_UNAVAILABLE, "the mailbox %s is full", b->name);
}

enum weir_code
mail_send(const char *name, const struct weir_value *message, struct weir_error *err)
{
    struct outbox *o = NULL;
    enum weir_code code = outbox_find(name, &o, err);
    if (code != WEIR_OK)
        return code;

    if (scratch.max == 0)
        buf_init(&scratch, MESSAGE_MAX);
    buf_reset(&scratch);
    code = msgpack_write(&scratch, message, err);
    if (code == WEIR_OK)
        code = outbox_send(o, err);
    if (scratch.room > SCRATCH_KEEP) {
        buf_fini(&scratch);
        buf_init(&scratch, MESSAGE_MAX);
    }
    return code;
}

enum weir_code
mail_send_kind(const char *name, const char *kind, struct weir_error *err)
{
    const struct weir_value *text = value_text(kind);
    struct weir_builder *b = builder_map();
    builder_put(b, "kind", text);
    const struct weir_value *message = builder_end(&b);
    enum weir_code code = mail_send(name, message, err);
    value_unref(&message);
    value_unref(&text);
    return code;
}

void
mail_thread_end(void)
{
    while (outboxes != NULL) {
        struct outbox *o = outboxes;
        outboxes = o->next;
        outbox_free(o);
    }
    if (scratch.max != 0)
        buf_fini(&scratch);
    scratch.max = 0;
}

/* -- the process -- */

void
mail_begin(void)
{
    /* Stacks of threads that libraries start: small enough that no huge page backs one. */
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);

    zsys_handler_set(NULL);
    zsys_init();
    zsys_set_io_threads(0); /* inproc needs none */
    zsys_set_linger(0);
}

void
mail_end(void)
{
    mail_thread_end();
    pthread_mutex_lock(&lock);
    assert(boxes.count == 0);
    map_fini(&boxes);
    map_init(&boxes);
    pthread_mutex_unlock(&lock);
    zsys_shutdown();
}
