/* cli/expr.c - weir expr: evaluates one expression. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/event_file.h"
#include "cli/setup.h"
#include "expr/expr.h"
#include "expr/functions.h"

/* The names that an expression sees here. */
struct names {
    const struct weir_value *request;
};

static enum weir_code
find_env(const struct weir_text *path, unsigned n, struct weir_value *ret, unsigned *used)
{
    char name[256];
    *used = 2;
    if (n < 2 || path[1].len >= sizeof name)
        return WEIR_NOT_FOUND;
    memcpy(name, path[1].bytes, path[1].len);
    name[path[1].len] = '\0';
    const char *value = getenv(name);
    if (value == NULL)
        return WEIR_NOT_FOUND;
    *ret = (struct weir_value){ .type = WEIR_STRING, .len = (uint32_t)strlen(value), .bytes = value };
    return WEIR_OK;
}

static enum weir_code
find(struct expr_env *env, const struct expr_path *path, struct weir_value *ret, unsigned *used,
     struct weir_error *err)
{
    const struct names *names = env->arg;
    struct weir_text name = path->keys[0];
    const struct weir_value *v = NULL;
    *used = 1;
    if (text_is(name, "request"))
        v = names->request;
    else if (text_is(name, "input"))
        v = value_field(names->request, "body");
    else if (text_is(name, "env"))
        return find_env(path->keys, path->n, ret, used);
    else if (text_is(name, "steps") || text_is(name, "vars"))
        v = &value_empty_map;
    else
        return err_set(err, WEIR_SCRIPT, "unknown name '%.*s'; here are request, input and env", (int)name.len,
                       name.bytes);
    if (v == NULL)
        return WEIR_NOT_FOUND;
    *ret = *v;
    return WEIR_OK;
}

/* The text of the expression, without ${ } if it has one around it. */
static struct weir_text
inner(const char *word)
{
    size_t len = strlen(word);
    if (len > 3 && word[0] == '$' && word[1] == '{' && word[len - 1] == '}')
        return (struct weir_text){ word + 2, len - 3 };
    return (struct weir_text){ word, len };
}

/* Prints the line of TEXT that has the byte at OFFSET, and under it a caret and MESSAGE. */
static void
point(struct weir_text text, size_t offset, const char *message)
{
    size_t begin = offset, end = offset;
    while (begin > 0 && text.bytes[begin - 1] != '\n')
        begin--;
    while (end < text.len && text.bytes[end] != '\n')
        end++;
    fprintf(stderr, "%.*s\n", (int)(end - begin), text.bytes + begin);
    for (size_t i = begin; i < offset; i++)
        if (((unsigned char)text.bytes[i] & 0xc0) != 0x80) /* one column for each code point */
            fputc(text.bytes[i] == '\t' ? '\t' : ' ', stderr);
    fprintf(stderr, "^ %s\n", message);
}

/* Whether all names are known here; the first that is not is shown. */
struct look {
    struct weir_text text;
    bool unknown;
};

static void
look_at(void *arg, const struct expr_access *access)
{
    static const char *const known[] = { "request", "input", "env", "steps", "vars" };
    struct look *l = arg;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (l->unknown || text_is(access->path[0], known[i]))
            return;
    char message[128];
    snprintf(message, sizeof message, "unknown name '%.*s'; here are request, input and env",
             (int)(access->path[0].len < 64 ? access->path[0].len : 64), access->path[0].bytes);
    l->unknown = true;
    point(l->text, access->places[0].offset, message);
}

static int
evaluate(const char *word, struct event_file *f)
{
    struct expr *e = NULL;
    struct expr_place place = { 0 };
    struct weir_error err = { 0 };
    struct weir_text text = inner(word);
    if (expr_parse(text, &e, &place, &err) != WEIR_OK) {
        point(text, place.offset, err.text);
        return EXIT_WRONG;
    }
    struct look look = { .text = text };
    expr_each_access(e, look_at, &look);
    if (look.unknown) {
        expr_free(&e);
        return EXIT_WRONG;
    }
    struct names names = { .request = event_file_request(f) };
    struct expr_env env = { .find = find, .now_ms = expr_now_ms, .uuid = expr_uuid, .arg = &names };
    const struct weir_value *v = NULL;
    enum weir_code code = expr_eval(e, &env, &v, &err);
    if (code == WEIR_OK)
        print_value(v);
    else if (code == WEIR_NOT_FOUND)
        fprintf(stderr, "the result is absent\n");
    else
        fprintf(stderr, "%s\n", err.text);
    value_unref(&v);
    value_unref(&names.request);
    expr_free(&e);
    return code == WEIR_OK ? EXIT_GOOD : EXIT_WRONG;
}

static int
list_functions(bool json)
{
    const struct expr_function *f;
    struct weir_builder *list = builder_list();
    for (unsigned i = 0; json && (f = expr_function_at(i)) != NULL; i++) {
        struct weir_builder *b = builder_map();
        builder_take(b, "name", value_text(f->name));
        builder_take(b, "usage", value_text(f->usage));
        builder_take(b, "summary", value_text(f->summary));
        const struct weir_value *v = builder_end(&b);
        builder_add(list, &v);
    }
    const struct weir_value *all = builder_end(&list);
    if (json)
        print_value(all);
    value_unref(&all);
    if (json)
        return EXIT_GOOD;
    for (unsigned i = 0; (f = expr_function_at(i)) != NULL; i++)
        printf("%-36s %s\n", f->usage, f->summary);
    return EXIT_GOOD;
}

static int
run(const struct args *a)
{
    if (args_given(a, "functions"))
        return list_functions(args_given(a, "json"));
    if (a->n_words == 0) {
        fprintf(stderr, "weir expr: which expression? weir expr '1 + 2'\n");
        return EXIT_USAGE;
    }
    struct event_file f;
    int code = EXIT_USAGE;
    if (event_file_read(&f, args_text(a, "event")))
        code = evaluate(a->words[0], &f);
    event_file_fini(&f);
    return code;
}

static const struct option options[] = {
    { 'e', "event", "FILE", "a JSON file with the event that request stands for (-: standard input)" },
    { 0, "functions", NULL, "list all functions and macros" },
    { 0, "json", NULL, "functions: as JSON" },
};

const struct command command_expr = {
    .name = "expr",
    .summary = "evaluate an expression against an event",
    .usage = "'EXPRESSION' [--event FILE]",
    .description = "Prints the result as JSON. The names are request, input (its body) and env. The event is\n"
                   "the JSON object that weir try takes too (weir try --help); without one the request is\n"
                   "empty. ${ } around the expression may be left out. An error is shown under its caret.\n\n"
                   "With --functions --json: a list of { name, usage, summary }.\n",
    .examples = "  weir expr \"'a,b'.split(',').map(x, upperAscii(x))\"\n"
                "  weir expr 'request.body.items.size() > 3' --event order.json\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 1,
    .words = "",
    .exits = "0 good, 1 the expression is wrong or its result absent, 2 used wrongly",
    .run = run,
};
