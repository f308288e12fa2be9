/* whatsapp_walk.c: where in a body an event lies: its locator is a JSON Pointer like
 * "/entry/0/changes/1/value/messages/3" or ".../value/history/0/threads/2/messages/7". */
#include "base/text.h"
#include "sources/whatsapp.h"

enum {
    CHANGE_PARTS = 4, /* entry, its number, changes, its number */
    THREAD_PARTS = 9, /* …, value, history, number, threads, number */
};

/* The pointer's first `parts` parts. */
static slice head(slice locator, size_t parts)
{
    size_t at = 0;
    for (; at < locator.len; at++)
        if (locator.ptr[at] == '/' && parts-- == 0) break;
    return slice_sub(locator, 0, at);
}

slice whatsapp_change_of(slice locator) { return head(locator, CHANGE_PARTS); }

static slice part_at(slice locator, size_t index)
{
    slice part = { NULL, 0 };
    for (size_t i = 0; i <= index + 1; i++)
        if (!slice_cut(&locator, '/', &part)) return (slice){ NULL, 0 };
    return part;
}

static enum whatsapp_part part_of(slice locator, json *change)
{
    static const struct {
        slice array;
        enum whatsapp_part part;
    } parts[] = {
        { SLICE_INIT("messages"), WA_MESSAGE },
        { SLICE_INIT("message_echoes"), WA_ECHO },
        { SLICE_INIT("statuses"), WA_STATUS },
        { SLICE_INIT("state_sync"), WA_SYNC },
        { SLICE_INIT("user_preferences"), WA_PREFERENCE },
        { SLICE_INIT("automatic_events"), WA_AUTOMATIC },
        { SLICE_INIT("errors"), WA_ERRORS },
    };
    slice array = part_at(locator, CHANGE_PARTS + 1);
    if (slice_eq(array, SLICE("history")))
        return part_at(locator, THREAD_PARTS).len > 0 ? WA_HISTORY : WA_CHUNK;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (!slice_eq(array, parts[i].array)) continue;
        bool old = slice_eq(json_get_text(change, "field"), SLICE("history"));
        return old && parts[i].part <= WA_ECHO ? WA_HISTORY : parts[i].part;
    }
    return WA_WHOLE;
}

enum err whatsapp_locate(json *root, slice locator, struct whatsapp_place *out, struct why *why)
{
    *out = (struct whatsapp_place){ .item = json_at(root, locator) };
    if (!out->item) return why_set(why, ERR_SYNTAX, "the event is not where it was found");
    out->entry = json_at(root, head(locator, 2));
    out->change = json_at(root, head(locator, CHANGE_PARTS));
    out->value = json_get(out->change, "value");
    out->part = part_of(locator, out->change);
    out->echo = slice_eq(part_at(locator, CHANGE_PARTS + 1), SLICE("message_echoes"));
    if (out->part == WA_HISTORY && part_at(locator, THREAD_PARTS).len > 0)
        out->thread = json_at(root, head(locator, THREAD_PARTS));
    return OK;
}

slice whatsapp_digits(slice shown, struct arena *arena)
{
    char *out = arena_alloc(arena, shown.len + 1);
    size_t n = 0;
    for (size_t i = 0; out && i < shown.len; i++)
        if (shown.ptr[i] >= '0' && shown.ptr[i] <= '9') out[n++] = shown.ptr[i];
    return out ? slice_of(out, n) : (slice){ NULL, 0 };
}

slice whatsapp_own_number(const struct whatsapp_place *p, struct arena *arena)
{
    return whatsapp_digits(json_get_text(json_get(p->value, "metadata"), "display_phone_number"),
                           arena);
}

bool whatsapp_is_ours(const struct whatsapp_place *p, struct arena *arena)
{
    struct cleaner cl = { .arena = arena };
    if (p->echo) return true;
    slice from = json_get_text(p->item, "from"), own = whatsapp_own_number(p, arena);
    if (from.len == 0) return false;
    if (own.len > 0) return whatsapp_same_person(&cl, from, own);
    /* The change does not say who we are. A thread has two ends, and names the other one; elsewhere only what we sent says to whom. */
    slice peer = json_get_text(p->thread, "id"),
          number = json_get_text(json_get(p->thread, "context"), "wa_id");
    if (p->thread && (whatsapp_is_number(peer) || number.len > 0) && whatsapp_is_number(from))
        return !whatsapp_same_person(&cl, from, peer) && !whatsapp_same_person(&cl, from, number);
    return json_get_text(p->item, "to").len > 0 || json_get_text(p->item, "to_user_id").len > 0;
}

