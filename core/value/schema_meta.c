/* value/schema_meta.c - the meta-schemas of JSON Schema 2020-12, for those who refer to them:
 * the same rules and anchors as the published ones, without their titles and defaults. For the
 * reader's sake they are written with ' in place of ".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "value/json.h"
#include "value/schema_make.h"

/* clang-format off */
#define HEAD(name, vocabularies)                                                             \
    "{'$schema':'" SCHEMA_BASE "schema', '$id':'" SCHEMA_BASE name "',"                      \
    "'$dynamicAnchor':'meta', '$vocabulary':{" vocabularies "}, 'type':['object','boolean'],"
#define USES(name) "'" SCHEMA_BASE "vocab/" name "':true"
#define DEF(name) "{'$ref':'#/$defs/" name "'}"
#define META "{'$dynamicRef':'#meta'}"
#define META_MAP "{'type':'object', 'additionalProperties':" META "}"
#define COUNT "{'type':'integer', 'minimum':0}"

static const char schema[] =
    HEAD("schema",
         USES("core") "," USES("applicator") "," USES("unevaluated") "," USES("validation") ","
         USES("meta-data") "," USES("format-annotation") "," USES("content"))
    "'allOf':[{'$ref':'meta/core'}, {'$ref':'meta/applicator'}, {'$ref':'meta/unevaluated'},"
    "  {'$ref':'meta/validation'}, {'$ref':'meta/meta-data'},"
    "  {'$ref':'meta/format-annotation'}, {'$ref':'meta/content'}],"
    "'properties':{"
    "  'definitions':" META_MAP ","
    "  'dependencies':{'type':'object', 'additionalProperties':"
    "    {'anyOf':[" META ", {'$ref':'meta/validation#/$defs/stringArray'}]}},"
    "  '$recursiveAnchor':{'$ref':'meta/core#/$defs/anchorString'},"
    "  '$recursiveRef':{'$ref':'meta/core#/$defs/uriReferenceString'}}}";

static const char core[] =
    HEAD("meta/core", USES("core"))
    "'properties':{"
    "  '$id':{'$ref':'#/$defs/uriReferenceString', 'pattern':'^[^#]*#?$'},"
    "  '$schema':" DEF("uriString") ","
    "  '$ref':" DEF("uriReferenceString") ","
    "  '$anchor':" DEF("anchorString") ","
    "  '$dynamicRef':" DEF("uriReferenceString") ","
    "  '$dynamicAnchor':" DEF("anchorString") ","
    "  '$vocabulary':{'type':'object', 'propertyNames':" DEF("uriString") ","
    "    'additionalProperties':{'type':'boolean'}},"
    "  '$comment':{'type':'string'},"
    "  '$defs':" META_MAP "},"
    "'$defs':{"
    "  'anchorString':{'type':'string', 'pattern':'^[A-Za-z_][-A-Za-z0-9._]*$'},"
    "  'uriString':{'type':'string', 'format':'uri'},"
    "  'uriReferenceString':{'type':'string', 'format':'uri-reference'}}}";

static const char applicator[] =
    HEAD("meta/applicator", USES("applicator"))
    "'properties':{"
    "  'prefixItems':" DEF("schemaArray") ", 'items':" META ", 'contains':" META ","
    "  'additionalProperties':" META ", 'properties':" META_MAP ","
    "  'patternProperties':{'type':'object', 'additionalProperties':" META ","
    "    'propertyNames':{'format':'regex'}},"
    "  'dependentSchemas':" META_MAP ", 'propertyNames':" META ","
    "  'if':" META ", 'then':" META ", 'else':" META ","
    "  'allOf':" DEF("schemaArray") ", 'anyOf':" DEF("schemaArray") ","
    "  'oneOf':" DEF("schemaArray") ", 'not':" META "},"
    "'$defs':{'schemaArray':{'type':'array', 'minItems':1, 'items':" META "}}}";

static const char unevaluated[] =
    HEAD("meta/unevaluated", USES("unevaluated"))
    "'properties':{'unevaluatedItems':" META ", 'unevaluatedProperties':" META "}}";

