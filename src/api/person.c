/* person.c: all that is kept of one person, handed out and erased (LGPD, art. 18, II and VI).
 *
 * Found on the API thread's reading connection, page by page; erased by the writer in steps of STEP_ROWS, so that no acknowledgement
 * waits for long. What stays: the rows themselves with their ids, times, states and amounts (orders are books), and the keys of events
 * and deliveries, without which a platform's copy of an old message would count once more. A run that is broken off is simply
 * begun again. */
#include "api/routes.h"
#include "base/clock.h"
#include "records/campaign.h"
#include "records/search.h"

enum { PEOPLE_MAX = 64, STEP_ROWS = 200, STATUS_EVENTS = 16, MERGE_STEPS_MAX = 100000 };

/* A contact and all that were merged into it. */
struct person {
    struct call *call;
    uint64_t ids[PEOPLE_MAX];
    size_t count;
    size_t events, messages, recipients;
    int64_t files;
};

/* ---- finding ---- */

static struct stmt *by_id(struct call *c, enum sql sql, uint64_t id, struct why *why)
{
    struct stmt *q = store_stmt(c->store, sql, why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    return q;
}

static bool holds(const struct person *p, uint64_t id)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->ids[i] == id) return true;
    return false;
}

static enum err find_person(struct call *c, struct person *p, struct why *why)
{
    *p = (struct person){ .call = c };
    uint64_t id;
    if (!c->key.pii) return why_set(why, ERR_DENIED, "this key may not see personal data");
    if (id_parse(ID_CONTACT, c->param[0], &id) != OK)
        return why_set(why, ERR_MISSING, "there is no such contact");
    p->ids[p->count++] = id;
    bool found = false;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < p->count; i++) {
        bool row = true;
        struct stmt *q = by_id(c, SQL_PERSON_CONTACTS, p->ids[i], why);
        while ((rc = stmt_step(q, &row, why)) == OK && row) {
            found = true;
            uint64_t other = (uint64_t)stmt_col_i64(q, 0);
            if (holds(p, other)) continue;
            if (p->count == PEOPLE_MAX) {
                rc = why_set(why, ERR_LIMIT, "over %d contacts were merged into this one",
                             PEOPLE_MAX);
                break;
            }
            p->ids[p->count++] = other;
        }
        stmt_reset(q);
    }
    return rc == OK && !found ? why_set(why, ERR_MISSING, "there is no such contact") : rc;
}

/* ---- handing out ---- */

static void put_json(struct call *c, const char *key, slice text)
{
    if (text.len) json_put_raw(&c->out, key, text);
}

