/* pipeline/secrets_mask.c - see secrets_mask.h.
 *
 * The forms are sorted, and each knows the longest other one that it begins with. A text is walked once; a bitmap of
 * hashed four bytes says at nearly every place that no form begins there, and where one may, a search by halves finds
 * the last form that does not come behind the text: what else begins the text is what that one begins with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/secrets_mask.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "value/json.h"

#define MASK "***"
#define LINE_MIN 16          /* bytes of a line that is worth being hidden alone */
#define FORM_MAX (1u << 20)  /* bytes of a form */
#define BITS 65536u

struct form {
    char *bytes; /* owned */
    size_t len;
    uint32_t first;  /* its first four bytes */
    uint32_t within; /* the longest other form that it begins with, by its number from 1; 0: none */
};

struct masks {
    struct form *forms;
    size_t n;
    size_t room;
    size_t longest; /* bytes of a form */
    uint8_t bits[BITS / 8]; /* by hash_of a form's first four bytes */
};

static uint32_t
first_of(const char *bytes)
{
    uint32_t first;
    memcpy(&first, bytes, sizeof first);
    return first;
}

/* The upper bits of a product with the golden ratio (Knuth, The Art of Computer Programming 3, 6.4). */
static uint32_t
hash_of(uint32_t first)
{
    return first * 2654435769u >> 16;
}

struct masks *
masks_new(void)
{
    struct masks *m = calloc(1, sizeof *m);
    if (m == NULL)
        abort();
    return m;
}

void
masks_free(struct masks **m)
{
    if (*m == NULL)
        return;
    for (size_t i = 0; i < (*m)->n; i++) {
        explicit_bzero((*m)->forms[i].bytes, (*m)->forms[i].len);
        free((*m)->forms[i].bytes);
    }
    free((*m)->forms);
    free(*m);
    *m = NULL;
}

static void
add_form(struct masks *m, struct weir_text text)
{
    if (text.len < MASK_MIN)
        return;
    if (m->n == m->room) {
        m->room = m->room ? 2 * m->room : 64;
        m->forms = realloc(m->forms, m->room * sizeof *m->forms);
    }
    char *copy = malloc(text.len);
    if (m->forms == NULL || copy == NULL)
        abort();
    memcpy(copy, text.bytes, text.len);
    m->forms[m->n++] = (struct form){ .bytes = copy, .len = text.len, .first = first_of(copy) };
}

/* Adds what is in B, and empties it. */
static void
add_buf(struct masks *m, struct buf *b)
{
    add_form(m, buf_content(b));
    buf_reset(b);
}

/* What base64 makes of the secret where it begins AFTER bytes behind a group of three: only the
 * characters that it alone decides. */
static void
add_base64(struct masks *m, struct weir_text secret, unsigned after, bool url, struct buf *b)
{
    struct buf whole;
    static const unsigned skipped[] = { 0, 2, 3 };
    buf_init(&whole, FORM_MAX);
    (void)buf_add(&whole, "\0\0", after, NULL);
    (void)buf_text(&whole, secret);
    bool good = base64_encode(b, buf_content(&whole), url);
    size_t end = whole.len * 8 / 6;
    if (good && end > skipped[after])
        add_form(m, (struct weir_text){ b->bytes + skipped[after], end - skipped[after] });
    buf_reset(b);
    buf_fini(&whole);
}

/* What some writers of JSON escape besides. */
enum escapes {
    ESCAPE_HTML = 1,  /* <, > and &: Go */
    ESCAPE_WIDE = 2,  /* all that is not ASCII: Python, PHP */
    ESCAPE_UPPER = 4, /* in capital letters: .NET */
    ESCAPE_SLASH = 8, /* PHP */
};

/* Appends the character at *AT of the JSON in FROM, with \uXXXX for each UTF-16 unit of it. */
static bool
escape_wide(struct buf *to, struct weir_text from, size_t *at, bool upper)
{
    const char *form = upper ? "\\u%04X" : "\\u%04x";
    uint32_t c = utf8_next(from, at);
    if (c < 0x10000)
        return buf_printf(to, form, (unsigned)c);
    c -= 0x10000;
    return buf_printf(to, form, 0xd800 + (unsigned)(c >> 10)) && buf_printf(to, form, 0xdc00 + (unsigned)(c & 0x3ff));
}

