/* net/sigv4.h - signing requests for AWS: Signature Version 4 (AWS4-HMAC-SHA256), in the header.
 *
 * As AWS describes it (IAM User Guide, "Create a signed AWS API request") and as the vectors of
 * awslabs/aws-c-auth have it. The path is signed as it stands, without dots being resolved. Any
 * thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_SIGV4_H
#define NET_SIGV4_H

#include "base/buf.h"

/* Who signs, for what, when. All borrowed. */
struct sigv4 {
    struct weir_text access_key;
    struct weir_text secret_key;
    struct weir_text region;
    struct weir_text service;
    uint64_t wall_ms;
};

/* What is signed. The headers have Host and X-Amz-Date among them (and X-Amz-Security-Token, with
 * a session), and all of them are signed. */
struct sigv4_request {
    struct weir_text method;
    struct weir_text path;  /* not encoded; "/" at least */
    struct weir_text query; /* without the question mark */
    const struct weir_header *headers;
    unsigned n_headers;
    struct weir_text body;
};

#define SIGV4_HEADERS 32u /* at most */
#define SIGV4_DATE 17

/* Writes the value of X-Amz-Date: 20150830T123600Z. */
void sigv4_date(uint64_t wall_ms, char ret[SIGV4_DATE]);

/* Appends the value of Authorization. WEIR_INVALID: too many headers or parameters;
 * WEIR_TOO_LARGE. */
enum weir_code sigv4_sign(const struct sigv4 *who, const struct sigv4_request *r, struct buf *ret,
                          struct weir_error *err) MUST_USE;

#endif
