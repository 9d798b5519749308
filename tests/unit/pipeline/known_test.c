/* tests/unit/pipeline/known_test.c - what names lead to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include "pipeline/known.h"

/* Cuts "request.params.x" into keys. */
static unsigned
cut(const char *path, struct weir_text ret[8])
{
    unsigned n = 0;
    for (; *path != '\0'; path += *path == '.') {
        size_t len = strcspn(path, ".");
        ret[n++] = (struct weir_text){ path, len };
        path += len;
    }
    return n;
}

static void
assert_known(const struct pipeline *p, const char *path, enum known what, uint32_t index)
{
    struct weir_text keys[8];
    unsigned n = cut(path, keys);
    struct expr_known k = known_of(p, keys, n);
    if (k.what != (uint32_t)what || k.index != index)
        fail_msg("%s: %u %u", path, k.what, k.index);
}

static const char text[] = "steps:\n  - id: first\n    set: ${ request.params.x }\n"
                           "  - id: second\n    if: ${ steps.first == 1 }\n    set: ${ steps.first }\n";

static void
names_and_fields_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum known what;
        uint32_t index;
    } rows[] = {
        { "request", KNOWN_REQUEST, 0 },
        { "request.params", KNOWN_PARAMS, 0 },
        { "request.params.x", KNOWN_PARAM, 0 },
        { "request.params.x.y", KNOWN_PARAM, 0 },
        { "request.headers", KNOWN_HEADERS, 0 },
        { "request.headers.x-api-key", KNOWN_HEADER, 0 },
        { "request.body.headers.x", KNOWN_BODY, 0 },
        { "request.nope", KNOWN_NO_FIELD, 0 },
        { "request.nope.x", KNOWN_NO_FIELD, 0 },
        { "steps", KNOWN_STEPS, 0 },
        { "steps.first.x", KNOWN_STEP, 0 },
        { "steps.second", KNOWN_STEP, 1 },
        { "steps.third", KNOWN_STEP, UINT32_MAX },
        { "input.body", KNOWN_INPUT, 0 },
        { "vars.x", KNOWN_VARS, 0 },
        { "env.X", KNOWN_ENV, 0 },
        { "secrets.X", KNOWN_SECRETS, 0 },
        { "run.id", KNOWN_RUN, 0 },
        { "error", KNOWN_ERROR, 0 },
        { "reply.status", KNOWN_REPLY, 0 },
        { "item.params", KNOWN_VARIABLE, 0 },
        { "requests", KNOWN_VARIABLE, 0 },
    };
    struct registry *r = fake_registry();
    struct pipeline *p = load_said_with(r, false, text, "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_known(p, rows[i].path, rows[i].what, rows[i].index);
    pipeline_free(&p);
    registry_free(&r);
}

static void
each_field_of_request_has_its_name(void **state)
{
    (void)state;
    static const struct {
        enum known what;
        const char *name;
    } rows[] = {
#define X(name, text) { KNOWN_##name, text },
        REQUEST_FIELDS(X)
#undef X
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weir_text keys[2] = { TEXT("request"), text_of(rows[i].name) };
        assert_true(text_equal(known_field(rows[i].what), keys[1]));
        assert_int_equal(known_of(NULL, keys, 2).what, rows[i].what);
    }
}

static void
note(void *arg, const struct expr_access *a)
{
    struct buf *out = arg;
    for (unsigned i = 0; i < a->n; i++)
        buf_printf(out, "%s%.*s", i > 0 ? "." : "", (int)a->path[i].len, a->path[i].bytes);
    buf_printf(out, " %s %u\n", a->known->what == KNOWN_PARAM  ? "param"
                                : a->known->what == KNOWN_STEP ? "step"
                                                               : "?", a->known->index);
}

/* Templates and conditions alike. */
static void
a_loaded_pipeline_knows_its_names(void **state)
{
    (void)state;
    struct registry *r = fake_registry();
    struct pipeline *p = load_said_with(r, false, text, "");
    struct buf out;
    buf_init(&out, 4096);
    template_each_access(p->nodes[0]->config->template, note, &out);
    template_each_access(p->nodes[1]->config->template, note, &out);
    expr_each_access(p->nodes[1]->condition, note, &out);
    assert_string_equal(out.bytes, "request.params.x param 0\nsteps.first step 0\nsteps.first step 0\n");
    buf_fini(&out);
    pipeline_free(&p);
    registry_free(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_fields_are_told_apart),
        cmocka_unit_test(each_field_of_request_has_its_name),
        cmocka_unit_test(a_loaded_pipeline_knows_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
