/* message_send.c: POST /api/messages: one message to one person or group, through a destination that carries messages.
 *
 * Way: checked here -> an event of the hub's own source, on disk before the answer -> [interpret, route] -> one delivery to the
 * destination it names. The ids of message and delivery are chosen here and stand in the event, so that the answer can name them;
 * the same idempotency key again is the same event, and is answered with the first one's ids. */
#include "api/routes.h"
#include "base/clock.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "outbox/outbox.h"
#include "records/apply.h"

enum {
    MESSAGE_BODY_MAX = 32 * 1024,
    IDEMPOTENCY_KEY_MAX = 128,
    OLD_KEYS_STEP =
        8 /* so many old keys go with each new one: the table never holds more than it must for long */
};

/* One message on its way through this file. */
struct sending {
    const struct config *config;
    const struct destination *to;
    json *message;           /* with `to` set */
    slice key, digest;       /* of idempotency; of what is sent */
    uint64_t contact_id;     /* 0: nobody we know */
    int64_t window_until_ms; /* of the conversation; 0: none known */
    bool stopped;            /* no marketing, by the person's own word */
};

/* ---- where to ---- */

static bool find_destination(struct call *c, json *body, struct sending *s)
{
    struct why why;
    enum err rc = outbox_destination(s->config, c->key.workspace_id,
                                     json_get_text(body, "destination"), &s->to, &why);
    if (rc == ERR_SYNTAX)
        reply_error(c, 400, "destination_required", "%s", why.text);
    else if (rc != OK)
        reply_err(c, rc, &why);
    return rc == OK;
}

/* ---- to whom ---- */

/* Fills `to` from the contact when the caller named one, and what the person said of marketing. */
static enum err read_contact(struct call *c, struct sending *s, slice *to, struct why *why)
{
    bool row = false;
    json *fields = NULL;
    struct stmt *q = store_stmt(c->store, SQL_RECORDS_CONTACT, why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)s->contact_id);
    enum err rc = stmt_step(q, &row, why);
    slice text = rc == OK && row ? arena_dup(c->x->arena, stmt_col_text(q, 4)) : SLICE("{}");
    int64_t merged_into = rc == OK && row ? stmt_col_i64(q, 1) : 0;
    stmt_reset(q);
    if (rc == OK && !row) rc = why_set(why, ERR_MISSING, "there is no such contact");
    if (rc == OK && merged_into)
        rc = why_set(why, ERR_MISSING, "this contact was joined with another one");
    if (rc == OK) rc = json_parse(text, c->x->arena, &fields, why);
    if (rc != OK) return rc;
    static const char *const names[] = { "wa_id", "phone", "wa_user_id" };
    for (size_t i = 0; to->len == 0 && i < ARRAY_LEN(names); i++)
        *to = contact_text(fields, names[i]);
    if (to->len == 0) return why_set(why, ERR_SYNTAX, "the contact has no number");
    s->stopped = slice_eq(contact_text(fields, "wa_marketing"), SLICE("stop"));
    return OK;
}

static enum err read_window(struct call *c, struct sending *s, struct why *why)
{
    bool row = false;
    struct stmt *q = store_stmt(c->store, SQL_MESSAGE_SEND_WINDOW, why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)s->contact_id);
    stmt_text(q, 3, s->to->kind->messages->account(&s->to->cfg));
    stmt_text(q, 4, slice_str(s->to->kind->messages->channel));
    enum err rc = stmt_step(q, &row, why);
    s->window_until_ms = rc == OK && row ? stmt_col_i64(q, 0) : 0;
    stmt_reset(q);
    return rc;
}

