/* unit/value/schema_limits_test.c - a check ends soon and takes little, whatever it is given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "given.h"

#include <time.h>

#include "value/schema.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Far above what a check takes with sanitizers on a busy machine, far below what it would take
 * without a limit. */
#define SOON_MS 10000

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS_ALLOCATIONS

static unsigned allocations;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

void *
malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
    allocations++;
    return __libc_calloc(n, size);
}

void *
realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}
#endif

static double
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct schema *
compiled(const char *json)
{
    const struct weir_value *doc = given(json);
    struct schema *s;
    struct weir_error err;
    if (schema_new(doc, NULL, NULL, &s, &err) != WEIR_OK)
        fail_msg("%s: %s", json, err.text);
    value_unref(&doc);
    return s;
}

static void
note_last(void *arg, const char *pointer, size_t pointer_len, const char *detail)
{
    struct buf *b = arg;
    buf_reset(b);
    assert_int_equal(strlen(pointer), pointer_len);
    assert_true(buf_printf(b, "%s: %s", pointer, detail));
}

/* Checks V, with and without a listener, in time; returns whether it conforms. */
static bool
check_soon(const char *schema, const struct weir_value *v, struct buf *told)
{
    struct schema *s = compiled(schema);
    double start = now_ms();
    bool ok = schema_check(s, v, NULL, NULL);
    assert_true(now_ms() - start < SOON_MS);
    assert_int_equal(schema_check(s, v, note_last, told), ok);
    assert_true(now_ms() - start < 3 * SOON_MS);
    schema_free(&s);
    return ok;
}

/* A list that nests N levels. */
static const struct weir_value *
nested(unsigned n)
{
    const struct weir_value *v = value_ref(&value_empty_list);
    for (unsigned i = 0; i < n; i++) {
        struct weir_builder *b = builder_list();
        builder_add(b, &v);
        v = builder_end(&b);
    }
    return v;
}

static void
evaluation_is_not_exponential_in_the_depth_of_the_value(void **state)
{
    (void)state;
    struct buf told;
    buf_init(&told, 1 << 16);
    const struct weir_value *v = nested(60);
    static const char *const schemas[] = {
        "{\"anyOf\":[{\"items\":{\"$ref\":\"#\"},\"maxItems\":0},{\"items\":{\"$ref\":\"#\"},"
        "\"minItems\":2}]}",
        "{\"oneOf\":[{\"items\":{\"$ref\":\"#\"}},{\"items\":{\"$ref\":\"#\"},\"minItems\":2}]"
        "}",
        "{\"allOf\":[{\"items\":{\"$ref\":\"#\"}},{\"items\":{\"$ref\":\"#\"}}]}",
        "{\"if\":{\"items\":{\"$ref\":\"#\"}},\"then\":{\"items\":{\"$ref\":\"#\"}}}",
        "{\"contains\":{\"$ref\":\"#\"},\"items\":{\"$ref\":\"#\"},\"minContains\":0}",
        "{\"not\":{\"allOf\":[{\"items\":{\"$ref\":\"#\"}},{\"contains\":{\"$ref\":\"#\"}}]}}",
        "{\"anyOf\":[{\"items\":{\"$ref\":\"#\"},\"maxItems\":0},{\"items\":{\"$ref\":\"#\"}}],"
        "\"unevaluatedItems\":{\"$ref\":\"#\"}}",
    };
    for (size_t i = 0; i < N(schemas); i++)
        (void)check_soon(schemas[i], v, &told); /* only that it ends */
    assert_false(check_soon(schemas[2], v, &told));
    assert_non_null(strstr(told.bytes, "takes too many steps to check"));

    /* What stops the check is no reason for "not" to be content. */
    assert_false(
        check_soon("{\"$defs\":{\"a\":{\"allOf\":[{\"items\":{\"$ref\":\"#/$defs/a\"}},"
                   "{\"items\":{\"$ref\":\"#/$defs/a\"}}]}},\"not\":{\"$ref\":\"#/$defs/a\"}}",
                   v, &told));
    value_unref(&v);
    buf_fini(&told);
}

