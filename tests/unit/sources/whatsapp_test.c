/* whatsapp_test.c: what the golden payloads leave out: proofs, the handshake, odd values everywhere, limits, keys, and
 * shapes of tomorrow. */
#include "test.h"

#include "whatsapp_run.h"

static const char *tests_dir;

/* ---- proof ---- */

static void signatures(void **state UNUSED)
{
    struct arena a;
    json *root = NULL, *v;
    size_t index, max;
    arena_init(&a, 1 << 22);
    slice text = test_file(tests_dir, "golden/whatsapp-signature/vectors.json", &a);
    assert_int_equal(json_parse(text, &a, &root, NULL), OK);
    yyjson_arr_foreach(json_get(root, "vectors"), index, max, v)
    {
        struct why why = { 0 };
        json *valid = json_get(v, "valid");
        slice header = json_get_text(v, "header"), body = test_exact(json_get_text(v, "body"));
        struct header h = { SLICE("X-Hub-Signature-256"), header };
        struct request r = { .headers = &h, .header_count = header.len > 0, .body = body };
        /* While it is changed: the right one may be the first or the second. */
        slice secret = json_get_text(v, "secret");
        slice both = arena_printf(&a, "{\"app_secret\":[\"another\",\"%.*s\"]}", SLICE_ARG(secret));
        struct settings cfg = kind_settings(kind, both.ptr, &a);
        enum err rc = kind->verify(&r, &cfg, 1773144000000, &a, &why);
        if (yyjson_is_bool(valid) && (rc == OK) != yyjson_get_bool(valid))
            fail_msg("%.*s: %s", SLICE_ARG(json_get_text(v, "id")), why.text);
        if (rc != OK) assert_int_equal(rc, ERR_DENIED);
        free((void *)(uintptr_t)body.ptr);
    }
    assert_true(max >= 11);
    arena_free(&a);
}

static void settings_are_checked(void **state UNUSED)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        { "{\"app_secret\":\"a\"}", true },
        { "{\"app_secret\":[\"a\",\"b\"]}", true },
        { "{\"app_secret\":[\"a\",\"b\",\"c\"]}", false },
        { "{\"app_secret\":\"\"}", false },
        { "{\"app_secret\":\"a\",\"api_version\":\"25\"}", false },
        { "{\"app_secret\":\"a\",\"api_version\":\"v25.0/x\"}", false },
        { "{\"app_secret\":\"a\",\"ticket_reopen_hours\":24}", true },
        { "{\"app_secret\":\"a\",\"verify_token\":\"\"}", false },
        { "{\"app_secret\":\"a\",\"access_token\":\" \"}", false },
        { "{\"app_secret\":\"a\",\"numbers\":[\"106540352242922\",\"7\"]}", true },
        { "{\"app_secret\":\"a\",\"numbers\":[\"7\",\"+5511999990000\"]}", false },
        { "{\"app_secret\":\"a\",\"numbers\":[\"abc\"]}", false },
        { "{\"app_secret\":\"a\",\"numbers\":[\"\"]}", false },
        { "{\"app_secret\":\"a\",\"accounts\":{\"7\":\"shop/wa\"}}", true },
        { "{\"app_secret\":\"a\",\"accounts\":{\"+7\":\"shop/wa\"}}", false },
        { "{\"app_secret\":\"a\",\"accounts\":{\"7\":\"shop\"}}", false },
        { "{\"app_secret\":\"a\",\"accounts\":{\"7\":\"shop/\"}}", false },
        { "{\"app_secret\":\"a\",\"accounts\":{\"7\":\"/wa\"}}", false },
        { "{\"app_secret\":\"a\",\"accounts\":{\"7\":\"shop/wa/b\"}}", false },
        { "{\"app_secret\":\"a\",\"accounts\":{\"7\":\"\"}}", false },
        { "{\"app_secret\":\"a\",\"numbers\":[\"7\"],\"accounts\":{\"7\":\"shop/wa\"}}", false },
        { "{}", false },
    };
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct settings cfg;
        json *given = NULL;
        assert_int_equal(json_parse(slice_str(cases[i].text), &a, &given, NULL), OK);
        enum err rc =
            settings_read(kind->settings, kind->setting_count, given, NULL, &a, &cfg, NULL);
        if (rc == OK) rc = settings_check_given(&cfg, NULL);
        if (rc == OK) rc = kind->check(&cfg, NULL);
        if (rc == OK) rc = kind->check_given(&cfg, NULL);
        if ((rc == OK) != cases[i].good) fail_msg("%s", cases[i].text);
    }
    arena_free(&a);
}

