/* admin/query.c - parameters of questions to the store: those of a query, and what a body has to say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "admin/parts.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/units.h"
#include "expr/moment.h"
#include "net/body.h"

#define TEXT_MAX 4096u /* bytes of a filter */

/* A moment: a duration before now (10m, 2h, 3d), or an ISO time; as milliseconds since 1970. */
static enum weir_code
read_moment(struct weir_text t, int64_t *ret_ms, struct weir_error *err)
{
    uint64_t ago, now = clock_wall_ms();
    if (duration_parse(t, &ago, NULL) == WEIR_OK) {
        *ret_ms = ago < now ? (int64_t)(now - ago) : 0;
        return WEIR_OK;
    }
    if (moment_parse(t, TEXT("rfc3339"), ret_ms, NULL) == WEIR_OK) {
        *ret_ms = *ret_ms < 0 ? 0 : *ret_ms;
        return WEIR_OK;
    }
    return err_set(err, WEIR_INVALID,
                   "since is neither a duration such as 10m, 2h or 3d, nor a time such as "
                   "2026-01-02T03:04:05Z");
}

static enum weir_code
read_limit(struct weir_text t, int64_t *ret, struct weir_error *err)
{
    int64_t n = 0;
    for (size_t i = 0; i < t.len && n <= 1000; i++)
        n = t.bytes[i] >= '0' && t.bytes[i] <= '9' ? n * 10 + (t.bytes[i] - '0') : 10000;
    if (n < 1 || n > 1000)
        return err_set(err, WEIR_INVALID, "limit is a number from 1 to 1000");
    *ret = n;
    return WEIR_OK;
}

enum weir_code
put_parameter(struct weir_builder *b, struct weir_text name, struct weir_text t,
              struct weir_error *err)
{
    int64_t number = 0;
    enum weir_code code = WEIR_OK;
    const struct weir_value *v;
    const char *key = NULL;
    if (t.len > TEXT_MAX)
        return err_set(err, WEIR_INVALID, "%.*s has more than %u bytes", (int)name.len,
                       name.bytes, TEXT_MAX);
    if (text_is(name, "since")) {
        key = "since_ms";
        code = read_moment(t, &number, err);
    } else if (text_is(name, "limit")) {
        key = "limit";
        code = read_limit(t, &number, err);
    }
    if (code != WEIR_OK)
        return code;
    v = key ? value_int(number) : value_string(t.bytes, t.len);
    builder_set(b, key ? key : name.bytes, key ? strlen(key) : name.len, &v);
    return WEIR_OK;
}

bool
has_name(const char *names, struct weir_text name)
{
    for (const char *at = names; *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        if (len == name.len && memcmp(at, name.bytes, len) == 0)
            return true;
        at += len;
    }
    return false;
}

const struct weir_value *
read_query(struct weir_event *e, const char *names)
{
    const struct weir_value *last = NULL, *all = NULL, *v;
    struct weir_error err = { 0 };
    struct weir_text name;
    struct weir_builder *b = builder_map();
    enum weir_code code = query_parse(e->query, &last, &all, &err);
    for (size_t i = 0; code == WEIR_OK && value_member(last, i, &name, &v); i++) {
        if (has_name(names, name))
            code = put_parameter(b, name, value_as_text(v), &err);
        else
            code =
                err_set(&err, WEIR_INVALID, "there is no parameter '%.*s' here; there are: %s",
                        (int)utf8_prefix(name, 60), name.bytes, *names ? names : "none");
    }
    value_unref(&last);
    value_unref(&all);
    if (code == WEIR_OK)
        return builder_end(&b);
    builder_free(&b);
    event_answer_error(e, &err);
    return NULL;
}

void
ask_query(struct admin *a, struct weir_event *e, const char *what, const char *names)
{
    const struct weir_value *with = has_store(a, e) ? read_query(e, names) : NULL;
    if (with != NULL)
        ask_store(a, e, what, with);
}

enum weir_code
need_reason(const struct weir_value *order, struct weir_error *err)
{
    const struct weir_value *reason = order ? value_field(order, "reason") : NULL;
    if (reason != NULL && value_type(reason) == WEIR_STRING && reason->len > 0)
        return WEIR_OK;
    return err_set(err, WEIR_INVALID, "a reason is needed, which stands in the audit");
}
