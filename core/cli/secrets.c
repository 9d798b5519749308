/* cli/secrets.c - weir secrets: which there are, and where they come from.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/setup.h"
#include "cli/table.h"

/* "encrypted, aws": the weaker sources that have the name, too. */
static void
sources_text(unsigned sources, char *ret, size_t room)
{
    size_t used = 0;
    ret[0] = '\0';
    for (unsigned i = 0; i < SECRET_SOURCE_COUNT; i++)
        if (sources & 1u << i && used < room)
            used += (size_t)snprintf(ret + used, room - used, "%s%s", used ? ", " : "",
                                     secret_source_name((enum secret_source)i));
}

static const struct weir_value *
info_value(const struct secret_info *info)
{
    struct weir_builder *b = builder_map(), *hides = builder_list();
    const struct weir_value *v = value_string(info->name.bytes, info->name.len);
    builder_set(b, "name", 4, &v);
    v = value_text(secret_source_name(info->source));
    builder_set(b, "source", 6, &v);
    v = value_text(info->place);
    builder_set(b, "place", 5, &v);
    for (unsigned i = 0; i < SECRET_SOURCE_COUNT; i++)
        if (info->hides & 1u << i) {
            v = value_text(secret_source_name((enum secret_source)i));
            builder_add(hides, &v);
        }
    v = builder_end(&hides);
    builder_set(b, "also_in", 7, &v);
    builder_put(b, "hidden", info->hidden ? &value_true : &value_false);
    return builder_end(&b);
}

static void
print_list_json(const struct secrets *s)
{
    struct secret_info info;
    struct weir_builder *b = builder_list();
    for (unsigned i = 0; secrets_info(s, i, &info); i++) {
        const struct weir_value *v = info_value(&info);
        builder_add(b, &v);
    }
    const struct weir_value *all = builder_end(&b);
    print_value(all);
    value_unref(&all);
}

static void
print_list(const struct secrets *s)
{
    struct secret_info info;
    struct table t;
    char also[128];
    if (!secrets_info(s, 0, &info)) {
        fprintf(stderr, "no secrets: set WEIR_SECRET_NAME, or weir secrets set NAME\n");
        return;
    }
    table_headed(&t, "NAME|SOURCE|PLACE|NOTE", colour_wanted(STDOUT_FILENO));
    for (unsigned i = 0; secrets_info(s, i, &info); i++) {
        table_add(&t, info.name, NULL);
        table_add(&t, text_of(secret_source_name(info.source)), NULL);
        table_add(&t, text_of(info.place), NULL);
        sources_text(info.hides, also, sizeof also);
        if (info.hidden)
            table_printf(&t, "not read: the name in capitals is in a stronger source");
        else
            table_printf(&t, "%s%s%s", *also ? "also in " : "", also, *also ? ", which is weaker" : "");
    }
    table_print(&t);
}

static int
list(const struct args *a)
{
    struct setup s;
    int code = EXIT_USAGE;
    if (setup_settings(&s, a)) {
        setup_secrets(&s, &s.diags);
        print_diags(&s.diags, false); /* the rest is listed all the same */
        if (args_given(a, "json"))
            print_list_json(s.secrets);
        else
            print_list(s.secrets);
        code = s.diags.errors > 0 ? EXIT_WRONG : EXIT_GOOD;
    }
    setup_end(&s);
    return code;
}

static int
run(const struct args *a)
{
    const char *verb = a->n_words > 0 ? a->words[0] : "list";
    if (strcmp(verb, "list") == 0)
        return list(a);
    fprintf(stderr, "weir secrets: '%.60s' is not list\n", verb);
    return EXIT_USAGE;
}

static const struct option options[] = {
    { 0, "json", NULL, "print the list as JSON" },
    SETUP_OPTIONS,
};

const struct command command_secrets = {
    .name = "secrets",
    .summary = "see which secrets there are, and which source each is from",
    .usage = "[list] [--json]",
    .description =
        "list: what secrets.NAME would give here and now, with its source, never with its value. The\n"
        "sources, strongest first: environment (WEIR_SECRET_NAME), file (WEIR_SECRET_NAME_FILE),\n"
        "credentials (the file NAME in $CREDENTIALS_DIRECTORY, as systemd's LoadCredential= makes it).\n",
    .examples = "  weir secrets\n  weir secrets list --json | jq -r '.[].name'\n",
    .exits = "0 good, 1 a source can't be read, 2 used wrongly",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 2,
    .words = "list",
    .run = run,
};
