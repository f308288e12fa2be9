/* whatsapp_cloud.c: WhatsApp through Meta's Cloud API. Facts, what to click, what is not verified: docs/sources/whatsapp-cloud.md.
 *
 * Way: one body -> every entry, change and item an event of its own -> (whatsapp_message.c, whatsapp_other.c) record changes.
 * Why so: Meta repeats the whole body, for days, when the answer is not 200, and to every app that listens; so nothing here is an
 * error that one item could cause for the others, and each item has a key of its own. Bodies are signed as they are sent
 * (escaped), so the proof is over the bytes. */
#include "base/text.h"
#include "crypto/hash.h"
#include "sources/whatsapp.h"
#include "verify/scheme.h"

static const struct setting settings[] = {
    [WA_APP_SECRET] = { .name = "app_secret",
                        .type = SETTING_LIST,
                        .secret = true,
                        .max = 256,
                        .help = "Secret of the Meta app, which signs; two while it is changed. "
                                "Required, unless the source only takes what others hand it "
                                "(`accept_from`)." },
    [WA_VERIFY_TOKEN] = { .name = "verify_token",
                          .type = SETTING_TEXT,
                          .secret = true,
                          .max = 256,
                          .help = "What you type beside the URL at Meta; without it Meta's "
                                  "verification is refused." },
    [WA_NUMBERS] = { .name = "numbers",
                     .type = SETTING_LIST,
                     .max = CLEAN_ID_MAX,
                     .help = "Ids (phone_number_id) of the numbers that belong here; what is of "
                             "others is kept as failed events, unless `accounts` says whose it is. "
                             "Empty, and `accounts` too: every number." },
    [WA_TICKET_REOPEN] = { .name = "ticket_reopen_hours",
                           .type = SETTING_INT,
                           .fallback = "0",
                           .min = 0,
                           .max = 8760,
                           .help = "A message within so many hours after a ticket was closed "
                                   "opens that one again; 0 = always a new one." },
    [WA_ACCESS_TOKEN] = { .name = "access_token",
                          .type = SETTING_TEXT,
                          .secret = true,
                          .max = 1024,
                          .help = "Token of a system user, to fetch the files of messages." },
    [WA_BASE_URL] = { .name = "base_url",
                      .type = SETTING_URL,
                      .fallback = "https://graph.facebook.com",
                      .help = "Where the Graph API is." },
    [WA_API_VERSION] = { .name = "api_version",
                         .type = SETTING_TEXT,
                         .fallback = "v25.0",
                         .max = 8,
                         .help = "Version of the Graph API, such as v25.0." },
    [WA_STOP_WORDS] = { .name = "stop_words",
                        .type = SETTING_LIST,
                        .fallback = "[\"PARAR\",\"PARE\",\"SAIR\",\"STOP\",\"UNSUBSCRIBE\","
                                    "\"DESCADASTRAR\",\"DESCADASTRE\",\"CANCELAR INSCRICAO\","
                                    "\"NAO QUERO RECEBER\",\"NAO QUERO MAIS RECEBER\","
                                    "\"PARAR PROMOCOES\",\"STOP PROMOTIONS\"]",
                        .max = 100,
                        .help = "A message or button that says one of them, and nothing else, asks "
                                "for no marketing; case, accents and punctuation do not matter." },
    [WA_RESUME_WORDS] = { .name = "resume_words",
                          .type = SETTING_LIST,
                          .fallback = "[\"VOLTAR A RECEBER\",\"QUERO RECEBER\",\"START\","
                                      "\"RECADASTRAR\"]",
                          .max = 100,
                          .help = "The same for words that allow marketing again." },
    [WA_ACCOUNTS] = { .name = "accounts",
                      .type = SETTING_MAP,
                      .max = CLEAN_ID_MAX,
                      .help =
                          "Numbers of the same app that other sources have: phone_number_id, or "
                          "the id of a whole business account, to \"workspace/source\". That "
                          "source must name this one in its `accept_from`." },
};
_Static_assert(ARRAY_LEN(settings) == WA_SETTING_COUNT, "every setting is in the table");

static struct scheme scheme_of(const struct settings *cfg)
{
    const struct setting_value *secrets = settings_get(cfg, WA_APP_SECRET);
    return (struct scheme){ .kind = SCHEME_META,
                            .secrets = secrets->items,
                            .secret_count = secrets->count };
}

