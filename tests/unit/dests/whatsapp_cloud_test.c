/* whatsapp_cloud_test.c: messages to WhatsApp: bodies and mistakes (golden/whatsapp-out), answers, settings, routed events. */
#include "dests/whatsapp_cloud.h"

#include "test.h"

static const char *tests_dir = "tests";
static struct arena arena;

static int setup(void **state UNUSED)
{
    arena_init(&arena, 16 << 20);
    return 0;
}

static int teardown(void **state UNUSED)
{
    arena_free(&arena);
    return 0;
}

#define GIVEN "\"access_token\":\"EAAsecret\",\"phone_number_id\":\"106\""

static enum err read_settings(const char *text, struct settings *cfg, struct why *why)
{
    json *given;
    assert_int_equal(json_parse(slice_str(text), &arena, &given, NULL), OK);
    enum err rc = settings_read(dest_whatsapp_cloud.settings, dest_whatsapp_cloud.setting_count,
                                given, NULL, &arena, cfg, why);
    return rc == OK ? dest_whatsapp_cloud.check(cfg, why) : rc;
}

static struct settings settings_of(const char *more)
{
    struct settings cfg;
    struct why why;
    slice text = arena_printf(&arena, "{" GIVEN "%s%s}", *more ? "," : "", more);
    if (read_settings(text.ptr, &cfg, &why) != OK) fail_msg("%s", why.text);
    return cfg;
}

static struct outgoing_delivery delivery_of(slice message)
{
    slice data = arena_printf(&arena, "{\"custom\":{\"message\":%.*s}}", SLICE_ARG(message));
    return (struct outgoing_delivery){
        .id = SLICE("dlv_1"),
        .event = { .id = SLICE("evt_1"), .type = SLICE("message.outgoing"), .data = data }
    };
}

static json *golden(const char *name)
{
    json *root;
    assert_int_equal(json_parse(test_file(tests_dir, name, &arena), &arena, &root, NULL), OK);
    assert_true(yyjson_arr_size(root) > 10);
    return root;
}

static void bodies(void **state UNUSED)
{
    struct settings cfg = settings_of("");
    size_t i, max;
    json *one, *root = golden("golden/whatsapp-out/bodies.json"), *body;
    yyjson_arr_foreach(root, i, max, one)
    {
        struct why why;
        struct outgoing out;
        struct outgoing_delivery d = delivery_of(json_print(json_get(one, "message"), &arena));
        struct verdict v = dest_whatsapp_cloud.admit(&d, &cfg, 1, &arena);
        if (dest_whatsapp_cloud.messages->check(json_get(one, "message"), &cfg, &why) != OK)
            fail_msg("%zu: %s", i, why.text);
        if (v.kind != VERDICT_DELIVERED) fail_msg("%zu: %s", i, v.reason);
        if (dest_whatsapp_cloud.render(&d, 1, &cfg, 1, &arena, &out, &why) != OK)
            fail_msg("%zu: %s", i, why.text);
        assert_int_equal(json_parse(out.body, &arena, &body, NULL), OK);
        assert_slice(json_print(body, &arena), json_print(json_get(one, "body"), &arena));
        assert_true(d.part.ptr == out.body.ptr);
        assert_slice(out.url, SLICE("https://graph.facebook.com/v25.0/106/messages"));
        assert_slice(out.method, SLICE("POST"));
        for (size_t h = 0; h < out.header_count; h++) {
            slice value = out.headers[h].value;
            bool token = slice_find_slice(value, SLICE("EAAsecret")) < value.len;
            assert_int_equal(token, out.headers[h].secret);
        }
    }
}

static void mistakes(void **state UNUSED)
{
    struct settings cfg = settings_of("");
    size_t i, max;
    json *one, *root = golden("golden/whatsapp-out/refused.json");
    yyjson_arr_foreach(root, i, max, one)
    {
        struct why why = { .code = OK };
        slice want = json_get_text(one, "why");
        if (dest_whatsapp_cloud.messages->check(json_get(one, "message"), &cfg, &why) != ERR_SYNTAX)
            fail_msg("%zu was taken, want %.*s", i, SLICE_ARG(want));
        slice got = slice_str(why.text);
        if (slice_find_slice(got, want) == got.len)
            fail_msg("%zu: got \"%s\", want \"%.*s\"", i, why.text, SLICE_ARG(want));
    }
}

