/* engine/host_tools.c - the host table for schemas, regular expressions, digests. See host.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include "base/digest.h"
#include "base/random.h"
#include "value/regex.h"
#include "value/schema.h"

static void *
new_schema(const struct weir_value *doc, struct weir_error *err)
{
    struct schema *s = NULL;
    return schema_new(doc, NULL, NULL, &s, err) == WEIR_OK ? s : NULL;
}

static void
free_schema(void **schema)
{
    struct schema *s = *schema;
    schema_free(&s);
    *schema = NULL;
}

static uint32_t
check_schema(const void *schema, const struct weir_value *v, struct weir_error *err)
{
    return schema_verify(schema, v, err);
}

static void *
new_regex(struct weir_text pattern, struct weir_error *err)
{
    struct regex *re = NULL;
    return regex_new(pattern, false, &re, err) == WEIR_OK ? re : NULL;
}

static void
free_regex(void **regex)
{
    struct regex *re = *regex;
    regex_free(&re);
    *regex = NULL;
}

static bool
match_regex(const void *regex, struct weir_text text)
{
    return regex_match(regex, text) == REGEX_YES;
}

void
host_fill_tools(struct weir_host *h)
{
    h->schema_new = new_schema;
    h->schema_free = free_schema;
    h->schema_check = check_schema;
    h->regex_new = new_regex;
    h->regex_free = free_regex;
    h->regex_match = match_regex;
    h->digest = digest;
    h->hmac = digest_hmac;
    h->equal_secret = digest_equal;
    h->random = random_bytes;
}