/* Whose numbers: a mistake here would turn every message into a failed event. */
static enum err check_numbers(const struct settings *cfg, struct why *why)
{
    const struct setting_value *numbers = settings_get(cfg, WA_NUMBERS),
                               *accounts = settings_get(cfg, WA_ACCOUNTS);
    for (size_t i = 0; i < numbers->count; i++)
        if (!text_is_digits(numbers->items[i].value))
            return why_set(why, ERR_SYNTAX,
                           "setting `numbers`: digits only; each is an id (phone_number_id), not "
                           "the number");
    for (size_t i = 0; i < accounts->count; i++) {
        slice source = accounts->items[i].value, workspace = { NULL, 0 };
        if (!text_is_digits(accounts->items[i].name))
            return why_set(why, ERR_SYNTAX,
                           "setting `accounts`: digits only before the colon; it is an id, not "
                           "the number");
        if (!slice_cut(&source, '/', &workspace) || workspace.len == 0 || source.len == 0 ||
            slice_find(source, '/') < source.len)
            return why_set(why, ERR_SYNTAX, "setting `accounts`: write workspace/source");
        for (size_t j = 0; j < numbers->count; j++)
            if (slice_eq(accounts->items[i].name, numbers->items[j].value))
                return why_set(why, ERR_SYNTAX,
                               "setting `accounts`: a number of `numbers` is in it, too");
    }
    return OK;
}

static enum err check(const struct settings *cfg, struct why *why)
{
    const struct scheme scheme = scheme_of(cfg);
    const struct setting_value *accepts = settings_named(cfg, "accept_from");
    bool only_handed = accepts && accepts->count > 0 && scheme.secret_count == 0;
    if (scheme.secret_count == 0 && !only_handed)
        return why_set(why, ERR_SYNTAX, "setting `app_secret`: required");
    if (scheme.secret_count > WA_SECRETS_MAX)
        return why_set(why, ERR_SYNTAX, "setting `app_secret`: at most %d", WA_SECRETS_MAX);
    slice version = settings_text(cfg, WA_API_VERSION);
    if (version.len < 2 || version.ptr[0] != 'v')
        return why_set(why, ERR_SYNTAX, "setting `api_version`: must look like v25.0");
    for (size_t i = 1; i < version.len; i++)
        if (version.ptr[i] != '.' && (version.ptr[i] < '0' || version.ptr[i] > '9'))
            return why_set(why, ERR_SYNTAX, "setting `api_version`: must look like v25.0");
    enum err rc = whatsapp_stop_check(cfg, why);
    return rc == OK && !only_handed ? scheme_check(&scheme, why) : rc;
}

static enum err verify(struct request *r, const struct settings *cfg, int64_t now_ms,
                       struct arena *arena, struct why *why)
{
    const struct scheme scheme = scheme_of(cfg);
    if (scheme.secret_count == 0) return why_set(why, ERR_DENIED, "no_secret_configured");
    return scheme_verify(&scheme, r, now_ms, arena, why);
}

/* One parameter, decoded; .ptr NULL when it is missing or there are several. */
static slice parameter(slice query, slice name, struct arena *arena)
{
    size_t count = 0;
    slice value = text_query_get(query, name, &count);
    return count == 1 ? text_url_decode(value, arena) : (slice){ NULL, 0 };
}

static enum err handshake(struct request *r, const struct settings *cfg, struct arena *arena,
                          slice *answer, struct why *why)
{
    slice mode = parameter(r->query, SLICE("hub.mode"), arena),
          token = parameter(r->query, SLICE("hub.verify_token"), arena),
          challenge = parameter(r->query, SLICE("hub.challenge"), arena),
          want = settings_text(cfg, WA_VERIFY_TOKEN);
    bool same = hash_equal(token, want); /* before anything is decided: it takes its time always */
    /* First what has nothing to do with the token: the answer is the same whatever it is. */
    if (!slice_eq(mode, SLICE("subscribe")))
        return why_set(why, ERR_SYNTAX, "`hub.mode` must be subscribe, once");
    if (challenge.len == 0 || challenge.len > WA_CHALLENGE_MAX)
        return why_set(why, ERR_SYNTAX, "`hub.challenge` must be there once, of 1 to %d bytes",
                       WA_CHALLENGE_MAX);
    if (want.len == 0) return why_set(why, ERR_DENIED, "no_token_configured");
    if (!same) return why_set(why, ERR_DENIED, "wrong_token");
    *answer = challenge;
    return OK;
}

/* ---- split ---- */

