/* whatsapp_check.c: what a message may hold, so that a mistake is told to who makes it and not found in a dead delivery.
 *
 * The limits are Meta's; what Meta alone can know (is the template approved, does the number exist) is left to its answer. */
#include <stdarg.h>
#include <stdio.h>

#include "base/id.h"
#include "base/text.h"
#include "dests/whatsapp_cloud.h"
#include "records/records.h"

enum {
    TEXT_MAX = 4096,
    CAPTION_MAX = 1024,
    FILE_NAME_MAX = 240,
    ADDRESS_MAX = 2048,
    REMOTE_MAX = 512, /* ids that Meta gave */
    EMOJI_MAX = 16,
    CONTACTS_MAX = 100,
    PLACE_MAX = 1024,
    TEMPLATE_NAME_MAX = 512,
    COMPONENTS_MAX = 20,
    PARAMETERS_MAX = 100,
    CARDS_MAX = 10,
    BUTTONS_MAX = 3,
    ROWS_MAX = 10,
    NUMBER_MIN = 5,
    NUMBER_MAX = 15,
    GROUP_ID_MAX = 128,
    NAME_SHOWN = 64 /* of a member that is not known, in the answer */
};

/* The first mistake stays. */
struct checker {
    enum err rc;
    struct why *why;
};

PRINTF_LIKE(2, 3) static void wrong(struct checker *c, const char *fmt, ...)
{
    char text[WHY_TEXT_MAX];
    va_list args;
    if (c->rc != OK) return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    c->rc = why_set(c->why, ERR_SYNTAX, "%s", text);
}

static size_t characters(slice s)
{
    size_t count = 0, step;
    for (; s.len > 0; s = slice_sub(s, step, s.len), count++) (void)text_utf8_get(s, &step);
    return count;
}

/* Member `key` as text of at most `max` characters. `at` names the object in the message. */
static slice text_of(struct checker *c, json *v, const char *at, const char *key, size_t max,
                     bool required)
{
    json *member = json_get(v, key);
    slice s = json_str(member);
    if (member && !yyjson_is_str(member))
        wrong(c, "`%s.%s` must be text", at, key);
    else if (required && slice_trim(s).len == 0)
        wrong(c, "`%s.%s` is missing", at, key);
    else if (characters(s) > max)
        wrong(c, "`%s.%s` is longer than %zu characters", at, key, max);
    return s;
}

static json *object_of(struct checker *c, json *v, const char *at, const char *key)
{
    json *o = json_get(v, key);
    if (!yyjson_is_obj(o)) wrong(c, "`%s.%s` must be an object", at, key);
    return o;
}

static json *array_of(struct checker *c, json *v, const char *at, const char *key, size_t min,
                      size_t max)
{
    json *a = json_get(v, key);
    size_t n = yyjson_arr_size(a);
    if (!yyjson_is_arr(a) || n < min || n > max)
        wrong(c, "`%s.%s` must be a list of %zu to %zu", at, key, min, max);
    return a;
}

/* ---- types ---- */

static void check_text(struct checker *c, json *v)
{
    if (yyjson_is_str(v)) { /* the short form */
        if (slice_trim(json_str(v)).len == 0) wrong(c, "`text` is empty");
        if (characters(json_str(v)) > TEXT_MAX)
            wrong(c, "`text` is longer than %d characters", TEXT_MAX);
        return;
    }
    (void)text_of(c, v, "text", "body", TEXT_MAX, true);
}

static void check_link(struct checker *c, json *v, const char *at, const char *key)
{
    slice link = text_of(c, v, at, key, ADDRESS_MAX, true);
    bool web = slice_starts(link, SLICE("https://")) || slice_starts(link, SLICE("http://"));
    for (size_t i = 0; i < link.len; i++)
        if ((unsigned char)link.ptr[i] <= ' ' || link.ptr[i] == 0x7f) web = false;
    if (!web) wrong(c, "`%s.%s` must be an http:// or https:// address", at, key);
}

/* `at` names the object in the message. */
static void check_file(struct checker *c, json *v, const char *at)
{
    bool id = json_get(v, "id") != NULL, link = json_get(v, "link") != NULL,
         media = json_get(v, "media") != NULL;
    uint64_t number;
    if (id + link + media != 1) wrong(c, "`%s` needs either `media`, `id` or `link`", at);
    if (media && id_parse(ID_MEDIA, json_get_text(v, "media"), &number) != OK)
        wrong(c, "`%s.media` must be the id of an uploaded file (med_...)", at);
    if (id && json_get_text(v, "id").len == 0) wrong(c, "`%s.id` is empty", at);
    if (json_get_text(v, "id").len > REMOTE_MAX) wrong(c, "`%s.id` is too long", at);
    if (link) check_link(c, v, at, "link");
}

