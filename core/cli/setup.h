/* cli/setup.h - what most commands start with: settings, plugins, a loaded generation; and output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include "cli/args.h"
#include "engine/generation.h"
#include "pipeline/settings.h"

/* Options that setup_settings understands; commands put them into their tables. */
#define SETUP_OPTIONS                                                                        \
    { 0, "config", "FILE", "read settings from FILE (default: weir.yaml, if there is one)" }, \
    { 0, "plugins", "FOLDER", "load plugins from FOLDER" },                                  \
    { 0, "lua", "FOLDER", "the folder with nodes/ and std/ of Lua (default: lua/ beside the pipelines)" }, \
    { 0, "set", "KEY=VALUE", "set any setting; weir explain settings lists them" }

struct setup {
    const struct args *args; /* borrowed */
    struct settings *settings;
    struct registry *registry;
    struct secrets *secrets; /* as they were read last */
    struct diags diags;
    int exit; /* what the command ends with if setup_begin gave false */
};

/* Reads settings (file, environment, flags) and loads the plugins; what is wrong goes to the
 * diagnostics. False, after printing them, if it can't go on. */
bool setup_begin(struct setup *s, const struct args *a);

/* The first part of it: settings alone, without plugins and secrets. False: a flag is wrong,
 * which was printed; S->exit says what the command ends with. */
bool setup_settings(struct setup *s, const struct args *a);

/* Reads all secrets there are, for what is loaded from now on; what can't be read goes to D. */
void setup_secrets(struct setup *s, struct diags *d);

/* Reads the settings and secrets anew, for a reload: what is wrong with them goes to D, else their resources are in
 * force from now on. The key of the first one that
 * differs from what is in force, NULL if none does; it takes effect at the next start. */
const char *setup_look_again(struct setup *s, struct diags *d);
void setup_end(struct setup *s);

/* Whether the settings name a store for jobs. */
bool setup_has_store(const struct setup *s);

/* The source of a generation with these PATHS (N 0: "pipelines"). Borrows all. */
struct generation_source setup_source(const struct setup *s, const char *const *paths, unsigned n,
                                      const struct routes_port *routes);

/* Prints the diagnostics: as text to stderr, or as a JSON document to stdout. */
void print_diags(struct diags *d, bool json);

/* Prints V as JSON with line breaks to stdout. */
void print_value(const struct weir_value *v);

/* Whether to use colours on the stream: a terminal, NO_COLOR unset, TERM not dumb. */
bool colour_wanted(int fd);

/* Reads a whole file ("-": standard input) of at most MAX bytes. NULL after printing why not. */
char *read_whole_file(const char *path, size_t max, size_t *ret_len);

#endif
