/* supervisor/main.c - weir-supervisor: what weir run becomes once it has read its settings.
 *
 * It is weir's guard and nothing else, and maps libc alone. See guard/order.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "guard/order.h"
#include "guard/supervisor.h"

#define EXIT_USAGE 2

int
main(int argc, char **argv)
{
    static struct order o;
    (void)argc;
    signal(SIGPIPE, SIG_IGN);
    enum order_found found = order_take(&o);
    if (found != ORDER_GOOD) {
        fprintf(stderr, found == ORDER_NONE
                            ? "weir-supervisor: this is a part of weir, which starts it: weir run\n"
                            : "weir-supervisor: this is version " WEIR_VERSION
                              ", and the weir that wants it is another one: install both anew\n");
        return EXIT_USAGE;
    }
    (void)prctl(PR_SET_NAME, "weir"); /* only for people who look */
    log_start(STDOUT_FILENO, o.log_format, o.log_level);
    struct supervisor_plan plan = {
        .argv = argv, .program = o.program, .handover = &o.handover, .final_code = o.final_code
    };
    int code = supervise(&plan);
    order_remove_files(&o);
    log_stop();
    return code;
}
