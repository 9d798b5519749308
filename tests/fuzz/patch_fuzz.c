/* fuzz/patch_fuzz.c - JSON pointers and two documents, a line each: what is set is there, what is
 * removed is not, and the differences lead from one document to the other.
 *
 * room: value
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "value/json.h"
#include "value/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct weir_text
line(const char **at, const char *end)
{
    const char *from = *at, *stop = from < end ? memchr(from, '\n', (size_t)(end - from)) : NULL;
    stop = stop != NULL ? stop : end;
    *at = stop < end ? stop + 1 : end;
    return (struct weir_text){ from, (size_t)(stop - from) };
}

static void
check_place(const struct weir_value *doc, struct weir_text pointer, const struct weir_value *new)
{
    struct weir_error err;
    const struct weir_value *changed = NULL, *shorter = NULL;
    if (patch_set(doc, pointer, new, &changed, &err) != WEIR_OK)
        return;
    bool appended = pointer.len > 0 && pointer.bytes[pointer.len - 1] == '-';
    const struct weir_value *there = value_pointer(changed, pointer.bytes, pointer.len);
    assert(appended || (there != NULL && value_equal(there, new)));
    if (there != NULL && pointer.len > 0)
        assert(patch_set(changed, pointer, NULL, &shorter, &err) == WEIR_OK);
    value_unref(&shorter);
    value_unref(&changed);
}

static void
on_difference(void *arg, struct weir_text pointer, const struct weir_value *before,
              const struct weir_value *after)
{
    const struct weir_value **now = arg, *next = NULL;
    struct weir_error err;
    assert(before != NULL || after != NULL);
    assert(patch_set(*now, pointer, after, &next, &err) == WEIR_OK);
    value_unref(now);
    *now = next;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    struct weir_text pointer = line(&at, end), first = line(&at, end),
                     second = { at, (size_t)(end - at) };
    struct weir_error err;
    const struct weir_value *a = NULL, *b = NULL;
    if (json_read(first, NULL, NULL, &a, &err) == WEIR_OK &&
        json_read(second, NULL, NULL, &b, &err) == WEIR_OK) {
        check_place(a, pointer, b);
        const struct weir_value *now = value_ref(a);
        patch_diff(a, b, on_difference, &now);
        assert(value_equal(now, b));
        value_unref(&now);
    }
    value_unref(&a);
    value_unref(&b);
    return 0;
}