/* By `contact` ("con_…"), by `to`, or a group, which is nobody. */
static enum err find_person(struct call *c, json *body, struct sending *s, slice *to,
                            struct why *why)
{
    slice contact = json_get_text(body, "contact");
    enum err rc = OK;
    *to = (slice){ NULL, 0 };
    if ((contact.len > 0) + (json_get_text(body, "to").len > 0) +
            (json_get_text(body, "group").len > 0) !=
        1)
        return why_set(why, ERR_SYNTAX, "say to whom: one of `to`, `contact` and `group`");
    if (json_get_text(body, "group").len > 0) return OK;
    if (contact.len > 0) {
        if (id_parse(ID_CONTACT, contact, &s->contact_id) != OK)
            return why_set(why, ERR_SYNTAX, "`contact` must be the id of a contact (con_...)");
    } else {
        *to = outbox_recipient(json_get_text(body, "to"), c->x->arena);
        rc = contact_find_recipient(c->store, c->key.workspace_id, *to, &s->contact_id, why);
    }
    if (rc == OK && s->contact_id) rc = read_contact(c, s, to, why);
    if (rc == OK && s->contact_id) rc = read_window(c, s, why);
    *to = rc == OK ? outbox_recipient(*to, c->x->arena) : *to;
    return rc;
}

/* ---- what ---- */

/* The body without what is ours, and with `who` as member `key`; empty when it is too large. */
static slice write_body(struct call *c, json *body, const char *key, slice who)
{
    static const char *const ours[] = { "destination", "contact", "to", "idempotency_key" };
    struct buf b = buf_in(c->x->arena, OUTBOX_TEXT_MAX);
    size_t i, max;
    json *k, *value;
    json_begin_object(&b, NULL);
    json_put_opt(&b, key, who);
    yyjson_obj_foreach(body, i, max, k, value)
    {
        bool skip = false;
        slice name = arena_dup(c->x->arena, json_str(k));
        for (size_t n = 0; n < ARRAY_LEN(ours); n++)
            skip = skip || slice_eq(name, slice_str(ours[n]));
        if (!skip && name.ptr) json_put_raw(&b, name.ptr, json_print(value, c->x->arena));
    }
    json_end_object(&b);
    return buf_slice(&b);
}

/* What two uses of one key must agree in: the caller's own words. Under which number a contact is reached may change in between. */
static enum err read_digest(struct call *c, json *body, struct sending *s, struct why *why)
{
    slice contact = json_get_text(body, "contact");
    char *hex = arena_raw(c->x->arena, HASH_SHA256_HEX);
    slice said =
        contact.len > 0
            ? write_body(c, body, "contact", contact)
            : write_body(c, body, "to", outbox_recipient(json_get_text(body, "to"), c->x->arena));
    if (said.len == 0 || !hex) return why_set(why, ERR_LIMIT, "the message is too large");
    s->digest = hash_sha256_hex(said, hex);
    return OK;
}

/* What the event holds. */
static enum err read_message(struct call *c, json *body, slice to, struct sending *s,
                             struct why *why)
{
    slice text = write_body(c, body, "to", to);
    if (text.len == 0) return why_set(why, ERR_LIMIT, "the message is too large");
    enum err rc = json_parse(text, c->x->arena, &s->message, why);
    return rc == OK ? s->to->kind->messages->check(s->message, &s->to->cfg, why) : rc;
}

static enum err read_key(struct call *c, json *body, struct sending *s, struct why *why)
{
    slice header = request_header(&c->x->request, SLICE("Idempotency-Key"));
    char *hex = arena_raw(c->x->arena, 32);
    uint8_t chance[16];
    s->key = json_get_text(body, "idempotency_key");
    if (s->key.len > 0 && header.len > 0 && !slice_eq(s->key, header))
        return why_set(why, ERR_SYNTAX,
                       "header Idempotency-Key and `idempotency_key` differ: give one of them");
    if (s->key.len == 0) s->key = header;
    if (s->key.len > IDEMPOTENCY_KEY_MAX)
        return why_set(why, ERR_SYNTAX, "`idempotency_key` is longer than %d bytes",
                       IDEMPOTENCY_KEY_MAX);
    for (size_t i = 0; i < s->key.len; i++)
        if ((unsigned char)s->key.ptr[i] <= ' ' || (unsigned char)s->key.ptr[i] >= 0x7f)
            return why_set(why, ERR_SYNTAX, "`idempotency_key` has only visible ASCII characters");
    if (s->key.len > 0) return OK;
    if (!hex) return why_set(why, ERR_LIMIT, "no memory left");
    hash_random(chance, sizeof chance);
    s->key = text_hex(slice_of(chance, sizeof chance), hex);
    return OK;
}

