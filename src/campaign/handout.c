/* handout.c: recipients into messages. For each one job of the writer: it looks whether the recipient may have it (still waiting, no word
 * against marketing, not the person of another line), takes the campaign's turn, and changes the recipient's state, in the
 * transaction that stores the message's event. All jobs of a batch are posted at once and become one commit. */
#include <stdlib.h>

#include "base/clock.h"
#include "campaign/loop.h"
#include "outbox/outbox.h"
#include "records/campaign.h"

/* Of the look's arena: the rest of a batch waits for the next look, and nobody is skipped for want of memory. */
enum { HAND_OUT_BYTES = 24 * 1024 * 1024 };

/* Recipients under way to the writer. */
struct batch {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    size_t open;
};

struct handout {
    struct journal_job job;
    struct batch *batch;
    const struct campaign *campaign;
    struct arena *arena; /* for the writer's job: nobody else uses it while the batch is open */
    uint64_t id, delivery_id, message_id, contact_id;
    slice person;
    bool marketing; /* not to who asked for none */
    int64_t now_ms, interval_us;
    struct why problem;  /* code not OK: it cannot be made into a message */
    const char *skipped; /* result: why not */
    bool handed;
    enum err rc;
    struct why why;
};

/* ---- on the writer ---- */

static enum err skip(struct handout *h, struct store *store, const char *reason, struct why *why)
{
    h->skipped = reason;
    struct stmt *q = store_stmt(store, SQL_CAMPAIGN_SKIP, why);
    stmt_i64(q, 1, (int64_t)h->campaign->workspace_id);
    stmt_i64(q, 2, (int64_t)h->id);
    stmt_text(q, 3, slice_str(reason));
    stmt_i64(q, 4, (int64_t)h->contact_id);
    stmt_i64(q, 5, h->now_ms);
    return stmt_run(q, why);
}

/* Who the number belongs to now, and what that person said of marketing. */
static enum err read_person(struct handout *h, struct store *store, bool *stopped, struct why *why)
{
    bool row = false;
    json *fields = NULL;
    *stopped = false;
    enum err rc =
        contact_find_recipient(store, h->campaign->workspace_id, h->person, &h->contact_id, why);
    if (rc != OK || h->contact_id == 0) return rc;
    struct stmt *q = store_stmt(store, SQL_CONTACT_GET, why);
    stmt_i64(q, 1, (int64_t)h->campaign->workspace_id);
    stmt_i64(q, 2, (int64_t)h->contact_id);
    rc = stmt_step(q, &row, why);
    slice text = rc == OK && row ? arena_dup(h->arena, stmt_col_text(q, 0)) : SLICE("{}");
    stmt_reset(q);
    if (rc == OK) rc = json_parse(text, h->arena, &fields, why);
    *stopped = rc == OK && slice_eq(contact_text(fields, "wa_marketing"), SLICE("stop"));
    return rc;
}

/* A person with two numbers, both in the list, is still one. */
static enum err is_served(struct handout *h, struct store *store, bool *served, struct why *why)
{
    *served = false;
    if (h->contact_id == 0) return OK;
    struct stmt *q = store_stmt(store, SQL_CAMPAIGN_SAME_PERSON, why);
    stmt_i64(q, 1, (int64_t)h->campaign->workspace_id);
    stmt_i64(q, 2, (int64_t)h->campaign->id);
    stmt_i64(q, 3, (int64_t)h->contact_id);
    enum err rc = stmt_step(q, served, why);
    stmt_reset(q);
    return rc;
}

static enum err is_waiting(struct handout *h, struct store *store, bool *waiting, struct why *why)
{
    bool row = false;
    struct stmt *q = store_stmt(store, SQL_CAMPAIGN_RECIPIENT_GET, why);
    stmt_i64(q, 1, (int64_t)h->campaign->workspace_id);
    stmt_i64(q, 2, (int64_t)h->id);
    enum err rc = stmt_step(q, &row, why);
    *waiting = rc == OK && row && stmt_col_i64(q, 0) == RECIPIENT_WAITING;
    stmt_reset(q);
    return rc;
}

