/* meta_click.h: Meta's click id (fbclid) and the two cookies made of it and beside it (_fbc, _fbp).
 * Pure.
 *
 * fbc = fb.<index>.<ms>.<fbclid>, fbp = fb.<index>.<ms>.<random>; index 1 = example.com; ms = when
 * the click was first seen. An fbp is never made here: a random one matches nobody. */
#ifndef MALOTE_DESTS_META_CLICK_H
#define MALOTE_DESTS_META_CLICK_H

#include "base/arena.h"

enum { META_CLICK_INDEX = 1, META_CLICK_BYTES_MAX = 1024 };

/* Has a cookie its shape? Four parts; a fifth of 2 or 8 characters is a version mark of Meta's
 * libraries. One rule for both. */
bool meta_click_ok(slice cookie);
/* When the cookie was made, Unix ms; 0 when it has not its shape. */
int64_t meta_click_ms(slice cookie);
/* The cookie for a click id, checked; empty when it would not have its shape. .ptr NULL also when
 * the arena is full, which the caller tells apart by asking meta_click_id_ok first. */
slice meta_click_build(slice fbclid, int64_t first_seen_ms, int index, struct arena *arena);
/* Can this be a click id? URL-safe characters without dots (a dot would shift the cookie's parts),
 * not too long. */
bool meta_click_id_ok(slice fbclid);
/* The cookie after a visit: the stored one when it holds the same click id (its clock goes on),
 * else a new one. */
slice meta_click_merge(slice cookie, slice fbclid, int64_t now_ms, int index, struct arena *arena);
/* Value of `fbclid` in a URL's query, percent-decoded, case kept; empty when there is none. */
slice meta_click_from_url(slice url, struct arena *arena);
/* The visit's own click id before the referrer's. */
slice meta_click_pick(slice fbclid, slice referrer, struct arena *arena);

#endif
