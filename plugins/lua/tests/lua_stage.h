/* lua/tests/lua_stage.h - pipelines around a script: what the tests of scripts have in common.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LUA_TESTS_LUA_STAGE_H
#define LUA_TESTS_LUA_STAGE_H

#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Puts a pipeline on the stage whose one node runs SCRIPT; MORE are further keys of the node.
 */
static inline void
load_with(const char *script, const char *more)
{
    char yaml[16384];
    size_t len = (size_t)snprintf(
        yaml, sizeof yaml,
        "name: scripts\ntrigger: { webhook: /x }\nsteps:\n"
        "  - id: before\n    set: { seen: 7 }\n"
        "  - if: ${ request.raw.size() > 0 }\n    set: ${ request.body }\n"
        "  - id: it\n%s    uses:\n"
        "      up: { set: \"${ input }\" }\n"
        "      slow: { delay: 1h }\n"
        "      wrong: { set: \"${ input.absent }\" }\n"
        "      pause: { delay: \"${ input }ms\" }\n"
        "    lua:\n%s%s      script: |\n",
        strncmp(more, "    ", 4) == 0 && more[4] != ' ' ? more : "",
        strncmp(more, "      ", 6) == 0 ? more : "",
        strstr(more, "max_time") ? ""
                                 : "      max_time: 20s\n"); /* however slow the machine is */
    for (const char *line = script; *line;
         line += strcspn(line, "\n") + (strchr(line, '\n') != NULL))
        len += (size_t)snprintf(yaml + len, sizeof yaml - len, "        %.*s\n",
                                (int)strcspn(line, "\n"), line);
    stage_load(yaml, NULL);
}

static inline void
gives(const char *script, const char *body, const char *answer)
{
    load_with(script, "");
    stage_expect("POST /x", body, 200, answer);
}

/* The script fails with STATUS and a text in which PART stands. */
static inline void
fails(const char *script, const char *body, unsigned status, const char *part)
{
    load_with(script, "");
    struct play *p = stage_play("POST /x", body);
    if (p->status != status || strstr(p->body, part) == NULL)
        fail_msg("%s\n is answered %u %s\n instead of %u %s", script, p->status, p->body,
                 status, part);
    stage_end(&p);
}

#endif