static void handshakes(void **state UNUSED)
{
    static const struct {
        const char *token, *query;
        enum err rc;
        const char *answer;
    } cases[] = {
        { "t", "hub.mode=subscribe&hub.challenge=1&hub.verify_token=t", OK, "1" },
        { "t", "hub.mode=subscribe&hub.challenge=a%20b&hub.verify_token=t", OK, "a b" },
        { "t", "hub.mode=subscribe&hub.challenge=1&hub.verify_token=", ERR_DENIED, NULL },
        { "t", "hub.mode=subscribe&hub.challenge=1", ERR_DENIED, NULL },
        { "t", "hub.mode=subscribe&hub.challenge=1&hub.verify_token=x&hub.verify_token=t",
          ERR_DENIED, NULL },
        /* What is no handshake is none with the right token as with a wrong one. */
        { "t", "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=t", ERR_SYNTAX, NULL },
        { "t", "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=x", ERR_SYNTAX, NULL },
        { "t", "hub.mode=subscribe&hub.verify_token=t", ERR_SYNTAX, NULL },
        { "t", "hub.mode=subscribe&hub.verify_token=x", ERR_SYNTAX, NULL },
        { "t", "hub.mode=subscribe&hub.challenge=&hub.verify_token=t", ERR_SYNTAX, NULL },
        { "t", "", ERR_SYNTAX, NULL },
    };
    struct arena a;
    json *root = NULL, *v;
    size_t index, max;
    arena_init(&a, 1 << 22);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct why why;
        slice answer = { NULL, 0 };
        slice text =
            arena_printf(&a, "{\"app_secret\":\"s\",\"verify_token\":\"%s\"}", cases[i].token);
        struct settings cfg = kind_settings(kind, text.ptr, &a);
        struct request r = { .query = slice_str(cases[i].query) };
        enum err rc = kind->handshake(&r, &cfg, &a, &answer, &why);
        if (rc != cases[i].rc) fail_msg("%s: %s", cases[i].query, err_name(rc));
        if (rc == OK) assert_slice(answer, slice_str(cases[i].answer));
    }
    slice text = test_file(tests_dir, "golden/whatsapp-signature/vectors.json", &a);
    assert_int_equal(json_parse(text, &a, &root, NULL), OK);
    yyjson_arr_foreach(json_get(root, "verify_get"), index, max, v)
    {
        struct why why;
        slice answer = { NULL, 0 }, token = json_get_text(v, "verify_token");
        slice own =
            arena_printf(&a, "{\"app_secret\":\"s\",\"verify_token\":\"%.*s\"}", SLICE_ARG(token));
        struct settings cfg = kind_settings(kind, own.ptr, &a);
        struct request r = { .query = json_get_text(v, "query") };
        enum err rc = kind->handshake(&r, &cfg, &a, &answer, &why);
        if ((rc == OK) != slice_eq(json_get_text(v, "status"), SLICE("200")))
            fail_msg("%.*s", SLICE_ARG(json_get_text(v, "id")));
        if (rc == OK) assert_slice(answer, json_get_text(v, "body"));
    }
    struct settings none = kind_settings(kind, "{\"app_secret\":\"s\"}", &a);
    struct request r = { .query = SLICE("hub.mode=subscribe&hub.challenge=1&hub.verify_token=") };
    struct why why;
    slice answer;
    assert_int_equal(kind->handshake(&r, &none, &a, &answer, &why), ERR_DENIED);
    arena_free(&a);
}

/* ---- tables ---- */

