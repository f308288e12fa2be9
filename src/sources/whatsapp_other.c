/* whatsapp_other.c: what is no message: statuses, the app's address book, preferences, errors, account updates. */
#include "sources/whatsapp.h"

enum { VALUE_MAX = 768 * 1024 }; /* of a change that is shown as it is: an event has 1 MiB */

/* `deleted` and `warning` of old versions, and words of tomorrow, are kept in the history and rank nowhere. */
static const struct {
    slice word;
    enum message_state state;
} words[] = {
    { SLICE_INIT("sent"), MESSAGE_SENT },     { SLICE_INIT("delivered"), MESSAGE_DELIVERED },
    { SLICE_INIT("read"), MESSAGE_READ },     { SLICE_INIT("played"), MESSAGE_PLAYED },
    { SLICE_INIT("failed"), MESSAGE_FAILED },
};

slice whatsapp_participant(struct cleaner *cl, json *status)
{
    /* The second is of older pages; the others, for who has no number, are not verified. */
    static const char *const names[] = { "recipient_participant_id", "participant_recipient_id",
                                         "recipient_participant_user_id", "recipient_user_id" };
    bool group = slice_eq(json_get_text(status, "recipient_type"), SLICE("group"));
    slice who = { NULL, 0 };
    for (size_t i = 0; who.len == 0 && i < (group ? ARRAY_LEN(names) : 3); i++)
        who = clean_id(cl, json_get(status, names[i]));
    return who;
}

/* All but what has a column of its own. */
static slice status_data(json *status, struct cleaner *cl)
{
    static const char *const told[] = { "id", "status", "timestamp", "recipient_participant_id",
                                        "participant_recipient_id" };
    struct buf b = buf_in(cl->arena, MESSAGE_DATA_MAX);
    json_begin_object(&b, NULL);
    whatsapp_put_rest(&b, status, told, ARRAY_LEN(told), cl);
    json_end_object(&b);
    if (buf_ok(&b)) return buf_slice(&b);
    return SLICE("{\"too_large\":true}"); /* the request has it */
}

/* What a status tells of a person: which user id belongs to a number, in itself or in the `contacts` beside it; that Meta sends no marketing
 * to who asked it for none. */
static struct contact *status_contact(const struct whatsapp_place *p, enum message_state state,
                                      struct cleaner *cl)
{
    json *status = p->item;
    bool stopped = state == MESSAGE_FAILED &&
                   slice_eq(json_text(json_at(status, SLICE("/errors/0/code"))), SLICE("131050"));
    if (!stopped && !json_get(p->value, "contacts") && !json_get(status, "recipient_user_id"))
        return NULL;
    struct contact *who = whatsapp_contact(p, false, cl);
    if (!who || (!stopped && who->field[CONTACT_wa_user_id].len == 0)) return NULL;
    if (stopped) who->field[CONTACT_wa_marketing] = SLICE("stop");
    return who;
}

enum err whatsapp_read_status(const struct whatsapp_place *p, const struct request *r,
                              const struct event *e, struct cleaner *cl, struct changes *out,
                              struct why *why)
{
    struct message_status *s = arena_new(cl->arena, struct message_status, 1);
    if (!s) return why_set(why, ERR_LIMIT, "arena full");
    s->channel = SLICE("whatsapp");
    s->account = clean_id(cl, json_get(json_get(p->value, "metadata"), "phone_number_id"));
    s->external_id = clean_value(cl, json_get(p->item, "id"));
    slice participant = whatsapp_participant(cl, p->item), phone = whatsapp_phone(cl, participant);
    s->recipient = phone.len > 0 ? phone : participant; /* one person, whichever form came */
    s->word = clean_id(cl, json_get(p->item, "status"));
    s->at_ms = whatsapp_time(p->item);
    if (s->at_ms == 0 || whatsapp_is_early(s->at_ms, r->received_ms))
        s->at_ms = e->occurred_ms ? e->occurred_ms : r->received_ms;
    s->callback = clean_value(cl, json_get(p->item, "biz_opaque_callback_data"));
    s->data = status_data(p->item, cl);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (slice_eq(s->word, words[i].word)) s->state = words[i].state;
    /* One of a group who could not be reached does not make the message a failure. */
    bool group = slice_eq(json_get_text(p->item, "recipient_type"), SLICE("group"));
    if (group && s->state == MESSAGE_FAILED) s->state = MESSAGE_NO_STATE;
    if (s->external_id.len == 0 || s->external_id.len > MESSAGE_ID_MAX)
        return why_set(why, ERR_SYNTAX, "the status names no message");
    out->message_status = s;
    out->contact = group ? NULL : status_contact(p, s->state, cl);
    return OK;
}

