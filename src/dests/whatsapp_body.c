/* whatsapp_body.c: a message into the JSON of POST /{phone_number_id}/messages. The object of its type goes out as it was given, but
 * for the short forms: `text` as plain text, `template.language` as plain text, `template.parameters` as a list of texts. */
#include "base/text.h"
#include "dests/whatsapp_cloud.h"

enum { TEMPLATE_POINTERS_MAX = 50 };

/* A template with its short forms written out; `components` as they go out. */
static void put_template(struct buf *b, json *v, slice components)
{
    json *language = json_get(v, "language"), *parameters = json_get(v, "parameters"), *one;
    size_t i, max;
    json_begin_object(b, "template");
    json_put_str(b, "name", json_get_text(v, "name"));
    json_begin_object(b, "language");
    json_put_str(b, "code",
                 yyjson_is_str(language) ? json_str(language) : json_get_text(language, "code"));
    json_end_object(b);
    if (components.len > 0) json_put_raw(b, "components", components);
    if (yyjson_arr_size(parameters) > 0) {
        json_begin_array(b, "components");
        json_begin_object(b, NULL);
        json_put_str(b, "type", SLICE("body"));
        json_begin_array(b, "parameters");
        yyjson_arr_foreach(parameters, i, max, one)
        {
            json_begin_object(b, NULL);
            json_put_str(b, "type", SLICE("text"));
            json_put_str(b, "text", json_text(one));
            json_end_object(b);
        }
        json_end_array(b);
        json_end_object(b);
        json_end_array(b);
    }
    json_end_object(b);
}

/* `v` as JSON with `text` in the place of its member or item `at`. */
static slice print_with(json *v, json *at, slice text, struct arena *arena)
{
    struct buf b = buf_in(arena, WHATSAPP_BODY_MAX);
    size_t i, max;
    json *name, *one;
    if (yyjson_is_arr(v)) {
        json_begin_array(&b, NULL);
        yyjson_arr_foreach(v, i, max, one)
            json_put_raw(&b, NULL, one == at ? text : json_print(one, arena));
        json_end_array(&b);
        return buf_slice(&b);
    }
    json_begin_object(&b, NULL);
    yyjson_obj_foreach(v, i, max, name, one)
    {
        slice member = arena_dup(arena, json_str(name));
        if (member.ptr)
            json_put_raw(&b, member.ptr, one == at ? text : json_print(one, arena));
        else
            b.failed = true;
    }
    json_end_object(&b);
    return buf_slice(&b);
}

/* The object that names our file, with Meta's id for it instead. */
static slice print_file(json *v, slice file, struct arena *arena)
{
    struct buf b = buf_in(arena, WHATSAPP_BODY_MAX);
    size_t i, max;
    json *name, *value;
    json_begin_object(&b, NULL);
    json_put_str(&b, "id", file);
    yyjson_obj_foreach(v, i, max, name, value)
    {
        slice member = arena_dup(arena, json_str(name));
        if (!member.ptr)
            b.failed = true;
        else if (!slice_eq(member, SLICE("media")))
            json_put_raw(&b, member.ptr, json_print(value, arena));
    }
    json_end_object(&b);
    return buf_slice(&b);
}

/* way[from] as JSON, with Meta's id for the file that it leads to. */
static slice print_way(const struct whatsapp_file_place *p, size_t from, slice file,
                       struct arena *arena)
{
    slice text = print_file(p->way[p->depth - 1], file, arena);
    for (size_t i = p->depth - 1; i > from && text.len > 0; i--)
        text = print_with(p->way[i - 1], p->way[i], text, arena);
    return text;
}

static void put_content(struct buf *b, json *message, slice type, slice file)
{
    const struct whatsapp_file_place at = whatsapp_file_place(message);
    json *v = json_get_slice(message, type);
    bool template = slice_eq(type, SLICE("template"));
    json *from = template ? json_get(v, "components") : v;
    slice key = arena_dup(b->arena, type);
    slice raw = at.depth > 0 ? print_way(&at, template ? 1 : 0, file, b->arena)
                : from       ? json_print(from, b->arena)
                             : (slice){ NULL, 0 };
    if (!key.ptr || (from && !raw.ptr)) {
        b->failed = true;
    } else if (template) {
        put_template(b, v, raw);
    } else if (slice_eq(type, SLICE("text")) && yyjson_is_str(v)) {
        json_begin_object(b, "text");
        json_put_str(b, "body", json_str(v));
        json_end_object(b);
    } else {
        json_put_raw(b, key.ptr, raw);
    }
}

