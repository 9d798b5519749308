/* value/regex_ecma.c - see regex_ecma.h.
 *
 * The pattern is read once from left to right. What both sides read alike is copied, what PCRE2
 * reads otherwise is written in its words, and what ECMA-262 has not is refused, lest a pattern
 * mean something here that it means nowhere else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "value/regex_ecma.h"

#include <string.h>

#include "base/encode.h"

/* White space and line ends of ECMA-262, as a class without brackets, and all else. */
#define SPACE                                                                               \
    "\\x09-\\x0d\\x20\\xa0\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}" \
    "\\x{3000}\\x{feff}"
#define NO_SPACE                                                                             \
    "\\x00-\\x08\\x0e-\\x1f\\x21-\\x9f\\xa1-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}" \
    "\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{d7ff}"           \
    "\\x{e000}-\\x{fefe}\\x{ff00}-\\x{10ffff}"

struct reader {
    struct weir_text in;
    size_t at;
    struct buf *out;
    struct weir_error *err;
    size_t begun; /* where the element at hand begins */
    bool in_class;
};

/* General categories by their long names; short ones are the same on both sides. */
static const char *const categories[][2] = {
    { "Cased_Letter", "L&" },
    { "LC", "L&" },
    { "Close_Punctuation", "Pe" },
    { "Combining_Mark", "M" },
    { "Connector_Punctuation", "Pc" },
    { "Control", "Cc" },
    { "Currency_Symbol", "Sc" },
    { "Dash_Punctuation", "Pd" },
    { "Decimal_Number", "Nd" },
    { "Enclosing_Mark", "Me" },
    { "Final_Punctuation", "Pf" },
    { "Format", "Cf" },
    { "Initial_Punctuation", "Pi" },
    { "Letter", "L" },
    { "Letter_Number", "Nl" },
    { "Line_Separator", "Zl" },
    { "Lowercase_Letter", "Ll" },
    { "Mark", "M" },
    { "Math_Symbol", "Sm" },
    { "Modifier_Letter", "Lm" },
    { "Modifier_Symbol", "Sk" },
    { "Nonspacing_Mark", "Mn" },
    { "Number", "N" },
    { "Open_Punctuation", "Ps" },
    { "Other", "C" },
    { "Other_Letter", "Lo" },
    { "Other_Number", "No" },
    { "Other_Punctuation", "Po" },
    { "Other_Symbol", "So" },
    { "Paragraph_Separator", "Zp" },
    { "Private_Use", "Co" },
    { "Punctuation", "P" },
    { "Separator", "Z" },
    { "Space_Separator", "Zs" },
    { "Spacing_Mark", "Mc" },
    { "Surrogate", "Cs" },
    { "Symbol", "S" },
    { "Titlecase_Letter", "Lt" },
    { "Unassigned", "Cn" },
    { "Uppercase_Letter", "Lu" },
    { "cntrl", "Cc" },
    { "digit", "Nd" },
    { "punct", "P" },
};

static enum weir_code
refuse(struct reader *r, const char *reason)
{
    return err_set(r->err, WEIR_INVALID, "at offset %zu: %s", r->begun, reason);
}

static enum weir_code
put(struct reader *r, const char *bytes, size_t len)
{
    return buf_add(r->out, bytes, len, r->err);
}

static enum weir_code
put_text(struct reader *r, const char *s)
{
    return put(r, s, strlen(s));
}

/* Writes a character by its number, so that it never means anything. */
static enum weir_code
put_number(struct reader *r, uint32_t code_point)
{
    if (code_point > 0x10ffff)
        return refuse(r, "there is no such character");
    if (code_point >= 0xd800 && code_point <= 0xdfff)
        return refuse(r, "half of a surrogate pair matches nothing");
    if (!buf_printf(r->out, "\\x{%x}", (unsigned)code_point))
        return err_set(r->err, WEIR_TOO_LARGE, "the pattern is too large");
    return WEIR_OK;
}

