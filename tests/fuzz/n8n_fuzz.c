/* n8n_fuzz.c - whatever is JSON is imported or refused, and every pipeline that is made of it is
 * YAML that weir reads and whose expressions it parses.
 * room: author
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "author/n8n.h"
#include "expr/template.h"
#include "pipeline/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
const char *__lsan_default_suppressions(void);

/* The library forgets 1 KiB of some texts that it refuses. */
const char *
__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

static void
check_texts(const struct yaml_node *n)
{
    for (unsigned i = 0; i < n->n; i++)
        check_texts(n->items[i]);
    if (!yaml_is_string(n))
        return;
    struct template *t = NULL;
    struct expr_place place;
    struct weir_error err;
    if (template_needed(n->text) && n->text.len < 16384 &&
        template_parse(n->text, TEMPLATE_VALUE, &t, &place, &err) != WEIR_OK) {
        fprintf(stderr, "%s: %.*s\n", err.text, (int)n->text.len, n->text.bytes);
        abort();
    }
    template_free(&t);
}

static void
check_pipeline(const struct weir_value *v)
{
    struct diags d;
    diags_init(&d);
    struct yaml *y = yaml_read("fuzz.yaml", value_as_text(value_field(v, "yaml")), &d);
    if (y == NULL)
        fprintf(stderr, "%s:%u: %s\n%s\n", d.items[0].file, d.items[0].mark.line,
                d.items[0].message, value_as_text(value_field(v, "yaml")).bytes);
    assert(y != NULL && y->root != NULL && yaml_get(y->root, "steps") != NULL);
    check_texts(y->root);
    yaml_free(&y);
    diags_fini(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct weir_value *report = NULL, *one;
    struct weir_error err;
    const struct weir_text text = { (const char *)bytes, len };
    if (n8n_import(text, "fuzz", &report, &err) != WEIR_OK)
        return 0;
    const struct weir_value *pipelines = value_field(report, "pipelines");
    for (size_t i = 0; (one = value_at(pipelines, i)) != NULL; i++)
        check_pipeline(one);
    value_unref(&report);
    return 0;
}