/* What a header may hold besides text. */
static const struct {
    const char *type, *in_template, *in_interactive;
} header_files[] = {
    { "image", "template.components[].parameters[].image", "interactive.header.image" },
    { "video", "template.components[].parameters[].video", "interactive.header.video" },
    { "document", "template.components[].parameters[].document", "interactive.header.document" },
};

/* Its row; ARRAY_LEN(header_files): it is none. */
static size_t header_file(slice type)
{
    size_t i = 0;
    while (i < ARRAY_LEN(header_files) && !slice_eq(type, slice_str(header_files[i].type))) i++;
    return i;
}

static void check_captioned(struct checker *c, json *v, const char *type)
{
    check_file(c, v, type);
    (void)text_of(c, v, type, "caption", CAPTION_MAX, false);
}

static void check_image(struct checker *c, json *v) { check_captioned(c, v, "image"); }
static void check_video(struct checker *c, json *v) { check_captioned(c, v, "video"); }
static void check_audio(struct checker *c, json *v) { check_file(c, v, "audio"); }
static void check_sticker(struct checker *c, json *v) { check_file(c, v, "sticker"); }

static void check_document(struct checker *c, json *v)
{
    check_captioned(c, v, "document");
    (void)text_of(c, v, "document", "filename", FILE_NAME_MAX, false);
}

/* A decimal number of degrees within -most..most. */
static void check_degrees(struct checker *c, json *v, const char *key, int64_t most)
{
    slice rest = json_get_text(v, key), whole = { NULL, 0 };
    int64_t n = 0;
    (void)slice_cut(&rest, '.', &whole);
    if (text_i64(whole, -most, most, &n, NULL) != OK || rest.len > 16)
        wrong(c, "`location.%s` must be a number from -%d to %d", key, (int)most, (int)most);
    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] < '0' || rest.ptr[i] > '9')
            wrong(c, "`location.%s` must be a plain decimal number", key);
}

static void check_location(struct checker *c, json *v)
{
    check_degrees(c, v, "latitude", 90);
    check_degrees(c, v, "longitude", 180);
    (void)text_of(c, v, "location", "name", PLACE_MAX, false);
    (void)text_of(c, v, "location", "address", PLACE_MAX, false);
}

static void check_contacts(struct checker *c, json *v)
{
    size_t index, max;
    json *one;
    size_t count = yyjson_arr_size(v);
    if (count < 1 || count > CONTACTS_MAX) wrong(c, "`contacts` must be a list of 1 to 100");
    yyjson_arr_foreach(v, index, max, one)(void)
        text_of(c, object_of(c, one, "contacts[]", "name"), "contacts[].name", "formatted_name",
                CAPTION_MAX, true);
}

static void check_reaction(struct checker *c, json *v)
{
    (void)text_of(c, v, "reaction", "message_id", REMOTE_MAX, true);
    (void)text_of(c, v, "reaction", "emoji", EMOJI_MAX, false);
    if (!yyjson_is_str(json_get(v, "emoji")))
        wrong(c, "`reaction.emoji` must be text; \"\" takes it back");
}

/* ---- templates ---- */

/* The parameters of a component. `files` counts those of ours; NULL: there may be none. */
static void check_parameters(struct checker *c, json *v, slice type, size_t *files)
{
    size_t index, max;
    json *p, *list = json_get(v, "parameters");
    if (list) list = array_of(c, v, "template.components[]", "parameters", 0, PARAMETERS_MAX);
    yyjson_arr_foreach(list, index, max, p)
    {
        slice kind = text_of(c, p, "template.components[].parameters[]", "type", PLACE_MAX, true);
        size_t file = header_file(kind);
        json *v_file = json_get_slice(p, kind);
        bool header = file < ARRAY_LEN(header_files) && slice_eq_nocase(type, SLICE("header"));
        if (json_get(v_file, "media") && (!files || !header))
            wrong(c, "`media` stands for the image, video or document of a template's header only");
        else if (json_get(v_file, "media") && (*files)++ > 0)
            wrong(c, "a template's header has one file");
        else if (file < ARRAY_LEN(header_files))
            check_file(c, v_file, header_files[file].in_template);
    }
}

