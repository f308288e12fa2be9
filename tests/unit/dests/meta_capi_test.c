/* meta_capi_test.c: requests against goldens, keys, admission, settings and batches of the kind
 * "meta-capi". */
#include "dests/meta_capi.h"

#include "base/text.h"
#include "base/time.h"
#include "crypto/hash.h"
#include "dests/meta_params.h"
#include "test.h"

enum { ARENA_BYTES = 8 << 20 };

static const char *tests_dir;
static struct arena arena;

static int fresh_arena(void **state UNUSED)
{
    arena_init(&arena, ARENA_BYTES);
    return 0;
}

static int drop_arena(void **state UNUSED)
{
    arena_fail_nth(0);
    arena_free(&arena);
    return 0;
}

static struct settings settings_of(json *given, struct arena *a)
{
    struct settings cfg;
    struct why why = { .code = OK };
    if (settings_read(dest_meta_capi.settings, dest_meta_capi.setting_count, given, NULL, a, &cfg,
                      &why) != OK)
        fail_msg("%s", why.text);
    assert_int_equal(dest_meta_capi.check(&cfg, &why), OK);
    return cfg;
}

static struct settings settings_text_of(const char *text)
{
    json *given;
    assert_int_equal(json_parse(slice_str(text), &arena, &given, NULL), OK);
    return settings_of(given, &arena);
}

#define PLAIN "\"pixel_id\":\"1234567890\",\"access_token\":\"EAAtoken0123456789abcdefghij\""

static int64_t time_of(json *v)
{
    int64_t ms = 0;
    if (v) assert_int_equal(time_parse(json_str(v), &ms, NULL, NULL), OK);
    return ms;
}

/* A golden input: settings, now, key and event. */
struct given {
    struct settings cfg;
    int64_t now_ms;
    struct outgoing_delivery d;
};

static struct given given_of(const char *name, struct arena *a)
{
    char path[128];
    json *root;
    snprintf(path, sizeof path, "golden/meta/%s.event.json", name);
    assert_int_equal(json_parse(test_file(tests_dir, path, a), a, &root, NULL), OK);
    json *event = json_get(root, "event");
    struct given g = { .cfg = settings_of(json_get(root, "settings"), a),
                       .now_ms = time_of(json_get(root, "now")) };
    g.d.key = json_get_text(root, "key");
    g.d.event = (struct outgoing_event){
        .id = json_get_text(event, "id"),
        .type = json_get_text(event, "type"),
        .data = json_print(event, a),
        .occurred_ms = time_of(json_get(event, "occurred_at")),
        .received_ms = time_of(json_get(event, "received_at")),
    };
    return g;
}

static const char *const goldens[] = { "purchase",  "lead", "renewal", "whatsapp",
                                       "automatic", "app",  "all" };

static void requests_are_as_written(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        char path[128];
        snprintf(path, sizeof path, "golden/meta/%s.body.json", goldens[i]);
        struct given g = given_of(goldens[i], &arena);
        struct outgoing out;
        slice key;
        assert_int_equal(dest_meta_capi.delivery_key(&g.d.event, &g.cfg, &arena, &key, NULL), OK);
        assert_slice(key, g.d.key);
        struct verdict v = dest_meta_capi.admit(&g.d, &g.cfg, g.now_ms, &arena);
        if (v.kind != VERDICT_DELIVERED) fail_msg("%s: %s", goldens[i], v.reason);
        assert_int_equal(dest_meta_capi.render(&g.d, 1, &g.cfg, g.now_ms, &arena, &out, NULL), OK);
        if (getenv("MALOTE_GOLDEN_PRINT"))
            printf("%s\t%.*s\n", goldens[i], SLICE_ARG(out.body));
        else
            assert_slice(out.body, slice_trim(test_file(tests_dir, path, &arena)));
    }
}

