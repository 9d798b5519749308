/* net/sigv4.c - see sigv4.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/digest.h"
#include "base/encode.h"

#define CANONICAL_MAX (256u << 10)
#define PARAMS_MAX 64u

void
sigv4_date(uint64_t wall_ms, char ret[SIGV4_DATE])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL || strftime(ret, SIGV4_DATE, "%Y%m%dT%H%M%SZ", &tm) == 0)
        ret[0] = '\0';
}

/* Each byte that is neither unreserved nor a slash as %XX. */
static bool
add_path(struct buf *b, struct weir_text path)
{
    bool good = true;
    for (size_t at = 0; good && at <= path.len;) {
        const char *slash = memchr(path.bytes + at, '/', path.len - at);
        size_t len = slash != NULL ? (size_t)(slash - path.bytes) - at : path.len - at;
        good = url_encode(b, (struct weir_text){ path.bytes + at, len }) && (slash == NULL || buf_putc(b, '/'));
        at += len + 1;
    }
    return good;
}

static int
compare_texts(struct weir_text a, struct weir_text b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.bytes, b.bytes, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* "name=value", both encoded: = sorts behind every character of a name but by the name first. */
static int
compare_params(const void *a, const void *b)
{
    const struct weir_text *x = a, *y = b;
    const char *p = memchr(x->bytes, '=', x->len), *q = memchr(y->bytes, '=', y->len);
    struct weir_text xn = { x->bytes, (size_t)(p - x->bytes) }, yn = { y->bytes, (size_t)(q - y->bytes) };
    int order = compare_texts(xn, yn);
    return order != 0 ? order : compare_texts(*x, *y);
}

/* Appends one parameter in its only encoding. */
static bool
add_param(struct buf *b, struct weir_text param)
{
    struct buf plain;
    const char *equals = memchr(param.bytes, '=', param.len);
    size_t len = equals != NULL ? (size_t)(equals - param.bytes) : param.len;
    struct weir_text parts[2] = { { param.bytes, len }, { param.bytes + len + 1, equals ? param.len - len - 1 : 0 } };
    bool good = true;
    buf_init(&plain, CANONICAL_MAX);
    for (unsigned i = 0; good && i < 2; i++) {
        buf_reset(&plain);
        good = (parts[i].len == 0 || url_decode(&plain, parts[i], false, NULL) == WEIR_OK) &&
               url_encode(b, buf_content(&plain)) && (i > 0 || buf_putc(b, '='));
    }
    buf_fini(&plain);
    return good;
}

/* The parameters, each encoded in its only way, sorted by name and value. */
static bool
add_query(struct buf *out, struct weir_text query)
{
    struct buf coded;
    struct weir_text params[PARAMS_MAX];
    size_t ends[PARAMS_MAX];
    unsigned n = 0;
    bool good = true;
    buf_init(&coded, CANONICAL_MAX);
    for (size_t at = 0; good && at < query.len;) {
        const char *and = memchr(query.bytes + at, '&', query.len - at);
        size_t len = and != NULL ? (size_t)(and - query.bytes) - at : query.len - at;
        if (len > 0) {
            good = n < PARAMS_MAX && add_param(&coded, (struct weir_text){ query.bytes + at, len });
            if (good)
                ends[n++] = coded.len;
        }
        at += len + 1;
    }
    for (unsigned i = 0; i < n; i++) {
        size_t from = i > 0 ? ends[i - 1] : 0;
        params[i] = (struct weir_text){ coded.bytes + from, ends[i] - from };
    }
    if (n > 0)
        qsort(params, n, sizeof *params, compare_params);
    for (unsigned i = 0; good && i < n; i++)
        good = (i == 0 || buf_putc(out, '&')) && buf_text(out, params[i]);
    buf_fini(&coded);
    return good;
}

static char
lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static int
compare_names(struct weir_text a, struct weir_text b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++)
        if (lower(a.bytes[i]) != lower(b.bytes[i]))
            return (unsigned char)lower(a.bytes[i]) - (unsigned char)lower(b.bytes[i]);
    return (a.len > b.len) - (a.len < b.len);
}

/* The value without blanks around it, and with one blank where there were several. */
static void
add_value(struct buf *b, struct weir_text value)
{
    bool blank = false, any = false;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.bytes[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            blank = any;
            continue;
        }
        if (blank)
            (void)buf_putc(b, ' ');
        (void)buf_putc(b, c);
        blank = false;
        any = true;
    }
}

/* The headers in order of name, those of one name in theirs: an insertion keeps it. */
static void
sort_headers(const struct sigv4_request *r, const struct weir_header *ret[SIGV4_HEADERS])
{
    for (unsigned i = 0; i < r->n_headers; i++) {
        unsigned at = i;
        for (; at > 0 && compare_names(r->headers[i].name, ret[at - 1]->name) < 0; at--)
            ret[at] = ret[at - 1];
        ret[at] = &r->headers[i];
    }
}

