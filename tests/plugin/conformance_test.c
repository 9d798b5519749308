/* plugin/conformance_test.c - what every plugin of the build promises.
 *
 * Each test goes through all types, or all folders of plugins/, and names the one at fault.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "edge/route_tree.h"
#include "engine/metrics.h"
#include "peer.h"
#include "value/json.h"
#include "value/schema.h"

static struct peer *upstream;

/* Reads one request without a body; false at the end of the connection. */
static bool
read_head(int fd)
{
    char head[4096] = "";
    size_t len = 0;
    while (strstr(head, "\r\n\r\n") == NULL) {
        ssize_t n = recv(fd, head + len, sizeof head - 1 - len, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        head[len] = '\0';
    }
    return true;
}

/* The upstream of examples, on several connections at once. */
static void
answer_all(struct peer *p, int fd, unsigned n)
{
    (void)p;
    (void)n;
    while (read_head(fd))
        peer_say(
            fd,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n"
            "{\"name\":\"Ada\"}");
}

static int
open_all(void **state)
{
    char url[64];
    upstream = peer_start(answer_all, NULL);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", upstream->port);
    setenv("EXAMPLE_UPSTREAM", url, 1);
    return stage_open(state);
}

static int
close_all(void **state)
{
    int result = stage_close(state);
    peer_stop(upstream);
    return result;
}

/* -- files -- */

/* The text of a file; NULL if it can't be read. The caller frees it. */
static char *
read_file(const char *path)
{
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return NULL;
    char *text = calloc(1, 1u << 16);
    assert_non_null(text);
    size_t len = fread(text, 1, (1u << 16) - 1, f);
    fclose(f);
    text[len] = '\0';
    return text;
}

static char *
read_of(const struct plugin *p, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, WEIR_SOURCE "/plugins/%s/%s", p->name, name);
    char *text = read_file(path);
    if (text == NULL)
        fail_msg("%s is missing", path);
    return text;
}

static void
each_plugin_has_a_readme_an_example_and_an_event(void **state)
{
    (void)state;
    const struct plugin *const *plugins;
    unsigned n = registry_plugins(stage_registry(), &plugins);
    assert_true(n >= 12);
    for (unsigned i = 0; i < n; i++) {
        static const char *const files[] = { "README.md", "example.yaml", "event.json" };
        for (unsigned k = 0; k < 3; k++)
            free(read_of(plugins[i], files[k]));
    }
}

/* -- types, nodes and triggers alike -- */

struct type {
    const char *name;
    const char *summary;
    const char *example;
    const struct plugin *plugin;
    const struct weir_value *schema;
    bool trigger;
    bool waits;
};

typedef void type_fn(const struct type *t);

static void
each_type(type_fn *fn)
{
    const struct node_type *const *nodes;
    const struct trigger_type *const *triggers;
    unsigned n = registry_nodes(stage_registry(), &nodes);
    for (unsigned i = 0; i < n; i++)
        fn(&(struct type){ nodes[i]->abi.name, nodes[i]->abi.summary, nodes[i]->abi.example,
                           nodes[i]->plugin, nodes[i]->schema_doc, false,
                           (nodes[i]->abi.flags & WEIR_WAITS) != 0 });
    n = registry_triggers(stage_registry(), &triggers);
    for (unsigned i = 0; i < n; i++)
        fn(&(struct type){ triggers[i]->abi.name, triggers[i]->abi.summary,
                           triggers[i]->abi.example, triggers[i]->plugin,
                           triggers[i]->schema_doc, true, false });
}

static void
check_sentence(const char *type, const char *what, struct weir_text text)
{
    if (text.len < 10 || text.bytes[text.len - 1] != '.' ||
        strchr("abcdefghijklmnopqrstuvwxyz:", text.bytes[0]))
        if (text.len < 10 || text.bytes[text.len - 1] != '.')
            fail_msg("%s: %s is no sentence: %.*s", type, what, (int)text.len, text.bytes);
}

static void
check_descriptor(const struct type *t)
{
    check_sentence(t->name, "the summary", text_of(t->summary));
    if (t->example == NULL || t->example[0] == '\0' ||
        t->example[strlen(t->example) - 1] != '\n')
        fail_msg("%s: the example has to end in a line feed", t->name);
}

static void
each_type_says_what_it_is(void **state)
{
    (void)state;
    each_type(check_descriptor);
    const struct node_type *const *nodes;
    unsigned n = registry_nodes(stage_registry(), &nodes);
    for (unsigned i = 0; i < n; i++) {
        const struct weir_node_type *t = &nodes[i]->abi;
        if (t->output == NULL)
            fail_msg("%s: what its output is, is not said", t->name);
        for (unsigned k = 0; k < t->n_blocks; k++)
            check_sentence(t->name, t->blocks[k].path,
                           text_of(t->blocks[k].summary ? t->blocks[k].summary : ""));
    }
}

