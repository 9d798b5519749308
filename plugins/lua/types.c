/* lua/types.c - see types.h. SPDX-License-Identifier: Apache-2.0 */
#include "types.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TYPES_MAX 500

/* -- folders -- */

static bool
is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* lua/ beside the folder of the pipelines, or in it. */
static void
usual_folder(char ret[PATH_MAX])
{
    char path[PATH_MAX];
    struct weir_text from = host->setting("pipelines");
    ret[0] = '\0';
    if (from.len == 0)
        return;
    snprintf(path, sizeof path, "%.*s", (int)from.len, from.bytes);
    for (size_t len = strlen(path); len > 1 && path[len - 1] == '/';)
        path[--len] = '\0';
    char *slash = strrchr(path, '/');
    if (!is_folder(path)) { /* a file: its folder */
        if (slash != NULL)
            *slash = '\0';
        else
            strcpy(path, ".");
        slash = strrchr(path, '/');
    }
    int len = snprintf(ret, PATH_MAX, "%.*slua", slash ? (int)(slash - path + 1) : 0, path);
    if (strcmp(path, ".") == 0)
        len = snprintf(ret, PATH_MAX, "../lua");
    if (len >= PATH_MAX || !is_folder(ret))
        len = snprintf(ret, PATH_MAX, "%.4000s/lua", path);
    if (len >= PATH_MAX || !is_folder(ret))
        ret[0] = '\0';
}

const char *
lua_folder(void)
{
    static char folder[PATH_MAX];
    static bool known;
    if (known)
        return folder;
    known = true;
    struct weir_text set = host->setting("lua.path");
    if (set.len > 0)
        snprintf(folder, sizeof folder, "%.*s", (int)set.len, set.bytes);
    else
        usual_folder(folder);
    return folder;
}

/* Where weir's own modules are installed, seen from the binary. */
static void
installed_std(char *ret, size_t room)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash != NULL)
        *slash = '\0';
    snprintf(ret, room, "%.4000s/" WEIR_LUA_SHARE "/std", self);
}

/* -- scripts from files -- */

static char *
copy_of(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        abort();
    return copy;
}

static void
set_folders(struct script *s, const char *path)
{
    char text[PATH_MAX + 16];
    const char *slash = strrchr(path, '/');
    snprintf(text, sizeof text, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    s->folders[0] = copy_of(text);
    if (lua_folder()[0] != '\0')
        snprintf(text, sizeof text, "%s/std", lua_folder());
    s->folders[1] = copy_of(text);
    installed_std(text, sizeof text);
    s->folders[2] = copy_of(text);
}

char *
shown_path(const char *path)
{
    const char *folder = lua_folder(), *at = strrchr(path, '/');
    size_t len = strlen(folder);
    at = at ? at + 1 : path;
    if (len > 0 && strncmp(path, folder, len) == 0 && path[len] == '/') {
        const char *name = strrchr(folder, '/');
        at = path + (name ? name + 1 - folder : 0);
    }
    char *shown = malloc(strlen(at) + 2);
    if (shown == NULL)
        abort();
    shown[0] = '@';
    strcpy(shown + 1, at);
    return shown;
}

struct script *
script_from_file(const char *path, struct weir_error *err)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        refuse(err, WEIR_NOT_FOUND, "%s can't be read", path);
        return NULL;
    }
    char *source = malloc(SOURCE_MAX + 1);
    if (source == NULL)
        abort();
    size_t len = fread(source, 1, SOURCE_MAX + 1, f);
    fclose(f);
    if (len > SOURCE_MAX) {
        refuse(err, WEIR_TOO_LARGE, "%s has more than %u bytes", path, SOURCE_MAX);
        free(source);
        return NULL;
    }
    struct script *s = zeroed(1, sizeof *s);
    s->source = source;
    s->len = len;
    s->name = shown_path(path);
    s->limits = script_default_limits;
    set_folders(s, path);
    return s;
}

/* -- types -- */

/* The schema of the options as JSON text: as the file has it, closed and with a description. */
static char *
schema_text(const struct weir_value *given)
{
    struct weir_builder *b = host->map_new();
    struct weir_text key;
    const struct weir_value *v;
    map_take(b, WEIR_TEXT("description"), host->string(WEIR_TEXT("Options of the node.")));
    map_take(b, WEIR_TEXT("type"), host->string(WEIR_TEXT("object")));
    map_take(b, WEIR_TEXT("additionalProperties"), host->boolean(false));
    for (size_t i = 0; given != NULL && host->member(given, i, &key, &v); i++)
        map_take(b, key, host->ref(v));
    struct weir_error err = { 0 };
    const struct weir_value *text = NULL;
    v = host->build(&b);
    char *copy = NULL;
    struct weir_text t;
    if (host->json_write(v, &text, &err) == WEIR_OK && host->get_text(text, &t))
        copy = text_copied(t);
    host->unref(&text);
    host->unref(&v);
    return copy;
}

