/* mask.c: hides personal data by member name, secrets by value. */
#include "api/mask.h"

#include "base/buf.h"
#include "base/secret.h"

enum { MASK_TEXT_MAX = 8 * 1024 * 1024, MASK_DEPTH_MAX = JSON_DEPTH_MAX + 1 };

/* Members of our own shapes and of what destinations are sent. */
static bool is_personal(slice name)
{
    static const slice names[] = {
        SLICE_INIT("email"),
        SLICE_INIT("phone"),
        SLICE_INIT("document"),
        SLICE_INIT("external_id"),
        SLICE_INIT("name"),
        SLICE_INIT("first_name"),
        SLICE_INIT("last_name"),
        SLICE_INIT("birth_date"),
        SLICE_INIT("gender"),
        SLICE_INIT("city"),
        SLICE_INIT("zip"),
        SLICE_INIT("street"),
        SLICE_INIT("fbp"),
        SLICE_INIT("fbc"),
        SLICE_INIT("fbclid"),
        SLICE_INIT("client_ip"),
        SLICE_INIT("user_agent"),
        SLICE_INIT("client_ip_address"),
        SLICE_INIT("client_user_agent"),
        SLICE_INIT("page_url"),
        SLICE_INIT("referrer"),
        SLICE_INIT("callback"),
        SLICE_INIT("event_source_url"),
        SLICE_INIT("checkout_url"),
        SLICE_INIT("referrer_url"),
        SLICE_INIT("wa_id"),
        SLICE_INIT("wa_user_id"),
        SLICE_INIT("wa_parent_id"),
        SLICE_INIT("wa_username"),
        SLICE_INIT("wa_name"),
        SLICE_INIT("wa_saved_name"),
        SLICE_INIT("group"), /* its id holds a number */
        SLICE_INIT("ctwa_clid"),
        SLICE_INIT("ctwa_first_clid"),
        SLICE_INIT("recipient"),
        SLICE_INIT("reactor"),
        SLICE_INIT("to"), /* of what a channel is sent, and its answer */
        SLICE_INIT("input"),
        SLICE_INIT("user_id"),
        SLICE_INIT("caption"),
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_eq(name, names[i])) return true;
    return false;
}

/* Objects all of whose members are personal. */
static bool is_private_object(slice name)
{
    static const slice names[] = {
        SLICE_INIT("user_data"),   SLICE_INIT("custom"),   SLICE_INIT("template"),
        SLICE_INIT("interactive"), SLICE_INIT("location"), SLICE_INIT("contacts"),
        SLICE_INIT("image"),       SLICE_INIT("video"),    SLICE_INIT("audio"),
        SLICE_INIT("sticker"),     SLICE_INIT("reaction"),
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_eq(name, names[i])) return true;
    return false;
}

/* What people wrote, in the objects that hold messages. */
static bool is_written(slice name, slice object)
{
    static const slice names[] = { SLICE_INIT("text"), SLICE_INIT("data"), SLICE_INIT("filename"),
                                   SLICE_INIT("emoji"), SLICE_INIT("callback") };
    bool message = slice_starts(object, SLICE("message")) || slice_eq(object, SLICE("media"));
    for (size_t i = 0; message && i < ARRAY_LEN(names); i++)
        if (slice_eq(name, names[i])) return true;
    return false;
}

/* The contact's "name" is personal, a product's is not: members are judged inside the objects that describe people. */
static bool in_person(slice object)
{
    return slice_eq(object, SLICE("contact")) || slice_eq(object, SLICE("user_data")) ||
           slice_eq(object, SLICE("order")) || object.len == 0;
}

static void put(struct buf *b, json *v, slice key, slice object, int depth, bool hide);
static bool mask(slice text, struct arena *arena, slice *out);

static void put_container(struct buf *b, json *v, slice key, int depth, bool hide)
{
    if (depth > MASK_DEPTH_MAX) {
        buf_add(b, SLICE("\"***\""));
        return;
    }
    bool object = yyjson_is_obj(v), first = true;
    buf_byte(b, object ? '{' : '[');
    yyjson_obj_iter oi = yyjson_obj_iter_with(v);
    yyjson_arr_iter ai = yyjson_arr_iter_with(v);
    for (json *item; (item = object ? yyjson_obj_iter_next(&oi) : yyjson_arr_iter_next(&ai));
         first = false) {
        if (!first) buf_byte(b, ',');
        if (!object) {
            put(b, item, key, key, depth + 1, hide);
            continue;
        }
        b->comma = false;
        json_put_str(b, NULL, json_str(item));
        buf_byte(b, ':');
        slice name = json_str(item);
        bool person = is_personal(name) && (in_person(key) || !slice_eq(name, SLICE("name")));
        bool event_name =
            key.len == 0 && slice_eq(name, SLICE("name")); /* the event's own, at the top */
        put(b, yyjson_obj_iter_get_val(item), name, key, depth + 1,
            hide || (person && !event_name) || is_private_object(name) || is_written(name, key));
    }
    buf_byte(b, object ? '}' : ']');
}

/* Depth is bounded by JSON_DEPTH_MAX at parsing, so recursion is too. */
static void put(struct buf *b, json *v, slice key, slice object UNUSED, int depth, bool hide)
{
    if (yyjson_is_obj(v) || yyjson_is_arr(v)) {
        put_container(b, v, key, depth, hide);
        return;
    }
    b->comma = false;
    if (hide && !yyjson_is_null(v))
        json_put_str(b, NULL, SLICE("***"));
    else if (yyjson_is_str(v)) {
        slice text = json_str(v), trimmed = slice_trim(text);
        bool inner = trimmed.len > 1 && (trimmed.ptr[0] == '{' || trimmed.ptr[0] == '[');
        if (!inner && slice_eq(key, SLICE("body")))
            text = SLICE("***"); /* no names to judge it by */
        if (!inner) text = mask_key(text);
        if (inner && (depth >= MASK_DEPTH_MAX || !mask(text, b->arena, &text)))
            text = SLICE("***"); /* not looked into: not shown */
        json_put_str(b, NULL, text);
    } else {
        slice text = json_print(v, b->arena);
        buf_add(b, text.len ? text : SLICE("null"));
    }
}

slice mask_key(slice key)
{
    return slice_find_slice(key, SLICE("wamid.")) < key.len ? SLICE("***") : key;
}

/* False: it cannot be looked into (no JSON, nested too deep, too large). */
static bool mask(slice text, struct arena *arena, slice *out)
{
    json *v = NULL;
    if (json_parse(text, arena, &v, NULL) != OK) return false;
    struct buf b = buf_in(arena, MASK_TEXT_MAX);
    put(&b, v, (slice){ NULL, 0 }, (slice){ NULL, 0 }, 0, false);
    *out = buf_slice(&b);
    return buf_ok(&b);
}

slice mask_personal(slice text, struct arena *arena)
{
    slice out;
    return mask(text, arena, &out) ? out : SLICE("\"***\"");
}

slice mask_secrets(slice text, const slice *secrets, size_t count, struct arena *arena)
{
    for (size_t i = 0; i < count; i++) text = secret_hide(text, secrets[i], arena);
    return text;
}
