/* webhook/verify_header.c - what a stranger's headers claim. See verify.h.
 *
 * Nothing here is lenient: what two readers could take for two things is none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify.h"

#include <string.h>

#define YEAR_10000_MS UINT64_C(253402300800000)

/* What stands in TEXT up to SEPARATOR, which TEXT then begins behind. False: nothing is left. */
static bool
next_of(struct weir_text *text, char separator, struct weir_text *ret)
{
    if (text->bytes == NULL)
        return false;
    const char *end = separator != '\0' && text->len > 0 ? memchr(text->bytes, separator, text->len) : NULL;
    size_t len = end != NULL ? (size_t)(end - text->bytes) : text->len;
    *ret = (struct weir_text){ text->bytes, len };
    *text = end != NULL ? (struct weir_text){ end + 1, text->len - len - 1 } : (struct weir_text){ NULL, 0 };
    return true;
}

/* Takes PREFIX off TEXT; false: TEXT begins in another way. */
static bool
strip(struct weir_text *text, const char *prefix)
{
    size_t len = strlen(prefix);
    if (text->len < len || (len > 0 && memcmp(text->bytes, prefix, len) != 0))
        return false;
    *text = (struct weir_text){ text->bytes + len, text->len - len };
    return true;
}

static bool
add_signature(struct claim *c, struct weir_text signature, bool pair)
{
    uint32_t pairs = 0;
    for (uint32_t i = 0; i < c->n; i++)
        pairs += c->pair[i];
    if (c->n == SIGNATURES_MAX || (pair && pairs == PUBLIC_SIGNATURES_MAX) || signature.len == 0)
        return false;
    c->pair[c->n] = pair;
    c->signatures[c->n++] = signature;
    return true;
}

/* Signatures of versions that nobody knows yet are left out. */
static bool
read_list(struct weir_text header, struct claim *ret)
{
    struct weir_text item, version;
    while (next_of(&header, ' ', &item)) {
        struct weir_text rest = item;
        (void)next_of(&rest, ',', &version);
        if (rest.bytes == NULL || version.len == 0)
            return false;
        bool pair = text_same(version, WEIR_TEXT("v1a"));
        if ((pair || text_same(version, WEIR_TEXT("v1"))) && !add_signature(ret, rest, pair))
            return false;
    }
    return true;
}

static bool
read_pairs(struct weir_text header, struct claim *ret)
{
    struct weir_text item, key;
    while (next_of(&header, ',', &item)) {
        struct weir_text rest = item;
        (void)next_of(&rest, '=', &key);
        if (rest.bytes == NULL || key.len == 0)
            return false;
        if (text_same(key, WEIR_TEXT("t"))) {
            if (ret->timestamp.len > 0 || rest.len == 0)
                return false;
            ret->timestamp = rest;
        } else if (text_same(key, WEIR_TEXT("v1")) && !add_signature(ret, rest, false)) {
            return false;
        }
    }
    return true;
}

static bool
read_plain(const struct signature *s, struct weir_text header, struct claim *ret)
{
    struct weir_text item;
    while (next_of(&header, s->separator, &item)) {
        bool fits = strip(&item, s->prefix);
        if (fits ? !add_signature(ret, item, false) : s->separator == '\0')
            return false;
    }
    return true;
}

bool
claim_read(const struct signature *s, struct weir_text header, struct claim *ret)
{
    if (s->scheme->form == FORM_LIST)
        return read_list(header, ret);
    if (s->scheme->form == FORM_PAIRS)
        return read_pairs(header, ret);
    return read_plain(s, header, ret);
}

bool
timestamp_read(struct weir_text text, uint64_t unit_ms, uint64_t *ret_ms)
{
    uint64_t n = 0;
    if (text.len == 0 || text.len > 15 || (text.bytes[0] == '0' && text.len > 1))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(text.bytes[i] - '0');
    }
    if (n >= YEAR_10000_MS / unit_ms)
        return false;
    *ret_ms = n * unit_ms;
    return true;
}

bool
id_fits(struct weir_text id, bool dotless)
{
    if (id.len == 0 || id.len > ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (id.bytes[i] <= ' ' || id.bytes[i] >= 127 || (dotless && id.bytes[i] == '.'))
            return false;
    return true;
}
