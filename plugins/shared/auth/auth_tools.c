/* auth_tools.c - small things of auth:; see auth_parts.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth_parts.h"

#include <string.h>
#include <strings.h>

const struct weir_value *
identity_new(const char *scheme, struct weir_text name, const struct weir_value *scopes,
             const struct weir_value *claims)
{
    struct weir_builder *b = host->map_new(), *none;
    const struct weir_value *text = name.bytes != NULL ? host->string(name) : NULL;
    map_take(b, WEIR_TEXT("scheme"), host->string(text_of(scheme)));
    map_take(b, WEIR_TEXT("name"), text != NULL ? text : host->null());
    none = host->list_new();
    map_take(b, WEIR_TEXT("scopes"), scopes != NULL ? host->ref(scopes) : host->build(&none));
    host->builder_free(&none);
    none = host->map_new();
    map_take(b, WEIR_TEXT("claims"), claims != NULL ? host->ref(claims) : host->build(&none));
    host->builder_free(&none);
    return host->build(&b);
}

static bool
has_scope(const struct weir_value *had, struct weir_text scope)
{
    struct weir_text text;
    for (size_t i = 0; host->at(had, i) != NULL; i++)
        if (host->get_text(host->at(had, i), &text) && text_same(text, scope))
            return true;
    return false;
}

struct weir_text
scope_missing(const struct weir_value *needed, const struct weir_value *had)
{
    struct weir_text scope;
    for (size_t i = 0; needed != NULL && host->at(needed, i) != NULL; i++)
        if (host->get_text(host->at(needed, i), &scope) && !has_scope(had, scope))
            return scope;
    return (struct weir_text){ NULL, 0 };
}

bool
header_once(const struct weir_event *e, struct weir_text name, struct weir_text *ret)
{
    *ret = host->event_header(e, name);
    return host->event_header_at(e, name, 1).bytes == NULL;
}

static int
digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
hash_read(struct weir_text hash, uint8_t ret[32])
{
    if (hash.len != 7 + 64 || memcmp(hash.bytes, "sha256:", 7) != 0)
        return false;
    for (size_t i = 0; i < 32; i++) {
        int high = digit_of(hash.bytes[7 + 2 * i]), low = digit_of(hash.bytes[8 + 2 * i]);
        if (high < 0 || low < 0)
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool
same_digest(const uint8_t a[32], const uint8_t b[32])
{
    return host->equal_secret((struct weir_text){ (const char *)a, 32 },
                              (struct weir_text){ (const char *)b, 32 });
}

struct weir_text
config_text(const struct weir_value *config, struct weir_text key)
{
    struct weir_text text = { "", 0 };
    (void)host->get_text(host->get(config, key), &text);
    return text;
}

bool
authorization_of(const struct weir_event *e, struct weir_text scheme, struct weir_text *ret)
{
    struct weir_text field;
    *ret = (struct weir_text){ NULL, 0 };
    if (!header_once(e, AUTHORIZATION, &field))
        return false;
    if (field.bytes == NULL || field.len <= scheme.len || field.bytes[scheme.len] != ' ' ||
        strncasecmp(field.bytes, scheme.bytes, scheme.len) != 0)
        return true;
    size_t at = scheme.len;
    while (at < field.len && field.bytes[at] == ' ')
        at++;
    *ret = (struct weir_text){ field.bytes + at, field.len - at };
    return true;
}
