/* settle.h: the delivery loop's reads and writes, as jobs for the writer: claim what is due, write down what became of it. */
#ifndef MALOTE_DELIVER_SETTLE_H
#define MALOTE_DELIVER_SETTLE_H

#include "deliver/delivery.h"
#include "journal/journal.h"

enum { CLAIM_MAX = 512 };

/* What became of one delivery. */
struct settlement {
    struct settlement *next;
    struct leased *delivery;   /* taken; freed with the settlement */
    enum delivery_state state; /* WAITING, DELIVERED or DEAD */
    int64_t due_ms;            /* WAITING */
    char reason[WHY_TEXT_MAX];
    bool attempted; /* an attempt was made: the fields below hold */
    int64_t at_ms, elapsed_ms;
    int status;
    enum verdict_kind verdict;
    char remote_id[REMOTE_ID_MAX + 1]; /* DELIVERED: "" when the other side gave none */
    char wa_id[PERSON_ID_MAX + 1], user_id[PERSON_ID_MAX + 1]; /* DELIVERED: whom it went to; "" */
    uint64_t
        media_id; /* WAITING: for this file of ours, which is to be given to the other side; 0: no */
    bool forget_file;     /* what the other side called its file is worth nothing any more */
    slice request, reply; /* texts in `arena` */
    struct arena arena;
};

struct settlement *settlement_new(struct leased *delivery, enum delivery_state state,
                                  int64_t due_ms, const char *reason);
void settlement_free(struct settlement *s);

/* Writes a list of settlements; after run they are still the job's. */
struct settle_job {
    struct journal_job job;
    struct id_maker *ids;
    struct settlement *list;
    void *ctx; /* of done */
};
enum err settle_run(struct journal_job *job, struct store *store, struct why *why);

/* Claims due deliveries of one destination, best class first. */
struct claim_job {
    struct journal_job job;
    uint64_t workspace_id, destination_id;
    size_t max;
    int64_t boot_ms;     /* leases from before belong to a process that is gone */
    struct leased *list; /* result */
    size_t count;
    bool more;           /* there may be more due now */
    int64_t next_due_ms; /* earliest due of what is not due yet; INT64_MAX: none */
    void *ctx;
};
enum err claim_run(struct journal_job *job, struct store *store, struct why *why);

/* Puts a destination on hold for a reason. *fresh: it was not; else the first reason stays (many requests may be refused at once). */
MUST_CHECK enum err settle_hold(struct store *store, uint64_t workspace_id, uint64_t destination_id,
                                slice reason, int64_t now_ms, bool *fresh, struct why *why);

#endif
