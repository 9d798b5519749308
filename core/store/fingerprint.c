/* store/fingerprint.c - job_fingerprint of job.h.
 *
 * Messages of one fault differ in what they count and whom they name. A UUID, a word of at
 * least eight hex digits with a decimal one among them, and a number with its point or comma
 * become one mark each; the rest stays as it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/digest.h"
#include "store/job.h"

enum { MESSAGE_MAX = 4096 };

static bool
is_digit(struct weir_text t, size_t at)
{
    return at < t.len && t.bytes[at] >= '0' && t.bytes[at] <= '9';
}

/* How many characters at AT are a word of hex digits that stands for a digest or an address; 0
 * if they are none. */
static size_t
hex_word(struct weir_text t, size_t at)
{
    size_t end = at;
    bool decimal = false;
    for (; end < t.len && isxdigit((unsigned char)t.bytes[end]); end++)
        decimal |= is_digit(t, end);
    bool ends = end == t.len || !isalnum((unsigned char)t.bytes[end]);
    return ends && decimal && end - at >= 8 ? end - at : 0;
}

/* How many characters at AT are to be left out; 0: none. START: a word may begin at AT. */
static size_t
variable(struct weir_text t, size_t at, bool start)
{
    uint8_t id[JOB_ID];
    if (start && t.len - at >= ID_UUID - 1 &&
        job_id_read((struct weir_text){ t.bytes + at, ID_UUID - 1 }, id))
        return ID_UUID - 1;
    size_t len = start ? hex_word(t, at) : 0;
    if (len > 0 || !is_digit(t, at))
        return len;
    size_t end = at;
    while (is_digit(t, end) || (end < t.len && (t.bytes[end] == '.' || t.bytes[end] == ',') &&
                                is_digit(t, end + 1)))
        end++;
    return end - at;
}

static void
add_message(struct buf *b, struct weir_text message)
{
    if (message.len > MESSAGE_MAX)
        message.len = MESSAGE_MAX;
    bool start = true;
    for (size_t at = 0; at < message.len;) {
        size_t skip = variable(message, at, start);
        if (skip > 0)
            buf_putc(b, '#');
        else
            buf_putc(b, message.bytes[at]);
        start = skip == 0 && !isalnum((unsigned char)message.bytes[at]);
        at += skip > 0 ? skip : 1;
    }
}

void
job_fingerprint(struct weir_text pipeline, const struct job_failure *f,
                char ret[JOB_FINGERPRINT])
{
    struct buf b;
    buf_init(&b, 4u * MESSAGE_MAX);
    /* Names are far below this room; a text that were not would be left out. */
    buf_text(&b, pipeline);
    buf_putc(&b, '\0');
    buf_text(&b, f->node);
    buf_putc(&b, '\0');
    buf_printf(&b, "%u", f->code);
    buf_putc(&b, '\0');
    add_message(&b, f->message);

    uint8_t bytes[DIGEST_MAX];
    (void)digest(digest_find(TEXT("sha256")), buf_content(&b), bytes);
    buf_fini(&b);
    for (unsigned i = 0; i < (JOB_FINGERPRINT - 1) / 2; i++)
        snprintf(ret + (size_t)(2 * i), 3, "%02x", bytes[i]);
}
