/* unit/engine/topic_test.c - what engine/topic.h promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <string.h>

#include "engine/topic.h"
#include "value/value.h"

static struct weir_shard *shard;
static struct topics topics;

struct listener {
    struct weir_subscription *subscription;
    unsigned told;
    char last[64];
    int64_t sum;
    bool leaves;    /* after the first */
    unsigned again; /* so often it publishes another */
};

static void
hear(void *arg, struct weir_text topic, const struct weir_value *event)
{
    struct listener *l = arg;
    l->told++;
    l->sum += event->integer;
    memcpy(l->last, topic.bytes, topic.len);
    l->last[topic.len] = '\0';
    if (l->leaves)
        topic_unsubscribe(&l->subscription);
    if (l->again > 0) {
        l->again--;
        topic_publish(&topics, topic, event);
    }
}

static void
listen_to(struct listener *l, const char *topic)
{
    l->subscription = topic_subscribe(&topics, text_of(topic), hear, l);
}

static void
publish(const char *topic, int64_t n)
{
    const struct weir_value *v = value_int(n);
    topic_publish(&topics, text_of(topic), v);
    value_unref(&v);
}

static int
begin(void **state)
{
    (void)state;
    struct weir_error err;
    assert_int_equal(shard_new(0, &shard, &err), WEIR_OK);
    topics_init(&topics, shard);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    topics_fini(&topics);
    shard_free(&shard);
    return 0;
}

static void
who_asked_for_a_topic_is_told_later_and_nobody_else(void **state)
{
    (void)state;
    struct listener one = { 0 }, all = { 0 }, other = { 0 };
    listen_to(&one, "breaker.open");
    listen_to(&all, "breaker.*");
    listen_to(&other, "breaker.close");
    publish("breaker.open", 5);
    publish("breaker.openly", 7);
    assert_int_equal(one.told, 0);
    shard_turn(shard, 0);
    assert_int_equal(one.told, 1);
    assert_int_equal(one.sum, 5);
    assert_int_equal(all.told, 2);
    assert_string_equal(all.last, "breaker.openly");
    assert_int_equal(other.told, 0);
    topic_unsubscribe(&one.subscription);
    topic_unsubscribe(&all.subscription);
    topic_unsubscribe(&other.subscription);
}

static void
who_is_told_may_leave_and_may_publish(void **state)
{
    (void)state;
    struct listener leaves = { .leaves = true }, again = { .again = 3 };
    listen_to(&leaves, "a");
    listen_to(&again, "a");
    publish("a", 1);
    for (unsigned i = 0; i < 10; i++)
        shard_turn(shard, 0);
    assert_int_equal(leaves.told, 1);
    assert_null(leaves.subscription);
    assert_int_equal(again.told, 4);
    topic_unsubscribe(&again.subscription);
}

static void
what_nobody_takes_in_time_is_bounded(void **state)
{
    (void)state;
    struct listener l = { 0 };
    publish("a", 1); /* nobody listens: it is gone */
    listen_to(&l, "a");
    for (unsigned i = 0; i < 5000; i++)
        publish("a", 1);
    for (unsigned i = 0; i < 10; i++)
        shard_turn(shard, 0);
    assert_int_equal(l.told, 1000);
    publish("a", 1);
    topic_unsubscribe(&l.subscription); /* and what is left at the end is freed */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asked_for_a_topic_is_told_later_and_nobody_else),
        cmocka_unit_test(who_is_told_may_leave_and_may_publish),
        cmocka_unit_test(what_nobody_takes_in_time_is_bounded),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