#define ERROR(code) "{\"error\":{\"message\":\"to 5511999990005\",\"code\":" code "}}"
static const struct {
    int status;
    bool sent;
    const char *body;
    enum verdict_kind kind;
    int64_t wait_ms;
    bool alone, refused;
} answers[] = {
    { 200, 1, "{\"messages\":[{\"id\":\"wamid.X\"}]}", VERDICT_DELIVERED, 0, 0, 0 },
    { 200, 1, "{\"success\":true}", VERDICT_DELIVERED, 0, 0, 0 },
    { 200, 1, "{\"display_phone_number\":\"+55\",\"id\":\"106\"}", VERDICT_DELIVERED, 0, 0, 0 },
    { 200, 1, "<html>", VERDICT_DEAD, 0, 0, 0 },
    { 200, 1, "{\"messages\":[]}", VERDICT_DEAD, 0, 0, 0 },
    { 0, 1, "", VERDICT_DEAD, 0, 0, 0 },
    { 0, 0, "", VERDICT_RETRY, 0, 0, 0 },
    { 408, 1, "", VERDICT_DEAD, 0, 0, 0 },
    { 500, 1, "oops", VERDICT_DEAD, 0, 0, 0 },
    { 502, 1, "", VERDICT_DEAD, 0, 0, 0 },
    { 503, 1, "busy", VERDICT_RETRY, 0, 0, 1 },
    { 401, 1, "", VERDICT_UNAUTHORISED, 0, 0, 0 },
    { 403, 1, "", VERDICT_UNAUTHORISED, 0, 0, 0 },
    { 429, 1, "", VERDICT_PAUSE, 0, 0, 0 },
    { 404, 1, "", VERDICT_DEAD, 0, 0, 1 },
    { 500, 1, ERROR("131000"), VERDICT_RETRY, 0, 0, 1 },
    { 500, 1, ERROR("999"), VERDICT_RETRY, 0, 0, 1 },
    { 400, 1, ERROR("999"), VERDICT_DEAD, 0, 0, 1 },
    { 400, 1, ERROR("1"), VERDICT_RETRY, 0, 0, 1 },
    { 400, 1, ERROR("2"), VERDICT_RETRY, 0, 0, 1 },
    { 400, 1, ERROR("131016"), VERDICT_RETRY, 0, 0, 1 },
    { 400, 1, ERROR("131057"), VERDICT_RETRY, 0, 0, 1 },
    { 400, 1, ERROR("133004"), VERDICT_RETRY, 0, 0, 1 },
    { 400, 1, ERROR("4"), VERDICT_PAUSE, 0, 0, 1 },
    { 400, 1, ERROR("80007"), VERDICT_PAUSE, 0, 0, 1 },
    { 400, 1, ERROR("130429"), VERDICT_PAUSE, 5000, 0, 1 },
    { 400, 1, ERROR("131056"), VERDICT_RETRY, 6000, 1, 1 },
    { 400, 1, ERROR("131049"), VERDICT_RETRY, 86400000, 1, 1 },
    { 400, 1, ERROR("131048"), VERDICT_PAUSE, 3600000, 0, 1 },
    { 400, 1, ERROR("0"), VERDICT_UNAUTHORISED, 0, 0, 1 },
    { 401, 1, ERROR("190"), VERDICT_UNAUTHORISED, 0, 0, 1 },
    { 403, 1, ERROR("10"), VERDICT_UNAUTHORISED, 0, 0, 1 },
    { 403, 1, ERROR("200"), VERDICT_UNAUTHORISED, 0, 0, 1 },
    { 403, 1, ERROR("299"), VERDICT_UNAUTHORISED, 0, 0, 1 },
    { 400, 1, ERROR("33"), VERDICT_UNAUTHORISED, 0, 0, 1 },
    { 400, 1, "{\"error\":{\"code\":100,\"error_subcode\":33}}", VERDICT_UNAUTHORISED, 0, 0, 1 },
    { 400, 1, ERROR("368"), VERDICT_UNAUTHORISED, 0, 0, 1 },
    { 403, 1, ERROR("131005"), VERDICT_UNAUTHORISED, 0, 0, 1 },
    { 403, 1, ERROR("131031"), VERDICT_UNAUTHORISED, 0, 0, 1 },
    { 400, 1, ERROR("131042"), VERDICT_UNAUTHORISED, 0, 0, 1 },
    { 400, 1, ERROR("131045"), VERDICT_UNAUTHORISED, 0, 0, 1 },
    { 400, 1, ERROR("133010"), VERDICT_UNAUTHORISED, 0, 0, 1 },
    { 400, 1, ERROR("100"), VERDICT_DEAD, 0, 0, 1 },
    { 400, 1, ERROR("131026"), VERDICT_DEAD, 0, 0, 1 },
    { 400, 1, ERROR("131047"), VERDICT_DEAD, 0, 0, 1 },
    { 400, 1, ERROR("131050"), VERDICT_DEAD, 0, 0, 1 },
    { 400, 1, ERROR("132000"), VERDICT_DEAD, 0, 0, 1 },
    { 404, 1, ERROR("132001"), VERDICT_DEAD, 0, 0, 1 },
    { 400, 1, ERROR("132015"), VERDICT_DEAD, 0, 0, 1 },
    { 400, 1, ERROR("134011"), VERDICT_DEAD, 0, 0, 1 },
    { 400, 1, ERROR("137000"), VERDICT_DEAD, 0, 0, 1 },
    { 400, 1, ERROR("130472"), VERDICT_DEAD, 0, 0, 1 },
    { 400, 1, ERROR("130497"), VERDICT_DEAD, 0, 0, 1 },
};

