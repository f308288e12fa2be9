/* whatsapp_cloud.c: messages through WhatsApp's Cloud API. Guide, limits and what each answer means:
 * docs/destinations/whatsapp-cloud.md.
 *
 * Two ways in: a message of POST /api/messages (event message.outgoing, sent to the one destination it names), and any other event
 * for which setting `templates` has a template.
 * Twice is worse than late: Meta takes no idempotency key, so what may have arrived is not repeated by itself (admit, and
 * whatsapp_judge.c), unless the settings or a person say so. Each message carries its delivery's id as biz_opaque_callback_data:
 * its statuses prove that it arrived. */
#include "dests/whatsapp_cloud.h"

#include "base/text.h"
#include "sources/source.h"

enum {
    ACCESS_TOKEN_MAX = 2048,
    ID_DIGITS_MAX = 20,
    RATE_PER_MIN = 80 * 60,
    APP_RATE_PER_MIN = 20 * 60
};

static const struct setting settings[] = {
    [WHATSAPP_ACCESS_TOKEN] = { "access_token", SETTING_TEXT, .required = true, .secret = true,
                                .max = ACCESS_TOKEN_MAX,
                                .help =
                                    "Token of a system user with whatsapp_business_messaging." },
    [WHATSAPP_PHONE_NUMBER_ID] = { "phone_number_id", SETTING_TEXT, .required = true,
                                   .max = ID_DIGITS_MAX,
                                   .help = "Id of the number that sends (not the number itself)." },
    [WHATSAPP_BASE_URL] = { "base_url", SETTING_URL, .fallback = "https://graph.facebook.com",
                            .help = "Where the Graph API is; for tests and gateways." },
    [WHATSAPP_API_VERSION] = { "api_version", SETTING_TEXT, .fallback = "v25.0", .max = 8,
                               .help = "Version of the Graph API, such as v25.0." },
    [WHATSAPP_TEMPLATES] = { "templates", SETTING_MAP,
                             .help = "Event type to \"template language pointer...\": what is sent "
                                     "for routed events; each JSON Pointer into the event is a "
                                     "parameter of the template's body." },
    [WHATSAPP_TO] = { "to", SETTING_TEXT, .max = 256,
                      .help = "JSON Pointer to the recipient of routed events; without it the "
                              "contact's WhatsApp number, phone or user id." },
    [WHATSAPP_MARKETING] = { "marketing", SETTING_LIST, .max = 512,
                             .help = "Names of templates that are marketing: not sent to people "
                                     "who asked for none." },
    [WHATSAPP_REPEAT_UNKNOWN] = { "repeat_unknown", SETTING_BOOL, .fallback = "false",
                                  .help = "true: also repeat a message that may have arrived "
                                          "(time-out); people may then get it twice." },
};
_Static_assert(ARRAY_LEN(settings) == WHATSAPP_SETTING_COUNT, "every setting has its row");

/* ---- settings ---- */

static bool is_version(slice s)
{
    uint64_t n;
    size_t dot = slice_find(s, '.');
    return s.len > 1 && s.ptr[0] == 'v' && text_u64(slice_sub(s, 1, dot), 999, &n, NULL) == OK &&
           text_u64(slice_sub(s, dot + 1, s.len), 999, &n, NULL) == OK;
}

/* "name language /pointer ..." */
static enum err check_template(slice rest, struct why *why)
{
    slice name, language, pointer;
    if (!slice_cut(&rest, ' ', &name) || !slice_cut(&rest, ' ', &language) || name.len == 0 ||
        language.len < 2)
        return why_set(why, ERR_SYNTAX,
                       "setting `templates`: \"name language pointer...\" is expected, such as "
                       "\"order_paid pt_BR /contact/first_name\"");
    while (slice_cut(&rest, ' ', &pointer))
        if (pointer.len == 0 || pointer.ptr[0] != '/')
            return why_set(why, ERR_SYNTAX,
                           "setting `templates`: a JSON Pointer starts with /, one blank between");
    return OK;
}

static enum err check(const struct settings *cfg, struct why *why)
{
    slice id = settings_text(cfg, WHATSAPP_PHONE_NUMBER_ID),
          token = settings_text(cfg, WHATSAPP_ACCESS_TOKEN),
          base = settings_text(cfg, WHATSAPP_BASE_URL), to = settings_text(cfg, WHATSAPP_TO);
    const struct setting_value *templates = settings_get(cfg, WHATSAPP_TEMPLATES);
    bool digits = id.len > 0;
    for (size_t i = 0; i < id.len; i++) digits = digits && id.ptr[i] >= '0' && id.ptr[i] <= '9';
    if (!digits)
        return why_set(why, ERR_SYNTAX,
                       "setting `phone_number_id`: digits only; it is an id, not the number");
    for (size_t i = 0; i < token.len; i++)
        if ((unsigned char)token.ptr[i] <= ' ' || (unsigned char)token.ptr[i] >= 0x7f)
            return why_set(why, ERR_SYNTAX, "setting `access_token`: no blanks or line ends");
    if (!is_version(settings_text(cfg, WHATSAPP_API_VERSION)))
        return why_set(why, ERR_SYNTAX, "setting `api_version`: must look like v25.0");
    if (slice_find(base, '?') < base.len || slice_find(base, '#') < base.len)
        return why_set(why, ERR_SYNTAX, "setting `base_url`: no query and no fragment");
    if (to.len > 0 && to.ptr[0] != '/')
        return why_set(why, ERR_SYNTAX, "setting `to`: a JSON Pointer starts with /");
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < templates->count; i++)
        rc = check_template(templates->items[i].value, why);
    return rc;
}