static void request_keeps_its_secrets(void **state UNUSED)
{
    struct given g = given_of("lead", &arena);
    struct outgoing out;
    assert_int_equal(dest_meta_capi.render(&g.d, 1, &g.cfg, g.now_ms, &arena, &out, NULL), OK);
    assert_slice(out.url, SLICE("https://graph.facebook.com/v25.0/1234567890/events"));
    assert_slice(out.method, SLICE("POST"));
    for (size_t i = 0; i < out.header_count; i++) {
        bool token =
            slice_find_slice(out.headers[i].value, SLICE("EAAtest")) < out.headers[i].value.len;
        assert_int_equal(token, out.headers[i].secret);
    }
    static const char *const secrets[] = { "EAAtest", "s3cret", "appsecret_proof" };
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        assert_int_equal(slice_find_slice(g.d.part, slice_str(secrets[i])), g.d.part.len);
        assert_int_equal(slice_find_slice(out.url, slice_str(secrets[i])), out.url.len);
    }
    static const char *const people[] = { "ana@example.com", "Souza", "99999" };
    for (size_t i = 0; i < ARRAY_LEN(people); i++)
        assert_int_equal(slice_find_slice(out.body, slice_str(people[i])), out.body.len);
    slice token = SLICE("EAAtest");
    uint8_t mac[HASH_BYTES_MAX];
    char hex[2 * HASH_BYTES_MAX];
    slice proof =
        text_hex(slice_of(mac, hash_hmac(HASH_SHA256, SLICE("s3cret"), &token, 1, mac)), hex);
    assert_true(slice_find_slice(out.body, proof) < out.body.len);
}

/* Walks a value: nothing null or empty, but data_processing_options and extinfo. */
static void assert_nothing_empty(json *v, const char *name)
{
    json *child, *key;
    size_t i, max;
    if (strcmp(name, "data_processing_options") == 0 || strcmp(name, "extinfo") == 0) return;
    assert_false(yyjson_is_null(v));
    if (yyjson_is_str(v) || yyjson_is_ctn(v))
        assert_true(yyjson_is_str(v) ? yyjson_get_len(v) > 0 : unsafe_yyjson_get_len(v) > 0);
    yyjson_arr_foreach(v, i, max, child) assert_nothing_empty(child, "");
    yyjson_obj_foreach(v, i, max, key, child) assert_nothing_empty(child, yyjson_get_str(key));
}

static void the_list_has_86_parameters(void **state UNUSED)
{
    static const char *const places[META_PLACE_COUNT] = { "/data/0",
                                                          "/data/0/user_data",
                                                          "/data/0/custom_data",
                                                          "/data/0/custom_data/contents/0",
                                                          "/data/0/original_event_data",
                                                          "/data/0/app_data" };
    assert_int_equal(META_PARAM_COUNT, 86);
    json *root;
    slice body = test_file(tests_dir, "golden/meta/all.body.json", &arena);
    assert_int_equal(json_parse(body, &arena, &root, NULL), OK);
    for (size_t i = 0; i < META_PARAM_COUNT; i++) {
        const struct meta_param *p = &meta_params[i];
        assert_int_equal(p->number, i + 1);
        assert_ptr_equal(meta_params_find((enum meta_place)p->place, slice_str(p->name)), p);
        if (!json_get(json_at(root, slice_str(places[p->place])), p->name))
            fail_msg("parameter %zu %s is missing", i + 1, p->name);
    }
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        char path[128];
        snprintf(path, sizeof path, "golden/meta/%s.body.json", goldens[i]);
        assert_int_equal(json_parse(test_file(tests_dir, path, &arena), &arena, &root, NULL), OK);
        assert_nothing_empty(root, "");
    }
}

/* The vectors' lists: duplicates go after normalising, unusable members are dropped, order is
 * kept. */
