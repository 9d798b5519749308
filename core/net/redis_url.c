/* net/redis_url.c - the URLs of Redis servers; see redis_parts.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "base/encode.h"
#include "net/redis_parts.h"
#include "net/url.h"

#define TEXT_MAX 8192u
#define PORT_DEFAULT 6379u
#define DB_DIGITS 6u

static const char *
find(struct weir_text text, char c)
{
    return text.len > 0 ? memchr(text.bytes, c, text.len) : NULL;
}

/* Splits TEXT at AT, whose byte is dropped: the part before it is left in *TEXT. */
static struct weir_text
cut(struct weir_text *text, const char *at)
{
    struct weir_text behind = { at + 1, (size_t)(text->bytes + text->len - at - 1) };
    text->len = (size_t)(at - text->bytes);
    return behind;
}

static bool
take_scheme(struct weir_text *text, const char *scheme)
{
    size_t len = strlen(scheme);
    if (text->len < len || strncasecmp(text->bytes, scheme, len) != 0)
        return false;
    text->bytes += len;
    text->len -= len;
    return true;
}

/* An owned copy of TEXT, percent-decoded. */
static enum weir_code
decode(struct weir_text text, const char *what, struct weir_text *ret, struct weir_error *err)
{
    struct buf b;
    buf_init(&b, TEXT_MAX);
    if (url_decode(&b, text, false, NULL) != WEIR_OK) {
        buf_fini(&b);
        return err_set(err, WEIR_INVALID, "the %s of the Redis URL has a bad %%-escape", what);
    }
    size_t len;
    char *bytes = buf_give(&b, &len);
    *ret = (struct weir_text){ bytes, len };
    return WEIR_OK;
}

static enum weir_code
read_db(struct weir_text text, unsigned *ret, struct weir_error *err)
{
    unsigned db = 0;
    bool good = text.len > 0 && text.len <= DB_DIGITS;
    for (size_t i = 0; good && i < text.len; i++) {
        good = text.bytes[i] >= '0' && text.bytes[i] <= '9';
        db = db * 10 + (unsigned)(text.bytes[i] - '0');
    }
    if (!good)
        return err_set(err, WEIR_INVALID,
                       "the database of the Redis URL must be a number, such as /0");
    *ret = db;
    return WEIR_OK;
}

/* "db=N", or nothing. */
static enum weir_code
read_query(struct weir_text query, struct redis_url *u, struct weir_error *err)
{
    if (query.len == 0)
        return WEIR_OK;
    const char *equals = find(query, '=');
    if (equals == NULL || find(query, '&') != NULL)
        return err_set(err, WEIR_INVALID, "a Redis URL takes ?db=N and nothing else there");
    struct weir_text value = cut(&query, equals);
    if (!text_is(query, "db"))
        return err_set(err, WEIR_INVALID, "a Redis URL takes ?db=N and nothing else there");
    return read_db(value, &u->db, err);
}

static enum weir_code
read_user(struct weir_text text, struct redis_url *u, struct weir_error *err)
{
    const char *colon = find(text, ':');
    if (colon == NULL)
        return err_set(err, WEIR_INVALID,
                       "what stands before the @ of a Redis URL is user:password or :password");
    struct weir_text password = cut(&text, colon);
    if (text.len == 0 && password.len == 0)
        return WEIR_OK; /* both are empty: as if they were not there */
    if (text.len > 0 && decode(text, "user", &u->user, err) != WEIR_OK)
        return (enum weir_code)err->code;
    return decode(password, "password", &u->password, err);
}

/* Host and port, by the rules of other URLs: read twice, as their default port tells whether
 * there is one. */
static enum weir_code
read_host(struct weir_text text, struct redis_url *u, struct weir_error *err)
{
    char copy[2][512];
    struct url as[2];
    if (text.len == 0)
        return err_set(err, WEIR_INVALID, "the Redis URL names no host");
    if (text.len > 300)
        return err_set(err, WEIR_INVALID, "the host of the Redis URL is too long");
    for (unsigned i = 0; i < 2; i++) {
        int len = snprintf(copy[i], sizeof copy[i], "%s://%.*s", i == 0 ? "http" : "https",
                           (int)text.len, text.bytes);
        if (url_parse((struct weir_text){ copy[i], (size_t)len }, &as[i], err) != WEIR_OK)
            return err_set(err, WEIR_INVALID,
                           "the host or port of the Redis URL is malformed (in user and "
                           "password : / ? # @ %% have to be percent-encoded)");
    }
    u->port = as[0].port == as[1].port ? as[0].port : PORT_DEFAULT;
    char *host = strndup(as[0].host.bytes, as[0].host.len);
    if (host == NULL)
        abort();
    for (char *at = host; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at | 0x20);
    u->host = (struct weir_text){ host, as[0].host.len };
    return WEIR_OK;
}

static enum weir_code
read_network(struct weir_text text, struct redis_url *u, struct weir_error *err)
{
    const char *slash = find(text, '/');
    struct weir_text path = slash != NULL ? cut(&text, slash) : TEXT("");
    if (path.len > 0 && read_db(path, &u->db, err) != WEIR_OK)
        return (enum weir_code)err->code;
    const char *at = text.len > 0 ? memrchr(text.bytes, '@', text.len) : NULL;
    if (at != NULL) {
        struct weir_text host = cut(&text, at);
        if (read_user(text, u, err) != WEIR_OK)
            return (enum weir_code)err->code;
        text = host;
    }
    return read_host(text, u, err);
}

static enum weir_code
read_unix(struct weir_text text, struct redis_url *u, struct weir_error *err)
{
    if (text.len < 2 || text.bytes[0] != '/')
        return err_set(err, WEIR_INVALID,
                       "a unix URL of Redis needs the whole path: unix:///run/redis.sock");
    if (decode(text, "path", &u->path, err) != WEIR_OK)
        return (enum weir_code)err->code;
    if (u->path.len >= sizeof(((struct sockaddr_un *)NULL)->sun_path) ||
        memchr(u->path.bytes, 0, u->path.len) != NULL)
        return err_set(err, WEIR_INVALID, "the path of the Redis URL is too long or malformed");
    return WEIR_OK;
}

enum weir_code
redis_url_parse(struct weir_text text, struct redis_url *ret, struct weir_error *err)
{
    struct redis_url u = { 0 };
    if (text.len > TEXT_MAX)
        return err_set(err, WEIR_INVALID, "the Redis URL has more than %u bytes", TEXT_MAX);
    bool local = take_scheme(&text, "unix://");
    if (!local && !(u.tls = take_scheme(&text, "rediss://")) &&
        !take_scheme(&text, "redis://"))
        return err_set(err, WEIR_INVALID,
                       "a Redis URL begins with redis://, rediss:// or unix://");
    const char *mark = find(text, '?');
    struct weir_text query = mark != NULL ? cut(&text, mark) : TEXT("");
    enum weir_code code = find(query, '#') != NULL || find(text, '#') != NULL
                              ? err_set(err, WEIR_INVALID, "a Redis URL has no # in it")
                              : read_query(query, &u, err);
    if (code == WEIR_OK)
        code = local ? read_unix(text, &u, err) : read_network(text, &u, err);
    if (code == WEIR_OK)
        *ret = u;
    else
        redis_url_fini(&u);
    return code;
}

void
redis_url_fini(struct redis_url *u)
{
    free((char *)u->path.bytes);
    free((char *)u->host.bytes);
    free((char *)u->user.bytes);
    if (u->password.bytes != NULL)
        explicit_bzero((char *)u->password.bytes, u->password.len);
    free((char *)u->password.bytes);
    *u = (struct redis_url){ 0 };
}
