/* validate/validate.c - cleans a value and checks it: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "validate.h"

#include <stdio.h>
#include <string.h>

#define AT_ONCE_MAX ((size_t)16 << 10) /* bytes; what takes longer to clean is a worker's */

/* Adds { detail: "is required", pointer } to LIST. */
static void
add_missing(struct weir_builder *list, const char *pointer)
{
    struct weir_builder *one = host->map_new();
    const struct weir_value *v = host->string(WEIR_TEXT("is required"));
    host->map_set(one, WEIR_TEXT("detail"), &v);
    v = host->string((struct weir_text){ pointer, strlen(pointer) });
    host->map_set(one, WEIR_TEXT("pointer"), &v);
    v = host->build(&one);
    host->list_add(list, &v);
}

/* How many fields of RULE are not in V; those are added to *LIST, which is made at need. */
static uint32_t
add_all_missing(const struct rule *rule, const struct weir_value *v, struct weir_builder **list,
                const char **ret_first)
{
    uint32_t n = 0;
    for (uint32_t i = 0; rule && i < rule->n; i++) {
        if (field_is_there(&rule->fields[i], v))
            continue;
        if (n++ == 0) {
            *list = host->list_new();
            *ret_first = rule->fields[i].pointer;
        }
        add_missing(*list, rule->fields[i].pointer);
    }
    return n;
}

/* Makes of ERR, which may hold the violations of a schema, one with those of LIST before. */
static uint32_t
join(struct weir_error *err, struct weir_builder *list, uint32_t n, const char *first)
{
    const struct weir_value *others = err->code != WEIR_OK ? err->detail : NULL;
    for (size_t i = 0; others && i < host->len(others); i++, n++) {
        const struct weir_value *v = host->ref(host->at(others, i));
        host->list_add(list, &v);
    }
    host->unref(&others);
    err->detail = host->build(&list);
    err->status = 422;
    if (n == 1)
        return refuse(err, WEIR_INVALID, "%.300s: is required", first);
    return refuse(err, WEIR_INVALID, "%u problems, the first: %.300s: is required", n, first);
}

/* One call: what is cleaned and checked, and by what. */
struct job {
    struct weir_call *call;
    const struct sanitize *sanitize;
    const struct rule *required; /* NULL: none */
    const struct rule *schema;   /* NULL: none */
    const struct weir_value *v;  /* counted: at the end what it has become; NULL: nothing */
    struct weir_error err;
};

static uint32_t
check(struct job *j)
{
    const char *first = "";
    struct weir_builder *list = NULL;
    uint32_t missing = add_all_missing(j->required, j->v, &list, &first);
    if (j->schema && host->schema_check(j->schema->schema, j->v, &j->err) != WEIR_OK)
        j->err.code = WEIR_INVALID;
    return missing > 0 ? join(&j->err, list, missing, first) : j->err.code;
}

/* What is cleaned and checked. */
static uint32_t
get_value(struct weir_call *call, const struct validate_node *n, const struct weir_value **ret,
          struct weir_error *err)
{
    return n->value ? host->eval(call, n->value, ret, err) : host->input(call, ret, err);
}

static uint32_t
prepare(struct job *j, const struct validate_node *n)
{
    struct weir_text select = WEIR_TEXT("");
    if (n->select && host->eval_text(j->call, n->select, &select, &j->err) != WEIR_OK)
        return j->err.code;
    j->sanitize = &n->sanitize;
    j->required = rules_find(&n->required, select);
    j->schema = rules_find(&n->schemas, select);
    return get_value(j->call, n, &j->v, &j->err);
}

/* Cleans and checks; false, and nothing has changed, if more than MOST bytes have to be looked at closely. */
static bool
work_within(struct job *j, size_t most)
{
    if (j->sanitize->on) {
        const struct weir_value *clean = NULL;
        if (clean_value(j->sanitize, j->v, most, &clean, &j->err) == WEIR_OK && clean == NULL)
            return false;
        host->unref(&j->v);
        j->v = clean;
    }
    if (j->v)
        (void)check(j);
    return true;
}

/* On a worker. */
static void
work(void *job)
{
    (void)work_within(job, SIZE_MAX);
}

static void
answer(struct job *j)
{
    if (j->err.code == WEIR_OK) {
        host->done(j->call, &j->v);
        return;
    }
    const struct weir_value *detail = j->err.detail;
    const struct weir_value *v = j->v;
    host->fail(j->call, &j->err); /* J is gone */
    host->unref(&detail);
    host->unref(&v);
}

