/* Streams: pulling, the end, dropping early, and stacks that stay flat.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "loop/stream.h"

static struct weir_error failure;

/* Gives PIECES times "ab" inside pull, then the end. */
struct fountain {
    struct stream *stream;
    unsigned pieces;
    unsigned pulls;
    bool fails;
    bool silent; /* gives nothing inside pull */
    bool *closed;
};

static void
fountain_pull(void *source)
{
    struct fountain *f = source;
    f->pulls++;
    if (f->silent)
        return;
    if (f->pieces == 0) {
        stream_give(f->stream, NULL, 0, f->fails ? &failure : NULL);
        return;
    }
    f->pieces--;
    stream_give(f->stream, "ab", 2, NULL);
}

static void
fountain_close(void *source)
{
    struct fountain *f = source;
    assert_false(*f->closed);
    *f->closed = true;
    free(f);
}

static const struct weir_value *
fountain_new(unsigned pieces, bool *closed, struct fountain **ret)
{
    static const struct stream_source how = { fountain_pull, fountain_close };
    struct fountain *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->pieces = pieces;
    f->closed = closed;
    *closed = false;
    *ret = f;
    return stream_new(&how, f, pieces * 2, &f->stream);
}

struct drinker {
    struct stream *stream;
    size_t bytes;
    unsigned ends;
    bool failed;
    bool greedy;   /* pulls inside its callback */
    size_t enough; /* drops the stream after so many bytes; 0: never */
    unsigned depth, deepest;
};

static void
drink(void *arg, const char *bytes, size_t len, const struct weir_error *err)
{
    struct drinker *d = arg;
    if (++d->depth > d->deepest)
        d->deepest = d->depth;
    if (len == 0) {
        d->ends++;
        d->failed = err != NULL;
    } else {
        assert_memory_equal(bytes, "ab", 2);
        d->bytes += len;
    }
    if (d->enough != 0 && d->bytes >= d->enough)
        stream_drop(&d->stream);
    else if (d->greedy && len > 0)
        stream_pull(d->stream);
    d->depth--;
}

static void
a_stream_is_read_piece_by_piece_to_its_end(void **state)
{
    (void)state;
    bool closed;
    struct fountain *f;
    struct drinker d = { 0 };
    const struct weir_value *v = fountain_new(3, &closed, &f);
    assert_int_equal(v->type, WEIR_STREAM);
    assert_int_equal(stream_length(v), 6);
    assert_true(stream_take(v, drink, &d, &d.stream));
    assert_int_equal(f->pulls, 0);
    for (unsigned i = 1; i <= 3; i++) {
        stream_pull(d.stream);
        assert_int_equal(d.bytes, i * 2);
    }
    assert_int_equal(d.ends, 0);
    stream_pull(d.stream);
    assert_int_equal(d.ends, 1);
    assert_false(d.failed);
    stream_pull(d.stream);
    assert_int_equal(d.ends, 1);
    assert_false(closed);
    stream_drop(&d.stream);
    assert_true(closed);
    stream_drop(&d.stream);
    value_unref(&v);
}

static void
a_greedy_reader_of_a_ready_source_keeps_the_stack_flat(void **state)
{
    (void)state;
    bool closed;
    struct fountain *f;
    struct drinker d = { .greedy = true };
    const struct weir_value *v = fountain_new(100000, &closed, &f);
    assert_true(stream_take(v, drink, &d, &d.stream));
    value_unref(&v);
    assert_false(closed);
    stream_pull(d.stream);
    assert_int_equal(d.bytes, 200000);
    assert_int_equal(d.ends, 1);
    assert_int_equal(d.deepest, 1);
    stream_drop(&d.stream);
    assert_true(closed);
}

