/* settle.c: SQL of the delivery loop; runs on the writer thread. */
#include "deliver/settle.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "records/campaign.h"

enum { PERSON_ARENA_MAX = 1024 * 1024 };

struct settlement *settlement_new(struct leased *delivery, enum delivery_state state,
                                  int64_t due_ms, const char *reason)
{
    struct settlement *s = calloc(1, sizeof *s);
    CHECK(s); /* a few hundred bytes for something already in memory */
    CHECK(delivery_may(DELIVERY_LEASED, state));
    s->delivery = delivery;
    s->state = state;
    s->due_ms = due_ms;
    (void)snprintf(s->reason, sizeof s->reason, "%s", reason);
    arena_init(&s->arena, 2 * ATTEMPT_TEXT_MAX + 8192);
    return s;
}

void settlement_free(struct settlement *s)
{
    leased_free(s->delivery);
    arena_free(&s->arena);
    free(s);
}

/* Column outcome_unknown. */
enum {
    OUTCOME_KNOWN,
    OUTCOME_UNKNOWN,
    OUTCOME_ASKED_AGAIN /* unknown, and a person had it repeated */
};

static int64_t outcome_stored(const struct leased *d)
{
    return !d->outcome_unknown ? OUTCOME_KNOWN
           : d->asked_again    ? OUTCOME_ASKED_AGAIN
                               : OUTCOME_UNKNOWN;
}

static enum err write_attempt(struct store *store, struct id_maker *ids, const struct settlement *s,
                              struct why *why)
{
    struct stmt *q = store_stmt(store, SQL_SETTLE_ATTEMPT_ADD, why);
    stmt_i64(q, 1, (int64_t)id_next(ids, s->at_ms));
    stmt_i64(q, 2, (int64_t)s->delivery->workspace_id);
    stmt_i64(q, 3, (int64_t)s->delivery->id);
    stmt_i64(q, 4, s->at_ms);
    stmt_i64(q, 5, s->elapsed_ms);
    stmt_i64(q, 6, s->status);
    stmt_i64(q, 7, s->verdict);
    stmt_text(q, 8, slice_str(s->reason));
    stmt_text(q, 9, s->request);
    stmt_text(q, 10, s->reply);
    return stmt_run(q, why);
}

static enum err write_file(struct store *store, const struct settlement *s, int64_t now_ms,
                           struct why *why)
{
    const struct leased *d = s->delivery;
    struct stmt *q;
    enum err rc = OK;
    if (s->forget_file) {
        q = store_stmt(store, SQL_SETTLE_FILE_FORGET, why);
        stmt_i64(q, 1, (int64_t)d->workspace_id);
        stmt_i64(q, 2, (int64_t)d->destination_id);
        stmt_i64(q, 3, (int64_t)d->id);
        rc = stmt_run(q, why);
    }
    if (rc != OK || !s->media_id) return rc;
    q = store_stmt(store, SQL_SETTLE_FILE_OF, why);
    stmt_i64(q, 1, (int64_t)d->workspace_id);
    stmt_i64(q, 2, (int64_t)d->id);
    stmt_i64(q, 3, (int64_t)s->media_id);
    rc = stmt_run(q, why);
    q = rc == OK ? store_stmt(store, SQL_SETTLE_FILE_WANTED, why) : NULL;
    stmt_i64(q, 1, (int64_t)d->workspace_id);
    stmt_i64(q, 2, (int64_t)s->media_id);
    stmt_i64(q, 3, (int64_t)d->destination_id);
    stmt_i64(q, 4, now_ms);
    return rc == OK ? stmt_run(q, why) : rc;
}

