/* ws/lines.c - see lines.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lines.h"

#include <stdlib.h>
#include <string.h>

bool
lines_is_word(struct weir_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.bytes[i] == '\n' || text.bytes[i] == '\r' || text.bytes[i] == '\0')
            return false;
    return true;
}

/* Where the line that TEXT begins with ends; *RET_BREAK is how many bytes break it, 0 at the end. */
static size_t
line_len(struct weir_text text, size_t *ret_break)
{
    size_t len = 0;
    while (len < text.len && text.bytes[len] != '\n' && text.bytes[len] != '\r')
        len++;
    bool both = text.len - len >= 2 && text.bytes[len] == '\r' && text.bytes[len + 1] == '\n';
    *ret_break = len == text.len ? 0 : both ? 2 : 1;
    return len;
}

static size_t
line_count(struct weir_text text)
{
    size_t n = 1, end;
    for (;; n++) {
        size_t len = line_len(text, &end) + end;
        if (end == 0)
            return n;
        text = (struct weir_text){ text.bytes + len, text.len - len };
    }
}

static char *
put(char *at, const char *name, struct weir_text value)
{
    size_t len = strlen(name);
    memcpy(at, name, len);
    if (value.len > 0)
        memcpy(at + len, value.bytes, value.len);
    at[len + value.len] = '\n';
    return at + len + value.len + 1;
}

/* Writes what is there of M with DATA to AT, which has the room; the end. */
static char *
put_all(char *at, const struct message *m, struct weir_text data)
{
    if (m->event.len > 0)
        at = put(at, "event: ", m->event);
    if (m->id.len > 0)
        at = put(at, "id: ", m->id);
    size_t end;
    do {
        size_t len = line_len(data, &end);
        at = put(at, "data: ", (struct weir_text){ data.bytes, len });
        data = (struct weir_text){ data.bytes + len + end, data.len - len - end };
    } while (end > 0);
    *at++ = '\n';
    return at;
}

static const struct weir_value *
written(const struct message *m, struct weir_text data)
{
    size_t room = m->event.len + m->id.len + data.len + 7 * line_count(data) + 16;
    char *bytes = malloc(room);
    if (bytes == NULL)
        abort();
    struct weir_text all = { bytes, (size_t)(put_all(bytes, m, data) - bytes) };
    const struct weir_value *lines = host->string(all);
    if (lines == NULL) /* the id of an event may be any bytes, and who reads it makes the best of them */
        lines = host->bytes(all);
    free(bytes);
    return lines;
}

/* Bytes are base64, as they are in JSON: an event stream is text. */
static const struct weir_value *
written_bytes(const struct message *m, struct weir_text bytes)
{
    size_t room = bytes.len / 3 * 4 + 4;
    char *text = malloc(room);
    if (text == NULL)
        abort();
    const struct weir_value *lines = written(m, (struct weir_text){ text, host->base64_write(bytes, text, room) });
    free(text);
    return lines;
}

const struct weir_value *
lines_of(const struct message *m)
{
    struct weir_text text = { "", 0 };
    struct weir_error err = { 0 };
    const struct weir_value *json = NULL;
    uint32_t type = host->type(m->value);
    if (type == WEIR_BYTES && host->get_text(m->value, &text))
        return written_bytes(m, text);
    if (type != WEIR_STRING && host->json_write(m->value, &json, &err) != WEIR_OK)
        host->unref(&err.detail);
    (void)host->get_text(json != NULL ? json : m->value, &text);
    const struct weir_value *lines = written(m, text);
    host->unref(&json);
    return lines;
}
