/* value/schema_dialect.c - $schema: which keywords mean something.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "value/schema_make.h"

static uint32_t
vocabulary_of(struct weir_text uri)
{
    static const char *const names[] = { "core",       "applicator", "unevaluated",
                                         "validation", "meta-data",  "format-annotation",
                                         "content" };
    static const char prefix[] = SCHEMA_BASE "vocab/";
    size_t len = sizeof(prefix) - 1;
    if (uri.len <= len || memcmp(uri.bytes, prefix, len) != 0)
        return 0;
    struct weir_text name = { uri.bytes + len, uri.len - len };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (text_is(name, names[i]))
            return 1u << i;
    return 0;
}

/* What META's $vocabulary asks for; a vocabulary that is unknown and required is refused. */
static enum weir_code
read_vocabularies(struct schema_maker *m, const struct weir_value *meta,
                  const struct spot *spot, uint32_t *ret)
{
    const struct weir_value *list = value_field(meta, "$vocabulary");
    struct weir_text uri;
    const struct weir_value *required;
    *ret = list == NULL ? VOCABULARY_ALL : VOCABULARY_CORE;
    for (size_t i = 0; value_member(list, i, &uri, &required); i++) {
        uint32_t bit = vocabulary_of(uri);
        *ret |= bit;
        if (bit == 0 && required->type == WEIR_BOOL && required->boolean)
            return schema_refuse(m, *spot, "needs the vocabulary '%.*s', which is unknown here",
                                 (int)uri.len, uri.bytes);
    }
    return WEIR_OK;
}

/* The first violation, for a message. */
struct first {
    struct schema_maker *maker;
    const struct spot *spot;
    bool told;
};

static void
tell_first(void *arg, const char *pointer, size_t pointer_len, const char *detail)
{
    struct first *f = arg;
    if (f->told)
        return;
    f->told = true;
    (void)schema_refuse(f->maker, *f->spot, "by this one, #%.*s %s", (int)pointer_len, pointer,
                        detail); /* read from ERR */
}

/* Checks DOC against its meta-schema META, found at URI. */
static enum weir_code
conform(struct schema_maker *m, const struct weir_value *doc, const struct weir_value *meta,
        struct weir_text uri, const struct spot *spot)
{
    struct schema *schema;
    enum weir_code code = schema_make(meta, uri, m, &schema);
    if (code != WEIR_OK)
        return schema_refuse_in(m, *spot);
    struct first first = { m, spot, false };
    bool good = schema_check(schema, doc, tell_first, &first);
    schema_free(&schema);
    return good ? WEIR_OK : (enum weir_code)m->err->code;
}

enum weir_code
schema_dialect(struct schema_maker *m, const struct weir_value *root, const struct spot *spot,
               uint32_t *ret)
{
    const struct weir_value *named = value_field(root, "$schema");
    if (named == NULL || named->type != WEIR_STRING)
        return WEIR_OK; /* what is no string is refused when it is read */

    struct weir_text uri;
    struct weir_text fragment;
    if (!schema_absolute(m, TEXT(""), value_as_text(named), &uri, &fragment))
        return schema_refuse(m, *spot, "is longer than %d bytes", MAX_URI);
    if (text_is(uri, SCHEMA_BASE "schema")) {
        *ret = VOCABULARY_ALL;
        return WEIR_OK;
    }
    const struct weir_value *meta = schema_doc_load(m, uri);
    if (meta == NULL)
        return schema_refuse(m, *spot, "'%.*s' is unknown; known is " SCHEMA_BASE "schema",
                             (int)uri.len, uri.bytes);
    if (m->metas == MAX_METAS)
        return schema_refuse(m, *spot, "leads through more than %d meta-schemas", MAX_METAS);
    enum weir_code code = read_vocabularies(m, meta, spot, ret);
    return code == WEIR_OK ? conform(m, root, meta, uri, spot) : code;
}
