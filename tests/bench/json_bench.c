/* bench/json_bench.c - what reading, writing and looking into a document costs.
 *
 *   json_bench FILE...
 *
 * Prints nanoseconds a round, the best of some rounds. For people who work on core/value; no
 * test runs it, and it is built by hand:
 *   cc -O2 -D_GNU_SOURCE -Icore tests/bench/json_bench.c build/release/core/libvalue.a
 *      build/release/core/libbase.a -lcrypto -o json_bench
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "value/json.h"
#include "value/msgpack.h"

enum { BATCHES = 40, ROUNDS = 5000, FILE_MAX = 1 << 20 };

struct subject {
    struct weir_text text;
    const struct weir_value *owner;
    const struct weir_value *value;
    struct buf out;
    struct buf packed;
};

static void
check(enum weir_code code)
{
    if (code != WEIR_OK)
        abort();
}

static void
read_copied(struct subject *s)
{
    const struct weir_value *v;
    check(json_read(s->text, NULL, NULL, &v, NULL));
    value_unref(&v);
}

static void
read_borrowed(struct subject *s)
{
    const struct weir_value *v;
    check(json_read(value_as_text(s->owner), s->owner, NULL, &v, NULL));
    value_unref(&v);
}

static void
write_json(struct subject *s)
{
    buf_reset(&s->out);
    check(json_write(&s->out, s->value, NULL));
}

static void
write_msgpack(struct subject *s)
{
    buf_reset(&s->packed);
    check(msgpack_write(&s->packed, s->value, NULL));
}

static void
read_msgpack(struct subject *s)
{
    const struct weir_value *v;
    check(msgpack_read(buf_content(&s->packed), &v, NULL));
    value_unref(&v);
}

/* A map of four members, three of them from elsewhere. */
static void
build_map(struct subject *s)
{
    struct weir_builder *b = builder_map();
    builder_put(b, "id", &(struct weir_value){ .type = WEIR_INT, .integer = 123456 });
    builder_put(b, "method",
                &(struct weir_value){ .type = WEIR_STRING, .len = 4, .bytes = "POST" });
    builder_put(b, "body", s->value);
    builder_put(b, "ok", &value_true);
    const struct weir_value *v = builder_end(&b);
    value_unref(&v);
}

static void
measure(const char *what, void (*fn)(struct subject *), struct subject *s)
{
    uint64_t best = UINT64_MAX;
    for (int batch = 0; batch < BATCHES; batch++) {
        uint64_t start = clock_mono_ns();
        for (int i = 0; i < ROUNDS; i++)
            fn(s);
        uint64_t ns = clock_mono_ns() - start;
        best = ns < best ? ns : best;
    }
    printf("  %-16s %8.0f ns\n", what, (double)best / ROUNDS);
}

static void
measure_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        abort();
    char *bytes = malloc(FILE_MAX);
    if (bytes == NULL)
        abort();
    struct subject s = { .text = { bytes, fread(bytes, 1, FILE_MAX, f) } };
    fclose(f);
    buf_init(&s.out, 4u * FILE_MAX);
    buf_init(&s.packed, 4u * FILE_MAX);
    s.owner = value_bytes(bytes, s.text.len);
    check(json_read(s.text, NULL, NULL, &s.value, NULL));

    printf("%s: %zu bytes, %zu as a value\n", path, s.text.len, value_weight(s.value));
    measure("read, copied", read_copied, &s);
    measure("read, borrowed", read_borrowed, &s);
    measure("write", write_json, &s);
    measure("write msgpack", write_msgpack, &s);
    measure("read msgpack", read_msgpack, &s);
    measure("build", build_map, &s);
    value_unref(&s.value);
    value_unref(&s.owner);
    buf_fini(&s.out);
    buf_fini(&s.packed);
    free(bytes);
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        measure_file(argv[i]);
    return 0;
}
