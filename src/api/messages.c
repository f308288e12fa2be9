/* messages.c: conversations and their messages, read only. */
#include "api/mask.h"
#include "api/routes.h"
#include "api/who.h"
#include "base/text.h"

/* Ids of messages and groups hold numbers of people, in base64. */
static slice shown(struct call *c, slice text)
{
    return c->key.pii || text.len == 0 ? text : SLICE("***");
}

/* As the channel said in a status. */
static void put_said(struct call *c, json *first)
{
    struct buf *b = &c->out;
    slice details = json_text(json_at(first, SLICE("/error_data/details")));
    if (details.len == 0) details = json_get_text(first, "message");
    if (json_get(first, "code"))
        json_put_raw(b, "code", json_print(json_get(first, "code"), c->x->arena));
    json_put_opt(b, "title", json_get_text(first, "title"));
    json_put_opt(b, "details", shown(c, details)); /* it may name the number */
}

/* As its delivery was given up: in our own words, with the channel's code in them (dests/whatsapp_judge.c). */
static void put_reason(struct call *c, slice reason)
{
    int64_t code = 0;
    slice rest = slice_sub(reason, slice_find_slice(reason, SLICE("code ")), reason.len);
    rest = slice_sub(rest, 5, rest.len);
    if (text_i64(slice_sub(rest, 0, slice_find(rest, ':')), 0, INT32_MAX, &code, NULL) == OK)
        json_put_i64(&c->out, "code", code);
    json_put_str(&c->out, "details", reason);
}

/* Why it failed. */
static void put_error(struct call *c, slice status_data, slice reason)
{
    json *root = NULL, *first = NULL;
    if (status_data.len > 0 && json_parse(status_data, c->x->arena, &root, NULL) == OK)
        first = yyjson_arr_get_first(json_get(root, "errors"));
    if (!first && reason.len == 0) return;
    json_begin_object(&c->out, "error");
    if (first)
        put_said(c, first);
    else
        put_reason(c, reason);
    json_end_object(&c->out);
}

