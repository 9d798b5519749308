/* cli/contact.h - a connection to the admin of a running weir, plain or over TLS. Blocking; for commands only.
 *
 * Whom to ask is --admin, else admin.listen, else admin.tls.listen. Over TLS the certificate has to bear the name or
 * address that was asked for, and to be trusted: by the file admin.tls.ca (--ca), else by the system.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_CONTACT_H
#define CLI_CONTACT_H

#include "cli/args.h"
#include "net/tls.h"
#include "pipeline/settings.h"

struct contact {
    int fd;                      /* -1: none */
    struct tls *tls;             /* owned; NULL: it is plain */
    struct tls_context *context; /* owned; NULL: as above */
    struct buf plain;            /* what came over TLS and was not read yet */
    struct buf wire;             /* what is to be sent */
    bool ended;                  /* nothing more comes */
};

/* Connects to the admin that A and S name. False after printing why not; then *ret_exit is the exit code. C is to
 * be closed in any case. */
bool contact_open(struct contact *c, const struct args *a, const struct settings *s, int *ret_exit);

/* Sends all of it; false if the other side has gone. */
bool contact_send(struct contact *c, struct weir_text bytes);

/* Reads 1 to ROOM bytes; 0 at the end, or on an error. */
size_t contact_read(struct contact *c, char *ret, size_t room);

/* Closes it, if it is open, and frees what it has. */
void contact_close(struct contact *c);

#endif
