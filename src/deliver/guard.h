/* guard.h: which addresses outgoing connections may reach. Checked after name resolution, on the address that is connected to, so
 * that neither a name nor a redirect nor a second answer of the resolver leads inward. */
#ifndef MALOTE_DELIVER_GUARD_H
#define MALOTE_DELIVER_GUARD_H

#include <sys/socket.h>

#include "base/err.h"
#include "base/slice.h"

enum { GUARD_NETS_MAX = 64 };

struct guard_net {
    uint8_t addr[16]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned bits;
};

struct guard {
    struct guard_net allowed[GUARD_NETS_MAX];
    size_t count;
};

/* Reads "127.0.0.0/8, 10.1.2.3 ::1/128" (commas or blanks). ERR_SYNTAX names the part. */
MUST_CHECK enum err guard_read(slice text, struct guard *out, struct why *why);
/* May this address be connected to? Public ones always; loopback, private, link-local, shared, multicast, documentation and
 * reserved ones (IANA special-purpose registries, RFC 6890) only when a network that holds them is allowed. */
bool guard_allows(const struct guard *g, const struct sockaddr *addr);
/* Is the address in one of the listed networks? */
bool guard_lists(const struct guard *g, const struct sockaddr *addr);

#endif
