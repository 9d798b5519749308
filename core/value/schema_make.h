/* value/schema_make.h - inside the room: a schema in the making.
 *
 * Documents are scanned when they are loaded: each place that is a schema becomes a node, each
 * $id a resource, each anchor a name. Then the nodes are compiled one after another; a $ref may
 * load more documents, whose nodes come at the end of the row.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_SCHEMA_MAKE_H
#define VALUE_SCHEMA_MAKE_H

#include "base/map.h"
#include "value/schema_form.h"

#define SCHEMA_BASE "https://json-schema.org/draft/2020-12/"

enum {
    MAX_NODES = 1 << 17,
    MAX_RESOURCES = 1 << 14,
    MAX_DOCS = 64,
    MAX_PATTERNS = 4096,
    MAX_NESTING = 256, /* of schemas in a document     */
    MAX_URI = 8192,
    MAX_METAS = 4, /* meta-schemas of meta-schemas */
};

enum vocabulary {
    VOCABULARY_CORE = 1u << 0,
    VOCABULARY_APPLICATOR = 1u << 1,
    VOCABULARY_UNEVALUATED = 1u << 2,
    VOCABULARY_VALIDATION = 1u << 3,
    VOCABULARY_META = 1u << 4,
    VOCABULARY_FORMAT = 1u << 5,
    VOCABULARY_CONTENT = 1u << 6,
    VOCABULARY_ALL = (1u << 7) - 1,
};

/* A place in a schema document: KEYWORD of NODE, and in that KEY or INDEX. */
struct spot {
    uint32_t node;        /* NODE_NONE: TEXT is its place           */
    const char *keyword;  /* NULL: the node itself                  */
    struct weir_text key; /* bytes NULL: INDEX counts, if not below 0 */
    int64_t index;
    struct weir_text text; /* "#", "uri#", "uri#/pointer"; in the arena */
};

#define SPOT(n, k) ((struct spot){ .node = (n), .keyword = (k), .index = -1 })
#define SPOT_KEY(n, k, name) \
    ((struct spot){ .node = (n), .keyword = (k), .key = (name), .index = -1 })
#define SPOT_INDEX(n, k, i) ((struct spot){ .node = (n), .keyword = (k), .index = (i) })

/* What is known of a node while it is made. */
struct origin {
    const struct weir_value *value;
    struct spot spot; /* where it stands: in its parent */
};

struct resource {
    struct weir_text uri; /* without fragment; in the arena */
    const struct weir_value *root;
    uint32_t doc; /* the resource that is its document */
    uint32_t vocabularies;
    struct map anchors; /* of both kinds, to a node */
};

struct schema_maker {
    struct schema *schema;
    schema_load_fn *load;
    void *load_arg;
    struct weir_error *err;
    unsigned metas;             /* how deep in meta-schemas           */
    struct origin *origins;     /* beside schema->nodes               */
    struct resource *resources; /* beside schema->resources           */
    uint32_t nodes_room;
    uint32_t resources_room;
    /* Maps to numbers, each stored as a pointer to number + 1. */
    struct map places; /* (value, resource) to node      */
    struct map uris;   /* to resource                    */
    struct map names;  /* of dynamic anchors to a number */
};

/* One node while its keywords are read. */
struct draft {
    uint32_t node;
    uint32_t resource;
    uint64_t has; /* bits of enum schema_op: which rules count */
    struct schema_rule rules[OP_COUNT];
    struct schema_properties *properties;
    struct schema_items *items;
    struct schema_contains *contains;
    uint32_t *condition; /* the nodes of OP_IF */
};

struct keyword;

/* Reads the value V of keyword K into D. */
typedef enum weir_code keyword_fn(struct schema_maker *m, struct draft *d,
                                  const struct keyword *k, const struct weir_value *v);

enum keyword_shape {
    SHAPE_OTHER,
    SHAPE_SCHEMA, /* the value is a schema */
    SHAPE_LIST,   /* a list of schemas     */
    SHAPE_MAP,    /* a map of them         */
};

struct keyword {
    const char *name;
    uint32_t vocabulary;
    uint32_t shape; /* enum keyword_shape          */
    uint32_t op;    /* the rule; OP_COUNT: none    */
    keyword_fn *read;
};

/* What a reference leads to. */
struct target {
    uint32_t node;
    uint32_t resource;
    uint32_t name; /* of the dynamic anchor that it names; UINT32_MAX: it names none */
};

/* -- schema_compile.c -- */

/* schema_new for a document that was found at URI, METAS deep in meta-schemas. */
enum weir_code schema_make(const struct weir_value *doc, struct weir_text uri,
                           const struct schema_maker *like, struct schema **ret) MUST_USE;

/* SIZE zeroed bytes of the schema's arena. */
void *schema_alloc(struct schema_maker *m, size_t size);

/* Makes the rule OP of D count; the caller fills it in. */
struct schema_rule *schema_rule_add(struct draft *d, uint32_t op);

