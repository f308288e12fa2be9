/* json.h: reading JSON that came from outside; a thin layer over yyjson in an arena.
 *
 * Numbers are kept as the text that was sent (YYJSON_READ_NUMBER_AS_RAW), so that money never passes through a double and a
 * 19-digit id stays what it is. Duplicate keys: the first one counts. Writing is in buf.h. */
#ifndef MALOTE_BASE_JSON_H
#define MALOTE_BASE_JSON_H

#include <yyjson.h>

#include "base/arena.h"

enum { JSON_DEPTH_MAX = 64 };

typedef yyjson_val json;

/* Parses one whole JSON text into `arena` (takes nothing else; the tree lives as long as the arena; it may borrow nothing
 * from `text`). ERR_SYNTAX (with byte position) for anything that is not JSON in valid UTF-8, ERR_LIMIT for more than
 * JSON_DEPTH_MAX levels or a full arena. On error *root is NULL. */
MUST_CHECK enum err json_parse(slice text, struct arena *arena, json **root, struct why *why);

/* The same for what others wrote, whose neighbours must not pay for one broken character: when it cannot be read as it is, each
 * escaped surrogate without its partner and each broken piece of UTF-8 is read as U+FFFD; then all else must be right. */
MUST_CHECK enum err json_parse_lenient(slice text, struct arena *arena, json **root,
                                       struct why *why);

/* Member `key` of object `v`; NULL when v is NULL, no object, or has no such member. */
json *json_get(json *v, const char *key);
/* The same for a key that is a slice. */
json *json_get_slice(json *v, slice key);
/* RFC 6901 JSON Pointer; "" is v itself. NULL when nothing is there or the pointer is malformed. */
json *json_at(json *v, slice pointer);

/* Text of a string (decoded), or the digits of a number; else an empty slice. Borrows from the tree. */
slice json_text(json *v);
/* Text of a string only. */
slice json_str(json *v);
/* json_text(json_get(v, key)), the commonest call. */
slice json_get_text(json *v, const char *key);
/* True for JSON true, "true", "1" and 1. */
bool json_truth(json *v);
/* A whole number (or a string holding one) into *out; false when it is neither or overflows. */
bool json_i64(json *v, int64_t *out);
/* v as JSON text in `arena`; empty when v is NULL or the arena is full. */
slice json_print(json *v, struct arena *arena);

#endif