/* The byte at hand; -1 at the end. */
static int
look(const struct reader *r)
{
    return r->at < r->in.len ? (unsigned char)r->in.bytes[r->at] : -1;
}

static bool
is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool
is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int
hex_value(int c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads exactly N hexadecimal digits; UINT32_MAX if they are not there. */
static uint32_t
hex_digits(struct reader *r, unsigned n)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < n; i++) {
        int digit = hex_value(look(r));
        if (digit < 0)
            return UINT32_MAX;
        value = value << 4 | (uint32_t)digit;
        r->at++;
    }
    return value;
}

/* Reads what follows "\u{" up to "}". */
static uint32_t
hex_in_braces(struct reader *r)
{
    uint32_t value = 0;
    size_t first = r->at;
    for (int digit; (digit = hex_value(look(r))) >= 0; r->at++)
        value = value > 0x10ffff ? value : value << 4 | (uint32_t)digit;
    if (r->at == first || look(r) != '}')
        return UINT32_MAX;
    r->at++;
    return value;
}

/* What follows "\u": XXXX, a pair of them, or {X}. */
static enum weir_code
read_unicode(struct reader *r)
{
    uint32_t value;
    if (look(r) == '{') {
        r->at++;
        value = hex_in_braces(r);
        return value == UINT32_MAX ? refuse(r, "\\u{ needs hexadecimal digits and }")
                                   : put_number(r, value);
    }
    value = hex_digits(r, 4);
    if (value == UINT32_MAX)
        return refuse(r, "\\u needs four hexadecimal digits");
    if (value < 0xd800 || value > 0xdbff || r->in.len - r->at < 6 ||
        memcmp(r->in.bytes + r->at, "\\u", 2) != 0)
        return put_number(r, value);

    r->at += 2;
    uint32_t low = hex_digits(r, 4);
    if (low < 0xdc00 || low > 0xdfff)
        return refuse(r, "half of a surrogate pair matches nothing");
    return put_number(r, 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00));
}

/* Writes one property by the name that PCRE2 has for it. */
static enum weir_code
put_property(struct reader *r, bool negated, struct weir_text name)
{
    static const char *const prefixes[][2] = {
        { "General_Category=", "" },
        { "gc=", "" },
        { "Script=", "sc:" },
        { "sc=", "sc:" },
        { "Script_Extensions=", "scx:" },
        { "scx=", "scx:" },
    };
    const char *prefix = "";
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        size_t len = strlen(prefixes[i][0]);
        if (name.len <= len || memcmp(name.bytes, prefixes[i][0], len) != 0)
            continue;
        prefix = prefixes[i][1];
        name = (struct weir_text){ name.bytes + len, name.len - len };
        break;
    }
    if (text_is(name, "Assigned")) {
        negated = !negated;
        name = TEXT("Cn");
    }
    for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++)
        if (*prefix == '\0' && text_is(name, categories[i][0]))
            name = text_of(categories[i][1]);
    if (!buf_printf(r->out, "\\%c{%s%.*s}", negated ? 'P' : 'p', prefix, (int)name.len,
                    name.bytes))
        return err_set(r->err, WEIR_TOO_LARGE, "the pattern is too large");
    return WEIR_OK;
}

/* What follows "\p" or "\P". */
static enum weir_code
read_property(struct reader *r, bool negated)
{
    if (look(r) != '{')
        return refuse(r, "\\p needs a property in { }");
    size_t first = ++r->at;
    while (is_letter(look(r)) || is_digit(look(r)) || look(r) == '_' || look(r) == '=')
        r->at++;
    if (look(r) != '}' || r->at == first || r->at - first > 64)
        return refuse(r, "\\p{ needs the name of a property and }");
    struct weir_text name = { r->in.bytes + first, r->at - first };
    r->at++;
    return put_property(r, negated, name);
}