/* *ours false: the campaign does not run any more. */
static enum err take_turn(struct handout *h, struct store *store, bool *ours, struct why *why)
{
    struct stmt *q = store_stmt(store, SQL_CAMPAIGN_TAKE_TURN, why);
    stmt_i64(q, 1, (int64_t)h->campaign->workspace_id);
    stmt_i64(q, 2, (int64_t)h->campaign->id);
    stmt_i64(q, 3, h->now_ms * 1000 - PACE_SLACK_US);
    stmt_i64(q, 4, h->interval_us);
    enum err rc = stmt_run(q, why);
    *ours = rc == OK && store_changes(store) > 0;
    return rc;
}

static enum err give(struct handout *h, struct store *store, struct why *why)
{
    struct stmt *q = store_stmt(store, SQL_CAMPAIGN_HAND_OUT, why);
    stmt_i64(q, 1, (int64_t)h->campaign->workspace_id);
    stmt_i64(q, 2, (int64_t)h->id);
    stmt_i64(q, 3, (int64_t)h->delivery_id);
    stmt_i64(q, 4, (int64_t)h->message_id);
    stmt_i64(q, 5, (int64_t)h->contact_id);
    stmt_i64(q, 6, h->now_ms);
    enum err rc = stmt_run(q, why);
    h->handed = rc == OK && store_changes(store) > 0;
    return rc;
}

static enum err decide(struct handout *h, struct store *store, struct why *why)
{
    bool waiting = false, stopped = false, served = false, ours = false;
    enum err rc = is_waiting(h, store, &waiting, why);
    if (rc != OK || !waiting) return rc;
    rc = read_person(h, store, &stopped, why);
    if (rc != OK) return rc;
    if (stopped && h->marketing) return skip(h, store, "asked for no marketing", why);
    if (h->problem.code != OK) return skip(h, store, h->problem.text, why);
    rc = is_served(h, store, &served, why);
    if (rc == OK && served) return skip(h, store, "the same person as another recipient", why);
    if (rc == OK) rc = take_turn(h, store, &ours, why);
    return rc == OK && ours ? give(h, store, why) : rc;
}

static enum err handout_run(struct journal_job *job, struct store *store, struct why *why)
{
    struct handout *h = (struct handout *)(void *)job;
    h->handed = false;
    enum err rc = decide(h, store, why);
    if (rc == OK && !h->handed && job->entry) { /* no event without the recipient's state */
        journal_entry_free(job->entry);
        job->entry = NULL;
    }
    return rc;
}

/* ---- on the syncer ---- */

static void handout_done(struct journal_job *job, enum err rc, const struct why *why)
{
    struct handout *h = (struct handout *)(void *)job;
    struct batch *b = h->batch;
    h->rc = rc;
    if (rc != OK) {
        h->why = *why;
        journal_entry_free(job->entry);
    }
    pthread_mutex_lock(&b->lock);
    if (--b->open == 0) pthread_cond_signal(&b->ended);
    pthread_mutex_unlock(&b->lock);
}

/* ---- on the campaign thread ---- */

/* Makes the message and its event; whatever is wrong with it is the recipient's `problem`. */
static void prepare(struct campaigner *c, struct handout *h, struct config *config,
                    const struct destination *to, json *template, slice data)
{
    json *values = NULL, *message = NULL;
    slice missing;
    char campaign[ID_TEXT_MAX], recipient[ID_TEXT_MAX];
    enum err rc = json_parse(data, &c->arena, &values, &h->problem);
    if (rc == OK)
        rc = campaign_message(template, h->campaign->category, h->person, values, to, &c->arena,
                              &message, &missing, &h->problem);
    if (rc != OK) return;
    h->problem.code = OK;
    h->marketing = to->kind->messages->is_marketing(message, &to->cfg);
    /* The blank keeps it apart from every key of POST /api/messages. */
    slice key = arena_printf(&c->arena, "%.*s %.*s",
                             SLICE_ARG(id_text(ID_CAMPAIGN, h->campaign->id, campaign)),
                             SLICE_ARG(id_text(ID_RECIPIENT, h->id, recipient)));
    struct outbox_message m = { .to = to,
                                .message = message,
                                .key = key,
                                .delivery_id = h->delivery_id,
                                .message_id = h->message_id,
                                .campaign_id = h->campaign->id,
                                .at_ms = h->now_ms };
    h->job.entry = key.ptr ? outbox_entry(config, c->o.log, &m) : NULL;
    if (!h->job.entry) (void)why_set(&h->problem, ERR_LIMIT, "the message is too large");
}