/* ---- messages ---- */

static slice account(const struct settings *cfg)
{
    return settings_text(cfg, WHATSAPP_PHONE_NUMBER_ID);
}

static enum err check_message(json *message, const struct settings *cfg UNUSED, struct why *why)
{
    enum err rc = whatsapp_check(message, why);
    return rc == OK ? whatsapp_check_members(message, why) : rc;
}

/* The 24 hours are a person's; of a group Meta alone knows. */
static bool any_time(json *message)
{
    return whatsapp_check_is_mark(message) || json_get(message, "group") ||
           slice_eq(json_get_text(message, "type"), SLICE("template"));
}

static bool is_marketing(json *message, const struct settings *cfg)
{
    const struct setting_value *list = settings_get(cfg, WHATSAPP_MARKETING);
    slice name = json_get_text(json_get(message, "template"), "name");
    bool found = slice_eq(json_get_text(message, "category"), SLICE("marketing"));
    for (size_t i = 0; name.len > 0 && i < list->count; i++)
        found = found || slice_eq(list->items[i].value, name);
    return found;
}

/* In Meta's form, or in ours with the language as a text. */
static bool template_of(json *message, slice *name, slice *language)
{
    json *t = json_get(message, "template"), *code = json_get(t, "language");
    *name = json_get_text(t, "name");
    *language = yyjson_is_obj(code) ? json_get_text(code, "code") : json_text(code);
    return name->len > 0 && language->len > 0;
}

static bool says_in_app(slice reply, struct arena *arena, bool *in_app)
{
    json *root = NULL;
    if (json_parse(reply, arena, &root, NULL) != OK) return false;
    json *said = json_get(root, "is_on_biz_app");
    *in_app = json_truth(said);
    return yyjson_is_bool(said);
}

static const struct dest_messages messages = { .channel = "whatsapp",
                                               .account = account,
                                               .check = check_message,
                                               .any_time = any_time,
                                               .is_marketing = is_marketing,
                                               .file = whatsapp_file,
                                               .file_fits = whatsapp_file_fits,
                                               .upload = whatsapp_file_upload,
                                               .uploaded = whatsapp_file_uploaded,
                                               .upload_keep_ms =
                                                   WHATSAPP_FILE_KEEP_DAYS * INT64_C(86400000),
                                               .template = template_of,
                                               .app_rate_per_min = APP_RATE_PER_MIN,
                                               .says_in_app = says_in_app };

/* The event's message: its own, or the template for its type. */
static enum err message_of(const struct outgoing_event *e, json *data, const struct settings *cfg,
                           struct arena *arena, json **message, struct why *why)
{
    if (!event_is_message(e->type))
        return whatsapp_body_of_event(e, data, cfg, arena, message, why);
    *message = json_at(data, SLICE("/custom/message"));
    return *message ? OK : why_set(why, ERR_SYNTAX, "the event holds no message");
}

/* ---- the queue's questions ---- */

static enum err delivery_key(const struct outgoing_event *e, const struct settings *cfg,
                             struct arena *arena, slice *key, struct why *why)
{
    json *data = NULL;
    slice setting = settings_map_get(cfg, WHATSAPP_TEMPLATES, e->type), rest = setting, name;
    if (event_is_message(e->type)) /* it goes to the destination it names, by no route */
        return why_set(why, ERR_MISSING, "a message goes to the destination it names");
    if (setting.len == 0 || !slice_cut(&rest, ' ', &name))
        return why_set(why, ERR_MISSING, "no template is set for such events");
    enum err rc = json_parse(e->data, arena, &data, why);
    if (rc != OK) return rc;
    slice order = json_text(json_at(data, SLICE("/order/number")));
    /* Two gateways may tell of one order: one message. */
    *key = arena_printf(arena, "%.*s:%.*s:%.*s", SLICE_ARG(e->type), SLICE_ARG(name),
                        SLICE_ARG(order.len > 0 ? order : e->id));
    return key->ptr ? OK : why_set(why, ERR_LIMIT, "no memory left for the delivery's key");
}

