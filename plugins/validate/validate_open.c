/* validate/validate_open.c - from the configuration to rules: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "validate.h"

#define FILE_MAX (UINT64_C(1) << 20)

/* Puts WHERE before ERR's text. */
static uint32_t
fail_at(struct weir_error *err, struct weir_text where)
{
    char text[sizeof err->text];
    memcpy(text, err->text, sizeof text);
    return refuse(err, err->code, "%.*s: %.400s", (int)(where.len < 64 ? where.len : 64),
                  where.bytes, text);
}

/* The schema document that FILE, a name beside the pipeline, holds. */
static uint32_t
read_file(struct weir_open *open, struct weir_text file, const struct weir_value **ret,
          struct weir_error *err)
{
    const struct weir_value *bytes = NULL;
    struct weir_text text = { 0 };
    if (host->file(open, file, FILE_MAX, &bytes, err) != WEIR_OK)
        return err->code;
    (void)host->get_text(bytes, &text);
    uint32_t code = host->json_read(text, ret, err);
    host->unref(&bytes);
    return code == WEIR_OK ? code : fail_at(err, file);
}

/* Compiles V: a schema, or the name of a file that holds one. */
static uint32_t
take_schema(struct weir_open *open, const struct weir_value *v, struct rule *rule,
            struct weir_error *err)
{
    struct weir_text file = { 0 };
    const struct weir_value *doc = NULL;
    if (host->type(v) != WEIR_STRING)
        doc = host->ref(v);
    else if (host->get_text(v, &file) && read_file(open, file, &doc, err) != WEIR_OK)
        return err->code;
    rule->schema = host->schema_new(doc, err);
    host->unref(&doc);
    if (rule->schema != NULL)
        return WEIR_OK;
    return file.len > 0 ? fail_at(err, file) : err->code;
}

static uint32_t
take_fields(const struct weir_value *list, struct rule *rule, struct weir_error *err)
{
    size_t n = host->len(list);
    rule->fields = zeroed(n > 0 ? n : 1, sizeof *rule->fields);
    for (size_t i = 0; i < n; i++) {
        struct weir_text name = { 0 };
        (void)host->get_text(host->at(list, i), &name);
        if (field_read(name, &rule->fields[rule->n], err) != WEIR_OK)
            return err->code;
        rule->n++;
    }
    return WEIR_OK;
}

/* One rule from V, which is a schema, or a list of required fields. */
static uint32_t
take_rule(struct weir_open *open, const struct weir_value *v, bool schema, struct rule *rule,
          struct weir_error *err)
{
    return schema ? take_schema(open, v, rule, err) : take_fields(v, rule, err);
}

static void
make_room(struct rules *rules, size_t n)
{
    rules->all = zeroed(n > 0 ? n : 1, sizeof *rules->all);
}

/* The rules of MAP by name. */
static uint32_t
take_map(struct weir_open *open, const struct weir_value *map, bool schema, struct rules *rules,
         struct weir_error *err)
{
    struct weir_text name;
    const struct weir_value *v;
    make_room(rules, host->len(map));
    for (size_t i = 0; host->member(map, i, &name, &v); i++) {
        struct rule *rule = &rules->all[rules->n++];
        rule->name = text_copied(name);
        if (take_rule(open, v, schema, rule, err) != WEIR_OK)
            return fail_at(err, name);
    }
    return WEIR_OK;
}

static uint32_t
take_one(struct weir_open *open, const struct weir_value *v, bool schema, struct rules *rules,
         struct weir_error *err)
{
    make_room(rules, 1);
    return take_rule(open, v, schema, &rules->all[rules->n++], err);
}

static bool
flag(const struct weir_value *map, struct weir_text key, bool otherwise)
{
    bool yes;
    return host->get_bool(host->get(map, key), &yes) ? yes : otherwise;
}

static void
take_sanitize(const struct weir_value *v, struct sanitize *s)
{
    int64_t most;
    bool yes = false;
    *s = (struct sanitize){ .max_length = UINT64_MAX };
    if (v == NULL || (host->get_bool(v, &yes) && !yes))
        return;
    const struct weir_value *map = host->type(v) == WEIR_MAP ? v : NULL;
    s->on = true;
    s->strip_html = map ? flag(map, WEIR_TEXT("strip_html"), true) : true;
    s->nfc = map ? flag(map, WEIR_TEXT("nfc"), true) : true;
    s->trim = map ? flag(map, WEIR_TEXT("trim"), true) : true;
    s->escape_quotes = map ? flag(map, WEIR_TEXT("escape_quotes"), false) : false;
    if (map && host->get_int(host->get(map, WEIR_TEXT("max_length")), &most))
        s->max_length = (uint64_t)most;
}

