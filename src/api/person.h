/* person.h: one person as the API means it: a contact, all that were merged into it, and what they go by. */
#ifndef MALOTE_API_PERSON_H
#define MALOTE_API_PERSON_H

#include "api/mention.h"

enum { PERSON_CONTACTS_MAX = 64 };

struct person {
    struct call *call;
    uint64_t ids[PERSON_CONTACTS_MAX];
    size_t count;
    struct mention_names *names;
};

/* The person of the call's path; ERR_DENIED for a key that may not see personal data, ERR_MISSING. */
MUST_CHECK enum err person_find(struct call *c, struct person *p, struct why *why);
/* A statement (workspace, contact id, ...) on the reading connection. */
struct stmt *person_stmt(struct call *c, enum sql sql, uint64_t id, struct why *why);

#endif
