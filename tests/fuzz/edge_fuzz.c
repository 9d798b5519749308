/* edge_fuzz.c - a connection of the edge: whatever comes in, and however it is answered.
 * room: edge
 *
 * The first bytes choose in which pieces the rest comes, and how each request is answered.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge_answers.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define CONTROL 8

/* One turn, and all that comes back is read. */
static void
turn(int fd)
{
    static char back[1 << 16];
    (void)shard_turn(stand.shard, 0);
    if (answers.offers % 2)
        answers_go_on();
    while (recv(fd, back, sizeof(back), MSG_DONTWAIT) > 0)
        continue;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (stand.shard == NULL)
        answers_start(false);
    if (len < CONTROL + 1 || len > 70000)
        return 0;
    answers_choose(bytes, CONTROL);
    size_t piece = 1u + bytes[CONTROL] * bytes[CONTROL];
    int fd = stand_connect();
    stand_put(fd, bytes + CONTROL + 1, len - CONTROL - 1, piece, turn);
    for (unsigned i = 0; i < 4; i++)
        turn(fd);
    answers_finish(fd);
    return 0;
}