/* -- schemas -- */

static bool
is_map(const struct weir_value *v)
{
    return v != NULL && value_type(v) == WEIR_MAP;
}

static void check_schema(const struct type *t, const struct weir_value *schema,
                         const char *place, bool root);

/* A property says what it is, and shows it. */
static void
check_property(const struct type *t, const struct weir_value *p, const char *place)
{
    const struct weir_value *description = value_field(p, "description");
    const struct weir_value *examples = value_field(p, "examples");
    if (description == NULL)
        fail_msg("%s has no description", place);
    check_sentence(t->name, place, value_as_text(description));
    if (examples == NULL || value_type(examples) != WEIR_LIST || examples->len == 0)
        fail_msg("%s has no examples", place);
    check_schema(t, p, place, false);
}

static void
check_schema(const struct type *t, const struct weir_value *schema, const char *place,
             bool root)
{
    static const char *const lists[] = { "anyOf", "oneOf", "allOf" };
    char below[512];
    struct weir_text key;
    const struct weir_value *v;
    const struct weir_value *more = value_field(schema, "additionalProperties");
    const struct weir_value *type = value_field(schema, "type");
    bool object = type != NULL && value_type(type) == WEIR_STRING &&
                  text_is(value_as_text(type), "object");
    if (root && value_field(schema, "description") == NULL)
        fail_msg("%s: its schema has no description", place);
    if (object && (more == NULL || (root && value_type(more) != WEIR_BOOL)))
        fail_msg("%s does not say whether it has other members", place);
    if (object && root && more->boolean)
        fail_msg("%s takes unknown keys", place);
    const struct weir_value *properties = value_field(schema, "properties");
    for (size_t i = 0; is_map(properties) && value_member(properties, i, &key, &v); i++) {
        snprintf(below, sizeof below, "%s.%.*s", place, (int)key.len, key.bytes);
        check_property(t, v, below);
    }
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; (v = value_at(value_field(schema, lists[k]), i)) != NULL; i++)
            check_schema(t, v, place, false);
    if (is_map(more))
        check_schema(t, more, place, false);
}

static void
check_type_schema(const struct type *t)
{
    check_schema(t, t->schema, t->name, true);
}

static void
schemas_are_closed_and_every_option_is_described(void **state)
{
    (void)state;
    each_type(check_type_schema);
}

/* V with its expressions marked, as the loader would hand it to a schema. Owned. */
static const struct weir_value *
as_written(const struct weir_value *v)
{
    if (value_type(v) == WEIR_STRING) {
        const struct weir_value *copy = value_ref(v);
        struct weir_text text = value_as_text(v);
        return memmem(text.bytes, text.len, "${", 2) ? value_flagged(&copy, VALUE_DYNAMIC)
                                                     : copy;
    }
    if (value_type(v) != WEIR_LIST && value_type(v) != WEIR_MAP)
        return value_ref(v);
    bool map = value_type(v) == WEIR_MAP;
    struct weir_builder *b = map ? builder_map() : builder_list();
    struct weir_text key;
    const struct weir_value *item;
    for (size_t i = 0; i < v->len; i++) {
        bool there = map ? value_member(v, i, &key, &item) : (item = value_at(v, i)) != NULL;
        assert_true(there);
        const struct weir_value *copy = as_written(item);
        if (map)
            builder_set(b, key.bytes, key.len, &copy);
        else
            builder_add(b, &copy);
    }
    return builder_end(&b);
}

static void
check_fits(const struct schema *s, const struct weir_value *v, const char *place,
           const char *what)
{
    struct weir_error err = { 0 };
    const struct weir_value *written = as_written(v);
    if (schema_verify(s, written, &err) != WEIR_OK)
        fail_msg("%s: its %s does not fit: %s", place, what, err.text);
    value_unref(&written);
}

/* P as a document of its own, with the $defs of ROOT that it may refer to. Owned. */
static const struct weir_value *
with_defs(const struct weir_value *p, const struct weir_value *root)
{
    struct weir_builder *b = builder_map();
    struct weir_text key;
    const struct weir_value *v;
    for (size_t i = 0; value_member(p, i, &key, &v); i++)
        builder_put(b, strndupa(key.bytes, key.len), v);
    const struct weir_value *defs = value_field(root, "$defs");
    if (defs != NULL)
        builder_put(b, "$defs", defs);
    return builder_end(&b);
}

