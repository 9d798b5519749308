/* cli/commands.h - the commands, each in a file of its name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/args.h"

extern const struct command command_run;
extern const struct command command_check;
extern const struct command command_test;
extern const struct command command_fmt;
extern const struct command command_graph;
extern const struct command command_import;
extern const struct command command_new;
extern const struct command command_explain;
extern const struct command command_try;
extern const struct command command_test;
extern const struct command command_nodes;
extern const struct command command_expr;
extern const struct command command_tail;
extern const struct command command_breakers;
extern const struct command command_limits;
extern const struct command command_jobs;
extern const struct command command_replay;
extern const struct command command_batches;
extern const struct command command_pause;
extern const struct command command_resume;
extern const struct command command_pauses;
extern const struct command command_incidents;
extern const struct command command_audit;
extern const struct command command_store;
extern const struct command command_cert;
extern const struct command command_secrets;
extern const struct command command_keys;
extern const struct command command_reload;
extern const struct command command_drain;
extern const struct command command_version;
extern const struct command command_completion;
extern const struct command command_man;

/* The command line as it came, for who starts this program again. */
extern char *const *program_argv;

/* All of them, in the order in which they are listed: main.c. */
const struct command *const *commands_all(unsigned *ret_n);

#endif