static void check_button(struct checker *c, json *v)
{
    uint64_t n;
    (void)text_of(c, v, "template.components[]", "sub_type", PLACE_MAX, true);
    if (text_u64(json_get_text(v, "index"), 9, &n, NULL) != OK)
        wrong(c, "`template.components[].index` of a button must be 0 to 9");
}

/* Each card has its own header, body and buttons; a file of ours can only stand in the template's own header. */
static void check_cards(struct checker *c, json *v)
{
    static const char *const parts[] = { "header", "body", "button" };
    const char *at = "template.components[].cards[]";
    size_t k, ks, index, max;
    json *card, *part, *cards = array_of(c, v, "template.components[]", "cards", 1, CARDS_MAX);
    yyjson_arr_foreach(cards, k, ks, card)
    {
        uint64_t n;
        if (text_u64(json_get_text(card, "card_index"), CARDS_MAX - 1, &n, NULL) != OK)
            wrong(c, "`%s.card_index` must be 0 to %d", at, CARDS_MAX - 1);
        json *list = array_of(c, card, at, "components", 1, COMPONENTS_MAX);
        yyjson_arr_foreach(list, index, max, part)
        {
            slice type = json_get_text(part, "type");
            size_t i = 0;
            while (i < ARRAY_LEN(parts) && !slice_eq_nocase(type, slice_str(parts[i]))) i++;
            if (i == ARRAY_LEN(parts))
                wrong(c, "`%s.components[].type` must be header, body or button", at);
            if (slice_eq_nocase(type, SLICE("button"))) check_button(c, part);
            check_parameters(c, part, type, NULL);
        }
    }
}

static void check_component(struct checker *c, json *v, size_t *files)
{
    static const struct {
        const char *name;
        void (*check)(struct checker *c, json *v);
    } kinds[] = {
        { "header", NULL },          { "body", NULL },
        { "button", check_button },  { "limited_time_offer", NULL },
        { "carousel", check_cards },
    };
    slice type = json_get_text(v, "type");
    size_t i = 0;
    while (i < ARRAY_LEN(kinds) && !slice_eq_nocase(type, slice_str(kinds[i].name))) i++;
    if (i == ARRAY_LEN(kinds))
        wrong(c, "`template.components[].type` must be header, body, button, carousel or "
                 "limited_time_offer");
    else if (kinds[i].check)
        kinds[i].check(c, v);
    check_parameters(c, v, type, files);
}

static void check_template(struct checker *c, json *v)
{
    slice name = text_of(c, v, "template", "name", TEMPLATE_NAME_MAX, true);
    for (size_t i = 0; i < name.len; i++) {
        char ch = name.ptr[i];
        if ((ch < 'a' || ch > 'z') && (ch < '0' || ch > '9') && ch != '_')
            wrong(c, "`template.name` has only a-z, 0-9 and _");
    }
    json *language = json_get(v, "language"), *one;
    slice code = yyjson_is_str(language) ? json_str(language) : json_get_text(language, "code");
    if (code.len < 2 || code.len > 10)
        wrong(c, "`template.language` is missing: a code such as pt_BR");
    json *parameters = json_get(v, "parameters"), *components = json_get(v, "components");
    size_t index, max, files = 0;
    if (parameters && components)
        wrong(c, "`template.parameters` is the short form of `components`: give one of them");
    if (parameters) parameters = array_of(c, v, "template", "parameters", 0, PARAMETERS_MAX);
    yyjson_arr_foreach(parameters, index, max,
                       one) if (json_text(one).len == 0 || characters(json_text(one)) > TEXT_MAX)
        wrong(c, "`template.parameters[%zu]` must be text of 1 to 4096 characters", index);
    if (components) components = array_of(c, v, "template", "components", 0, COMPONENTS_MAX);
    yyjson_arr_foreach(components, index, max, one) check_component(c, one, &files);
}

/* ---- interactive ---- */

static void check_buttons(struct checker *c, json *action)
{
    size_t index, max;
    json *one;
    json *list = array_of(c, action, "interactive.action", "buttons", 1, BUTTONS_MAX);
    yyjson_arr_foreach(list, index, max, one)
    {
        json *r = object_of(c, one, "interactive.action.buttons[]", "reply");
        (void)text_of(c, r, "interactive.action.buttons[].reply", "id", 256, true);
        (void)text_of(c, r, "interactive.action.buttons[].reply", "title", 20, true);
    }
}

