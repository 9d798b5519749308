/* lua/show.c - an error of a script with its line: see tester.h. SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tester.h"

#define SHOWN 200 /* bytes of a line */

/* The line that TEXT, which is NAME:LINE: WHY, names, if NAME is that of PATH; else 0. */
static unsigned long
line_of(const char *text, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *colon = strchr(text, ':');
    size_t len = strlen(name);
    if (colon == NULL || (size_t)(colon - text) < len || memcmp(colon - len, name, len) != 0 ||
        !isdigit((unsigned char)colon[1]))
        return 0;
    return strtoul(colon + 1, NULL, 10);
}

/* Whether the source up to END stops for the same reason as all of it: TEXT ends with it. */
static bool
stops_within(lua_State *L, const char *source, const char *end, const char *text)
{
    bool same = false;
    if (luaL_loadbufferx(L, source, (size_t)(end - source), "=x", "t") != LUA_OK) {
        const char *why = lua_tostring(L, -1);
        const char *mine = why ? strrchr(why, ':') : NULL, *theirs = strrchr(text, ':');
        same = mine && theirs && strcmp(mine, theirs) == 0;
    }
    lua_pop(L, 1);
    return same;
}

/* Where in LINE of SOURCE the token stands of which TEXT says: near 'TOKEN'; NULL: not known. */
static const char *
token_at(lua_State *L, const char *source, const char *line, size_t len, const char *text, size_t *ret_len)
{
    const char *near = strstr(text, " near '");
    size_t n = near ? strlen(near + 7) : 0;
    if (n < 2 || near[7 + n - 1] != '\'')
        return NULL;
    const char *token = near + 7;
    *ret_len = n - 1;
    for (const char *at = line; (at = memmem(at, (size_t)(line + len - at), token, n - 1)) != NULL; at++)
        if (stops_within(L, source, at + n - 1, text))
            return at;
    return NULL;
}

static char *
read_source(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *source = f ? malloc(SOURCE_MAX + 1) : NULL;
    size_t len = source ? fread(source, 1, SOURCE_MAX, f) : 0;
    if (source != NULL)
        source[len] = '\0';
    if (f != NULL)
        fclose(f);
    return source;
}

void
fault_show(lua_State *L, const char *path, const char *text)
{
    unsigned long number = line_of(text, path);
    char *source = number > 0 ? read_source(path) : NULL;
    const char *line = source;
    for (unsigned long i = 1; line != NULL && i < number; i++)
        line = (line = strchr(line, '\n')) != NULL ? line + 1 : NULL;
    if (line == NULL) {
        free(source);
        lua_pushstring(L, text);
        return;
    }
    size_t len = strcspn(line, "\r\n"), token = 0;
    len = len < SHOWN ? len : SHOWN;
    char shown[4 * SHOWN];
    int at = snprintf(shown, sizeof shown, "\n%5lu | %.*s", number, (int)len, line);
    const char *place = token_at(L, source, line, len, text, &token);
    if (place != NULL) {
        at += snprintf(shown + at, sizeof shown - (size_t)at, "\n      | ");
        for (const char *c = line; c < place; c++) /* a tab stays one, so that the caret stands below */
            shown[at++] = *c == '\t' ? '\t' : ' ';
        for (size_t i = 0; i < token && i < SHOWN; i++)
            shown[at++] = '^';
        shown[at] = '\0';
    }
    lua_pushfstring(L, "%s%s", text, shown);
    free(source);
}
