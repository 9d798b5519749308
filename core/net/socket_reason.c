/* net/socket_reason.c - see socket_reason.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/socket_reason.h"

#include <errno.h>
#include <string.h>

const char *
socket_reason(int number)
{
    switch (number) {
    case ECONNREFUSED:
        return "refused the connection";
    case ECONNRESET:
    case EPIPE:
        return "reset the connection";
    case ETIMEDOUT:
        return "does not answer the connection";
    case EHOSTUNREACH:
    case ENETUNREACH:
        return "cannot be reached from here";
    case EMFILE:
    case ENFILE:
        return "can't be connected to: no file descriptor is free";
    case ENOENT:
        return "has no socket there";
    case EACCES:
    case EPERM:
        return "may not be connected to";
    default:
        return strerrordesc_np(number);
    }
}