/* Whether the options go together. */
static uint32_t
check_options(const struct weir_value *config, struct weir_error *err)
{
    const struct weir_value *schema = host->get(config, WEIR_TEXT("schema"));
    const struct weir_value *schemas = host->get(config, WEIR_TEXT("schemas"));
    const struct weir_value *required = host->get(config, WEIR_TEXT("required"));
    bool by_name = required && host->type(required) == WEIR_MAP;
    bool select = host->get(config, WEIR_TEXT("select")) != NULL;
    if (!schema && !schemas && !required && !host->get(config, WEIR_TEXT("sanitize")))
        return refuse(
            err, WEIR_INVALID,
            "there is nothing to do: say 'schema', 'schemas', 'required' or 'sanitize'");
    if (schema && schemas)
        return refuse(err, WEIR_INVALID, "'schema' and 'schemas' don't go together");
    if ((schemas || by_name) && !select)
        return refuse(err, WEIR_INVALID, "%s needs 'select' to say which of them holds",
                      schemas ? "'schemas'" : "'required' by name");
    if (select && !schemas && !by_name)
        return refuse(err, WEIR_INVALID,
                      "'select' chooses from 'schemas', or from 'required' by name");
    if (schemas && host->get(schemas, WEIR_TEXT("default")) == NULL)
        return refuse(
            err, WEIR_INVALID,
            "'schemas' needs a 'default' for what 'select' may give besides; 'default: "
            "false' refuses it, 'default: true' lets it pass");
    return WEIR_OK;
}

static uint32_t
fill(struct weir_open *open, const struct weir_value *config, struct validate_node *n,
     struct weir_error *err)
{
    const struct weir_value *schema = host->get(config, WEIR_TEXT("schema"));
    const struct weir_value *schemas = host->get(config, WEIR_TEXT("schemas"));
    const struct weir_value *required = host->get(config, WEIR_TEXT("required"));
    n->value = host->slot(open, "/value");
    n->select = host->slot(open, "/select");
    take_sanitize(host->get(config, WEIR_TEXT("sanitize")), &n->sanitize);
    if (schema && take_one(open, schema, true, &n->schemas, err) != WEIR_OK)
        return err->code;
    if (schemas && take_map(open, schemas, true, &n->schemas, err) != WEIR_OK)
        return err->code;
    if (required == NULL)
        return WEIR_OK;
    return host->type(required) == WEIR_MAP
               ? take_map(open, required, false, &n->required, err)
               : take_one(open, required, false, &n->required, err);
}

uint32_t
validate_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
              struct weir_error *err)
{
    if (check_options(config, err) != WEIR_OK)
        return err->code;
    struct validate_node *n = zeroed(1, sizeof *n);
    if (fill(open, config, n, err) == WEIR_OK)
        *ret_conf = n;
    else
        validate_close(n);
    return err->code;
}

static void
free_rules(struct rules *rules)
{
    for (uint32_t i = 0; i < rules->n; i++) {
        struct rule *r = &rules->all[i];
        for (uint32_t f = 0; f < r->n; f++)
            field_free(&r->fields[f]);
        if (r->schema)
            host->schema_free(&r->schema);
        free(r->fields);
        free(r->name);
    }
    free(rules->all);
}

void
validate_close(void *conf)
{
    struct validate_node *n = conf;
    free_rules(&n->schemas);
    free_rules(&n->required);
    free(n);
}

const struct rule *
rules_find(const struct rules *rules, struct weir_text name)
{
    const struct rule *otherwise = NULL;
    for (uint32_t i = 0; i < rules->n; i++) {
        const struct rule *r = &rules->all[i];
        if (r->name == NULL)
            return r;
        if (strlen(r->name) == name.len && memcmp(r->name, name.bytes, name.len) == 0)
            return r;
        if (strcmp(r->name, "default") == 0)
            otherwise = r;
    }
    return otherwise;
}
