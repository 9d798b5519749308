/* author/n8n_trigger.c - what starts a workflow: webhooks, clocks, errors of others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "author/n8n_impl.h"

/* -- webhooks -- */

/* A path of n8n as one of weir: /a/{b}. */
static struct weir_text
path_of(struct n8n *w, const struct n8n_node *n)
{
    struct weir_text from = param_text(n, "path");
    struct buf b;
    buf_init(&b, 65536);
    if (from.len == 0 || from.len > 1000)
        from = n->name.len > 0 && n->name.len < 1000 ? n->name : TEXT("webhook");
    (void)buf_putc(&b, '/');
    for (size_t i = 0; i < from.len; i++) {
        char c = from.bytes[i];
        bool start = b.bytes[b.len - 1] == '/';
        bool colon = c == ':' && start, braces = c == '{' && start;
        if (!colon && !braces) {
            if (isalnum((unsigned char)c) && (unsigned char)c < 0x80)
                (void)buf_putc(&b, c);
            else if (c == '/' ? !start : true)
                (void)buf_putc(&b, strchr("/-_.~", c) != NULL ? c : '-');
            continue;
        }
        size_t mark = b.len;
        (void)buf_putc(&b, '{');
        for (; i + 1 < from.len && from.bytes[i + 1] != '/'; i++) {
            c = (char)tolower((unsigned char)from.bytes[i + 1]);
            if (c == '_' || (isalnum((unsigned char)c) && (unsigned char)c < 0x80))
                (void)buf_putc(&b, b.len == mark + 1 && isdigit((unsigned char)c) ? 'p' : c);
        }
        (void)buf_puts(&b, b.len == mark + 1 ? "p}" : "}");
    }
    while (b.len > 1 && strchr("/.", b.bytes[b.len - 1]) != NULL)
        b.len--;
    struct weir_text path = text_of(n8n_printf(w, "%.*s", (int)b.len, b.bytes));
    buf_fini(&b);
    return path;
}

static void
add_method(struct n8n *w, struct out *list, const struct weir_value *v)
{
    static const char *const known[] = { "GET",    "POST", "PUT",    "PATCH",
                                         "DELETE", "HEAD", "OPTIONS" };
    struct weir_text text = v != NULL ? value_as_text(v) : TEXT("");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_is(text, known[i]))
            out_add(list, out_text(&w->arena, text));
}

static struct out *
methods_of(struct n8n *w, const struct n8n_node *n)
{
    struct out *list = out_list(&w->arena);
    const struct weir_value *v = param(n, "httpMethod"), *one;
    add_method(w, list, v);
    for (size_t i = 0; (one = value_at(v, i)) != NULL; i++)
        add_method(w, list, one);
    if (list->first == NULL)
        out_add(list, out_text(&w->arena, TEXT("GET")));
    return list;
}

static void
put_header(struct n8n *w, struct n8n_node *n, struct out *map, struct weir_text name,
           const struct weir_value *value)
{
    struct weir_text text = value != NULL ? value_as_text(value) : TEXT("");
    bool header = name.len > 0 && name.len < 100;
    for (size_t i = 0; i < name.len; i++)
        header &= isalnum((unsigned char)name.bytes[i]) || name.bytes[i] == '-';
    if (!header)
        return;
    if (memmem(text.bytes, text.len, "{{", 2) != NULL)
        n8n_note(
            w, n,
            "a header of the answer that is an expression was left out: reply has headers");
    else
        out_set(&w->arena, map, name, out_text(&w->arena, js_escaped(&w->arena, text)));
}

static void
put_headers(struct n8n *w, struct n8n_node *n, struct out *webhook)
{
    struct out *map = out_map(&w->arena);
    const struct weir_value *list = param(n, "options/responseHeaders/entries"), *one;
    struct weir_text name;
    for (size_t i = 0; (one = value_at(list, i)) != NULL; i++) {
        const struct weir_value *key = value_field(one, "name");
        put_header(w, n, map, key != NULL ? value_as_text(key) : TEXT(""),
                   value_field(one, "value"));
    }
    list = param(n, "options/responseHeaders/values");
    for (size_t i = 0; value_member(list, i, &name, &one); i++)
        put_header(w, n, map, name, one);
    if (map->first != NULL)
        out_set(&w->arena, webhook, TEXT("response_headers"), map);
}

#define ROUTE_ROOM 8192u

/* A method and a path as what no two webhooks may have: names of parameters do not tell them
 * apart. */