struct splitter {
    struct cleaner cl;
    const struct settings *cfg;
    struct event_list *out;
    int64_t received_ms;
    bool many; /* more events than one request may hold */
};

/* Hash of a JSON value, for what has no id of its own. */
static slice digest(struct splitter *s, json *v)
{
    slice text = json_print(v, s->cl.arena);
    char *hex = arena_raw(s->cl.arena, HASH_SHA256_HEX);
    if (!hex || !text.ptr) {
        s->cl.full = true;
        return (slice){ NULL, 0 };
    }
    return hash_sha256_hex(text, hex);
}

/* The key that makes the item one, however often Meta tells it. */
static slice key_of(struct splitter *s, const struct whatsapp_place *p)
{
    slice id = clean_value(&s->cl, json_get(p->item, "id")),
          at = clean_id(&s->cl, json_get(p->item, "timestamp"));
    slice parts[4] = { id };
    size_t n = 1;
    bool named = yyjson_is_obj(p->item) && id.len > 0;
    if (named && p->part == WA_STATUS) {
        slice who = whatsapp_participant(&s->cl, p->item);
        parts[n++] = clean_id(&s->cl, json_get(p->item, "status"));
        parts[n++] = at;
        if (who.len > 0) parts[n++] = who;
    } else if (named && p->part == WA_ECHO) {
        parts[0] = SLICE("echo");
        parts[n++] = id;
    } else if (named && p->part == WA_HISTORY) {
        /* A file's message comes twice: first without, then with it. And what is history here may be news elsewhere. */
        parts[0] = p->thread ? SLICE("history") : SLICE("history_file");
        parts[n++] = id;
    } else if (p->part >= WA_ERRORS) {
        /* The same may happen again later: the entry's time tells. */
        /* Another's change that turns out to be ours comes anew: it must not look known. */
        parts[0] = p->part == WA_ERRORS  ? SLICE("errors")
                   : p->part == WA_OTHER ? SLICE("other")
                                         : SLICE("change");
        parts[n++] = clean_id(&s->cl, json_get(p->entry, "id"));
        parts[n++] = clean_id(&s->cl, json_get(p->entry, "time"));
        parts[n++] = digest(s, p->change ? p->change : p->item);
    } else if (p->part == WA_CHUNK) {
        parts[0] = SLICE("chunk");
        parts[n++] = digest(s, p->item);
    } else if (!named || p->part != WA_MESSAGE) {
        parts[0] = SLICE("item");
        parts[n++] = digest(s, p->item);
    }
    return event_key(s->cl.arena, parts, n);
}

/* The word of Meta's that names the event best. */
static slice name_of(struct splitter *s, const struct whatsapp_place *p)
{
    static const char *const words[] = { "status", "action", "value", "event_name", "type" };
    slice system = clean_id(&s->cl, json_get(json_get(p->item, "system"), "type"));
    if (system.len > 0) return text_utf8_cut(system, EVENT_TYPE_MAX);
    for (size_t i = 0; p->part < WA_OTHER && i < ARRAY_LEN(words); i++) {
        slice word = clean_id(&s->cl, json_get(p->item, words[i]));
        if (word.len > 0) return text_utf8_cut(word, EVENT_TYPE_MAX);
    }
    slice event = clean_id(&s->cl, json_get(p->value, "event"));
    if (event.len == 0) event = clean_id(&s->cl, json_get(p->change, "field"));
    return text_utf8_cut(event, EVENT_TYPE_MAX);
}

static void add(struct splitter *s, const struct whatsapp_place *p, slice locator)
{
    struct event *e = locator.ptr ? event_list_add(s->out, s->cl.arena) : NULL;
    if (!e) {
        s->many = s->many || s->out->count == EVENTS_PER_REQUEST_MAX;
        s->cl.full = true;
        return;
    }
    e->locator = locator;
    e->name = name_of(s, p);
    e->key = key_of(s, p);
    e->type = whatsapp_event_type(p, &s->cl);
    e->occurred_ms = whatsapp_time(p->item);
    if (e->occurred_ms == 0) e->occurred_ms = clean_time(json_get(p->entry, "time"));
    if (whatsapp_is_early(e->occurred_ms, s->received_ms)) e->occurred_ms = s->received_ms;
    if (!e->key.ptr || !e->type.ptr) s->cl.full = true;
}

