/* pipeline/file.c - see file.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum weir_code
read_all(int fd, struct buf *out, struct weir_error *err)
{
    for (;;) {
        char bytes[16384];
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, WEIR_NOT_FOUND, "%s", strerror(errno));
        if (n == 0)
            return WEIR_OK;
        if (buf_add(out, bytes, (size_t)n, err) != WEIR_OK)
            return WEIR_TOO_LARGE;
    }
}

enum weir_code
file_read(const char *path, struct buf *out, struct weir_error *err)
{
    /* without O_NONBLOCK the open of a pipe that nobody writes to would never return */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_set(err, WEIR_NOT_FOUND, "%s", strerror(errno));
    struct stat s;
    enum weir_code code;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode))
        code = err_set(err, WEIR_NOT_FOUND, "it is not a file");
    else
        code = read_all(fd, out, err);
    close(fd);
    return code;
}
