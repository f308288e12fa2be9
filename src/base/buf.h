/* buf.h: a growing byte buffer born with its maximum, in an arena; and a JSON writer on top of it.
 *
 * Errors are sticky: after the first failure every call does nothing and buf_ok() is false, so a caller builds a whole
 * document and checks once at the end. */
#ifndef MALOTE_BASE_BUF_H
#define MALOTE_BASE_BUF_H

#include "base/arena.h"
#include "base/id.h"

struct buf {
    struct arena *arena;
    char *ptr;
    size_t len, cap, max;
    bool failed;
    bool comma; /* JSON writer: the next value needs a comma before it */
};

/* An empty buffer in `arena` (borrowed) that holds at most bytes_max bytes. */
struct buf buf_in(struct arena *arena, size_t bytes_max);
void buf_add(struct buf *b, slice s);
void buf_byte(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What was written so far; borrows from the arena. Empty when the buffer failed. */
slice buf_slice(const struct buf *b);
static inline bool buf_ok(const struct buf *b) { return !b->failed; }

/* JSON writer. `key` NULL = an array element or the top value. Commas are placed by the writer.
 * Strings: invalid UTF-8 bytes become U+FFFD, control characters are escaped. */
void json_begin_object(struct buf *b, const char *key);
void json_end_object(struct buf *b);
void json_begin_array(struct buf *b, const char *key);
void json_end_array(struct buf *b);
void json_put_str(struct buf *b, const char *key, slice value);
void json_put_i64(struct buf *b, const char *key, int64_t value);
void json_put_bool(struct buf *b, const char *key, bool value);
void json_put_null(struct buf *b, const char *key);
/* `json` must be one valid JSON value already. */
void json_put_raw(struct buf *b, const char *key, slice json);
/* As json_put_str, but writes nothing when value is empty: absent data stays absent. */
void json_put_opt(struct buf *b, const char *key, slice value);
/* Minor units as a decimal number of the major unit ("39.90"); shape of Meta's `value`. */
void json_put_money(struct buf *b, const char *key, int64_t minor_units);
/* "2026-03-10T12:18:30.500Z"; nothing when ms is 0. */
void json_put_time(struct buf *b, const char *key, int64_t unix_ms);
/* "evt_…"; nothing when id is 0. */
void json_put_id(struct buf *b, const char *key, enum id_kind kind, uint64_t id);

#endif