/* Every item of value[array]; how many there were. */
static size_t add_items(struct splitter *s, const struct whatsapp_place *at, slice base,
                        const char *array, enum whatsapp_part part)
{
    size_t index, max;
    json *item, *list = json_get(at->value, array);
    bool old = slice_eq(json_get_text(at->change, "field"), SLICE("history"));
    yyjson_arr_foreach(list, index, max, item)
    {
        struct whatsapp_place p = *at;
        p.part = old && part <= WA_ECHO ? WA_HISTORY : part;
        p.echo = part == WA_ECHO;
        p.item = item;
        add(s, &p, arena_printf(s->cl.arena, "%.*s/value/%s/%zu", SLICE_ARG(base), array, index));
        if (s->cl.full) break;
    }
    return yyjson_arr_size(list);
}

/* Chunks of the history: each tells how far it has come, and each of its messages is an event. */
static size_t add_history(struct splitter *s, const struct whatsapp_place *at, slice base)
{
    size_t h, hs, t, ts, m, ms;
    json *chunk, *thread, *message, *list = json_get(at->value, "history");
    yyjson_arr_foreach(list, h, hs, chunk)
    {
        struct whatsapp_place p = *at;
        p.part = WA_CHUNK;
        p.item = chunk;
        slice here = arena_printf(s->cl.arena, "%.*s/value/history/%zu", SLICE_ARG(base), h);
        add(s, &p, here);
        p.part = WA_HISTORY;
        json *threads = json_get(chunk, "threads");
        yyjson_arr_foreach(threads, t, ts, thread)
        {
            json *messages = json_get(thread, "messages");
            p.thread = thread;
            yyjson_arr_foreach(messages, m, ms, message)
            {
                p.item = message;
                add(s, &p,
                    arena_printf(s->cl.arena, "%.*s/threads/%zu/messages/%zu", SLICE_ARG(here), t,
                                 m));
                if (s->cl.full) return hs;
            }
        }
    }
    return yyjson_arr_size(list);
}

static void add_change(struct splitter *s, struct whatsapp_place *at, slice base)
{
    static const struct {
        const char *array;
        enum whatsapp_part part;
    } arrays[] = {
        { "messages", WA_MESSAGE },
        { "message_echoes", WA_ECHO },
        { "statuses", WA_STATUS },
        { "state_sync", WA_SYNC },
        { "user_preferences", WA_PREFERENCE },
        { "automatic_events", WA_AUTOMATIC },
    };
    size_t found = 0;
    slice account, to;
    at->value = json_get(at->change, "value");
    if (whatsapp_home(at, s->cfg, &account, &to) != WA_OURS) {
        struct whatsapp_place whole =
            *at; /* one event: what it says, and of whom, is not for here */
        whole.part = WA_OTHER;
        whole.item = at->change;
        add(s, &whole, base);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(arrays) && !s->cl.full; i++)
        found += add_items(s, at, base, arrays[i].array, arrays[i].part);
    found += add_history(s, at, base);
    struct whatsapp_place p = *at;
    if (yyjson_arr_size(json_get(at->value, "errors")) > 0) {
        p.part = WA_ERRORS;
        p.item = json_get(at->value, "errors");
        add(s, &p, arena_printf(s->cl.arena, "%.*s/value/errors", SLICE_ARG(base)));
        found++;
    }
    if (found > 0) return;
    p.part = WA_WHOLE;
    p.item = at->change;
    add(s, &p, base);
}

static enum err split(struct request *r, const struct settings *cfg, struct arena *arena,
                      struct event_list *out, struct why *why)
{
    struct splitter s = {
        .cl = { .arena = arena }, .cfg = cfg, .out = out, .received_ms = r->received_ms
    };
    struct whatsapp_place at = { .part = WA_WHOLE };
    size_t e, es, c, cs;
    json *root = NULL;
    enum err rc = request_json(r, arena, &root, why);
    if (rc != OK) return rc;
    json *entries = json_get(root, "entry");
    if (!yyjson_is_obj(root)) return why_set(why, ERR_SYNTAX, "the body is no JSON object");
    if (!yyjson_is_arr(entries)) { /* a value without its envelope; or no webhook of this kind */
        at.item = root;
        add(&s, &at, SLICE(""));
    }
    yyjson_arr_foreach(entries, e, es, at.entry)
    {
        json *changes = json_get(at.entry, "changes");
        if (!yyjson_is_arr(changes)) { /* another product's, perhaps */
            at = (struct whatsapp_place){ .part = WA_WHOLE, .entry = at.entry, .item = at.entry };
            add(&s, &at, arena_printf(arena, "/entry/%zu", e));
        }
        yyjson_arr_foreach(changes, c, cs, at.change)
            add_change(&s, &at, arena_printf(arena, "/entry/%zu/changes/%zu", e, c));
    }
    if (s.many)
        return why_set(why, ERR_LIMIT, "more than %d events in one request",
                       EVENTS_PER_REQUEST_MAX);
    s.cl.full = s.cl.full || arena->full;
    return clean_end(&s.cl, why);
}