static void bodies(void **state UNUSED)
{
    static const struct {
        const char *body;
        const char *pointer, *want; /* of the first event; want NULL: absent */
    } cases[] = {
        { "{}", "/type", "whatsapp.unknown" },
        { "{\"history\":[{\"errors\":[{\"code\":2593109}]}]}",
          "/custom/value/history/0/errors/0/code", "2593109" }, /* published without an envelope */
        { "{\"history\":[{\"errors\":[{\"code\":2593109}]}]}", "/type",
          "whatsapp.history_declined" },
        { "{\"history\":[{\"threads\":[]},{\"errors\":[]}]}", "/type", "whatsapp.unknown" },
        { "{\"entry\":[]}", "", NULL },
        { "{\"entry\":[{\"id\":\"1\",\"messaging\":[1]}]}", "/custom/value/messaging/0", "1" },
        { "{\"entry\":[7]}", "/type", "whatsapp.unknown" },
        { "{\"entry\":[{\"changes\":[7]}]}", "/type", "whatsapp.unknown" },
        { "{\"entry\":[{\"changes\":[{\"field\":\"New Thing\",\"value\":{\"a\":1}}]}]}", "/type",
          "whatsapp.new_thing" },
        { ENVELOPE("\"messages\":[7]"), "/type", "whatsapp.unknown" },
        { ENVELOPE("\"messages\":[{}]"), "/message/type", "unsupported" },
        /* numbers as text, text as numbers */
        { ENVELOPE(
              "\"messages\":[{\"from\":5511999990001,\"id\":12345678901234567890,\"timestamp\":"
              "1750000000,\"type\":\"text\",\"text\":{\"body\":5}}]"),
          "/message/external_id", "12345678901234567890" },
        { ENVELOPE(
              "\"messages\":[{\"from\":5511999990001,\"id\":1,\"timestamp\":1750000000,\"type\":"
              "\"text\",\"text\":{\"body\":5}}]"),
          "/message/at", "2025-06-15T15:06:40.000Z" },
        /* the ninth digit: one person, whichever form comes; the number sent to stays WhatsApp's */
        { ENVELOPE("\"messages\":[{\"from\":\"551199990001\",\"id\":\"a\",\"type\":\"text\"}]"),
          "/contact/phone", "+5511999990001" },
        { ENVELOPE("\"messages\":[{\"from\":\"551199990001\",\"id\":\"a\",\"type\":\"text\"}]"),
          "/contact/wa_id", "551199990001" },
        { MESSAGE("\"type\":\"text\""), "/contact/phone", "+5511999990001" },
        { ENVELOPE("\"messages\":[{\"from\":\"BR.13491\",\"id\":\"a\",\"type\":\"text\"}]"),
          "/contact/wa_user_id", "BR.13491" },
        { ENVELOPE("\"contacts\":[{\"wa_id\":\"1\"},{\"wa_id\":\"5511999990001\",\"profile\":{"
                   "\"name\":\"Ana\"}}],\"messages\":[{\"from\":\"5511999990001\",\"id\":\"a\"}]"),
          "/contact/wa_name", "Ana" }, /* matched by id, not by place */
        { ENVELOPE("\"messages\":[{\"id\":\"a\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}]"),
          "/contact", NULL },
        { ENVELOPE("\"messages\":[{\"id\":\"a\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}]"),
          "/message/text", "x" },
        /* from ourselves: never a customer's */
        { ENVELOPE("\"messages\":[{\"from\":\"5511955550100\",\"id\":\"a\",\"type\":\"text\"}]"),
          "/type", "message.echo" },
        { ENVELOPE("\"messages\":[{\"from\":\"551155550100\",\"id\":\"a\",\"type\":\"text\"}]"),
          "/type", "message.received" },
        { ENVELOPE(
              "\"message_echoes\":[{\"from\":\"5511955550100\",\"to\":\"5511999990001\",\"id\":"
              "\"a\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}]"),
          "/message/direction", "out" }, /* an echo in another field */
        { ENVELOPE(
              "\"message_echoes\":[{\"from\":\"5511955550100\",\"to\":\"5511999990001\",\"id\":"
              "\"a\",\"type\":\"edit\",\"edit\":{\"original_message_id\":\"b\",\"message\":{"
              "\"type\":\"text\",\"text\":{\"body\":\"y\"}}}}]"),
          "/message_edit/text", "y" },
        /* text is kept as it was written */
        { MESSAGE("\"type\":\"text\",\"text\":{\"body\":\" a\\n\\tb\\u0000\\u0007 \"}"),
          "/message/text", " a\n\tb " },
        { MESSAGE("\"type\":\"poll\",\"poll\":{\"q\":\"?\"}"), "/message/type", "unsupported" },
        { MESSAGE("\"type\":\"poll\",\"poll\":{\"q\":\"?\"}"), "/message/data/raw/poll/q", "?" },
        { MESSAGE("\"type\":\"poll\",\"poll\":{\"q\":\"?\"}"), "/message/data/type", "poll" },
        { MESSAGE("\"type\":\"interactive\",\"interactive\":{\"nfm_reply\":{\"response_json\":\"{"
                  "broken\"}}"),
          "/message/data/response", NULL },
        { MESSAGE("\"type\":\"interactive\",\"interactive\":{\"nfm_reply\":{\"response_json\":\"[1]"
                  "\"}}"),
          "/message/data/response/0", "1" },
        { MESSAGE("\"type\":\"image\",\"image\":{\"id\":\"9\",\"url\":\"https://x.example/y\"}"),
          "/message/data/image/url", NULL }, /* links that live for minutes go nowhere */
        { MESSAGE("\"type\":\"image\",\"image\":{\"id\":\"9\",\"sha256\":\"zz\"}"),
          "/message/media/sha256", NULL },
        { MESSAGE("\"type\":\"image\",\"image\":{\"id\":\"9\"},\"errors\":[{\"code\":131052,"
                  "\"title\":\"lost\"}]"),
          "/message/media/problem", "131052 lost" },
        { MESSAGE("\"type\":\"image\",\"image\":{}"), "/message/media", NULL },
        { MESSAGE("\"type\":\"document\",\"document\":{\"id\":\"9\",\"filename\":\"../../etc/x\"}"),
          "/message/media/filename", "../../etc/x" },
        { MESSAGE("\"type\":\"system\",\"system\":{\"type\":\"user_changed_user_id\","
                  "\"previous_user_id\":\"BR.1\",\"user_id\":\"BR.2\"}"),
          "/contact/wa_user_id", "BR.2" },
        { MESSAGE("\"type\":\"system\",\"system\":{\"type\":\"user_changed_number\",\"wa_id\":"
                  "\"5511999990002\"}"),
          "/message", NULL },
        { MESSAGE("\"type\":\"text\",\"timestamp\":\"99999999999\""), "/message/at",
          "2025-06-15T15:06:40.000Z" }, /* the first of two members counts */
        { ENVELOPE("\"messages\":[{\"id\":\"a\",\"timestamp\":\"99999999999\",\"type\":\"text\"}]"),
          "/message/at", "2026-03-10T12:00:00.000Z" }, /* of the year 5138 */
        { ENVELOPE("\"statuses\":[{\"id\":\"w\",\"status\":\"failed\",\"timestamp\":\"1750000000\","
                   "\"recipient_type\":\"group\",\"recipient_participant_id\":\"55119\"}]"),
          "/key", "w:failed:1750000000:55119" },
        { ENVELOPE("\"statuses\":[{\"id\":\"w\",\"status\":\"sent\",\"timestamp\":1750000000,"
                   "\"biz_opaque_callback_data\":\"dlv_1\"}]"),
          "/message_status/callback", "dlv_1" },
        { ENVELOPE(
              "\"state_sync\":[{\"type\":\"contact\",\"action\":\"remove\",\"contact\":{"
              "\"phone_number\":\"5511999990001\"},\"metadata\":{\"timestamp\":\"1750000000\"}}"
              "]"),
          "/contact/wa_saved", "no" },
        { ENVELOPE("\"history\":[{\"errors\":[{\"code\":2593109,\"title\":\"declined\"}]}]"),
          "/type", "whatsapp.history_declined" },
        { ENVELOPE("\"user_preferences\":[{\"wa_id\":\"5511999990001\",\"category\":"
                   "\"marketing_messages\",\"value\":\"stop\",\"timestamp\":1750000000}]"),
          "/contact/wa_marketing", "stop" },
#define SAYS(text) MESSAGE("\"type\":\"text\",\"text\":{\"body\":\"" text "\"}")
        { SAYS("PARAR"), "/contact/wa_marketing", "stop" },
        { SAYS("  parar!!! "), "/contact/wa_marketing", "stop" },
        { SAYS("N\\u00c3O quero  receber."), "/contact/wa_marketing", "stop" },
        { SAYS("Na\\u0303o quero mais receber"), "/contact/wa_marketing", "stop" },
        { SAYS("Stop \\ud83d\\uded1"), "/contact/wa_marketing", "stop" },
        { SAYS("quero parar de fumar"), "/contact/wa_marketing", NULL },
        { SAYS("parar parar"), "/contact/wa_marketing", NULL },
        { SAYS("!!!"), "/contact/wa_marketing", NULL },
        { SAYS(""), "/contact/wa_marketing", NULL },
        { SAYS("voltar a receber"), "/contact/wa_marketing", "resume" },
        { MESSAGE(
              "\"type\":\"button\",\"button\":{\"payload\":\"p\",\"text\":\"Stop promotions\"}"),
          "/contact/wa_marketing", "stop" },
        { MESSAGE(
              "\"type\":\"interactive\",\"interactive\":{\"type\":\"list_reply\",\"list_reply\":{"
              "\"id\":\"r1\",\"title\":\"Sair\",\"description\":\"x\"}}"),
          "/contact/wa_marketing", "stop" },
        { MESSAGE(
              "\"type\":\"interactive\",\"interactive\":{\"type\":\"list_reply\",\"list_reply\":{"
              "\"id\":\"stop\",\"title\":\"Chega\"}}"),
          "/contact/wa_marketing", "stop" },
        { MESSAGE(
              "\"type\":\"interactive\",\"interactive\":{\"type\":\"list_reply\",\"list_reply\":{"
              "\"id\":\"r1\",\"title\":\"Sair do grupo\",\"description\":\"Sair\"}}"),
          "/contact/wa_marketing", NULL },
        { MESSAGE("\"type\":\"button\",\"button\":{\"payload\":\"STOP\",\"text\":\"Chega\"}"),
          "/contact/wa_marketing", "stop" },
        { MESSAGE("\"type\":\"interactive\",\"interactive\":{\"type\":\"button_reply\","
                  "\"button_reply\":{\"id\":\"b1\",\"title\":\"Sair\"}}"),
          "/contact/wa_marketing", "stop" },
        { MESSAGE("\"type\":\"image\",\"image\":{\"id\":\"1\",\"caption\":\"parar\"}"),
          "/contact/wa_marketing", NULL },
        { MESSAGE("\"group_id\":\"g\",\"type\":\"text\",\"text\":{\"body\":\"sair\"}"),
          "/contact/wa_marketing", NULL },
        { ENVELOPE(
              "\"message_echoes\":[{\"from\":\"5511955550100\",\"to\":\"5511999990001\",\"id\":"
              "\"w\",\"type\":\"text\",\"text\":{\"body\":\"parar\"}}]"),
          "/contact/wa_marketing", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 22);
        struct result r = run_with(SETTINGS, slice_str(cases[i].body), &a);
        if (r.rc != OK) fail_msg("%s: %s %s", cases[i].body, err_name(r.rc), r.why.text);
        json *v = json_at(r.event, slice_str(cases[i].pointer));
        if (!cases[i].want && v) fail_msg("%s: %s is there", cases[i].body, cases[i].pointer);
        if (cases[i].want && !slice_eq(json_text(v), slice_str(cases[i].want)))
            fail_msg("%s: %s is %.*s", cases[i].body, cases[i].pointer, SLICE_ARG(json_text(v)));
        arena_free(&a);
    }
}

