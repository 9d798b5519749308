/* pipeline/yaml_check.c - what is checked of a file before a parser sees it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/encode.h"
#include "pipeline/yaml_impl.h"

/* Copies TEXT without a byte order mark and without the CR of CR LF. */
static void
copy_lines(struct yaml *y, struct weir_text text)
{
    if (text.len >= 3 && memcmp(text.bytes, "\xef\xbb\xbf", 3) == 0)
        text = (struct weir_text){ text.bytes + 3, text.len - 3 };
    char *copy = yaml_alloc(y, text.len + 1);
    size_t len = 0;
    unsigned n = 1;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        if (c == '\r' && i + 1 < text.len && text.bytes[i + 1] == '\n')
            continue;
        n += c == '\n';
        copy[len++] = c;
    }
    y->text = (struct weir_text){ copy, len };

    y->lines = yaml_alloc(y, n * sizeof *y->lines);
    y->n_lines = 1;
    for (size_t i = 0; i < len; i++)
        if (copy[i] == '\n')
            y->lines[y->n_lines++] = i + 1;
}

static bool
is_control(uint32_t c)
{
    return (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c <= 0x9f) || c == 0xfffe ||
           c == 0xffff;
}

static bool
check_characters(struct yaml *y, struct diags *d)
{
    for (size_t at = 0; at < y->text.len;) {
        size_t start = at;
        uint32_t c = utf8_next(y->text, &at);
        if (c == UINT32_MAX) {
            yaml_report(y, d, start, at, DIAG_YAML_UTF8, "byte 0x%02x is not UTF-8",
                        (unsigned)(unsigned char)y->text.bytes[start]);
            return false;
        }
        if (c == '\r') {
            yaml_report(y, d, start, at, DIAG_YAML_CONTROL,
                        "a carriage return without a line feed");
            return false;
        }
        if (is_control(c)) {
            yaml_report(y, d, start, at, DIAG_YAML_CONTROL, "control character U+%04X",
                        (unsigned)c);
            return false;
        }
    }
    return true;
}

/* The length of line I without its line feed. */
static size_t
line_len(const struct yaml *y, unsigned i)
{
    size_t end = i + 1 < y->n_lines ? y->lines[i + 1] - 1 : y->text.len;
    return end - y->lines[i];
}

/* A tab as first character is never the content of a scalar; behind blanks it may be. */
static bool
check_tabs(struct yaml *y, struct diags *d)
{
    bool good = true;
    for (unsigned i = 0; i < y->n_lines; i++) {
        const char *line = y->text.bytes + y->lines[i];
        size_t len = line_len(y, i);
        size_t blank = 0;
        while (blank < len && (line[blank] == ' ' || line[blank] == '\t'))
            blank++;
        if (blank == len || line[0] != '\t')
            continue;
        yaml_report(y, d, y->lines[i], y->lines[i] + blank, DIAG_YAML_TAB,
                    "a tab in the indentation");
        good = false;
    }
    return good;
}

/* Directives can only stand before the first line of content. */
static bool
check_directives(struct yaml *y, struct diags *d)
{
    for (unsigned i = 0; i < y->n_lines; i++) {
        const char *line = y->text.bytes + y->lines[i];
        size_t len = line_len(y, i);
        size_t blank = 0;
        while (blank < len && line[blank] == ' ')
            blank++;
        if (blank == len || line[blank] == '#')
            continue;
        if (line[0] != '%')
            return true;
        yaml_report(y, d, y->lines[i], y->lines[i] + len, DIAG_YAML_DOCUMENTS,
                    "a YAML directive; the file is read as YAML 1.2");
        return false;
    }
    return true;
}

bool
yaml_check(struct yaml *y, struct weir_text text, struct diags *d)
{
    if (text.len > YAML_MAX) {
        diags_add(d, y->file, (struct mark){ 0 }, NULL, DIAG_FILE_SIZE, NULL,
                  "%zu bytes; a file has at most 1 MiB", text.len);
        return false;
    }
    copy_lines(y, text);
    if (!check_characters(y, d))
        return false;
    bool good = check_tabs(y, d);
    return check_directives(y, d) && good;
}
