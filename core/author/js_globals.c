/* author/js_globals.c - calls of global functions, and what can be done with a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "author/js_impl.h"

/* Functions of one argument, and methods of Math, JSON and the like: 1 and 2 are the arguments.
 */
static const struct function {
    const char *of;
    const char *name;
    unsigned n;
    const char *before, *between, *after;
    bool truth, string;
    enum js_number number;
} functions[] = {
    { "Number", "", 1, "double(", "", ")", false, false, NUMBER_REAL },
    { "parseFloat", "", 1, "double(", "", ")", false, false, NUMBER_REAL },
    { "parseInt", "", 1, "int(", "", ")", false, false, NUMBER_WHOLE },
    { "encodeURIComponent", "", 1, "url.encode(", "", ")", false, true, NUMBER_NO },
    { "JSON", "stringify", 1, "json.encode(", "", ")", false, true, NUMBER_NO },
    { "JSON", "parse", 1, "json.decode(", "", ")", false, false, NUMBER_NO },
    { "Math", "min", 2, "min(", ", ", ")", false, false, NUMBER_REAL },
    { "Math", "max", 2, "max(", ", ", ")", false, false, NUMBER_REAL },
    { "Array", "isArray", 1, "type(", "", ") == \"list\"", true, false, NUMBER_NO },
    { "Date", "now", 0, "now()", "", "", false, false, NUMBER_WHOLE },
};

static struct js_term
moment(const char *text, bool zone)
{
    return (struct js_term){
        .kind = JS_MOMENT, .text = text, .level = LEVEL_SUM, .zone = zone
    };
}

/* $('NAME') and $items('NAME'). */
static struct js_term
call_nodes(struct js *j, const struct js_term *args, unsigned n)
{
    struct js_base base = { 0 };
    if (n == 0 || args[0].name.bytes == NULL)
        return js_fail(j, "a node whose name is worked out");
    struct weir_text name = args[0].name;
    if (j->names->node == NULL || !j->names->node(j->names->arg, name, &base))
        return js_fail(j, "there is no node '%.*s' before it",
                       (int)(name.len > 60 ? 60 : name.len), name.bytes);
    return (
        struct js_term){ .kind = JS_NODE, .text = "", .level = LEVEL_PRIMARY, .base = base };
}

static struct js_term
call_choice(struct js *j, const struct js_term *args)
{
    return js_term(
        js_printf(j, "%s ? %s : %s", js_value(j, js_truth(j, args[0]), LEVEL_DEFAULT),
                  js_value(j, args[1], LEVEL_DEFAULT), js_value(j, args[2], LEVEL_CHOICE)),
        LEVEL_CHOICE);
}

struct js_term
js_call_global(struct js *j, struct weir_text global, struct weir_text name,
               const struct js_term *args, unsigned n)
{
    if (text_is(global, "$") || text_is(global, "$items"))
        return call_nodes(j, args, n);
    if (text_is(global, "$item"))
        return (struct js_term){ .kind = JS_ITEM, .text = "", .base = j->names->json };
    if (text_is(global, "$if") && n == 3)
        return call_choice(j, args);
    if (text_is(global, "String") && n == 1) {
        struct js_term t = js_term(js_string(j, args[0], LEVEL_PRIMARY), LEVEL_PRIMARY);
        t.string = true;
        return t;
    }
    if (text_is(global, "Boolean") && n == 1)
        return js_truth(j, args[0]);
    if ((text_is(global, "new Date") && n == 0) ||
        (text_is(global, "DateTime") && (text_is(name, "now") || text_is(name, "local"))))
        return moment("now()", text_is(global, "DateTime"));
    bool stringify = text_is(global, "JSON") && text_is(name, "stringify") && n > 1;
    if (stringify)
        js_note(j, "JSON.stringify with more than a value lays its text out; here it has no line "
                   "breaks");
    if (text_is(global, "parseInt") && n == 2 && strcmp(args[1].text, "10") == 0)
        n = 1;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        const struct function *f = &functions[i];
        if (!text_is(global, f->of) || !text_is(name, f->name) || (n != f->n && !stringify))
            continue;
        const char *first = f->n > 0 ? js_value(j, args[0], LEVEL_CHOICE) : "";
        const char *second = f->n > 1 ? js_value(j, args[1], LEVEL_CHOICE) : "";
        struct js_term t =
            js_term(js_printf(j, "%s%s%s%s%s", f->before, first, f->between, second, f->after),
                    f->truth ? LEVEL_RELATION : LEVEL_PRIMARY);
        t.truth = f->truth;
        t.string = f->string;
        t.number = f->number;
        return t;
    }
    return js_fail(j, "%.*s%s%.*s() has no counterpart", (int)global.len, global.bytes,
                   name.len > 0 ? "." : "", (int)(name.len > 60 ? 60 : name.len), name.bytes);
}

