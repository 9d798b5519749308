/* author/js_methods.c - calls of methods: JavaScript's, and those that n8n adds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "author/js_impl.h"

/* What a method of texts, lists and numbers becomes: $ is what it is called of, as a primary, ^
 * the same as an argument, and the bytes 1 and 2 are the arguments. */
static const struct method {
    const char *name;
    unsigned least, most; /* arguments */
    const char *as;
    bool truth, string;
} methods[] = {
    { "toLowerCase", 0, 0, "$.lowerAscii()", false, true },
    { "toUpperCase", 0, 0, "$.upperAscii()", false, true },
    { "trim", 0, 0, "$.trim()", false, true },
    { "startsWith", 1, 1, "$.startsWith(\1)", true, false },
    { "endsWith", 1, 1, "$.endsWith(\1)", true, false },
    { "indexOf", 1, 1, "$.indexOf(\1)", false, false },
    { "replaceAll", 2, 2, "$.replace(\1, \2)", false, true },
    { "replace", 2, 2, "$.replace(\1, \2, 1)", false, true },
    { "split", 1, 1, "$.split(\1)", false, false },
    { "join", 0, 0, "$.join(\",\")", false, true },
    { "join", 1, 1, "$.join(\1)", false, true },
    { "toJsonString", 0, 0, "json.encode(^)", false, true },
    { "parseJson", 0, 0, "json.decode(^)", false, false },
    { "toNumber", 0, 0, "double(^)", false, false },
    { "toFloat", 0, 0, "double(^)", false, false },
    { "toInt", 0, 0, "int(^)", false, false },
    { "base64Encode", 0, 0, "base64.encode(^)", false, true },
    { "base64Decode", 0, 0, "string(base64.decode(^))", false, true },
    { "urlEncode", 0, 0, "url.encode(^)", false, true },
    { "first", 0, 0, "$[0]", false, false },
};

/* The text of a pattern with its places filled. */
static const char *
filled(struct js *j, const char *as, struct js_term t, const struct js_term *args)
{
    const char *all = "";
    for (; *as; as++) {
        if (*as == '$')
            all = js_printf(j, "%s%s", all, js_value(j, t, LEVEL_PRIMARY));
        else if (*as == '^')
            all = js_printf(j, "%s%s", all, js_value(j, t, LEVEL_CHOICE));
        else if (*as == '\1' || *as == '\2')
            all = js_printf(j, "%s%s", all, js_value(j, args[*as - 1], LEVEL_CHOICE));
        else
            all = js_printf(j, "%s%c", all, *as);
    }
    return all;
}

/* list.map(x => ...) and the like. */
static const struct {
    const char *name;
    const char *as;
    bool truth;
    bool first;
} loops[] = {
    { "map", "map", false, false },    { "filter", "filter", false, false },
    { "some", "exists", true, false }, { "every", "all", true, false },
    { "find", "filter", false, true },
};

static bool
call_loop(struct js *j, struct js_term t, struct weir_text name, const struct js_term *args,
          unsigned n, struct js_term *ret)
{
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        if (!text_is(name, loops[i].name) || n != 1 || args[0].kind != JS_FUNCTION ||
            strchr(args[0].text, ',') == NULL)
            continue;
        if (strcmp(loops[i].as, "map") != 0 && !args[0].truth) {
            *ret = js_fail(j, "the condition of '%s' is not true or false by itself",
                           loops[i].name);
            return true;
        }
        *ret = js_term(js_printf(j, "%s.%s(%s)%s", js_value(j, t, LEVEL_PRIMARY), loops[i].as,
                                 args[0].text, loops[i].first ? "[0]" : ""),
                       LEVEL_PRIMARY);
        ret->truth = loops[i].truth;
        return true;
    }
    return false;
}

/* text.slice(from, to) and its like, with numbers from 0 on; LENGTH: the second one is that. What
 * lies behind the end of the text is passed over. */
static struct js_term
call_slice(struct js *j, struct js_term t, const struct js_term *args, unsigned n, bool length,
           bool swaps)
{
    long at[2] = { 0, 0 };
    for (unsigned i = 0; i < n; i++) {
        if (!args[i].literal || strspn(args[i].text, "0123456789") != strlen(args[i].text) ||
            strlen(args[i].text) > 9)
            return js_fail(j, "a slice by other numbers than written ones");
        at[i] = atol(args[i].text) + (i == 1 && length ? at[0] : 0);
    }
    if (n == 2 && at[1] < at[0]) {
        long from = swaps ? at[1] : at[0];
        at[1] = at[0];
        at[0] = from;
    }
    const char *text = js_value(j, t, LEVEL_PRIMARY), *all = js_value(j, t, LEVEL_CHOICE);
    const char *from =
        at[0] == 0 ? "0" : js_printf(j, "min(%ld, size(%s))", at[0], all);
    struct js_term r = js_term(
        n == 1 ? js_printf(j, "%s.substring(%s)", text, from)
               : js_printf(j, "%s.substring(%s, min(%ld, size(%s)))", text, from, at[1], all),
        LEVEL_PRIMARY);
    r.string = true;
    return r;
}