/* Defaults and examples of the properties of SCHEMA, a part of ROOT, and below. */
static void
check_values(const struct weir_value *schema, const struct weir_value *root, const char *place)
{
    char below[512];
    struct weir_text key;
    const struct weir_value *p;
    const struct weir_value *v;
    const struct weir_value *properties = value_field(schema, "properties");
    for (size_t i = 0; is_map(properties) && value_member(properties, i, &key, &p); i++) {
        struct schema *s;
        struct weir_error err = { 0 };
        snprintf(below, sizeof below, "%s.%.*s", place, (int)key.len, key.bytes);
        const struct weir_value *doc = with_defs(p, root);
        if (schema_new(doc, NULL, NULL, &s, &err) != WEIR_OK)
            fail_msg("%s: %s", below, err.text);
        if ((v = value_field(p, "default")) != NULL)
            check_fits(s, v, below, "default");
        for (size_t k = 0; (v = value_at(value_field(p, "examples"), k)) != NULL; k++)
            check_fits(s, v, below, "example");
        schema_free(&s);
        value_unref(&doc);
        check_values(p, root, below);
    }
}

static void
check_type_values(const struct type *t)
{
    check_values(t->schema, t->schema, t->name);
}

static void
defaults_and_examples_fit_their_schemas(void **state)
{
    (void)state;
    each_type(check_type_values);
}

/* -- documentation -- */

/* The rows of options are in the README, or on a page that the type has for itself. */
static void
check_options(const struct type *t, const char *readme)
{
    char path[512];
    snprintf(path, sizeof path, WEIR_SOURCE "/plugins/%s/%s.md", t->plugin->name, t->name);
    char *own = read_file(path);
    struct weir_text key;
    const struct weir_value *p;
    const struct weir_value *properties = value_field(t->schema, "properties");
    for (size_t i = 0; is_map(properties) && value_member(properties, i, &key, &p); i++) {
        char option[128];
        snprintf(option, sizeof option, "| `%.*s` |", (int)key.len, key.bytes);
        if (strstr(own != NULL ? own : readme, option) == NULL)
            fail_msg("%s has no row of option '%.*s'", own != NULL ? path : "README.md", (int)key.len, key.bytes);
    }
    free(own);
}

static void
check_readme(const struct type *t)
{
    char *text = read_of(t->plugin, "README.md");
    char head[128];
    snprintf(head, sizeof head, "# %s\n", t->plugin->name);
    if (strncmp(text, head, strlen(head)) != 0)
        fail_msg("%s/README.md does not begin with '%s'", t->plugin->name, head);
    check_options(t, text);
    static const char *const parts[] = { "## Options\n", "## Example\n", "## Output\n",
                                         "## Errors\n" };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(text, parts[i]) == NULL)
            fail_msg("%s/README.md lacks '%s'", t->plugin->name, parts[i]);
    free(text);
}

static void
each_readme_has_every_option(void **state)
{
    (void)state;
    each_type(check_readme);
}

/* Appends TEXT with INDENT blanks in front of each line. */
static void
indent(struct buf *b, const char *text, const char *blanks)
{
    for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
        buf_puts(b, blanks);
        buf_text(b, (struct weir_text){ at, strcspn(at, "\n") });
        buf_puts(b, "\n");
    }
}

static void
check_example(const struct type *t)
{
    struct buf b;
    struct diags d;
    struct load_options o = { .registry = stage_registry(), .have_store = true };
    buf_init(&b, 65536);
    buf_printf(&b, "name: example\n%strigger:\n", t->waits ? "durable: true\n" : "");
    if (t->trigger)
        indent(&b, t->example, "  ");
    else
        buf_puts(&b, "  webhook: \"/{service}/{shop}/{id}\"\n");
    buf_puts(&b, "steps:\n");
    if (t->trigger)
        buf_puts(&b, "  - reply: 204\n");
    else
        indent(&b, t->example, "  ");
    diags_init(&d);
    struct pipeline *p = pipeline_load_text("example.yaml", buf_content(&b), &o, &d);
    if (d.errors > 0 || p == NULL) {
        struct buf text;
        buf_init(&text, 65536);
        diags_text(&d, false, &text);
        fail_msg("%s: its example is not right:\n%s", t->name, text.bytes);
    }
    pipeline_free(&p);
    diags_fini(&d);
    buf_fini(&b);
}

static void
each_documented_example_loads(void **state)
{
    (void)state;
    each_type(check_example);
}

/* -- examples that are whole pipelines -- */

/* The event of a plugin's example, offered. */
static struct play *
begin_example(const struct plugin *p)
{
    char *text = read_of(p, "event.json");
    const struct weir_value *doc;
    struct weir_error err = { 0 };
    static char line[256];
    if (json_read(text_of(text), NULL, NULL, &doc, &err) != WEIR_OK)
        fail_msg("%s/event.json: %s", p->name, err.text);
    struct weir_text method = value_as_text(value_field(doc, "method"));
    struct weir_text path = value_as_text(value_field(doc, "path"));
    snprintf(line, sizeof line, "%.*s %.*s", (int)method.len, method.bytes, (int)path.len,
             path.bytes);
    const struct weir_value *body = value_field(doc, "body");
    struct buf b;
    buf_init(&b, 65536);
    if (body != NULL)
        assert_int_equal(json_write(&b, body, &err), WEIR_OK);
    struct play *play = stage_begin(line, body ? b.bytes : NULL, NULL);
    buf_fini(&b);
    value_unref(&doc);
    free(text);
    return play;
}

