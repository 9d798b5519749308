/* pipeline/secrets_file.c - see secrets_file.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/secrets_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/seal.h"
#include "pipeline/file.h"
#include "pipeline/secrets.h"
#include "value/msgpack.h"

#define SEALED_MAX (SEAL_HEADER + SEAL_TEXT_MAX + SEAL_TAG)
#define LOOK_MS 50

/* Overwrites what was secret before the memory goes back. */
static void
buf_burn(struct buf *b)
{
    if (b->room > 0)
        explicit_bzero(b->bytes, b->room);
    buf_fini(b);
}

/* The file that has the key: WEIR_MASTER_KEY_FILE's, or the credential. False: neither is there. */
static bool
key_file(const char *name, char path[PATH_MAX])
{
    char variable[64];
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    (void)snprintf(variable, sizeof variable, "%s_FILE", name);
    const char *file = getenv(variable);
    if (file != NULL && file[0] != '\0')
        return snprintf(path, PATH_MAX, "%s", file) < PATH_MAX;
    return folder != NULL && folder[0] != '\0' && snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX &&
           access(path, F_OK) == 0;
}

enum weir_code
secrets_file_key(const char *name, struct buf *ret, char *path, struct weir_error *err)
{
    char file[PATH_MAX];
    const char *text = getenv(name);
    if (path != NULL)
        path[0] = '\0';
    if (text != NULL && text[0] != '\0')
        return buf_add(ret, text, strlen(text), err);
    if (!key_file(name, file))
        return err_set(err, WEIR_NOT_FOUND, "there is no key: set %s, or %s_FILE to a file with it (openssl rand "
                       "-base64 32 makes a good one)", name, name);
    if (path != NULL)
        memcpy(path, file, strlen(file) + 1);
    size_t before = ret->len;
    enum weir_code code = file_read(file, ret, err);
    if (code != WEIR_OK)
        return err_in(err, "%s: the key in %s", name, file);
    while (ret->len > before && (ret->bytes[ret->len - 1] == '\n' || ret->bytes[ret->len - 1] == '\r'))
        ret->bytes[--ret->len] = '\0';
    if (ret->len == before)
        return err_set(err, WEIR_INVALID, "%s: the file %s is empty", name, file);
    return WEIR_OK;
}

/* Whether MAP has the form that a file of secrets has. */
static enum weir_code
check_map(const struct weir_value *map, struct weir_error *err)
{
    struct weir_text name;
    const struct weir_value *v;
    if (value_type(map) != WEIR_MAP)
        return err_set(err, WEIR_INVALID, "what is in it is no map of secrets");
    if (map->len > SECRETS_MAX)
        return err_set(err, WEIR_TOO_LARGE, "more than %d secrets", SECRETS_MAX);
    for (size_t i = 0; value_member(map, i, &name, &v); i++) {
        if (!secret_name_valid(name))
            return err_set(err, WEIR_INVALID, "'%.*s' can't be the name of a secret", (int)(name.len < 60 ? name.len : 60),
                           name.bytes);
        if ((value_type(v) != WEIR_STRING && value_type(v) != WEIR_BYTES) || v->len > SECRET_MAX)
            return err_set(err, WEIR_INVALID, "%.*s: a secret is a text of at most %d bytes", (int)name.len, name.bytes,
                           SECRET_MAX);
    }
    return WEIR_OK;
}

enum weir_code
secrets_file_map(struct weir_text text, const struct weir_value **ret, struct weir_error *err)
{
    const struct weir_value *map = NULL;
    enum weir_code code = msgpack_read(text, &map, err);
    if (code == WEIR_OK)
        code = check_map(map, err);
    if (code == WEIR_OK)
        *ret = map;
    else
        value_unref(&map);
    return code;
}

enum weir_code
secrets_file_read(const char *path, struct weir_text key, const struct weir_value **ret, struct weir_error *err)
{
    struct buf sealed, text;
    buf_init(&sealed, SEALED_MAX);
    buf_init(&text, SEAL_TEXT_MAX + 1);
    enum weir_code code = file_read(path, &sealed, err);
    if (code == WEIR_OK)
        code = seal_open(key, buf_content(&sealed), &text, err);
    if (code == WEIR_OK)
        code = secrets_file_map(buf_content(&text), ret, err);
    buf_burn(&text);
    buf_fini(&sealed);
    return code;
}

