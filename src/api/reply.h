/* reply.h: what the API's handlers share: the call, answers, errors, paging, ids. */
#ifndef MALOTE_API_REPLY_H
#define MALOTE_API_REPLY_H

#include "api/keys.h"
#include "app.h"
#include "base/buf.h"

enum { API_REPLY_MAX = 16 * 1024 * 1024, API_PARAMS_MAX = 2 };

/* One call of the API. */
struct call {
    struct app *app;
    struct api_exchange *x;
    struct store *store; /* the API thread's own reading connection */
    struct api_key key;
    slice param[API_PARAMS_MAX]; /* {…} of the path, decoded, in order */
    struct buf out;              /* the answer is written here */
    bool later; /* the answer is somebody else's to give, by listen_answer: x may be gone already */
};

/* Is it a key of `default`? Who has one sees what concerns the whole hub. */
bool call_is_owner(const struct call *c);
/* Does the statement (workspace, id) find a row? What could not be changed is not there (404), or in the wrong state (409). */
bool call_has(struct call *c, enum sql sql, uint64_t id);
/* Sets status and body; the body is what was written to c->out. */
void reply_json(struct call *c, int status);
/* {"error":{"code":…,"message":…}} with the status of the error's code: the one table. */
void reply_err(struct call *c, enum err rc, const struct why *why);
void reply_error(struct call *c, int status, const char *code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
void reply_put_header(struct call *c, const char *name, slice value);

/* Query parameter, decoded; .len 0 when absent. */
slice call_query(struct call *c, const char *name);
/* The body as a JSON object; an empty body is NULL with OK when `optional`. */
MUST_CHECK enum err call_body(struct call *c, bool optional, json **out, struct why *why);
/* Time given as ISO 8601 or as a duration back from now ("24h"). *ms untouched when absent. */
MUST_CHECK enum err call_time(struct call *c, slice text, int64_t *ms, struct why *why);

/* A page of a list: newest first, ids below the cursor. */
struct page {
    int64_t before; /* id; INT64_MAX for the first page */
    int64_t limit;  /* rows to read: one more than is shown, to know whether there is a next page */
    int64_t shown, last_id;
};
MUST_CHECK enum err page_read(struct call *c, struct page *p, struct why *why);
/* Begins {"items":[ ; page_item tells whether this row is still of the page; page_end writes "next". */
void page_begin(struct call *c);
bool page_item(struct page *p, int64_t id);
void page_end(struct call *c, const struct page *p, enum id_kind kind);
/* All of that: answers with one page of `put` over the rows of q (NULL: it could not be prepared), whose first column is the id. */
void page_put(struct call *c, struct stmt *q, struct page *page, enum id_kind kind,
              void (*put)(struct call *, struct stmt *));

void put_id(struct buf *b, const char *key, enum id_kind kind, int64_t id);

#endif
