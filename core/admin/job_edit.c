/* admin/job_edit.c - POST /api/v1/jobs/ID/edit: a replay whose event has another body. It runs from the start, so
 * that steps that are not safe to repeat need the same acks as there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "admin/parts.h"
#include "base/encode.h"

#define EDIT_MAX (16u << 20)
#define TEXT_MAX 4096u /* bytes of a reason, a name */

/* Members of the body: name, type (WEIR_NULL: any), its name. */
static const struct {
    const char *name;
    enum weir_type type;
    const char *type_name;
} members[] = {
    { "reason", WEIR_STRING, "a string" }, { "who", WEIR_STRING, "a string" },
    { "force", WEIR_BOOL, "a boolean" },   { "dry_run", WEIR_BOOL, "a boolean" },
    { "body", WEIR_NULL, "" },             { "set", WEIR_MAP, "an object" },
    { "remove", WEIR_LIST, "an array" },   { "ack", WEIR_LIST, "a list of steps" },
};

static enum weir_code
check_member(struct weir_text key, const struct weir_value *v, struct weir_error *err)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (!text_is(key, members[i].name))
            continue;
        if (members[i].type != WEIR_NULL && value_type(v) != members[i].type)
            return err_set(err, WEIR_INVALID, "'%s' is not %s", members[i].name,
                           members[i].type_name);
        if (members[i].type == WEIR_STRING && v->len > TEXT_MAX)
            return err_set(err, WEIR_INVALID, "'%s' has more than %u bytes", members[i].name,
                           TEXT_MAX);
        return WEIR_OK;
    }
    return err_set(err, WEIR_INVALID,
                   "there is no '%.*s' in the body; there are body, set, remove, ack, "
                   "dry_run, reason, who and force",
                   (int)utf8_prefix(key, 60), key.bytes);
}

/* Puts what BODY asks for into B; *RET_DRY: nothing is to be done. */
static enum weir_code
read_edit(const struct weir_value *body, struct weir_builder *b, bool *ret_dry,
          struct weir_error *err)
{
    struct weir_text key;
    const struct weir_value *v = value_field(body, "dry_run");
    *ret_dry = v != NULL && value_type(v) == WEIR_BOOL && v->boolean;
    for (size_t i = 0; value_member(body, i, &key, &v); i++) {
        enum weir_code code = check_member(key, v, err);
        if (code != WEIR_OK)
            return code;
        bool order = text_is(key, "reason") || text_is(key, "who") || text_is(key, "force");
        if (text_is(key, "dry_run") || text_is(key, "ack") || (*ret_dry && order))
            continue;
        const struct weir_value *same = value_ref(v);
        builder_set(b, key.bytes, key.len, &same);
    }
    if (value_field(body, "body") == NULL && value_field(body, "set") == NULL &&
        value_field(body, "remove") == NULL)
        return err_set(err, WEIR_INVALID,
                       "nothing is to be edited: the body needs a 'body', a 'set' such as "
                       "{\"/amount\": 7}, or a 'remove' such as [\"/coupon\"]");
    if (!*ret_dry && value_field(body, "who") == NULL)
        builder_put(b, "who", &(struct weir_value){ .type = WEIR_STRING, .bytes = "api", .len = 3 });
    return WEIR_OK;
}

void
edit_job(struct admin *a, struct weir_event *e, struct weir_text id)
{
    struct weir_error err = { 0 };
    struct weir_builder *b = builder_map();
    const struct weir_value *body = NULL, *v = value_string(id.bytes, id.len);
    bool dry = false;
    builder_set(b, "id", 2, &v);
    struct seer *seer = seer_new(engine_generation(a->shard));
    if (seer->marks)
        builder_put(b, "mask", seer->marks);
    seer_free(&seer);
    enum weir_code code = body_map_of(e, EDIT_MAX, &body, &err);
    if (code == WEIR_OK)
        code = read_edit(body, b, &dry, &err);
    if (code != WEIR_OK) {
        builder_free(&b);
        event_answer_error(e, &err);
    } else if (dry) {
        ask_store(a, e, "jobs.edit.plan", builder_end(&b));
    } else {
        replay_edited(a, e, builder_end(&b), value_field(body, "ack"));
    }
    value_unref(&body);
}
