/* mention.h: where a person is named in what belongs to nobody, or to others: the channel's statuses of messages that are not stored
 * here or went to a group, and the messages of others that quote one of theirs. Found by what the person goes by, in all its forms. */
#ifndef MALOTE_API_MENTION_H
#define MALOTE_API_MENTION_H

#include "api/reply.h"

enum { MENTION_NAMES_MAX = 512 };

/* Numbers (with and without +, with and without Brazil's ninth digit) and user ids. */
struct mention_names {
    slice at[MENTION_NAMES_MAX];
    size_t count;
};

/* Adds all that contact `id` goes by; what is found lives in the call's arena. ERR_LIMIT: more than there is room for. */
MUST_CHECK enum err mention_names(struct call *c, uint64_t id, struct mention_names *n,
                                  struct why *why);
/* Is the text one of the names? */
bool mention_is(const struct mention_names *n, slice text);
/* Does the text hold one of them anywhere? Quick: most texts end here. */
bool mention_in(const struct mention_names *n, slice text);
/* Is a string or number in v, at any depth, one of the names? */
bool mention_holds(const struct mention_names *n, json *v);
/* v as JSON, "erased" in place of each string and number that is one of the names. */
void mention_put_without(struct buf *b, const char *key, json *v, const struct mention_names *n);

/* A status that names the person. */
struct mention_status {
    slice external_id, recipient, status, data;
    int64_t at_ms;
    uint64_t event_id; /* 0: not known */
};
enum { MENTION_PAGE = 200 };
/* Where the reading of the statuses stands, and the last page's that name the person: their texts are good until the next. */
struct mention_place {
    struct arena room[2]; /* of this page and the one before, by turns */
    unsigned turn;
    struct mention_status last; /* row of the page */
    struct mention_status found[MENTION_PAGE];
    size_t count;
    bool end;
};
/* In the call's arena; NULL: there is no room. Freed by mention_close. */
struct mention_place *mention_open(struct call *c);
void mention_close(struct mention_place *place);
MUST_CHECK enum err mention_statuses(struct call *c, const struct mention_names *n,
                                     struct mention_place *place, struct why *why);
/* Ids of one page of a statement (workspace, after, limit) -> (id, JSON text), those whose text holds a name. *after moves on; *end: it was
 * the last page. */
MUST_CHECK enum err mention_page(struct call *c, const struct mention_names *n, enum sql sql,
                                 uint64_t *after, bool *end, uint64_t out[MENTION_PAGE],
                                 size_t *count, struct why *why);

#endif
