/* campaigns.c: campaigns: made, listed with their counts, started, paused, cancelled. Their recipients: campaign_recipients.c; who hands
 * out: campaign/. Counts are counted where they are asked for, by an index: nothing can drift. */
#include "api/routes.h"
#include "base/clock.h"
#include "base/text.h"
#include "campaign/fill.h"
#include "outbox/outbox.h"
#include "records/campaign.h"

enum { HOUR_MS = 3600 * 1000 };

/* ---- showing ---- */

static struct stmt *by_campaign(struct call *c, enum sql sql, int64_t id)
{
    struct stmt *q = store_stmt(c->store, sql, NULL);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, id);
    return q;
}

static int64_t count_of(struct call *c, enum sql sql, int64_t id)
{
    bool row = false;
    struct stmt *q = by_campaign(c, sql, id);
    int64_t n = stmt_step(q, &row, NULL) == OK && row ? stmt_col_i64(q, 0) : 0;
    stmt_reset(q);
    return n;
}

/* What was read was delivered, and what was delivered was sent: each figure holds those behind it. Returns how many are queued. */
static int64_t put_counts(struct call *c, int64_t id)
{
    int64_t in[RECIPIENT_STATE_COUNT] = { 0 }, all = 0;
    bool row = true;
    struct buf *b = &c->out;
    struct stmt *q = by_campaign(c, SQL_CAMPAIGNS_COUNTS, id);
    while (stmt_step(q, &row, NULL) == OK && row) {
        int64_t state = stmt_col_i64(q, 0);
        if (state >= 0 && state < RECIPIENT_STATE_COUNT) in[state] = stmt_col_i64(q, 1);
    }
    stmt_reset(q);
    for (size_t i = 0; i < RECIPIENT_STATE_COUNT; i++) all += in[i];
    int64_t read = in[RECIPIENT_READ], delivered = read + in[RECIPIENT_DELIVERED],
            sent = delivered + in[RECIPIENT_SENT], accepted = sent + in[RECIPIENT_ACCEPTED];
    json_begin_object(b, "counts");
    json_put_i64(b, "recipients", all);
    json_put_i64(b, "waiting", in[RECIPIENT_WAITING]);
    json_put_i64(b, "queued", in[RECIPIENT_QUEUED] + in[RECIPIENT_RETRYING]);
    json_put_i64(b, "accepted", accepted);
    json_put_i64(b, "sent", sent);
    json_put_i64(b, "delivered", delivered);
    json_put_i64(b, "read", read);
    json_put_i64(b, "failed", in[RECIPIENT_FAILED]);
    json_put_i64(b, "skipped", in[RECIPIENT_SKIPPED]);
    json_put_i64(b, "cancelled", in[RECIPIENT_CANCELLED]);
    json_put_i64(b, "replied", count_of(c, SQL_CAMPAIGNS_REPLIED, id));
    json_put_i64(b, "opted_out", count_of(c, SQL_CAMPAIGNS_STOPPED, id));
    json_end_object(b);
    return in[RECIPIENT_QUEUED] + in[RECIPIENT_RETRYING];
}

/* Why what is to go out does not, if so. */
static void put_waits(struct call *c, const struct destination *to)
{
    const char *what = campaign_waits_for(to);
    if (what) {
        json_put_str(&c->out, "waits_for", slice_str(what));
        if (to && to->hold.len > 0) json_put_str(&c->out, "hold", to->hold);
        return;
    }
    struct deliver_status s = deliver_status_of(c->app->deliver, to);
    bool stands = slice_eq(slice_str(s.state), SLICE("paused")) ||
                  slice_eq(slice_str(s.state), SLICE("broken"));
    if (!stands) return;
    json_put_str(&c->out, "waits_for", arena_printf(c->x->arena, "its destination is %s", s.state));
    json_put_time(&c->out, "waits_until", s.until_ms);
}

