/* whatsapp_message.c: messages of every type, and what changes one: edits, revocations, reactions; system messages move contacts.
 *
 * The message's own shape (records.h) holds what every channel has; `data` keeps the rest as Meta sent it, without the links that
 * live for minutes. A type that is not in the table is kept whole as "unsupported": after an upgrade it can be replayed. */
#include "base/text.h"
#include "crypto/hash.h"
#include "sources/whatsapp.h"

enum { FILE_SIZE_MAX = 1 << 30, CARD_NAMES_MAX = 4096 };

/* Where a type's text for display stands. `text` is one or several pointers from the message, the first that is filled counts. */
struct type {
    slice word, type; /* Meta's word, ours */
    bool file;
    const char *text[4];
};
static const struct type types[] = {
#define TYPE(word, type, file, ...)                                                                \
    {                                                                                              \
        SLICE_INIT(word), SLICE_INIT(type), file, { __VA_ARGS__ }                                  \
    }
    TYPE("text", "text", false, "/text/body"),
    TYPE("image", "image", true, "/image/caption"),
    TYPE("video", "video", true, "/video/caption"),
    TYPE("audio", "audio", true, "/audio/caption"),
    TYPE("voice", "audio", true, "/voice/caption"), /* before `audio` had a flag for it */
    TYPE("document", "document", true, "/document/caption", "/document/filename"),
    TYPE("sticker", "sticker", true, NULL),
    TYPE("location", "location", false, "/location/name", "/location/address"),
    TYPE("contacts", "contacts", false, NULL), /* card_names */
    TYPE("button", "button", false, "/button/text", "/button/payload"),
    TYPE("interactive", "interactive", false, "/interactive/button_reply/title",
         "/interactive/list_reply/title", "/interactive/nfm_reply/body",
         "/interactive/call_permission_reply/response"),
    TYPE("order", "order", false, "/order/text"),
    TYPE("media_placeholder", "media_placeholder", false, NULL), /* history; the file comes later */
    TYPE("unsupported", "unsupported", false, NULL),
#undef TYPE
};
static const struct type unknown = { SLICE_INIT(""), SLICE_INIT("unsupported"), false, { NULL } };

/* By Meta's word, or, where that is missing, by the object that is there. */
static const struct type *find_type(json *message)
{
    slice word = json_get_text(message, "type");
    for (size_t i = 0; word.len == 0 && i < ARRAY_LEN(types); i++)
        if (json_get_slice(message, types[i].word)) return &types[i];
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (slice_eq(word, types[i].word)) return &types[i];
    return &unknown;
}

/* The names of all the cards, so that each of them is found. */
static slice card_names(struct cleaner *cl, json *cards)
{
    struct buf b = buf_in(cl->arena, MESSAGE_TEXT_MAX);
    size_t i, count;
    json *card;
    yyjson_arr_foreach(cards, i, count, card)
    {
        slice name = whatsapp_text(cl, json_at(card, SLICE("/name/formatted_name")));
        if (name.len == 0 || b.len + name.len + 2 > CARD_NAMES_MAX) continue;
        buf_printf(&b, "%s%.*s", b.len > 0 ? ", " : "", SLICE_ARG(name));
    }
    if (!buf_ok(&b)) cl->full = true;
    return buf_slice(&b);
}

static slice find_text(struct cleaner *cl, json *message, const struct type *t)
{
    slice text = { NULL, 0 };
    if (slice_eq(t->type, SLICE("contacts"))) return card_names(cl, json_get(message, "contacts"));
    for (size_t i = 0; text.len == 0 && i < ARRAY_LEN(t->text) && t->text[i]; i++)
        text = whatsapp_text(cl, json_at(message, slice_str(t->text[i])));
    return text;
}

static slice error_text(struct cleaner *cl, json *message)
{
    json *first = yyjson_arr_get_first(json_get(message, "errors"));
    if (!first) return (slice){ NULL, 0 };
    slice text =
        arena_printf(cl->arena, "%.*s %.*s", SLICE_ARG(clean_id(cl, json_get(first, "code"))),
                     SLICE_ARG(clean_id(cl, json_get(first, "title"))));
    if (!text.ptr) cl->full = true;
    return text;
}