static void judged(void **state UNUSED)
{
    struct settings cfg = settings_of("");
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct reply r = { .status = answers[i].status,
                           .sent = answers[i].sent,
                           .error = SLICE("time-out"),
                           .body = slice_str(answers[i].body) };
        struct verdict v = dest_whatsapp_cloud.judge(&r, 1, &cfg, &arena);
        bool same = v.kind == answers[i].kind && v.wait_ms == answers[i].wait_ms &&
                    v.alone == answers[i].alone &&
                    v.pair == (strstr(answers[i].body, "131056") != NULL);
        if (answers[i].refused) same = same && v.refused; /* of others it does not matter */
        if (!same) fail_msg("%zu (%s): %s, %s", i, answers[i].body, verdict_name[v.kind], v.reason);
        assert_true(v.reason[0]);
        assert_null(strstr(v.reason, "5511999990005"));
        assert_string_equal(v.remote_id, i == 0 ? "wamid.X" : "");
    }
}

/* What may have arrived: never called refused, repeated only where the settings say so, and then late enough for a status. */
static void unknown_outcomes(void **state UNUSED)
{
    struct settings careful = settings_of(""), bold = settings_of("\"repeat_unknown\":true");
    static const struct reply replies[] = {
        { .status = 0, .sent = true }, { .status = 500 }, { .status = 504 }, { .status = 200 }
    };
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        struct verdict v = whatsapp_judge(&replies[i], 1, &careful, &arena);
        assert_int_equal(v.kind, VERDICT_DEAD);
        assert_false(v.refused);
        assert_non_null(strstr(v.reason, "outcome unknown"));
        v = whatsapp_judge(&replies[i], 1, &bold, &arena);
        assert_int_equal(v.kind, VERDICT_RETRY);
        assert_int_equal(v.wait_ms, 120000);
    }
    struct outgoing_delivery d = delivery_of(SLICE("{\"to\":\"+5511999990005\",\"type\":\"text\","
                                                   "\"text\":\"Oi\"}"));
    d.outcome_unknown = true;
    assert_int_equal(dest_whatsapp_cloud.admit(&d, &careful, 1, &arena).kind, VERDICT_DEAD);
    assert_int_equal(dest_whatsapp_cloud.admit(&d, &bold, 1, &arena).kind, VERDICT_DELIVERED);
    d.asked_again = true;
    assert_int_equal(dest_whatsapp_cloud.admit(&d, &careful, 1, &arena).kind, VERDICT_DELIVERED);
}

