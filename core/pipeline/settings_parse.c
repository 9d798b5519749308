/* pipeline/settings_parse.c - from the text of a setting to its value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "pipeline/settings_impl.h"

#define TEXT_MAX 65536

/* A number in tens of at most 10 digits. */
static bool
read_number(const char *s, size_t len, uint64_t *ret)
{
    uint64_t n = 0;
    if (len == 0 || len > 10)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(s[i] - '0');
    }
    *ret = n;
    return true;
}

static enum weir_code
parse_count(const struct setting *t, const char *text, uint64_t *ret, struct weir_error *err)
{
    uint64_t low = strtoull(t->range, NULL, 10);
    uint64_t high = strtoull(strstr(t->range, "..") + 2, NULL, 10);
    uint64_t n;
    if (!read_number(text, strlen(text), &n) || n < low || n > high)
        return err_set(err, WEIR_INVALID, "must be a whole number from %llu to %llu",
                       (unsigned long long)low, (unsigned long long)high);
    *ret = n;
    return WEIR_OK;
}

static enum weir_code
parse_bool(const char *text, uint64_t *ret, struct weir_error *err)
{
    bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    if (!yes && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
        return err_set(err, WEIR_INVALID, "must be true or false");
    *ret = yes;
    return WEIR_OK;
}

static enum weir_code
parse_choice(const struct setting *t, const char *text, struct weir_error *err)
{
    size_t len = strlen(text);
    for (const char *at = t->range; *at != '\0'; at += *at == '|') {
        size_t n = strcspn(at, "|");
        if (n == len && memcmp(at, text, n) == 0)
            return WEIR_OK;
        at += n;
    }
    return err_set(err, WEIR_INVALID, "must be one of %s", t->range);
}

/* host:port, [ipv6]:port, :port, unix:/path */
static bool
is_address(struct weir_text t)
{
    if (t.len > 5 && memcmp(t.bytes, "unix:", 5) == 0)
        return t.len < 5 + 108 && memchr(t.bytes, ' ', t.len) == NULL;
    const char *colon = memrchr(t.bytes, ':', t.len);
    if (colon == NULL)
        return false;
    size_t host = (size_t)(colon - t.bytes);
    uint64_t port;
    if (!read_number(colon + 1, t.len - host - 1, &port) || port > 65535)
        return false;
    bool bracketed = host > 1 && t.bytes[0] == '[' && t.bytes[host - 1] == ']';
    return host < 256 && (bracketed || memchr(t.bytes, ':', host) == NULL) &&
           memchr(t.bytes, ' ', host) == NULL;
}

/* An address, or one with the length of a prefix; or the word for all who connect to a path. */
static bool
is_range(struct weir_text t)
{
    if (text_is(t, "unix"))
        return true;
    char host[64];
    const char *slash = memchr(t.bytes, '/', t.len);
    size_t len = slash != NULL ? (size_t)(slash - t.bytes) : t.len;
    if (len >= sizeof host)
        return false;
    memcpy(host, t.bytes, len);
    host[len] = '\0';
    uint8_t bytes[16];
    bool four = inet_pton(AF_INET, host, bytes) == 1;
    if (!four && inet_pton(AF_INET6, host, bytes) != 1)
        return false;
    uint64_t prefix = 0;
    return slash == NULL ||
           (read_number(slash + 1, t.len - len - 1, &prefix) && prefix <= (four ? 32u : 128u));
}

static enum weir_code
parse_list(const char *text, bool (*is)(struct weir_text), const char *what,
           struct weir_error *err)
{
    struct weir_text item;
    for (unsigned i = 0; settings_item(text, i, &item); i++)
        if (!is(item))
            return err_set(err, WEIR_INVALID, "'%.*s' is no %s",
                           (int)(item.len < 80 ? item.len : 80), item.bytes, what);
    return WEIR_OK;
}

static enum weir_code
parse(const struct setting *t, const char *text, struct setting_value *v,
      struct weir_error *err)
{
    switch (t->type) {
    case SETTING_COUNT:
        return parse_count(t, text, &v->number, err);
    case SETTING_BYTES:
        return bytes_parse(text_of(text), &v->number, err);
    case SETTING_DURATION:
        return duration_parse(text_of(text), &v->number, err);
    case SETTING_PERCENT:
        return percent_parse(text_of(text), &v->fraction, err);
    case SETTING_BOOL:
        return parse_bool(text, &v->number, err);
    case SETTING_CHOICE:
        return parse_choice(t, text, err);
    case SETTING_ADDRESSES:
        return parse_list(text, is_address, "address such as 127.0.0.1:8080", err);
    case SETTING_RANGES:
        return parse_list(text, is_range, "address range such as 10.0.0.0/8", err);
    case SETTING_FILES:
    case SETTING_TEXT:
    case SETTING_SECRET:
        break;
    }
    return WEIR_OK;
}

enum weir_code
setting_parse(const struct setting *t, const char *text, struct setting_value *ret,
              struct weir_error *err)
{
    if (strlen(text) > TEXT_MAX)
        return err_set(err, WEIR_INVALID, "longer than 64 KiB");
    struct setting_value v = { 0 };
    enum weir_code code = parse(t, text, &v, err);
    if (code != WEIR_OK)
        return code;
    v.text = strdup(text);
    if (v.text == NULL)
        abort();
    *ret = v;
    return WEIR_OK;
}