static struct media *read_media(struct cleaner *cl, json *message, const struct type *t)
{
    json *file = json_get_slice(message, t->word);
    slice id = clean_id(cl, json_get(file, "id"));
    struct media *m = t->file && id.len > 0 ? arena_new(cl->arena, struct media, 1) : NULL;
    if (!m) {
        cl->full = cl->full || (t->file && id.len > 0);
        return NULL;
    }
    m->external_id = id;
    m->kind = t->type;
    m->mime = clean_value(cl, json_get(file, "mime_type"));
    m->sha256 = whatsapp_media_sha256(json_get_text(file, "sha256"), cl->arena);
    m->filename = clean_value(cl, json_get(file, "filename"));
    m->url = clean_value(cl, json_get(file, "url"));
    m->size = clean_count(json_get(file, "file_size"), FILE_SIZE_MAX);
    m->problem = error_text(cl, message);
    return m;
}

/* The object of its type, less what is kept elsewhere: a link lives for minutes, a body is the text. */
static void put_own(struct buf *b, json *own, const struct type *t, struct cleaner *cl)
{
    bool text = slice_eq(t->type, SLICE("text"));
    const char *const told[] = { text ? "body" : "url" };
    if (!yyjson_is_obj(own) || (!text && !t->file)) {
        if (own && !text) json_put_raw(b, t->type.ptr, clean_json(cl, own));
        return;
    }
    struct buf before = *b;
    json_begin_object(b, t->type.ptr);
    size_t empty = b->len;
    whatsapp_put_rest(b, own, told, ARRAY_LEN(told), cl);
    bool none = b->len == empty;
    json_end_object(b);
    if (!text || !none || b->failed) return;
    b->len = before.len;
    b->comma = before.comma;
}

/* Of a message that is too much to be kept beside its request. */
static slice read_less(struct cleaner *cl, json *message)
{
    static const char *const kept[] = { "context", "referral", "errors" };
    struct buf b = buf_in(cl->arena, MESSAGE_DATA_MAX);
    json_begin_object(&b, NULL);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (json_get(message, kept[i]))
            json_put_raw(&b, kept[i], clean_json(cl, json_get(message, kept[i])));
    json_put_bool(&b, "too_large", true);
    json_end_object(&b);
    return buf_ok(&b) ? buf_slice(&b) : SLICE("{\"too_large\":true}");
}

/* What the shape has no member for, as it came, whatever Meta adds tomorrow. */
static slice read_data(struct cleaner *cl, json *message, slice word, const struct type *t)
{
    static const char *const kept[] = { "context", "referral", "errors", "identity" };
    const char *told[] = { "from",      "from_user_id",    "from_parent_user_id",
                           "to",        "to_user_id",      "to_parent_user_id",
                           "id",        "timestamp",       "type",
                           "group_id",  "history_context", "response",
                           t->type.ptr, t->word.ptr };
    struct buf b = buf_in(cl->arena, MESSAGE_DATA_MAX);
    json_begin_object(&b, NULL);
    size_t empty = b.len;
    json *own = t == &unknown ? NULL : json_get_slice(message, t->word);
    if (t == &unknown) {
        json_put_opt(&b, "type", clean_text(cl, word));
        for (size_t i = 0; i < ARRAY_LEN(kept); i++)
            if (json_get(message, kept[i]))
                json_put_raw(&b, kept[i], clean_json(cl, json_get(message, kept[i])));
        json_put_raw(&b, "raw", clean_json(cl, message));
    } else {
        whatsapp_put_rest(&b, message, told, ARRAY_LEN(told), cl);
        put_own(&b, own, t, cl);
    }
    /* A flow's answer is JSON inside a text: as JSON it can be used. It may be broken; then the text is all there is. */
    slice inner = json_str(json_at(own, SLICE("/nfm_reply/response_json")));
    json *answer = NULL;
    if (inner.len > 0 && json_parse(inner, cl->arena, &answer, NULL) == OK)
        json_put_raw(&b, "response", clean_json(cl, answer));
    size_t len = b.len;
    json_end_object(&b);
    if (!buf_ok(&b)) return cl->arena->full ? (slice){ NULL, 0 } : read_less(cl, message);
    return len == empty ? (slice){ NULL, 0 } : buf_slice(&b);
}

static slice id_or(struct cleaner *cl, json *v, slice fallback)
{
    slice id = clean_value(cl, v);
    return id.len > 0 && id.len <= MESSAGE_ID_MAX ? id : fallback;
}