static void put_row(struct call *c, struct stmt *q, enum sql sql)
{
    json_begin_object(&c->out, NULL);
    switch (sql) {
    case SQL_PERSON_CONTACTS:
        put_id(&c->out, "id", ID_CONTACT, stmt_col_i64(q, 0));
        json_put_time(&c->out, "created_at", stmt_col_i64(q, 2));
        put_json(c, "fields", stmt_col_text(q, 4));
        break;
    case SQL_PERSON_IDENTITIES:
        json_put_i64(&c->out, "kind", stmt_col_i64(q, 0));
        json_put_str(&c->out, "value", stmt_col_text(q, 1));
        break;
    case SQL_PERSON_MESSAGES:
        put_id(&c->out, "id", ID_MESSAGE, stmt_col_i64(q, 0));
        json_put_str(&c->out, "external_id", stmt_col_text(q, 1));
        put_id(&c->out, "media", ID_MEDIA, stmt_col_i64(q, 2));
        json_put_str(&c->out, "channel", stmt_col_text(q, 3));
        json_put_str(&c->out, "direction",
                     stmt_col_i64(q, 4) == MESSAGE_IN ? SLICE("in") : SLICE("out"));
        json_put_str(&c->out, "type", stmt_col_text(q, 5));
        json_put_time(&c->out, "at", stmt_col_i64(q, 6));
        json_put_opt(&c->out, "text", stmt_col_text(q, 7));
        put_json(c, "data", stmt_col_text(q, 8));
        break;
    case SQL_PERSON_EVENTS:
        put_id(&c->out, "id", ID_EVENT, stmt_col_i64(q, 0));
        json_put_str(&c->out, "type", stmt_col_text(q, 1));
        json_put_str(&c->out, "name", stmt_col_text(q, 2));
        json_put_time(&c->out, "at", stmt_col_i64(q, 3));
        put_json(c, "data", stmt_col_text(q, 4));
        break;
    case SQL_PERSON_RECIPIENTS:
        put_id(&c->out, "campaign", ID_CAMPAIGN, stmt_col_i64(q, 1));
        json_put_str(&c->out, "to", stmt_col_text(q, 2));
        json_put_str(&c->out, "state", slice_str(campaign_recipient_name[stmt_col_i64(q, 3)]));
        json_put_time(&c->out, "sent_at", stmt_col_i64(q, 4));
        json_put_time(&c->out, "replied_at", stmt_col_i64(q, 5));
        json_put_time(&c->out, "opted_out_at", stmt_col_i64(q, 6));
        put_json(c, "values", stmt_col_text(q, 7));
        break;
    case SQL_PERSON_TICKETS:
        put_id(&c->out, "id", ID_TICKET, stmt_col_i64(q, 0));
        put_id(&c->out, "conversation", ID_CONVERSATION, stmt_col_i64(q, 1));
        json_put_time(&c->out, "opened_at", stmt_col_i64(q, 4));
        json_put_time(&c->out, "closed_at", stmt_col_i64(q, 5));
        break;
    default: /* orders, subscriptions, checkouts */
        json_put_str(&c->out, "number", stmt_col_text(q, 1));
        put_json(c, "data", stmt_col_text(q, 2));
    }
    json_end_object(&c->out);
}

static bool is_paged(enum sql sql)
{
    return sql == SQL_PERSON_MESSAGES || sql == SQL_PERSON_EVENTS || sql == SQL_PERSON_RECIPIENTS;
}

static enum err put_list(struct person *p, const char *name, enum sql sql, struct why *why)
{
    struct call *c = p->call;
    enum err rc = OK;
    json_begin_array(&c->out, name);
    for (size_t i = 0; rc == OK && i < p->count; i++) {
        bool row = true;
        struct stmt *q = by_id(c, sql, p->ids[i], why);
        if (is_paged(sql)) {
            stmt_i64(q, 3, 0);
            stmt_i64(q, 4, INT64_MAX);
        }
        while ((rc = stmt_step(q, &row, why)) == OK && row) put_row(c, q, sql);
        stmt_reset(q);
    }
    json_end_array(&c->out);
    if (rc == OK && !buf_ok(&c->out))
        rc = why_set(why, ERR_LIMIT, "more than %d bytes are kept of this person", API_REPLY_MAX);
    return rc;
}

void api_contact_export(struct call *c)
{
    static const struct {
        const char *name;
        enum sql sql;
    } lists[] = {
        { "contacts", SQL_PERSON_CONTACTS },    { "identities", SQL_PERSON_IDENTITIES },
        { "orders", SQL_PERSON_ORDERS },        { "subscriptions", SQL_PERSON_SUBSCRIPTIONS },
        { "checkouts", SQL_PERSON_CHECKOUTS },  { "tickets", SQL_PERSON_TICKETS },
        { "messages", SQL_PERSON_MESSAGES },    { "events", SQL_PERSON_EVENTS },
        { "campaigns", SQL_PERSON_RECIPIENTS },
    };
    struct why why;
    struct person p;
    enum err rc = find_person(c, &p, &why);
    if (rc == OK) json_begin_object(&c->out, NULL);
    for (size_t i = 0; rc == OK && i < ARRAY_LEN(lists); i++)
        rc = put_list(&p, lists[i].name, lists[i].sql, &why);
    if (rc == OK) {
        json_put_time(&c->out, "exported_at", clock_wall_ms());
        json_end_object(&c->out);
        reply_json(c, 200);
    } else {
        reply_err(c, rc, &why);
    }
}