static size_t
route_key(struct weir_text method, struct weir_text path, char ret[ROUTE_ROOM])
{
    size_t len = (size_t)snprintf(ret, ROUTE_ROOM, "%.*s ", (int)method.len, method.bytes);
    bool name = false;
    for (size_t i = 0; i < path.len && len < ROUTE_ROOM - 1; i++) {
        name &= path.bytes[i] != '}';
        if (!name)
            ret[len++] = path.bytes[i];
        name |= path.bytes[i] == '{';
    }
    return len;
}

/* Whether one of METHODS of that PATH is taken; if none is, they are taken from now on. */
static bool
route_taken(struct n8n *w, const struct out *methods, struct weir_text path)
{
    char key[ROUTE_ROOM];
    for (const struct out *m = methods->first; m != NULL; m = m->next)
        if (map_get(&w->routes, key, route_key(m->text, path, key)) != NULL)
            return true;
    for (const struct out *m = methods->first; m != NULL; m = m->next)
        (void)map_set(&w->routes, key, route_key(m->text, path, key), w);
    return false;
}

/* The path of a webhook: where another one has it already, one of its own, which is said. */
static struct weir_text
free_path(struct n8n *w, struct n8n_node *n, const struct out *methods, struct out *pipeline)
{
    struct weir_text path = path_of(w, n), at = path;
    char other[ROUTE_ROOM];
    for (unsigned i = 2; route_taken(w, methods, at); i++) {
        (void)snprintf(other, sizeof other, "%.*s%s%u", (int)path.len, path.bytes,
                       path.bytes[path.len - 1] == '}' ? "/" : "-", i);
        at = text_of(other);
    }
    if (at.len == path.len)
        return at;
    at = text_of(n8n_printf(w, "%s", other));
    const char *why =
        n8n_printf(w, "another webhook of this workflow has %.*s already: this one is at %.*s",
                   (int)path.len, path.bytes, (int)at.len, at.bytes);
    n8n_todo(w, n, TEXT(""), why);
    n8n_fate(n, FATE_TODO);
    out_comment(&w->arena, pipeline,
                text_of(n8n_printf(w, "TODO n8n: the trigger \"%.*s\": %s", (int)n->name.len,
                                   n->name.bytes, why)));
    return at;
}

/* The parameters of a path, as js_base has them. */
static const char *
params_of(struct n8n *w, struct weir_text path)
{
    const char *all = " ";
    for (size_t i = 0; i < path.len; i++) {
        if (path.bytes[i] != '{')
            continue;
        size_t end = i + 1;
        while (end < path.len && path.bytes[end] != '}')
            end++;
        all = n8n_printf(w, "%s%.*s ", all, (int)(end - i - 1), path.bytes + i + 1);
    }
    return all;
}

static const char *
write_webhook(struct n8n *w, struct n8n_node *n, struct out *triggers, struct out *pipeline)
{
    struct out *webhook = out_map(&w->arena), *methods = methods_of(w, n);
    struct weir_text path = free_path(w, n, methods, pipeline);
    out_set(&w->arena, out_add(triggers, out_map(&w->arena)), TEXT("webhook"), webhook);
    out_set(&w->arena, webhook, TEXT("path"), out_text(&w->arena, path));
    out_set(&w->arena, webhook, TEXT("methods"), methods);
    put_headers(w, n, webhook);
    if (param_is(n, "responseMode", "onReceived", "onReceived"))
        out_set(&w->arena, pipeline, TEXT("respond"), out_text(&w->arena, TEXT("accepted")));
    n8n_fate(n, FATE_MAPPED);
    struct weir_text authentication = param_text(n, "authentication");
    if (authentication.len > 0 && !text_is(authentication, "none")) {
        n8n_note(w, n, "it checks who calls; here the webhook has to be told: verify");
        n8n_fate(n, FATE_PARTLY);
    }
    return params_of(w, path);
}

/* -- clocks -- */

static long long
number(const struct weir_value *v, const char *key, long long least, long long most,
       long long fallback)
{
    const struct weir_value *n = value_field(v, key);
    if (n == NULL || n->type != WEIR_INT || n->integer < least || n->integer > most)
        return fallback;
    return (long long)n->integer;
}

/* A list of days of the week, or one. */
static const char *
weekdays(struct n8n *w, const struct weir_value *v)
{
    const char *all = "";
    const struct weir_value *one;
    for (size_t i = 0; (one = value_at(v, i)) != NULL && i < 7; i++)
        if (one->type == WEIR_INT && one->integer >= 0 && one->integer <= 6)
            all = n8n_printf(w, "%s%s%d", all, *all ? "," : "", (int)one->integer);
    return *all ? all : "0";
}

