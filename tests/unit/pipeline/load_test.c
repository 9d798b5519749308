/* tests/unit/pipeline/load_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include <sys/stat.h>
#include <unistd.h>

static struct pipeline *
load_fine(const struct registry *r, const char *text)
{
    return load_said_with(r, false, text, "");
}

static void
the_tree_is_as_the_text_has_it(void **state)
{
    (void)state;
    struct registry *r = fake_registry();
    struct pipeline *p = load_fine(r, "name: orders\n"
                                      "description: d\n"
                                      "trigger:\n"
                                      "  - webhook: { path: /a, auth: none }\n"
                                      "  - cron: { at: noon }\n"
                                      "tags: [x, y]\n"
                                      "timeout: 1m\n"
                                      "concurrency: { limit: 5, when_full: reject }\n"
                                      "vars: { a: { b: 1 } }\n"
                                      "steps:\n"
                                      "  - id: first\n"
                                      "    set: 1\n"
                                      "  - switch: ${ input }\n"
                                      "    cases:\n"
                                      "      Big One: [ { log: x } ]\n"
                                      "      200: [ { log: x }, { log: y } ]\n"
                                      "    default: []\n"
                                      "catch: [ { log: z } ]\n"
                                      "finally: [ { log: z } ]\n");
    assert_non_null(p);
    assert_string_equal(p->name, "orders");
    assert_int_equal(strlen(p->revision), 16);
    assert_int_equal(p->n_triggers, 2);
    assert_string_equal(p->triggers[1]->type->abi.name, "cron");
    assert_int_equal(p->n_tags, 2);
    assert_int_equal(p->timeout_ms, 60000);
    assert_int_equal(p->concurrency, 5);
    assert_int_equal(p->when_full, WHEN_FULL_REJECT);
    assert_true(p->keep_failed);
    assert_int_equal(p->steps->n, 2);
    assert_int_equal(p->n_nodes, 7);
    const char *const ids[] = {
        "first",
        "steps_1_switch",
        "steps_1_cases_big_one_0_log",
        "steps_1_cases_200_0_log",
        "steps_1_cases_200_1_log",
        "catch_0_log",
        "finally_0_log",
    };
    for (unsigned i = 0; i < p->n_nodes; i++) {
        assert_string_equal(p->nodes[i]->id, ids[i]);
        assert_int_equal(p->nodes[i]->index, i);
        assert_ptr_equal(pipeline_node(p, text_of(ids[i])), p->nodes[i]);
    }
    const struct node *s = p->nodes[1];
    assert_false(s->id_given);
    assert_int_equal(s->n_children, 3);
    assert_string_equal(s->children[0].path, "cases/Big One");
    assert_string_equal(s->children[1].path, "cases/200");
    assert_string_equal(s->children[2].path, "default");
    assert_int_equal(s->children[1].block->n, 2);
    assert_ptr_equal(s->children[1].block->owner, s);
    assert_ptr_equal(s->children[1].block->outer, p->steps);
    assert_int_equal(s->children[1].block->depth, 2);
    assert_ptr_equal(s->children[1].type, &s->type->abi.blocks[0]);
    pipeline_free(&p);
    registry_free(&r);
}

static void
what_is_left_out_has_its_default(void **state)
{
    (void)state;
    struct registry *r = fake_registry();
    struct pipeline *p = load_fine(r, "steps: [ { set: 1 } ]\n");
    assert_string_equal(p->name, "p");
    assert_int_equal(p->respond, RESPOND_RESULT);
    assert_int_equal(p->durable, DURABLE_NO);
    assert_int_equal(p->timeout_ms, 0);
    assert_int_equal(p->concurrency, 0);
    assert_null(p->catch);
    assert_null(p->finally);
    assert_int_equal(value_type(p->vars), WEIR_MAP);
    const struct node *n = p->nodes[0];
    assert_int_equal(n->retry.attempts, 1);
    assert_int_equal(n->timeout_ms, 0);
    assert_null(n->condition);
    assert_null(n->catch);
    assert_false(n->effect_given);
    pipeline_free(&p);
    registry_free(&r);
}

static void
common_keys_are_read(void **state)
{
    (void)state;
    struct registry *r = fake_registry();
    struct pipeline *p = load_fine(
        r, "steps:\n"
           "  - http: http://x\n"
           "    if: ${ request.body.a }\n"
           "    timeout: 1m\n"
           "    retry: { attempts: 4, timeout: 5s, backoff: constant, initial: 1s, max: 1s,\n"
           "             jitter: false, on: [timeout, upstream, 503] }\n"
           "    effect: idempotent\n"
           "    catch: []\n"
           "  - http: http://x\n"
           "    retry: 3\n"
           "  - http: http://x\n"
           "    retry: { on: [429] }\n");
    const struct node *n = p->nodes[0];
    assert_non_null(n->condition);
    assert_int_equal(n->timeout_ms, 60000);
    assert_int_equal(n->retry.attempts, 4);
    assert_int_equal(n->retry.timeout_ms, 5000);
    assert_false(n->retry.exponential);
    assert_false(n->retry.jitter);
    assert_int_equal(n->retry.initial_ms, 1000);
    assert_int_equal(n->retry.codes, 1u << WEIR_TIMEOUT | 1u << WEIR_UPSTREAM);
    assert_int_equal(n->retry.n_statuses, 1);
    assert_int_equal(n->retry.statuses[0], 503);
    assert_true(n->effect_given);
    assert_int_equal(n->effect, WEIR_EFFECT_IDEMPOTENT);
    assert_non_null(n->catch);
    assert_int_equal(n->catch->n, 0);
    n = p->nodes[1];
    assert_int_equal(n->retry.attempts, 3);
    assert_true(n->retry.exponential);
    assert_true(n->retry.jitter);
    assert_int_equal(n->retry.codes, 0);
    assert_int_equal(p->nodes[2]->retry.codes, 1);
    assert_int_equal(p->nodes[2]->retry.attempts, 3);
    pipeline_free(&p);
    registry_free(&r);
}

static void
blocks_have_their_forms(void **state)
{
    (void)state;
    struct registry *r = fake_registry();
    struct pipeline *p = load_fine(r, "steps:\n"
                                      "  - switch:\n"
                                      "    cases:\n"
                                      "      - when: ${ input.a == 1 }\n"
                                      "        do: [ { set: 1 } ]\n"
                                      "      - { when: true, do: [] }\n"
                                      "    default: []\n"
                                      "  - parallel:\n"
                                      "    branches:\n"
                                      "      a: [ { set: 1 } ]\n"
                                      "      b: [ { set: 2 }, { set: 3 } ]\n"
                                      "  - parallel:\n"
                                      "    branches:\n"
                                      "      - [ { set: 1 } ]\n"
                                      "      - set: 2\n"
                                      "  - lua: return 1\n"
                                      "    uses:\n"
                                      "      crm: { http: \"http://x\", timeout: 2s }\n");
    const struct child *c = p->steps->nodes[0]->children;
    assert_int_equal(p->steps->nodes[0]->n_children, 3);
    assert_string_equal(c[0].path, "cases/0/do");
    assert_int_equal(c[0].n_keys, 1);
    assert_string_equal(c[0].keys[0], "when");
    assert_int_equal(c[0].parts[0]->kind, PART_TEMPLATE);
    assert_int_equal(c[1].parts[0]->kind, PART_CONSTANT);
    c = p->steps->nodes[1]->children;
    assert_string_equal(c[0].path, "branches/a");
    assert_string_equal(c[1].path, "branches/b");
    c = p->steps->nodes[2]->children;
    assert_string_equal(c[0].path, "branches/0");
    assert_string_equal(c[1].path, "branches/1");
    assert_int_equal(c[1].block->n, 1);
    c = p->steps->nodes[3]->children;
    assert_string_equal(c[0].path, "uses/crm");
    assert_null(c[0].type);
    assert_int_equal(c[0].block->n, 1);
    assert_string_equal(c[0].block->nodes[0]->id, "steps_3_uses_crm_http");
    pipeline_free(&p);
    registry_free(&r);
}

static void
derived_ids_are_short_and_unique(void **state)
{
    (void)state;
    struct registry *r = fake_registry();
    struct pipeline *p = load_fine(
        r, "steps:\n"
           "  - switch: ${ input }\n"
           "    cases:\n"
           "      \"a-b\": [ { set: 1 } ]\n"
           "      a_b: [ { set: 1 } ]\n"
           "      a.b: [ { set: 1 } ]\n"
           "      a_very_long_name_of_a_case_that_goes_on_and_on_and_on: [ { set: 1 } ]\n"
           "    default: []\n"
           "  - id: steps_2_set\n"
           "    set: 1\n"
           "  - set: 2\n");
    assert_string_equal(p->nodes[1]->id, "steps_0_cases_a_b_0_set");
    assert_string_equal(p->nodes[2]->id, "steps_0_cases_a_b_0_set_2");
    assert_string_equal(p->nodes[3]->id, "steps_0_cases_a_b_0_set_3");
    assert_int_equal(strlen(p->nodes[4]->id), 64);
    assert_memory_equal(p->nodes[4]->id, "steps_0_cases_a_very_long_name_of_a_case_that_g_",
                        48);
    assert_string_equal(p->nodes[5]->id, "steps_2_set");
    assert_string_equal(p->nodes[6]->id, "steps_2_set_2");
    pipeline_free(&p);
    registry_free(&r);
}

static void
the_revision_follows_the_text(void **state)
{
    (void)state;
    struct registry *r = fake_registry();
    struct pipeline *a = load_fine(r, "steps: []\n");
    struct pipeline *b = load_fine(r, "steps: []\n");
    struct pipeline *c = load_fine(r, "steps: [] # x\n");
    assert_string_equal(a->revision, b->revision);
    assert_string_not_equal(a->revision, c->revision);
    pipeline_free(&a);
    pipeline_free(&b);
    pipeline_free(&c);
    registry_free(&r);
}

static void
write_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void
folders_are_searched_and_names_are_unique(void **state)
{
    (void)state;
    char folder[] = "/tmp/weir-load-XXXXXX";
    char inner[64], hidden[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(inner, sizeof inner, "%s/inner", folder);
    (void)snprintf(hidden, sizeof hidden, "%s/.hidden", folder);
    assert_int_equal(mkdir(inner, 0700), 0);
    assert_int_equal(mkdir(hidden, 0700), 0);
    write_file(folder, "b.yaml", "steps: []\n");
    write_file(folder, "a.yml", "name: b\nsteps: []\n");
    write_file(folder, "bad.yaml", "steps: 1\n");
    write_file(folder, "b.test.yaml", "x");
    write_file(folder, "weir.yaml", "x");
    write_file(folder, "notes.txt", "x");
    write_file(inner, "c.yaml", "steps: []\n");
    write_file(hidden, "d.yaml", "steps: []\n");

    struct diags d;
    diags_init(&d);
    char **files;
    unsigned n;
    const char *const paths[] = { folder, inner, "/nowhere/x.yaml" };
    load_find(paths, 3, &files, &n, &d);
    assert_int_equal(n, 4);
    assert_non_null(strstr(files[0], "/a.yml"));
    assert_non_null(strstr(files[1], "/b.yaml"));
    assert_non_null(strstr(files[2], "/bad.yaml"));
    assert_non_null(strstr(files[3], "/inner/c.yaml"));
    assert_int_equal(d.errors, 1);
    assert_int_equal(d.items[0].code, DIAG_FILE_UNREADABLE);

    struct registry *r = fake_registry();
    const struct load_options o = { .registry = r };
    struct pipelines all;
    pipelines_load((const char *const *)files, n, &o, &all, &d);
    assert_int_equal(all.n, 2);
    assert_string_equal(all.items[0]->name, "b");
    assert_string_equal(all.items[1]->name, "c");
    assert_ptr_equal(map_get(&all.by_name, "c", 1), all.items[1]);
    assert_int_equal(d.errors, 3);
    assert_int_equal(d.items[1].code, DIAG_PIPELINE_TWICE);
    assert_int_equal(d.items[2].code, DIAG_WRONG_TYPE);
    pipelines_free(&all);
    load_find_free(&files, n);

    const char *const tests[] = { "/tmp/x.test.yaml", hidden };
    unlink("/tmp/x.test.yaml");
    load_find(tests + 1, 1, &files, &n, &d);
    assert_int_equal(n, 1); /* asked for by name, a hidden folder is searched */
    load_find_free(&files, n);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    registry_free(&r);
    diags_fini(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tree_is_as_the_text_has_it),
        cmocka_unit_test(what_is_left_out_has_its_default),
        cmocka_unit_test(common_keys_are_read),
        cmocka_unit_test(blocks_have_their_forms),
        cmocka_unit_test(derived_ids_are_short_and_unique),
        cmocka_unit_test(the_revision_follows_the_text),
        cmocka_unit_test(folders_are_searched_and_names_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