static const char validation[] =
    HEAD("meta/validation", USES("validation"))
    "'properties':{"
    "  'type':{'anyOf':[" DEF("simpleTypes") ","
    "    {'type':'array', 'items':" DEF("simpleTypes") ", 'minItems':1, 'uniqueItems':true}]},"
    "  'const':true, 'enum':{'type':'array', 'items':true},"
    "  'multipleOf':{'type':'number', 'exclusiveMinimum':0},"
    "  'maximum':{'type':'number'}, 'exclusiveMaximum':{'type':'number'},"
    "  'minimum':{'type':'number'}, 'exclusiveMinimum':{'type':'number'},"
    "  'maxLength':" DEF("nonNegativeInteger") ","
    "  'minLength':" DEF("nonNegativeIntegerDefault0") ","
    "  'pattern':{'type':'string', 'format':'regex'},"
    "  'maxItems':" DEF("nonNegativeInteger") ","
    "  'minItems':" DEF("nonNegativeIntegerDefault0") ","
    "  'uniqueItems':{'type':'boolean'},"
    "  'maxContains':" DEF("nonNegativeInteger") ","
    "  'minContains':" DEF("nonNegativeInteger") ","
    "  'maxProperties':" DEF("nonNegativeInteger") ","
    "  'minProperties':" DEF("nonNegativeIntegerDefault0") ","
    "  'required':" DEF("stringArray") ","
    "  'dependentRequired':{'type':'object', 'additionalProperties':" DEF("stringArray") "}},"
    "'$defs':{"
    "  'nonNegativeInteger':" COUNT ", 'nonNegativeIntegerDefault0':" COUNT ","
    "  'simpleTypes':{'enum':"
    "    ['array','boolean','integer','null','number','object','string']},"
    "  'stringArray':{'type':'array', 'items':{'type':'string'}, 'uniqueItems':true}}}";

static const char meta_data[] =
    HEAD("meta/meta-data", USES("meta-data"))
    "'properties':{"
    "  'title':{'type':'string'}, 'description':{'type':'string'}, 'default':true,"
    "  'deprecated':{'type':'boolean'}, 'readOnly':{'type':'boolean'},"
    "  'writeOnly':{'type':'boolean'}, 'examples':{'type':'array', 'items':true}}}";

static const char format_annotation[] =
    HEAD("meta/format-annotation", USES("format-annotation"))
    "'properties':{'format':{'type':'string'}}}";

static const char content[] =
    HEAD("meta/content", USES("content"))
    "'properties':{'contentEncoding':{'type':'string'}, 'contentMediaType':{'type':'string'},"
    "  'contentSchema':" META "}}";
/* clang-format on */

static const struct {
    const char *name;
    const char *text;
} metas[] = {
    { "schema", schema },
    { "meta/core", core },
    { "meta/applicator", applicator },
    { "meta/unevaluated", unevaluated },
    { "meta/validation", validation },
    { "meta/meta-data", meta_data },
    { "meta/format-annotation", format_annotation },
    { "meta/content", content },
};

/* The value of what is JSON but for its quotes. */
static const struct weir_value *
read_meta(const char *text)
{
    char *json = strdup(text);
    if (json == NULL)
        abort();
    for (char *c = json; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    const struct weir_value *doc;
    enum weir_code code = json_read(text_of(json), NULL, NULL, &doc, NULL);
    assert(code == WEIR_OK);
    free(json);
    return doc;
}

const struct weir_value *
schema_meta(struct weir_text uri)
{
    const size_t len = sizeof(SCHEMA_BASE) - 1;
    if (uri.len <= len || memcmp(uri.bytes, SCHEMA_BASE, len) != 0)
        return NULL;
    struct weir_text name = { uri.bytes + len, uri.len - len };
    for (size_t i = 0; i < sizeof(metas) / sizeof(metas[0]); i++)
        if (text_is(name, metas[i].name))
            return read_meta(metas[i].text);
    return NULL;
}
