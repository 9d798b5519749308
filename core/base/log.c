/* base/log.c - see log.h. What a line looks like is in log_line.c.
 *
 * The ring holds bytes; lines are copied in and out under one short mutex. The writer waits
 * for a first line, writes what is there, and then naps: while lines keep coming it wakes by
 * itself, and nobody who logs pays for waking it, unless the ring is half full.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/crash_text.h"
#include "base/log_line.h"

#define RING (1024u * 1024u) /* a power of two */
#define NAP_NS (20l * 1000 * 1000)
#define STOP_S 3 /* how long log_stop waits for a peer that does not read */
#define REPORT_MS 1000

enum writer_state { WRITER_NONE, WRITER_WAITING, WRITER_NAPPING, WRITER_BUSY };

static _Atomic int lowest = WEIR_INFO;
static _Atomic uint64_t dropped;

/* Below the mutex. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake;
static pthread_t thread;
static enum writer_state writer = WRITER_NONE;
static bool stopping;
static bool writing; /* the writer is at the lines from TAIL on, without the mutex */
static bool lost; /* log_stop gave up on a writer that hangs in a write */
static char *ring;
static uint64_t head; /* bytes that came in; the place in the ring is this modulo its size */
static uint64_t tail; /* bytes that went out */

/* Set with the mutex held and while no writer runs. */
static int out = STDERR_FILENO;
static _Atomic struct log_style style; /* at first text without colour */

/* Writes all, waiting where the descriptor says so; false if it cannot be written. */
static bool
write_all(struct iovec *parts, int n)
{
    while (n > 0) {
        ssize_t done = writev(out, parts, n);
        if (done < 0 && errno == EAGAIN) {
            struct pollfd p = { .fd = out, .events = POLLOUT };
            poll(&p, 1, 1000);
            continue;
        }
        if (done < 0 && errno != EINTR)
            return false;
        while (done > 0 && n > 0) {
            size_t part = (size_t)done < parts->iov_len ? (size_t)done : parts->iov_len;
            parts->iov_base = (char *)parts->iov_base + part;
            parts->iov_len -= part;
            done -= (ssize_t)part;
            if (parts->iov_len == 0) {
                parts++;
                n--;
            }
        }
    }
    return true;
}

/* The part of the ring from FROM to TO as one or two pieces; returns how many. */
static int
pieces(uint64_t from, uint64_t to, struct iovec ret[2])
{
    size_t start = (size_t)(from % RING);
    size_t len = (size_t)(to - from);
    size_t first = len < RING - start ? len : RING - start;
    ret[0] = (struct iovec){ ring + start, first };
    ret[1] = (struct iovec){ ring, len - first };
    return first < len ? 2 : 1;
}

static uint64_t
count_lines(const struct iovec *parts, int n)
{
    uint64_t lines = 0;
    for (int i = 0; i < n; i++) {
        const char *at = parts[i].iov_base;
        const char *end = at + parts[i].iov_len;
        while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
            lines++;
            if (++at == end)
                break;
        }
    }
    return lines;
}

/* Writes a line about dropped lines, at most once a second unless NOW. */
static void
report_dropped(bool now)
{
    static uint64_t reported;
    static uint64_t reported_ms;
    uint64_t all = atomic_load(&dropped);
    uint64_t ms = clock_mono_ms();
    if (all == reported || (!now && reported_ms != 0 && ms - reported_ms < REPORT_MS))
        return;

    char line[LOG_LINE_MAX];
    struct log_field fields[] = { LOG_N("lines", all - reported), LOG_N("total", all) };
    struct log_entry entry = {
        .level = WEIR_WARN,
        .wall_ms = clock_wall_ms(),
        .message = TEXT("lines of this log were dropped"),
        .fields = fields,
        .n_fields = 2,
    };
    size_t len = log_line_write(line, atomic_load(&style), &entry);
    if (write_all(&(struct iovec){ line, len }, 1)) {
        reported = all;
        reported_ms = ms;
    }
}

/* Writes what is in the ring; called and left with the mutex held. */
static void
write_batch(void)
{
    struct iovec parts[2];
    uint64_t to = head;
    int n = pieces(tail, to, parts);
    writer = WRITER_BUSY;
    writing = true;
    pthread_mutex_unlock(&mutex);

    struct iovec rest[2] = { parts[0], parts[1] };
    if (!write_all(rest, n))
        atomic_fetch_add(&dropped, count_lines(parts, n));
    report_dropped(false);

    pthread_mutex_lock(&mutex);
    writing = false;
    tail = to;
    if (tail == head)
        head = tail = 0; /* a quiet log stays in the first pages of the ring */
}

/* Sleeps a short while, so that lines gather. */
static void
nap(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += NAP_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    writer = WRITER_NAPPING;
    while (!stopping && head - tail < RING / 2)
        if (pthread_cond_timedwait(&wake, &mutex, &until) != 0)
            break;
}

