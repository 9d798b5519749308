/* value/msgpack_write.c - values to MessagePack, by msgpack-c; see msgpack.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "value/msgpack.h"

#include <msgpack/pack.h>

#include "base/encode.h"
#include "value/out.h"
#include "value/walk.h"

static int
add(void *out, const char *bytes, size_t len)
{
    return out_add(out, bytes, len) ? 0 : -1;
}

static bool
write_scalar(msgpack_packer *to, const struct weir_value *v)
{
    switch (value_type(v)) {
    case WEIR_BOOL:
        return (v->boolean ? msgpack_pack_true(to) : msgpack_pack_false(to)) == 0;
    case WEIR_INT:
        return msgpack_pack_int64(to, v->integer) == 0;
    case WEIR_DOUBLE:
        return msgpack_pack_double(to, v->number) == 0;
    case WEIR_STRING:
        return msgpack_pack_str(to, v->len) == 0 && add(to->data, v->bytes, v->len) == 0;
    case WEIR_BYTES:
        return msgpack_pack_bin(to, v->len) == 0 && add(to->data, v->bytes, v->len) == 0;
    default:
        return msgpack_pack_nil(to) == 0;
    }
}

/* Writes what the walk has come to, after its key. False if it does not fit. */
static bool
write_step(msgpack_packer *to, const struct walk *w, enum walk_step step)
{
    if (step == WALK_CLOSE)
        return true;
    const struct value_member *m = w->member;
    if (m != NULL &&
        (msgpack_pack_str(to, m->key_len) != 0 || add(to->data, m->key, m->key_len) != 0))
        return false;
    if (step == WALK_SCALAR)
        return write_scalar(to, w->v);
    if (w->v->type == WEIR_MAP)
        return msgpack_pack_map(to, w->v->len) == 0;
    return msgpack_pack_array(to, w->v->len) == 0;
}

static enum weir_code
write_all(struct out *out, struct walk *w, struct weir_error *err)
{
    msgpack_packer to;
    msgpack_packer_init(&to, out, add);
    for (enum walk_step s; (s = walk_next(w)) != WALK_END;) {
        if (w->level > VALUE_DEPTH)
            return err_set(err, WEIR_INVALID, "deeper than %d levels", VALUE_DEPTH);
        if (w->v->type == WEIR_STREAM)
            return err_set(err, WEIR_INVALID, "a stream cannot be kept as msgpack");
        if (!write_step(&to, w, s))
            return err_set(err, WEIR_TOO_LARGE, "more than %zu bytes of msgpack",
                           out->buf->max);
    }
    return WEIR_OK;
}

enum weir_code
msgpack_write(struct buf *out, const struct weir_value *v, struct weir_error *err)
{
    struct out o;
    struct walk w;
    out_start(&o, out);
    walk_start(&w, v);
    enum weir_code code = write_all(&o, &w, err);
    walk_stop(&w);
    out_sync(&o);
    return code;
}

/* -- pieces -- */

#define TEXT_HEAD 5 /* bytes before a text, at most */

/* Writes a type byte and N, most significant byte first, in BYTES bytes; how many that were. */
static size_t
write_number(char *to, unsigned type, uint64_t n, unsigned bytes)
{
    *to++ = (char)type;
    for (unsigned i = bytes; i > 0; i--)
        *to++ = (char)(n >> (8 * (i - 1)));
    return 1 + bytes;
}

/* Appends that. */
static bool
put_number(struct buf *out, unsigned type, uint64_t n, unsigned bytes)
{
    char *to = buf_reserve(out, 1 + bytes);
    if (to == NULL)
        return false;
    buf_seal(out, write_number(to, type, n, bytes));
    return true;
}

bool
msgpack_put_text(struct buf *out, struct weir_text text)
{
    bool string = utf8_valid(text);
    char *to = text.len <= UINT32_MAX ? buf_reserve(out, TEXT_HEAD + text.len) : NULL;
    if (to == NULL)
        return false;
    size_t head = 1;
    if (string && text.len < 32)
        to[0] = (char)(0xa0u | (unsigned)text.len);
    else if (text.len < 256)
        head = write_number(to, string ? 0xd9 : 0xc4, text.len, 1);
    else if (text.len < 65536)
        head = write_number(to, string ? 0xda : 0xc5, text.len, 2);
    else
        head = write_number(to, string ? 0xdb : 0xc6, text.len, 4);
    out_copy(to + head, text.bytes, text.len);
    buf_seal(out, head + text.len);
    return true;
}

bool
msgpack_put_int(struct buf *out, int64_t i)
{
    return i >= 0 && i < 128 ? put_number(out, (unsigned)i, 0, 0)
                             : put_number(out, 0xd3, (uint64_t)i, 8);
}

bool
msgpack_put_list(struct buf *out, uint32_t n)
{
    return n < 16 ? put_number(out, 0x90u | n, 0, 0) : put_number(out, 0xdd, n, 4);
}

bool
msgpack_begin_map(struct buf *out, size_t *ret_at)
{
    *ret_at = out->len;
    return put_number(out, 0xde, 0, 2);
}

void
msgpack_end_map(struct buf *out, size_t at, uint16_t n)
{
    out->bytes[at + 1] = (char)(n >> 8);
    out->bytes[at + 2] = (char)n;
}
