/* tickets.c: tickets: listed, closed, reopened, assigned. */
#include "api/routes.h"
#include "api/who.h"
#include "base/clock.h"

enum { ASSIGNEE_MAX = 200 };

static void put_ticket(struct call *c, struct stmt *q)
{
    struct buf *b = &c->out;
    int64_t opened = stmt_col_i64(q, 5), reply = stmt_col_i64(q, 7);
    json_begin_object(b, NULL);
    put_id(b, "id", ID_TICKET, stmt_col_i64(q, 0));
    put_id(b, "conversation", ID_CONVERSATION, stmt_col_i64(q, 1));
    who_put(c, stmt_col_i64(q, 2), stmt_col_text(q, 8));
    json_put_str(b, "state", slice_str(ticket_state_name[stmt_col_i64(q, 3)]));
    json_put_opt(b, "assignee", stmt_col_text(q, 4));
    json_put_time(b, "opened_at", opened);
    json_put_time(b, "closed_at", stmt_col_i64(q, 6));
    json_put_time(b, "first_reply_at", reply);
    if (reply > 0) json_put_i64(b, "first_reply_ms", reply - opened);
    json_end_object(b);
}

void api_tickets(struct call *c)
{
    struct why why;
    struct page page;
    uint64_t conversation = 0, contact = 0;
    int64_t state = 0;
    slice word = call_query(c, "state"), id = call_query(c, "conversation"),
          person = call_query(c, "contact"), assignee = call_query(c, "assignee");
    enum err rc = page_read(c, &page, &why);
    for (int i = TICKET_OPEN; i < TICKET_STATE_COUNT; i++)
        if (slice_eq(word, slice_str(ticket_state_name[i]))) state = i;
    if (rc == OK && word.len && state == 0)
        rc = why_set(&why, ERR_SYNTAX, "`state` is open or closed");
    if (rc == OK && id.len && id_parse(ID_CONVERSATION, id, &conversation) != OK)
        rc = why_set(&why, ERR_SYNTAX, "`conversation` is no id of its kind");
    if (rc == OK && person.len && id_parse(ID_CONTACT, person, &contact) != OK)
        rc = why_set(&why, ERR_SYNTAX, "`contact` is no id of its kind");
    if (rc == OK && contact && conversation)
        rc = why_set(&why, ERR_SYNTAX, "name a contact or a conversation, not both");
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    bool open = state == TICKET_OPEN && !conversation && !contact &&
                assignee.len == 0; /* by the index of the open ones */
    enum sql sql = open      ? SQL_MESSAGES_TICKETS_OPEN
                   : contact ? SQL_MESSAGES_TICKETS_OF_CONTACT
                             : SQL_MESSAGES_TICKETS;
    int n = 2;
    struct stmt *q = store_stmt(c->store, sql, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, page.before);
    if (!open) {
        stmt_i64(q, ++n, state);
        stmt_i64(q, ++n, (int64_t)(contact ? contact : conversation));
        stmt_text(q, ++n, assignee);
    }
    stmt_i64(q, ++n, page.limit);
    page_put(c, q, &page, ID_TICKET, put_ticket);
}

static void show(struct call *c)
{
    struct why why;
    uint64_t id = 0;
    bool row = false;
    enum err rc = id_parse(ID_TICKET, c->param[0], &id) == OK
                      ? OK
                      : why_set(&why, ERR_MISSING, "there is no such ticket");
    struct stmt *q = rc == OK ? store_stmt(c->store, SQL_MESSAGES_TICKET, &why) : NULL;
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    if (rc == OK) rc = stmt_step(q, &row, &why);
    if (rc == OK && !row) rc = why_set(&why, ERR_MISSING, "there is no such ticket");
    if (rc == OK) put_ticket(c, q);
    stmt_reset(q);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}

void api_ticket(struct call *c) { show(c); }

struct act {
    uint64_t workspace_id, id;
    enum sql sql;
    slice assignee;
    bool done;
};

/* On the writer. */
static enum err act_run(void *arg, struct store *s, struct why *why)
{
    struct act *a = arg;
    struct stmt *q = store_stmt(s, a->sql, why);
    stmt_i64(q, 1, (int64_t)a->workspace_id);
    stmt_i64(q, 2, (int64_t)a->id);
    stmt_i64(q, 3, clock_wall_ms());
    if (a->sql == SQL_MESSAGES_TICKET_ASSIGN) stmt_text(q, 4, a->assignee);
    enum err rc = stmt_run(q, why);
    a->done = rc == OK && store_changes(s) > 0;
    if (!a->done || a->sql != SQL_MESSAGES_TICKET_REOPEN) return rc;
    q = store_stmt(s, SQL_MESSAGES_TICKET_GATHER, why); /* what was written while it was closed */
    stmt_i64(q, 1, (int64_t)a->workspace_id);
    stmt_i64(q, 2, (int64_t)a->id);
    return stmt_run(q, why);
}

static void act(struct call *c, enum sql sql, slice assignee, const char *refused)
{
    struct why why;
    struct act a = { .workspace_id = c->key.workspace_id, .sql = sql, .assignee = assignee };
    if (id_parse(ID_TICKET, c->param[0], &a.id) != OK) {
        reply_error(c, 404, "not_found", "there is no such ticket");
        return;
    }
    enum err rc = journal_call(c->app->journal, act_run, &a, &why);
    if (rc != OK)
        reply_err(c, rc, &why);
    else if (a.done)
        show(c);
    else if (call_has(c, SQL_MESSAGES_TICKET, a.id))
        reply_error(c, 409, "conflict", "%s", refused);
    else
        reply_error(c, 404, "not_found", "there is no such ticket");
}

void api_ticket_close(struct call *c)
{
    act(c, SQL_MESSAGES_TICKET_CLOSE, (slice){ NULL, 0 }, "it is closed already");
}

void api_ticket_reopen(struct call *c)
{
    act(c, SQL_MESSAGES_TICKET_REOPEN, (slice){ NULL, 0 },
        "it is open, or a later one was opened since");
}

void api_ticket_assign(struct call *c)
{
    struct why why;
    json *body = NULL;
    enum err rc = call_body(c, false, &body, &why);
    slice who = json_str(json_get(body, "assignee"));
    if (rc == OK && (!json_get(body, "assignee") || who.len > ASSIGNEE_MAX))
        rc = why_set(&why, ERR_SYNTAX,
                     "`assignee` is who answers for it, at most %d bytes; \"\" for nobody",
                     ASSIGNEE_MAX);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    act(c, SQL_MESSAGES_TICKET_ASSIGN, who, "there is no such ticket");
}