static void bad_settings(void **state UNUSED)
{
    static const char *const bad[] = {
        "{\"phone_number_id\":\"106\"}",
        "{\"access_token\":\"a\"}",
        "{\"access_token\":\"a\",\"phone_number_id\":\"+55 11\"}",
        "{\"access_token\":\"a b\",\"phone_number_id\":\"1\"}",
        "{" GIVEN ",\"api_version\":\"25\"}",
        "{" GIVEN ",\"base_url\":\"https://x/?a=1\"}",
        "{" GIVEN ",\"to\":\"contact\"}",
        "{" GIVEN ",\"templates\":{\"order.paid\":\"ola\"}}",
        "{" GIVEN ",\"templates\":{\"order.paid\":\"ola pt_BR contact\"}}",
        "{" GIVEN ",\"templates\":{\"order.paid\":\"ola pt_BR  /contact\"}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct settings cfg;
        struct why why;
        if (read_settings(bad[i], &cfg, &why) != ERR_SYNTAX) fail_msg("taken: %s", bad[i]);
        assert_null(strstr(why.text, "a b"));
    }
}

static void routed_events(void **state UNUSED)
{
    struct settings cfg = settings_of(
        "\"marketing\":[\"oferta\"],\"templates\":{\"order.paid\":\"ola pt_BR /contact/first_name "
        "/order/number\",\"order.cancelled\":\"oferta pt_BR\"}");
    struct outgoing_event e = { .id = SLICE("evt_1"),
                                .type = SLICE("order.paid"),
                                .data = SLICE("{\"contact\":{\"phone\":\"+5511999990005\",\"first_"
                                              "name\":\"Ana\",\"wa_marketing\":\"stop\"},"
                                              "\"order\":{\"number\":\"o-1\"}}") };
    slice key;
    struct outgoing out;
    assert_int_equal(dest_whatsapp_cloud.delivery_key(&e, &cfg, &arena, &key, NULL), OK);
    assert_slice(key, SLICE("order.paid:ola:o-1"));
    struct outgoing_delivery d = { .id = SLICE("dlv_1"), .event = e };
    assert_int_equal(dest_whatsapp_cloud.admit(&d, &cfg, 1, &arena).kind, VERDICT_DELIVERED);
    assert_int_equal(dest_whatsapp_cloud.render(&d, 1, &cfg, 1, &arena, &out, NULL), OK);
    assert_slice(out.body,
                 SLICE("{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\","
                       "\"to\":\"+5511999990005\",\"type\":\"template\",\"template\":{\"name\":"
                       "\"ola\",\"language\":{\"code\":\"pt_BR\"},\"components\":[{\"type\":"
                       "\"body\",\"parameters\":[{\"type\":\"text\",\"text\":\"Ana\"},{\"type\":"
                       "\"text\",\"text\":\"o-1\"}]}]},\"biz_opaque_callback_data\":\"dlv_1\"}"));
    d.event.type = SLICE("order.cancelled"); /* marketing, to somebody who asked for none */
    assert_int_equal(dest_whatsapp_cloud.admit(&d, &cfg, 1, &arena).kind, VERDICT_DEAD);
    d.event.type = SLICE("order.paid");
    d.event.data = SLICE("{\"contact\":{\"phone\":\"+5511999990005\"}}");
    assert_int_equal(dest_whatsapp_cloud.admit(&d, &cfg, 1, &arena).kind, VERDICT_DEAD);
    d.event.data = SLICE("{\"contact\":{\"first_name\":\"Ana\"},\"order\":{\"number\":\"o-1\"}}");
    assert_int_equal(dest_whatsapp_cloud.admit(&d, &cfg, 1, &arena).kind, VERDICT_DEAD);
    e.type = SLICE("order.refused");
    assert_int_equal(dest_whatsapp_cloud.delivery_key(&e, &cfg, &arena, &key, NULL), ERR_MISSING);
    e.type = SLICE("message.outgoing"); /* by no route: it names its destination */
    assert_int_equal(dest_whatsapp_cloud.delivery_key(&e, &cfg, &arena, &key, NULL), ERR_MISSING);
}

static void probe(void **state UNUSED)
{
    struct settings cfg = settings_of("\"base_url\":\"https://proxy.example/\"");
    struct outgoing out;
    assert_int_equal(dest_whatsapp_cloud.probe(&cfg, 1, 1, &arena, &out, NULL), OK);
    assert_slice(out.method, SLICE("GET"));
    assert_true(slice_starts(out.url, SLICE("https://proxy.example/v25.0/106?fields=")));
    assert_int_equal(slice_find_slice(out.url, SLICE("EAA")), out.url.len);
}

