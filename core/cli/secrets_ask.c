/* cli/secrets_ask.c - a value from standard input: never from the command line, which others see.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/secrets.h"

static struct termios before; /* how the terminal was, for the handler */

static void
interrupted(int signo)
{
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    signal(signo, SIG_DFL);
    raise(signo);
}

/* Reads to the end of stdin, or of a line. */
static bool
read_all(struct buf *ret, bool line)
{
    for (;;) {
        char bytes[4096];
        ssize_t n = read(STDIN_FILENO, bytes, line ? 1 : sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            fprintf(stderr, "weir secrets: standard input can't be read: %s\n", strerror(errno));
            return false;
        }
        if (n == 0 || (line && bytes[0] == '\n'))
            return true;
        enum weir_code code = buf_add(ret, bytes, (size_t)n, NULL);
        explicit_bzero(bytes, sizeof bytes);
        if (code != WEIR_OK) {
            fprintf(stderr, "weir secrets: a secret has at most %d bytes\n", SECRET_MAX);
            return false;
        }
    }
}

/* A line that is typed unseen. */
static bool
ask_once(const char *what, const char *name, struct buf *ret)
{
    struct termios quiet;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    quiet.c_lflag |= ECHONL;
    signal(SIGINT, interrupted);
    signal(SIGTERM, interrupted);
    fprintf(stderr, "%s %s: ", what, name);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    bool good = read_all(ret, true);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    return good;
}

bool
secrets_ask(const char *name, struct buf *ret)
{
    struct buf again;
    if (!isatty(STDIN_FILENO)) {
        if (!read_all(ret, false))
            return false;
        if (ret->len > 0 && ret->bytes[ret->len - 1] == '\n')
            ret->len -= ret->len > 1 && ret->bytes[ret->len - 2] == '\r' ? 2 : 1;
    } else {
        buf_init(&again, SECRET_MAX + 2);
        bool good = ask_once("Value of", name, ret) && ask_once("Once more, value of", name, &again);
        bool same = good && text_equal(buf_content(ret), buf_content(&again));
        if (again.len > 0)
            explicit_bzero(again.bytes, again.len);
        buf_fini(&again);
        if (good && !same)
            fprintf(stderr, "weir secrets: that were two different values\n");
        if (!same)
            return false;
    }
    if (ret->len == 0 || ret->len > SECRET_MAX) {
        fprintf(stderr, ret->len == 0 ? "weir secrets: the value is empty, which counts as not set\n"
                                      : "weir secrets: the value has more than 64 KiB\n");
        return false;
    }
    return true;
}
