/* pipeline/model.c - see model.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/owned.h"

#define NAME_MAX_LEN 64

static bool
name_valid(struct weir_text name, const char *more)
{
    if (name.len == 0 || name.len > NAME_MAX_LEN || name.bytes[0] < 'a' || name.bytes[0] > 'z')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.bytes[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                    (c != '\0' && strchr(more, c) != NULL);
        if (!good)
            return false;
    }
    return true;
}

bool
pipeline_name_valid(struct weir_text name)
{
    return name_valid(name, "_-");
}

bool
node_id_valid(struct weir_text id)
{
    return name_valid(id, "_");
}

enum weir_effect
node_effect(const struct node *n)
{
    if (n->effect_given)
        return (enum weir_effect)n->effect;
    const struct weir_node_type *t = &n->type->abi;
    uint32_t worst = t->effect_of ? t->effect_of(n->config_value) : t->effect;
    for (unsigned i = 0; i < n->n_children; i++) {
        const struct block *b = n->children[i].block;
        for (unsigned k = 0; b && k < b->n; k++) {
            uint32_t effect = node_effect(b->nodes[k]);
            worst = effect > worst ? effect : worst;
        }
    }
    return (enum weir_effect)worst;
}

const struct node *
pipeline_node(const struct pipeline *p, struct weir_text id)
{
    return map_get(&p->ids, id.bytes, id.len);
}

/* The line of that number in P's text; NULL if there is none. */
static const char *
line_at(const struct pipeline *p, unsigned line)
{
    const char *at = p->text;
    for (unsigned i = 1; i < line && at != NULL; i++) {
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    return line > 0 ? at : NULL;
}

/* The number of the line that ends in | or |-, under which the block of lines begins whose first text
 * stands in line FIRST; 0: there is no such block. */
static unsigned
block_header(const struct pipeline *p, unsigned first)
{
    for (unsigned line = first; line-- > 1;) {
        const char *text = line_at(p, line);
        size_t len = text ? strcspn(text, "\n") : 0;
        while (len > 0 && strchr(" \t\r+-0123456789", text[len - 1]) != NULL)
            len--;
        if (len > 0)
            return text[len - 1] == '|' ? line : 0;
    }
    return 0;
}

struct mark
pipeline_line_mark(const struct pipeline *p, struct mark mark, int64_t line)
{
    unsigned header = block_header(p, mark.line);
    const char *first = line_at(p, mark.line);
    if (header == 0 || first == NULL || strspn(first, " ") + 1 != mark.column || line < 1 || line > UINT16_MAX)
        return mark;
    struct mark ret = { header + (unsigned)line, 1, 0 };
    const char *text = line_at(p, ret.line);
    if (text == NULL)
        return mark;
    size_t blanks = strspn(text, " "), len = strcspn(text, "\r\n");
    ret.column = (unsigned)blanks + 1;
    for (size_t i = blanks; i < len; i++)
        ret.len += (text[i] & 0xc0) != 0x80;
    ret.len = ret.len > 0 ? ret.len : 1;
    return ret;
}

void
pipeline_diag(const struct pipeline *p, struct mark mark, struct diags *d, enum diag_code code,
              const char *hint, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    diags_add(d, p->file, mark, line_at(p, mark.line), code, hint, "%s", text);
}

void
pipeline_free(struct pipeline **p)
{
    if (*p == NULL)
        return;
    owned_free(*p);
    marks_free(&(*p)->marks);
    map_fini(&(*p)->ids);
    arena_fini(&(*p)->arena);
    free(*p);
    *p = NULL;
}