/* Words of one's own; an empty list is no opt-out by word at all. */
static void own_words(void **state UNUSED)
{
    static const struct {
        const char *settings, *want;
    } cases[] = {
        { "{\"app_secret\":\"s\",\"stop_words\":[\"Basta j\\u00e1\"]}", NULL },
        { "{\"app_secret\":\"s\",\"stop_words\":[]}", NULL },
        { "{\"app_secret\":\"s\",\"stop_words\":\"parar\"}", "stop" },
        { "{\"app_secret\":\"s\",\"stop_words\":[],\"resume_words\":[\"PARAR\"]}", "resume" },
    };
    static const char *const bad[] = {
        "{\"app_secret\":\"s\",\"stop_words\":[\"!\"]}",
        "{\"app_secret\":\"s\",\"stop_words\":[\"sim\"],\"resume_words\":[\"SIM.\"]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        struct result r = run_with(cases[i].settings, SLICE(SAYS("parar")), &a);
        assert_slice(json_text(json_at(r.event, SLICE("/contact/wa_marketing"))),
                     slice_str(cases[i].want));
        arena_free(&a);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct arena a;
        struct settings cfg;
        struct why why;
        json *given = NULL;
        arena_init(&a, 1 << 20);
        assert_int_equal(json_parse(slice_str(bad[i]), &a, &given, &why), OK);
        assert_int_equal(
            settings_read(kind->settings, kind->setting_count, given, NULL, &a, &cfg, &why), OK);
        assert_int_equal(kind->check(&cfg, &why), ERR_SYNTAX);
        arena_free(&a);
    }
}

