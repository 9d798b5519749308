/* value/schema_ref.c - where references lead.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "value/schema_make.h"
#include "value/schema_uri.h"

bool
schema_absolute(struct schema_maker *m, struct weir_text base, struct weir_text ref,
                struct weir_text *ret, struct weir_text *ret_fragment)
{
    struct buf uri;
    buf_init(&uri, MAX_URI);
    bool good = uri_resolve(&uri, base, ref, ret_fragment);
    if (good) {
        char *copy = schema_alloc(m, uri.len + 1);
        memcpy(copy, uri.bytes, uri.len);
        *ret = (struct weir_text){ copy, uri.len };
    }
    buf_fini(&uri);
    return good;
}

const struct weir_value *
schema_doc_load(struct schema_maker *m, struct weir_text uri)
{
    struct schema *s = m->schema;
    if (s->n_docs == MAX_DOCS)
        return NULL;
    const struct weir_value *doc = schema_meta(uri);
    if (doc == NULL && m->load != NULL && uri_is_absolute(uri)) {
        doc = m->load(m->load_arg, uri);
        doc = doc != NULL ? value_ref(doc) : NULL;
    }
    if (doc != NULL)
        s->docs[s->n_docs++] = doc;
    return doc;
}

/* "uri#" or "uri#/pointer", as the place where a document or a part of it stands. */
static struct weir_text
place_text(struct schema_maker *m, struct weir_text uri, struct weir_text pointer)
{
    char *text = schema_alloc(m, uri.len + 1 + pointer.len);
    memcpy(text, uri.bytes, uri.len);
    text[uri.len] = '#';
    if (pointer.len > 0)
        memcpy(text + uri.len + 1, pointer.bytes, pointer.len);
    return (struct weir_text){ text, uri.len + 1 + pointer.len };
}

enum weir_code
schema_doc_add(struct schema_maker *m, const struct weir_value *doc, struct weir_text uri,
               uint32_t *ret)
{
    struct spot spot = SPOT(NODE_NONE, "$schema");
    spot.text = place_text(m, uri, TEXT(""));
    uint32_t vocabularies = VOCABULARY_ALL;
    enum weir_code code = schema_dialect(m, doc, &spot, &vocabularies);
    if (code == WEIR_OK)
        code = schema_resource_add(m, uri, doc, UINT32_MAX, ret);
    if (code != WEIR_OK)
        return code;
    m->resources[*ret].vocabularies = vocabularies;
    (void)schema_uri_set(m, uri, *ret); /* it was looked for before, and is not there */
    spot.keyword = NULL;
    return schema_scan(m, doc, *ret, &spot, 0);
}

/* The value in V that one token of a JSON pointer names. */
static const struct weir_value *
step(const struct weir_value *v, struct weir_text token)
{
    char *pointer = malloc(token.len + 1);
    if (pointer == NULL)
        abort();
    pointer[0] = '/';
    if (token.len > 0)
        memcpy(pointer + 1, token.bytes, token.len);
    v = value_pointer(v, pointer, token.len + 1);
    free(pointer);
    return v;
}

/* Walks POINTER from the root of RESOURCE; on the way it may enter other resources. */
static const struct weir_value *
walk(const struct schema_maker *m, struct weir_text pointer, uint32_t *resource)
{
    const struct weir_value *v = m->resources[*resource].root;
    size_t at = 0;
    while (v != NULL && at < pointer.len) {
        size_t end = ++at; /* behind the slash */
        while (end < pointer.len && pointer.bytes[end] != '/')
            end++;
        v = step(v, (struct weir_text){ pointer.bytes + at, end - at });
        at = end;
        uint32_t node = v != NULL ? schema_node_of(m, v, *resource) : NODE_NONE;
        if (node != NODE_NONE)
            *resource = m->schema->nodes[node].resource;
    }
    return v;
}

static enum weir_code
find_pointer(struct schema_maker *m, const struct spot *spot, uint32_t resource,
             struct weir_text pointer, struct target *ret)
{
    struct weir_text uri = m->resources[resource].uri;
    const struct weir_value *v = walk(m, pointer, &resource);
    if (v == NULL)
        return schema_refuse(m, *spot, "there is nothing at '%.*s#%.*s'", (int)uri.len,
                             uri.bytes, (int)pointer.len, pointer.bytes);
    struct spot there = SPOT(NODE_NONE, NULL);
    there.text = place_text(m, uri, pointer);
    enum weir_code code = schema_scan(m, v, resource, &there, 0);
    if (code != WEIR_OK)
        return code;
    uint32_t node = schema_node_of(m, v, resource);
    *ret = (struct target){ node, m->schema->nodes[node].resource, UINT32_MAX };
    return WEIR_OK;
}

/* The number of the dynamic anchor that NODE is called by in RESOURCE; UINT32_MAX: by none. */
static uint32_t
dynamic_name(const struct schema_maker *m, uint32_t resource, uint32_t node,
             struct weir_text name)
{
    uint32_t number = schema_name_get(m, name);
    const struct schema_resource *r = &m->schema->resources[resource];
    for (uint32_t i = 0; i < r->n_anchors; i++)
        if (r->anchors[i].name == number && r->anchors[i].node == node)
            return number;
    return UINT32_MAX;
}

static enum weir_code
find_fragment(struct schema_maker *m, const struct spot *spot, uint32_t resource,
              struct weir_text fragment, struct target *ret)
{
    if (fragment.len == 0 || fragment.bytes[0] == '/')
        return find_pointer(m, spot, resource, fragment, ret);
    uint32_t node = schema_anchor_get(m, resource, fragment);
    if (node == UINT32_MAX)
        return schema_refuse(m, *spot, "there is no anchor '%.*s' in '%.*s'", (int)fragment.len,
                             fragment.bytes, (int)m->resources[resource].uri.len,
                             m->resources[resource].uri.bytes);
    *ret = (struct target){ node, resource, dynamic_name(m, resource, node, fragment) };
    return WEIR_OK;
}

static enum weir_code
refuse_unknown(struct schema_maker *m, struct spot spot, struct weir_text uri)
{
    if (m->schema->n_docs == MAX_DOCS)
        return schema_refuse(m, spot, "more than %d documents belong together", MAX_DOCS);
    return schema_refuse(m, spot, "there is no schema '%.*s'", (int)uri.len, uri.bytes);
}

enum weir_code
schema_resolve(struct schema_maker *m, const struct spot *spot, uint32_t resource,
               struct weir_text ref, struct target *ret)
{
    struct weir_text uri;
    struct weir_text encoded;
    if (!schema_absolute(m, m->resources[resource].uri, ref, &uri, &encoded))
        return schema_refuse(m, *spot, "is longer than %d bytes", MAX_URI);

    uint32_t there = schema_uri_get(m, uri);
    if (there == UINT32_MAX) {
        const struct weir_value *doc = schema_doc_load(m, uri);
        if (doc == NULL)
            return refuse_unknown(m, *spot, uri);
        enum weir_code code = schema_doc_add(m, doc, uri, &there);
        if (code != WEIR_OK)
            return code;
    }

    struct buf fragment;
    buf_init(&fragment, ref.len + 1);
    enum weir_code code = WEIR_INVALID;
    if (url_decode(&fragment, encoded, false, m->err) != WEIR_OK)
        code = schema_refuse_in(m, *spot);
    else if (!utf8_valid(buf_content(&fragment)))
        code = schema_refuse(m, *spot, "its escapes are not well-formed UTF-8");
    else
        code = find_fragment(m, spot, there, buf_content(&fragment), ret);
    buf_fini(&fragment);
    return code;
}