static void check_sections(struct checker *c, json *action)
{
    size_t s, ss, r, rs, rows = 0;
    json *section, *row;
    (void)text_of(c, action, "interactive.action", "button", 20, true);
    json *list = array_of(c, action, "interactive.action", "sections", 1, ROWS_MAX);
    yyjson_arr_foreach(list, s, ss, section)
    {
        const char *at = "interactive.action.sections[]";
        (void)text_of(c, section, at, "title", 24, ss > 1);
        json *inner = array_of(c, section, at, "rows", 1, ROWS_MAX);
        rows += yyjson_arr_size(inner);
        yyjson_arr_foreach(inner, r, rs, row)
        {
            at = "interactive.action.sections[].rows[]";
            (void)text_of(c, row, at, "id", 200, true);
            (void)text_of(c, row, at, "title", 24, true);
            (void)text_of(c, row, at, "description", 72, false);
        }
    }
    if (rows > ROWS_MAX)
        wrong(c, "`interactive` has more than %d rows over all sections", ROWS_MAX);
}

static void check_url_button(struct checker *c, json *action)
{
    json *p = object_of(c, action, "interactive.action", "parameters");
    (void)text_of(c, p, "interactive.action.parameters", "display_text", 20, true);
    check_link(c, p, "interactive.action.parameters", "url");
}

static void check_header(struct checker *c, json *header)
{
    slice type = json_get_text(header, "type");
    size_t file = header_file(type);
    if (!header) return;
    if (slice_eq(type, SLICE("text")))
        (void)text_of(c, header, "interactive.header", "text", 60, true);
    else if (file == ARRAY_LEN(header_files))
        wrong(c, "`interactive.header.type` must be text, image, video or document");
    else
        check_file(c, object_of(c, header, "interactive.header", header_files[file].type),
                   header_files[file].in_interactive);
}

static void check_interactive(struct checker *c, json *v)
{
    static const struct {
        const char *name;
        size_t body_max;
        bool body; /* required */
        void (*action)(struct checker *c, json *action);
    } types[] = {
        { "button", 1024, true, check_buttons },
        { "list", 4096, true, check_sections },
        { "cta_url", 1024, true, check_url_button },
        { "flow", 1024, true, NULL },
        { "location_request_message", 1024, true, NULL },
        { "product", 1024, false, NULL },
        { "product_list", 1024, true, NULL },
        { "catalog_message", 1024, true, NULL },
    };
    size_t i = 0;
    while (i < ARRAY_LEN(types) && !slice_eq(json_get_text(v, "type"), slice_str(types[i].name)))
        i++;
    if (i == ARRAY_LEN(types)) {
        wrong(c, "`interactive.type` must be button, list, cta_url, flow, "
                 "location_request_message, product, product_list or catalog_message");
        return;
    }
    if (types[i].body || json_get(v, "body"))
        (void)text_of(c, object_of(c, v, "interactive", "body"), "interactive.body", "text",
                      types[i].body_max, types[i].body);
    if (json_get(v, "footer"))
        (void)text_of(c, object_of(c, v, "interactive", "footer"), "interactive.footer", "text", 60,
                      true);
    check_header(c, json_get(v, "header"));
    json *action = object_of(c, v, "interactive", "action");
    if (c->rc == OK && types[i].action) types[i].action(c, action);
}

/* ---- the message ---- */

/* A person or a group, by the id that its webhooks give. */
static void check_to(struct checker *c, json *message)
{
    slice to = json_get_text(message, "to"), group = json_get_text(message, "group");
    if (json_get(message, "group")) {
        bool plain = group.len > 0 && group.len <= GROUP_ID_MAX;
        for (size_t i = 0; i < group.len; i++)
            plain = plain && (unsigned char)group.ptr[i] > ' ' && (unsigned char)group.ptr[i] < 127;
        if (!plain) wrong(c, "`group` must be the id of a group, as its webhooks give it");
        if (to.len > 0) wrong(c, "say to whom: `to` or `group`, not both");
        return;
    }
    slice digits = slice_starts(to, SLICE("+")) ? slice_sub(to, 1, to.len) : to;
    bool number = digits.len >= NUMBER_MIN && digits.len <= NUMBER_MAX && text_is_digits(digits);
    if (!number && !contact_is_user_id(to))
        wrong(c, "`to` must be a number with country code (+5511...) or a user id (BR....)");
}

static const struct {
    const char *name;
    void (*check)(struct checker *c, json *v);
} types[] = {
    { "text", check_text },         { "template", check_template },
    { "image", check_image },       { "video", check_video },
    { "audio", check_audio },       { "document", check_document },
    { "sticker", check_sticker },   { "interactive", check_interactive },
    { "reaction", check_reaction }, { "location", check_location },
    { "contacts", check_contacts },
};