static enum err read_waiting(struct campaigner *c, const struct campaign *m, struct handout *list,
                             slice *data, int64_t max, int64_t *found, struct why *why)
{
    bool row = true;
    enum err rc;
    *found = 0;
    struct stmt *q = store_stmt(c->reader, SQL_CAMPAIGN_WAITING, why);
    stmt_i64(q, 1, (int64_t)m->workspace_id);
    stmt_i64(q, 2, (int64_t)m->id);
    stmt_i64(q, 3, max);
    while ((rc = stmt_step(q, &row, why)) == OK && row && *found < max) {
        struct handout *h = &list[*found];
        h->id = (uint64_t)stmt_col_i64(q, 0);
        h->person = arena_dup(&c->arena, stmt_col_text(q, 1));
        data[*found] = arena_dup(&c->arena, stmt_col_text(q, 2));
        if (!h->person.ptr || !data[*found].ptr) {
            rc = why_set(why, ERR_LIMIT, "out of memory");
            break;
        }
        (*found)++;
    }
    stmt_reset(q);
    return rc;
}

static void post_and_wait(struct campaigner *c, struct batch *b, struct handout *list, size_t count)
{
    b->open = count;
    for (size_t i = 0; i < count; i++) journal_post(c->journal, &list[i].job);
    pthread_mutex_lock(&b->lock);
    while (b->open > 0) pthread_cond_wait(&b->ended, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

enum err campaign_hand_out(struct campaigner *c, const struct campaign *m, struct config *config,
                           const struct destination *to, int64_t count, int64_t *found,
                           struct why *why)
{
    struct batch b = { .open = 0 };
    json *template = NULL;
    int64_t now_ms = clock_wall_ms();
    if (count > CAMPAIGN_STEP_ROWS) count = CAMPAIGN_STEP_ROWS;
    struct handout *list = arena_new(&c->arena, struct handout, (size_t)count);
    slice *data = arena_new(&c->arena, slice, (size_t)count);
    *found = 0;
    enum err rc = list && data ? json_parse(m->template, &c->arena, &template, why)
                               : why_set(why, ERR_LIMIT, "out of memory");
    if (rc == OK) rc = read_waiting(c, m, list, data, count, found, why);
    if (rc != OK || *found == 0) return rc;
    size_t made = 0;
    for (; made < (size_t)*found && (made == 0 || c->arena.used < HAND_OUT_BYTES); made++) {
        struct handout *h = &list[made];
        h->job.run = handout_run;
        h->job.done = handout_done;
        h->batch = &b;
        h->campaign = m;
        h->arena = &c->arena;
        h->now_ms = now_ms;
        h->interval_us = campaign_interval_us(campaign_pace(m->per_minute, to));
        h->delivery_id = id_next(c->o.ids, now_ms);
        h->message_id = id_next(c->o.ids, now_ms);
        h->marketing = true; /* until the message says else */
        prepare(c, h, config, to, template, data[made]);
    }
    pthread_mutex_init(&b.lock, NULL);
    pthread_cond_init(&b.ended, NULL);
    post_and_wait(c, &b, list, made);
    pthread_cond_destroy(&b.ended);
    pthread_mutex_destroy(&b.lock);
    for (size_t i = 0; i < made; i++) {
        if (list[i].rc != OK)
            rc = why_set(why, list[i].rc, "%s", list[i].why.text);
        else if (list[i].handed)
            metrics_add(c->o.metrics, METRIC_campaign_messages, 1);
        else if (list[i].skipped)
            metrics_add(c->o.metrics, METRIC_campaign_skipped, 1);
    }
    return rc;
}
