/* redis_side.h - what the tests of the Redis client share: a shard, outcomes, a scripted peer that
 * speaks RESP, and a redis-server of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_NET_REDIS_SIDE_H
#define TESTS_NET_REDIS_SIDE_H

#include "peer.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "net/redis.h"
#include "value/json.h"

/* -- the client's side -- */

struct redis_side {
    struct weir_shard *shard;
    struct weir_redis *server;
};

/* How a command ended. */
struct redis_outcome_of {
    bool done;
    const struct weir_value *reply; /* owned */
    struct weir_error err;
    uint64_t ms; /* how long it took */
    uint64_t begun;
};

static inline int
redis_open(void **state)
{
    struct redis_side *s = calloc(1, sizeof *s);
    struct weir_error err;
    assert_int_equal(shard_new(0, &s->shard, &err), WEIR_OK);
    *state = s;
    return 0;
}

static inline int
redis_close_side(void **state)
{
    struct redis_side *s = *state;
    redis_stop(s->shard);
    redis_free(s->shard);
    redis_servers_free();
    shard_free(&s->shard);
    free(s);
    return 0;
}

#define REDIS_TEST(name) cmocka_unit_test_setup_teardown(name, redis_open, redis_close_side)

static inline void
redis_use(struct redis_side *s, const char *url)
{
    struct weir_error err;
    assert_int_equal(redis_server(text_of(url), &s->server, &err), WEIR_OK);
}

static inline void
redis_take(void *arg, const struct weir_value *reply, const struct weir_error *err)
{
    struct redis_outcome_of *o = arg;
    assert_false(o->done);
    o->done = true;
    o->ms = clock_mono_ms() - o->begun;
    if (reply == NULL)
        o->err = *err;
    else
        o->reply = value_ref(reply);
}

static inline void
redis_clear(struct redis_outcome_of *o)
{
    value_unref(&o->reply);
    *o = (struct redis_outcome_of){ .done = false };
}

/* Splits LINE at blanks into at most 16 arguments. */
static inline uint32_t
redis_split(const char *line, struct weir_text ret[16])
{
    uint32_t n = 0;
    while (*line != '\0') {
        size_t len = strcspn(line, " ");
        ret[n++] = (struct weir_text){ line, len };
        line += len;
        line += strspn(line, " ");
    }
    return n;
}

static inline struct weir_command *
redis_say_in(struct redis_side *s, const char *line, uint32_t timeout_ms,
             struct redis_outcome_of *o)
{
    struct weir_text args[16];
    struct weir_redis_request r = { .size = sizeof r, .args = args, .timeout_ms = timeout_ms };
    r.n_args = redis_split(line, args);
    o->begun = clock_mono_ms();
    struct weir_command *c = redis_send(s->shard, s->server, &r, redis_take, o);
    assert_false(o->done);
    return c;
}

static inline struct weir_command *
redis_say(struct redis_side *s, const char *line, struct redis_outcome_of *o)
{
    return redis_say_in(s, line, 0, o);
}

static inline struct weir_command *
redis_eval(struct redis_side *s, const char *script, const char *line, uint32_t n_keys,
           struct redis_outcome_of *o)
{
    struct weir_text args[16];
    struct weir_redis_request r = { .size = sizeof r, .args = args, .n_keys = n_keys };
    r.script = text_of(script);
    r.n_args = redis_split(line, args);
    o->begun = clock_mono_ms();
    struct weir_command *c = redis_send(s->shard, s->server, &r, redis_take, o);
    assert_false(o->done);
    return c;
}

/* Turns the loop until *FLAG, for at most 10 s. */
static inline void
redis_until(struct redis_side *s, const bool *flag)
{
    uint64_t begin = clock_mono_ms();
    while (!*flag) {
        if (clock_mono_ms() - begin > 10000)
            fail_msg("nothing has happened for 10 s");
        shard_turn(s->shard, 5);
    }
}

/* Turns the loop for MS. */
static inline void
redis_pass(struct redis_side *s, uint64_t ms)
{
    uint64_t begin = clock_mono_ms();
    while (clock_mono_ms() - begin < ms)
        shard_turn(s->shard, 2);
}

/* Waits for O, whose reply as JSON has to be EXPECTED. */
static inline void
redis_expect(struct redis_side *s, struct redis_outcome_of *o, const char *expected)
{
    redis_until(s, &o->done);
    if (o->reply == NULL)
        fail_msg("error %u: %s (expected %s)", o->err.code, o->err.text, expected);
    struct buf b;
    buf_init(&b, 1u << 24);
    assert_int_equal(json_write(&b, o->reply, NULL), WEIR_OK);
    assert_string_equal(b.bytes, expected);
    buf_fini(&b);
    redis_clear(o);
}