static void unreadable(void **state UNUSED)
{
    static const char *const texts[] = { "", "[]", "5", "{", "\"x\"" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        struct result r = run_with(SETTINGS, slice_str(texts[i]), &a);
        assert_int_equal(r.rc, ERR_SYNTAX);
        assert_true(r.why.text[0] != 0);
        arena_free(&a);
    }
}

/* More messages than Meta would send in one body, and more than one request may hold. */
static void thousands(void **state UNUSED)
{
    static const struct {
        size_t count;
        enum err rc;
    } cases[] = { { 5000, OK }, { EVENTS_PER_REQUEST_MAX + 1, ERR_LIMIT } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        struct event_list list = { 0 };
        struct why why = { 0 };
        arena_init(&a, (size_t)1 << 28);
        struct settings cfg = kind_settings(kind, SETTINGS, &a);
        struct buf b = buf_in(&a, 1 << 24);
        buf_printf(&b, "{\"entry\":[{\"changes\":[{\"field\":\"history\",\"value\":{\"history\":[{"
                       "\"threads\":[{\"id\":\"5511999990001\",\"messages\":[");
        for (size_t n = 0; n < cases[i].count; n++)
            buf_printf(&b, "%s{\"id\":\"wamid.%zu\",\"type\":\"text\"}", n ? "," : "", n);
        buf_printf(&b, "]}]}]}}]}]}");
        assert_true(buf_ok(&b));
        struct request r = { .body = buf_slice(&b), .received_ms = 1773144000000 };
        assert_int_equal(kind->split(&r, &cfg, &a, &list, &why), cases[i].rc);
        if (cases[i].rc == OK) {
            assert_int_equal(list.count, cases[i].count + 1); /* and the chunk */
            assert_slice(list.at[5000].type, SLICE("history.message"));
            assert_slice(list.at[5000].key, SLICE("history:wamid.4999"));
        }
        arena_free(&a);
    }
}

