/* edge/unix_socket.c - see unix_socket.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "edge/listener.h"

#define PREFIX "unix:"

static const char *
path_of(const struct edge_address *a)
{
    return ((const struct sockaddr_un *)(const void *)&a->address)->sun_path;
}

bool
unix_socket_is(struct weir_text text)
{
    return text.len >= sizeof(PREFIX) - 1 &&
           memcmp(text.bytes, PREFIX, sizeof(PREFIX) - 1) == 0;
}

enum weir_code
unix_socket_parse(struct weir_text text, struct edge_address *ret, struct weir_error *err)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    struct weir_text path = { text.bytes + sizeof(PREFIX) - 1, text.len - sizeof(PREFIX) + 1 };
    if (path.len == 0 || memchr(path.bytes, '\0', path.len) != NULL)
        return err_set(err, WEIR_INVALID,
                       "'%.*s' must have a path, such as unix:/run/weir.sock", (int)text.len,
                       text.bytes);
    if (path.len >= sizeof(to.sun_path))
        return err_set(err, WEIR_INVALID, "the path %.60s... is longer than %zu bytes",
                       path.bytes, sizeof(to.sun_path) - 1);
    memcpy(to.sun_path, path.bytes, path.len);
    memset(&ret->address, 0, sizeof(ret->address));
    memcpy(&ret->address, &to, sizeof(to));
    ret->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
    ret->one = true;
    return WEIR_OK;
}

static enum weir_code
fail(const struct edge_address *a, const char *what, struct weir_error *err)
{
    int why = errno;
    enum weir_code code = why == EACCES || why == EPERM ? WEIR_FORBIDDEN : WEIR_UNAVAILABLE;
    return err_set(err, code, "can't %s %s: %s", what, path_of(a), strerrordesc_np(why));
}

/* Whether somebody takes connections there; a full backlog is somebody, too. */
static bool
is_alive(const struct edge_address *a)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    bool alive = connect(fd, (const struct sockaddr *)&a->address, a->len) == 0 ||
                 (errno != ECONNREFUSED && errno != ENOENT);
    close(fd);
    return alive;
}

/* Makes the path free: what a process has left behind goes. */
static enum weir_code
make_free(const struct edge_address *a, struct weir_error *err)
{
    struct stat st;
    if (lstat(path_of(a), &st) != 0)
        return WEIR_OK; /* bind says what else is wrong */
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, WEIR_CONFLICT, "%s is there already and is no socket", path_of(a));
    if (is_alive(a))
        return err_set(err, WEIR_CONFLICT, "can't listen on %s: somebody listens there",
                       path_of(a));
    if (unlink(path_of(a)) != 0)
        return fail(a, "remove", err);
    return WEIR_OK;
}

enum weir_code
unix_socket_reserve(struct edge_address *a, unsigned mode, struct weir_error *err)
{
    enum weir_code code = make_free(a, err);
    if (code != WEIR_OK)
        return code;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(a, "make the socket", err);
    /* The file gets this mode at once, less what the umask takes, which is put right then: it
     * is never open to more people than it is to be. */
    bool good =
        fchmod(fd, mode) == 0 && bind(fd, (const struct sockaddr *)&a->address, a->len) == 0;
    struct stat st;
    good = good && chmod(path_of(a), mode) == 0 && lstat(path_of(a), &st) == 0 &&
           listen(fd, LISTENER_BACKLOG) == 0;
    if (!good) {
        code = fail(a, "listen on", err);
        close(fd);
        return code;
    }
    a->device = st.st_dev;
    a->inode = st.st_ino;
    a->reserved = fd;
    return WEIR_OK;
}

void
unix_socket_remove(struct edge_address *a)
{
    struct stat st;
    if (a->inode != 0 && lstat(path_of(a), &st) == 0 && st.st_dev == a->device &&
        st.st_ino == a->inode)
        (void)unlink(path_of(a)); /* else the next one finds that nobody listens */
    a->inode = 0;
}

bool
edge_address_own(const struct edge_address *a, uid_t user, gid_t group)
{
    struct stat st;
    int fd = open(path_of(a), O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    /* By its descriptor: whoever may write to the folder could put another file there meanwhile. */
    bool same = fstat(fd, &st) == 0 && st.st_dev == a->device && st.st_ino == a->inode;
    bool good = same && fchownat(fd, "", user, group, AT_EMPTY_PATH) == 0;
    int why = same ? errno : ENOENT;
    close(fd);
    errno = why;
    return good;
}
