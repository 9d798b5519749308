/* cli/main.c - weir: finds the command and runs it. SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/units.h"
#include "cli/commands.h"
#include "net/tls_memory.h"

static const struct command *const commands[] = {
    &command_run,     &command_check,   &command_test,     &command_new,     &command_fmt,       &command_graph,
    &command_import,  &command_explain, &command_try,
    &command_nodes,     &command_expr,   &command_tail,  &command_breakers, &command_limits,
    &command_jobs,      &command_replay, &command_batches, &command_pause, &command_resume,
    &command_pauses,    &command_incidents, &command_audit, &command_store, &command_secrets, &command_keys, &command_cert,
    &command_reload,
    &command_drain,     &command_version,   &command_completion, &command_man,
};
#define COMMANDS (sizeof commands / sizeof *commands)

const struct command *const *
commands_all(unsigned *ret_n)
{
    *ret_n = COMMANDS;
    return commands;
}

static const struct command *
find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int
unknown_command(const char *name)
{
    struct weir_text names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = text_of(commands[i]->name);
    int near = nearest(text_of(name), names, COMMANDS);
    fprintf(stderr, "weir: there is no command '%s'", name);
    if (near >= 0)
        fprintf(stderr, "; did you mean '%s'?", commands[near]->name);
    fprintf(stderr, "\nTry: weir --help\n");
    return EXIT_USAGE;
}

char *const *program_argv;

int
main(int argc, char **argv)
{
    program_argv = argv;
    signal(SIGPIPE, SIG_IGN);
    tls_memory_begin();
#ifdef WEIR_FAULTS
    fault_from_environment();
#endif
    const char *name = argc > 1 ? argv[1] : "--help";
    bool help = strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0;
    if (help && argc > 2) {
        const struct command *c = find_command(argv[2]);
        if (c == NULL)
            return unknown_command(argv[2]);
        help_of(c);
        return EXIT_GOOD;
    }
    if (help) {
        help_all(commands, COMMANDS);
        return argc > 1 ? EXIT_GOOD : EXIT_USAGE;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    const struct command *c = find_command(name);
    if (c == NULL)
        return unknown_command(name);
    struct args a;
    int code;
    if (!args_read(c, argc - 2 > 0 ? argc - 2 : 0, argv + 2, &a, &code))
        return code;
    return c->run(&a);
}