/* ---- every member of payloads replaced by every kind of value ---- */

static const char *const odd_values[] = { "null",
                                          "true",
                                          "0",
                                          "-1",
                                          "1e999",
                                          "12345678901234567890",
                                          "\"\"",
                                          "\"x\"",
                                          "\"a\\u0000b\"",
                                          "[]",
                                          "{}",
                                          "[[]]",
                                          "{\"id\":[]}",
                                          "[null]",
                                          "[{}]",
                                          "\"\\ud83d\\ude00\"" };

static void print_with(struct buf *b, const char *key, json *v, long *left, const char *odd)
{
    size_t index, max;
    json *k, *member;
    if ((*left)-- == 0) {
        json_put_raw(b, key, slice_str(odd));
    } else if (yyjson_is_obj(v)) {
        json_begin_object(b, key);
        yyjson_obj_foreach(v, index, max, k, member)
            print_with(b, yyjson_get_str(k), member, left, odd);
        json_end_object(b);
    } else if (yyjson_is_arr(v)) {
        json_begin_array(b, key);
        yyjson_arr_foreach(v, index, max, member) print_with(b, NULL, member, left, odd);
        json_end_array(b);
    } else {
        json_put_raw(b, key, json_print(v, b->arena));
    }
}

static void odd_values_cost_one_item_at_most(void **state UNUSED)
{
    static const char *const files[] = {
        "03-text-click-to-whatsapp-ad",
        "15-interactive-nfm-reply-flow",
        "20-system-number-changed",
        "34-status-failed-131049",
        "39-history-chunk",
        "44-state-sync-add",
        "47-message-edit",
        "16-reaction",
        "07-document",
        "62-user-preferences",
    };
    struct arena source, a;
    arena_init(&source, 1 << 20);
    arena_init(&a, 1 << 23);
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        json *root = NULL;
        char path[256];
        snprintf(path, sizeof path, "golden/whatsapp-cloud/%s.json", files[f]);
        assert_int_equal(json_parse(test_file(tests_dir, path, &source), &source, &root, NULL), OK);
        for (size_t o = 0; o < ARRAY_LEN(odd_values); o++)
            for (long n = 0;; n++) {
                long left = n;
                arena_reset(&a);
                struct buf b = buf_in(&a, 1 << 16);
                print_with(&b, NULL, root, &left, odd_values[o]);
                if (left >= 0) break;
                struct result r = run_with(SETTINGS, buf_slice(&b), &a);
                bool fair = r.rc == OK || (r.rc == ERR_SYNTAX && r.why.text[0]);
                if (!fair) fail_msg("%s, member %ld, %s", files[f], n, odd_values[o]);
            }
    }
    arena_free(&a);
    arena_free(&source);
}