/* "5511..." needs its +: without it Meta puts its own country code before the number. */
static void put_recipient(struct buf *b, slice to)
{
    if (text_is_digits(to))
        json_put_str(b, "to", arena_printf(b->arena, "+%.*s", SLICE_ARG(to)));
    else
        json_put_str(b, slice_starts(to, SLICE("+")) ? "to" : "recipient", to);
}

slice whatsapp_body(json *message, slice callback, slice file, struct arena *arena)
{
    struct buf b = buf_in(arena, WHATSAPP_BODY_MAX);
    slice type = json_get_text(message, "type"), reply_to = whatsapp_check_reply_to(message);
    json_begin_object(&b, NULL);
    json_put_str(&b, "messaging_product", SLICE("whatsapp"));
    if (whatsapp_check_is_mark(message)) {
        json_put_str(&b, "status", SLICE("read"));
        json_put_str(&b, "message_id", json_get_text(message, "message_id"));
        if (json_truth(json_get(message, "typing")))
            json_put_raw(&b, "typing_indicator", SLICE("{\"type\":\"text\"}"));
    } else {
        slice group = json_get_text(message, "group");
        json_put_str(&b, "recipient_type", group.len > 0 ? SLICE("group") : SLICE("individual"));
        if (group.len > 0)
            json_put_str(&b, "to", group);
        else
            put_recipient(&b, json_get_text(message, "to"));
        json_put_str(&b, "type", type);
        if (reply_to.len > 0) {
            json_begin_object(&b, "context");
            json_put_str(&b, "message_id", reply_to);
            json_end_object(&b);
        }
        put_content(&b, message, type, file);
        json_put_opt(&b, "biz_opaque_callback_data", slice_sub(callback, 0, WHATSAPP_CALLBACK_MAX));
    }
    json_end_object(&b);
    return buf_slice(&b);
}

/* ---- routed events ---- */

static slice recipient_of(json *data, const struct settings *cfg)
{
    static const char *const places[] = { "/contact/wa_id", "/contact/phone",
                                          "/contact/wa_user_id" };
    slice pointer = settings_text(cfg, WHATSAPP_TO), to = { NULL, 0 };
    if (pointer.len > 0) return json_text(json_at(data, pointer));
    for (size_t i = 0; i < ARRAY_LEN(places) && to.len == 0; i++)
        to = json_text(json_at(data, slice_str(places[i])));
    return to;
}

enum err whatsapp_body_of_event(const struct outgoing_event *e, json *data,
                                const struct settings *cfg, struct arena *arena, json **message,
                                struct why *why)
{
    slice rest = settings_map_get(cfg, WHATSAPP_TEMPLATES, e->type), name, language, pointer,
          to = recipient_of(data, cfg);
    struct buf b = buf_in(arena, WHATSAPP_BODY_MAX);
    if (rest.len == 0) return why_set(why, ERR_MISSING, "no template is set for such events");
    if (to.len == 0) return why_set(why, ERR_SYNTAX, "the event names no WhatsApp number");
    if (!slice_cut(&rest, ' ', &name) || !slice_cut(&rest, ' ', &language))
        return why_set(why, ERR_SYNTAX, "setting `templates`: a name and a language are expected");
    json_begin_object(&b, NULL);
    json_put_str(&b, "to", to);
    json_put_str(&b, "type", SLICE("template"));
    json_begin_object(&b, "template");
    json_put_str(&b, "name", name);
    json_put_str(&b, "language", language);
    if (rest.len > 0) json_begin_array(&b, "parameters");
    bool any = rest.len > 0;
    for (size_t n = 1; slice_cut(&rest, ' ', &pointer); n++) {
        slice value = json_text(json_at(data, pointer));
        if (value.len == 0 || n > TEMPLATE_POINTERS_MAX) /* Meta refuses an empty parameter */
            return why_set(why, ERR_SYNTAX, "the event has no value for parameter %zu (%.*s)", n,
                           SLICE_ARG(slice_sub(pointer, 0, 64)));
        json_put_str(&b, NULL, value);
    }
    if (any) json_end_array(&b);
    json_end_object(&b);
    json_end_object(&b);
    return buf_ok(&b) ? json_parse(buf_slice(&b), arena, message, why)
                      : why_set(why, ERR_LIMIT, "no memory left for the message");
}