static struct stmt *about(struct call *c, enum sql sql, slice external_id)
{
    struct why why;
    struct stmt *q = store_stmt(c->store, sql, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_text(q, 2, external_id);
    return q;
}

/* To how many of a group a message has come; nothing when nothing was said of any. */
static void put_recipients(struct call *c, slice external_id)
{
    static const char *const names[] = { "known", "sent", "delivered", "read", "played", "failed" };
    bool row = false;
    struct stmt *q = about(c, SQL_MESSAGES_RECIPIENTS, external_id);
    if (stmt_step(q, &row, NULL) == OK && row && stmt_col_i64(q, 0) > 0) {
        json_begin_object(&c->out, "recipients");
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            json_put_i64(&c->out, names[i], stmt_col_i64(q, (int)i));
        json_end_object(&c->out);
    }
    stmt_reset(q);
}

/* Columns as in every statement of messages.sql that reads messages. */
static void put_message_fields(struct call *c, struct stmt *q)
{
    struct buf *b = &c->out;
    put_id(b, "id", ID_MESSAGE, stmt_col_i64(q, 0));
    who_put(c, stmt_col_i64(q, 1), stmt_col_text(q, 23));
    put_id(b, "conversation", ID_CONVERSATION, stmt_col_i64(q, 2));
    put_id(b, "ticket", ID_TICKET, stmt_col_i64(q, 3));
    put_id(b, "media", ID_MEDIA, stmt_col_i64(q, 4));
    put_id(b, "delivery", ID_DELIVERY, stmt_col_i64(q, 5));
    put_id(b, "campaign", ID_CAMPAIGN, stmt_col_i64(q, 6));
    json_put_str(b, "channel", stmt_col_text(q, 7));
    json_put_opt(b, "account", stmt_col_text(q, 8));
    json_put_str(b, "external_id", shown(c, stmt_col_text(q, 9)));
    json_put_str(b, "direction", slice_str(message_direction_name[stmt_col_i64(q, 10)]));
    json_put_str(b, "origin", slice_str(message_origin_name[stmt_col_i64(q, 11)]));
    json_put_str(b, "type", stmt_col_text(q, 12));
    json_put_time(b, "at", stmt_col_i64(q, 13));
    json_put_opt(b, "status", slice_str(message_state_name[stmt_col_i64(q, 14)]));
    json_put_time(b, "status_at", stmt_col_i64(q, 15));
    json_put_time(b, "edited_at", stmt_col_i64(q, 16));
    json_put_time(b, "revoked_at", stmt_col_i64(q, 17));
    json_put_opt(b, "reply_to", shown(c, stmt_col_text(q, 18)));
    json_put_opt(b, "text", shown(c, stmt_col_text(q, 19)));
    slice data = stmt_col_text(q, 20);
    if (data.len && c->key.pii) json_put_raw(b, "data", data);
    put_error(c, stmt_col_text(q, 21), stmt_col_text(q, 22));
    if (stmt_col_i64(q, 24) == 1 && stmt_col_i64(q, 10) == MESSAGE_OUT)
        put_recipients(c, stmt_col_text(q, 9));
}

static void put_message(struct call *c, struct stmt *q)
{
    json_begin_object(&c->out, NULL);
    put_message_fields(c, q);
    json_end_object(&c->out);
}

static void put_conversation(struct call *c, struct stmt *q)
{
    struct buf *b = &c->out;
    json_begin_object(b, NULL);
    put_id(b, "id", ID_CONVERSATION, stmt_col_i64(q, 0));
    who_put(c, stmt_col_i64(q, 1), stmt_col_text(q, 13));
    json_put_str(b, "channel", stmt_col_text(q, 2));
    json_put_opt(b, "account", stmt_col_text(q, 3));
    json_put_opt(b, "group", shown(c, stmt_col_text(q, 4)));
    json_put_time(b, "window_until", stmt_col_i64(q, 5));
    json_put_time(b, "last_message_at", stmt_col_i64(q, 6));
    json_put_time(b, "last_in_at", stmt_col_i64(q, 7));
    json_put_time(b, "last_out_at", stmt_col_i64(q, 8));
    json_put_i64(b, "messages_in", stmt_col_i64(q, 9));
    json_put_i64(b, "messages_out", stmt_col_i64(q, 10));
    json_put_i64(b, "unread", stmt_col_i64(q, 12));
    json_put_time(b, "created_at", stmt_col_i64(q, 11));
    json_end_object(b);
}

/* The id in query parameter `name`; 0 when absent. */
static enum err query_id(struct call *c, const char *name, enum id_kind kind, uint64_t *id,
                         struct why *why)
{
    slice text = call_query(c, name);
    *id = 0;
    if (text.len == 0 || id_parse(kind, text, id) == OK) return OK;
    return why_set(why, ERR_SYNTAX, "`%s` is no id of its kind", name);
}

void api_messages_list(struct call *c)
{
    struct why why;
    struct page page;
    uint64_t contact = 0, conversation = 0;
    int64_t since = 0, until = INT64_MAX, direction = 0;
    slice word = call_query(c, "direction");
    enum err rc = page_read(c, &page, &why);
    if (rc == OK) rc = query_id(c, "contact", ID_CONTACT, &contact, &why);
    if (rc == OK) rc = query_id(c, "conversation", ID_CONVERSATION, &conversation, &why);
    if (rc == OK) rc = call_time(c, call_query(c, "since"), &since, &why);
    if (rc == OK) rc = call_time(c, call_query(c, "until"), &until, &why);
    for (int i = MESSAGE_IN; i <= MESSAGE_OUT; i++)
        if (slice_eq(word, slice_str(message_direction_name[i]))) direction = i;
    if (rc == OK && word.len && direction == 0)
        rc = why_set(&why, ERR_SYNTAX, "`direction` is in or out");
    if (rc == OK && contact && conversation)
        rc = why_set(&why, ERR_SYNTAX, "name a contact or a conversation, not both");
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    enum sql sql = conversation ? SQL_MESSAGES_OF_CONVERSATION
                   : contact    ? SQL_MESSAGES_OF_CONTACT
                                : SQL_MESSAGES_LIST;
    struct stmt *q = store_stmt(c->store, sql, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, page.before);
    stmt_i64(q, 3, direction);
    stmt_text(q, 4, call_query(c, "type"));
    stmt_i64(q, 5, since);
    stmt_i64(q, 6, until);
    stmt_i64(q, 7, page.limit);
    if (contact || conversation) stmt_i64(q, 8, (int64_t)(conversation ? conversation : contact));
    page_put(c, q, &page, ID_MESSAGE, put_message);
}

/* What was said of a message, oldest first. */
static void put_about(struct call *c, slice external_id)
{
    struct buf *b = &c->out;
    bool row = true;
    struct stmt *q = about(c, SQL_MESSAGES_STATUSES, external_id);
    json_begin_array(b, "statuses");
    while (stmt_step(q, &row, NULL) == OK && row) {
        json_begin_object(b, NULL);
        json_put_str(b, "status", stmt_col_text(q, 0));
        json_put_time(b, "at", stmt_col_i64(q, 1));
        json_put_opt(b, "recipient", shown(c, stmt_col_text(q, 2)));
        slice data = stmt_col_text(q, 3);
        if (data.len && c->key.pii) json_put_raw(b, "data", data);
        json_end_object(b);
    }
    stmt_reset(q);
    json_end_array(b);
    q = about(c, SQL_MESSAGES_REACTIONS, external_id);
    json_begin_array(b, "reactions");
    for (row = true; stmt_step(q, &row, NULL) == OK && row;) {
        json_begin_object(b, NULL);
        json_put_str(b, "emoji", shown(c, stmt_col_text(q, 0)));
        json_put_time(b, "at", stmt_col_i64(q, 1));
        json_put_opt(b, "reactor", shown(c, stmt_col_text(q, 2)));
        put_id(b, "contact", ID_CONTACT, stmt_col_i64(q, 3));
        json_end_object(b);
    }
    stmt_reset(q);
    json_end_array(b);
    q = about(c, SQL_MESSAGES_EDITS, external_id);
    json_begin_array(b, "edits");
    for (row = true; stmt_step(q, &row, NULL) == OK && row;) {
        json_begin_object(b, NULL);
        json_put_str(b, "kind", slice_str(message_edit_name[stmt_col_i64(q, 0)]));
        json_put_time(b, "at", stmt_col_i64(q, 1));
        json_put_opt(b, "text", shown(c, stmt_col_text(q, 2)));
        slice data = stmt_col_text(q, 3);
        if (data.len && c->key.pii) json_put_raw(b, "data", data);
        json_end_object(b);
    }
    stmt_reset(q);
    json_end_array(b);
}

static void put_file(struct call *c, int64_t media_id)
{
    struct buf *b = &c->out;
    bool row = false;
    struct stmt *q = store_stmt(c->store, SQL_MESSAGES_MEDIA, NULL);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, media_id);
    if (media_id != 0 && stmt_step(q, &row, NULL) == OK && row) {
        json_begin_object(b, "file");
        put_id(b, "id", ID_MEDIA, stmt_col_i64(q, 0));
        json_put_str(b, "kind", stmt_col_text(q, 1));
        json_put_opt(b, "mime", stmt_col_text(q, 2));
        json_put_opt(b, "sha256", stmt_col_text(q, 3));
        if (stmt_col_i64(q, 4) > 0) json_put_i64(b, "size", stmt_col_i64(q, 4));
        json_put_opt(b, "filename", shown(c, stmt_col_text(q, 5)));
        json_put_str(b, "state", slice_str(media_state_name[stmt_col_i64(q, 6)]));
        json_put_opt(b, "problem", stmt_col_text(q, 7));
        json_end_object(b);
    }
    stmt_reset(q);
}