/* The folder of PATH; "." if it names none. */
static void
folder_of(const char *path, char ret[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    (void)snprintf(ret, PATH_MAX, "%.*s", len > 0 ? (int)len : 1, len > 0 ? path : ".");
}

static bool
write_whole(int fd, const struct buf *b)
{
    for (size_t at = 0; at < b->len;) {
        ssize_t n = write(fd, b->bytes + at, b->len - at);
        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0;
}

/* Writes SEALED into a new file TEMPORARY of mode 0600. False, with errno, if that fails; then the
 * file is gone. */
static bool
write_beside(char *temporary, const char *folder, const struct buf *sealed)
{
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return false;
    struct stat st;
    /* root writes for whom the folder belongs to, such as the user of the service */
    bool owned = geteuid() != 0 || stat(folder, &st) != 0 || fchown(fd, st.st_uid, st.st_gid) == 0;
    bool good = owned && fchmod(fd, 0600) == 0 && write_whole(fd, sealed);
    int why = errno;
    good = close(fd) == 0 && good;
    if (!good)
        (void)unlink(temporary);
    errno = why;
    return good;
}

/* The name is on disk, too, once the folder is. */
static bool
sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

/* Whether the file opens with KEY to what MAP has. */
static enum weir_code
verify(const char *path, struct weir_text key, const struct weir_value *map, struct weir_error *err)
{
    const struct weir_value *back = NULL;
    enum weir_code code = secrets_file_read(path, key, &back, err);
    if (code == WEIR_OK && !value_equal(back, map))
        code = err_set(err, WEIR_INTERNAL, "what was written is not what is there");
    value_unref(&back);
    return code == WEIR_OK ? code : err_in(err, "%s", path);
}

/* Puts SEALED, once it was verified, into the place of PATH. */
static enum weir_code
replace(const char *path, const struct buf *sealed, struct weir_text key, const struct weir_value *map,
        struct weir_error *err)
{
    char folder[PATH_MAX], temporary[PATH_MAX];
    folder_of(path, folder);
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= PATH_MAX)
        return err_set(err, WEIR_INVALID, "%.60s...: the path is too long", path);
    if (!write_beside(temporary, folder, sealed))
        return err_set(err, WEIR_UNAVAILABLE, "%s can't be written: %s", path, strerror(errno));
    enum weir_code code = verify(temporary, key, map, err);
    if (code == WEIR_OK && rename(temporary, path) != 0)
        code = err_set(err, WEIR_UNAVAILABLE, "%s can't be written: %s", path, strerror(errno));
    if (code != WEIR_OK) {
        (void)unlink(temporary);
        return code;
    }
    if (!sync_folder(folder))
        return err_set(err, WEIR_UNAVAILABLE, "%s can't be synced: %s", folder, strerror(errno));
    return WEIR_OK;
}

enum weir_code
secrets_file_write(const char *path, struct weir_text key, const struct weir_value *map, struct weir_error *err)
{
    struct buf text, sealed;
    if (key.len < MASTER_KEY_MIN)
        return err_set(err, WEIR_INVALID, "the key is too short: %d bytes at least (openssl rand -base64 32 makes a "
                       "good one)", MASTER_KEY_MIN);
    enum weir_code code = check_map(map, err);
    if (code != WEIR_OK)
        return code;
    buf_init(&text, SEAL_TEXT_MAX);
    buf_init(&sealed, SEALED_MAX + 1);
    code = msgpack_write(&text, map, err);
    if (code == WEIR_OK)
        code = seal_close(key, &seal_cost_usual, buf_content(&text), &sealed, err);
    if (code == WEIR_OK)
        code = replace(path, &sealed, key, map, err);
    buf_burn(&text);
    buf_fini(&sealed);
    return code;
}

enum weir_code
secrets_file_lock(const char *path, unsigned wait_ms, int *ret_lock, struct weir_error *err)
{
    char name[PATH_MAX], folder[PATH_MAX];
    folder_of(path, folder);
    (void)mkdir(folder, 0700); /* if it is not to be had, the open says so */
    if (snprintf(name, sizeof name, "%s.lock", path) >= PATH_MAX)
        return err_set(err, WEIR_INVALID, "%.60s...: the path is too long", path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_set(err, WEIR_UNAVAILABLE, "%s can't be opened: %s", name, strerror(errno));
    uint64_t until = clock_mono_ms() + wait_ms;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_mono_ms() >= until || (errno != EWOULDBLOCK && errno != EINTR)) {
            close(fd);
            return err_set(err, WEIR_CONFLICT, "another weir secrets is changing %s; try again", path);
        }
        (void)nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * 1000000l }, NULL);
    }
    *ret_lock = fd;
    return WEIR_OK;
}

void
secrets_file_unlock(int *lock)
{
    if (*lock >= 0)
        close(*lock);
    *lock = -1;
}