/* Fails with WEIR_INVALID at a place. */
enum weir_code schema_refuse(struct schema_maker *m, struct spot spot, const char *fmt, ...)
    PRINTF(3, 4);

/* Puts the place in front of what the maker's error says. */
enum weir_code schema_refuse_in(struct schema_maker *m, struct spot spot);

/* -- schema_scan.c -- */

/* Makes the node of V, which stands at SPOT in RESOURCE, and of all that is in it. DEPTH is how
 * far it is nested. Nothing happens if it was made before. */
enum weir_code schema_scan(struct schema_maker *m, const struct weir_value *v,
                           uint32_t resource, const struct spot *spot, unsigned depth) MUST_USE;

/* The node of V in RESOURCE; NODE_NONE if it was not scanned. */
uint32_t schema_node_of(const struct schema_maker *m, const struct weir_value *v,
                        uint32_t resource);

/* Adds a resource of URI (in the arena) to document DOC; UINT32_MAX: it is a document itself.
 * The caller registers the URI. */
enum weir_code schema_resource_add(struct schema_maker *m, struct weir_text uri,
                                   const struct weir_value *root, uint32_t doc,
                                   uint32_t *ret) MUST_USE;

/* Registers RESOURCE under URI, unless another one has it; returns whose it is. */
uint32_t schema_uri_set(struct schema_maker *m, struct weir_text uri, uint32_t resource);

/* The resource of a URI; UINT32_MAX if there is none. */
uint32_t schema_uri_get(const struct schema_maker *m, struct weir_text uri);

/* The node that is called NAME in RESOURCE; NODE_NONE if there is none. */
uint32_t schema_anchor_get(const struct schema_maker *m, uint32_t resource,
                           struct weir_text name);

/* The number of a dynamic anchor's name; UINT32_MAX if there is none. */
uint32_t schema_name_get(const struct schema_maker *m, struct weir_text name);

/* -- schema_ref.c -- */

/* Resolves REF against the URI of RESOURCE, loading what it needs. */
enum weir_code schema_resolve(struct schema_maker *m, const struct spot *spot,
                              uint32_t resource, struct weir_text ref,
                              struct target *ret) MUST_USE;

/* REF resolved against BASE, without fragment, in the arena. False if it is too long. */
bool schema_absolute(struct schema_maker *m, struct weir_text base, struct weir_text ref,
                     struct weir_text *ret, struct weir_text *ret_fragment);

/* Takes DOC, found at URI, in: a resource with all its nodes. */
enum weir_code schema_doc_add(struct schema_maker *m, const struct weir_value *doc,
                              struct weir_text uri, uint32_t *ret) MUST_USE;

/* The document of an absolute URI, of which the schema keeps a reference; NULL: none. */
const struct weir_value *schema_doc_load(struct schema_maker *m, struct weir_text uri);

/* -- schema_dialect.c -- */

/* The vocabularies that $schema names, if ROOT has one, else *RET is left. Custom meta-schemas
 * are loaded, and DOC must conform to them. */
enum weir_code schema_dialect(struct schema_maker *m, const struct weir_value *root,
                              const struct spot *spot, uint32_t *ret) MUST_USE;

/* -- schema_meta.c -- */

/* The built-in meta-schema of that URI, made anew and owned by the caller; NULL if it is none.
 */
const struct weir_value *schema_meta(struct weir_text uri);

/* -- schema_keywords.c -- */

/* The keyword of that name; NULL if it is unknown. */
const struct keyword *schema_keyword(struct weir_text name);

/* -- schema_assertions.c, schema_applicators.c -- */

keyword_fn schema_read_type, schema_read_const, schema_read_enum, schema_read_number,
    schema_read_multiple, schema_read_limit, schema_read_pattern, schema_read_unique,
    schema_read_required, schema_read_dependent, schema_read_contains_limit;

keyword_fn schema_read_ref, schema_read_node, schema_read_nodes, schema_read_properties,
    schema_read_patterns, schema_read_rest, schema_read_prefix, schema_read_items,
    schema_read_contains, schema_read_if, schema_read_dependent_schemas, schema_read_defs;

/* What D says of contains so far; with the defaults at first. */
struct schema_contains *schema_contains_of(struct schema_maker *m, struct draft *d);

/* Compiles a regular expression that stands at SPOT. */
enum weir_code schema_pattern_add(struct schema_maker *m, const struct spot *spot,
                                  struct weir_text text, struct schema_pattern *ret) MUST_USE;

/* -- schema_loop.c -- */

/* Refuses nodes that lead back to themselves without going into the value. */
enum weir_code schema_refuse_loops(struct schema_maker *m) MUST_USE;

/* -- schema_plain.c -- */

/* The bits of the types without parts of which every value conforms, for what has no loops. */
uint16_t schema_plain_types(const struct schema *s);

#endif
