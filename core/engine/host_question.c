/* engine/host_question.c - the host table for questions of operators. See host.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include "engine/questions.h"

static struct weir_shard *
question_shard(const struct weir_question *q)
{
    return q->shard;
}

static struct weir_text
question_item(const struct weir_question *q)
{
    return q->item;
}

static struct weir_text
question_verb(const struct weir_question *q)
{
    return q->verb;
}

static struct weir_text
question_query(struct weir_question *q, const char *name)
{
    const struct weir_value *v = value_field(q->query, name);
    return v ? value_as_text(v) : (struct weir_text){ NULL, 0 };
}

static const struct weir_value *
question_body(const struct weir_question *q)
{
    return q->body;
}

static void
question_set_data(struct weir_question *q, void *data)
{
    q->data = data;
}

static void *
question_data(const struct weir_question *q)
{
    return q->data;
}

static void
answer(struct weir_question *q, const struct weir_value **take_v)
{
    const struct weir_value *v = *take_v;
    *take_v = NULL;
    q->ops->answer(q, v ? v : &value_null);
    value_unref(&v);
}

static void
answer_fail(struct weir_question *q, const struct weir_error *err)
{
    q->ops->fail(q, err);
}

void
host_fill_question(struct weir_host *h)
{
    h->question_shard = question_shard;
    h->question_item = question_item;
    h->question_verb = question_verb;
    h->question_query = question_query;
    h->question_body = question_body;
    h->question_set_data = question_set_data;
    h->question_data = question_data;
    h->answer = answer;
    h->answer_fail = answer_fail;
}