/* Does anything tell the hub what people write to this number? Else it knows nothing of windows, and Meta alone judges. */
static bool hears(const struct call *c, const struct sending *s)
{
    for (size_t i = 0; i < s->config->source_count; i++) {
        const struct source *from = &s->config->sources[i];
        if (from->workspace_id == c->key.workspace_id && from->enabled &&
            slice_eq(slice_str(from->kind->name), slice_str(s->to->kind->name)))
            return true;
    }
    return false;
}

/* What may not be sent now. True: the answer is written. */
static bool refuse(struct call *c, const struct sending *s)
{
    const struct dest_messages *m = s->to->kind->messages;
    if (s->stopped && m->is_marketing(s->message, &s->to->cfg)) {
        reply_error(c, 422, "opted_out", "the person asked for no marketing");
        return true;
    }
    if (m->any_time(s->message) || s->window_until_ms > clock_wall_ms() || !hears(c, s))
        return false;
    reply_error(c, 422, "window_closed",
                "the person has written nothing in the last 24 hours: only a template may be sent");
    return true;
}

/* A template that its channel has said no to. True: the answer is written. */
static bool refuse_template(struct call *c, const struct sending *s)
{
    const struct dest_messages *m = s->to->kind->messages;
    slice name, language;
    struct why why;
    if (!m->template || !m->template(s->message, &name, &language)) return false;
    enum err rc = template_check(c->store, c->key.workspace_id, slice_str(m->channel),
                                 m->account(&s->to->cfg), name, language, c->x->arena, &why);
    if (rc == ERR_DENIED)
        reply_error(c, 422, "template_refused", "%s", why.text);
    else if (rc != OK)
        reply_err(c, rc, &why);
    return rc != OK;
}

/* ---- into the journal ---- */

/* The key and the event in one transaction; a key that is known takes the event away. */
struct send_job {
    uint64_t workspace_id, delivery_id, message_id; /* the first one's when the key is known */
    slice key, digest;
    int64_t now_ms, forget_ms; /* keys from before are forgotten */
    bool again, conflict;
};

static enum err forget_keys(const struct send_job *j, struct store *store, struct why *why)
{
    struct stmt *q = store_stmt(store, SQL_MESSAGE_SEND_KEY_FORGET, why);
    stmt_i64(q, 1, (int64_t)j->workspace_id);
    stmt_text(q, 2, j->key);
    stmt_i64(q, 3, j->forget_ms);
    enum err rc = stmt_run(q, why);
    q = rc == OK ? store_stmt(store, SQL_MESSAGE_SEND_KEYS_OLD, why) : NULL;
    stmt_i64(q, 1, j->forget_ms);
    stmt_i64(q, 2, OLD_KEYS_STEP);
    return rc == OK ? stmt_run(q, why) : rc;
}

/* The first use of the key, if there was one. */
static enum err key_get(struct send_job *j, struct store *store, struct why *why)
{
    bool row = false;
    struct stmt *q = store_stmt(store, SQL_MESSAGE_SEND_KEY_GET, why);
    stmt_i64(q, 1, (int64_t)j->workspace_id);
    stmt_text(q, 2, j->key);
    stmt_i64(q, 3, j->forget_ms);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) {
        j->again = true;
        j->conflict = !slice_eq(stmt_col_text(q, 0), j->digest);
        j->delivery_id = (uint64_t)stmt_col_i64(q, 1);
        j->message_id = (uint64_t)stmt_col_i64(q, 2);
    }
    stmt_reset(q);
    return rc;
}

static enum err send_run(void *ctx, struct store *store, bool *drop, struct why *why)
{
    struct send_job *j = ctx;
    enum err rc = forget_keys(j, store, why);
    if (rc != OK) return rc;
    struct stmt *q = store_stmt(store, SQL_MESSAGE_SEND_KEY_ADD, why);
    stmt_i64(q, 1, (int64_t)j->workspace_id);
    stmt_text(q, 2, j->key);
    stmt_text(q, 3, j->digest);
    stmt_i64(q, 4, (int64_t)j->delivery_id);
    stmt_i64(q, 5, (int64_t)j->message_id);
    stmt_i64(q, 6, j->now_ms);
    rc = stmt_run(q, why);
    if (rc != OK || store_changes(store) > 0) return rc;
    rc = key_get(j, store, why);
    *drop = j->again;
    return rc == OK && !j->again ? why_set(why, ERR_BUG, "the key is gone") : rc;
}