/* A clock that is wrong must not keep the 24 hours open for years. */
static int64_t read_at(const struct whatsapp_place *p, const struct request *r)
{
    int64_t at = whatsapp_time(p->item);
    return at == 0 || whatsapp_is_early(at, r->received_ms) ? r->received_ms : at;
}

static enum message_state history_state(json *message)
{
    static const struct {
        slice word;
        enum message_state state;
    } words[] = {
        { SLICE_INIT("PENDING"), MESSAGE_ACCEPTED },    { SLICE_INIT("SENT"), MESSAGE_SENT },
        { SLICE_INIT("DELIVERED"), MESSAGE_DELIVERED }, { SLICE_INIT("READ"), MESSAGE_READ },
        { SLICE_INIT("PLAYED"), MESSAGE_PLAYED },       { SLICE_INIT("ERROR"), MESSAGE_FAILED },
    };
    slice word = json_get_text(json_get(message, "history_context"), "status");
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (slice_eq_nocase(word, words[i].word)) return words[i].state;
    return MESSAGE_NO_STATE;
}

static enum err read_message(const struct whatsapp_place *p, const struct request *r,
                             const struct event *e, const struct settings *cfg, bool ours,
                             struct cleaner *cl, struct changes *out)
{
    struct message *m = arena_new(cl->arena, struct message, 1);
    if (!m) return ERR_LIMIT;
    slice word = json_get_text(p->item, "type");
    const struct type *t = find_type(p->item);
    m->channel = SLICE("whatsapp");
    m->account = clean_id(cl, json_get(json_get(p->value, "metadata"), "phone_number_id"));
    m->external_id = id_or(cl, json_get(p->item, "id"), e->key);
    m->peer = clean_id(cl, json_get(p->item, "group_id"));
    m->direction = ours ? MESSAGE_OUT : MESSAGE_IN;
    m->origin = p->part == WA_HISTORY ? MESSAGE_BY_HISTORY
                : ours                ? MESSAGE_BY_ECHO
                                      : MESSAGE_BY_WEBHOOK;
    m->type = t->type;
    m->at_ms = read_at(p, r);
    m->text = find_text(cl, p->item, t);
    m->reply_to = clean_value(cl, json_get(json_get(p->item, "context"), "id"));
    m->data = read_data(cl, p->item, word, t);
    m->media = read_media(cl, p->item, t);
    if (ours) m->state = history_state(p->item);
    if (m->state != MESSAGE_NO_STATE) m->state_ms = m->at_ms;
    m->ticket_reopen_ms = settings_i64(cfg, WA_TICKET_REOPEN) * 3600 * 1000;
    out->message = m;
    return OK;
}

static enum err read_edit(const struct whatsapp_place *p, const struct request *r,
                          const struct event *e, bool ours, slice word, struct cleaner *cl,
                          struct changes *out, struct why *why)
{
    struct message_edit *edit = arena_new(cl->arena, struct message_edit, 1);
    if (!edit) return why_set(why, ERR_LIMIT, "arena full");
    json *own = json_get_slice(p->item, word), *fresh = json_get(own, "message");
    edit->channel = SLICE("whatsapp");
    edit->account = clean_id(cl, json_get(json_get(p->value, "metadata"), "phone_number_id"));
    edit->external_id = id_or(cl, json_get(own, "original_message_id"), (slice){ NULL, 0 });
    edit->edit_id = id_or(cl, json_get(p->item, "id"), e->key);
    edit->kind = slice_eq(word, SLICE("edit")) ? MESSAGE_EDIT : MESSAGE_REVOKE;
    edit->direction = ours ? MESSAGE_OUT : MESSAGE_IN;
    edit->at_ms = read_at(p, r);
    if (edit->external_id.len == 0)
        return why_set(why, ERR_SYNTAX, "the message that is changed has no id");
    if (edit->kind == MESSAGE_EDIT) {
        const struct type *t = find_type(fresh);
        /* What cannot be read replaces nothing. */
        if (!yyjson_is_obj(fresh) || slice_eq(t->type, SLICE("unsupported")))
            edit->kind = MESSAGE_EDIT_UNREAD;
        edit->text = find_text(cl, fresh, t);
        edit->data =
            read_data(cl, edit->kind == MESSAGE_EDIT ? fresh : p->item,
                      json_get_text(fresh, "type"), edit->kind == MESSAGE_EDIT ? t : &unknown);
    }
    out->message_edit = edit;
    return OK;
}

