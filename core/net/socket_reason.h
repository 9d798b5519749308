/* net/socket_reason.h - what an error of a socket means, for people.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_SOCKET_REASON_H
#define NET_SOCKET_REASON_H

/* The predicate of a sentence about the other side for an errno: "refused the connection". Lives
 * as long as the process; any thread. */
const char *socket_reason(int number);

#endif