static struct send_job job_of(struct call *c, const struct sending *s)
{
    int64_t now_ms = clock_wall_ms();
    return (struct send_job){ .workspace_id = c->key.workspace_id,
                              .key = arena_printf(c->x->arena, "%llu:%.*s",
                                                  (unsigned long long)s->to->id, SLICE_ARG(s->key)),
                              .digest = s->digest,
                              .now_ms = now_ms,
                              .forget_ms = now_ms - c->app->message_keys_ms };
}

static void answer(struct call *c, const struct sending *s, const struct send_job *j)
{
    if (j->conflict) {
        reply_error(c, 409, "idempotency_conflict",
                    "this idempotency key was used for another message");
        return;
    }
    json_begin_object(&c->out, NULL);
    put_id(&c->out, "message", ID_MESSAGE, (int64_t)j->message_id);
    put_id(&c->out, "delivery", ID_DELIVERY, (int64_t)j->delivery_id);
    json_put_str(&c->out, "destination", s->to->name);
    json_put_str(&c->out, "idempotency_key", s->key);
    json_put_bool(&c->out, "duplicate", j->again);
    json_end_object(&c->out);
    reply_json(c, 202);
}

/* Asked for before: who lost the answer is given it, whatever would be refused by now. True: the answer is written. */
static bool answer_again(struct call *c, const struct sending *s)
{
    struct why why;
    struct send_job j = job_of(c, s);
    enum err rc = key_get(&j, c->store, &why);
    if (rc != OK)
        reply_err(c, rc, &why);
    else if (j.again)
        answer(c, s, &j);
    return rc != OK || j.again;
}

static void store(struct call *c, struct config *config, const struct sending *s)
{
    struct why why;
    struct send_job j = job_of(c, s);
    bool mark =
        slice_eq(json_get_text(s->message, "type"), SLICE("read")); /* no message of its own */
    j.delivery_id = id_next(&c->app->ids, j.now_ms);
    j.message_id = mark ? 0 : id_next(&c->app->ids, j.now_ms);
    struct outbox_message out = { .to = s->to,
                                  .message = s->message,
                                  .key = s->key,
                                  .delivery_id = j.delivery_id,
                                  .message_id = j.message_id,
                                  .at_ms = j.now_ms };
    struct journal_entry *e = j.key.ptr ? outbox_entry(config, &c->app->log, &out) : NULL;
    enum err rc = e ? journal_call_entry(c->app->journal, send_run, &j, e, &why)
                    : why_set(&why, ERR_LIMIT, "the message is too large");
    if (rc != OK)
        reply_err(c, rc, &why);
    else
        answer(c, s, &j);
}

void api_message_send(struct call *c)
{
    struct why why;
    json *body = NULL;
    slice to = { NULL, 0 };
    struct config *config = config_hold(&c->app->config);
    struct sending s = { .config = config };
    enum err rc = c->x->request.body.len > MESSAGE_BODY_MAX
                      ? why_set(&why, ERR_LIMIT, "a message has at most %d bytes", MESSAGE_BODY_MAX)
                      : call_body(c, false, &body, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
    } else if (find_destination(c, body, &s)) {
        bool mark = slice_eq(json_get_text(body, "type"), SLICE("read"));
        rc = read_key(c, body, &s, &why);
        if (rc == OK) rc = read_digest(c, body, &s, &why);
        bool done = rc == OK && answer_again(c, &s);
        if (rc == OK && !done && !mark) rc = find_person(c, body, &s, &to, &why);
        if (rc == OK && !done) rc = read_message(c, body, to, &s, &why);
        if (rc == OK && !done) rc = api_upload_check(c, s.to->kind->messages, s.message, &why);
        if (rc != OK)
            reply_err(c, rc, &why);
        else if (!done && !refuse(c, &s) && !refuse_template(c, &s))
            store(c, config, &s);
    }
    config_release(config);
}