static void
one_pull_is_one_piece(void **state)
{
    (void)state;
    bool closed;
    struct fountain *f;
    struct drinker d = { 0 };
    const struct weir_value *v = fountain_new(1, &closed, &f);
    f->silent = true;
    assert_true(stream_take(v, drink, &d, &d.stream));
    stream_pull(d.stream);
    stream_pull(d.stream);
    assert_int_equal(f->pulls, 1);
    stream_give(f->stream, "ab", 2, NULL);
    assert_int_equal(d.bytes, 2);
    stream_pull(d.stream);
    assert_int_equal(f->pulls, 2);
    stream_drop(&d.stream);
    value_unref(&v);
}

static void
a_reader_that_has_enough_may_drop_it_inside_its_callback(void **state)
{
    (void)state;
    bool closed;
    struct fountain *f;
    struct drinker d = { .greedy = true, .enough = 4 };
    const struct weir_value *v = fountain_new(10, &closed, &f);
    assert_true(stream_take(v, drink, &d, &d.stream));
    f->silent = true;
    stream_pull(d.stream);
    struct stream *s = f->stream;
    stream_give(s, "ab", 2, NULL);
    assert_false(closed);
    stream_give(s, "ab", 2, NULL);
    assert_true(closed);
    assert_int_equal(d.ends, 0);
    assert_false(stream_take(v, drink, &d, &d.stream));
    value_unref(&v);
}

static void
nobody_takes_it_and_the_source_is_closed_with_the_value(void **state)
{
    (void)state;
    bool closed;
    struct fountain *f;
    const struct weir_value *v = fountain_new(1, &closed, &f);
    const struct weir_value *again = value_ref(v);
    value_unref(&v);
    assert_false(closed);
    value_unref(&again);
    assert_true(closed);
}

static void
it_has_one_consumer(void **state)
{
    (void)state;
    bool closed;
    struct fountain *f;
    struct drinker d = { 0 }, late = { 0 };
    const struct weir_value *v = fountain_new(1, &closed, &f);
    assert_true(stream_take(v, drink, &d, &d.stream));
    assert_false(stream_take(v, drink, &late, &late.stream));
    assert_null(late.stream);
    stream_drop(&d.stream);
    value_unref(&v);
}

static void
an_end_that_comes_before_anybody_listens_is_told_later(void **state)
{
    (void)state;
    bool closed;
    struct fountain *f;
    struct drinker d = { 0 };
    (void)err_set(&failure, WEIR_UPSTREAM, "reset");
    const struct weir_value *v = fountain_new(1, &closed, &f);
    stream_give(f->stream, NULL, 0, &failure);
    assert_true(stream_take(v, drink, &d, &d.stream));
    assert_int_equal(d.ends, 0);
    stream_pull(d.stream);
    assert_int_equal(d.ends, 1);
    assert_true(d.failed);
    stream_drop(&d.stream);
    value_unref(&v);
}

static void
an_end_without_a_pull_is_told_at_once(void **state)
{
    (void)state;
    bool closed;
    struct fountain *f;
    struct drinker d = { 0 };
    (void)err_set(&failure, WEIR_UPSTREAM, "reset");
    const struct weir_value *v = fountain_new(1, &closed, &f);
    assert_true(stream_take(v, drink, &d, &d.stream));
    stream_give(f->stream, NULL, 0, &failure);
    assert_int_equal(d.ends, 1);
    assert_true(d.failed);
    stream_pull(d.stream);
    assert_int_equal(d.ends, 1);
    stream_drop(&d.stream);
    value_unref(&v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_read_piece_by_piece_to_its_end),
        cmocka_unit_test(a_greedy_reader_of_a_ready_source_keeps_the_stack_flat),
        cmocka_unit_test(one_pull_is_one_piece),
        cmocka_unit_test(a_reader_that_has_enough_may_drop_it_inside_its_callback),
        cmocka_unit_test(nobody_takes_it_and_the_source_is_closed_with_the_value),
        cmocka_unit_test(it_has_one_consumer),
        cmocka_unit_test(an_end_that_comes_before_anybody_listens_is_told_later),
        cmocka_unit_test(an_end_without_a_pull_is_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
