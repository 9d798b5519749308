/* lua/describe.c - see types.h: what a file says of its node. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "types.h"

static const char *const fields[] = { "run",    "config", "summary", "output",
                                      "effect", "limits", "example", NULL };
static const char *const effects[] = { "none", "idempotent", "unsafe", NULL };

bool
node_is_module(lua_State *L)
{
    if (!lua_istable(L, -1))
        return true;
    for (unsigned i = 0; fields[i] != NULL; i++) {
        lua_pushstring(L, fields[i]);
        bool has = lua_rawget(L, -2) != LUA_TNIL;
        lua_pop(L, 1);
        if (has)
            return false;
    }
    return true;
}

bool
node_field(lua_State *L, const char *key)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_node_key);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), key) == 0) {
            lua_insert(L, -3);
            lua_pop(L, 2);
            return true;
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return false;
}

/* -- checks -- */

/* The field whose name is at -2 and whose value on the top. */
static uint32_t
check_field(lua_State *L, struct weir_error *err)
{
    char hint[64], list[120];
    struct weir_text name;
    if (lua_type(L, -2) != LUA_TSTRING)
        return refuse(err, WEIR_INVALID, "a field of the node has a %s as its name (there are %s)",
                      luaL_typename(L, -2), names_list(fields, list, sizeof list));
    name.bytes = lua_tolstring(L, -2, &name.len);
    if (!names_has(fields, name))
        return refuse(err, WEIR_INVALID, "unknown field '%.*s' of the node (there are %s)%s",
                      (int)(name.len < 64 ? name.len : 64), name.bytes,
                      names_list(fields, list, sizeof list),
                      names_hint(fields, name, hint, sizeof hint));
    static const char *const texts[] = { "summary", "output", "example", "effect", NULL };
    if (names_has(texts, name) && lua_type(L, -1) != LUA_TSTRING)
        return refuse(err, WEIR_INVALID, "%s must be a text, not a %s", name.bytes,
                      luaL_typename(L, -1));
    if (strcmp(name.bytes, "effect") != 0)
        return WEIR_OK;
    struct weir_text effect;
    effect.bytes = lua_tolstring(L, -1, &effect.len);
    if (names_has(effects, effect))
        return WEIR_OK;
    return refuse(err, WEIR_INVALID, "effect is '%.60s' (there are %s)%s", effect.bytes,
                  names_list(effects, list, sizeof list),
                  names_hint(effects, effect, hint, sizeof hint));
}

uint32_t
node_check(lua_State *L, struct weir_error *err)
{
    uint32_t code = WEIR_OK;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_node_key);
    lua_pushnil(L);
    while (code == WEIR_OK && lua_next(L, -2)) {
        code = check_field(L, err);
        lua_pop(L, code == WEIR_OK ? 1 : 2);
    }
    lua_pop(L, 1);
    return code;
}

static uint32_t check_defaults(const struct weir_value *schema, unsigned depth,
                               struct weir_error *err);

/* Whether the default of the property NAME is what its schema wants; one that can't be compiled
 * alone is left to the check of whole configurations. */
static uint32_t
check_default(const struct weir_value *property, struct weir_text name, unsigned depth,
              struct weir_error *err)
{
    const struct weir_value *usual = host->get(property, WEIR_TEXT("default"));
    struct weir_error why = { 0 };
    void *schema = usual != NULL ? host->schema_new(property, &why) : NULL;
    uint32_t code = schema != NULL ? host->schema_check(schema, usual, &why) : WEIR_OK;
    if (schema != NULL)
        host->schema_free(&schema);
    host->unref(&why.detail);
    if (code != WEIR_OK)
        return refuse(err, WEIR_INVALID, "config: the default of '%.*s' does not fit its schema: %.200s",
                      (int)(name.len < 64 ? name.len : 64), name.bytes, why.text);
    return check_defaults(property, depth + 1, err);
}

static uint32_t
check_defaults(const struct weir_value *schema, unsigned depth, struct weir_error *err)
{
    struct weir_text key;
    const struct weir_value *item, *properties = host->get(schema, WEIR_TEXT("properties"));
    uint32_t code = WEIR_OK;
    for (size_t i = 0; code == WEIR_OK && depth < VALUE_DEPTH && properties != NULL &&
                       host->member(properties, i, &key, &item);
         i++)
        code = check_default(item, key, depth, err);
    return code;
}

uint32_t
node_schema(lua_State *L, const struct weir_value **ret, struct weir_error *err)
{
    *ret = NULL;
    if (!node_field(L, "config"))
        return WEIR_OK;
    if (value_make(L, -1, ret, err) != WEIR_OK)
        (void)err_before(err, "config");
    else if (host->type(*ret) != WEIR_MAP)
        refuse(err, WEIR_INVALID, "config must be a table, the JSON Schema of the options");
    else
        (void)check_defaults(*ret, 0, err);
    lua_pop(L, 1);
    if (err->code != WEIR_OK)
        host->unref(ret);
    return err->code;
}

/* -- what is said -- */

static const char *
text_field(lua_State *L, const char *key, const char *usual)
{
    if (!node_field(L, key))
        return usual;
    char *copy = strdup(lua_tostring(L, -1));
    if (copy == NULL)
        abort();
    lua_pop(L, 1);
    return copy;
}

void
node_describe(lua_State *L, struct weir_node_type *type)
{
    type->summary = text_field(L, "summary", "A node in Lua.");
    type->output = text_field(L, "output", "what the script returns");
    type->example = text_field(L, "example", NULL);
    const char *effect = text_field(L, "effect", "none");
    for (uint32_t i = 0; effects[i] != NULL; i++) /* in the order of enum weir_effect */
        if (strcmp(effects[i], effect) == 0)
            type->effect = i;
}
