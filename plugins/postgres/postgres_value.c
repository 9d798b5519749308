/* postgres/postgres_value.c - from the text of a column to a value; see postgres_value.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "postgres_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of built-in types: they never change (pg_type.dat). */
enum {
    BOOL = 16,
    BYTEA = 17,
    INT8 = 20,
    INT2 = 21,
    INT4 = 23,
    OID = 26,
    JSON = 114,
    FLOAT4 = 700,
    FLOAT8 = 701,
    VOID = 2278,
    JSONB = 3802
};

static const struct {
    uint32_t array;
    uint32_t element;
} arrays[] = {
    { 199, JSON },  { 651, 650 },   { 1000, BOOL },   { 1001, BYTEA },  { 1002, 18 },
    { 1003, 19 },   { 1005, INT2 }, { 1007, INT4 },   { 1009, 25 },     { 1014, 1042 },
    { 1015, 1043 }, { 1016, INT8 }, { 1021, FLOAT4 }, { 1022, FLOAT8 }, { 1028, OID },
    { 1041, 869 },  { 1115, 1114 }, { 1182, 1082 },   { 1183, 1083 },   { 1185, 1184 },
    { 1187, 1186 }, { 1231, 1700 }, { 1270, 1266 },   { 2951, 2950 },   { 3807, JSONB },
};

uint32_t
pg_element(uint32_t oid)
{
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        if (arrays[i].array == oid)
            return arrays[i].element;
    return 0;
}

static const struct weir_value *
integer_of(struct weir_text text)
{
    char *end;
    errno = 0;
    long long i = strtoll(text.bytes, &end, 10);
    if (text.len == 0 || errno != 0 || end != text.bytes + text.len)
        return NULL;
    return host->integer(i);
}

/* NaN and infinities are no JSON numbers and stay texts. */
static const struct weir_value *
double_of(struct weir_text text)
{
    char *end;
    if (text.len == 0 || strchr("NIi", text.bytes[0]) || strncmp(text.bytes, "-I", 2) == 0)
        return NULL;
    double d = strtod(text.bytes, &end);
    return end == text.bytes + text.len ? host->number(d) : NULL;
}

static int
nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\x00ff": the connection is set to write bytea so. */
static const struct weir_value *
bytes_of(struct weir_text text)
{
    if (text.len < 2 || text.len % 2 != 0 || memcmp(text.bytes, "\\x", 2) != 0)
        return NULL;
    size_t len = text.len / 2 - 1;
    char *bytes = malloc(len + 1);
    if (bytes == NULL)
        abort();
    bool good = true;
    for (size_t i = 0; i < len && good; i++) {
        int high = nibble(text.bytes[2 + 2 * i]);
        int low = nibble(text.bytes[3 + 2 * i]);
        good = high >= 0 && low >= 0;
        bytes[i] = (char)((unsigned)high << 4 | (unsigned)low);
    }
    const struct weir_value *v = good ? host->bytes((struct weir_text){ bytes, len }) : NULL;
    free(bytes);
    return v;
}

static const struct weir_value *
json_of(struct weir_text text)
{
    struct weir_error err = { 0 };
    const struct weir_value *v = NULL;
    if (host->json_read(text, &v, &err) != WEIR_OK)
        host->unref(&err.detail);
    return v;
}

/* NULL: OID is none of these, or the text is not what it says. */
static const struct weir_value *
typed(uint32_t oid, struct weir_text text)
{
    switch (oid) {
    case BOOL:
        return text.len == 1 && strchr("tf", text.bytes[0])
                   ? host->boolean(text.bytes[0] == 't')
                   : NULL;
    case INT2:
    case INT4:
    case INT8:
    case OID:
        return integer_of(text);
    case FLOAT4:
    case FLOAT8:
        return double_of(text);
    case BYTEA:
        return bytes_of(text);
    case JSON:
    case JSONB:
        return json_of(text);
    case VOID:
        return host->null();
    default:
        return pg_element(oid) != 0 ? pg_array(pg_element(oid), text) : NULL;
    }
}

const struct weir_value *
pg_value(uint32_t oid, struct weir_text text)
{
    const struct weir_value *v = typed(oid, text);
    if (v == NULL)
        v = host->string(text);
    return v != NULL ? v : host->bytes(text); /* a database without an encoding */
}