/* A pattern of Luxon as one of time.format; NULL if it has parts that this lacks. */
static const char *
time_layout(struct js *j, struct weir_text pattern)
{
    static const struct {
        const char *luxon;
        const char *as;
    } parts[] = { { "yyyy", "%Y" }, { "yy", "%y" }, { "MM", "%m" }, { "dd", "%d" },
                  { "HH", "%H" },   { "mm", "%M" }, { "ss", "%S" } };
    const char *all = "";
    for (size_t at = 0; at < pattern.len;) {
        size_t i = 0, n = sizeof parts / sizeof *parts, len = 1;
        for (; i < n; i++) {
            len = strlen(parts[i].luxon);
            if (pattern.len - at >= len && memcmp(pattern.bytes + at, parts[i].luxon, len) == 0)
                break;
        }
        if (i < n) {
            all = js_printf(j, "%s%s", all, parts[i].as);
            at += len;
        } else if (strchr("-/.:, _T", pattern.bytes[at]) != NULL) {
            all = js_printf(j, "%s%c", all, pattern.bytes[at++]);
        } else {
            return NULL;
        }
    }
    return all;
}

/* The milliseconds of { days: 1 } as it was written here: {"days": 1}; 0: something else. */
static long long
span_of(const char *text)
{
    static const struct {
        const char *unit;
        long long ms;
    } units[] = { { "milliseconds", 1 }, { "seconds", 1000 },  { "minutes", 60000 },
                  { "hours", 3600000 },  { "days", 86400000 }, { "weeks", 604800000 },
                  { "second", 1000 },    { "minute", 60000 },  { "hour", 3600000 },
                  { "day", 86400000 },   { "week", 604800000 } };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t len = strlen(units[i].unit);
        if (strncmp(text, "{\"", 2) != 0 || strncmp(text + 2, units[i].unit, len) != 0 ||
            strncmp(text + 2 + len, "\": ", 3) != 0)
            continue;
        const char *number = text + 5 + len;
        size_t digits = strspn(number, "0123456789");
        long long value = 0;
        for (size_t d = 0; d < digits && d < 7; d++)
            value = value * 10 + (number[d] - '0');
        return digits > 0 && digits < 8 && number[digits] == '}' ? value * units[i].ms : 0;
    }
    return 0;
}

struct js_term
js_call_moment(struct js *j, struct js_term t, struct weir_text name,
               const struct js_term *args, unsigned n)
{
    struct js_term r;
    bool utc = text_is(name, "toMillis") || text_is(name, "getTime") ||
               text_is(name, "valueOf") || text_is(name, "toUTC") || text_is(name, "utc") ||
               text_is(name, "plus") || text_is(name, "minus");
    if (t.zone && !utc)
        js_note(j, JS_ZONE);
    if (text_is(name, "toISO") || text_is(name, "toISOString") || text_is(name, "toString") ||
        text_is(name, "toJSON"))
        r = js_term(js_printf(j, "time.format(%s)", t.text), LEVEL_PRIMARY);
    else if (text_is(name, "toISODate"))
        r = js_term(js_printf(j, "time.format(%s, \"%%Y-%%m-%%d\")", t.text), LEVEL_PRIMARY);
    else if (text_is(name, "toMillis") || text_is(name, "getTime") || text_is(name, "valueOf")) {
        r = js_term(t.text, t.level);
        r.number = NUMBER_WHOLE;
        return r;
    } else if (text_is(name, "toUTC") || text_is(name, "utc")) {
        t.zone = false;
        return t;
    }
    else if ((text_is(name, "format") || text_is(name, "toFormat")) && n == 1 &&
             args[0].name.bytes != NULL) {
        const char *layout = time_layout(j, args[0].name);
        if (layout == NULL)
            return js_fail(j, "the format of a time has parts without counterpart");
        r = js_term(
            js_printf(j, "time.format(%s, %s)", t.text, js_literal(j->a, text_of(layout))),
            LEVEL_PRIMARY);
    } else if ((text_is(name, "plus") || text_is(name, "minus")) && n == 1 &&
               span_of(args[0].text) > 0) {
        return moment(js_printf(j, "%s %c %lld", t.text, text_is(name, "plus") ? '+' : '-',
                                span_of(args[0].text)),
                      t.zone);
    } else
        return js_fail(j, "'.%.*s()' of a time has no counterpart",
                       (int)(name.len > 60 ? 60 : name.len), name.bytes);
    r.string = true;
    return r;
}
