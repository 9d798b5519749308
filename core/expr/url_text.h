/* expr/url_text.h - inside the room: urls with ${ } in them.
 *
 * Which part of a url a piece stands in is seen from the text alone. What starts with a ${ }
 * takes its authority from that value, the base, which is put in as it is. In scheme, host and
 * port a value may have only characters that cannot end them; after the authority it is
 * percent-encoded as one segment or one query value, unless it is url.raw().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPR_URL_TEXT_H
#define EXPR_URL_TEXT_H

#include "base/buf.h"

enum url_place {
    URL_NONE,      /* not a url at all              */
    URL_BASE,      /* the value that it starts with */
    URL_AUTHORITY, /* in scheme, host or port       */
    URL_PART,      /* behind them: encoded          */
    URL_RAW        /* behind them: as it is         */
};

enum url_state { URL_AT_SCHEME, URL_AT_AUTHORITY, URL_AT_PATH, URL_AT_QUERY };

/* Follows a url byte by byte. */
struct url_reader {
    enum url_state state;
    bool any;         /* something was read        */
    bool based;       /* the base was just read    */
    bool colon;       /* the scheme's : was read   */
    unsigned slashes; /* of the // before the host */
};

/* Reads one more byte. True: it ends a segment of the path, or begins the first one. */
bool url_text_read(struct url_reader *r, char c);

/* The place of a ${ } where R has come to, and R behind it. */
enum url_place url_text_place(struct url_reader *r);

/* A url that is being written. */
struct url_writer {
    struct url_reader reader;
    struct buf *out;
    size_t segment; /* where the segment at hand starts in OUT      */
    bool touched;   /* a value that was put in stands in it         */
};

/* Begins a url at the end of OUT. */
void url_text_begin(struct url_writer *w, struct buf *out);

/* Appends text of the author. WEIR_INVALID: with it a value made a segment "." or "..";
 * WEIR_SCRIPT: OUT is full. */
enum weir_code url_text_literal(struct url_writer *w, struct weir_text text,
                                struct weir_error *err) MUST_USE;

/* Appends a value. WEIR_INVALID: it may not stand there; WEIR_SCRIPT: OUT is full. */
enum weir_code url_text_value(struct url_writer *w, enum url_place place, struct weir_text text,
                              struct weir_error *err) MUST_USE;

/* Ends the url. WEIR_INVALID: a value made a segment "." or "..". */
enum weir_code url_text_end(struct url_writer *w, struct weir_error *err) MUST_USE;

#endif
