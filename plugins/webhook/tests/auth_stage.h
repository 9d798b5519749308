/* webhook/tests/auth_stage.h - a webhook with auth: that its tests ask at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WEBHOOK_TESTS_AUTH_STAGE_H
#define WEBHOOK_TESTS_AUTH_STAGE_H

#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/attempts.h"

#define SECRET "0123456789abcdef0123456789abcdef"

/* A webhook with that auth, which answers with request.auth. */
static inline void
load(const char *auth)
{
    char yaml[8192];
    snprintf(yaml, sizeof yaml,
             "name: entry\ntrigger:\n  webhook:\n    path: /in\n    methods: [POST, GET]\n    auth: %s\nsteps:\n"
             "  - reply: { json: \"${ {'auth': request.auth, 'key': request.headers[\\\"x-api-key\\\"] ?? '', "
             "'token': request.headers.authorization ?? '', 'query': request.query } }\" }\n",
             auth);
    attempts_configure(0); /* these tests guess more often than anybody may: see e2e/auth for that */
    stage_load(yaml, NULL);
}

static inline struct play *
play_on(const char *line, const char *headers)
{
    struct play *p = stage_begin(line, NULL, headers);
    stage_finish(p);
    assert_int_equal(p->replies, 1);
    return p;
}

/* Fails unless the answer has STATUS and TEXT in its body. */
static inline void
expect_on(const char *line, const char *headers, unsigned status, const char *text)
{
    struct play *p = play_on(line, headers);
    if (p->status != status || strstr(p->body, text) == NULL)
        fail_msg("%s with %.200s: %u %s", line, headers ? headers : "nothing", p->status, p->body);
    stage_end(&p);
}

static inline void
expect(const char *headers, unsigned status, const char *text)
{
    expect_on("POST /in", headers, status, text);
}

static inline void
expect_challenge(const char *headers, unsigned status, const char *challenge)
{
    struct play *p = play_on("POST /in", headers);
    assert_int_equal(p->status, status);
    if (strcmp(stage_header(p, "WWW-Authenticate"), challenge) != 0)
        fail_msg("'%s' is not '%s'", stage_header(p, "WWW-Authenticate"), challenge);
    stage_end(&p);
}

static inline void
refused(const char *auth, const char *why)
{
    stage_refuses(why, "trigger:\n  webhook: { path: /a, auth: %s }\nsteps:\n  - reply: 204\n", auth);
}

/* RFC 7515 A.2 and A.3: an exp of the year 2011. */
#define OLD_CLAIMS "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define ES256_PEM                                                                                                      \
    "-----BEGIN PUBLIC KEY-----\\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\\n"                 \
    "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\\n-----END PUBLIC KEY-----\\n"
#define ES256_TOKEN                                                                                                    \
    "Authorization: Bearer eyJhbGciOiJFUzI1NiJ9." OLD_CLAIMS ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q\n"

#endif
