/* expr/functions_time.c - now, uuid, time.format, time.parse.
 *
 * The environment gives the time and the identities: a run that is taken up again gets the
 * same ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "expr/function.h"
#include "expr/moment.h"

uint64_t
expr_now_ms(struct expr_env *env)
{
    (void)env;
    return clock_wall_ms();
}

void
expr_uuid(struct expr_env *env, char ret[ID_UUID])
{
    (void)env;
    id_uuid4(ret);
}

enum weir_code
function_now(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    struct expr_env *env = a->eval->env;
    if (env->now_ms == NULL)
        return eval_fail(a->eval, a->term, "there is no time here");
    return give_int((int64_t)env->now_ms(env), room, ret);
}

enum weir_code
function_uuid(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    struct expr_env *env = a->eval->env;
    char uuid[ID_UUID];
    if (env->uuid == NULL)
        return eval_fail(a->eval, a->term, "there are no UUIDs here");
    env->uuid(env, uuid);
    char *out = eval_new_text(a->eval, a->term, WEIR_STRING, ID_UUID - 1, room, ret);
    if (out == NULL)
        return WEIR_SCRIPT;
    memcpy(out, uuid, ID_UUID - 1);
    return WEIR_OK;
}

/* Argument 1, a layout; rfc3339 if there is none. */
static enum weir_code
layout(const struct args *a, struct weir_text *ret)
{
    *ret = TEXT("rfc3339");
    return a->n > 1 ? arg_string(a, 1, ret) : WEIR_OK;
}

enum weir_code
function_time_format(const struct args *a, struct weir_value *room,
                     const struct weir_value **ret)
{
    (void)room;
    int64_t ms;
    struct weir_text how;
    enum weir_code code = arg_int(a, 0, &ms);
    if (code == WEIR_OK)
        code = layout(a, &how);
    if (code == WEIR_OK)
        code = arg_read(a, how.len);
    if (code != WEIR_OK)
        return code;

    struct buf b;
    struct weir_error err;
    eval_buf(a->eval, &b);
    code = moment_format(&b, ms, how, &err);
    if (code != WEIR_OK && code != WEIR_TOO_LARGE) {
        buf_fini(&b);
        return eval_fail(a->eval, a->term, "%s", err.text);
    }
    return eval_buf_text(a->eval, a->term, WEIR_STRING, &b, code == WEIR_OK, ret);
}

enum weir_code
function_time_parse(const struct args *a, struct weir_value *room,
                    const struct weir_value **ret)
{
    struct weir_text text;
    struct weir_text how;
    enum weir_code code = arg_string(a, 0, &text);
    if (code == WEIR_OK)
        code = layout(a, &how);
    if (code == WEIR_OK)
        code = arg_read(a, text.len + how.len);
    if (code != WEIR_OK)
        return code;

    int64_t ms;
    struct weir_error err;
    if (moment_parse(text, how, &ms, &err) != WEIR_OK)
        return eval_fail(a->eval, a->term, "%s", err.text);
    return give_int(ms, room, ret);
}