/* ---- interpret ---- */

/* The same change for the other sources that numbers of the account belong to. */
static void share(const struct whatsapp_place *p, const struct handover *part, struct cleaner *cl,
                  struct changes *out)
{
    struct handover *all = arena_new(cl->arena, struct handover, 1);
    struct own_share *s = arena_new(cl->arena, struct own_share, 1);
    if (!all || !s) {
        cl->full = true;
        return;
    }
    *all = *part;
    all->to = (slice){ NULL, 0 };
    *s = (struct own_share){ whatsapp_account_named(p, cl), all };
    out->share = s;
}

/* For other sources: what is theirs, or what is told of an account of which they may have numbers. */
static void read_part(const struct whatsapp_place *p, json *root, const struct event *e,
                      const struct settings *cfg, struct cleaner *cl, struct changes *out)
{
    slice account, to;
    enum whatsapp_home home = whatsapp_home(p, cfg, &account, &to);
    /* One that was kept whole, and is ours by now, comes in anew: then its parts are events of their own. */
    bool anew = home == WA_OURS && slice_eq(e->type, WA_OTHER_TYPE);
    if (anew) out->hold = NULL;
    bool told = out->hold || out->own_state || out->template_word || out->notice;
    bool shared = told && !anew && p->part == WA_WHOLE && settings_get(cfg, WA_ACCOUNTS)->count > 0;
    if (home == WA_OURS && !anew && !shared) return;
    struct handover *part = whatsapp_home_part(p, root, account, to, e->locator, cl);
    if (!part) return;
    part->own = anew;
    if (shared) share(p, part, cl, out);
    if (home == WA_OURS && !anew) return;
    out->hand_over = part;
    out->own_state = NULL; /* that is for whom it is handed to */
    out->template_word = NULL;
    out->notice = NULL;
}

static enum err interpret(struct request *r, const struct event *e, const struct settings *cfg,
                          struct arena *arena, struct changes *out, struct why *why)
{
    struct cleaner cl = { .arena = arena };
    struct whatsapp_place p;
    json *root = NULL;
    *out = (struct changes){ 0 };
    enum err rc = request_json(r, arena, &root, why);
    if (rc == OK) rc = whatsapp_locate(root, e->locator, &p, why);
    if (rc != OK) return rc;
    if (!p.value && slice_eq(e->type, WA_OTHER_TYPE))
        return why_set(why, ERR_SYNTAX, "its part of the body was erased");
    out->own_number = whatsapp_account_number(&p, &cl);
    if (p.part == WA_WHOLE) out->hold = whatsapp_account_hold(&p, &cl);
    whatsapp_own_read(&p, &cl, out);
    read_part(&p, root, e, cfg, &cl, out);
    if (out->hand_over || cl.full) return clean_end(&cl, why);
    switch (yyjson_is_obj(p.item) ? p.part : WA_WHOLE) {
    case WA_MESSAGE:
    case WA_ECHO:
    case WA_HISTORY: rc = whatsapp_read_message(&p, r, e, cfg, &cl, out, why); break;
    case WA_STATUS: rc = whatsapp_read_status(&p, r, e, &cl, out, why); break;
    default: rc = whatsapp_read_other(&p, &cl, out, why); break;
    }
    cl.full = cl.full || arena->full; /* whatever was refused, the event lacks it */
    return rc == OK || cl.full ? clean_end(&cl, why) : rc;
}

const struct source_kind source_whatsapp_cloud = {
    .name = "whatsapp-cloud",
    .abi = SOURCE_ABI,
    .title = "WhatsApp Cloud API",
    .settings = settings,
    .setting_count = ARRAY_LEN(settings),
    .overload = OVERLOAD_REFUSE,
    .body_max = 4 * 1024 * 1024, /* Meta sends up to 3 MB */
    .rank = ORIGIN_PLATFORM,
    .check = check,
    .check_given = check_numbers,
    .verify = verify,
    .split = split,
    .interpret = interpret,
    .handshake = handshake,
    .sample = whatsapp_sample,
    .media = &whatsapp_media_slot,
};