/* A reference to a group by number, or \0. */
static enum weir_code
read_number(struct reader *r, int first)
{
    if (first == '0') {
        if (is_digit(look(r)))
            return refuse(r, "there are no octal escapes");
        return put_number(r, 0);
    }
    if (r->in_class)
        return refuse(r, "a reference to a group means nothing in [ ]");
    unsigned group = (unsigned)(first - '0');
    while (is_digit(look(r)) && group < 10000)
        group = group * 10 + (unsigned)(r->in.bytes[r->at++] - '0');
    if (!buf_printf(r->out, "\\g{%u}", group))
        return err_set(r->err, WEIR_TOO_LARGE, "the pattern is too large");
    return WEIR_OK;
}

static enum weir_code
read_control(struct reader *r)
{
    int letter = look(r);
    if (!is_letter(letter))
        return refuse(r, "\\c needs a letter");
    r->at++;
    return put_number(r, (uint32_t)letter & 31);
}

/* \s and \S, outside and inside of [ ]. */
static enum weir_code
put_space(struct reader *r, bool negated)
{
    if (r->in_class && look(r) == '-') { /* no range goes from a class */
        r->at++;
        return put_text(r, negated ? NO_SPACE "\\-" : SPACE "\\-");
    }
    if (r->in_class)
        return put_text(r, negated ? NO_SPACE : SPACE);
    return put_text(r, negated ? "[^" SPACE "]" : "[" SPACE "]");
}

/* Escapes that mean something only outside of [ ], or something else inside. */
static enum weir_code
read_assertion(struct reader *r, int c)
{
    if (c == 'b' && r->in_class)
        return put_number(r, 8);
    if (r->in_class)
        return refuse(r, c == 'k' ? "a reference to a group means nothing in [ ]"
                                  : "\\B means nothing in [ ]");
    if (c == 'k' && look(r) != '<')
        return refuse(r, "\\k needs the name of a group in < >");
    return put(r, (char[]){ '\\', (char)c }, 2);
}

/* A backslash and what belongs to it. */
static enum weir_code
read_escape(struct reader *r)
{
    r->at++;
    int c = look(r);
    if (c < 0)
        return refuse(r, "nothing follows \\");
    r->at++;
    switch (c) {
    case 'b':
    case 'B':
    case 'k':
        return read_assertion(r, c);
    case 's':
    case 'S':
        return put_space(r, c == 'S');
    case 'p':
    case 'P':
        return read_property(r, c == 'P');
    case 'u':
        return read_unicode(r);
    case 'c':
        return read_control(r);
    case 'v':
        return put_number(r, 0x0b);
    case 'x': {
        uint32_t value = hex_digits(r, 2);
        return value == UINT32_MAX ? refuse(r, "\\x needs two hexadecimal digits")
                                   : put_number(r, value);
    }
    default:
        break;
    }
    if (is_digit(c))
        return read_number(r, c);
    if (is_letter(c) && strchr("dDwWtnfr", c) == NULL)
        return refuse(r, "ECMA-262 has no such escape");
    if (c >= 0x80)
        return put(r, (char[]){ (char)c }, 1);
    return put(r, (char[]){ '\\', (char)c }, 2);
}

/* The element at hand inside of [ ]. */
static enum weir_code
read_class(struct reader *r)
{
    int c = look(r);
    if (c == '\\')
        return read_escape(r);
    r->at++;
    if (c == ']')
        r->in_class = false;
    if (c == '[' || c == ':' || c == '.' || c == '=') /* [: :] and the like mean nothing */
        return put(r, (char[]){ '\\', (char)c }, 2);
    return put(r, (char[]){ (char)c }, 1);
}

static enum weir_code
open_class(struct reader *r)
{
    r->at++;
    if (look(r) == ']') { /* nothing: an empty class of PCRE2 cannot be repeated */
        r->at++;
        return put_text(r, "[^\\x{0}-\\x{10ffff}]");
    }
    r->in_class = true;
    if (look(r) != '^')
        return put_text(r, "[");
    r->at++;
    return put_text(r, "[^");
}

