/* admin/store.c - what takes its time: jobs in whole, compacting, backups.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/parts.h"

#include "base/encode.h"

void
export_jobs(struct admin *a, struct weir_event *e)
{
    ask_query(a, e, "jobs.export", "state pipeline code node since key fingerprint where after limit");
}

/* Puts the body of E into B: texts called NAMES alone, and who gives the order. */
static enum weir_code
put_body(const struct weir_event *e, const char *names, struct weir_builder *b,
         struct weir_error *err)
{
    const struct weir_value *body, *v = value_text("api");
    struct weir_text key;
    builder_set(b, "who", 3, &v);
    enum weir_code code = body_map(e, &body, err);
    for (size_t i = 0; code == WEIR_OK && body && value_member(body, i, &key, &v); i++) {
        int len = (int)utf8_prefix(key, 60);
        if (!has_name(names, key))
            code = err_set(err, WEIR_INVALID, "there is no '%.*s' in the body; there are: %s",
                           len, key.bytes, names);
        else if (v->type != WEIR_STRING || v->len > 4096)
            code = err_set(err, WEIR_INVALID, "'%.*s' is not a string of at most 4096 bytes",
                           len, key.bytes);
        if (code != WEIR_OK)
            break;
        const struct weir_value *copy = value_ref(v);
        builder_set(b, key.bytes, key.len, &copy);
    }
    value_unref(&body);
    return code;
}

static void
order(struct admin *a, struct weir_event *e, const char *what, const char *names)
{
    struct weir_error err = { 0 };
    if (!has_store(a, e))
        return;
    struct weir_builder *b = builder_map();
    if (put_body(e, names, b, &err) == WEIR_OK) {
        ask_store(a, e, what, builder_end(&b));
        return;
    }
    builder_free(&b);
    event_answer_error(e, &err);
}

void
compact_store(struct admin *a, struct weir_event *e)
{
    order(a, e, "store.compact", "who reason");
}

void
back_up_store(struct admin *a, struct weir_event *e)
{
    order(a, e, "store.backup", "file who reason");
}
