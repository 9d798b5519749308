/* pipeline/settings_impl.h - what the files of the settings share with each other only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_SETTINGS_IMPL_H
#define PIPELINE_SETTINGS_IMPL_H

#include "pipeline/require.h"
#include "pipeline/settings.h"
#include "pipeline/settings_table.h"
#include "pipeline/yaml.h"

enum setting_type {
    SETTING_TEXT,
    SETTING_SECRET,
    SETTING_ADDRESSES,
    SETTING_RANGES,
    SETTING_FILES,
    SETTING_COUNT,
    SETTING_BYTES,
    SETTING_DURATION,
    SETTING_PERCENT,
    SETTING_BOOL,
    SETTING_CHOICE
};

struct setting {
    const char *key;
    enum setting_type type;
    const char *fallback;
    const char *range;
    const char *summary;
};

extern const struct setting setting_table[];
extern const unsigned n_settings;

/* What a setting is set to: its text, and what that means. */
struct setting_value {
    char *text; /* owned */
    uint64_t number;
    double fraction;
};

/* Reads TEXT as the setting T wants it; *ret is written on success only. */
enum weir_code setting_parse(const struct setting *t, const char *text,
                             struct setting_value *ret, struct weir_error *err) MUST_USE;

/* The place of a key in the table, or -1. */
int setting_find(struct weir_text key);

/* "did you mean 'edge.listen'?" or an empty text. */
void setting_nearest(struct weir_text key, char *ret, size_t room);

/* "WEIR_EDGE_LISTEN" */
void setting_environment(const struct setting *t, char *ret, size_t room);

/* "duration", for people. */
const char *setting_type_name(enum setting_type type);

/* Whether it may be a list in weir.yaml, and stands for one separated by commas. */
bool setting_is_list(enum setting_type type);

/* Sets the resources to N, a map of the file Y, which is taken. */
void settings_take_resources(struct settings *s, struct yaml *take_y, const struct yaml_node *n);

/* Sets what is required; it is taken. */
void settings_take_require(struct settings *s, struct require *take_r);

/* The file that they stand in, and where in it; NULL: there are none. */
struct yaml *settings_yaml(const struct settings *s, const struct yaml_node **ret_resources);

#endif