/* The person that it went to, under whatever the channel calls them. */
static enum err write_person(struct store *store, struct id_maker *ids, const struct settlement *s,
                             int64_t now_ms, struct why *why)
{
    struct arena arena;
    arena_init(&arena, PERSON_ARENA_MAX);
    struct apply_ctx ctx = { .store = store,
                             .ids = ids,
                             .arena = &arena,
                             .workspace_id = s->delivery->workspace_id,
                             .origin = SLICE("malote"),
                             .rank = ORIGIN_PLATFORM,
                             .occurred_ms = s->at_ms,
                             .now_ms = now_ms };
    enum err rc =
        contact_went_to(&ctx, s->delivery->id, slice_str(s->wa_id), slice_str(s->user_id), why);
    arena_free(&arena);
    /* What is too large about a person is no reason to send the message once more. */
    return rc == ERR_SYNTAX || rc == ERR_LIMIT ? OK : rc;
}

enum err settle_run(struct journal_job *job, struct store *store, struct why *why)
{
    struct settle_job *j = (struct settle_job *)(void *)job;
    int64_t now_ms = clock_wall_ms();
    enum err rc = OK;
    for (const struct settlement *s = j->list; rc == OK && s; s = s->next) {
        const struct leased *d = s->delivery;
        struct stmt *q = store_stmt(store, SQL_SETTLE_RESULT, why);
        stmt_i64(q, 1, (int64_t)d->workspace_id);
        stmt_i64(q, 2, (int64_t)d->id);
        stmt_i64(q, 3, s->state);
        stmt_i64(q, 4, s->due_ms);
        stmt_i64(q, 5, d->attempts);
        stmt_i64(q, 6, d->first_attempt_ms);
        stmt_i64(q, 7, outcome_stored(d));
        stmt_text(q, 8, slice_str(s->reason));
        stmt_i64(q, 9, s->attempted && s->state == DELIVERY_WAITING ? PRIORITY_RETRY : d->priority);
        stmt_i64(q, 10, now_ms);
        stmt_i64(q, 11, d->lease_until_ms); /* the fence: only our own lease, not a later one */
        stmt_text(q, 12, slice_str(s->remote_id));
        rc = stmt_run(q, why);
        if (rc == OK && s->remote_id[0])
            rc = message_named(store, d->workspace_id, d->id, slice_str(s->remote_id), now_ms, why);
        if (rc == OK && (s->wa_id[0] || s->user_id[0]))
            rc = write_person(store, j->ids, s, now_ms, why);
        if (rc == OK && s->attempted) rc = write_attempt(store, j->ids, s, why);
        if (rc == OK && (s->media_id || s->forget_file)) rc = write_file(store, s, now_ms, why);
        /* A campaign's message is one of those that name their destination (route_named's key). */
        if (rc == OK && slice_starts(d->key, SLICE("message:")))
            rc = campaign_follow(store, d->workspace_id, d->id, s->attempted ? s->at_ms : now_ms,
                                 why);
    }
    return rc;
}

/* A row that was leased by a process that is gone: it may have been sent. */
static struct leased *read_row(struct stmt *q, const struct claim_job *j)
{
    int64_t state = stmt_col_i64(q, 3), updated_ms = stmt_col_i64(q, 9);
    struct leased *d =
        leased_with_file(stmt_col_text(q, 2), stmt_col_text(q, 10), (slice){ NULL, 0 },
                         stmt_col_text(q, 13), stmt_col_text(q, 15));
    if (!d) return NULL;
    d->id = (uint64_t)stmt_col_i64(q, 0);
    d->workspace_id = j->workspace_id;
    d->destination_id = j->destination_id;
    d->event_id = (uint64_t)stmt_col_i64(q, 1);
    d->priority = (enum priority)stmt_col_i64(q, 4);
    d->attempts = (uint32_t)stmt_col_i64(q, 5);
    d->first_attempt_ms = stmt_col_i64(q, 6);
    d->outcome_unknown = stmt_col_i64(q, 7) != OUTCOME_KNOWN;
    d->asked_again = stmt_col_i64(q, 7) == OUTCOME_ASKED_AGAIN;
    d->created_ms = stmt_col_i64(q, 8);
    d->occurred_ms = stmt_col_i64(q, 11);
    d->received_ms = stmt_col_i64(q, 12);
    d->source_id = (uint64_t)stmt_col_i64(q, 14);
    if (state == DELIVERY_LEASED) {
        d->outcome_unknown = true;
        d->asked_again = false;
        if (d->first_attempt_ms == 0) d->first_attempt_ms = updated_ms;
    }
    return d;
}

