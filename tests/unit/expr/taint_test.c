/* unit/expr/taint_test.c - what is made from a secret is a secret.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "world.h"

static void
what_is_made_from_a_secret_is_secret(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "secrets.key", "\"hunter2\" secret" },
        { "secrets[\"key\"]", "\"hunter2\" secret" },
        { "secrets.n + 1", "6 secret" },
        { "1.5 * secrets.n", "7.5 secret" },
        { "-secrets.n", "-5 secret" },
        { "'Bearer ' + secrets.key", "\"Bearer hunter2\" secret" },
        { "!secrets.on", "false secret" },
        { "secrets.on && t", "true secret" },
        { "f || secrets.on", "true secret" },
        { "t ? secrets.key : 'x'", "\"hunter2\" secret" },
        { "secrets?.nope ?? secrets.key", "\"hunter2\" secret" },
        { "secrets.key.substring(0, 3)", "\"hun\" secret" },
        { "secrets.key.upperAscii()", "\"HUNTER2\" secret" },
        { "secrets.key.lowerAscii()", "\"hunter2\" secret" },
        { "secrets.key.trim()", "\"hunter2\" secret" },
        { "s.replace('Hello', secrets.key)", "\"hunter2, W\xc3\xb6rld\" secret" },
        { "s.replace('zz', secrets.key)", "\"Hello, W\xc3\xb6rld\" secret" },
        { "[secrets.key, 'a'].join(':')", "\"hunter2:a\" secret" },
        { "secrets.key.contains('h')", "true secret" },
        { "secrets.key.matches('^h')", "true secret" },
        { "secrets.key.indexOf('u')", "1 secret" },
        { "string(secrets.n)", "\"5\" secret" },
        { "double(secrets.n)", "5.0 secret" },
        { "int(secrets.n)", "5 secret" },
        { "type(secrets.n)", "\"int\" secret" },
        { "bytes(secrets.key)", "x68756e74657232 secret" },
        { "base64.encode(secrets.key)", "\"aHVudGVyMg==\" secret" },
        { "hex.encode(secrets.key)", "\"68756e74657232\" secret" },
        { "url.encode(secrets.key)", "\"hunter2\" secret" },
        { "json.encode({'a': secrets.key})", "\"{\\\"a\\\":\\\"hunter2\\\"}\" secret" },
        { "min(secrets.n, 1)", "1 secret" },
        { "secrets.list[0]", "1 secret" },
        { "l[secrets.list[0]]", "2 secret" },
        { "time.format(secrets.n, 'date')", "\"1970-01-01\" secret" },
        { "l.all(x, secrets.on)", "true secret" },
        { "l.exists_one(x, secrets.on)", "false secret" },
    };
    check_rows(rows, N(rows));
}

static void
what_holds_a_secret_is_secret_and_the_rest_of_it_is_not(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "[1, secrets.key]", "[1,\"hunter2\"] secret" },
        { "[1, secrets.key][0]", "1" },
        { "[1, secrets.key][1]", "\"hunter2\" secret" },
        { "{'a': secrets.key, 'b': 1}", "{\"a\":\"hunter2\",\"b\":1} secret" },
        { "{'a': secrets.key, 'b': 1}.b", "1" },
        { "{'a': [{'b': secrets.key}]}.a[0]", "{\"b\":\"hunter2\"} secret" },
        { "l + [secrets.key]", "[1,2,3,\"hunter2\"] secret" },
        { "(l + [secrets.key])[0]", "1" },
        { "(l + [secrets.key])[3]", "\"hunter2\" secret" },
        { "secrets.key.split('u')", "[\"h\",\"nter2\"] secret" },
        { "secrets.key.split('u')[1]", "\"nter2\" secret" },
        { "json.decode(secrets.json).a[0]", "1 secret" },
        { "l.map(x, secrets.key)[0]", "\"hunter2\" secret" },
        { "l.map(x, x)", "[1,2,3]" },
        { "secrets.list.filter(x, x > 1)[0]", "2 secret" },
        { "[secrets.key, 'a'].filter(x, x == 'a')", "[\"a\"]" },
        { "[secrets.key, 'a'].filter(x, t)", "[\"hunter2\",\"a\"] secret" },
        { "[secrets.key, 'a'].filter(x, t)[1]", "\"a\"" },
        { "[[secrets.key], [1]]", "[[\"hunter2\"],[1]] secret" },
        { "[[secrets.key], [1]][1]", "[1]" },
        { "{'a': [secrets.key, 1]}.a[1]", "1" },
        { "l.map(x, [x, secrets.key])[0][0]", "1" },
    };
    check_rows(rows, N(rows));
}

static void
digests_sizes_and_comparisons_wash(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "hmac('sha1', secrets.key, 'x').size()", "20" },
        { "hex.encode(hmac('sha256', secrets.key, secrets.key)).size()", "64" },
        { "sha256(secrets.key) == sha256('hunter2')", "true" },
        { "size(secrets.key)", "7" },
        { "secrets.key == 'hunter2'", "true" },
        { "secrets.key != 'hunter2'", "false" },
        { "secrets.key == 'hunter3'", "false" },
        { "secrets.key < 'x'", "true" },
        { "secrets.n >= 5", "true" },
        { "secrets.key in ['hunter2']", "true" },
        { "'key' in secrets", "true" },
        { "has(secrets.key)", "true" },
        { "secrets.key == 'hunter2' ? 'yes' : 'no'", "\"yes\"" },
        { "secrets.on ? 'yes' : 'no'", "\"yes\"" },
        { "a + b", "3" },
    };
    check_rows(rows, N(rows));
}

static void
no_error_shows_a_secret(void **state)
{
    (void)state;
    static const char *const failing[] = {
        "int(secrets.key)",
        "double(secrets.key)",
        "bool(secrets.key)",
        "secrets.key + 1",
        "m[secrets.key]",
        "s[secrets.key]",
        "secrets.key.x",
        "json.decode(secrets.key)",
        "hex.decode(secrets.key)",
        "base64.decode(secrets.key + '!')",
        "time.parse(secrets.key)",
        "time.format(1, secrets.key)",
        "hmac(secrets.key, 'a', 'b')",
        "s.matches(secrets.key + '(')",
        "s.substring(secrets.key)",
        "{secrets.key: 1}",
        "l[secrets.key]",
        "[secrets.key].all(x, x)",
        "min(secrets.key)",
    };
    struct world w;
    world_init(&w, false);
    for (size_t i = 0; i < N(failing); i++) {
        const char *gives = world_eval(&w, failing[i]);
        if (strncmp(gives, "script: ", 8) != 0 || strstr(gives, "hunter") != NULL)
            fail_msg("%s gives %s", failing[i], gives);
    }
    assert_string_equal(world_eval(&w, "{secrets.key: 1}"),
                        "script: secrets.key: a key can't be made from a secret");
    assert_string_equal(world_eval(&w, "m[secrets.key]"), "script: m has no field '***'");
    world_fini(&w);
}

static void
templates_tell_what_is_secret(void **state)
{
    (void)state;
    struct world w;
    struct template *t = NULL;
    struct buf out;
    world_init(&w, false);
    assert_string_equal(world_template(&w, TEMPLATE_VALUE, "Bearer ${ secrets.key }"),
                        "\"Bearer hunter2\" secret");
    assert_string_equal(world_template(&w, TEMPLATE_VALUE, "${ secrets.key }"),
                        "\"hunter2\" secret");
    assert_string_equal(world_template(&w, TEMPLATE_VALUE, "n ${ size(secrets.key) }"),
                        "\"n 7\"");
    assert_string_equal(world_template(&w, TEMPLATE_URL, "http://h/${ secrets.key }"),
                        "\"http://h/hunter2\" secret");

    bool secret = false;
    buf_init(&out, 100);
    assert_int_equal(template_parse(TEXT("a ${ secrets.n }"), TEMPLATE_VALUE, &t, NULL, NULL),
                     WEIR_OK);
    assert_int_equal(template_eval_text(t, &w.env, &out, &secret, NULL), WEIR_OK);
    assert_true(secret);
    assert_string_equal(out.bytes, "a 5");
    template_free(&t);
    buf_fini(&out);
    world_fini(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_from_a_secret_is_secret),
        cmocka_unit_test(what_holds_a_secret_is_secret_and_the_rest_of_it_is_not),
        cmocka_unit_test(digests_sizes_and_comparisons_wash),
        cmocka_unit_test(no_error_shows_a_secret),
        cmocka_unit_test(templates_tell_what_is_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
