/* tests/unit/pipeline/expect.h - loads a small pipeline and compares what was said about it.
 *
 * One diagnostic a line: "3:5+6 W0204 message | hint", the place as line, column and length.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPECT_H
#define EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake_types.h"
#include "pipeline/settings.h"
#include "value/json.h"

static const char *const fake_environment[] = { "REGION", "WEIR_SECRET_API_KEY", NULL };

static inline void
write_diags(const struct diags *d, struct buf *out)
{
    for (unsigned i = 0; i < d->n; i++) {
        const struct diag *g = &d->items[i];
        if (g->mark.line > 0)
            buf_printf(out, "%u:%u+%u ", g->mark.line, g->mark.column, g->mark.len);
        buf_printf(out, "%s %s", diag_name(g->code), g->message);
        if (g->hint != NULL)
            buf_printf(out, " | %s", g->hint);
        buf_putc(out, '\n');
    }
}

/* The pipeline of TEXT, or NULL; what was said is compared with SAID. */
static inline struct pipeline *
load_said_with(const struct registry *r, bool have_store, const char *text, const char *said)
{
    const struct load_options o = { .registry = r,
                                    .env_names = fake_environment,
                                    .have_store = have_store,
                                    .edge_public = true };
    struct diags d;
    struct buf out;
    diags_init(&d);
    buf_init(&out, 1u << 20);
    struct pipeline *p = pipeline_load_text("p.yaml", text_of(text), &o, &d);
    diags_sort(&d);
    write_diags(&d, &out);
    if (strcmp(out.bytes, said) != 0)
        fail_msg("pipeline:\n%s\nsaid:\n%s\nexpected:\n%s", text, out.bytes, said);
    assert_int_equal(p == NULL, d.errors > 0);
    buf_fini(&out);
    diags_fini(&d);
    return p;
}

/* Only what is said matters. */
static inline void
assert_said(const char *text, const char *said)
{
    struct registry *r = fake_registry();
    struct pipeline *p = load_said_with(r, false, text, said);
    pipeline_free(&p);
    registry_free(&r);
}

static inline void
assert_fine(const char *text)
{
    assert_said(text, "");
}

/* What is said of YAML with these settings and types, and the first node as JSON (NULL: not looked at). */
static inline void
expect_with(struct registry **take_types, const char *settings, const char *yaml, const char *said, const char *json)
{
    struct settings *s = settings_new();
    struct diags d;
    struct buf out;
    struct weir_error err;
    diags_init(&d);
    buf_init(&out, 1u << 20);
    settings_read_text(s, "weir.yaml", text_of(settings), &d);
    settings_check_resources(s, *take_types, &d);
    const struct load_options o = { .registry = *take_types,
                                    .resources = settings_resources(s),
                                    .env_names = fake_environment };
    struct pipeline *p = pipeline_load_text("p.yaml", text_of(yaml), &o, &d);
    diags_sort(&d);
    write_diags(&d, &out);
    assert_string_equal(out.bytes, said);
    if (json != NULL) {
        buf_reset(&out);
        assert_int_equal(json_write(&out, p->nodes[0]->config_value, &err), WEIR_OK);
        assert_string_equal(out.bytes, json);
    }
    pipeline_free(&p);
    buf_fini(&out);
    diags_fini(&d);
    settings_free(&s);
    registry_free(take_types);
}

#endif