/* Fills in what the file of TYPE says of itself; or its fault. */
static uint32_t
describe(struct weir_node_type *type, const char *path, struct weir_error *err)
{
    struct script *s = script_from_file(path, err);
    struct vm *vm = s ? vm_begin(s, LOAD_MS, err) : NULL;
    const struct weir_value *given = NULL;
    if (vm != NULL && vm_load(vm, UINT64_MAX, err) != LOADED) {
        type->flags |= vm->module ? WEIR_ASIDE : 0;
    } else if (vm != NULL && node_check(vm->L, err) == WEIR_OK &&
               node_schema(vm->L, &given, err) == WEIR_OK) {
        type->config_schema = schema_text(given);
        node_describe(vm->L, type);
    }
    host->unref(&given);
    vm_free(&vm);
    script_free(s);
    return err->code;
}

/* Why a file of that name can't be a type, whatever is in it; NULL: it can. */
static const char *
fault_of_name(const char *file)
{
    size_t len = strlen(file);
    if (len >= 9 && strcmp(file + len - 9, "_test.lua") == 0)
        return "what ends in _test.lua is the tests of another file; give it another name";
    if (len > 68)
        return "its name is too long for a type: 64 letters at most";
    if (file[0] < 'a' || file[0] > 'z' ||
        strspn(file, "abcdefghijklmnopqrstuvwxyz0123456789_") != len - 4)
        return "the name of a type has the letters a-z, digits and _, and begins with a letter";
    return NULL;
}

static void
add_type(struct weir_node_type *type, const char *folder, const char *file)
{
    char path[2 * PATH_MAX];
    struct weir_error err = { 0 };
    snprintf(path, sizeof path, "%s/%s", folder, file);
    *type = (struct weir_node_type){ .size = sizeof *type,
                                     .flags = WEIR_USES,
                                     .name = strndup(file, strlen(file) - 4),
                                     .file = copy_of(path),
                                     .fault = fault_of_name(file),
                                     .open = script_open,
                                     .attach = engine_attach,
                                     .run = engine_run,
                                     .cancel = engine_cancel,
                                     .detach = engine_detach,
                                     .close = script_close };
    if (type->fault != NULL)
        type->flags |= WEIR_ASIDE; /* a module may have such a name */
    else if (describe(type, path, &err) != WEIR_OK)
        type->fault = copy_of(err.text);
    host->unref(&err.detail);
}

static int
is_lua(const struct dirent *d)
{
    size_t len = strlen(d->d_name);
    return len > 4 && d->d_name[0] != '.' && strcmp(d->d_name + len - 4, ".lua") == 0;
}

static struct weir_node_type types[TYPES_MAX + 1];
static uint32_t n_types;

bool
types_has_options(const char *name, const struct weir_value *options)
{
    bool same = false;
    char *text = schema_text(options);
    for (uint32_t i = 0; text != NULL && i < n_types; i++)
        if (strcmp(types[i].name, name) == 0 && types[i].config_schema != NULL)
            same = strcmp(types[i].config_schema, text) == 0;
    free(text);
    return same;
}

bool
types_missing(struct weir_text name, char *ret, size_t room)
{
    char path[PATH_MAX + 100];
    if (lua_folder()[0] == '\0' || name.len > 64 || memchr(name.bytes, '/', name.len) != NULL)
        return false;
    snprintf(path, sizeof path, "%s/nodes/%.*s.lua", lua_folder(), (int)name.len, name.bytes);
    if (access(path, R_OK) != 0)
        return false;
    snprintf(ret, room, "%s is newer than this process: start weir anew to take new types", path);
    return true;
}

uint32_t
types_make(const struct weir_node_type *first, const struct weir_node_type **ret)
{
    char folder[PATH_MAX + 16];
    struct dirent **found = NULL;
    *ret = types;
    if (n_types > 0)
        return n_types;
    types[n_types++] = *first;
    snprintf(folder, sizeof folder, "%s/nodes", lua_folder());
    int count = lua_folder()[0] ? scandir(folder, &found, is_lua, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        if (n_types <= TYPES_MAX)
            add_type(&types[n_types++], folder, found[i]->d_name);
        free(found[i]);
    }
    free(found);
    return n_types;
}
