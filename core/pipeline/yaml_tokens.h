/* pipeline/yaml_tokens.h - a YAML text as the row of its tokens, for who lays it out anew.
 *
 * The tree of yaml.h forgets what has no meaning: which bracket, which anchor, which blank. A
 * token knows its bytes, and what stands between two tokens is blanks, indicators, anchors and
 * comments. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_YAML_TOKENS_H
#define PIPELINE_YAML_TOKENS_H

#include "pipeline/yaml.h"

enum yaml_token_kind {
    YAML_TOKEN_MAP,
    YAML_TOKEN_LIST,
    YAML_TOKEN_END, /* of a list or map */
    YAML_TOKEN_SCALAR,
    YAML_TOKEN_ALIAS
};

struct yaml_token {
    enum yaml_token_kind kind;
    enum yaml_style style; /* of a scalar */
    bool anchored;         /* an anchor stands before it */
    size_t start;          /* scalars with their quotes, aliases with their star; a block scalar
                              begins at its text */
    size_t end; /* as START: no text, a value that was left out; of a list or map too */
};

/* The tokens of what yaml_read accepted, in order of the text; the caller frees the array. */
struct yaml_token *yaml_tokens(const struct yaml *y, size_t *ret_n);

#endif