/* A cron expression of n8n with five fields; its field of seconds is dropped. NULL: it is none.
 */
static const char *
cron_of(struct n8n *w, struct weir_text text)
{
    char copy[128];
    unsigned fields = 0;
    if (text.len > 0 && text.bytes[0] == '=')
        text = (struct weir_text){ text.bytes + 1, text.len - 1 };
    if (text.len == 0 || text.len >= sizeof copy)
        return NULL;
    memcpy(copy, text.bytes, text.len);
    copy[text.len] = '\0';
    if (strspn(copy, "0123456789*/,- ABCDEFGHIJLMNOPRSTUVWY") != text.len)
        return NULL;
    const char *second = NULL;
    for (const char *at = copy; *at != '\0';) {
        at += strspn(at, " ");
        if (*at == '\0')
            break;
        if (++fields == 2)
            second = at;
        at += strcspn(at, " ");
    }
    if (fields != 5 && fields != 6)
        return NULL;
    return n8n_printf(w, "%s", fields == 6 ? second : copy);
}

/* The cron expression of one rule of a clock; NULL and *ret_every if it is an interval. */
static const char *
rule_cron(struct n8n *w, const struct weir_value *rule, const char **ret_every)
{
    const struct weir_value *f = value_field(rule, "field");
    struct weir_text field = f != NULL ? value_as_text(f) : TEXT("days");
    int hour = (int)number(rule, "triggerAtHour", 0, 23, 0);
    int minute = (int)number(rule, "triggerAtMinute", 0, 59, 0);
    const struct weir_value *text = value_field(rule, "expression");
    if (text_is(field, "cronExpression"))
        return cron_of(w, text != NULL ? value_as_text(text) : TEXT(""));
    if (text_is(field, "seconds"))
        *ret_every = n8n_printf(w, "%llds", number(rule, "secondsInterval", 1, 86400, 30));
    else if (text_is(field, "minutes"))
        *ret_every = n8n_printf(w, "%lldm", number(rule, "minutesInterval", 1, 1440, 5));
    else if (text_is(field, "hours"))
        *ret_every = n8n_printf(w, "%lldh", number(rule, "hoursInterval", 1, 1000, 1));
    else if (text_is(field, "weeks"))
        return n8n_printf(w, "%d %d * * %s", minute, hour,
                          weekdays(w, value_field(rule, "triggerAtDay")));
    else if (text_is(field, "months"))
        return n8n_printf(w, "%d %d %lld * *", minute, hour,
                          number(rule, "triggerAtDayOfMonth", 1, 31, 1));
    else {
        long long days = number(rule, "daysInterval", 1, 31, 1);
        return days > 1 ? n8n_printf(w, "%d %d */%lld * *", minute, hour, days)
                        : n8n_printf(w, "%d %d * * *", minute, hour);
    }
    return NULL;
}

/* The same of an item of the older cron node. */
static const char *
item_cron(struct n8n *w, const struct weir_value *item, const char **ret_every)
{
    const struct weir_value *m = value_field(item, "mode"),
                            *text = value_field(item, "cronExpression");
    struct weir_text mode = m != NULL ? value_as_text(m) : TEXT("everyDay");
    int hour = (int)number(item, "hour", 0, 23, 14),
        minute = (int)number(item, "minute", 0, 59, 0);
    if (text_is(mode, "custom"))
        return cron_of(w, text != NULL ? value_as_text(text) : TEXT(""));
    if (text_is(mode, "everyX")) {
        const struct weir_value *unit = value_field(item, "unit");
        bool minutes = unit != NULL && text_is(value_as_text(unit), "minutes");
        *ret_every =
            n8n_printf(w, "%lld%c", number(item, "value", 1, 1000, 2), minutes ? 'm' : 'h');
        return NULL;
    }
    if (text_is(mode, "everyMinute"))
        return "* * * * *";
    if (text_is(mode, "everyHour"))
        return n8n_printf(w, "%d * * * *", minute);
    if (text_is(mode, "everyWeek")) {
        const struct weir_value *day = value_field(item, "weekday");
        struct weir_text t = day != NULL ? value_as_text(day) : TEXT("1");
        bool digit = t.len == 1 && t.bytes[0] >= '0' && t.bytes[0] <= '6';
        return n8n_printf(w, "%d %d * * %c", minute, hour, digit ? t.bytes[0] : '1');
    }
    if (text_is(mode, "everyMonth"))
        return n8n_printf(w, "%d %d %lld * *", minute, hour,
                          number(item, "dayOfMonth", 1, 31, 1));
    return n8n_printf(w, "%d %d * * *", minute, hour);
}

