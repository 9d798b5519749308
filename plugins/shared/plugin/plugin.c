/* shared/plugin/plugin.c - see plugin.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "plugin.h"

#include <stdarg.h>
#include <stdio.h>

const struct weir_host *host;

uint32_t
refuse(struct weir_error *err, uint32_t code, const char *fmt, ...)
{
    va_list args;
    err->code = code;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return code;
}

void
fail_with(struct weir_call *call, const struct weir_error *err)
{
    const struct weir_value *detail = err->detail;
    host->fail(call, err);
    host->unref(&detail);
}

void
cut_short(struct weir_call *call, const char *what)
{
    struct weir_error err = { .code = WEIR_CANCELLED };
    snprintf(err.text, sizeof err.text, "%s", what);
    host->fail(call, &err);
}

void
pass_on(void *arg, const struct weir_value *output, const struct weir_error *err)
{
    struct weir_call *call = arg;
    if (err != NULL) {
        host->fail(call, err);
        return;
    }
    const struct weir_value *v = host->ref(output);
    host->done(call, &v);
}