static struct verdict admit(const struct outgoing_delivery *d, const struct settings *cfg,
                            int64_t now_ms UNUSED, struct arena *arena)
{
    json *data = NULL, *message = NULL;
    struct why why = { .code = OK };
    if (d->outcome_unknown && !d->asked_again && !settings_bool(cfg, WHATSAPP_REPEAT_UNKNOWN))
        return verdict_of(VERDICT_DEAD, 0,
                          "outcome unknown: it may have arrived, so it is not repeated by itself");
    enum err rc = json_parse(d->event.data, arena, &data, &why);
    if (rc == OK) rc = message_of(&d->event, data, cfg, arena, &message, &why);
    if (rc == OK) rc = whatsapp_check(message, &why);
    if (rc != OK) return verdict_of(VERDICT_DEAD, 0, "cannot be sent: %.180s", why.text);
    if (is_marketing(message, cfg) &&
        slice_eq(json_text(json_at(data, SLICE("/contact/wa_marketing"))), SLICE("stop")))
        return verdict_of(VERDICT_DEAD, 0, "the person asked for no marketing");
    return (struct verdict){ .kind = VERDICT_DELIVERED };
}

/* ---- requests ---- */

enum err whatsapp_cloud_request(const char *method, const char *rest, slice body, slice type,
                                const struct settings *cfg, struct arena *arena,
                                struct outgoing *out, struct why *why)
{
    slice base = settings_text(cfg, WHATSAPP_BASE_URL);
    while (slice_ends(base, SLICE("/"))) base = slice_sub(base, 0, base.len - 1);
    slice url = arena_printf(arena, "%.*s/%.*s/%.*s%s", SLICE_ARG(base),
                             SLICE_ARG(settings_text(cfg, WHATSAPP_API_VERSION)),
                             SLICE_ARG(settings_text(cfg, WHATSAPP_PHONE_NUMBER_ID)), rest);
    slice bearer =
        arena_printf(arena, "Bearer %.*s", SLICE_ARG(settings_text(cfg, WHATSAPP_ACCESS_TOKEN)));
    if (!url.ptr || !bearer.ptr) return why_set(why, ERR_LIMIT, "no memory left for the request");
    *out = (struct outgoing){ .method = slice_str(method), .url = url, .body = body };
    outgoing_header(out, "Authorization", bearer, true);
    outgoing_header(out, "User-Agent", SLICE("Malote/" MALOTE_VERSION), false);
    if (type.len > 0) outgoing_header(out, "Content-Type", type, false);
    return OK;
}

static enum err render(struct outgoing_delivery *d, size_t count, const struct settings *cfg,
                       int64_t now_ms UNUSED, struct arena *arena, struct outgoing *out,
                       struct why *why)
{
    json *data = NULL, *message = NULL;
    CHECK(count == 1); /* the kind has no batch slot */
    enum err rc = json_parse(d->event.data, arena, &data, why);
    if (rc == OK) rc = message_of(&d->event, data, cfg, arena, &message, why);
    if (rc == OK) rc = whatsapp_check(message, why);
    if (rc != OK) return rc == ERR_LIMIT ? rc : ERR_SYNTAX;
    d->recipient = json_get_text(message, "to"); /* none of a read mark, which no limit is for */
    if (d->recipient.len == 0) d->recipient = json_get_text(message, "group");
    if (slice_starts(d->recipient, SLICE("+")))
        d->recipient = slice_sub(d->recipient, 1, d->recipient.len);
    if (whatsapp_file(message).len > 0 && d->file.len == 0) {
        d->needs_file = whatsapp_file(message);
        return ERR_BUSY;
    }
    slice body = whatsapp_body(message, d->id, d->file, arena);
    if (body.len == 0) return why_set(why, ERR_LIMIT, "no memory left for the request");
    d->part = body;
    return whatsapp_cloud_request("POST", "/messages", body, SLICE("application/json"), cfg, arena,
                                  out, why);
}

static enum err probe(const struct settings *cfg, int64_t now_ms UNUSED, uint64_t nonce UNUSED,
                      struct arena *arena, struct outgoing *out, struct why *why)
{
    return whatsapp_cloud_request(
        "GET",
        "?fields=display_phone_number,verified_name,quality_rating,platform_type,"
        "is_on_biz_app,throughput",
        (slice){ NULL, 0 }, (slice){ NULL, 0 }, cfg, arena, out, why);
}

const struct dest_kind dest_whatsapp_cloud = {
    .name = "whatsapp-cloud",
    .abi = DEST_ABI,
    .title = "WhatsApp Cloud API",
    .settings = settings,
    .setting_count = WHATSAPP_SETTING_COUNT,
    .rate_per_min = RATE_PER_MIN,
    .messages = &messages,
    .check = check,
    .delivery_key = delivery_key,
    .admit = admit,
    .render = render,
    .judge = whatsapp_judge,
    .probe = probe,
};
