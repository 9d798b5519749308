/* fuzz/proxy_protocol_fuzz.c - headers of proxies: read bit by bit as from a socket, and at
 * once.
 *
 * room: edge
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "edge/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t have = 0;
    for (;;) {
        struct weir_error err = { 0 };
        struct sockaddr_storage a, again;
        size_t more = 0;
        char *exact = malloc(have + (have == 0)); /* so that reading past the end is seen */
        assert(exact != NULL);
        if (have > 0)
            memcpy(exact, data, have);
        enum proxy_progress p = proxy_protocol_read(exact, have, &more, &a, &err);
        free(exact);
        assert(a.ss_family == AF_UNSPEC || a.ss_family == AF_INET || a.ss_family == AF_INET6);
        assert((p == PROXY_BAD) == (err.code == WEIR_INVALID));
        if (p == PROXY_DONE) {
            assert(have >= 15 && have <= PROXY_PROTOCOL_MAX);
            assert(proxy_protocol_read((const char *)data, have, &more, &again, &err) ==
                   PROXY_DONE);
            assert(memcmp(&a, &again, sizeof(a)) == 0);
            return 0;
        }
        if (p == PROXY_BAD)
            return 0;
        assert(more > 0 && have + more <= PROXY_PROTOCOL_MAX);
        if (have + more > size)
            return 0;
        have += more;
    }
}
