/* pipeline/yaml_error.c - what is said where the text is no YAML.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "pipeline/yaml_impl.h"

/* What libfyaml says, in words of authors. */
static const char *
plain_words(const char *said)
{
    static const struct {
        const char *said;
        const char *means;
    } words[] = {
        { "invalid nested block mapping on the same line",
          "a second ': ' in one line; a text that holds ': ' needs quotes" },
        { "invalid multiline plain key",
          "the indentation doesn't fit, or a ':' is missing on the line above" },
        { "wrongly indented double-quoted scalar", "the double quote is not closed" },
        { "double-quoted scalar without closing quote", "the double quote is not closed" },
        { "wrongly indented single-quoted scalar", "the single quote is not closed" },
        { "single-quoted scalar without closing quote", "the single quote is not closed" },
        { "missing comma in flow mapping", "a ',' or '}' is missing" },
        { "missing comma in flow sequence", "a ',' or ']' is missing" },
        { "flow sequence without a closing bracket", "a ']' is missing" },
        { "flow mapping without a closing brace", "a '}' is missing" },
        { "invalid indentation in mapping", "the indentation fits no line above" },
        { "invalid indentation in sequence", "the indentation fits no line above" },
        { "invalid value after mapping", "the indentation doesn't fit the lines above" },
        { "did not find expected '-' indicator", "the indentation fits no line above" },
        { "invalid document indent", "the indentation doesn't fit the lines above" },
    };
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].said, said) == 0)
            return words[i].means;
    return said;
}

/* Whether the line, or the one above it, holds a bare expression that YAML can't read. */
static bool
quote_error(const struct yaml *y, struct diags *d, unsigned line)
{
    struct buf hint;
    buf_init(&hint, 4096);
    bool found = false;
    for (unsigned i = line; !found && i > 0 && i + 1 >= line; i--) {
        struct mark mark = { .line = i };
        const char *text = yaml_line(y, i);
        found = text != NULL && yaml_quoted(text, &mark, &hint);
        if (found)
            diags_add(d, y->file, mark, text, DIAG_EXPR_QUOTE, hint.bytes,
                      "YAML can't read a bare expression here; it must be quoted");
    }
    buf_fini(&hint);
    return found;
}

void
yaml_syntax_error(struct yaml *y, struct diags *d, struct mark mark, const char *said)
{
    if (mark.line > y->n_lines)
        mark.line = y->n_lines;
    if (quote_error(y, d, mark.line))
        return;
    bool tab = strstr(said, "tab character") != NULL || strstr(said, "invalid tab") != NULL;
    diags_add(d, y->file, mark, yaml_line(y, mark.line), tab ? DIAG_YAML_TAB : DIAG_YAML_SYNTAX,
              NULL, "%s", tab ? "a tab in the indentation" : plain_words(said));
}