static void
load_example(const struct plugin *p)
{
    char path[512];
    snprintf(path, sizeof path, WEIR_SOURCE "/plugins/%s/example.yaml", p->name);
    stage_load_file(path);
}

/* Whether the answer of P's example is good. Without a store a run can't wait, and says so. */
static bool
is_good(const struct plugin *p, const struct play *play)
{
    const struct node_type *const *nodes;
    bool waits = false;
    for (unsigned n = registry_nodes(stage_registry(), &nodes); n-- > 0;)
        waits |= nodes[n]->plugin == p && nodes[n]->abi.flags & WEIR_WAITS;
    return play->replies == 1 && (waits ? play->status == 400 : play->status < 300);
}

static void
each_example_answers(void **state)
{
    (void)state;
    const struct plugin *const *plugins;
    unsigned n = registry_plugins(stage_registry(), &plugins);
    for (unsigned i = 0; i < n; i++) {
        load_example(plugins[i]);
        struct play *p = begin_example(plugins[i]);
        stage_finish(p);
        if (!is_good(plugins[i], p))
            fail_msg("%s/example.yaml answers %u %s", plugins[i]->name, p->status, p->body);
        stage_end(&p);
    }
}

/* The caller goes away after one turn of the loop, after two, and so on, until the run is over
 * before that: each time the event is let go of, and no call stays owed. */
static void
each_example_can_be_cancelled_at_every_await(void **state)
{
    (void)state;
    const struct plugin *const *plugins;
    unsigned n = registry_plugins(stage_registry(), &plugins);
    for (unsigned i = 0; i < n; i++) {
        load_example(plugins[i]);
        bool over = false;
        for (unsigned turns = 0; turns < 100 && !over; turns++) {
            struct play *p = begin_example(plugins[i]);
            for (unsigned k = 0; k < turns && !p->released; k++)
                stage_turn(2);
            over = p->released;
            if (!over)
                engine_gone(&p->event);
            stage_finish(p);
            assert_int_equal(engine_runs(stage_shard()), 0);
            stage_end(&p);
        }
        if (!over)
            fail_msg("%s/example.yaml never ends", plugins[i]->name);
    }
}

#ifdef __SANITIZE_ADDRESS__
#define ROUNDS 100
#else
#define ROUNDS 1000
#endif

/* What leaks is seen by the sanitizer at the end; series and families are seen here. */
static void
each_example_opens_and_closes_again_and_again(void **state)
{
    (void)state;
    const struct plugin *const *plugins;
    unsigned n = registry_plugins(stage_registry(), &plugins);
    for (unsigned i = 0; i < n; i++) {
        unsigned series, before;
        load_example(plugins[i]);
        unsigned families = metrics_count(&before);
        for (unsigned k = 0; k < ROUNDS; k++)
            load_example(plugins[i]);
        assert_int_equal(metrics_count(&series), families);
        assert_int_equal(series, before);
    }
}

/* A plugin is told of a fault of its host's by an error and nothing else: what is loaded keeps
 * on working while many runs are under way at once. */
static void
each_example_answers_many_at_once(void **state)
{
    (void)state;
    const struct plugin *const *plugins;
    unsigned n = registry_plugins(stage_registry(), &plugins);
    for (unsigned i = 0; i < n; i++) {
        struct play *p[50];
        load_example(plugins[i]);
        for (unsigned k = 0; k < 50; k++)
            p[k] = begin_example(plugins[i]);
        for (unsigned k = 0; k < 50; k++) {
            stage_finish(p[k]);
            if (!is_good(plugins[i], p[k]))
                fail_msg("%s/example.yaml answers %u %s", plugins[i]->name, p[k]->status,
                         p[k]->body);
            stage_end(&p[k]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_plugin_has_a_readme_an_example_and_an_event),
        cmocka_unit_test(each_type_says_what_it_is),
        cmocka_unit_test(schemas_are_closed_and_every_option_is_described),
        cmocka_unit_test(defaults_and_examples_fit_their_schemas),
        cmocka_unit_test(each_readme_has_every_option),
        cmocka_unit_test(each_documented_example_loads),
        cmocka_unit_test(each_example_answers),
        cmocka_unit_test(each_example_can_be_cancelled_at_every_await),
        cmocka_unit_test(each_example_opens_and_closes_again_and_again),
        cmocka_unit_test(each_example_answers_many_at_once),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