static enum err claim_class(struct claim_job *j, struct store *store, enum priority p,
                            int64_t now_ms, struct leased ***tail, struct why *why)
{
    bool row = true;
    enum err rc;
    int64_t horizon = now_ms - j->boot_ms < LEASE_MS ? now_ms + LEASE_MS : now_ms;
    struct stmt *q = store_stmt(store, SQL_SETTLE_CLAIM, why);
    stmt_i64(q, 1, (int64_t)j->workspace_id);
    stmt_i64(q, 2, (int64_t)j->destination_id);
    stmt_i64(q, 3, p);
    stmt_i64(q, 4, horizon);
    stmt_i64(q, 5, now_ms);
    stmt_i64(q, 6, j->boot_ms);
    stmt_i64(q, 7, (int64_t)(j->max - j->count));
    while ((rc = stmt_step(q, &row, why)) == OK && row) {
        struct leased *d = read_row(q, j);
        if (!d) break;
        d->due_ms = now_ms;
        d->lease_until_ms = now_ms + LEASE_MS;
        **tail = d;
        *tail = &d->next;
        j->count++;
    }
    stmt_reset(q);
    if (j->count == j->max) j->more = true;
    return rc;
}

static enum err lease(struct claim_job *j, struct store *store, int64_t now_ms, struct why *why)
{
    enum err rc = OK;
    for (const struct leased *d = j->list; rc == OK && d; d = d->next) {
        struct stmt *q = store_stmt(store, SQL_SETTLE_LEASE, why);
        stmt_i64(q, 1, (int64_t)d->workspace_id);
        stmt_i64(q, 2, (int64_t)d->id);
        stmt_i64(q, 3, now_ms + LEASE_MS);
        stmt_i64(q, 4, now_ms);
        stmt_i64(q, 5, outcome_stored(d));
        stmt_i64(q, 6, d->first_attempt_ms);
        rc = stmt_run(q, why);
    }
    return rc;
}

enum err claim_run(struct journal_job *job, struct store *store, struct why *why)
{
    struct claim_job *j = (struct claim_job *)(void *)job;
    int64_t now_ms = clock_wall_ms();
    struct leased **tail = &j->list;
    enum err rc = OK;
    for (int p = 0; rc == OK && p < PRIORITY_COUNT && j->count < j->max; p++)
        rc = claim_class(j, store, (enum priority)p, now_ms, &tail, why);
    if (rc == OK) rc = lease(j, store, now_ms, why);
    j->next_due_ms = INT64_MAX;
    for (int p = 0; rc == OK && !j->more && p < PRIORITY_COUNT; p++) {
        bool row = false;
        struct stmt *q = store_stmt(store, SQL_SETTLE_NEXT_DUE, why);
        stmt_i64(q, 1, (int64_t)j->workspace_id);
        stmt_i64(q, 2, (int64_t)j->destination_id);
        stmt_i64(q, 3, p);
        rc = stmt_step(q, &row, why);
        if (rc == OK && row && !stmt_col_null(q, 0) && stmt_col_i64(q, 0) < j->next_due_ms)
            j->next_due_ms = stmt_col_i64(q, 0);
        stmt_reset(q);
    }
    if (rc != OK) {
        leased_free_list(j->list);
        j->list = NULL;
        j->count = 0;
    }
    return rc;
}

enum err settle_hold(struct store *store, uint64_t workspace_id, uint64_t destination_id,
                     slice reason, int64_t now_ms, bool *fresh, struct why *why)
{
    struct stmt *q = store_stmt(store, SQL_SETTLE_HOLD, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_i64(q, 2, (int64_t)destination_id);
    stmt_text(q, 3, reason);
    stmt_i64(q, 4, now_ms);
    enum err rc = stmt_run(q, why);
    *fresh = rc == OK && store_changes(store) > 0;
    return rc;
}