static void files_of_ours(void **state UNUSED)
{
    static const struct {
        const char *type, *mime;
        int64_t size;
        enum err rc;
    } cases[] = {
        { "image", "image/jpeg", 5 << 20, OK },
        { "image", "IMAGE/PNG; x=y", 1, OK },
        { "image", "image/png", (5 << 20) + 1, ERR_SYNTAX },
        { "image", "image/webp", 1, ERR_SYNTAX },
        { "sticker", "image/webp", 512000, OK },
        { "sticker", "image/webp", 512001, ERR_SYNTAX },
        { "audio", "audio/ogg; codecs=opus", 16 << 20, OK },
        { "video", "video/mp4", (16 << 20) + 1, ERR_SYNTAX },
        { "document", "image/webp", 100 << 20, OK },
        { "document", "", 1, OK },
        { "text", "text/plain", 1, ERR_SYNTAX },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[128];
        struct arena a;
        struct why why;
        json *message;
        arena_init(&a, 65536);
        snprintf(text, sizeof text, "{\"type\":\"%s\",\"%s\":{\"media\":\"med_x\"}}", cases[i].type,
                 cases[i].type);
        assert_int_equal(json_parse(slice_str(text), &a, &message, &why), OK);
        assert_int_equal(whatsapp_file_fits(message, slice_str(cases[i].mime), cases[i].size, &why),
                         cases[i].rc);
        assert_int_equal(whatsapp_file(message).len,
                         slice_eq(slice_str(cases[i].type), SLICE("text")) ? 0 : 5);
        arena_free(&a);
    }
}

/* Wherever a message names a file of ours: Meta's id takes its place, and nothing else changes. */
static void files_in_messages(void **state UNUSED)
{
#define HEADER_OF(file)                                                                            \
    "{\"name\":\"oferta\",\"language\":%s,\"components\":[{\"type\":\"body\","                     \
    "\"parameters\":[{\"type\":\"text\",\"text\":\"Ana\"}]},{\"type\":\"HEADER\","                 \
    "\"parameters\":[" file "],\"x\":1}]}"
    static const struct {
        const char *type, *message, *body;
    } cases[] = {
        { "image", "{\"media\":\"med_0000000000001\",\"caption\":\"Oi\"}",
          "{\"id\":\"777\",\"caption\":\"Oi\"}" },
        { "template", HEADER_OF("{\"type\":\"image\",\"image\":{\"media\":\"med_0000000000001\"}}"),
          HEADER_OF("{\"type\":\"image\",\"image\":{\"id\":\"777\"}}") },
        { "template",
          HEADER_OF("{\"type\":\"document\",\"document\":{\"filename\":\"a.pdf\","
                    "\"media\":\"med_0000000000001\"}}"),
          HEADER_OF("{\"type\":\"document\",\"document\":{\"id\":\"777\",\"filename\":"
                    "\"a.pdf\"}}") },
        { "interactive",
          "{\"type\":\"button\",\"header\":{\"type\":\"video\",\"video\":{\"media\":"
          "\"med_0000000000001\"}},\"body\":{\"text\":\"Oi\"},\"action\":{\"buttons\":[{"
          "\"type\":\"reply\",\"reply\":{\"id\":\"1\",\"title\":\"Sim\"}}]}}",
          "{\"type\":\"button\",\"header\":{\"type\":\"video\",\"video\":{\"id\":"
          "\"777\"}},\"body\":{\"text\":\"Oi\"},\"action\":{\"buttons\":[{"
          "\"type\":\"reply\",\"reply\":{\"id\":\"1\",\"title\":\"Sim\"}}]}}" },
    };
    struct settings cfg = settings_of("");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct outgoing out;
        struct why why;
        char text[1024], want[1024];
        int n = snprintf(text, sizeof text,
                         "{\"to\":\"+5511999990005\",\"type\":\"%s\",\"%s\":", cases[i].type,
                         cases[i].type);
        n += snprintf(text + n, sizeof text - (size_t)n, cases[i].message, "\"pt_BR\"");
        snprintf(text + n, sizeof text - (size_t)n, "}");
        n = snprintf(want, sizeof want, "\"%s\":", cases[i].type);
        snprintf(want + n, sizeof want - (size_t)n, cases[i].body, "{\"code\":\"pt_BR\"}");
        struct outgoing_delivery d = delivery_of(slice_str(text));
        struct verdict v = dest_whatsapp_cloud.admit(&d, &cfg, 1, &arena);
        if (v.kind != VERDICT_DELIVERED) fail_msg("%zu: %s", i, v.reason);
        assert_int_equal(dest_whatsapp_cloud.render(&d, 1, &cfg, 1, &arena, &out, &why), ERR_BUSY);
        assert_slice(d.needs_file, SLICE("med_0000000000001"));
        d.file = SLICE("777");
        assert_int_equal(dest_whatsapp_cloud.render(&d, 1, &cfg, 1, &arena, &out, &why), OK);
        if (slice_find_slice(out.body, slice_str(want)) == out.body.len)
            fail_msg("%zu: %.*s\nwithout %s", i, SLICE_ARG(out.body), want);
        assert_int_equal(slice_find_slice(out.body, SLICE("med_")), out.body.len);
    }
}