/* ---- erasing ---- */

/* What one step of the writer erases: ids found by the reader. */
struct step {
    uint64_t workspace_id;
    int64_t now_ms;
    uint64_t ids[STEP_ROWS];
    slice names[STEP_ROWS], reactors[STEP_ROWS];
    uint64_t media[STEP_ROWS];
    size_t count;
    struct prune_gone gone;
};
_Static_assert((int)STEP_ROWS <= (int)PRUNE_GONE_MAX, "a step's files have room");

static struct stmt *in_step(struct store *s, enum sql sql, const struct step *t, uint64_t id,
                            struct why *why)
{
    struct stmt *q = store_stmt(s, sql, why);
    stmt_i64(q, 1, (int64_t)t->workspace_id);
    if (id) stmt_i64(q, 2, (int64_t)id);
    return q;
}

static enum err erase_event(struct store *s, const struct step *t, uint64_t id, struct why *why)
{
    enum err rc = stmt_run(in_step(s, SQL_ERASE_EVENT, t, id, why), why);
    if (rc == OK) rc = stmt_run(in_step(s, SQL_ERASE_ATTEMPTS, t, id, why), why);
    if (rc == OK) rc = api_origin_erase(s, t->workspace_id, id, why);
    if (rc == OK) rc = stmt_run(in_step(s, SQL_ERASE_MESSAGE_KEYS, t, id, why), why);
    struct stmt *q = rc == OK ? in_step(s, SQL_ERASE_REQUEST, t, id, why) : NULL;
    stmt_blob(q, 3, SLICE(""));
    if (rc == OK) rc = stmt_run(q, why);
    q = rc == OK ? in_step(s, SQL_ERASE_DELIVERIES, t, id, why) : NULL;
    stmt_i64(q, 3, t->now_ms);
    return rc == OK ? stmt_run(q, why) : rc;
}

static enum err erase_events(void *ctx, struct store *s, struct why *why)
{
    struct step *t = ctx;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < t->count; i++) rc = erase_event(s, t, t->ids[i], why);
    return rc;
}

/* What told of a message's fate, with the number it went to. */
static enum err erase_status_events(struct store *s, const struct step *t, slice external_id,
                                    struct why *why)
{
    uint64_t ids[STATUS_EVENTS];
    size_t count;
    enum err rc;
    do {
        bool row = true;
        count = 0;
        struct stmt *q = in_step(s, SQL_ERASE_STATUS_EVENTS, t, 0, why);
        stmt_text(q, 2, external_id);
        stmt_i64(q, 3, STATUS_EVENTS);
        while ((rc = stmt_step(q, &row, why)) == OK && row && count < STATUS_EVENTS)
            ids[count++] = (uint64_t)stmt_col_i64(q, 0);
        stmt_reset(q);
        for (size_t i = 0; rc == OK && i < count; i++) {
            rc = erase_event(s, t, ids[i], why);
            q = rc == OK ? in_step(s, SQL_ERASE_STATUS_EVENT, t, 0, why) : NULL;
            stmt_text(q, 2, external_id);
            stmt_i64(q, 3, (int64_t)ids[i]);
            if (rc == OK) rc = stmt_run(q, why);
        }
    } while (rc == OK && count == STATUS_EVENTS);
    return rc;
}

static enum err erase_messages(void *ctx, struct store *s, struct why *why)
{
    static const enum sql by_name[] = { SQL_ERASE_STATUSES, SQL_ERASE_EDITS, SQL_ERASE_REACTIONS };
    struct step *t = ctx;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < t->count; i++) {
        rc = erase_status_events(s, t, t->names[i], why);
        if (rc == OK) rc = stmt_run(in_step(s, SQL_ERASE_MESSAGE, t, t->ids[i], why), why);
        for (size_t n = 0; rc == OK && n < ARRAY_LEN(by_name); n++) {
            struct stmt *q = in_step(s, by_name[n], t, 0, why);
            stmt_text(q, 2, t->names[i]);
            rc = stmt_run(q, why);
        }
        if (rc == OK && t->media[i])
            rc = prune_drop(s, t->workspace_id, t->media[i], SQL_ERASE_MEDIA, &t->gone, why);
    }
    return rc;
}

