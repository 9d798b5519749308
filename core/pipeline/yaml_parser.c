/* pipeline/yaml_parser.c - libfyaml, set up to keep quiet and to stop at nothing but mistakes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <libfyaml.h>
#include <stdlib.h>

#include "pipeline/yaml_impl.h"

/* libfyaml prints to stderr unless it has another place to go; errors are collected besides. */
static void
no_output(struct fy_diag *diag, void *user, const char *text, size_t len)
{
    (void)diag;
    (void)user;
    (void)text;
    (void)len;
}

struct fy_parser *
yaml_parser_open(const struct yaml *y, struct fy_diag **ret_diag)
{
    struct fy_diag_cfg quiet;
    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    quiet.output_fn = no_output;
    quiet.colorize = false;
    struct fy_diag *diag = fy_diag_create(&quiet);
    if (diag == NULL)
        abort();
    fy_diag_set_collect_errors(diag, true);
    const struct fy_parse_cfg how = {
        .flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE |
                 FYPCF_DISABLE_DEPTH_LIMIT,
        .diag = diag,
    };
    struct fy_parser *parser = fy_parser_create(&how);
    if (parser == NULL || fy_parser_set_string(parser, y->text.bytes, y->text.len) != 0)
        abort();
    *ret_diag = diag;
    return parser;
}