/* Appends "name:value\n" of each, and to NAMES "a;b;c"; values of one name are joined. */
static void
add_headers(struct buf *b, struct buf *names, const struct sigv4_request *r)
{
    const struct weir_header *sorted[SIGV4_HEADERS];
    sort_headers(r, sorted);
    for (unsigned i = 0; i < r->n_headers; i++) {
        bool again = i > 0 && compare_names(sorted[i]->name, sorted[i - 1]->name) == 0;
        if (i > 0)
            (void)buf_putc(b, again ? ',' : '\n');
        if (!again && i > 0)
            (void)buf_putc(names, ';');
        for (size_t k = 0; !again && k < sorted[i]->name.len; k++) {
            (void)buf_putc(b, lower(sorted[i]->name.bytes[k]));
            (void)buf_putc(names, lower(sorted[i]->name.bytes[k]));
        }
        if (!again)
            (void)buf_putc(b, ':');
        add_value(b, sorted[i]->value);
    }
    (void)buf_putc(b, '\n');
}

static void
add_digest(struct buf *b, struct weir_text text)
{
    uint8_t hash[DIGEST_MAX];
    size_t len = digest(WEIR_SHA256, text, hash);
    (void)hex_encode(b, (struct weir_text){ (const char *)hash, len });
}

/* The canonical request; the names of its headers in NAMES. */
static bool
write_canonical(const struct sigv4_request *r, struct buf *b, struct buf *names)
{
    bool good = buf_text(b, r->method) && buf_putc(b, '\n') && add_path(b, r->path) && buf_putc(b, '\n') &&
                add_query(b, r->query) && buf_putc(b, '\n');
    add_headers(b, names, r);
    (void)buf_putc(b, '\n');
    (void)buf_text(b, buf_content(names));
    (void)buf_putc(b, '\n');
    add_digest(b, r->body);
    return good && b->len < b->max;
}

/* The key of a day, a region and a service, from the secret one. */
static void
derive_key(const struct sigv4 *who, struct weir_text day, uint8_t key[DIGEST_MAX])
{
    const struct weir_text steps[] = { day, who->region, who->service, TEXT("aws4_request") };
    struct buf first;
    buf_init(&first, 4096);
    (void)buf_puts(&first, "AWS4");
    (void)buf_text(&first, who->secret_key);
    size_t len = digest_hmac(WEIR_SHA256, buf_content(&first), steps[0], key);
    for (unsigned i = 1; i < 4; i++) {
        uint8_t next[DIGEST_MAX];
        (void)digest_hmac(WEIR_SHA256, (struct weir_text){ (const char *)key, len }, steps[i], next);
        memcpy(key, next, len);
        explicit_bzero(next, sizeof next);
    }
    explicit_bzero(first.bytes, first.len);
    buf_fini(&first);
}

/* Signs the canonical request in B, whose headers are NAMES. */
static bool
write_authorization(const struct sigv4 *who, const struct buf *canonical, const struct buf *names, struct buf *ret)
{
    char date[SIGV4_DATE];
    uint8_t key[DIGEST_MAX], signature[DIGEST_MAX];
    struct buf scope, text;
    sigv4_date(who->wall_ms, date);
    buf_init(&scope, 1024);
    buf_init(&text, 4096);
    (void)buf_printf(&scope, "%.8s/%.*s/%.*s/aws4_request", date, (int)who->region.len, who->region.bytes,
                     (int)who->service.len, who->service.bytes);
    (void)buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n%s\n", date, scope.bytes);
    add_digest(&text, buf_content(canonical));
    derive_key(who, (struct weir_text){ date, 8 }, key);
    (void)digest_hmac(WEIR_SHA256, (struct weir_text){ (const char *)key, 32 }, buf_content(&text), signature);
    explicit_bzero(key, sizeof key);
    bool good = buf_printf(ret, "AWS4-HMAC-SHA256 Credential=%.*s/%s, SignedHeaders=%s, Signature=",
                           (int)who->access_key.len, who->access_key.bytes, scope.bytes, names->bytes) &&
                hex_encode(ret, (struct weir_text){ (const char *)signature, 32 });
    buf_fini(&scope);
    buf_fini(&text);
    return good;
}

enum weir_code
sigv4_sign(const struct sigv4 *who, const struct sigv4_request *r, struct buf *ret, struct weir_error *err)
{
    struct buf canonical, names;
    if (r->n_headers == 0 || r->n_headers > SIGV4_HEADERS)
        return err_set(err, WEIR_INVALID, "1 to %u headers can be signed", SIGV4_HEADERS);
    if (who->region.len > 200 || who->service.len > 200 || who->secret_key.len > 2048)
        return err_set(err, WEIR_INVALID, "the region or the key is too long");
    buf_init(&canonical, CANONICAL_MAX);
    buf_init(&names, CANONICAL_MAX);
    enum weir_code code = WEIR_OK;
    if (!write_canonical(r, &canonical, &names))
        code = err_set(err, WEIR_INVALID, "the request can't be signed: its query is malformed or too large");
    else if (!write_authorization(who, &canonical, &names, ret))
        code = err_set(err, WEIR_TOO_LARGE, "more than %zu bytes", ret->max);
    buf_fini(&canonical);
    buf_fini(&names);
    return code;
}