static inline void
redis_ask(struct redis_side *s, const char *line, const char *expected)
{
    struct redis_outcome_of o = { .done = false };
    redis_say(s, line, &o);
    redis_expect(s, &o, expected);
}

/* Waits for O, which has to fail. */
static inline void
redis_expect_error(struct redis_side *s, struct redis_outcome_of *o, uint32_t code,
                   const char *part)
{
    redis_until(s, &o->done);
    if (o->reply != NULL)
        fail_msg("no error, but a reply (expected %s)", part);
    if (o->err.code != code || strstr(o->err.text, part) == NULL)
        fail_msg("error %u: %s (expected %u, %s)", o->err.code, o->err.text, code, part);
    value_unref(&o->err.detail);
}

/* -- a redis-server of the test's own -- */

struct redis_own {
    pid_t pid; /* 0: none */
    char folder[64];
    char url[160];
    char more[256]; /* further arguments, split at blanks */
};

static inline bool
redis_installed(void)
{
    return access("/usr/bin/redis-server", X_OK) == 0;
}

static inline void
redis_own_start(struct redis_own *own)
{
    char socket[96];
    const char *args[32] = { "redis-server", "--port", "0", "--unixsocket", socket, "--save", "",
                       "--appendonly", "no", "--dir", own->folder, "--loglevel", "warning" };
    static char more[256];
    unsigned n = 13;
    snprintf(more, sizeof more, "%s", own->more);
    for (char *at = strtok(more, " "); at != NULL && n < 31; at = strtok(NULL, " "))
        args[n++] = at;
    if (own->folder[0] == '\0') {
        strcpy(own->folder, "/tmp/weir-redis-XXXXXX");
        assert_non_null(mkdtemp(own->folder));
    }
    snprintf(socket, sizeof socket, "%s/s", own->folder);
    unlink(socket); /* of one that was killed */
    snprintf(own->url, sizeof own->url, "unix://%s", socket);
    own->pid = fork();
    assert_true(own->pid >= 0);
    if (own->pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 1);
        dup2(null, 2);
        execv("/usr/bin/redis-server", (char *const *)args);
        _exit(127);
    }
}

/* Waits until it answers a connection. */
static inline void
redis_own_ready(const struct redis_own *own)
{
    for (unsigned i = 0; i < 1000; i++) {
        char socket[96];
        snprintf(socket, sizeof socket, "%s/s", own->folder);
        if (access(socket, R_OK | W_OK) == 0)
            return;
        peer_pause(5);
    }
    fail_msg("the redis-server does not start");
}

/* Kills it by its pid, as a crash would. */
static inline void
redis_own_kill(struct redis_own *own)
{
    if (own->pid == 0)
        return;
    kill(own->pid, SIGKILL);
    waitpid(own->pid, NULL, 0);
    own->pid = 0;
}

static inline int
redis_remove(const char *path, const struct stat *st, int what, struct FTW *walk)
{
    (void)st;
    (void)what;
    (void)walk;
    return remove(path);
}

static inline void
redis_own_stop(struct redis_own *own)
{
    redis_own_kill(own);
    nftw(own->folder, redis_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* -- a peer that plays Redis -- */

/* Reads one command of FD into RET as a line, its arguments divided by blanks. False: it has
 * ended. Lengths are few digits, arguments short. */
static inline bool
redis_peer_read(int fd, char *ret, size_t room)
{
    char line[64];
    size_t len = 0;
    unsigned parts = 0;
    for (unsigned i = 0; i == 0 || i <= parts; i++) {
        size_t at = 0;
        do
            if (at == sizeof line - 1 || recv(fd, line + at, 1, MSG_WAITALL) != 1)
                return false;
        while (line[at++] != '\n');
        line[at] = '\0';
        unsigned n = (unsigned)strtoul(line + 1, NULL, 10);
        if (i == 0) {
            parts = n;
            continue;
        }
        if (len + n + 3 > room || recv(fd, ret + len, n + 2, MSG_WAITALL) != (ssize_t)n + 2)
            return false;
        len += n;
        ret[len++] = ' ';
    }
    ret[len - 1] = '\0';
    return true;
}

/* Answers the greeting of a connection well. */
static inline bool
redis_peer_greet(int fd)
{
    char line[256];
    while (redis_peer_read(fd, line, sizeof line)) {
        if (strcmp(line, "PING") == 0) {
            peer_say(fd, "+PONG\r\n");
            return true;
        }
        peer_say(fd, "+OK\r\n");
    }
    return false;
}

static inline const char *
redis_peer_url(const struct peer *p)
{
    static _Thread_local char url[64];
    snprintf(url, sizeof url, "redis://127.0.0.1:%u", p->port);
    return url;
}

#endif
