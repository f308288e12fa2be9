/* dest.c: helpers that every destination kind uses. */
#include "dests/dest.h"

#include <stdarg.h>
#include <stdio.h>

const char *const verdict_name[VERDICT_COUNT] = { "delivered", "retry",        "pause",
                                                  "dead",      "unauthorised", "split" };

struct verdict verdict_of(enum verdict_kind kind, int64_t wait_ms, const char *fmt, ...)
{
    struct verdict v = { .kind = kind, .wait_ms = wait_ms };
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(v.reason, sizeof v.reason, fmt, args);
    va_end(args);
    return v;
}

void outgoing_header(struct outgoing *o, const char *name, slice value, bool secret)
{
    CHECK(o->header_count < OUTGOING_HEADERS_MAX);
    o->headers[o->header_count++] = (struct dest_header){ slice_str(name), value, secret };
}

slice reply_header(const struct reply *r, slice name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (slice_eq_nocase(r->headers[i].name, name)) return r->headers[i].value;
    return (slice){ NULL, 0 };
}
