/* http_test.c: types, keys, fields and the settings that must go together. */
#include "test.h"

#include "kind.h"

extern const struct source_kind source_http;

#define TOKEN "\"scheme\":\"token\",\"secret\":\"t0k\",\"header\":\"x-token\""
#define FULL                                                                                       \
    "{" TOKEN ",\"type_pointer\":\"/"                                                              \
    "event\",\"type_map\":{\"PAID\":\"order.paid\",\"LEFT\":\"checkout.abandoned\","               \
    "\"RENEW\":\"subscription.renewed\"},\"key_pointer\":\"/data/id\",\"time_pointer\":\"/data/"   \
    "at\","                                                                                        \
    "\"fields\":{\"contact.email\":\"/data/mail\",\"contact.name\":\"/data/"                       \
    "who\",\"order.number\":\"/data/id\","                                                         \
    "\"order.amount\":\"/data/total\",\"order.installments\":\"/data/n\",\"order.paid_at\":\"/"    \
    "data/at\","                                                                                   \
    "\"order.item.id\":\"/data/sku\",\"order.item.quantity\":\"/data/"                             \
    "n\",\"subscription.number\":\"/data/sub\","                                                   \
    "\"subscription.amount\":\"/data/total\",\"checkout.number\":\"/data/"                         \
    "cart\",\"checkout.list_price\":\"/data/total\"}"

static json *run(const char *settings, const char *body, struct arena *a, enum err want)
{
    struct why why = { 0 };
    slice out = { NULL, 0 };
    json *list = NULL;
    struct settings cfg = kind_settings(&source_http, settings, a);
    struct request r = { .body = test_exact(slice_str(body)), .received_ms = 1773144000000 };
    enum err rc = kind_run(&source_http, &r, &cfg, a, &out, &why);
    if (rc != want) fail_msg("%s: %s %s", body, err_name(rc), why.text);
    free((void *)(uintptr_t)r.body.ptr);
    if (rc != OK) return NULL;
    assert_int_equal(json_parse(out, a, &list, NULL), OK);
    if (!strstr(body, "\\\\u0000"))
        assert_int_equal(slice_find_slice(out, SLICE("\\u0000")), out.len);
    return yyjson_arr_get_first(list);
}

