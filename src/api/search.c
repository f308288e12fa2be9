/* search.c: messages by the words in them, whatever their accents. */
#include "api/routes.h"
#include "api/who.h"
#include "base/id.h"

enum { WORDS_MAX = 16, WORDS_BYTES_MAX = 512 };

/* "não chegou" -> "\"não\" \"chegou\"": quoted, nothing of it is an operator. ERR_SYNTAX: no word, or too many. */
static enum err quote_words(slice q, struct arena *arena, slice *out, struct why *why)
{
    struct buf b = buf_in(arena, 4 * WORDS_BYTES_MAX);
    size_t words = 0;
    if (q.len > WORDS_BYTES_MAX)
        return why_set(why, ERR_SYNTAX, "q is longer than %d bytes", WORDS_BYTES_MAX);
    for (size_t i = 0; i < q.len;) {
        while (i < q.len && (unsigned char)q.ptr[i] <= ' ') i++;
        size_t from = i;
        while (i < q.len && (unsigned char)q.ptr[i] > ' ') i++;
        if (i == from) break;
        if (++words > WORDS_MAX)
            return why_set(why, ERR_SYNTAX, "q has more than %d words", WORDS_MAX);
        buf_add(&b, words > 1 ? SLICE(" \"") : SLICE("\""));
        for (; from < i; from++) buf_byte(&b, q.ptr[from] == '"' ? ' ' : q.ptr[from]);
        buf_byte(&b, '"');
    }
    *out = buf_slice(&b);
    return words > 0 ? OK : why_set(why, ERR_SYNTAX, "say in q which words to look for");
}

struct search {
    slice words, type;
    int64_t since_ms, until_ms, direction;
    uint64_t contact;
    struct page page;
};

static enum err read_search(struct call *c, struct search *s, struct why *why)
{
    slice contact = call_query(c, "contact"), direction = call_query(c, "direction");
    *s = (struct search){ .until_ms = INT64_MAX, .type = call_query(c, "type") };
    if (!c->key.pii) return why_set(why, ERR_DENIED, "this key may not see personal data");
    enum err rc = page_read(c, &s->page, why);
    if (rc == OK) rc = quote_words(call_query(c, "q"), c->x->arena, &s->words, why);
    if (rc == OK) rc = call_time(c, call_query(c, "since"), &s->since_ms, why);
    if (rc == OK) rc = call_time(c, call_query(c, "until"), &s->until_ms, why);
    if (rc == OK && contact.len && id_parse(ID_CONTACT, contact, &s->contact) != OK)
        rc = why_set(why, ERR_SYNTAX, "contact is an id such as con_…");
    for (int64_t d = MESSAGE_IN; direction.len && d <= MESSAGE_OUT; d++)
        if (slice_eq(direction, slice_str(message_direction_name[d]))) s->direction = d;
    if (rc == OK && direction.len && !s->direction)
        rc = why_set(why, ERR_SYNTAX, "direction is %s or %s", message_direction_name[MESSAGE_IN],
                     message_direction_name[MESSAGE_OUT]);
    return rc;
}

static void put_found(struct call *c, struct stmt *q)
{
    json_begin_object(&c->out, NULL);
    put_id(&c->out, "id", ID_MESSAGE, stmt_col_i64(q, 0));
    put_id(&c->out, "conversation", ID_CONVERSATION, stmt_col_i64(q, 1));
    who_put(c, stmt_col_i64(q, 2), stmt_col_text(q, 7));
    json_put_str(&c->out, "direction", slice_str(message_direction_name[stmt_col_i64(q, 3) & 3]));
    json_put_str(&c->out, "type", stmt_col_text(q, 4));
    json_put_time(&c->out, "at", stmt_col_i64(q, 5));
    json_put_str(&c->out, "text", stmt_col_text(q, 6));
    json_end_object(&c->out);
}

void api_messages_search(struct call *c)
{
    struct search s;
    struct why why;
    enum err rc = read_search(c, &s, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    struct stmt *q = store_stmt(c->store, SQL_MESSAGES_SEARCH, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_text(q, 2, s.words);
    stmt_i64(q, 3, s.page.before);
    stmt_i64(q, 4, s.since_ms);
    stmt_i64(q, 5, s.until_ms);
    stmt_i64(q, 6, (int64_t)s.contact);
    stmt_text(q, 7, s.type);
    stmt_i64(q, 8, s.direction);
    stmt_i64(q, 9, s.page.limit);
    page_put(c, q, &s.page, ID_MESSAGE, put_found);
}
