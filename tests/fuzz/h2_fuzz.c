/* h2_fuzz.c - a session of HTTP/2 on the edge: whatever frames come, and however they are
 * answered.
 * room: edge
 *
 * The first bytes choose in which pieces the rest comes, how each request is answered, and
 * whether the caller reads. The preface and SETTINGS stand in front of the rest, unless the
 * control says otherwise.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge_answers.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* The manners of answers; then the size of pieces; then the bits below. */
#define CONTROL 8
#define BARE 1u  /* no preface in front */
#define DEAF 2u  /* what comes back is not read until the end */
#define CLOCK 4u /* the clock goes on between pieces */

static uint8_t bits;
static uint64_t now_ms = 1000;

/* One turn, and all that comes back is read, if anything is. */
static void
turn(int fd)
{
    static char back[1 << 16];
    if (bits & CLOCK)
        shard_set_clock(stand.shard, now_ms += 700);
    (void)shard_turn(stand.shard, 0);
    if (answers.offers % 2)
        answers_go_on();
    while (!(bits & DEAF) && recv(fd, back, sizeof(back), MSG_DONTWAIT) > 0)
        continue;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char greeting[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    if (stand.shard == NULL)
        answers_start(true);
    if (len < CONTROL || len > 70000)
        return 0;
    answers_choose(bytes, CONTROL - 2);
    size_t piece = 1u + bytes[CONTROL - 2] * bytes[CONTROL - 2];
    bits = bytes[CONTROL - 1];
    int fd = stand_connect();
    if (!(bits & BARE))
        stand_put(fd, greeting, sizeof(greeting) - 1, sizeof(greeting), turn);
    stand_put(fd, bytes + CONTROL, len - CONTROL, piece, turn);
    for (unsigned i = 0; i < 4; i++)
        turn(fd);
    answers_finish(fd);
    return 0;
}