static void events(void **state UNUSED)
{
    static const struct {
        const char *settings, *body, *pointer, *want; /* want NULL: absent */
    } cases[] = {
        { FULL "}", "{\"event\":\"PAID\",\"data\":{\"id\":9,\"at\":\"2026-01-01T00:00:00Z\"}}",
          "/type", "order.paid" },
        { FULL "}", "{\"event\":\"PAID\",\"data\":{\"id\":9}}", "/key", "PAID:9" },
        { FULL "}", "{\"event\":\"PAID\",\"data\":{\"id\":9,\"at\":1767225600}}", "/occurred_at",
          "2026-01-01T00:00:00.000Z" },
        { FULL "}", "{\"event\":\"PAID\",\"data\":{\"id\":9,\"total\":39.9}}", "/order/amount",
          "3990" },
        { FULL "}", "{\"event\":\"PAID\",\"data\":{\"id\":9,\"total\":39.9}}", "/order/currency",
          "BRL" },
        { FULL ",\"amount_unit\":\"cents\",\"currency\":\"USD\"}",
          "{\"event\":\"PAID\",\"data\":{\"id\":9,\"total\":3990}}", "/order/amount", "3990" },
        { FULL ",\"amount_unit\":\"cents\"}",
          "{\"event\":\"PAID\",\"data\":{\"id\":9,\"total\":39.9}}", "/order/amount", NULL },
        { FULL "}", "{\"event\":\"PAID\",\"data\":{\"id\":9,\"total\":{}}}", "/order/amount",
          NULL },
        { FULL "}", "{\"event\":\"PAID\",\"data\":{\"id\":9}}", "/order/status", "paid" },
        { FULL "}", "{\"event\":\"PAID\",\"data\":{\"id\":9,\"sku\":\"A\",\"n\":3}}",
          "/order/items/0/quantity", "3" },
        { FULL "}", "{\"event\":\"PAID\",\"data\":{\"id\":9,\"sku\":\"A\",\"n\":-3}}",
          "/order/items/0/quantity", "1" },
        { FULL "}", "{\"event\":\"PAID\",\"data\":{\"id\":[9]}}", "/order", NULL },
        { FULL "}", "{\"event\":\"RENEW\",\"data\":{\"id\":9,\"sub\":\"s\",\"total\":\"1,50\"}}",
          "/subscription/amount", "150" },
        { FULL "}", "{\"event\":\"RENEW\",\"data\":{\"id\":9,\"sub\":\"s\"}}",
          "/subscription/status", "active" },
        { FULL "}", "{\"event\":\"LEFT\",\"data\":{\"id\":9,\"cart\":\"c\",\"total\":5}}",
          "/checkout/list_price", "500" },
        { FULL "}", "{\"event\":\"LEFT\",\"data\":{\"id\":9,\"cart\":\"c\"}}",
          "/checkout/abandoned", "true" },
        { FULL "}", "{\"event\":\"paid\",\"data\":{\"id\":9}}", "/type",
          "http.paid" }, /* words match exactly */
        { FULL "}", "{\"event\":\"X Y\\u0000\"}", "/type", "http.x_y" },
        { FULL "}", "{\"data\":{\"id\":9}}", "/type", "http.event" },
        { FULL ",\"type\":\"order.created\"}", "{\"data\":{\"id\":9}}", "/type", "order.created" },
        { FULL ",\"type\":\"order.created\"}", "{\"event\":\"X\",\"data\":{\"id\":9}}", "/type",
          "http.x" },
        { FULL "}", "{\"event\":\"X\",\"a\":\"b\\u0000c\",\"d\":\"\\\\u0000\"}", "/custom/a",
          "bc" },
        { FULL "}", "{\"event\":\"X\",\"a\":\"\\\\u0000\"}", "/custom/a",
          "\\u0000" }, /* that is no NUL */
        { FULL "}", "[1,2]", "/custom/body/1", "2" },
        { FULL "}", "{\"data\":{\"mail\":\"A@B.c\",\"who\":\"ana\"}}", "/contact/email", "a@b.c" },
        { "{" TOKEN ",\"type\":\"feedback.received\"}", "{\"n\":1}", "/type", "feedback.received" },
        { "{" TOKEN ",\"type\":\"feedback.received\",\"key_pointer\":\"/n\"}", "{\"n\":1}", "/key",
          "1" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        json *e = run(cases[i].settings, cases[i].body, &a, OK),
             *v = json_at(e, slice_str(cases[i].pointer));
        slice got = yyjson_is_bool(v) ? json_print(v, &a) : json_text(v);
        if (cases[i].want)
            assert_slice(got, slice_str(cases[i].want));
        else if (v)
            fail_msg("%s: %s is there", cases[i].body, cases[i].pointer);
        arena_free(&a);
    }
}

static void keys_of_bodies(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    slice one = json_get_text(run(FULL "}", "{\"event\":\"PAID\"}", &a, OK), "key");
    slice same = json_get_text(run(FULL "}", "{\"event\":\"PAID\"}", &a, OK), "key");
    slice other = json_get_text(run(FULL "}", "{\"event\":\"PAID\"} ", &a, OK), "key");
    assert_slice(one, same);
    assert_false(slice_eq(one, other));
    run(FULL "}", "not json", &a, ERR_SYNTAX);
    run(FULL "}", "", &a, ERR_SYNTAX);
    arena_free(&a);
}

static void verifies_by_its_settings(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct settings cfg = kind_settings(&source_http, FULL "}", &a);
    struct header right[] = { { SLICE("X-Token"), SLICE("t0k") } },
                  wrong[] = { { SLICE("X-Token"), SLICE("t0l") } };
    struct request r = { .headers = right, .header_count = 1, .body = SLICE("{}") };
    assert_int_equal(source_http.verify(&r, &cfg, 0, &a, NULL), OK);
    r.headers = wrong;
    assert_int_equal(source_http.verify(&r, &cfg, 0, &a, NULL), ERR_DENIED);
    /* HMAC-SHA512, base64; the algorithm's word and its number must agree */
    static const char *const hmac =
        "{\"scheme\":\"hmac\",\"secret\":[\"a\",\"k\"],\"query\":\"s\",\"algorithm\":\"sha512\","
        "\"encoding\":\"base64\",\"type\":\"x.y\"}";
    cfg = kind_settings(&source_http, hmac, &a);
    r = (struct request){ .body = SLICE("{}"), .query = SLICE("s=EIBz2xIdSpSu8ISqk6gvaLa9GTs%3D") };
    assert_int_equal(source_http.verify(&r, &cfg, 0, &a, NULL), ERR_DENIED);
    r.query = SLICE(
        "s=qlZtBZGH4J%"
        "2BeBVcDOlVXSCpSpK6imu56UC8TAclFhJsEBBtBUdqF1V9FJ2zEsDnIELBzS1AevXN6aJpZw51XSQ%3D%3D");
    assert_int_equal(source_http.verify(&r, &cfg, 0, &a, NULL), OK);
    arena_free(&a);
}

static void settings_that_do_not_go_together(void **state UNUSED)
{
    static const char *const wrong[] = {
        "{\"scheme\":\"hmac\",\"secret\":\"s\",\"type\":\"a.b\"}",
        "{\"scheme\":\"token\",\"header\":\"x\",\"type\":\"a.b\"}",
        "{\"scheme\":\"none\",\"secret\":\"s\",\"type\":\"a.b\"}",
        "{" TOKEN "}",
        "{" TOKEN ",\"type\":\"A.b\"}",
        "{" TOKEN ",\"type\":\"malote.alert\"}",
        "{" TOKEN ",\"type\":\"a.b\",\"type_map\":{\"x\":\"a.b\"}}",
        "{" TOKEN ",\"type_pointer\":\"/e\",\"type_map\":{\"x\":\"a b\"}}",
        "{" TOKEN ",\"type_pointer\":\"e\"}",
        "{" TOKEN ",\"type\":\"a.b\",\"key_pointer\":\"e\"}",
        "{" TOKEN ",\"type\":\"a.b\",\"currency\":\"brl\"}",
        "{" TOKEN ",\"type\":\"a.b\",\"fields\":{\"contact.mail\":\"/m\"}}",
        "{" TOKEN ",\"type\":\"a.b\",\"fields\":{\"contact.email\":\"m\"}}",
        "{" TOKEN ",\"type\":\"a.b\",\"fields\":{\"order.amount\":\"/m\"}}",
        "{" TOKEN ",\"type\":\"a.b\",\"fields\":{\"order.item.amount\":\"/m\"}}",
        "{" TOKEN
        ",\"type\":\"a.b\",\"fields\":{\"checkout.number\":\"/n\",\"checkout.amount\":\"/m\"}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct arena a;
        struct settings cfg;
        json *given = NULL;
        arena_init(&a, 1 << 20);
        assert_int_equal(json_parse(slice_str(wrong[i]), &a, &given, NULL), OK);
        assert_int_equal(settings_read(source_http.settings, source_http.setting_count, given, NULL,
                                       &a, &cfg, NULL),
                         OK);
        if (source_http.check(&cfg, NULL) != ERR_SYNTAX) fail_msg("taken: %s", wrong[i]);
        arena_free(&a);
    }
}

static void out_of_memory(void **state UNUSED)
{
    struct request r = {
        .body = SLICE("{\"event\":\"RENEW\",\"data\":{\"id\":9,\"mail\":\"A@b.c\",\"who\":\"ana\","
                      "\"total\":1,"
                      "\"sub\":\"s\",\"cart\":\"c\",\"sku\":\"k\"}}"),
    };
    assert_true(kind_out_of_memory(&source_http, FULL "}", &r) < 200);
    r.body = SLICE("[1,\"x\"]");
    assert_true(kind_out_of_memory(&source_http, FULL "}", &r) < 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events),
        cmocka_unit_test(keys_of_bodies),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(verifies_by_its_settings),
        cmocka_unit_test(settings_that_do_not_go_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
