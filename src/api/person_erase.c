/* person_erase.c: all that is kept of one person, erased (LGPD, art. 18, VI).
 *
 * Found on the API thread's reading connection, page by page; erased by the writer in steps of STEP_ROWS, so that no acknowledgement
 * waits for long. What stays: the rows themselves with their ids, times, states and amounts (orders are books), and the keys of events
 * and deliveries, without which a platform's copy of an old message would count once more; one with the person's number in it as a digest.
 * A run that is broken off is simply begun again. */
#include "api/person.h"
#include "api/routes.h"
#include "base/clock.h"
#include "journal/known.h"
#include "records/search.h"

enum {
    STEP_ROWS = 200,
    STATUS_EVENTS = 16,
    MERGE_STEPS_MAX = 100000,
    UNNAMED_MAX = 4 << 20, /* bytes of a text without the names, and what making it takes */
    UNNAMED_ARENA_MAX = 16 * UNNAMED_MAX
};

/* Who, and what is gone already. */
struct erasure {
    struct person who;
    size_t events, messages, recipients, statuses;
    int64_t files;
};

/* What one step of the writer erases: ids found by the reader. */
struct step {
    uint64_t workspace_id;
    int64_t now_ms;
    uint64_t ids[STEP_ROWS];
    slice names_of[STEP_ROWS], reactors[STEP_ROWS]; /* messages' */
    uint64_t media[STEP_ROWS];
    size_t count;
    struct prune_gone gone;
    const struct mention_names *names;
    uint64_t contact_id; /* what stands for the person where somebody must */
    const struct mention_status *statuses;
};
_Static_assert((int)MENTION_PAGE <= (int)STEP_ROWS, "what a page names is one step");
_Static_assert((int)STEP_ROWS <= (int)PRUNE_GONE_MAX, "a step's files have room");

static struct stmt *in_step(struct store *s, enum sql sql, const struct step *t, uint64_t id,
                            struct why *why)
{
    struct stmt *q = store_stmt(s, sql, why);
    stmt_i64(q, 1, (int64_t)t->workspace_id);
    if (id) stmt_i64(q, 2, (int64_t)id);
    return q;
}

/* A step with nothing in it yet; NULL: out of memory. */
static struct step *step_new(struct erasure *p, struct why *why)
{
    struct call *c = p->who.call;
    struct step *t = arena_new(c->x->arena, struct step, 1);
    if (!t) {
        (void)!why_set(why, ERR_LIMIT, "out of memory");
        return NULL;
    }
    t->workspace_id = c->key.workspace_id;
    t->now_ms = clock_wall_ms();
    t->names = p->who.names;
    t->contact_id = p->who.ids[0];
    return t;
}

/* The key of a status in a group has the person's number in it. */
static enum err erase_key(struct store *s, const struct step *t, uint64_t id, struct why *why)
{
    bool found = false;
    struct stmt *q = in_step(s, SQL_MENTION_EVENT, t, id, why);
    enum err rc = stmt_step(q, &found, why);
    bool named = rc == OK && found && mention_in(t->names, stmt_col_text(q, 1));
    if (named)
        rc = known_keep(s, t->workspace_id, (uint64_t)stmt_col_i64(q, 2), stmt_col_text(q, 1), why);
    stmt_reset(q);
    if (rc == OK && named) rc = stmt_run(in_step(s, SQL_MENTION_EVENT_KEY, t, id, why), why);
    for (size_t i = 0; rc == OK && named && i < t->names->count; i++) {
        q = in_step(s, SQL_MENTION_DELIVERY_KEYS, t, id, why);
        stmt_text(q, 3, t->names->at[i]);
        rc = stmt_run(q, why);
    }
    return rc;
}

