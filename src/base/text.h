/* text.h: numbers, encodings and UTF-8 over slices. Strict: no locale, no silent truncation. */
#ifndef MALOTE_BASE_TEXT_H
#define MALOTE_BASE_TEXT_H

#include "base/arena.h"

/* Decimal digits only, no sign, no blanks, at most `max`. ERR_SYNTAX or ERR_LIMIT else; *out is then untouched. */
MUST_CHECK enum err text_u64(slice in, uint64_t max, uint64_t *out, struct why *why);
/* The same with an optional leading '-', within min..max. */
MUST_CHECK enum err text_i64(slice in, int64_t min, int64_t max, int64_t *out, struct why *why);

/* Lower-case hex of `in` into `out`, which has room for 2 * in.len bytes; returns the written slice. */
slice text_hex(slice in, char *out);
/* Decodes hex in either case into out (room: in.len / 2). ERR_SYNTAX for odd length or another character. */
MUST_CHECK enum err text_unhex(slice in, uint8_t *out, size_t out_max, size_t *out_len);
/* Standard base64 with padding (RFC 4648, 4). out has room for 4 * ((in.len + 2) / 3) bytes. */
slice text_base64(slice in, char *out);
/* Strict standard base64: alphabet, padding and zero pad bits are checked. `need_padding` false also takes it without '='. */
MUST_CHECK enum err text_unbase64(slice in, bool need_padding, uint8_t *out, size_t out_max,
                                  size_t *out_len);

/* application/x-www-form-urlencoded or query text: %XX and '+' decoded into `arena`. .ptr NULL when the arena is full.
 * A malformed % is kept as it stands. */
slice text_url_decode(slice in, struct arena *arena);
/* Percent-encodes everything but RFC 3986 unreserved characters. */
slice text_url_encode(slice in, struct arena *arena);
/* Value of parameter `name` in a query or form body, undecoded; *count gets how often it occurs (may be NULL).
 * .ptr NULL when absent. Names are compared after decoding '%' and '+'. */
slice text_query_get(slice query, slice name, size_t *count);

/* Length of the valid UTF-8 sequence at the start of s (1..4), or 0 when there is none (RFC 3629: no overlong forms, no
 * surrogates, at most U+10FFFF). */
size_t text_utf8_step(slice s);
bool text_utf8_valid(slice s);
/* Nothing but the digits 0 to 9, and at least one. */
bool text_is_digits(slice s);
/* First `max` bytes at most, cut between characters. */
slice text_utf8_cut(slice text, size_t max);
/* Where there is none, in s that is not empty: how many bytes are one broken character (1..3): Unicode's "maximal subpart". */
size_t text_utf8_broken(slice s);
/* Code point at the start of s and its length in *step; 0xFFFD with step 1 for an invalid byte. s.len must be > 0. */
uint32_t text_utf8_get(slice s, size_t *step);
/* Writes a code point as UTF-8 into out (room 4); returns the length. */
size_t text_utf8_put(uint32_t code, char *out);

/* ASCII letters lowered, rest as it is; copy in arena. */
slice text_lower(slice in, struct arena *arena);
/* Glob with '*' (any run of characters) as used for event types: "order.*". */
bool text_glob(slice pattern, slice text);

#endif