static void read_saved(const struct whatsapp_place *p, struct cleaner *cl, struct changes *out)
{
    json *given = json_get(p->item, "contact");
    struct contact *c = arena_new(cl->arena, struct contact, 1);
    if (!c) {
        cl->full = true;
        return;
    }
    whatsapp_contact_id(cl, c, json_get_text(given, "phone_number"));
    whatsapp_contact_id(cl, c, json_get_text(given, "user_id"));
    if (c->field[CONTACT_wa_id].len == 0 && c->field[CONTACT_wa_user_id].len == 0) return;
    bool removed = slice_eq(json_get_text(p->item, "action"), SLICE("remove"));
    c->field[CONTACT_wa_saved] = removed ? SLICE("no") : SLICE("yes");
    if (!removed) { /* the surname goes with the name: one of its own would outlive it */
        clean_contact_value(cl, c, CONTACT_first_name, json_get(given, "first_name"));
        clean_contact_value(cl, c, CONTACT_name, json_get(given, "full_name"));
        c->field[CONTACT_last_name] = (slice){ NULL, 0 };
        c->field[CONTACT_wa_saved_name] = clean_value(cl, json_get(given, "full_name"));
    }
    clean_contact_end(cl, c);
    out->contact = c;
}

static void read_preference(const struct whatsapp_place *p, struct cleaner *cl, struct changes *out)
{
    out->contact = whatsapp_contact(p, false, cl);
    slice value = clean_id(cl, json_get(p->item, "value"));
    if (out->contact && slice_eq(json_get_text(p->item, "category"), SLICE("marketing_messages")))
        out->contact->field[CONTACT_wa_marketing] = value;
}

/* An event that Meta made of a conversation by itself, as its Conversions API wants it back (docs/destinations/meta-capi.md). */
static void put_automatic(struct buf *b, json *item, struct cleaner *cl)
{
    json *more = json_get(item, "custom_data");
    json_begin_object(b, "meta");
    json_put_opt(b, "event_name", clean_id(cl, json_get(item, "event_name")));
    json_put_str(b, "action_source", SLICE("business_messaging"));
    json_put_raw(b, "messaging_outcome_data", SLICE("{\"outcome_type\":\"automatic_events\"}"));
    if (json_get(more, "value")) json_put_raw(b, "value", clean_json(cl, json_get(more, "value")));
    json_put_opt(b, "currency", clean_id(cl, json_get(more, "currency")));
    json_end_object(b);
}

enum err whatsapp_read_other(const struct whatsapp_place *p, struct cleaner *cl,
                             struct changes *out, struct why *why)
{
    struct buf b = buf_in(cl->arena, CLEAN_JSON_MAX);
    if (p->part == WA_SYNC) read_saved(p, cl, out);
    if (p->part == WA_PREFERENCE) read_preference(p, cl, out);
    json_begin_object(&b, NULL);
    json_put_opt(&b, "whatsapp_business_account_id", clean_id(cl, json_get(p->entry, "id")));
    json_put_opt(&b, "phone_number_id",
                 clean_id(cl, json_get(json_get(p->value, "metadata"), "phone_number_id")));
    json_put_opt(&b, "ctwa_clid", clean_value(cl, json_get(p->item, "ctwa_clid")));
    if (p->part == WA_AUTOMATIC) put_automatic(&b, p->item, cl);
    if (p->part == WA_CHUNK) { /* the threads are events of their own */
        if (json_get(p->item, "metadata"))
            json_put_raw(&b, "history", clean_json(cl, json_get(p->item, "metadata")));
        if (json_get(p->item, "errors"))
            json_put_raw(&b, "errors", clean_json(cl, json_get(p->item, "errors")));
    } else {
        json *shown = p->part == WA_WHOLE && p->value ? p->value : p->item;
        slice text = clean_json(cl, shown);
        if (text.len > VALUE_MAX) /* the request has it */
            json_put_bool(&b, "too_large", true);
        else
            json_put_raw(&b, p->part == WA_ERRORS ? "errors" : "value", text);
    }
    json_end_object(&b);
    if (!buf_ok(&b))
        return why_set(why, ERR_LIMIT, "the change is larger than %d bytes", CLEAN_JSON_MAX);
    out->custom = buf_slice(&b);
    return OK;
}