/* What stands after "(". */
static enum weir_code
read_group(struct reader *r)
{
    static const char *const openings[] = { "?:", "?=", "?!", "?<=", "?<!", "?i:", "?-i:" };
    r->at++;
    if (look(r) == '*')
        return refuse(r, "nothing to repeat");
    if (look(r) != '?')
        return put_text(r, "(");
    struct weir_text rest = { r->in.bytes + r->at, r->in.len - r->at };
    for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
        size_t len = strlen(openings[i]);
        if (rest.len < len || memcmp(rest.bytes, openings[i], len) != 0)
            continue;
        r->at += len;
        return put_text(r, "(") != WEIR_OK ? WEIR_TOO_LARGE : put_text(r, openings[i]);
    }
    if (rest.len < 2 || rest.bytes[1] != '<')
        return refuse(r, "ECMA-262 has no such group; flags are written (?i:...)");
    r->at += 2;
    return put_text(r, "(?<");
}

/* How many bytes the quantifier {n}, {n,} or {n,m} at hand has; 0: it is none. */
static size_t
braces(const struct reader *r)
{
    size_t i = r->at + 1;
    size_t first = i;
    while (i < r->in.len && is_digit(r->in.bytes[i]))
        i++;
    if (i == first)
        return 0;
    if (i < r->in.len && r->in.bytes[i] == ',')
        i++;
    while (i < r->in.len && is_digit(r->in.bytes[i]))
        i++;
    return i < r->in.len && r->in.bytes[i] == '}' ? i + 1 - r->at : 0;
}

/* A quantifier of LEN bytes, with a "?" behind it if there is one. */
static enum weir_code
read_quantifier(struct reader *r, size_t len)
{
    size_t first = r->at;
    r->at += len;
    if (look(r) == '?')
        r->at++;
    enum weir_code code = put(r, r->in.bytes + first, r->at - first);
    int c = look(r);
    r->begun = r->at;
    if (c == '*' || c == '+' || c == '?' || (c == '{' && braces(r) > 0))
        return refuse(r, "nothing to repeat");
    return code;
}

static enum weir_code
read_one(struct reader *r)
{
    int c = look(r);
    size_t len;
    switch (c) {
    case '\\':
        return read_escape(r);
    case '[':
        return open_class(r);
    case '(':
        return read_group(r);
    case '*':
    case '+':
    case '?':
        return read_quantifier(r, 1);
    case '{':
        len = braces(r);
        if (len > 0)
            return read_quantifier(r, len);
        r->at++;
        return put_text(r, "\\{");
    case '.':
        r->at++;
        return put_text(r, "[^\\n\\r\\x{2028}\\x{2029}]");
    default:
        r->at++;
        return put(r, (char[]){ (char)c }, 1);
    }
}

/* Translates until the end, or until WRITTEN bytes are written. */
static enum weir_code
translate(struct reader *r, size_t written)
{
    enum weir_code code = WEIR_OK;
    while (code == WEIR_OK && r->at < r->in.len && r->out->len <= written) {
        r->begun = r->at;
        code = r->in_class ? read_class(r) : read_one(r);
    }
    return code;
}

enum weir_code
regex_ecma(struct weir_text pattern, struct buf *out, struct weir_error *err)
{
    struct reader r = { .in = pattern, .out = out, .err = err };
    enum weir_code code = translate(&r, SIZE_MAX);
    if (code == WEIR_TOO_LARGE)
        return err_set(err, WEIR_INVALID, "at offset %zu: the pattern is too large", r.begun);
    return code;
}

size_t
regex_ecma_offset(struct weir_text pattern, size_t written)
{
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    struct reader r = { .in = pattern, .out = &out };
    (void)translate(&r, written); /* it went through before */
    size_t offset = r.out->len > written ? r.begun : r.at;
    buf_fini(&out);
    return offset;
}