static void
worked(void *job, bool dropped)
{
    struct job *j = job;
    if (dropped)
        (void)refuse(&j->err, WEIR_CANCELLED, "the workers have ended");
    answer(j);
}

/* Most of it is done at once, and takes no memory of the call. Who has more for a shard learns it while it cleans: what
 * it did till then is no more than anybody may. */
static void
validate_run(struct weir_call *call, void *state)
{
    struct job here;
    here.call = call;
    here.v = NULL;
    WEIR_ERROR_CLEAR(&here.err);
    if (prepare(&here, state) != WEIR_OK || work_within(&here, AT_ONCE_MAX)) {
        answer(&here);
        return;
    }
    struct job *far = host->alloc(call, sizeof *far);
    *far = here;
    if (host->work(host->shard(call), work, worked, far, &far->err) != WEIR_OK)
        answer(far);
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "What a value must be, and how its texts are cleaned before.",
    "type": "object",
    "additionalProperties": false,
    "x-weir-shorthand": "schema",
    "properties": {
        "value": {
            "description": "What is cleaned and checked. Default: what flows in.",
            "examples": ["${ request.body }", "${ request.query }"]
        },
        "schema": {
            "description": "A JSON Schema (2020-12), or the name of a file beside the pipeline that holds one.",
            "type": ["object", "boolean", "string"],
            "x-weir-literal": true,
            "examples": [{ "type": "object", "required": ["text"] }, "order.schema.json"]
        },
        "schemas": {
            "description": "Schemas (or files) by name; 'select' chooses. One must be 'default'.",
            "type": "object",
            "minProperties": 1,
            "maxProperties": 256,
            "additionalProperties": { "type": ["object", "boolean", "string"] },
            "x-weir-literal": true,
            "examples": [{ "order": "order.schema.json", "default": false }]
        },
        "required": {
            "description": "Fields that must be there, not null and not an empty text: names, or JSON pointers. Or such lists by name; 'select' chooses.",
            "anyOf": [
                { "type": "array", "items": { "type": "string" }, "maxItems": 256 },
                {
                    "type": "object",
                    "maxProperties": 256,
                    "additionalProperties": { "type": "array", "items": { "type": "string" }, "maxItems": 256 }
                }
            ],
            "x-weir-literal": true,
            "examples": [["email", "/address/city"], { "order": ["items"], "default": [] }]
        },
        "select": {
            "description": "The name of the schema and of the required fields; for any other text those of 'default' hold.",
            "examples": ["${ request.params.service }", "${ input.type }"]
        },
        "sanitize": {
            "description": "How texts are cleaned, at any depth: true is strip_html, nfc and trim.",
            "x-weir-literal": true,
            "anyOf": [
                { "type": "boolean" },
                {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "strip_html": {
                            "description": "Of a text with a < in it the text of its HTML is left, without script and style; default true.",
                            "type": "boolean",
                            "examples": [false]
                        },
                        "nfc": {
                            "description": "Unicode normal form C; default true.",
                            "type": "boolean",
                            "examples": [false]
                        },
                        "trim": {
                            "description": "No blanks at both ends; default true.",
                            "type": "boolean",
                            "examples": [false]
                        },
                        "max_length": {
                            "description": "Longer texts are cut: code points.",
                            "type": "integer",
                            "minimum": 0,
                            "examples": [10000]
                        },
                        "escape_quotes": {
                            "description": "Quotes become &quot; and &#39;; default false.",
                            "type": "boolean",
                            "examples": [true]
                        }
                    }
                }
            ],
            "examples": [true, { "max_length": 10000 }]
        }
    }
});
/* clang-format on */

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .name = "validate",
        .summary = "Cleans the texts of a value and checks it: JSON Schema, required fields.",
        .config_schema = schema,
        .example = "- id: clean\n"
                   "  validate:\n"
                   "    sanitize: { max_length: 10000 }\n"
                   "    required: [email]\n"
                   "    schema:\n"
                   "      type: object\n"
                   "      properties: { email: { type: string, maxLength: 320 } }\n",
        .output = "the cleaned value",
        .effect = WEIR_EFFECT_NONE,
        .open = validate_open,
        .run = validate_run,
        .close = validate_close,
    },
};

PLUGIN("validate", PLUGIN_NODES(nodes));
