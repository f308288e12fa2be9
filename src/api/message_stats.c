/* message_stats.c: figures of messages, files and tickets since a moment: read over the ids since then, nothing older. */
#include "api/routes.h"
#include "base/clock.h"
#include "base/id.h"

enum { STATS_DEFAULT_MS = 24 * 60 * 60 * 1000 };

/* Calls `put` for each row of a statement over ids since `from`. */
static enum err each(struct call *c, enum sql sql, uint64_t from, void *ctx,
                     void (*put)(struct call *, struct stmt *, void *ctx), struct why *why)
{
    bool row = true;
    enum err rc;
    struct stmt *q = store_stmt(c->store, sql, why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)from);
    while ((rc = stmt_step(q, &row, why)) == OK && row) put(c, q, ctx);
    stmt_reset(q);
    return rc;
}

static const char *name_of(const char *const *names, int64_t n, int64_t count)
{
    return n >= 0 && n < count && names[n][0] ? names[n] : "unknown";
}

static void put_type(struct call *c, struct stmt *q, void *ctx UNUSED)
{
    json_begin_object(&c->out, NULL);
    json_put_str(&c->out, "direction",
                 slice_str(name_of(message_direction_name, stmt_col_i64(q, 0), MESSAGE_OUT + 1)));
    json_put_str(&c->out, "type", stmt_col_text(q, 1));
    json_put_i64(&c->out, "count", stmt_col_i64(q, 2));
    json_end_object(&c->out);
}

static void put_state(struct call *c, struct stmt *q, void *ctx UNUSED)
{
    json_put_i64(&c->out, name_of(message_state_name, stmt_col_i64(q, 0), MESSAGE_STATE_COUNT),
                 stmt_col_i64(q, 1));
}

struct media_sums {
    int64_t downloaded, over, bytes;
};

static void put_media_state(struct call *c, struct stmt *q, void *ctx)
{
    struct media_sums *s = ctx;
    int64_t state = stmt_col_i64(q, 0), n = stmt_col_i64(q, 1);
    json_put_i64(&c->out, name_of(media_state_name, state, MEDIA_STATE_COUNT), n);
    if (state >= MEDIA_DOWNLOADED) s->over += n;
    if (state == MEDIA_DOWNLOADED) {
        s->downloaded = n;
        s->bytes = stmt_col_i64(q, 2);
    }
}

struct ticket_sums {
    int64_t answered, wait_ms;
};

static void put_ticket_state(struct call *c, struct stmt *q, void *ctx)
{
    struct ticket_sums *s = ctx;
    json_put_i64(&c->out, name_of(ticket_state_name, stmt_col_i64(q, 0), TICKET_STATE_COUNT),
                 stmt_col_i64(q, 1));
    s->answered += stmt_col_i64(q, 2);
    s->wait_ms += stmt_col_i64(q, 3);
}

static enum err put_media(struct call *c, uint64_t from, struct why *why)
{
    struct media_sums s = { .downloaded = 0 };
    json_begin_object(&c->out, "media");
    enum err rc = each(c, SQL_MESSAGE_STATS_MEDIA, from, &s, put_media_state, why);
    json_put_i64(&c->out, "bytes", s.bytes);
    if (s.over) json_put_i64(&c->out, "success_pct", s.downloaded * 100 / s.over);
    json_end_object(&c->out);
    return rc;
}

static enum err put_tickets(struct call *c, uint64_t from, struct why *why)
{
    struct ticket_sums s = { .answered = 0 };
    json_begin_object(&c->out, "tickets");
    enum err rc = each(c, SQL_MESSAGE_STATS_TICKETS, from, &s, put_ticket_state, why);
    json_put_i64(&c->out, "answered", s.answered);
    if (s.answered) json_put_i64(&c->out, "first_reply_avg_s", s.wait_ms / s.answered / 1000);
    json_end_object(&c->out);
    return rc;
}

void api_message_stats(struct call *c)
{
    struct why why;
    int64_t since_ms = clock_wall_ms() - STATS_DEFAULT_MS;
    enum err rc = call_time(c, call_query(c, "since"), &since_ms, &why);
    uint64_t from = id_at(since_ms);
    json_begin_object(&c->out, NULL);
    json_put_time(&c->out, "since", since_ms);
    json_begin_array(&c->out, "messages");
    if (rc == OK) rc = each(c, SQL_MESSAGE_STATS_TYPES, from, NULL, put_type, &why);
    json_end_array(&c->out);
    json_begin_object(&c->out, "sent");
    if (rc == OK) rc = each(c, SQL_MESSAGES_STATES, from, NULL, put_state, &why);
    json_end_object(&c->out);
    if (rc == OK) rc = put_media(c, from, &why);
    if (rc == OK) rc = put_tickets(c, from, &why);
    json_end_object(&c->out);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}