static void put_campaign(struct call *c, struct stmt *q)
{
    struct buf *b = &c->out;
    int64_t id = stmt_col_i64(q, 0), state = stmt_col_i64(q, 3);
    struct config *config = config_hold(&c->app->config);
    const struct destination *to = config_destination_by_id(config, (uint64_t)stmt_col_i64(q, 2));
    json_begin_object(b, NULL);
    put_id(b, "id", ID_CAMPAIGN, id);
    json_put_str(b, "name", stmt_col_text(q, 1));
    if (to) json_put_str(b, "destination", to->name);
    json_put_str(b, "state", slice_str(campaign_state_name[state]));
    json_put_opt(b, "reason", stmt_col_text(q, 12));
    json_put_str(b, "category", stmt_col_text(q, 4));
    json_put_raw(b, "template", stmt_col_text(q, 5));
    json_put_i64(b, "per_minute", stmt_col_i64(q, 6));
    json_put_i64(b, "reply_hours", stmt_col_i64(q, 7) / HOUR_MS);
    if (stmt_col_text(q, 8).len > 0) json_put_bool(b, "collecting", true);
    if (put_counts(c, id) > 0 || state == CAMPAIGN_RUNNING) put_waits(c, to);
    json_put_time(b, "created_at", stmt_col_i64(q, 9));
    json_put_time(b, "started_at", stmt_col_i64(q, 10));
    json_put_time(b, "finished_at", stmt_col_i64(q, 11));
    json_end_object(b);
    config_release(config);
}

static void show(struct call *c, uint64_t id, int status)
{
    struct why why = { .code = OK };
    bool row = false;
    struct stmt *q = by_campaign(c, SQL_CAMPAIGNS_GET, (int64_t)id);
    enum err rc = stmt_step(q, &row, &why);
    if (rc == OK && row) put_campaign(c, q);
    stmt_reset(q);
    if (rc == OK && row)
        reply_json(c, status);
    else if (rc == OK)
        reply_error(c, 404, "not_found", "there is no such campaign");
    else
        reply_err(c, rc, &why);
}

/* The id in the path; false: answered. */
static bool read_id(struct call *c, uint64_t *id)
{
    if (id_parse(ID_CAMPAIGN, c->param[0], id) == OK) return true;
    reply_error(c, 404, "not_found", "there is no such campaign");
    return false;
}

static void list(struct call *c)
{
    struct why why;
    struct page page;
    int64_t state = -1;
    slice word = call_query(c, "state");
    enum err rc = page_read(c, &page, &why);
    for (int i = 0; word.len && i < CAMPAIGN_STATE_COUNT; i++)
        if (slice_eq(word, slice_str(campaign_state_name[i]))) state = i;
    if (rc == OK && word.len && state < 0)
        rc = why_set(&why, ERR_SYNTAX, "`state` is draft, running, paused, finished or cancelled");
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    struct stmt *q = store_stmt(c->store, SQL_CAMPAIGNS_LIST, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, page.before);
    stmt_i64(q, 3, state);
    stmt_i64(q, 4, page.limit);
    page_put(c, q, &page, ID_CAMPAIGN, put_campaign);
}

/* ---- making ---- */

struct draft {
    struct call *call;
    slice name, category, template;
    const struct destination *to;
    int64_t per_minute, reply_hours;
    uint64_t id;
    bool made;
};

static enum err read_number(json *body, const char *key, int64_t most, int64_t *out,
                            struct why *why)
{
    if (!json_get(body, key)) return OK;
    if (text_i64(json_get_text(body, key), 1, most, out, NULL) == OK) return OK;
    return why_set(why, ERR_SYNTAX, "`%s` is 1 to %lld", key, (long long)most);
}

static enum err read_category(json *body, struct draft *d, struct why *why)
{
    static const char *const known[] = { "marketing", "utility", "authentication" };
    d->category = json_get(body, "category") ? json_get_text(body, "category")
                                             : SLICE("marketing"); /* the careful guess */
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (slice_eq(d->category, slice_str(known[i]))) return OK;
    return why_set(why, ERR_SYNTAX, "`category` is marketing, utility or authentication");
}

/* The template is tried with an "x" for each placeholder: a mistake is told now and not found in every recipient. */
static enum err read_template(struct call *c, json *body, struct draft *d, struct why *why)
{
    json *template = json_get(body, "template"), *message = NULL;
    slice missing;
    if (!yyjson_is_obj(template))
        return why_set(why, ERR_SYNTAX, "`template` is missing: {name, language, components}");
    enum err rc = fill_check(template, why);
    if (rc == OK)
        rc = campaign_message(template, d->category, SLICE("+5511999990000"), NULL, d->to,
                              c->x->arena, &message, &missing, why);
    if (rc == OK) rc = api_upload_check(c, d->to->kind->messages, message, why);
    d->template = json_print(template, c->x->arena);
    return rc == OK && d->template.len == 0 ? why_set(why, ERR_LIMIT, "out of memory") : rc;
}

