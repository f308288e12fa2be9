/* person.c: all that is kept of one person, found and handed out (LGPD, art. 18, II): on the API thread's reading connection, page by page.
 * Erased: person_erase.c. */
#include "api/person.h"

#include "api/routes.h"
#include "base/clock.h"
#include "records/campaign.h"

/* ---- finding ---- */

struct stmt *person_stmt(struct call *c, enum sql sql, uint64_t id, struct why *why)
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

enum err person_find(struct call *c, struct person *p, struct why *why)
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
        struct stmt *q = person_stmt(c, SQL_PERSON_CONTACTS, p->ids[i], why);
        while ((rc = stmt_step(q, &row, why)) == OK && row) {
            found = true;
            uint64_t other = (uint64_t)stmt_col_i64(q, 0);
            if (holds(p, other)) continue;
            if (p->count == PERSON_CONTACTS_MAX) {
                rc = why_set(why, ERR_LIMIT, "over %d contacts were merged into this one",
                             PERSON_CONTACTS_MAX);
                break;
            }
            p->ids[p->count++] = other;
        }
        stmt_reset(q);
    }
    if (rc == OK && !found) rc = why_set(why, ERR_MISSING, "there is no such contact");
    p->names = arena_new(c->x->arena, struct mention_names, 1);
    if (rc == OK && !p->names) rc = why_set(why, ERR_LIMIT, "out of memory");
    for (size_t i = 0; rc == OK && i < p->count; i++)
        rc = mention_names(c, p->ids[i], p->names, why);
    return rc;
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
        struct stmt *q = person_stmt(c, sql, p->ids[i], why);
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

/* What the channel said of their messages, wherever those were sent from. */
static enum err put_statuses(struct person *p, struct why *why)
{
    struct call *c = p->call;
    struct mention_place *place = mention_open(c);
    enum err rc = place ? OK : why_set(why, ERR_LIMIT, "out of memory");
    if (!place) return rc;
    json_begin_array(&c->out, "statuses");
    while (rc == OK && !place->end) {
        rc = mention_statuses(c, p->names, place, why);
        for (size_t i = 0; rc == OK && i < place->count; i++) {
            const struct mention_status *s = &place->found[i];
            json_begin_object(&c->out, NULL);
            json_put_str(&c->out, "message", s->external_id);
            json_put_str(&c->out, "status", s->status);
            json_put_time(&c->out, "at", s->at_ms);
            json_put_opt(&c->out, "recipient", s->recipient);
            put_json(c, "data", s->data);
            json_end_object(&c->out);
        }
    }
    json_end_array(&c->out);
    mention_close(place);
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
    enum err rc = person_find(c, &p, &why);
    if (rc == OK) json_begin_object(&c->out, NULL);
    for (size_t i = 0; rc == OK && i < ARRAY_LEN(lists); i++)
        rc = put_list(&p, lists[i].name, lists[i].sql, &why);
    if (rc == OK) rc = put_statuses(&p, &why);
    if (rc == OK) {
        json_put_time(&c->out, "exported_at", clock_wall_ms());
        json_end_object(&c->out);
        reply_json(c, 200);
    } else {
        reply_err(c, rc, &why);
    }
}
