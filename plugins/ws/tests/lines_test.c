/* ws/tests/lines_test.c - messages as lines of an event stream, read as WHATWG HTML 9.2.6 says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lines.c"

#define ROOM 20000

/* What a reader has at hand, and the event that it has dispatched. */
static struct reader {
    char data[ROOM], id[ROOM], type[ROOM];
    size_t data_len, id_len, type_len;
    unsigned events;
    struct {
        char data[ROOM], id[ROOM], type[ROOM];
        size_t data_len, id_len, type_len;
    } event;
} r;

static void
dispatch(void)
{
    if (r.data_len == 0)
        return;
    r.events++;
    memcpy(r.event.data, r.data, r.event.data_len = r.data_len - 1);
    memcpy(r.event.id, r.id, r.event.id_len = r.id_len);
    memcpy(r.event.type, r.type, r.event.type_len = r.type_len);
    r.data_len = r.type_len = 0;
}

static void
field(const char *name, size_t name_len, const char *value, size_t len)
{
    if (name_len == 4 && memcmp(name, "data", 4) == 0) {
        memcpy(r.data + r.data_len, value, len);
        r.data[r.data_len + len] = '\n';
        r.data_len += len + 1;
    } else if (name_len == 5 && memcmp(name, "event", 5) == 0) {
        memcpy(r.type, value, r.type_len = len);
    } else if (name_len == 2 && memcmp(name, "id", 2) == 0 && memchr(value, '\0', len) == NULL) {
        memcpy(r.id, value, r.id_len = len);
    }
}

static void
one_line(const char *at, size_t len)
{
    if (len == 0) {
        dispatch();
        return;
    }
    const char *colon = memchr(at, ':', len);
    size_t name = colon != NULL ? (size_t)(colon - at) : len;
    size_t skip = name + (colon != NULL);
    skip += skip < len && at[skip] == ' ';
    field(at, name, at + skip, len - skip);
}

/* Reads all of V, which ends with a whole line. */
static void
read_lines(const struct weir_value *v)
{
    struct weir_text text;
    assert_true(host->get_text(v, &text));
    while (text.len > 0) {
        size_t len = 0;
        while (len < text.len && text.bytes[len] != '\n' && text.bytes[len] != '\r')
            len++;
        assert_true(len < text.len);
        one_line(text.bytes, len);
        len += text.len - len > 1 && text.bytes[len] == '\r' && text.bytes[len + 1] == '\n' ? 2 : 1;
        text = (struct weir_text){ text.bytes + len, text.len - len };
    }
}

/* TEXT as a reader has it: each line break is LF; the length. */
static size_t
broken_by_lf(struct weir_text text, char *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.bytes[i] == '\r' && i + 1 < text.len && text.bytes[i + 1] == '\n')
            continue;
        ret[n++] = text.bytes[i];
        if (ret[n - 1] == '\r')
            ret[n - 1] = '\n';
    }
    return n;
}

static void
expect(struct weir_text data, struct weir_text event, struct weir_text id)
{
    struct message m = { .value = host->string(data), .event = event, .id = id };
    static char want[ROOM];
    memset(&r, 0, sizeof r);
    assert_non_null(m.value);
    m.lines = lines_of(&m);
    read_lines(m.lines);
    assert_int_equal(r.events, 1);
    assert_int_equal(r.event.data_len, broken_by_lf(data, want));
    assert_memory_equal(r.event.data, want, r.event.data_len);
    assert_int_equal(r.event.type_len, event.len);
    assert_memory_equal(r.event.type, event.bytes, event.len);
    assert_int_equal(r.event.id_len, id.len);
    assert_memory_equal(r.event.id, id.bytes, id.len);
    host->unref(&m.lines);
    host->unref(&m.value);
}

static void
what_is_written_is_what_is_read(void **state)
{
    (void)state;
    static const struct weir_text texts[] = {
        { "", 0 }, { "a", 1 }, { " a", 2 }, { ":", 1 }, { "\n", 1 }, { "\r", 1 }, { "\r\n", 2 }, { "\n\r", 2 },
        { "a\nb", 3 }, { "a\r\r\nb\n\n", 7 }, { "data: x", 7 }, { "\0", 1 }, { "x\0y\n", 4 }, { "\xef\xbb\xbfz", 4 },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        expect(texts[i], (struct weir_text){ "", 0 }, (struct weir_text){ "", 0 });
        expect(texts[i], WEIR_TEXT("named"), WEIR_TEXT("7"));
        expect(texts[i], WEIR_TEXT(" :b"), WEIR_TEXT(" "));
    }
}

static void
whatever_is_written_is_what_is_read(void **state)
{
    (void)state;
    static const char letters[] = { '\n', '\r', '\0', ' ', ':', 'd', 'a', 't' };
    char text[64], words[2][8];
    uint32_t seed = 1;
    for (unsigned i = 0; i < 20000; i++) {
        struct weir_text parts[3] = { { text, 0 }, { words[0], 0 }, { words[1], 0 } };
        for (unsigned k = 0; k < 3; k++) {
            char *at = (char *)(uintptr_t)parts[k].bytes;
            seed = seed * 1664525 + 1013904223;
            parts[k].len = (seed >> 16) % (k == 0 ? sizeof text : sizeof words[0]);
            for (size_t n = 0; n < parts[k].len; n++) {
                seed = seed * 1664525 + 1013904223;
                at[n] = letters[(seed >> 16) % sizeof letters];
            }
            if (k > 0 && !lines_is_word(parts[k]))
                parts[k].len = 0; /* a node would have refused it */
        }
        expect(parts[0], parts[1], parts[2]);
    }
}

static void
bytes_are_base64_and_all_else_is_json(void **state)
{
    (void)state;
    struct message m = { .value = host->bytes(WEIR_TEXT("\xff\0\n")) };
    struct weir_text text;
    m.lines = lines_of(&m);
    assert_true(host->get_text(m.lines, &text));
    assert_int_equal(text.len, 12);
    assert_memory_equal(text.bytes, "data: /wAK\n\n", 12);
    host->unref(&m.value);
    host->unref(&m.lines);
    m.value = host->integer(42);
    m.lines = lines_of(&m);
    assert_true(host->get_text(m.lines, &text));
    assert_memory_equal(text.bytes, "data: 42\n\n", 10);
    host->unref(&m.value);
    host->unref(&m.lines);
}

static void
a_word_is_one_line_without_nul(void **state)
{
    (void)state;
    assert_true(lines_is_word(WEIR_TEXT("")) && lines_is_word(WEIR_TEXT("a b: \xc3\xa4")));
    assert_false(lines_is_word(WEIR_TEXT("a\n")) || lines_is_word(WEIR_TEXT("\r")) || lines_is_word(WEIR_TEXT("a\0b")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_what_is_read),
        cmocka_unit_test(whatever_is_written_is_what_is_read),
        cmocka_unit_test(bytes_are_base64_and_all_else_is_json),
        cmocka_unit_test(a_word_is_one_line_without_nul),
    };
    host = host_table();
    return cmocka_run_group_tests_name("ws/lines", tests, NULL, NULL);
}
