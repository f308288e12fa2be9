/* malote.c: the hub's own source: what it has to tell, and what it was asked to send, is an event like any other. Its "request" is
 * written by the hub itself (outbox/outbox.c); nothing comes in from outside, whatever the signature.
 *
 *   {"alert":"destination_held","destination":"pixel","destination_id":"dst_…","reason":"…","at":"2026-03-10T12:18:30.500Z"}
 *   {"alert":"campaign_paused","campaign":"natal","campaign_id":"cam_…","destination":…,"destination_id":…,"reason":…,"at":…}
 *   {"alert":"account_security","event_id":"evt_…","account":"102…","number":"5511…","reason":…,"at":…}
 *   {"key":"…","destination_id":"dst_…","delivery_id":"dlv_…","message_id":"msg_…",["campaign_id":"cam_…",]"channel":"whatsapp","account":"106…",
 *    "at":"…","message":{"to":"+5511…","type":"text","text":"…"}}
 *
 * An alert holds no personal data and no secrets: it goes wherever a route says. A message does hold them. */
#include "base/id.h"
#include "base/time.h"
#include "sources/whatsapp.h"

static enum err verify(struct request *r UNUSED, const struct settings *cfg UNUSED,
                       int64_t now_ms UNUSED, struct arena *arena UNUSED, struct why *why)
{
    return why_set(why, ERR_DENIED, "the hub's own source has no way in");
}

static enum err split(struct request *r, const struct settings *cfg UNUSED, struct arena *arena,
                      struct event_list *out, struct why *why)
{
    json *root = NULL;
    int64_t at_ms = 0;
    enum err rc = request_json(r, arena, &root, why);
    if (rc == OK) rc = time_parse(json_get_text(root, "at"), &at_ms, NULL, why);
    if (rc != OK) return rc;
    json *message = json_get(root, "message");
    slice campaign = json_get_text(root, "campaign_id");
    slice event = json_get_text(root, "event_id"); /* of an alert about an account */
    slice alert = json_get_text(root, "alert"), id = json_get_text(root, "destination_id"),
          ms = arena_printf(arena, "%lld", (long long)at_ms),
          key = json_get_text(root, "delivery_id");
    if (!message && id.len == 0) id = event;
    if (id.len == 0 || (message ? key.len == 0 : alert.len == 0))
        return why_set(why, ERR_SYNTAX, "this is no alert and no message");
    const slice of_alert[] = { alert, campaign.len > 0 ? campaign : id, ms },
                of_message[] = { SLICE("message"), id, key };
    struct event *e = event_list_add(out, arena);
    if (!e || !ms.ptr) return why_set(why, ERR_LIMIT, "arena full");
    *e = (struct event){ .type = message ? SLICE("message.outgoing") : SLICE("malote.alert"),
                         .name = message ? json_get_text(message, "type") : alert,
                         .key = event_key(arena, message ? of_message : of_alert, 3),
                         .locator = SLICE(""),
                         .occurred_ms = at_ms };
    return e->key.ptr ? OK : why_set(why, ERR_LIMIT, "arena full");
}

/* What is shown of it in a conversation. */
static slice shown_text(json *m, slice type, struct cleaner *cl)
{
    static const char *const places[] = {
        "/body", "/caption", "/filename", "/body/text", "/emoji", "/name", "/0/name/formatted_name"
    };
    json *v = json_get_slice(m, type);
    slice text = yyjson_is_str(v) ? whatsapp_text(cl, v) : (slice){ NULL, 0 };
    for (size_t i = 0; text.len == 0 && i < ARRAY_LEN(places); i++)
        text = whatsapp_text(cl, json_at(v, slice_str(places[i])));
    return text;
}