/* text.includes(part) and list.includes(item). */
static struct js_term
call_includes(struct js *j, struct js_term t, struct js_term what)
{
    struct js_term r = { 0 };
    const char *all = js_value(j, t, LEVEL_PRIMARY), *in_list = NULL, *in_text = NULL;
    if (!t.string)
        in_list = js_printf(j, "%s in %s", js_value(j, what, LEVEL_SUM), all);
    if (!t.list)
        in_text = js_printf(j, "%s.contains(%s)", all, js_value(j, what, LEVEL_CHOICE));
    if (t.list)
        r = js_term(in_list, LEVEL_RELATION);
    else if (t.string)
        r = js_term(in_text, LEVEL_PRIMARY);
    else
        r = js_term(js_printf(j, "type(%s) == \"list\" ? %s : %s",
                              js_value(j, t, LEVEL_CHOICE), in_list, in_text),
                    LEVEL_CHOICE);
    r.truth = true;
    return r;
}

static struct js_term
call_empty(struct js *j, struct js_term t, bool empty)
{
    const char *text = js_value(j, t, t.chain ? LEVEL_PRIMARY : LEVEL_CHOICE);
    struct js_term r = js_term(
        js_printf(j, "size(%s%s) %s 0", text, t.chain ? " ?? \"\"" : "", empty ? "==" : ">"),
        LEVEL_RELATION);
    r.truth = true;
    return r;
}

static struct js_term
call_node(struct js *j, struct js_term t, struct weir_text name)
{
    if (text_is(name, "first") || text_is(name, "last") || text_is(name, "itemMatching")) {
        t.kind = JS_ITEM;
        return t;
    }
    return js_fail(j, "'%.*s()' of a node has no counterpart: weir has one item, not a list",
                   (int)(name.len > 60 ? 60 : name.len), name.bytes);
}

/* Those of which the table can't tell. */
static bool
call_special(struct js *j, struct js_term t, struct weir_text name, const struct js_term *args,
             unsigned n, struct js_term *ret)
{
    if (call_loop(j, t, name, args, n, ret))
        return true;
    bool substr = text_is(name, "substr"), substring = text_is(name, "substring");
    if ((text_is(name, "slice") || substr || substring) && (n == 1 || n == 2)) {
        *ret = call_slice(j, t, args, n, substr, substring);
    } else if ((text_is(name, "includes") || text_is(name, "contains")) && n == 1) {
        *ret = call_includes(j, t, args[0]);
    } else if (text_is(name, "toString") && n == 0) {
        *ret = js_term(js_string(j, t, LEVEL_PRIMARY), LEVEL_PRIMARY);
        ret->string = true;
    } else if ((text_is(name, "isEmpty") || text_is(name, "isNotEmpty")) && n == 0) {
        *ret = call_empty(j, t, text_is(name, "isEmpty"));
    } else if (text_is(name, "last") && n == 0) {
        const char *text = js_value(j, t, LEVEL_PRIMARY);
        *ret = js_term(js_printf(j, "%s[size(%s) - 1]", text, text), LEVEL_PRIMARY);
    } else if (text_is(name, "test") && n == 1 && t.regex) {
        *ret =
            js_term(js_printf(j, "%s.matches(%s)", js_value(j, args[0], LEVEL_PRIMARY), t.text),
                    LEVEL_PRIMARY);
        ret->truth = true;
    } else {
        return false;
    }
    return true;
}

/* What is not quite the same of the method M, whose call is R. */
static struct js_term
note_method(struct js *j, const struct method *m, struct js_term r, const struct js_term *args)
{
    if (strcmp(m->name, "toLowerCase") == 0 || strcmp(m->name, "toUpperCase") == 0)
        js_note(j, "only a-z and A-Z change their case here");
    if (m->most == 2 && args[1].name.bytes != NULL &&
        memchr(args[1].name.bytes, '$', args[1].name.len) != NULL)
        return js_fail(j, "a '$' in what is put in, which may mean what was found");
    return r;
}

struct js_term
js_call(struct js *j, struct js_term t, struct weir_text name, const struct js_term *args,
        unsigned n)
{
    struct js_term r;
    if (t.kind == JS_FUNCTION || t.kind == JS_GLOBAL)
        return js_call_global(j, text_of(t.text), name, args, n);
    if (t.kind == JS_MOMENT)
        return js_call_moment(j, t, name, args, n);
    if (t.kind == JS_NODE)
        return call_node(j, t, name);
    if (name.len == 0)
        return js_fail(j, "a call of what is no function");
    if (call_special(j, t, name, args, n, &r))
        return r;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const struct method *m = &methods[i];
        if (!text_is(name, m->name) || n < m->least || n > m->most)
            continue;
        r = js_term(filled(j, m->as, t, args), LEVEL_PRIMARY);
        r.truth = m->truth;
        r.string = m->string;
        r.list = strcmp(m->name, "split") == 0;
        if (strcmp(m->as, "double(^)") == 0)
            r.number = NUMBER_REAL;
        return note_method(j, m, r, args);
    }
    return js_fail(j, "'.%.*s()' has no counterpart", (int)(name.len > 60 ? 60 : name.len),
                   name.bytes);
}