static enum err erase_reactions(void *ctx, struct store *s, struct why *why)
{
    struct step *t = ctx;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < t->count; i++) {
        struct stmt *q = in_step(s, SQL_ERASE_REACTION, t, 0, why);
        stmt_text(q, 2, t->names[i]);
        stmt_text(q, 3, t->reactors[i]);
        rc = stmt_run(q, why);
    }
    return rc;
}

static enum err erase_recipients(void *ctx, struct store *s, struct why *why)
{
    struct step *t = ctx;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < t->count; i++) {
        struct stmt *q = in_step(s, SQL_ERASE_RECIPIENT, t, t->ids[i], why);
        stmt_i64(q, 3, t->now_ms);
        rc = stmt_run(q, why);
    }
    return rc;
}

static enum err erase_contacts(void *ctx, struct store *s, struct why *why)
{
    struct step *t = ctx;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < t->count; i++) {
        rc = stmt_run(in_step(s, SQL_ERASE_IDENTITIES, t, t->ids[i], why), why);
        struct stmt *q = rc == OK ? in_step(s, SQL_ERASE_CONTACT, t, t->ids[i], why) : NULL;
        stmt_i64(q, 3, t->now_ms);
        if (rc == OK) rc = stmt_run(q, why);
    }
    return rc;
}

/* All rows of one paged list of one contact, STEP_ROWS at a time. */
static enum err erase_list(struct person *p, uint64_t id, enum sql sql,
                           enum err (*run)(void *, struct store *, struct why *), size_t *total,
                           struct why *why)
{
    struct call *c = p->call;
    struct step *t = arena_new(c->x->arena, struct step, 1);
    uint64_t after = 0;
    enum err rc = t ? OK : why_set(why, ERR_LIMIT, "out of memory");
    do {
        bool row = true;
        if (rc != OK) return rc;
        t->count = 0;
        struct arena texts;
        arena_init(&texts, 1 << 20);
        struct stmt *q = by_id(c, sql, id, why);
        stmt_i64(q, 3, (int64_t)after);
        stmt_i64(q, 4, STEP_ROWS);
        while ((rc = stmt_step(q, &row, why)) == OK && row && t->count < STEP_ROWS) {
            t->ids[t->count] = after = (uint64_t)stmt_col_i64(q, 0);
            if (sql == SQL_PERSON_MESSAGES) {
                t->names[t->count] = arena_dup(&texts, stmt_col_text(q, 1));
                t->media[t->count] = (uint64_t)stmt_col_i64(q, 2);
            }
            t->count++;
        }
        stmt_reset(q);
        t->workspace_id = c->key.workspace_id;
        t->now_ms = clock_wall_ms();
        t->gone.remote = c->app->depot.remote;
        if (rc == OK && t->count) rc = journal_call(c->app->journal, run, t, why);
        if (rc == OK) rc = api_media_remove(c, &t->gone, &p->files, why);
        arena_free(&texts);
        if (rc == OK) *total += t->count;
    } while (rc != OK || t->count == STEP_ROWS);
    return rc;
}