static void
nodes_are_nested_to_a_limit(void **state)
{
    (void)state;
    struct buf told;
    buf_init(&told, 1 << 16);
    const struct weir_value *v = nested(900);
    assert_true(check_soon(
        "{\"items\":{\"$ref\":\"#/$defs/x\"},\"$defs\":{\"x\":{\"items\":{}}}}", v, &told));
    assert_true(check_soon(
        "{\"items\":{\"$dynamicRef\":\"#/$defs/x\"},\"$defs\":{\"x\":{\"type\":\"array\"}}}", v,
        &told));
    value_unref(&v);
    v = nested(1200);
    assert_false(check_soon("{\"items\":{\"$ref\":\"#\"}}", v, &told));
    assert_non_null(strstr(told.bytes, "is nested too deeply to be checked"));
    assert_false(check_soon("{\"$dynamicAnchor\":\"a\",\"$dynamicRef\":\"#a\"}", v, &told));
    assert_string_equal(told.bytes, ": is nested too deeply to be checked");
    value_unref(&v);
    buf_fini(&told);
}

/* A list of N strings "PREFIXi", of which the last one repeats the first if TWICE. */
static const struct weir_value *
numbered(const char *prefix, unsigned n, bool twice)
{
    struct weir_builder *b = builder_list();
    for (unsigned i = 0; i < n; i++) {
        char text[300];
        int len = snprintf(text, sizeof(text), "%s%u", prefix, twice && i + 1 == n ? 0 : i);
        const struct weir_value *item = value_string(text, (size_t)len);
        builder_add(b, &item);
    }
    return builder_end(&b);
}

static void
unique_items_are_found_in_linear_time(void **state)
{
    (void)state;
    struct buf told;
    buf_init(&told, 1 << 16);
    static const unsigned sizes[] = { 8, 9, 100, 4096, 5000, 100000 };
    for (size_t i = 0; i < N(sizes); i++) {
        const struct weir_value *v =
            numbered("a long beginning that all items have", sizes[i], false);
        assert_true(check_soon("{\"uniqueItems\":true}", v, &told));
        value_unref(&v);
        v = numbered("", sizes[i], true);
        assert_false(check_soon("{\"uniqueItems\":true}", v, &told));
        assert_non_null(strstr(told.bytes, ": must not have equal items: number 0 and "));
        value_unref(&v);
    }
    buf_fini(&told);
}

static void
a_long_enum_is_searched_in_linear_time(void **state)
{
    (void)state;
    struct buf told;
    struct buf schema;
    buf_init(&told, 1 << 16);
    buf_init(&schema, 1 << 24);
    const struct weir_value *list = numbered("choice", 20000, false);
    struct weir_error err;
    assert_true(buf_puts(&schema, "{\"items\":{\"enum\":"));
    assert_int_equal(json_write(&schema, list, &err), WEIR_OK);
    assert_true(buf_puts(&schema, "}}"));
    assert_true(check_soon(schema.bytes, list, &told));
    const struct weir_value *other = numbered("chance", 20000, false);
    assert_false(check_soon(schema.bytes, other, &told));
    value_unref(&other);
    value_unref(&list);
    buf_fini(&schema);
    buf_fini(&told);
}

static void
costly_patterns_are_cut_off_and_are_violations(void **state)
{
    (void)state;
    struct buf told;
    buf_init(&told, 1 << 16);
    char text[5001];
    memset(text, 'a', sizeof(text) - 1);
    text[5000] = '\0';
    const struct weir_value *v = value_text(text);
    assert_false(check_soon("{\"pattern\":\"([a-z]+)*[?%]\"}", v, &told));
    assert_string_equal(told.bytes,
                        ": takes too many steps to match the pattern '([a-z]+)*[?%]'");
    assert_false(check_soon("{\"not\":{\"pattern\":\"([a-z]+)*[?%]\"}}", v, &told));
    value_unref(&v);

    /* Many texts, of which each alone would pass. */
    v = numbered("aaaaaaaaaaaaaa!", 50000, false);
    assert_false(
        check_soon("{\"items\":{\"not\":{\"pattern\":\"^([a-z]+)*[?%]$\"}}}", v, &told));
    assert_non_null(strstr(told.bytes, "takes too many steps"));
    value_unref(&v);
    v = given("{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\":1}");
    assert_false(check_soon("{\"patternProperties\":{\"([a-z]+)*[?%]\":true}}", v, &told));
    assert_string_equal(told.bytes,
                        ": takes too many steps to match a name with '([a-z]+)*[?%]'");
    value_unref(&v);
    buf_fini(&told);
}

