/* net/http1_answer.c - heads of answers; see http1.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "net/http1_parse.h"

/* Reads the version, the status, and the reason, which may be missing. */
static enum weir_code
read_status_line(struct http_parse *p)
{
    struct http_head *h = p->head;
    const char *at = p->at;
    if (p->end - at < 14 || memcmp(at, "HTTP/1.", 7) != 0 || (at[7] != '0' && at[7] != '1') ||
        at[8] != ' ')
        return http_bad(p, 0, "the answer does not begin with HTTP/1.1 and a status");
    for (int i = 9; i < 12; i++) {
        if (!http_is(at[i], HTTP_DIGIT))
            return http_bad(p, 0, "the status of the answer is not a number");
        h->status = h->status * 10 + (unsigned)(at[i] - '0');
    }
    if (h->status < 100 || (at[12] != ' ' && at[12] != '\r'))
        return http_bad(p, 0, "the status of the answer is not a number");
    h->minor = (unsigned)(at[7] - '0');

    p->at += at[12] == ' ' ? 13 : 12;
    char *end = http_scan_text(p->at, p->end);
    if (p->end - end < 2 || end[0] != '\r' || end[1] != '\n')
        return http_bad(p, 0, "the status line of the answer has a control byte");
    h->reason = (struct weir_text){ p->at, (size_t)(end - p->at) };
    p->at = end + 2;
    return WEIR_OK;
}

enum weir_code
http_answer_parse(char *bytes, size_t len, const struct http_limits *limits,
                  struct http_head *ret, struct weir_error *err)
{
    memset(ret, 0, offsetof(struct http_head, fields));
    struct http_parse p = { .at = bytes,
                            .end = bytes + len,
                            .limits = limits,
                            .head = ret,
                            .err = err,
                            .answer = true };
    if (len > limits->head)
        return http_bad(&p, 0, "the header section of the answer is too large");
    enum weir_code code = read_status_line(&p);
    if (code == WEIR_OK)
        code = http_fields_parse(&p);
    if (code != WEIR_OK)
        return code;
    return http_second_opinion(bytes, len, &p);
}
