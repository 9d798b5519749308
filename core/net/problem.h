/* net/problem.h - errors as problem documents (RFC 9457). Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_PROBLEM_H
#define NET_PROBLEM_H

#include "base/buf.h"

#define PROBLEM_TYPE "application/problem+json"
#define PROBLEM_MAX (64u * 1024u) /* bytes that a document needs at most */

/* The HTTP status of an answer that tells ERR: ERR's own (400 to 599), else that of its code;
 * with WEIR_UPSTREAM that of the code, since its own is what the upstream said. */
unsigned problem_status(const struct weir_error *err);

/* Appends the document of ERR: type urn:weir:problem:CODE, title, status, detail, INSTANCE
 * (left out if empty), and errors if ERR's detail is a list, of which secrets are masked and
 * what passes PROBLEM_MAX is left out. False if OUT is full: then it holds a part. */
bool problem_write(struct buf *out, const struct weir_error *err, struct weir_text instance);

#endif