static void samples(void **state UNUSED)
{
    static const char *const names[] = { "", "text", "status" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct arena a;
        struct sample s;
        struct why why = { 0 };
        arena_init(&a, 1 << 20);
        struct settings cfg = kind_settings(kind, SETTINGS, &a);
        assert_int_equal(kind->sample(slice_str(names[i]), &cfg, 1773144000000, 7, &a, &s, &why),
                         OK);
        struct request r = { .headers = s.headers, .header_count = s.header_count, .body = s.body };
        assert_int_equal(kind->verify(&r, &cfg, 1773144000000, &a, &why), OK);
        struct result res = run_with(SETTINGS, s.body, &a);
        assert_int_equal(res.rc, OK);
        assert_slice(json_get_text(res.event, "type"),
                     i == 2 ? SLICE("message.status") : SLICE("message.received"));
        assert_int_equal(kind->sample(SLICE("x"), &cfg, 1, 7, &a, &s, &why), ERR_MISSING);
        arena_free(&a);
    }
}

static void out_of_memory(void **state UNUSED)
{
    slice body =
        SLICE(MESSAGE("\"type\":\"image\",\"image\":{\"id\":\"9\",\"caption\":\"c\\u0007\"},"
                      "\"referral\":{\"ctwa_clid\":\"x\"}"));
    struct request r = { .body = body, .received_ms = 1773144000000 };
    assert_true(kind_out_of_memory(kind, SETTINGS, &r) > 5);
}

int main(int argc, char **argv)
{
    tests_dir = argc > 1 ? argv[1] : "tests";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures), cmocka_unit_test(settings_are_checked),
        cmocka_unit_test(handshakes), cmocka_unit_test(bodies),
        cmocka_unit_test(own_words),  cmocka_unit_test(unreadable),
        cmocka_unit_test(thousands),  cmocka_unit_test(odd_values_cost_one_item_at_most),
        cmocka_unit_test(samples),    cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