static void lists_are_as_the_vectors(void **state UNUSED)
{
    json *golden, *list, *want;
    size_t i, max, j, wants;
    struct settings cfg = settings_text_of("{" PLAIN ",\"external_id_from\":\"external_id\"}");
    assert_int_equal(json_parse(test_file(tests_dir, "golden/meta/normalisation.json", &arena),
                                &arena, &golden, NULL),
                     OK);
    yyjson_arr_foreach(json_get(golden, "lists"), i, max, list)
    {
        slice field = json_get_text(list, "field"),
              input = json_print(json_get(list, "input"), &arena);
        struct outgoing_event e = { .id = SLICE("evt_1"),
                                    .type = SLICE("lead.created"),
                                    .occurred_ms = 1000 };
        e.data = arena_printf(&arena, "{\"custom\":{\"meta\":{\"%.*s\":%.*s}}}", SLICE_ARG(field),
                              SLICE_ARG(input));
        struct outgoing_delivery d = { .event = e, .key = SLICE("Lead:1") };
        struct outgoing out;
        json *root;
        assert_int_equal(dest_meta_capi.render(&d, 1, &cfg, 2000, &arena, &out, NULL), OK);
        assert_int_equal(json_parse(out.body, &arena, &root, NULL), OK);
        json *got = json_get_slice(json_at(root, SLICE("/data/0/user_data")), field);
        assert_int_equal(yyjson_arr_size(got), yyjson_arr_size(json_get(list, "sha256")));
        yyjson_arr_foreach(json_get(list, "sha256"), j, wants, want)
            assert_slice(json_str(yyjson_arr_get(got, j)), json_str(want));
    }
}

static struct outgoing_delivery delivery_of(const char *type, const char *data, const char *key)
{
    return (struct outgoing_delivery){
        .event = { .id = SLICE("evt_01h2xcejqtf2n"),
                   .type = slice_str(type),
                   .occurred_ms = 1000000000000,
                   .data = slice_str(data) },
        .key = slice_str(key),
    };
}

