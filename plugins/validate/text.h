/* validate/text.h - one text, cleaned.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALIDATE_TEXT_H
#define VALIDATE_TEXT_H

#include "strip.h"
#include "validate.h"

/* Room for what is made of texts; text_room_fini frees it. */
struct text_room {
    struct strip strip;
    char *quoted; /* the last text with escaped quotes; owned */
    void *nfc;    /* the last normalised text; owned */
};

void text_room_init(struct text_room *room);
void text_room_fini(struct text_room *room);

/* Whether to clean TEXT takes more than a look at its bytes. */
bool text_is_dear(const struct sanitize *how, struct weir_text text);

/* TEXT, of which text_is_dear has said that it is DEAR or not, cleaned: a part of TEXT itself if nothing had
 * to be written anew, else bytes in ROOM that live until the next call. False if its HTML takes too much
 * memory or time. */
bool text_clean(struct text_room *room, const struct sanitize *how, struct weir_text text, bool dear,
                struct weir_text *ret);

#endif
