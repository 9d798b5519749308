/* guard/activation.h - sockets that systemd has opened for this process (sd_listen_fds(3)'s
 * protocol), without its library.
 *
 * Main thread, before the first other one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GUARD_ACTIVATION_H
#define GUARD_ACTIVATION_H

#include <stdbool.h>

#define ACTIVATION_MAX 64
#define ACTIVATION_NAME 256

struct activation {
    int fd;
    char name[ACTIVATION_NAME]; /* FileDescriptorName= of its unit; "unknown" where there is none */
};

/* Whether there are any for this process. */
bool activation_there(void);

/* Takes them: the environment says nothing of them after it, and exec closes them. Returns how
 * many; those beyond ACTIVATION_MAX are closed. */
unsigned activation_take(struct activation ret[ACTIVATION_MAX]);

#endif