/* What is checked is the file's type against the header's. */
static void files_of_headers(void **state UNUSED)
{
    static const struct {
        const char *message, *mime;
        enum err rc;
    } cases[] = {
        { "{\"type\":\"template\",\"template\":{\"components\":[{\"type\":\"header\","
          "\"parameters\":[{\"type\":\"video\",\"video\":{\"media\":\"med_x\"}}]}]}}",
          "video/mp4", OK },
        { "{\"type\":\"template\",\"template\":{\"components\":[{\"type\":\"header\","
          "\"parameters\":[{\"type\":\"video\",\"video\":{\"media\":\"med_x\"}}]}]}}",
          "image/jpeg", ERR_SYNTAX },
        { "{\"type\":\"interactive\",\"interactive\":{\"header\":{\"type\":\"image\","
          "\"image\":{\"media\":\"med_x\"}}}}",
          "image/png", OK },
        { "{\"type\":\"interactive\",\"interactive\":{\"header\":{\"type\":\"image\","
          "\"image\":{\"media\":\"med_x\"}}}}",
          "application/pdf", ERR_SYNTAX },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct why why;
        json *message;
        assert_int_equal(json_parse(slice_str(cases[i].message), &arena, &message, &why), OK);
        assert_slice(whatsapp_file(message), SLICE("med_x"));
        assert_int_equal(whatsapp_file_fits(message, slice_str(cases[i].mime), 1, &why),
                         cases[i].rc);
    }
}

static void answers_to_an_upload(void **state UNUSED)
{
    static const struct {
        int status;
        const char *body;
        enum verdict_kind kind;
    } cases[] = {
        { 200, "{\"id\":\"123\"}", VERDICT_DELIVERED },
        { 200, "{\"id\":123}", VERDICT_DELIVERED },
        { 200, "{}", VERDICT_RETRY },
        { 200, "<html>", VERDICT_RETRY },
        { 0, "", VERDICT_RETRY },
        { 502, "", VERDICT_RETRY },
        { 500, "{\"error\":{\"code\":100}}", VERDICT_RETRY },
        { 400, "{\"error\":{\"code\":100}}", VERDICT_DEAD },
        { 401, "{\"error\":{\"code\":190}}", VERDICT_UNAUTHORISED },
        { 400, "{\"error\":{\"code\":80007}}", VERDICT_PAUSE },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reply r = { .status = cases[i].status,
                           .body = slice_str(cases[i].body),
                           .sent = true };
        struct arena a;
        arena_init(&a, 1 << 20);
        struct verdict v = whatsapp_file_uploaded(&r, NULL, &a);
        assert_int_equal(v.kind, cases[i].kind);
        assert_string_equal(v.remote_id, v.kind == VERDICT_DELIVERED ? "123" : "");
        arena_free(&a);
    }
}

int main(int argc, char **argv)
{
    tests_dir = argc > 1 ? argv[1] : "tests";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_ours),
        cmocka_unit_test(answers_to_an_upload),
        cmocka_unit_test_setup_teardown(files_in_messages, setup, teardown),
        cmocka_unit_test_setup_teardown(files_of_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(bodies, setup, teardown),
        cmocka_unit_test_setup_teardown(mistakes, setup, teardown),
        cmocka_unit_test_setup_teardown(judged, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_outcomes, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_settings, setup, teardown),
        cmocka_unit_test_setup_teardown(routed_events, setup, teardown),
        cmocka_unit_test_setup_teardown(probe, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