/* Appends TEXT as it stands between the quotes of JSON, with ESCAPES. */
static bool
escape(struct buf *to, struct weir_text text, unsigned escapes)
{
    struct buf json;
    const struct weir_value *v = utf8_valid(text) ? value_string(text.bytes, text.len) : NULL;
    buf_init(&json, FORM_MAX);
    bool good = v != NULL && json_write(&json, v, NULL) == WEIR_OK;
    struct weir_text inner = { json.bytes, good ? json.len - 1 : 0 };
    for (size_t i = 1; good && i < inner.len;) {
        char c = inner.bytes[i];
        if (escapes & ESCAPE_WIDE && (unsigned char)c >= 0x80) {
            good = escape_wide(to, inner, &i, escapes & ESCAPE_UPPER);
            continue;
        }
        if (escapes & ESCAPE_HTML && (c == '<' || c == '>' || c == '&'))
            good = buf_printf(to, "\\u%04x", (unsigned)c);
        else
            good = (!(escapes & ESCAPE_SLASH) || c != '/' || buf_putc(to, '\\')) && buf_putc(to, c);
        i++;
    }
    buf_fini(&json);
    value_unref(&v);
    return good;
}

static void
add_json(struct masks *m, struct weir_text secret, struct buf *b)
{
    static const unsigned ways[] = { 0, ESCAPE_HTML, ESCAPE_WIDE, ESCAPE_WIDE | ESCAPE_UPPER, ESCAPE_SLASH,
                                     ESCAPE_WIDE | ESCAPE_SLASH };
    struct buf twice;
    bool wide = utf8_valid(secret) && utf8_count(secret) < secret.len, slash = memchr(secret.bytes, '/', secret.len) != NULL;
    buf_init(&twice, FORM_MAX);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if ((ways[i] & ESCAPE_WIDE && !wide) || (ways[i] & ESCAPE_SLASH && !slash))
            continue;
        if (escape(b, secret, ways[i])) {
            if (escape(&twice, buf_content(b), ways[i]))
                add_buf(m, &twice);
            add_buf(m, b);
        }
    }
    buf_fini(&twice);
}

static void
to_case(struct buf *b, char low, char high, char by)
{
    for (size_t i = 0; i < b->len; i++)
        if (b->bytes[i] >= low && b->bytes[i] <= high)
            b->bytes[i] = (char)(b->bytes[i] + by);
}

static bool
has_any(struct weir_text text, const char *of)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.bytes[i] != '\0' && strchr(of, text.bytes[i]))
            return true;
    return false;
}

