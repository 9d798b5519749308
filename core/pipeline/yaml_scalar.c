/* pipeline/yaml_scalar.c - what a plain scalar stands for: YAML 1.2's core schema.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "pipeline/yaml_impl.h"
#include "value/json.h"

#define NUMBER_MAX 512 /* digits of a number that is one; longer texts are strings */

static bool
is_one_of(struct weir_text t, const char *const *words)
{
    for (unsigned i = 0; words[i] != NULL; i++)
        if (text_is(t, words[i]))
            return true;
    return false;
}

static size_t
digits(const char *s)
{
    return strspn(s, "0123456789");
}

/* Whether S is a number in tens; *ret_whole: without fraction and exponent. */
static bool
is_number(const char *s, bool *ret_whole)
{
    if (*s == '-' || *s == '+')
        s++;
    size_t before = digits(s);
    s += before;
    size_t after = 0;
    *ret_whole = *s == '\0';
    if (*s == '.') {
        after = digits(s + 1);
        s += 1 + after;
    }
    if (before + after == 0)
        return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        if (*s == '-' || *s == '+')
            s++;
        size_t n = digits(s);
        if (n == 0)
            return false;
        s += n;
    }
    return *s == '\0';
}

/* Writes the YAML number S as JSON would: no plus, no bare point, no leading zeros. */
static void
number_as_json(const char *s, char *out)
{
    if (*s == '-')
        *out++ = '-';
    if (*s == '-' || *s == '+')
        s++;
    while (*s == '0' && s[1] >= '0' && s[1] <= '9')
        s++;
    if (*s == '.')
        *out++ = '0';
    while (*s != '\0') {
        bool point = *s == '.';
        *out++ = *s++;
        if (point && (*s < '0' || *s > '9'))
            *out++ = '0';
    }
    *out = '\0';
}

/* Numbers go through the JSON reader: one meaning of 1e3 and of 64 bits everywhere. */
static bool
read_number(struct yaml_node *n)
{
    char json[NUMBER_MAX + 4];
    number_as_json(n->text.bytes, json);
    const struct weir_value *v = NULL;
    if (json_read(text_of(json), NULL, NULL, &v, NULL) != WEIR_OK)
        return false;
    n->value = (struct weir_value){ .type = v->type };
    if (value_type(v) == WEIR_INT)
        n->value.integer = v->integer;
    else
        n->value.number = v->number;
    value_unref(&v);
    return true;
}

/* 0o17 and 0x1f; what does not fit into 63 bits is out of range. */
static bool
read_based(struct yaml_node *n, int base, bool *ret_is)
{
    const char *s = n->text.bytes + 2;
    const char *set = base == 8 ? "01234567" : "0123456789abcdefABCDEF";
    *ret_is = *s != '\0' && strspn(s, set) == n->text.len - 2;
    if (!*ret_is)
        return true;
    uint64_t number = 0;
    for (; *s != '\0'; s++) {
        unsigned digit = *s <= '9' ? (unsigned)(*s - '0') : (unsigned)((*s | 0x20) - 'a') + 10;
        if (number > ((uint64_t)INT64_MAX - digit) / (unsigned)base)
            return false;
        number = number * (unsigned)base + digit;
    }
    n->value = (struct weir_value){ .type = WEIR_INT, .integer = (int64_t)number };
    return true;
}

bool
yaml_resolve(struct yaml_node *n)
{
    static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
    static const char *const trues[] = { "true", "True", "TRUE", NULL };
    static const char *const falses[] = { "false", "False", "FALSE", NULL };
    static const char *const nowhere[] = { ".nan",  ".NaN",  ".NAN",  ".inf",  ".Inf",
                                           ".INF",  "+.inf", "+.Inf", "+.INF", "-.inf",
                                           "-.Inf", "-.INF", NULL };
    struct weir_text t = n->text;
    n->value =
        (struct weir_value){ .type = WEIR_STRING, .len = (uint32_t)t.len, .bytes = t.bytes };
    if (n->style != YAML_PLAIN || t.len > NUMBER_MAX)
        return true;
    if (is_one_of(t, nulls)) {
        n->value = (struct weir_value){ .type = WEIR_NULL };
        return true;
    }
    bool yes = is_one_of(t, trues);
    if (yes || is_one_of(t, falses)) {
        n->value = (struct weir_value){ .type = WEIR_BOOL, .boolean = yes };
        return true;
    }
    if (is_one_of(t, nowhere))
        return false;
    bool whole;
    if (strlen(t.bytes) == t.len && is_number(t.bytes, &whole))
        return read_number(n);
    bool is = false;
    if (t.len > 2 && t.bytes[0] == '0' && (t.bytes[1] == 'o' || t.bytes[1] == 'x'))
        return read_based(n, t.bytes[1] == 'o' ? 8 : 16, &is);
    return true;
}