int64_t whatsapp_time(json *item)
{
    int64_t at = clean_time(json_get(item, "timestamp"));
    return at ? at : clean_time(json_get(json_get(item, "metadata"), "timestamp"));
}

/* What a message is as an event. History keeps a name of its own, so that no route takes it for news (route_matches). */
static slice message_type(const struct whatsapp_place *p, struct cleaner *cl)
{
    static const struct {
        slice type, event;
    } kinds[] = {
        { SLICE_INIT("reaction"), SLICE_INIT("message.reaction") },
        { SLICE_INIT("edit"), SLICE_INIT("message.edited") },
        { SLICE_INIT("revoke"), SLICE_INIT("message.revoked") },
        { SLICE_INIT("system"), SLICE_INIT("contact.changed") },
    };
    if (p->part == WA_HISTORY) return SLICE("history.message");
    slice type = json_get_text(p->item, "type");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (slice_eq(type, kinds[i].type)) return kinds[i].event;
    return whatsapp_is_ours(p, cl->arena) ? SLICE("message.echo") : SLICE("message.received");
}

bool whatsapp_is_declined(json *item)
{
    size_t i, max;
    json *chunk;
    yyjson_arr_foreach(json_get(item, "history"), i, max, chunk)
    {
        if (yyjson_arr_size(json_get(chunk, "errors")) > 0) return true;
    }
    return false;
}

slice whatsapp_event_type(const struct whatsapp_place *p, struct cleaner *cl)
{
    if (!yyjson_is_obj(p->item) && p->part != WA_ERRORS) return SLICE("whatsapp.unknown");
    switch (p->part) {
    case WA_MESSAGE:
    case WA_ECHO:
    case WA_HISTORY: return message_type(p, cl);
    case WA_STATUS: return SLICE("message.status");
    case WA_CHUNK:
        return json_get(p->item, "errors") ? SLICE("whatsapp.history_declined")
                                           : SLICE("history.chunk");
    case WA_SYNC:
        return slice_eq(json_get_text(p->item, "action"), SLICE("remove"))
                   ? SLICE("contact.unsaved")
                   : SLICE("contact.saved");
    case WA_PREFERENCE: return SLICE("contact.preference");
    case WA_AUTOMATIC: return SLICE("whatsapp.automatic_event");
    case WA_ERRORS: return SLICE("whatsapp.error");
    case WA_OTHER: return WA_OTHER_TYPE;
    case WA_WHOLE: break;
    }
    if (whatsapp_is_declined(p->item)) return SLICE("whatsapp.history_declined");
    slice field = json_get_text(p->change, "field");
    return field.len ? clean_type(cl, SLICE("whatsapp"), field) : SLICE("whatsapp.unknown");
}

slice whatsapp_text(struct cleaner *cl, json *v)
{
    slice in = text_utf8_cut(json_text(v), MESSAGE_TEXT_MAX);
    size_t bad = 0;
    for (size_t i = 0; i < in.len; i++) {
        unsigned char c = (unsigned char)in.ptr[i];
        bad += (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
    }
    if (bad == 0) return in;
    char *out = arena_raw(cl->arena, in.len);
    size_t n = 0;
    if (!out) cl->full = true;
    for (size_t i = 0; out && i < in.len; i++) {
        unsigned char c = (unsigned char)in.ptr[i];
        if ((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t') out[n++] = in.ptr[i];
    }
    return out ? slice_of(out, n) : (slice){ NULL, 0 };
}

void whatsapp_put_rest(struct buf *b, json *v, const char *const *left_out, size_t count,
                       struct cleaner *cl)
{
    size_t index, max;
    json *k, *member;
    yyjson_obj_foreach(v, index, max, k, member)
    {
        slice name = json_str(k);
        bool skip = slice_find(name, 0) < name.len; /* no name of ours could hold it */
        for (size_t i = 0; !skip && i < count; i++) skip = slice_eq(name, slice_str(left_out[i]));
        if (!skip) json_put_raw(b, yyjson_get_str(k), clean_json(cl, member));
    }
}