static void
large_values_with_notes_are_checked(void **state)
{
    (void)state;
    struct buf told;
    buf_init(&told, 1 << 16);
    struct weir_builder *b = builder_map();
    for (unsigned i = 0; i < 300000; i++) {
        char key[20];
        int len = snprintf(key, sizeof(key), "k%u", i);
        const struct weir_value *v = value_int(1);
        builder_set(b, key, (size_t)len, &v);
    }
    const struct weir_value *v = builder_end(&b);
    const char *schema =
        "{\"anyOf\":[{\"patternProperties\":{\"^k\":true}},{\"minProperties\":1}],"
        "\"unevaluatedProperties\":false}";
    assert_true(check_soon(schema, v, &told));
    assert_false(check_soon("{\"anyOf\":[{\"patternProperties\":{\"^k1\":true}}],"
                            "\"unevaluatedProperties\":false}",
                            v, &told));
    assert_non_null(strstr(told.bytes, ": unknown property 'k"));
    value_unref(&v);
    buf_fini(&told);
}

#ifdef COUNTS_ALLOCATIONS
static void
what_conforms_takes_no_memory(void **state)
{
    (void)state;
    static const char schema[] =
        "{\"$id\":\"http://h/s\",\"type\":\"object\",\"required\":[\"id\",\"items\"],"
        "\"properties\":{\"id\":{\"type\":\"string\",\"pattern\":\"^[a-z]+-\\\\d+$\","
        "\"maxLength\":20},"
        "\"items\":{\"type\":\"array\",\"uniqueItems\":true,\"items\":{\"$ref\":\"#/$defs/"
        "item\"}},"
        "\"kind\":{\"enum\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",{\"x\":[1,2]"
        "}]}},"
        "\"patternProperties\":{\"^x-\":true},\"unevaluatedProperties\":false,"
        "\"anyOf\":[{\"required\":[\"no\"]},{\"properties\":{\"more\":{\"const\":[1,{\"a\":2}]}"
        "}}],"
        "\"$defs\":{\"item\":{\"oneOf\":[{\"type\":\"number\",\"multipleOf\":0.01},"
        "{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#\"}},"
        "\"propertyNames\":{\"minLength\":2}}]}}}";
    struct schema *s = compiled(schema);
    const struct weir_value *v =
        given("{\"id\":\"abc-123\",\"items\":[0.07,0.08,1,2,3,4,5,6,7,8,9,10,{\"next\":"
              "{\"id\":\"x-1\",\"items\":[]}}],\"kind\":{\"x\":[1,2.0]},\"x-y\":1,\"more\":[1,{"
              "\"a\":2}]}");
    assert_true(schema_check(s, v, NULL, NULL)); /* this thread's matcher is made */
    unsigned before = allocations;
    for (int i = 0; i < 10; i++)
        assert_true(schema_check(s, v, NULL, NULL));
    assert_int_equal(allocations - before, 0);
    value_unref(&v);
    schema_free(&s);
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluation_is_not_exponential_in_the_depth_of_the_value),
        cmocka_unit_test(nodes_are_nested_to_a_limit),
        cmocka_unit_test(unique_items_are_found_in_linear_time),
        cmocka_unit_test(a_long_enum_is_searched_in_linear_time),
        cmocka_unit_test(costly_patterns_are_cut_off_and_are_violations),
        cmocka_unit_test(large_values_with_notes_are_checked),
#ifdef COUNTS_ALLOCATIONS
        cmocka_unit_test(what_conforms_takes_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