bool whatsapp_check_is_mark(json *message)
{
    return slice_eq(json_get_text(message, "type"), SLICE("read"));
}

slice whatsapp_check_reply_to(json *message)
{
    slice id = json_get_text(message, "reply_to");
    return id.len > 0 ? id : json_text(json_at(message, SLICE("/context/message_id")));
}

/* Our own name for it, Meta's, or both when they agree. */
static void check_reply_to(struct checker *c, json *message)
{
    json *own = json_get(message, "reply_to"), *context = json_get(message, "context"), *k, *v;
    slice id = json_str(own);
    size_t i, max;
    if (own && !yyjson_is_null(own) && !yyjson_is_str(own)) wrong(c, "`reply_to` must be text");
    if (id.len > REMOTE_MAX) wrong(c, "`reply_to` is too long");
    if (!context || yyjson_is_null(context)) return;
    if (!yyjson_is_obj(context)) wrong(c, "`context` must be an object");
    yyjson_obj_foreach(context, i, max, k, v) if (!slice_eq(json_str(k), SLICE("message_id")))
        wrong(c, "`context.%.*s` is not known", SLICE_ARG(slice_sub(json_str(k), 0, NAME_SHOWN)));
    slice meta = text_of(c, context, "context", "message_id", REMOTE_MAX, true);
    if (id.len > 0 && !slice_eq(id, meta))
        wrong(c, "`reply_to` and `context.message_id` differ: give one of them");
}

/* Nothing that was asked for is left out in silence. Of Meta's own members those that say what is said anyway are taken. */
static bool is_known(json *message, slice name, json *v)
{
    static const char *const of_mark[] = { "type", "message_id", "typing" };
    static const char *const of_message[] = { "type",     "to",      "group",
                                              "reply_to", "context", "category" };
    bool mark = whatsapp_check_is_mark(message);
    const char *const *known = mark ? of_mark : of_message;
    size_t count = mark ? ARRAY_LEN(of_mark) : ARRAY_LEN(of_message);
    for (size_t i = 0; i < count; i++)
        if (slice_eq(name, slice_str(known[i]))) return true;
    if (slice_eq(name, SLICE("messaging_product"))) return slice_eq(json_str(v), SLICE("whatsapp"));
    if (slice_eq(name, SLICE("recipient_type")))
        return !mark && slice_eq(json_str(v),
                                 json_get(message, "group") ? SLICE("group") : SLICE("individual"));
    return !mark && slice_eq(name, json_get_text(message, "type"));
}

enum err whatsapp_check_members(json *message, struct why *why)
{
    size_t i, max;
    json *k, *v;
    yyjson_obj_foreach(message, i, max, k, v)
    {
        slice name = json_str(k);
        if (!yyjson_is_null(v) && !is_known(message, name, v))
            return why_set(why, ERR_SYNTAX, "`%.*s` is no member of a message of type %.*s",
                           SLICE_ARG(slice_sub(name, 0, NAME_SHOWN)),
                           SLICE_ARG(slice_sub(json_get_text(message, "type"), 0, NAME_SHOWN)));
    }
    return OK;
}

enum err whatsapp_check(json *message, struct why *why)
{
    struct checker c = { OK, why };
    slice type = json_get_text(message, "type");
    if (whatsapp_check_is_mark(message)) {
        slice id = json_get_text(message, "message_id");
        if (id.len == 0 || id.len > REMOTE_MAX)
            wrong(&c, "`message_id` is missing: the id of the message that was read (wamid....)");
        return c.rc;
    }
    size_t i = 0;
    while (i < ARRAY_LEN(types) && !slice_eq(type, slice_str(types[i].name))) i++;
    if (i == ARRAY_LEN(types))
        return why_set(why, ERR_SYNTAX,
                       "`type` must be text, template, image, video, audio, document, sticker, "
                       "interactive, reaction, location, contacts or read");
    json *v = json_get(message, types[i].name);
    check_to(&c, message);
    check_reply_to(&c, message);
    bool shape = yyjson_is_obj(v) || (yyjson_is_arr(v) && types[i].check == check_contacts) ||
                 (yyjson_is_str(v) && types[i].check == check_text);
    if (!shape)
        wrong(&c, "`%s` is missing: a message of this type is described there", types[i].name);
    if (c.rc == OK) types[i].check(&c, v);
    return c.rc;
}