static enum err read_reaction(const struct whatsapp_place *p, const struct request *r,
                              const struct event *e, bool ours, struct cleaner *cl,
                              struct changes *out, struct why *why)
{
    struct message_reaction *x = arena_new(cl->arena, struct message_reaction, 1);
    if (!x) return why_set(why, ERR_LIMIT, "arena full");
    json *own = json_get(p->item, "reaction");
    x->channel = SLICE("whatsapp");
    x->account = clean_id(cl, json_get(json_get(p->value, "metadata"), "phone_number_id"));
    x->external_id = id_or(cl, json_get(own, "message_id"), (slice){ NULL, 0 });
    x->reaction_id = id_or(cl, json_get(p->item, "id"), e->key);
    x->emoji = clean_value(cl, json_get(own, "emoji"));
    x->at_ms = read_at(p, r);
    if (!ours && out->contact) {
        x->reactor = out->contact->field[CONTACT_phone];
        if (x->reactor.len == 0) x->reactor = out->contact->field[CONTACT_wa_user_id];
    } else if (!ours) {
        x->reactor =
            arena_printf(cl->arena, "?%.*s", SLICE_ARG(x->reaction_id)); /* nobody is named */
        if (!x->reactor.ptr) return why_set(why, ERR_LIMIT, "arena full");
    }
    if (x->external_id.len == 0)
        return why_set(why, ERR_SYNTAX, "the message that is reacted to has no id");
    out->message_reaction = x;
    return OK;
}

/* What is of the account rather than of the message, and what Meta's business-messaging events need (docs/destinations). */
static slice read_custom(const struct whatsapp_place *p, struct cleaner *cl)
{
    struct buf b = buf_in(cl->arena, CLEAN_JSON_MAX);
    json *system = json_get(p->item, "system");
    json_begin_object(&b, NULL);
    json_put_opt(&b, "whatsapp_business_account_id", clean_id(cl, json_get(p->entry, "id")));
    json_put_opt(&b, "display_phone_number",
                 clean_id(cl, json_get(json_get(p->value, "metadata"), "display_phone_number")));
    json_put_opt(&b, "ctwa_clid",
                 clean_value(cl, json_get(json_get(p->item, "referral"), "ctwa_clid")));
    if (system) json_put_raw(&b, "system", clean_json(cl, system));
    if (system && json_get(p->item, "identity"))
        json_put_raw(&b, "identity", clean_json(cl, json_get(p->item, "identity")));
    json_end_object(&b);
    if (!buf_ok(&b)) cl->full = true;
    return buf_slice(&b);
}

enum err whatsapp_read_message(const struct whatsapp_place *p, const struct request *r,
                               const struct event *e, const struct settings *cfg,
                               struct cleaner *cl, struct changes *out, struct why *why)
{
    slice type = json_get_text(p->item, "type");
    bool ours = whatsapp_is_ours(p, cl->arena);
    if (!yyjson_is_obj(p->item)) return why_set(why, ERR_SYNTAX, "the message is no object");
    bool system = slice_eq(type, SLICE("system"));
    out->contact = system ? whatsapp_moved_contact(p, cl) : whatsapp_contact(p, ours, cl);
    out->custom = read_custom(p, cl);
    if (system) return OK; /* nobody wrote it and nobody reads it: it is about the contact */
    if (slice_eq(type, SLICE("edit")) || slice_eq(type, SLICE("revoke")))
        return read_edit(p, r, e, ours, type, cl, out, why);
    if (slice_eq(type, SLICE("reaction"))) return read_reaction(p, r, e, ours, cl, out, why);
    /* By the time of the event, as every field of a contact: an old word never undoes a newer one. In a group nobody speaks to us. */
    if (out->contact && !ours && json_get_text(p->item, "group_id").len == 0)
        out->contact->field[CONTACT_wa_marketing] = whatsapp_stop_word(p->item, cfg);
    enum err rc = read_message(p, r, e, cfg, ours, cl, out);
    return rc == OK ? OK : why_set(why, rc, "arena full");
}
