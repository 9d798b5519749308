/* pipeline/load_find.c - which files of some files and folders are pipelines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/map.h"
#include "pipeline/load.h"

#define MAX_FILES 10000u
#define MAX_FOLDERS 16u /* in each other */

struct finding {
    struct map files; /* names that were found; each once */
    struct diags *d;
    bool all; /* tests and settings too */
};

static bool
ends_with(const char *name, const char *end)
{
    size_t len = strlen(name);
    size_t n = strlen(end);
    return len > n && strcmp(name + len - n, end) == 0;
}

static bool
is_yaml(const char *name)
{
    return ends_with(name, ".yaml") || ends_with(name, ".yml");
}

static bool
is_test(const char *name)
{
    return ends_with(name, ".test.yaml") || ends_with(name, ".test.yml");
}

static bool
is_pipeline(const char *name)
{
    return is_yaml(name) && !is_test(name) && strcmp(name, "weir.yaml") != 0 &&
           strcmp(name, "weir.yml") != 0;
}

static void
refuse(struct finding *f, const char *path, const char *why)
{
    diags_add(f->d, path, (struct mark){ 0 }, NULL, DIAG_FILE_UNREADABLE, NULL, "%s", why);
}

static void
take(struct finding *f, const char *path)
{
    if (f->files.count < MAX_FILES)
        (void)map_set(&f->files, path, strlen(path), f);
    else if (f->files.count == MAX_FILES && map_get(&f->files, path, strlen(path)) == NULL)
        refuse(f, path, "more than 10,000 pipeline files");
}

/* Whether an entry of a folder is a file that may be linked to, or a folder that is not. */
static bool
is_entry(const char *path, bool *ret_folder)
{
    struct stat at, behind;
    if (lstat(path, &at) != 0 || stat(path, &behind) != 0)
        return false;
    *ret_folder = S_ISDIR(at.st_mode);
    return S_ISREG(behind.st_mode) || *ret_folder;
}

static unsigned
find_in_folder(struct finding *f, const char *folder, unsigned depth)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        refuse(f, folder, strerror(errno));
        return 0;
    }
    unsigned n = 0;
    const struct dirent *e;
    while ((e = readdir(dir)) != NULL) {
        char path[4096];
        const char *slash = ends_with(folder, "/") ? "" : "/";
        bool cut =
            snprintf(path, sizeof path, "%s%s%s", folder, slash, e->d_name) >= (int)sizeof path;
        bool down = false;
        if (e->d_name[0] == '.' || cut || !is_entry(path, &down))
            continue;
        if (down && depth < MAX_FOLDERS)
            n += find_in_folder(f, path, depth + 1);
        if (down || !(f->all ? is_yaml(e->d_name) : is_pipeline(e->d_name)))
            continue;
        take(f, path);
        n++;
    }
    closedir(dir);
    return n;
}

static void
find_path(struct finding *f, const char *path)
{
    struct stat s;
    if (stat(path, &s) != 0) {
        refuse(f, path, strerror(errno));
        return;
    }
    if (!S_ISDIR(s.st_mode)) {
        if (is_test(path) && !f->all)
            refuse(f, path, "a test, not a pipeline: weir test runs it");
        else
            take(f, path);
        return;
    }
    char folder[4096];
    (void)snprintf(folder, sizeof folder, "%s", path);
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/')
        folder[--len] = '\0';
    if (find_in_folder(f, folder, 0) == 0)
        diags_add(f->d, path, (struct mark){ 0 }, NULL, DIAG_NO_PIPELINES, NULL, "%s",
                  f->all ? "the folder holds no *.yaml"
                         : "the folder holds no pipeline (*.yaml)");
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
find(struct finding *f, const char *const *paths, unsigned n, char ***ret, unsigned *ret_n)
{
    map_init(&f->files);
    for (unsigned i = 0; i < n; i++)
        find_path(f, paths[i]);

    char **files = calloc(f->files.count + 1, sizeof *files);
    if (files == NULL)
        abort();
    unsigned found = 0;
    uint32_t at = 0;
    const struct map_entry *e;
    while ((e = map_next(&f->files, &at)) != NULL) {
        files[found] = strdup(e->key);
        if (files[found++] == NULL)
            abort();
    }
    map_fini(&f->files);
    qsort(files, found, sizeof *files, by_name);
    *ret = files;
    *ret_n = found;
}

void
load_find(const char *const *paths, unsigned n, char ***ret, unsigned *ret_n, struct diags *d)
{
    find(&(struct finding){ .d = d }, paths, n, ret, ret_n);
}

void
load_find_all(const char *const *paths, unsigned n, char ***ret, unsigned *ret_n,
              struct diags *d)
{
    find(&(struct finding){ .d = d, .all = true }, paths, n, ret, ret_n);
}

void
load_find_free(char ***files, unsigned n)
{
    for (unsigned i = 0; *files != NULL && i < n; i++)
        free((*files)[i]);
    free(*files);
    *files = NULL;
}