/* Of a message that was sent by another program nothing is known but what the channel says of it. */
static enum err begin_foreign(struct call *c, slice external_id, struct why *why)
{
    bool row = false;
    struct stmt *q = about(c, SQL_MESSAGES_STATUSES, external_id);
    enum err rc = stmt_step(q, &row, why);
    stmt_reset(q);
    if (rc != OK) return rc;
    if (!row) return why_set(why, ERR_MISSING, "there is no such message");
    json_begin_object(&c->out, NULL);
    json_put_str(&c->out, "external_id", shown(c, external_id));
    put_recipients(c, external_id);
    return OK;
}

/* By our own id, or by the channel's. */
void api_message(struct call *c)
{
    struct why why;
    uint64_t id = 0;
    bool row = false, own = id_parse(ID_MESSAGE, c->param[0], &id) == OK;
    slice external_id = c->param[0];
    int64_t media_id = 0;
    struct stmt *q = store_stmt(c->store, own ? SQL_MESSAGES_GET : SQL_MESSAGES_GET_EXTERNAL, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    if (own)
        stmt_i64(q, 2, (int64_t)id);
    else
        stmt_text(q, 2, external_id);
    enum err rc = stmt_step(q, &row, &why);
    if (rc == OK && !row && own) rc = why_set(&why, ERR_MISSING, "there is no such message");
    if (rc == OK && row) {
        json_begin_object(&c->out, NULL);
        put_message_fields(c, q);
        external_id = arena_dup(c->x->arena, stmt_col_text(q, 9));
        media_id = stmt_col_i64(q, 4);
    }
    stmt_reset(q);
    if (rc == OK && !row) rc = begin_foreign(c, external_id, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    put_file(c, media_id);
    put_about(c, external_id);
    json_end_object(&c->out);
    reply_json(c, 200);
}

void api_conversations(struct call *c)
{
    struct why why;
    struct page page;
    uint64_t contact = 0;
    enum err rc = page_read(c, &page, &why);
    if (rc == OK) rc = query_id(c, "contact", ID_CONTACT, &contact, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    struct stmt *q = store_stmt(c->store, SQL_MESSAGES_CONVERSATIONS, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, page.before);
    stmt_i64(q, 3, (int64_t)contact);
    stmt_i64(q, 4, page.limit);
    page_put(c, q, &page, ID_CONVERSATION, put_conversation);
}

void api_conversation(struct call *c)
{
    struct why why;
    uint64_t id = 0;
    bool row = false;
    enum err rc = id_parse(ID_CONVERSATION, c->param[0], &id) == OK
                      ? OK
                      : why_set(&why, ERR_MISSING, "there is no such conversation");
    struct stmt *q = rc == OK ? store_stmt(c->store, SQL_MESSAGES_CONVERSATION, &why) : NULL;
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    if (rc == OK) rc = stmt_step(q, &row, &why);
    if (rc == OK && !row) rc = why_set(&why, ERR_MISSING, "there is no such conversation");
    if (rc == OK) put_conversation(c, q);
    stmt_reset(q);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}
