/* expr/function.c - the table of functions, see functions.h and function.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/function.h"

#include <string.h>

#include "base/digest.h"
#include "base/units.h"
#include "expr/moment.h"

static const struct function functions[] = {
#define X(c_name, name, styles, fewest, most, usage, summary) \
    { { name, usage, summary, fewest, most, styles }, function_##c_name, 0 },
    FUNCTIONS(X)
#undef X
#define X(name, kind, styles, fewest, most, usage, summary) \
    { { name, usage, summary, fewest, most, EXPR_MACRO | (styles) }, NULL, TERM_##kind },
        MACROS(X)
#undef X
};

enum { N_FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

const struct expr_function *
expr_function_at(unsigned index)
{
    return index < N_FUNCTIONS ? &functions[index].about : NULL;
}

const struct expr_function *
expr_function_find(struct weir_text name)
{
    const struct function *f = function_find(name);
    return f != NULL ? &f->about : NULL;
}

const struct function *
function_find(struct weir_text name)
{
    for (unsigned i = 0; i < N_FUNCTIONS; i++)
        if (text_is(name, functions[i].about.name))
            return &functions[i];
    return NULL;
}

bool
function_space(struct weir_text space)
{
    for (unsigned i = 0; i < N_FUNCTIONS; i++) {
        const char *name = functions[i].about.name;
        if (strncmp(name, space.bytes, space.len) == 0 && name[space.len] == '.')
            return true;
    }
    return false;
}

/* What the same thing is called elsewhere. */
static const struct {
    const char *elsewhere;
    const char *here;
} meant[] = {
    { "length", "size" },
    { "len", "size" },
    { "count", "size" },
    { "includes", "contains" },
    { "has", "contains" },
    { "lower", "lowerAscii" },
    { "toLower", "lowerAscii" },
    { "toLowerCase", "lowerAscii" },
    { "lowercase", "lowerAscii" },
    { "downcase", "lowerAscii" },
    { "upper", "upperAscii" },
    { "toUpper", "upperAscii" },
    { "toUpperCase", "upperAscii" },
    { "uppercase", "upperAscii" },
    { "upcase", "upperAscii" },
    { "strip", "trim" },
    { "match", "matches" },
    { "test", "matches" },
    { "slice", "substring" },
    { "substr", "substring" },
    { "find", "filter" },
    { "some", "exists" },
    { "any", "exists" },
    { "every", "all" },
    { "select", "filter" },
    { "str", "string" },
    { "toString", "string" },
    { "number", "double" },
    { "float", "double" },
    { "parseInt", "int" },
    { "parseFloat", "double" },
    { "toJSON", "json.encode" },
    { "fromJSON", "json.decode" },
    { "to_json", "json.encode" },
    { "from_json", "json.decode" },
    { "json.stringify", "json.encode" },
    { "json.parse", "json.decode" },
    { "b64encode", "base64.encode" },
    { "b64decode", "base64.decode" },
    { "urlencode", "url.encode" },
    { "timestamp", "time.parse" },
    { "time.now", "now" },
};

const char *
function_meant(struct weir_text name, unsigned styles)
{
    for (size_t i = 0; i < sizeof(meant) / sizeof(meant[0]); i++)
        if (text_is(name, meant[i].elsewhere))
            return meant[i].here;

    struct weir_text names[N_FUNCTIONS];
    unsigned n = 0;
    for (unsigned i = 0; i < N_FUNCTIONS; i++)
        if (functions[i].about.styles & styles)
            names[n++] = text_of(functions[i].about.name);
    int i = nearest(name, names, n);
    return i < 0 ? NULL : names[i].bytes;
}

enum weir_code
function_check(const struct term *t, const struct term **ret_arg, struct weir_error *err)
{
    function_fn *fn = t->function->fn;
    unsigned at = fn == function_hmac ? 0 : 1;
    bool layout = fn == function_time_format || fn == function_time_parse;
    if ((fn != function_hmac && !layout) || at >= t->n || t->operands[at]->kind != TERM_CONST)
        return WEIR_OK;

    const struct weir_value *arg = t->operands[at]->constant;
    *ret_arg = t->operands[at];
    if (arg->type != WEIR_STRING)
        return err_set(err, WEIR_INVALID, "%s needs a string here", t->function->about.usage);
    if (layout)
        return moment_check(value_as_text(arg), err);
    if (digest_find(value_as_text(arg)) == 0)
        return err_set(err, WEIR_INVALID, "unknown algorithm; there are sha1, sha256, sha384, sha512");
    return WEIR_OK;
}