static void
put_schedule(struct n8n *w, struct n8n_node *n, struct out *triggers, const char *cron,
             const char *every)
{
    if (cron == NULL && every == NULL) {
        n8n_todo(w, n, TEXT(""), "its times are not such as cron has: write trigger: schedule");
        n8n_fate(n, FATE_TODO);
        return;
    }
    struct out *map = out_set(&w->arena, out_add(triggers, out_map(&w->arena)),
                              TEXT("schedule"), out_map(&w->arena));
    out_set(&w->arena, map, text_of(cron != NULL ? "cron" : "every"),
            out_text(&w->arena, text_of(cron != NULL ? cron : every)));
    const struct weir_value *zone =
        value_field(value_field(w->workflow, "settings"), "timezone");
    struct weir_text name = zone != NULL ? value_as_text(zone) : TEXT("");
    bool known = name.len > 2 && name.len < 60 && memchr(name.bytes, '/', name.len) != NULL;
    for (size_t i = 0; i < name.len; i++)
        known &= isalpha((unsigned char)name.bytes[i]) || strchr("/_-+", name.bytes[i]) != NULL;
    if (cron != NULL && known)
        out_set(&w->arena, map, TEXT("timezone"), out_text(&w->arena, name));
    n8n_fate(n, FATE_MAPPED);
}

static void
write_clock(struct n8n *w, struct n8n_node *n, struct out *triggers)
{
    const struct weir_value *rules = param(n, "rule/interval"),
                            *items = param(n, "triggerTimes/item");
    bool old = text_is(n->type, "cron");
    const struct weir_value *list = old ? items : rules, *one;
    for (size_t i = 0; (one = value_at(list, i)) != NULL && i < 16; i++) {
        const char *every = NULL;
        const char *cron = old ? item_cron(w, one, &every) : rule_cron(w, one, &every);
        put_schedule(w, n, triggers, cron, every);
    }
    if (text_is(n->type, "interval")) {
        char unit = param_is(n, "unit", "hours", "seconds")     ? 'h'
                    : param_is(n, "unit", "minutes", "seconds") ? 'm'
                                                                : 's';
        put_schedule(
            w, n, triggers, NULL,
            n8n_printf(w, "%lld%c", number(n->params, "interval", 1, 100000, 1), unit));
    } else if (list == NULL || list->len == 0) {
        put_schedule(w, n, triggers, old ? "0 14 * * *" : "0 0 * * *", NULL);
    }
}

/* -- all -- */

struct js_base
n8n_trigger(struct n8n *w, struct n8n_node *n, struct out *triggers, struct out *pipeline)
{
    struct js_base event = { .text = "request.body" };
    if (text_is(n->type, "webhook")) {
        const char *params = write_webhook(w, n, triggers, pipeline);
        return (struct js_base){ .text = "request", .shape = JS_REQUEST, .params = params };
    }
    if (text_is(n->type, "scheduleTrigger") || text_is(n->type, "cron") ||
        text_is(n->type, "interval")) {
        write_clock(w, n, triggers);
    } else if (text_is(n->type, "errorTrigger")) {
        out_set(&w->arena, out_add(triggers, out_map(&w->arena)), TEXT("event"),
                out_text(&w->arena, TEXT("job.dead")));
        n8n_note(w, n,
                 "it hears of every job that is dead: of one pipeline with an if on "
                 "request.body.pipeline");
        n8n_fate(n, FATE_MAPPED);
        event.shape = JS_FAILURE;
    } else if (text_is(n->type, "manualTrigger") || text_is(n->type, "start") ||
               text_is(n->type, "executeWorkflowTrigger")) {
        n8n_note(w, n, "nothing starts it by itself: another pipeline may call it");
        n8n_fate(n, FATE_MAPPED);
    } else {
        n8n_todo(w, n, TEXT(""),
                 "its events have no counterpart: let the service call a webhook");
        n8n_fate(n, FATE_TODO);
        out_comment(
            &w->arena, pipeline,
            text_of(n8n_printf(w,
                               "TODO n8n: the trigger \"%.*s\" (%.*s) has no counterpart: "
                               "let the service call a webhook",
                               (int)n->name.len, n->name.bytes, (int)n->full_type.len,
                               n->full_type.bytes)));
    }
    return event;
}