static enum err read_draft(struct call *c, struct config *config, struct draft *d, struct why *why)
{
    static const char *const known[] = { "name",     "destination", "template",
                                         "category", "per_minute",  "reply_hours" };
    json *body = NULL;
    *d = (struct draft){ .call = c,
                         .per_minute = CAMPAIGN_PER_MINUTE_DEFAULT,
                         .reply_hours = CAMPAIGN_REPLY_HOURS_DEFAULT };
    enum err rc = call_body(c, false, &body, why);
    if (rc != OK) return rc;
    yyjson_obj_iter it = yyjson_obj_iter_with(body);
    for (json *k; (k = yyjson_obj_iter_next(&it));) {
        size_t i = 0;
        while (i < ARRAY_LEN(known) && !slice_eq(json_str(k), slice_str(known[i]))) i++;
        if (i == ARRAY_LEN(known))
            return why_set(why, ERR_SYNTAX, "a campaign has no member \"%.*s\"",
                           SLICE_ARG(slice_sub(json_str(k), 0, 40)));
    }
    d->name = slice_trim(json_str(json_get(body, "name")));
    if (d->name.len == 0 || d->name.len > NAME_MAX_BYTES)
        return why_set(why, ERR_SYNTAX, "`name` is text of 1 to %d bytes", NAME_MAX_BYTES);
    rc = outbox_destination(config, c->key.workspace_id, json_get_text(body, "destination"), &d->to,
                            why);
    if (rc == OK)
        rc = read_number(body, "per_minute", CAMPAIGN_PER_MINUTE_MAX, &d->per_minute, why);
    if (rc == OK)
        rc = read_number(body, "reply_hours", CAMPAIGN_REPLY_HOURS_MAX, &d->reply_hours, why);
    if (rc == OK) rc = read_category(body, d, why);
    return rc == OK ? read_template(c, body, d, why) : rc;
}

static enum err make_run(void *ctx, struct store *s, struct why *why)
{
    struct draft *d = ctx;
    struct stmt *q = store_stmt(s, SQL_CAMPAIGNS_ADD, why);
    stmt_i64(q, 1, (int64_t)d->id);
    stmt_i64(q, 2, (int64_t)d->call->key.workspace_id);
    stmt_text(q, 3, d->name);
    stmt_i64(q, 4, (int64_t)d->to->id);
    stmt_text(q, 5, d->category);
    stmt_text(q, 6, d->template);
    stmt_i64(q, 7, d->per_minute);
    stmt_i64(q, 8, d->reply_hours * HOUR_MS);
    stmt_i64(q, 9, clock_wall_ms());
    enum err rc = stmt_run(q, why);
    d->made = rc == OK && store_changes(s) > 0;
    return rc;
}

static void make(struct call *c)
{
    struct why why;
    struct draft d;
    struct config *config = config_hold(&c->app->config);
    enum err rc = read_draft(c, config, &d, &why);
    d.id = id_next(&c->app->ids, clock_wall_ms());
    if (rc == OK) rc = journal_call(c->app->journal, make_run, &d, &why);
    if (rc == OK && !d.made)
        rc = why_set(&why, ERR_CONFLICT, "there is a campaign of that name already");
    config_release(config);
    if (rc == OK)
        show(c, d.id, 201);
    else
        reply_err(c, rc, &why);
}

void api_campaigns(struct call *c)
{
    if (slice_eq(c->x->request.method, SLICE("POST")))
        make(c);
    else
        list(c);
}

/* ---- moving ---- */

struct move {
    uint64_t workspace_id, id;
    enum sql sql;
    bool moved;
};

