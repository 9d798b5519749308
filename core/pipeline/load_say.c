/* pipeline/load_say.c - diagnostics of the loader, and the sites that it notes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/encode.h"
#include "base/units.h"
#include "pipeline/loading.h"
#include "pipeline/owned.h"

static void
say(struct loading *l, struct mark mark, enum diag_code code, const char *hint,
    const char *text)
{
    diags_add(l->d, l->yaml->file, mark, yaml_line(l->yaml, mark.line), code, hint, "%s", text);
}

void
load_say(struct loading *l, const struct yaml_node *n, enum diag_code code, const char *hint,
         const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    say(l, n->mark, code, hint, text);
}

void
load_say_at(struct loading *l, struct mark mark, enum diag_code code, const char *hint,
            const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    say(l, mark, code, hint, text);
}

int
clip_len(struct weir_text text)
{
    return (int)utf8_prefix(text, 60);
}

void
load_site(struct loading *l, const struct yaml_node *n, const struct part *part)
{
    struct site *s = own_alloc(l->p, sizeof *s);
    s->yaml = n;
    s->part = part;
    if (l->sites->end == NULL)
        l->sites->end = &l->sites->first;
    *l->sites->end = s;
    l->sites->end = &s->next;
}

void
hint_nearest(struct weir_text text, const struct weir_text *names, size_t n, char *ret,
             size_t room)
{
    int i = nearest(text, names, n);
    ret[0] = '\0';
    if (i >= 0)
        (void)snprintf(ret, room, "did you mean '%.*s'?", CLIP(names[i]));
}
