/* http.h: the destination kind "http", and its signature for those who send by other ways. */
#ifndef MALOTE_DESTS_HTTP_H
#define MALOTE_DESTS_HTTP_H

#include "dests/dest.h"

extern const struct dest_kind dest_http;

/* Value of webhook-signature: "v1,<base64>" for each secret, separated by blanks; empty without
 * secrets. `timestamp` is in seconds, as text. .ptr NULL when the arena is full. */
slice http_signatures(const slice *secrets, size_t count, slice id, slice timestamp, slice body,
                      struct arena *arena);

#endif