static enum err move_run(void *ctx, struct store *s, struct why *why)
{
    struct move *m = ctx;
    struct stmt *q = store_stmt(s, m->sql, why);
    stmt_i64(q, 1, (int64_t)m->workspace_id);
    stmt_i64(q, 2, (int64_t)m->id);
    if (m->sql == SQL_CAMPAIGNS_DELETE_RECIPIENTS)
        stmt_i64(q, 3, CAMPAIGN_STEP_ROWS);
    else if (m->sql != SQL_CAMPAIGNS_DELETE)
        stmt_i64(q, 3, clock_wall_ms());
    enum err rc = stmt_run(q, why);
    m->moved = rc == OK && store_changes(s) > 0;
    return rc;
}

/* Is it there at all? What could not be moved is else in the wrong state. */
static bool exists(struct call *c, uint64_t id)
{
    bool row = false;
    struct stmt *q = by_campaign(c, SQL_CAMPAIGNS_GET, (int64_t)id);
    bool found = stmt_step(q, &row, NULL) == OK && row;
    stmt_reset(q);
    return found;
}

static void act(struct call *c, enum sql sql, const char *refused)
{
    struct why why;
    struct move m = { .workspace_id = c->key.workspace_id, .sql = sql };
    if (!read_id(c, &m.id)) return;
    enum err rc = journal_call(c->app->journal, move_run, &m, &why);
    campaign_wake(c->app->campaigns);
    if (rc != OK)
        reply_err(c, rc, &why);
    else if (m.moved || !exists(c, m.id))
        show(c, m.id, 200);
    else
        reply_error(c, 409, "conflict", "%s", refused);
}

/* A template that its channel will not send: the campaign would pause at once. True: the answer is written. */
static bool refuse_template(struct call *c)
{
    struct why why = { .code = OK };
    bool row = false;
    uint64_t id = 0;
    if (id_parse(ID_CAMPAIGN, c->param[0], &id) != OK) return false;
    struct config *config = config_hold(&c->app->config);
    struct stmt *q = by_campaign(c, SQL_CAMPAIGNS_GET, (int64_t)id);
    enum err rc = stmt_step(q, &row, &why);
    const struct destination *to =
        rc == OK && row ? config_destination_by_id(config, (uint64_t)stmt_col_i64(q, 2)) : NULL;
    slice template = to ? arena_dup(c->x->arena, stmt_col_text(q, 5)) : (slice){ NULL, 0 };
    stmt_reset(q);
    if (to && to->kind->messages)
        rc = campaign_template_check(c->store, to, template, c->x->arena, &why);
    config_release(config);
    if (rc == ERR_DENIED)
        reply_error(c, 409, "template_refused", "%s", why.text);
    else if (rc != OK)
        reply_err(c, rc, &why);
    return rc != OK;
}

void api_campaign_start(struct call *c)
{
    if (refuse_template(c)) return;
    act(c, SQL_CAMPAIGNS_RUN, "the campaign runs already, or has ended");
}

void api_campaign_pause(struct call *c)
{
    act(c, SQL_CAMPAIGNS_PAUSE, "the campaign does not run");
}

void api_campaign_cancel(struct call *c)
{
    act(c, SQL_CAMPAIGNS_CANCEL, "the campaign is cancelled already");
}

static void delete_draft(struct call *c)
{
    struct why why;
    struct move m = { .workspace_id = c->key.workspace_id, .moved = true };
    enum err rc = OK;
    if (!read_id(c, &m.id)) return;
    if (!exists(c, m.id)) {
        reply_error(c, 404, "not_found", "there is no such campaign");
        return;
    }
    m.sql = SQL_CAMPAIGNS_DELETE_RECIPIENTS;
    while (rc == OK && m.moved) rc = journal_call(c->app->journal, move_run, &m, &why);
    m.sql = SQL_CAMPAIGNS_DELETE;
    if (rc == OK) rc = journal_call(c->app->journal, move_run, &m, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
    } else if (!m.moved) {
        reply_error(c, 409, "conflict", "only a draft can be deleted: what was sent is kept");
    } else {
        json_begin_object(&c->out, NULL);
        put_id(&c->out, "deleted", ID_CAMPAIGN, (int64_t)m.id);
        json_end_object(&c->out);
        reply_json(c, 200);
    }
}

void api_campaign(struct call *c)
{
    uint64_t id;
    if (slice_eq(c->x->request.method, SLICE("DELETE")))
        delete_draft(c);
    else if (read_id(c, &id))
        show(c, id, 200);
}
