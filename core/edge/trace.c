/* edge/trace.c - see trace.h; the grammar is that of the W3C recommendation (level 2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/trace.h"

#include <string.h>

#include "base/random.h"

#define PARENT_LEN 55 /* of version 00 */
#define STATE_MEMBERS 32
#define STATE_MAX 8192 /* bytes of all tracestate fields together */

/* Whether the N bytes are lower-case hex digits; *ret_zero: all of them are 0. */
static bool
is_hex(const char *bytes, size_t n, bool *ret_zero)
{
    *ret_zero = true;
    for (size_t i = 0; i < n; i++) {
        char c = bytes[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        *ret_zero &= c == '0';
    }
    return true;
}

/* Reads version-traceid-parentid-flags. A version above 00 may have more behind that. */
static bool
read_parent(struct weir_event *e, struct weir_text field)
{
    const char *s = field.bytes;
    bool zero;
    bool zero_trace;
    bool zero_span;
    if (field.len < PARENT_LEN || s[2] != '-' || s[35] != '-' || s[52] != '-')
        return false;
    if (!is_hex(s, 2, &zero) || memcmp(s, "ff", 2) == 0)
        return false;
    if (field.len > PARENT_LEN && (zero || s[PARENT_LEN] != '-'))
        return false;
    if (!is_hex(s + 3, 32, &zero_trace) || !is_hex(s + 36, 16, &zero_span) ||
        !is_hex(s + 53, 2, &zero))
        return false;
    if (zero_trace || zero_span)
        return false;

    memcpy(e->trace_id, s + 3, 32);
    e->trace_id[32] = '\0';
    memcpy(e->parent_span, s + 36, 16);
    e->parent_span[16] = '\0';
    int flags = s[54] <= '9' ? s[54] - '0' : s[54] - 'a' + 10;
    e->sampled = (flags & 1) != 0;
    e->random_trace = (flags & 2) != 0;
    return true;
}

/* -- tracestate -- */

static bool
is_key_byte(char c, bool first)
{
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return true;
    return !first && (c == '_' || c == '-' || c == '*' || c == '/' || c == '@');
}

/* A key is at most 256 characters. Level 2 gives an @ in it no meaning any more: what stands
 * around it is the vendor's. */
static bool
is_key(struct weir_text key)
{
    if (key.len == 0 || key.len > 256)
        return false;
    for (size_t i = 0; i < key.len; i++)
        if (!is_key_byte(key.bytes[i], i == 0))
            return false;
    return true;
}

static bool
is_state_value(struct weir_text v)
{
    if (v.len == 0 || v.len > 256 || v.bytes[v.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < v.len; i++)
        if (v.bytes[i] < ' ' || v.bytes[i] > '~' || v.bytes[i] == ',' || v.bytes[i] == '=')
            return false;
    return true;
}

static bool
is_member(struct weir_text member)
{
    const char *equals = memchr(member.bytes, '=', member.len);
    if (equals == NULL)
        return false;
    size_t len = (size_t)(equals - member.bytes);
    return is_key((struct weir_text){ member.bytes, len }) &&
           is_state_value((struct weir_text){ equals + 1, member.len - len - 1 });
}

static struct weir_text
trim(struct weir_text t)
{
    while (t.len > 0 && (*t.bytes == ' ' || *t.bytes == '\t')) {
        t.bytes++;
        t.len--;
    }
    while (t.len > 0 && (t.bytes[t.len - 1] == ' ' || t.bytes[t.len - 1] == '\t'))
        t.len--;
    return t;
}

/* Checks the members of one field; empty ones are allowed. *count counts all so far. */
static bool
check_state(struct weir_text field, unsigned *count)
{
    const char *at = field.bytes;
    const char *end = at + field.len;
    while (at <= end) {
        const char *comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;
        const char *stop = comma != NULL ? comma : end;
        struct weir_text member = trim((struct weir_text){ at, (size_t)(stop - at) });
        if (member.len > 0 && (!is_member(member) || ++*count > STATE_MEMBERS))
            return false;
        at = stop + 1;
    }
    return true;
}

static bool
is_state(const struct weir_header *h)
{
    return text_equal(h->name, TEXT("tracestate")) && h->value.len > 0;
}

/* The fields of E joined by commas, LEN bytes in all; empty if there is no memory for them. */
static struct weir_text
join_state(const struct weir_event *e, size_t len)
{
    char *joined = arena_take(e->arena, len);
    if (joined == NULL)
        return (struct weir_text){ "", 0 };
    char *to = joined;
    for (unsigned i = 0; i < e->n_headers; i++) {
        const struct weir_header *h = &e->headers[i];
        if (!is_state(h))
            continue;
        if (to > joined)
            *to++ = ',';
        memcpy(to, h->value.bytes, h->value.len);
        to += h->value.len;
    }
    return (struct weir_text){ joined, len };
}

/* The state of all fields; empty if there are none, or one is not valid. */
static struct weir_text
read_state(const struct weir_event *e)
{
    struct weir_text none = { "", 0 };
    struct weir_text only = none;
    unsigned fields = 0;
    unsigned members = 0;
    size_t len = 0;
    for (unsigned i = 0; i < e->n_headers; i++) {
        const struct weir_header *h = &e->headers[i];
        if (!is_state(h))
            continue;
        if (!check_state(h->value, &members))
            return none;
        len += h->value.len + (fields++ > 0);
        only = h->value;
    }
    if (members == 0 || len > STATE_MAX)
        return none;
    return fields == 1 ? only : join_state(e, len);
}

/* The two hex digits of a byte. */
static const char pairs[256][2] = {
#define ROW(h)                                                                               \
    { h, '0' }, { h, '1' }, { h, '2' }, { h, '3' }, { h, '4' }, { h, '5' }, { h, '6' },      \
    { h, '7' }, { h, '8' }, { h, '9' }, { h, 'a' }, { h, 'b' }, { h, 'c' }, { h, 'd' },      \
    { h, 'e' }, { h, 'f' }
    ROW('0'), ROW('1'), ROW('2'), ROW('3'), ROW('4'), ROW('5'), ROW('6'), ROW('7'),
    ROW('8'), ROW('9'), ROW('a'), ROW('b'), ROW('c'), ROW('d'), ROW('e'), ROW('f'),
#undef ROW
};

/* Writes 16 random digits. They have to differ, not to be a secret: no call of the system. */
static void
random_digits(char *ret)
{
    uint64_t bits = random_below(UINT64_MAX) + 1; /* never all zero */
    for (unsigned i = 0; i < 8; i++, bits >>= 8)
        memcpy(ret + 2 * i, pairs[bits & 255], 2);
}

void
trace_read(struct weir_event *e, bool sampled)
{
    const struct weir_header *parent = NULL;
    unsigned parents = 0;
    for (unsigned i = 0; i < e->n_headers; i++) {
        if (text_equal(e->headers[i].name, TEXT("traceparent"))) {
            parent = &e->headers[i];
            parents++;
        }
    }
    e->tracestate = (struct weir_text){ "", 0 };
    if (parents == 1 && read_parent(e, parent->value)) {
        e->tracestate = read_state(e);
    } else {
        random_digits(e->trace_id);
        random_digits(e->trace_id + 16);
        e->trace_id[32] = '\0';
        e->parent_span[0] = '\0';
        e->sampled = sampled;
        e->random_trace = true;
    }
    random_digits(e->span_id);
    e->span_id[16] = '\0';
}