static int
hex_digit(char c)
{
    return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* Undoes %XX in B where it stands for one of KEPT; makes + of %20 if PLUS, and the others' hex small if LOW. */
static void
encode_otherwise(struct buf *b, const char *kept, bool plus, bool low)
{
    size_t out = 0;
    for (size_t i = 0; i < b->len; i++) {
        if (b->bytes[i] != '%') {
            b->bytes[out++] = b->bytes[i];
            continue;
        }
        char high = b->bytes[i + 1], last = b->bytes[i + 2];
        char c = (char)(hex_digit(high) << 4 | hex_digit(last));
        i += 2;
        if ((plus && c == ' ') || (c != '\0' && strchr(kept, c))) {
            b->bytes[out++] = (char)(c == ' ' ? '+' : c);
            continue;
        }
        b->bytes[out++] = '%';
        b->bytes[out++] = (char)(low && high >= 'A' ? high - 'A' + 'a' : high);
        b->bytes[out++] = (char)(low && last >= 'A' ? last - 'A' + 'a' : last);
    }
    b->len = out;
}

/* %2F, %2f, and forms' + for a blank; and what JavaScript's encodeURIComponent and encodeURI leave as it is. */
static void
add_percent(struct masks *m, struct weir_text secret, struct buf *b)
{
    static const char *const kept[] = { "", "!'()*", "!'()*;,/?:@&=+$#" };
    for (unsigned way = 0; way < 12; way++) {
        const char *keep = kept[way / 4];
        if (way >= 4 && !has_any(secret, keep))
            continue;
        if (!url_encode(b, secret))
            break;
        encode_otherwise(b, keep, way & 1, way & 2);
        add_buf(m, b);
    }
    buf_reset(b);
}

/* As pages of errors quote it: &quot; or &#34;, &#39; or &#x27;, or ' as it is. */
static void
add_html(struct masks *m, struct weir_text secret, struct buf *b)
{
    static const char *const quotes[][2] = { { "&quot;", "'" }, { "&quot;", "&#39;" }, { "&quot;", "&#x27;" }, { "&#34;", "&#39;" } };
    for (size_t way = 0; has_any(secret, "&<>\"'") && way < sizeof quotes / sizeof *quotes; way++) {
        bool good = true;
        for (size_t i = 0; good && i < secret.len; i++) {
            char c = secret.bytes[i];
            const char *word = c == '&'   ? "&amp;"
                               : c == '<' ? "&lt;"
                               : c == '>' ? "&gt;"
                               : c == '"' ? quotes[way][0]
                               : c == '\'' ? quotes[way][1]
                                           : NULL;
            good = word ? buf_puts(b, word) : buf_putc(b, c);
        }
        if (good)
            add_form(m, buf_content(b));
        buf_reset(b);
    }
}

/* A key of many lines may be quoted by the line. */
static void
add_lines(struct masks *m, struct weir_text secret)
{
    for (size_t at = 0; at < secret.len;) {
        const char *end = memchr(secret.bytes + at, '\n', secret.len - at);
        size_t len = end != NULL ? (size_t)(end - secret.bytes) - at : secret.len - at;
        if (len >= LINE_MIN && len < secret.len)
            add_form(m, (struct weir_text){ secret.bytes + at, len });
        at += len + 1;
    }
}

/* Of postgres://ada:pass@host/db the password is what must not be seen, alone too. */
static void
add_password(struct masks *m, struct weir_text secret, struct buf *b)
{
    const char *scheme = memmem(secret.bytes, secret.len, "://", 3);
    if (scheme == NULL)
        return;
    const char *at = scheme + 3, *end = secret.bytes + secret.len;
    const char *host = NULL, *colon = NULL;
    for (const char *c = at; c < end && *c != '/' && *c != '?'; c++) {
        host = *c == '@' ? c : host;
        colon = *c == ':' && colon == NULL ? c : colon;
    }
    if (host == NULL || colon == NULL || colon > host)
        return;
    struct weir_text password = { colon + 1, (size_t)(host - colon - 1) };
    add_form(m, password);
    if (url_decode(b, password, false, NULL) == WEIR_OK)
        add_form(m, buf_content(b));
    buf_reset(b);
}

void
masks_add(struct masks *m, struct weir_text secret)
{
    struct buf b;
    if (secret.len < MASK_MIN)
        return;
    buf_init(&b, FORM_MAX);
    add_form(m, secret);
    add_json(m, secret, &b);
    add_percent(m, secret, &b);
    add_html(m, secret, &b);
    if (hex_encode(&b, secret))
        add_form(m, buf_content(&b));
    to_case(&b, 'a', 'f', 'A' - 'a');
    add_buf(m, &b);
    for (unsigned after = 0; after < 3; after++) {
        add_base64(m, secret, after, false, &b);
        add_base64(m, secret, after, true, &b);
    }
    add_lines(m, secret);
    add_password(m, secret, &b);
    buf_fini(&b);
}

/* By the first four bytes, then as words are sorted. */
static int
compare(const void *a, const void *b)
{
    const struct form *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    int order = memcmp(x->bytes, y->bytes, x->len < y->len ? x->len : y->len);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Many forms of a plain secret are the same. */
static void
keep_one_of_each(struct masks *m)
{
    size_t n = m->n > 0;
    for (size_t i = 1; i < m->n; i++) {
        if (compare(&m->forms[i], &m->forms[n - 1]) != 0) {
            m->forms[n++] = m->forms[i];
            continue;
        }
        explicit_bzero(m->forms[i].bytes, m->forms[i].len);
        free(m->forms[i].bytes);
    }
    m->n = n;
}

static bool
begins_with(const struct form *f, const struct form *with)
{
    return with->len <= f->len && memcmp(f->bytes, with->bytes, with->len) == 0;
}

void
masks_end(struct masks *m)
{
    if (m->n > 0)
        qsort(m->forms, m->n, sizeof *m->forms, compare);
    keep_one_of_each(m);
    for (size_t i = 0; i < m->n; i++) {
        uint32_t h = hash_of(m->forms[i].first), within = (uint32_t)i; /* the one before */
        m->bits[h / 8] |= (uint8_t)(1u << h % 8);
        while (within > 0 && !begins_with(&m->forms[i], &m->forms[within - 1]))
            within = m->forms[within - 1].within;
        m->forms[i].within = within;
        m->longest = m->forms[i].len > m->longest ? m->forms[i].len : m->longest;
    }
}

/* How many bytes F and the text T have in common from their begin. */
static size_t
in_common(const struct form *f, struct weir_text t)
{
    size_t most = f->len < t.len ? f->len : t.len, n = 0;
    while (n < most && f->bytes[n] == t.bytes[n])
        n++;
    return n;
}

/* Whether F comes behind the text T. */
static bool
is_behind(const struct form *f, uint32_t first, struct weir_text t)
{
    if (f->first != first)
        return f->first > first;
    int order = memcmp(f->bytes, t.bytes, f->len < t.len ? f->len : t.len);
    return order > 0 || (order == 0 && f->len > t.len);
}

/* Whether some form begins with the four bytes FIRST, as it looks. */
static bool
may_begin(const struct masks *m, uint32_t first)
{
    uint32_t h = hash_of(first);
    return m->bits[h / 8] & 1u << h % 8;
}

/* How many forms do not come behind the text T. */
static size_t
not_behind(const struct masks *m, uint32_t first, struct weir_text t)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (is_behind(&m->forms[middle], first, t))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The length of the longest form that stands at AT; 0: none of MIN bytes. */
static size_t
form_at(const struct masks *m, struct weir_text b, size_t at, size_t min)
{
    uint32_t first = first_of(b.bytes + at);
    if (!may_begin(m, first))
        return 0;
    struct weir_text rest = { b.bytes + at, b.len - at };
    size_t n = not_behind(m, first, rest);
    if (n == 0)
        return 0;
    size_t common = in_common(&m->forms[n - 1], rest);
    while (n > 0 && m->forms[n - 1].len > common)
        n = m->forms[n - 1].within;
    return n > 0 && m->forms[n - 1].len >= min ? m->forms[n - 1].len : 0;
}

void
masks_apply(const struct masks *m, struct buf *b, size_t min)
{
    size_t out = 0, at = 0;
    if (m->n == 0 || b->len < MASK_MIN)
        return;
    while (at + MASK_MIN <= b->len) {
        size_t len = form_at(m, (struct weir_text){ b->bytes, b->len }, at, min);
        if (len == 0) {
            b->bytes[out++] = b->bytes[at++];
            continue;
        }
        memcpy(b->bytes + out, MASK, sizeof MASK - 1);
        out += sizeof MASK - 1;
        at += len;
    }
    memmove(b->bytes + out, b->bytes + at, b->len - at);
    b->len = out + b->len - at;
    b->bytes[b->len] = '\0';
}

void
masks_apply_cut(const struct masks *m, struct buf *b, size_t min)
{
    size_t at = b->len > m->longest ? b->len - m->longest : 0;
    for (; m->n > 0 && at + min <= b->len; at++) {
        struct weir_text end = { b->bytes + at, b->len - at };
        uint32_t first = first_of(end.bytes);
        size_t n = may_begin(m, first) ? not_behind(m, first, end) : m->n; /* those that it begins are the next ones */
        if (n == m->n || in_common(&m->forms[n], end) < end.len)
            continue;
        b->len = at;
        (void)buf_puts(b, MASK);
        return;
    }
}

bool
masks_find(const struct masks *m, struct weir_text text, size_t min)
{
    for (size_t at = 0; m->n > 0 && at + MASK_MIN <= text.len; at++)
        if (form_at(m, text, at, min) > 0)
            return true;
    return false;
}

bool
masks_is(const struct masks *m, struct weir_text text)
{
    return m->n > 0 && text.len >= MASK_MIN && form_at(m, text, 0, MASK_MIN) == text.len;
}