static void *
write_lines(void *arg)
{
    (void)arg;
    crash_thread_begin();
    pthread_mutex_lock(&mutex);
    for (;;) {
        writer = WRITER_WAITING;
        while (head == tail && !stopping)
            pthread_cond_wait(&wake, &mutex);
        if (head == tail)
            break;
        write_batch();
        nap();
    }
    writer = WRITER_BUSY;
    pthread_mutex_unlock(&mutex);
    report_dropped(true);
    crash_thread_end();
    return NULL;
}

/* Starts the thread with all signals blocked: they are for the main thread. */
static void
start_thread(void)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, write_lines, NULL) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_setname_np(thread, "weir-log"); /* only for people who look */
}

void
log_start(int fd, enum log_format format, enum weir_level level)
{
    log_stop();
    pthread_mutex_lock(&mutex);
    atomic_store(&lowest, level);
    if (writer == WRITER_NONE) {
        const char *no_colour = getenv("NO_COLOR");
        out = fd;
        bool colour = (no_colour == NULL || *no_colour == '\0') && isatty(fd);
        struct log_style chosen = { format, colour };
        atomic_store(&style, chosen);
        if (ring == NULL && (ring = malloc(RING)) == NULL)
            abort();
        pthread_condattr_t attr;
        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&wake, &attr);
        pthread_condattr_destroy(&attr);
        head = tail = 0;
        stopping = false;
        writer = WRITER_BUSY;
        start_thread();
    }
    pthread_mutex_unlock(&mutex);
}

void
log_stop(void)
{
    pthread_mutex_lock(&mutex);
    bool running = writer != WRITER_NONE && !stopping;
    if (running) {
        stopping = true;
        pthread_cond_signal(&wake);
    }
    pthread_mutex_unlock(&mutex);
    if (!running)
        return;

    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_S;
    bool ended = pthread_timedjoin_np(thread, NULL, &until) == 0;
    pthread_mutex_lock(&mutex);
    lost = !ended;
    if (ended) {
        writer = WRITER_NONE;
        pthread_cond_destroy(&wake);
        free(ring);
        ring = NULL;
    }
    pthread_mutex_unlock(&mutex);
}

bool
log_wanted(enum weir_level level)
{
    return (int)level >= atomic_load_explicit(&lowest, memory_order_relaxed);
}

/* Copies a line into the ring; false if it does not fit. With the mutex held. */
static bool
enqueue(const char *line, size_t len)
{
    if (len > RING - (head - tail))
        return false;
    struct iovec parts[2];
    int n = pieces(head, head + len, parts);
    memcpy(parts[0].iov_base, line, parts[0].iov_len);
    if (n == 2)
        memcpy(parts[1].iov_base, line + parts[0].iov_len, parts[1].iov_len);
    head += len;
    return true;
}

/* Hands a finished line to the writer, or writes it if there is none. */
static void
hand_over(char *line, size_t len)
{
    bool kept = true;
    pthread_mutex_lock(&mutex);
    if (writer == WRITER_NONE) {
        kept = write_all(&(struct iovec){ line, len }, 1);
    } else if (lost || !enqueue(line, len)) {
        kept = false;
    } else if (writer == WRITER_WAITING ||
               (writer == WRITER_NAPPING && head - tail >= RING / 2)) {
        writer = WRITER_BUSY; /* one signal is enough */
        pthread_cond_signal(&wake);
    }
    pthread_mutex_unlock(&mutex);
    if (!kept)
        atomic_fetch_add(&dropped, 1);
}

void
log_line(enum weir_level level, const char *message, const struct log_field *fields, size_t n)
{
    if (!log_wanted(level))
        return;
    char line[LOG_LINE_MAX];
    struct log_entry entry = {
        .level = level <= WEIR_ERROR ? level : WEIR_ERROR,
        .wall_ms = clock_wall_ms(),
        .message = text_of(message),
        .fields = fields,
        .n_fields = n,
    };
    size_t len = log_line_write(line, atomic_load(&style), &entry);
    hand_over(line, len);
}

void
log_say(enum weir_level level, const char *fmt, ...)
{
    if (!log_wanted(level))
        return;
    char message[LOG_LINE_MAX];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    if (n >= 0)
        log_line(level, message, NULL, 0);
}

uint64_t
log_dropped(void)
{
    return atomic_load(&dropped);
}

/* The thread that dies may hold the mutex itself: then there is nothing to be had. */
void
log_rescue(void)
{
    if (pthread_mutex_trylock(&mutex) != 0)
        return;
    struct pollfd p = { .fd = out, .events = POLLOUT };
    if (ring != NULL && !writing && head != tail && poll(&p, 1, 0) == 1) {
        struct iovec parts[2];
        int n = pieces(tail, head, parts);
        ssize_t done = writev(out, parts, n);
        tail += done > 0 ? (uint64_t)done : 0; /* what does not fit is lost, as it was before */
    }
    pthread_mutex_unlock(&mutex);
}

void
log_last_words(const struct crash_report *r)
{
    struct log_style now = atomic_load(&style);
    if (now.format == LOG_JSON && log_wanted(WEIR_ERROR))
        crash_write_json(out, r);
}