/* What the person answered others' messages with: found by the ids the person goes by. */
static enum err erase_own_reactions(struct person *p, uint64_t id, struct why *why)
{
    struct call *c = p->call;
    struct step *t = arena_new(c->x->arena, struct step, 1);
    if (!t) return why_set(why, ERR_LIMIT, "out of memory");
    t->workspace_id = c->key.workspace_id;
    slice value[STEP_ROWS];
    size_t count = 0;
    bool row = true;
    enum err rc;
    struct stmt *q = by_id(c, SQL_PERSON_IDENTITIES, id, why);
    while ((rc = stmt_step(q, &row, why)) == OK && row && count < STEP_ROWS)
        value[count++] = arena_dup(c->x->arena, stmt_col_text(q, 1));
    stmt_reset(q);
    for (size_t i = 0; rc == OK && i < count; i++) {
        slice bare =
            slice_starts(value[i], SLICE("+")) ? slice_sub(value[i], 1, value[i].len) : value[i];
        q = store_stmt(c->store, SQL_PERSON_REACTIONS, why);
        stmt_i64(q, 1, (int64_t)c->key.workspace_id);
        stmt_text(q, 2, value[i]);
        stmt_text(q, 3, bare);
        while ((rc = stmt_step(q, &row, why)) == OK && row && t->count < STEP_ROWS) {
            t->names[t->count] = arena_dup(c->x->arena, stmt_col_text(q, 0));
            t->reactors[t->count++] = arena_dup(c->x->arena, stmt_col_text(q, 1));
        }
        stmt_reset(q);
    }
    return rc == OK && t->count ? journal_call(c->app->journal, erase_reactions, t, why) : rc;
}

static enum err erase_people(struct person *p, struct why *why)
{
    struct call *c = p->call;
    struct step *t = arena_new(c->x->arena, struct step, 1);
    if (!t) return why_set(why, ERR_LIMIT, "out of memory");
    t->workspace_id = c->key.workspace_id;
    t->now_ms = clock_wall_ms();
    memcpy(t->ids, p->ids, p->count * sizeof *p->ids);
    t->count = p->count;
    return journal_call(c->app->journal, erase_contacts, t, why);
}
_Static_assert((int)PEOPLE_MAX <= (int)STEP_ROWS, "all contacts are one step");

/* What was deleted still stands in older parts of the search index, and in the log as it was before: both are made anew, in steps. */
static enum err leave_no_trace(struct call *c, struct why *why)
{
    struct search_merge m = { .begun = false };
    enum err rc = OK;
    for (int i = 0; rc == OK && !m.done && i < MERGE_STEPS_MAX; i++)
        rc = journal_call(c->app->journal, search_merge, &m, why);
    if (rc == OK) rc = journal_empty_log(c->app->journal, why);
    if (rc != ERR_BUSY) return rc;
    LOG(&c->app->log, LOG_WARN, "log.not_emptied", log_why(why)); /* it will be */
    return OK;
}

/* The contact last: as long as it is there, a run that was broken off finds the rest again. */
void api_contact_erase(struct call *c)
{
    struct why why;
    struct person p;
    enum err rc = find_person(c, &p, &why);
    for (size_t i = 0; rc == OK && i < p.count; i++) {
        rc = erase_list(&p, p.ids[i], SQL_PERSON_MESSAGES, erase_messages, &p.messages, &why);
        if (rc == OK)
            rc = erase_list(&p, p.ids[i], SQL_PERSON_EVENTS, erase_events, &p.events, &why);
        if (rc == OK)
            rc = erase_list(&p, p.ids[i], SQL_PERSON_RECIPIENTS, erase_recipients, &p.recipients,
                            &why);
        if (rc == OK) rc = erase_own_reactions(&p, p.ids[i], &why);
    }
    if (rc == OK) rc = erase_people(&p, &why);
    if (rc == OK) rc = leave_no_trace(c, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    LOG(&c->app->log, LOG_INFO, "contact.erased", log_id("contact", ID_CONTACT, p.ids[0]),
        log_int("events", (int64_t)p.events), log_int("messages", (int64_t)p.messages));
    json_begin_object(&c->out, NULL);
    put_id(&c->out, "erased", ID_CONTACT, (int64_t)p.ids[0]);
    json_put_i64(&c->out, "events", (int64_t)p.events);
    json_put_i64(&c->out, "messages", (int64_t)p.messages);
    json_put_i64(&c->out, "files", p.files);
    json_put_i64(&c->out, "campaigns", (int64_t)p.recipients);
    json_end_object(&c->out);
    reply_json(c, 200);
}