static void keys_come_from_the_order(void **state UNUSED)
{
    static const struct {
        const char *settings, *type, *data, *want;
    } cases[] = {
        { "", "order.paid", "{\"key\":\"a:1\",\"order\":{\"number\":\"o-1\"}}", "Purchase:o-1" },
        { "", "order.paid",
          "{\"key\":\"b:1\",\"order\":{\"number\":\"o-1\"},\"checkout\":{\"number\":\"c\"}}",
          "Purchase:o-1" },
        { "", "checkout.abandoned", "{\"checkout\":{\"number\":\"c-1\"}}", "Lead:c-1" },
        { "", "lead.created", "{\"key\":\"lead:9\"}", "Lead:lead:9" },
        { "", "lead.created", "{}", "Lead:evt_01h2xcejqtf2n" },
        { "", "lead.created", "{\"key\":\"ana@example.com\"}", "Lead:<digest>" },
        { "", "order.refunded", "{\"order\":{\"number\":\"o-1\"}}", "" },
        { ",\"map\":{\"order.paid\":\"\"}", "order.paid", "{\"order\":{\"number\":\"o-1\"}}", "" },
        { ",\"map\":{\"order.refunded\":\"Refund\"}", "order.refunded",
          "{\"order\":{\"number\":\"o-1\"}}", "Refund:o-1" },
        { ",\"map\":{\"order.refunded\":\"Refund\"}", "order.paid",
          "{\"order\":{\"number\":\"o-1\"}}", "Purchase:o-1" },
        { "", "order.paid", "{\"order\":{\"number\":\"o-1\"},\"contact\":{\"consent\":\"denied\"}}",
          "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct settings cfg =
            settings_text_of(arena_printf(&arena, "{" PLAIN "%s}", cases[i].settings).ptr);
        struct outgoing_delivery d = delivery_of(cases[i].type, cases[i].data, "");
        struct why why = { .code = OK };
        slice key, want = slice_str(cases[i].want);
        enum err rc = dest_meta_capi.delivery_key(&d.event, &cfg, &arena, &key, &why);
        assert_int_equal(rc, want.len ? OK : ERR_MISSING);
        if (slice_find_slice(d.event.data, SLICE("@")) < d.event.data.len) {
            assert_int_equal(key.len, 5 + HASH_SHA256_HEX); /* an address is never sent in clear */
            assert_int_equal(slice_find(key, '@'), key.len);
            continue;
        }
        assert_slice(key, want);
        assert_true(rc == OK || why.text[0]);
    }
    char text[600];
    memset(text, 'x', sizeof text);
    struct outgoing_delivery d = delivery_of("order.paid", "", "");
    d.event.data =
        arena_printf(&arena, "{\"order\":{\"number\":\"%.*s\"}}", (int)sizeof text, text);
    struct settings cfg = settings_text_of("{" PLAIN "}");
    slice key;
    assert_int_equal(dest_meta_capi.delivery_key(&d.event, &cfg, &arena, &key, NULL), OK);
    assert_true(key.len <= DELIVERY_KEY_MAX);
}

#define DAY INT64_C(86400000)
#define NOW (INT64_C(1000000000000) + DAY)
#define PERSON "\"contact\":{\"email\":\"ana@example.com\"}"
#define PAID "\"order\":{\"number\":\"o\",\"amount\":100,\"currency\":\"BRL\"}"

static void admission(void **state UNUSED)
{
    static const struct {
        const char *settings, *key, *data;
        int64_t now_ms, first_ms;
        bool unknown;
        const char *reason; /* NULL: admitted */
    } cases[] = {
        { "", "Purchase:o", "{" PERSON "," PAID "}", NOW, 0, false, NULL },
        { "", "Purchase:o", "{" PERSON ",\"order\":{\"number\":\"o\",\"currency\":\"BRL\"}}", NOW,
          0, false, "order without an amount: Meta must not be told a guessed value" },
        { "", "Purchase:o",
          "{" PERSON ",\"checkout\":{\"list_price\":5},\"order\":{\"currency\":\"BRL\"}}", NOW, 0,
          false, "order without an amount: Meta must not be told a guessed value" },
        { "", "Purchase:o", "{" PERSON ",\"order\":{\"amount\":-5,\"currency\":\"BRL\"}}", NOW, 0,
          false, "order with a negative amount: a Purchase has none" },
        { "", "Purchase:o", "{" PERSON ",\"order\":{\"amount\":5}}", NOW, 0, false,
          "order without a currency: Meta must not be told a guessed value" },
        { "", "Purchase:o", "{" PERSON ",\"order\":{\"amount\":0,\"currency\":\"BRL\"}}", NOW, 0,
          false, NULL },
        { "", "Lead:o", "{" PERSON "}", NOW, 0, false, NULL },
        { "", "Lead:o", "{" PERSON "}", NOW + 6 * DAY, 0, false, NULL },
        { "", "Lead:o", "{" PERSON "}", NOW + 6 * DAY + 1, 0, false,
          "older than 7 days: Meta would refuse it" },
        { ",\"action_source\":\"physical_store\"", "Lead:o", "{" PERSON "}", NOW + 61 * DAY, 0,
          false, NULL },
        { ",\"action_source\":\"physical_store\"", "Lead:o", "{" PERSON "}", NOW + 61 * DAY + 1, 0,
          false, "older than 62 days: Meta would refuse it" },
        { "", "Lead:o", "{" PERSON "}", NOW - 2 * DAY, 0, false,
          NULL }, /* of the future: clamped */
        { "", "Lead:o", "{" PERSON "}", NOW, NOW - 2 * DAY, true, NULL },
        { "", "Lead:o", "{" PERSON "}", NOW, NOW - 2 * DAY - 1, true,
          "outcome unknown for 48 h: repeating could count twice" },
        { "", "Lead:o", "{" PERSON "}", NOW, NOW - 2 * DAY - 1, false, NULL },
        { "", "Lead:o", "{}", NOW, 0, false,
          "nothing in it that identifies a person to Meta: it would refuse the event" },
        { "", "Lead:o", "{\"contact\":{\"email\":\"nonsense\"}}", NOW, 0, false,
          "nothing in it that identifies a person to Meta: it would refuse the event" },
        { "", "Lead:o", "{\"contact\":{\"first_name\":\"Ana\",\"gender\":\"f\"}}", NOW, 0, false,
          "nothing in it that identifies a person to Meta: it would refuse the event" },
        { "", "Lead:o",
          "{\"contact\":{\"city\":\"Recife\",\"state\":\"PE\",\"zip\":\"50000000\",\"country\":"
          "\"br\","
          "\"user_agent\":\"x\"}}",
          NOW, 0, false,
          "nothing in it that identifies a person to Meta: it would refuse the event" },
        { "", "Lead:o", "{\"contact\":{\"birth_date\":\"1990-01-31\",\"user_agent\":\"x\"}}", NOW,
          0, false, "nothing in it that identifies a person to Meta: it would refuse the event" },
        { "", "Lead:o", "{\"contact\":{\"first_name\":\"Ana\",\"last_name\":\"Souza\"}}", NOW, 0,
          false, NULL },
        { "", "Lead:o", "{\"contact\":{\"email\":\"ana@example.com\",\"consent\":\"denied\"}}", NOW,
          0, false, "the person has refused the use of data for advertising" },
        { "", "Lead:o", "nonsense", NOW, 0, false,
          "the event cannot be read: not JSON: unexpected character at byte 0" },
        { ",\"action_source\":\"business_messaging\"", "Lead:o", "{" PERSON "}", NOW, 0, false,
          "Meta knows no messaging event of this name" },
        { ",\"action_source\":\"business_messaging\"", "Purchase:o", "{" PERSON "," PAID "}", NOW,
          NOW - 1, true,
          "outcome unknown: Meta does not recognise repeated messaging events, repeating could "
          "count twice" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct settings cfg =
            settings_text_of(arena_printf(&arena, "{" PLAIN "%s}", cases[i].settings).ptr);
        struct outgoing_delivery d = delivery_of("x", cases[i].data, cases[i].key);
        d.first_attempt_ms = cases[i].first_ms;
        d.outcome_unknown = cases[i].unknown;
        struct verdict v = dest_meta_capi.admit(&d, &cfg, cases[i].now_ms, &arena);
        if (v.kind != (cases[i].reason ? VERDICT_DEAD : VERDICT_DELIVERED))
            fail_msg("case %zu: %s", i, v.reason);
        if (cases[i].reason && strncmp(cases[i].reason, "the event cannot", 16) != 0)
            assert_string_equal(v.reason, cases[i].reason);
    }
}

/* What Meta saw in a conversation is forwarded only where `map` asks for it, under a name that can be one; a Purchase with its worth. */
static void events_of_metas_own(void **state UNUSED)
{
#define AUTOMATIC "whatsapp.automatic_event"
#define OWN(more)                                                                                  \
    "{\"custom\":{\"ctwa_clid\":\"Af\",\"whatsapp_business_account_id\":\"7\",\"meta\":{\"action_" \
    "source\":\"business_messaging\"," more "}},\"key\":\"k\"}"
    static const struct {
        const char *map, *type, *data, *key, *fault; /* key NULL: no use for it */
    } cases[] = {
        { "{}", AUTOMATIC, OWN("\"event_name\":\"LeadSubmitted\""), NULL, NULL },
        { "{\"" AUTOMATIC "\":\"*\"}", AUTOMATIC, OWN("\"event_name\":\"LeadSubmitted\""),
          "LeadSubmitted:k", NULL },
        { "{\"" AUTOMATIC "\":\"*\"}", AUTOMATIC, OWN("\"event_name\":\"a:b\""), NULL, NULL },
        { "{\"" AUTOMATIC "\":\"*\"}", AUTOMATIC, OWN("\"event_name\":\"\""), NULL, NULL },
        { "{\"" AUTOMATIC "\":\"*\"}", AUTOMATIC, OWN("\"event_name\":7"), NULL, NULL },
        { "{\"" AUTOMATIC "\":\"Purchase\"}", AUTOMATIC, OWN("\"value\":-1,\"currency\":\"BRL\""),
          "Purchase:k", "a Purchase without value and currency" },
        { "{\"" AUTOMATIC "\":\"Purchase\"}", AUTOMATIC, OWN("\"value\":1"), "Purchase:k",
          "a Purchase without value and currency" },
        { "{\"" AUTOMATIC "\":\"Purchase\"}", AUTOMATIC, OWN("\"value\":1,\"currency\":\"BRL\""),
          "Purchase:k", NULL },
        { "{\"lead.created\":\"*\"}", "lead.created",
          OWN("\"event_name\":\"Purchase\",\"value\":1,\"currency\":\"BRL\""), "Purchase:k",
          "order without an amount: Meta must not be told a guessed value" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct settings cfg =
            settings_text_of(arena_printf(&arena, "{" PLAIN ",\"map\":%s}", cases[i].map).ptr);
        struct outgoing_delivery d =
            delivery_of(cases[i].type, cases[i].data, cases[i].key ? cases[i].key : "");
        slice key;
        d.event.occurred_ms = NOW - DAY;
        enum err rc = dest_meta_capi.delivery_key(&d.event, &cfg, &arena, &key, NULL);
        if (rc != (cases[i].key ? OK : ERR_MISSING)) fail_msg("case %zu: %d", i, (int)rc);
        if (rc != OK) continue;
        assert_slice(key, slice_str(cases[i].key));
        struct verdict v = dest_meta_capi.admit(&d, &cfg, NOW, &arena);
        assert_int_equal(v.kind, cases[i].fault ? VERDICT_DEAD : VERDICT_DELIVERED);
        if (cases[i].fault) assert_string_equal(v.reason, cases[i].fault);
    }
}

/* Which click a messaging event is credited to, if any. NOW - DAY is when it happened. */
static void clicks_on_ads(void **state UNUSED)
{
#define AT(day) "2001-09-" day "T01:46:40.000Z" /* it happened on the 9th */
#define CLICK(clid, at) "\"ctwa_clid\":\"" clid "\",\"ctwa_at\":\"" at "\",\"ctwa_account\":\"77\""
#define FIRST(clid, at) "\"ctwa_first_clid\":\"" clid "\",\"ctwa_first_at\":\"" at "\""
    static const struct {
        const char *source, *data, *want; /* NULL: no use for it */
    } cases[] = {
        { "business_messaging", "\"contact\":{" CLICK("AfLast", AT("05")) "}",
          "\"messaging_channel\":\"whatsapp\",\"user_data\":{\"ctwa_clid\":\"AfLast\","
          "\"whatsapp_business_account_id\":\"77\"}" },
        { "business_messaging", "\"contact\":{" CLICK("AfLast", AT("02")) "}",
          "\"ctwa_clid\":\"AfLast\"" }, /* seven days to the second */
        { "business_messaging", "\"contact\":{" CLICK("AfLast", "2001-09-02T01:46:39.999Z") "}",
          NULL },
        { "business_messaging", "\"contact\":{" CLICK("AfLast", AT("10")) "}", NULL },
        { "business_messaging",
          "\"contact\":{" CLICK("AfLast", AT("10")) "," FIRST("AfFirst", AT("08")) "}",
          "\"ctwa_clid\":\"AfFirst\"" },
        { "business_messaging",
          "\"contact\":{" CLICK("AfLast", AT("08")) "," FIRST("AfFirst", AT("07")) "}",
          "\"ctwa_clid\":\"AfLast\"" },
        { "business_messaging",
          "\"contact\":{" CLICK("AfLast", AT("08")) "},\"custom\":{\"ctwa_clid\":\"AfOwn\","
                                                    "\"whatsapp_business_account_id\":\"88\"}",
          "{\"ctwa_clid\":\"AfOwn\",\"whatsapp_business_account_id\":\"88\"}" },
        { "business_messaging",
          "\"contact\":{" CLICK("AfLast", AT("08")) "},\"custom\":{"
                                                    "\"whatsapp_business_account_id\":\"88\"}",
          "{\"ctwa_clid\":\"AfLast\",\"whatsapp_business_account_id\":\"77\"}" },
        { "business_messaging", PERSON, NULL },
        { "business_messaging", PERSON ",\"custom\":{\"messaging_channel\":\"whatsapp\"}", NULL },
        { "business_messaging",
          PERSON ",\"custom\":{\"messaging_channel\":\"messenger\",\"page_id\":\"5\"}",
          "\"messaging_channel\":\"messenger\"" },
        { "system_generated",
          "\"contact\":{\"email\":\"a@example.com\"," CLICK("AfLast", AT("08")) "}",
          "\"action_source\":\"system_generated\",\"user_data\":{\"em\":" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct settings cfg = settings_text_of(
            arena_printf(&arena, "{" PLAIN ",\"action_source\":\"%s\"}", cases[i].source).ptr);
        slice data = arena_printf(&arena, "{" PAID ",%s}", cases[i].data), key;
        struct outgoing_delivery d = delivery_of("order.paid", data.ptr, "Purchase:o");
        struct outgoing out;
        d.event.occurred_ms = NOW - DAY;
        enum err rc = dest_meta_capi.delivery_key(&d.event, &cfg, &arena, &key, NULL);
        assert_int_equal(rc, cases[i].want ? OK : ERR_MISSING);
        if (rc != OK) continue;
        struct verdict v = dest_meta_capi.admit(&d, &cfg, NOW, &arena);
        if (v.kind != VERDICT_DELIVERED) fail_msg("case %zu: %s", i, v.reason);
        assert_int_equal(dest_meta_capi.render(&d, 1, &cfg, NOW, &arena, &out, NULL), OK);
        if (slice_find_slice(out.body, slice_str(cases[i].want)) == out.body.len)
            fail_msg("case %zu: %.*s", i, SLICE_ARG(out.body));
        if (slice_eq(slice_str(cases[i].source), SLICE("system_generated")))
            assert_int_equal(slice_find_slice(out.body, SLICE("ctwa")), out.body.len);
    }
}

static void times_are_whole_seconds_and_never_of_the_future(void **state UNUSED)
{
    struct settings cfg = settings_text_of("{" PLAIN "}");
    struct outgoing_delivery d = delivery_of("lead.created", "{" PERSON "}", "Lead:1");
    struct outgoing out;
    assert_int_equal(dest_meta_capi.render(&d, 1, &cfg, 999999999999, &arena, &out, NULL), OK);
    assert_true(slice_find_slice(out.body, SLICE("\"event_time\":999999999,")) < out.body.len);
}

static void batches(void **state UNUSED)
{
    enum { COUNT = 1000 };
    struct settings cfg = settings_text_of("{" PLAIN ",\"batch_size\":1000,\"linger_ms\":5}");
    struct outgoing_delivery *d = arena_new(&arena, struct outgoing_delivery, COUNT);
    struct outgoing out, again;
    size_t max;
    int64_t linger_ms;
    dest_meta_capi.batch(&cfg, &max, &linger_ms);
    assert_int_equal(max, COUNT);
    assert_int_equal(linger_ms, 5);
    for (size_t i = 0; i < COUNT; i++) {
        d[i] = delivery_of("order.paid", "{" PERSON "," PAID "}", "");
        d[i].key = arena_printf(&arena, "Purchase:%zu", i);
    }
    assert_int_equal(dest_meta_capi.render(d, COUNT, &cfg, NOW, &arena, &out, NULL), OK);
    for (size_t i = 0; i < COUNT; i++) {
        json *part;
        assert_true(d[i].part.ptr > out.body.ptr &&
                    d[i].part.ptr + d[i].part.len < out.body.ptr + out.body.len);
        assert_int_equal(json_parse(d[i].part, &arena, &part, NULL), OK);
        assert_slice(json_get_text(part, "event_id"), d[i].key);
    }
    assert_int_equal(dest_meta_capi.render(d, COUNT, &cfg, NOW, &arena, &again, NULL), OK);
    assert_slice(again.body, out.body);
}

static void full_arena_is_a_limit(void **state UNUSED)
{
    struct given g = given_of("all", &arena);
    struct outgoing out;
    struct arena small;
    arena_init(&small, ARENA_BYTES);
    enum err rc = ERR_LIMIT;
    uint64_t nth = 1;
    for (; rc != OK && nth < 5000; nth++) {
        arena_reset(&small);
        arena_fail_nth(nth);
        rc = dest_meta_capi.render(&g.d, 1, &g.cfg, g.now_ms, &small, &out, NULL);
        assert_true(rc == OK || rc == ERR_LIMIT);
    }
    arena_fail_nth(0);
    assert_int_equal(rc, OK);
    assert_true(nth > 20);
    assert_slice(out.body, slice_trim(test_file(tests_dir, "golden/meta/all.body.json", &arena)));
    for (uint64_t i = 1; i < nth; i++) { /* the same for admission: never a wrong "dead" */
        arena_reset(&small);
        arena_fail_nth(i);
        struct verdict v = dest_meta_capi.admit(&g.d, &g.cfg, g.now_ms, &small);
        assert_int_equal(v.kind, VERDICT_DELIVERED);
    }
    arena_fail_nth(0);
    arena_free(&small);
}

static void bad_settings(void **state UNUSED)
{
    static const char *const cases[] = {
        "{\"access_token\":\"x\"}",
        "{\"pixel_id\":\"1\"}",
        "{\"pixel_id\":\"12a\",\"access_token\":\"x\"}",
        "{\"pixel_id\":\"1\",\"access_token\":\"a\\r\\nb\"}",
        "{" PLAIN ",\"api_version\":\"25\"}",
        "{" PLAIN ",\"base_url\":\"https://x/?y\"}",
        "{" PLAIN ",\"map\":{\"order.paid\":\"a b\"}}",
        "{" PLAIN ",\"map\":{\"order.paid\":\"a:b\"}}",
        "{" PLAIN ",\"data_processing_options\":[\"XX\"]}",
        "{" PLAIN ",\"batch_size\":1001}",
        "{" PLAIN ",\"action_source\":\"web\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json *given;
        struct settings cfg;
        struct why why = { .code = OK };
        assert_int_equal(json_parse(slice_str(cases[i]), &arena, &given, NULL), OK);
        enum err rc = settings_read(dest_meta_capi.settings, dest_meta_capi.setting_count, given,
                                    NULL, &arena, &cfg, &why);
        if (rc == OK) rc = dest_meta_capi.check(&cfg, &why);
        if (rc != ERR_SYNTAX) fail_msg("taken: %s", cases[i]);
    }
}

static void probes(void **state UNUSED)
{
    struct outgoing out;
    struct settings plain = settings_text_of("{" PLAIN "}"),
                    test = settings_text_of("{" PLAIN ",\"test_event_code\":\"TEST1\"}");
    assert_int_equal(dest_meta_capi.probe(&plain, NOW, 7, &arena, &out, NULL), OK);
    assert_slice(out.method, SLICE("GET"));
    assert_slice(out.url, SLICE("https://graph.facebook.com/v25.0/1234567890?fields=id,name"));
    assert_int_equal(out.body.len, 0);
    assert_int_equal(dest_meta_capi.probe(&test, NOW, 7, &arena, &out, NULL), OK);
    assert_slice(out.method, SLICE("POST"));
    assert_true(slice_find_slice(out.body, SLICE("\"test_event_code\":\"TEST1\"")) < out.body.len);
    assert_true(slice_find_slice(out.body, SLICE("malote.probe:0000000000000007")) < out.body.len);
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh_arena, drop_arena)
    const struct CMUnitTest tests[] = {
        TEST(requests_are_as_written),
        TEST(request_keeps_its_secrets),
        TEST(the_list_has_86_parameters),
        TEST(lists_are_as_the_vectors),
        TEST(keys_come_from_the_order),
        TEST(admission),
        TEST(events_of_metas_own),
        TEST(clicks_on_ads),
        TEST(times_are_whole_seconds_and_never_of_the_future),
        TEST(batches),
        TEST(full_arena_is_a_limit),
        TEST(bad_settings),
        TEST(probes),
    };
    tests_dir = argc > 1 ? argv[1] : "tests";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
