/* yaml_fuzz.c - no text makes the reader or the loader of pipelines stumble, and every place that
 * they tell lies in the text.
 * room: pipeline
 *
 * The node types are those of the unit tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../unit/pipeline/fake_types.h"
#include "pipeline/yaml.h"
#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define MOST_PLACES 64 /* of one scalar */

static void
check_mark(struct yaml *y, struct mark m)
{
    assert(m.line >= 1 && m.line <= y->n_lines);
    assert(m.column >= 1 && m.len >= 1);
    assert(m.column <= strcspn(yaml_line(y, m.line), "\n") + 1);
}

static void
check_places(struct yaml *y, const struct yaml_node *n)
{
    check_mark(y, n->mark);
    for (unsigned i = 0; i < n->n; i++) {
        if (n->kind == YAML_MAP)
            check_places(y, n->keys[i]);
        check_places(y, n->items[i]);
    }
    if (n->kind != YAML_SCALAR)
        return;
    struct mark last = { 0 };
    for (size_t i = 0; i <= n->text.len && i < MOST_PLACES; i++) {
        struct mark m = yaml_place(y, n, i, 1);
        check_mark(y, m);
        assert(m.line > last.line || (m.line == last.line && m.column >= last.column));
        last = m;
    }
}

static void
show(const struct diags *d)
{
    struct buf text;
    struct weir_error err;
    buf_init(&text, 4u << 20);
    diags_text(d, true, &text);
    buf_reset(&text);
    const struct weir_value *v = diags_value(d);
    if (json_write(&text, v, &err) != WEIR_OK)
        abort();
    value_unref(&v);
    buf_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct registry *registry;
    static const char *const names[] = { "REGION", NULL };
    if (registry == NULL)
        registry = fake_registry();
    const struct weir_text text = { (const char *)bytes, len };
    struct diags d;
    diags_init(&d);
    struct yaml *y = yaml_read("fuzz.yaml", text, &d);
    if (y != NULL && y->root != NULL)
        check_places(y, y->root);
    yaml_free(&y);

    const struct load_options o = {
        .registry = registry, .env_names = names, .have_store = len % 2 == 0
    };
    struct pipeline *p = pipeline_load_text("fuzz.yaml", text, &o, &d);
    diags_sort(&d);
    show(&d);
    pipeline_free(&p);
    diags_fini(&d);
    return 0;
}
