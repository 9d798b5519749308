/* guard/notify.c - see notify.h. SPDX-License-Identifier: Apache-2.0 */
#include "guard/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "guard/worker.h"

static void
notify(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (path[0] == '@')
        to.sun_path[0] = '\0'; /* the abstract namespace */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to, len);
    close(fd);
}

void
notify_ready(void)
{
    if (!worker_tell(CHANNEL_READY))
        notify("READY=1\nSTATUS=\n");
}

void
notify_reloading(void)
{
    char text[80];
    if (worker_tell(CHANNEL_RELOADING))
        return;
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n", clock_mono_ns() / 1000);
    notify(text);
}

void
notify_stopping(void)
{
    if (!worker_tell(CHANNEL_STOPPING))
        notify("STOPPING=1\n");
}

void
notify_watchdog(void)
{
    notify("WATCHDOG=1\n");
}

void
notify_status(const char *text)
{
    char line[160];
    snprintf(line, sizeof line, "STATUS=%.140s\n", text);
    notify(line);
}

uint64_t
notify_watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    if (usec == NULL || (pid && strtol(pid, NULL, 10) != getpid()))
        return 0;
    return strtoull(usec, NULL, 10) / 2000;
}