/* The object of its type and what stands beside it, as in a message that came in. */
static slice data_of(json *m, slice type, struct cleaner *cl)
{
    static const char *const kept[] = { "context", "category" };
    struct buf b = buf_in(cl->arena, MESSAGE_DATA_MAX);
    json *own = json_get_slice(m, type);
    slice key = arena_dup(cl->arena, type);
    json_begin_object(&b, NULL);
    size_t empty = b.len;
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (json_get(m, kept[i])) json_put_raw(&b, kept[i], clean_json(cl, json_get(m, kept[i])));
    if (key.ptr && own && !slice_eq(type, SLICE("text")))
        json_put_raw(&b, key.ptr, clean_json(cl, own));
    size_t len = b.len;
    json_end_object(&b);
    if (!buf_ok(&b) || !key.ptr) cl->full = true;
    return len == empty ? (slice){ NULL, 0 } : buf_slice(&b);
}

/* Who it goes to, and the message as it will be known until its channel names it. */
static enum err read_message(json *root, struct cleaner *cl, struct changes *out, struct why *why)
{
    json *m = json_get(root, "message");
    slice type = json_get_text(m, "type"), own = json_get_text(root, "message_id");
    if (id_parse(ID_DESTINATION, json_get_text(root, "destination_id"), &out->send_to) != OK ||
        id_parse(ID_DELIVERY, json_get_text(root, "delivery_id"), &out->delivery_id) != OK)
        return why_set(why, ERR_SYNTAX, "the message names no destination or delivery");
    if (own.len == 0) { /* a read mark: nothing anybody would read */
        out->message_read = json_get_text(m, "message_id");
        return clean_end(cl, why);
    }
    struct message *o = arena_new(cl->arena, struct message, 1);
    struct contact *c = arena_new(cl->arena, struct contact, 1);
    if (!o || !c) return why_set(why, ERR_LIMIT, "arena full");
    whatsapp_contact_id(cl, c, json_get_text(m, "to"));
    o->channel = json_get_text(root, "channel");
    o->account = json_get_text(root, "account");
    o->external_id = own;
    o->direction = MESSAGE_OUT;
    o->origin = MESSAGE_BY_API;
    o->type = type;
    o->text = shown_text(m, type, cl);
    o->reply_to = json_get_text(m, "reply_to");
    if (o->reply_to.len == 0) o->reply_to = json_text(json_at(m, SLICE("/context/message_id")));
    if (slice_eq(type,
                 SLICE("reaction"))) /* by these two it stands at its target (message_react) */
        o->reply_to = json_text(json_at(m, SLICE("/reaction/message_id")));
    o->data = data_of(m, type, cl);
    o->peer = json_get_text(m, "group");
    o->delivery_id = out->delivery_id;
    slice campaign = json_get_text(root, "campaign_id");
    if (campaign.len > 0 && id_parse(ID_CAMPAIGN, campaign, &o->campaign_id) != OK)
        return why_set(why, ERR_SYNTAX, "the message's campaign is none");
    out->send_later = o->campaign_id != 0; /* what somebody waits for goes first */
    if (id_parse(ID_MESSAGE, own, &o->id) != OK ||
        time_parse(json_get_text(root, "at"), &o->at_ms, NULL, NULL) != OK)
        return why_set(why, ERR_SYNTAX, "the message has no id or time");
    if (o->peer.len == 0) out->contact = c;
    out->message = o;
    return clean_end(cl, why);
}

static enum err interpret(struct request *r, const struct event *e UNUSED,
                          const struct settings *cfg UNUSED, struct arena *arena,
                          struct changes *out, struct why *why)
{
    json *root = NULL;
    struct cleaner cl = { .arena = arena };
    *out = (struct changes){ 0 };
    enum err rc = request_json(r, arena, &root, why);
    if (rc == OK && json_get(root, "message")) rc = read_message(root, &cl, out, why);
    if (rc == OK) out->custom = json_print(root, arena);
    return rc == OK && out->custom.len == 0 ? why_set(why, ERR_LIMIT, "arena full") : rc;
}

const struct source_kind source_malote = {
    .name = "malote",
    .abi = SOURCE_ABI,
    .title = "Malote itself",
    .builtin = true,
    .overload = OVERLOAD_REFUSE,
    .rank = ORIGIN_PLATFORM,
    .verify = verify,
    .split = split,
    .interpret = interpret,
};