static enum err erase_event(struct store *s, const struct step *t, uint64_t id, struct why *why)
{
    enum err rc = stmt_run(in_step(s, SQL_ERASE_EVENT, t, id, why), why);
    if (rc == OK) rc = erase_key(s, t, id, why);
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
        rc = erase_status_events(s, t, t->names_of[i], why);
        if (rc == OK) rc = stmt_run(in_step(s, SQL_ERASE_MESSAGE, t, t->ids[i], why), why);
        for (size_t n = 0; rc == OK && n < ARRAY_LEN(by_name); n++) {
            struct stmt *q = in_step(s, by_name[n], t, 0, why);
            stmt_text(q, 2, t->names_of[i]);
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
        stmt_text(q, 2, t->names_of[i]);
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
static enum err erase_list(struct erasure *p, uint64_t id, enum sql sql,
                           enum err (*run)(void *, struct store *, struct why *), size_t *total,
                           struct why *why)
{
    struct call *c = p->who.call;
    struct step *t = step_new(p, why);
    uint64_t after = 0;
    enum err rc = t ? OK : ERR_LIMIT;
    do {
        bool row = true;
        if (rc != OK) return rc;
        t->count = 0;
        struct arena texts;
        arena_init(&texts, 1 << 20);
        struct stmt *q = person_stmt(c, sql, id, why);
        stmt_i64(q, 3, (int64_t)after);
        stmt_i64(q, 4, STEP_ROWS);
        while ((rc = stmt_step(q, &row, why)) == OK && row && t->count < STEP_ROWS) {
            t->ids[t->count] = after = (uint64_t)stmt_col_i64(q, 0);
            if (sql == SQL_PERSON_MESSAGES) {
                t->names_of[t->count] = arena_dup(&texts, stmt_col_text(q, 1));
                t->media[t->count] = (uint64_t)stmt_col_i64(q, 2);
            }
            t->count++;
        }
        stmt_reset(q);
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
static enum err erase_own_reactions(struct erasure *p, struct why *why)
{
    struct call *c = p->who.call;
    struct step *t = step_new(p, why);
    enum err rc = t ? OK : ERR_LIMIT;
    for (size_t i = 0; rc == OK && i < p->who.names->count; i++) {
        bool row = true;
        struct stmt *q = store_stmt(c->store, SQL_PERSON_REACTIONS, why);
        stmt_i64(q, 1, (int64_t)c->key.workspace_id);
        stmt_text(q, 2, p->who.names->at[i]);
        while ((rc = stmt_step(q, &row, why)) == OK && row && t->count < STEP_ROWS) {
            t->names_of[t->count] = arena_dup(c->x->arena, stmt_col_text(q, 0));
            t->reactors[t->count++] = arena_dup(c->x->arena, stmt_col_text(q, 1));
        }
        stmt_reset(q);
    }
    return rc == OK && t->count ? journal_call(c->app->journal, erase_reactions, t, why) : rc;
}

/* ---- erasing what names the person elsewhere ---- */

static struct stmt *of_status(struct store *s, enum sql sql, const struct step *t,
                              const struct mention_status *n, struct why *why)
{
    struct stmt *q = in_step(s, sql, t, 0, why);
    stmt_text(q, 2, n->external_id);
    stmt_text(q, 3, n->recipient);
    stmt_text(q, 4, n->status);
    stmt_i64(q, 5, n->at_ms);
    return q;
}

static enum err erase_status(struct store *s, const struct step *t, const struct mention_status *n,
                             struct why *why)
{
    char stand_in[ID_TEXT_MAX];
    enum err rc = n->event_id ? erase_event(s, t, n->event_id, why) : OK;
    if (rc != OK) return rc;
    if (!mention_is(t->names, n->recipient))
        return stmt_run(of_status(s, SQL_MENTION_STATUS_EMPTY, t, n, why), why);
    struct stmt *q = of_status(s, SQL_MENTION_STATUS_UNNAME, t, n, why);
    stmt_text(q, 6, id_text(ID_CONTACT, t->contact_id, stand_in));
    rc = stmt_run(q, why);
    return rc == OK ? stmt_run(of_status(s, SQL_MENTION_STATUS_DROP, t, n, why), why) : rc;
}

static enum err erase_statuses(void *ctx, struct store *s, struct why *why)
{
    struct step *t = ctx;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < t->count; i++) rc = erase_status(s, t, &t->statuses[i], why);
    return rc;
}

static enum err erase_all_statuses(struct erasure *p, struct why *why)
{
    struct call *c = p->who.call;
    struct mention_place *place = mention_open(c);
    struct step *t = step_new(p, why);
    if (!place || !t) return why_set(why, ERR_LIMIT, "out of memory");
    enum err rc = OK;
    while (rc == OK && !place->end) {
        rc = mention_statuses(c, p->who.names, place, why);
        t->statuses = place->found;
        t->count = place->count;
        if (rc == OK && t->count) rc = journal_call(c->app->journal, erase_statuses, t, why);
        if (rc == OK) p->statuses += t->count;
    }
    mention_close(place);
    return rc;
}

/* The text that `get` finds, without the names; empty when it cannot be read. *status: it is an event that tells a message's fate. */
static enum err unnamed(struct store *s, const struct step *t, enum sql get, uint64_t id,
                        struct arena *a, slice *out, bool *status, struct why *why)
{
    bool found = false;
    json *root = NULL;
    struct stmt *q = in_step(s, get, t, id, why);
    enum err rc = stmt_step(q, &found, why);
    slice text = rc == OK && found ? arena_dup(a, stmt_col_text(q, 0)) : (slice){ NULL, 0 };
    stmt_reset(q);
    struct buf b = buf_in(a, UNNAMED_MAX);
    *status = false;
    *out = (slice){ NULL, 0 };
    if (rc != OK || json_parse(text, a, &root, NULL) != OK) return rc;
    *status = json_get(root, "message_status") != NULL;
    mention_put_without(&b, NULL, root, t->names);
    if (buf_ok(&b) && !a->full) *out = buf_slice(&b);
    return OK;
}

static enum err set_text(struct store *s, const struct step *t, enum sql set, uint64_t id,
                         slice text, struct why *why)
{
    struct stmt *q = in_step(s, set, t, id, why);
    stmt_text(q, 3, text);
    return stmt_run(q, why);
}

static enum err unname_messages(void *ctx, struct store *s, struct why *why)
{
    struct step *t = ctx;
    struct arena a;
    enum err rc = OK;
    arena_init(&a, UNNAMED_ARENA_MAX);
    for (size_t i = 0; rc == OK && i < t->count; i++) {
        slice text;
        bool status;
        arena_reset(&a);
        rc = unnamed(s, t, SQL_MENTION_MESSAGE, t->ids[i], &a, &text, &status, why);
        if (rc == OK) rc = set_text(s, t, SQL_MENTION_MESSAGE_SET, t->ids[i], text, why);
    }
    arena_free(&a);
    return rc;
}

/* An event that tells of an edit: the edit keeps the same data. */
static enum err unname_edit(struct store *s, const struct step *t, slice event, struct arena *a,
                            struct why *why)
{
    json *root = NULL;
    if (json_parse(event, a, &root, NULL) != OK || !json_get(root, "message_edit")) return OK;
    json *edit = json_get(root, "message_edit");
    struct stmt *q = in_step(s, SQL_MENTION_EDIT_SET, t, 0, why);
    stmt_text(q, 2, json_get_text(edit, "external_id"));
    stmt_text(q, 3, json_get_text(edit, "edit_id"));
    stmt_text(q, 4, json_print(json_get(edit, "data"), a));
    return stmt_run(q, why);
}

/* An event of somebody else stays, without the names; so does its part of the request. What was sent of it goes whole. */
static enum err unname_events(void *ctx, struct store *s, struct why *why)
{
    struct step *t = ctx;
    struct arena a;
    enum err rc = OK;
    arena_init(&a, UNNAMED_ARENA_MAX);
    for (size_t i = 0; rc == OK && i < t->count; i++) {
        uint64_t id = t->ids[i];
        slice text;
        bool status;
        arena_reset(&a);
        rc = unnamed(s, t, SQL_MENTION_EVENT, id, &a, &text, &status, why);
        if (rc == OK && (status || text.len == 0)) {
            rc = erase_event(s, t, id, why);
            continue;
        }
        if (rc == OK) rc = set_text(s, t, SQL_MENTION_EVENT_SET, id, text, why);
        if (rc == OK) rc = unname_edit(s, t, text, &a, why);
        if (rc == OK) rc = stmt_run(in_step(s, SQL_ERASE_ATTEMPTS, t, id, why), why);
        if (rc == OK) rc = api_origin_unname(s, t->workspace_id, id, t->names, why);
    }
    arena_free(&a);
    return rc;
}

static enum err unname_all(struct erasure *p, enum sql sql,
                           enum err (*run)(void *, struct store *, struct why *), struct why *why)
{
    struct call *c = p->who.call;
    struct step *t = step_new(p, why);
    uint64_t after = 0;
    bool end = false;
    enum err rc = t ? OK : ERR_LIMIT;
    while (rc == OK && !end) {
        rc = mention_page(c, p->who.names, sql, &after, &end, t->ids, &t->count, why);
        if (rc == OK && t->count) rc = journal_call(c->app->journal, run, t, why);
    }
    return rc;
}

/* In this order: what the statuses say of their events is gone with them. */
static enum err erase_mentions(struct erasure *p, struct why *why)
{
    if (p->who.names->count == 0) return OK;
    enum err rc = erase_all_statuses(p, why);
    if (rc == OK) rc = unname_all(p, SQL_MENTION_EVENTS, unname_events, why);
    return rc == OK ? unname_all(p, SQL_MENTION_MESSAGES, unname_messages, why) : rc;
}

static enum err erase_people(struct erasure *p, struct why *why)
{
    struct call *c = p->who.call;
    struct step *t = step_new(p, why);
    if (!t) return ERR_LIMIT;
    memcpy(t->ids, p->who.ids, p->who.count * sizeof *p->who.ids);
    t->count = p->who.count;
    return journal_call(c->app->journal, erase_contacts, t, why);
}
_Static_assert((int)PERSON_CONTACTS_MAX <= (int)STEP_ROWS, "all contacts are one step");

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
    struct erasure p = { .files = 0 };
    enum err rc = person_find(c, &p.who, &why);
    for (size_t i = 0; rc == OK && i < p.who.count; i++) {
        rc = erase_list(&p, p.who.ids[i], SQL_PERSON_MESSAGES, erase_messages, &p.messages, &why);
        if (rc == OK)
            rc = erase_list(&p, p.who.ids[i], SQL_PERSON_EVENTS, erase_events, &p.events, &why);
        if (rc == OK)
            rc = erase_list(&p, p.who.ids[i], SQL_PERSON_RECIPIENTS, erase_recipients,
                            &p.recipients, &why);
    }
    if (rc == OK) rc = erase_own_reactions(&p, &why);
    if (rc == OK) rc = erase_mentions(&p, &why);
    if (rc == OK) rc = erase_people(&p, &why);
    if (rc == OK) rc = leave_no_trace(c, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    LOG(&c->app->log, LOG_INFO, "contact.erased", log_id("contact", ID_CONTACT, p.who.ids[0]),
        log_int("events", (int64_t)p.events), log_int("messages", (int64_t)p.messages));
    json_begin_object(&c->out, NULL);
    put_id(&c->out, "erased", ID_CONTACT, (int64_t)p.who.ids[0]);
    json_put_i64(&c->out, "events", (int64_t)p.events);
    json_put_i64(&c->out, "messages", (int64_t)p.messages);
    json_put_i64(&c->out, "statuses", (int64_t)p.statuses);
    json_put_i64(&c->out, "files", p.files);
    json_put_i64(&c->out, "campaigns", (int64_t)p.recipients);
    json_end_object(&c->out);
    reply_json(c, 200);
}
