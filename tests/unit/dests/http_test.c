/* http_test.c: the published Standard Webhooks vector, requests, answers and settings of the kind
 * "http". */
#include "dests/http.h"

#include "test.h"

static struct arena arena;

static int setup(void **state UNUSED)
{
    arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state UNUSED)
{
    arena_fail_nth(0);
    arena_free(&arena);
    return 0;
}

static enum err read_settings(const char *text, struct settings *cfg, struct why *why)
{
    json *given;
    assert_int_equal(json_parse(slice_str(text), &arena, &given, NULL), OK);
    enum err rc =
        settings_read(dest_http.settings, dest_http.setting_count, given, NULL, &arena, cfg, why);
    if (rc == OK) rc = settings_check_given(cfg, why);
    return rc == OK ? dest_http.check(cfg, why) : rc;
}

/* standard-webhooks/standard-webhooks, libraries/python/tests/test_webhooks.py; Svix's own in its
 * documentation. */
static void published_vectors(void **state UNUSED)
{
    static const struct {
        const char *secret, *id, *time, *body, *want;
    } cases[] = {
        { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
          "{\"test\": 2432232314}", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" },
        { "whsec_plJ3nmyCDGBKInavdOK15jsl", "msg_loFOjxBNrRLzqYUf", "1731705121",
          "{\"event_type\":\"ping\",\"data\":{\"success\":true}}",
          "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        slice secret = slice_str(cases[i].secret), bare = slice_sub(secret, 6, secret.len);
        slice id = slice_str(cases[i].id), time = slice_str(cases[i].time),
              body = slice_str(cases[i].body);
        assert_slice(http_signatures(&secret, 1, id, time, body, &arena), slice_str(cases[i].want));
        /* without its prefix: the libraries' reading first, then the characters themselves */
        slice both = http_signatures(&bare, 1, id, time, body, &arena);
        assert_true(slice_starts(both, slice_str(cases[i].want)));
        assert_int_equal(both.len, 2 * strlen(cases[i].want) + 1);
    }
    const slice two[] = { SLICE("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), SLICE("plain text") };
    slice signatures = http_signatures(two, 2, SLICE("i"), SLICE("1"), SLICE(""), &arena);
    assert_int_equal(signatures.len, 2 * 47 + 1);
    assert_int_equal(slice_find(signatures, ' '), 47);
    assert_int_equal(http_signatures(NULL, 0, SLICE("i"), SLICE("1"), SLICE(""), &arena).len, 0);
}

static struct outgoing_delivery delivery(const char *data)
{
    return (struct outgoing_delivery){ .event = { .id = SLICE("evt_01h2xcejqtf2n"),
                                                  .type = SLICE("order.paid"),
                                                  .occurred_ms = 1773145110500,
                                                  .data = slice_str(data) },
                                       .key = SLICE("evt_01h2xcejqtf2n") };
}

static slice header(const struct outgoing *out, const char *name, bool *secret)
{
    for (size_t i = 0; i < out->header_count; i++) {
        if (!slice_eq_nocase(out->headers[i].name, slice_str(name))) continue;
        if (secret) *secret = out->headers[i].secret;
        return out->headers[i].value;
    }
    return (slice){ NULL, 0 };
}

static void requests(void **state UNUSED)
{
    struct settings cfg;
    struct outgoing out;
    bool secret = false;
    assert_int_equal(
        read_settings(
            "{\"url\":\"https://crm.example/hooks\",\"secret\":\"plain text\",\"method\":\"PUT\","
            "\"headers\":{\"X-Shop\":\"7\"},\"secret_headers\":[\"Authorization: Bearer t0p\"]}",
            &cfg, NULL),
        OK);
    struct outgoing_delivery d = delivery("{\"id\":\"evt_01h2xcejqtf2n\",\"n\":1.50}");
    assert_int_equal(dest_http.render(&d, 1, &cfg, 1773145111900, &arena, &out, NULL), OK);
    assert_slice(out.method, SLICE("PUT"));
    assert_slice(out.url, SLICE("https://crm.example/hooks"));
    assert_slice(out.body,
                 SLICE("{\"type\":\"order.paid\",\"timestamp\":\"2026-03-10T12:18:30.500Z\","
                       "\"data\":{\"id\":\"evt_01h2xcejqtf2n\",\"n\":1.50}}"));
    assert_true(d.part.ptr == out.body.ptr && d.part.len == out.body.len);
    assert_slice(header(&out, "webhook-id", NULL), SLICE("evt_01h2xcejqtf2n"));
    assert_slice(header(&out, "webhook-timestamp", NULL), SLICE("1773145111"));
    assert_slice(header(&out, "User-Agent", NULL), SLICE("Malote/" MALOTE_VERSION));
    assert_slice(header(&out, "X-Shop", &secret), SLICE("7"));
    assert_false(secret);
    assert_slice(header(&out, "Authorization", &secret), SLICE("Bearer t0p"));
    assert_true(secret);
    slice key = SLICE("plain text");
    assert_slice(header(&out, "webhook-signature", NULL),
                 http_signatures(&key, 1, d.event.id, SLICE("1773145111"), out.body, &arena));
    slice delivery_key;
    assert_int_equal(dest_http.delivery_key(&d.event, &cfg, &arena, &delivery_key, NULL), OK);
    assert_slice(delivery_key, d.event.id);
    d = delivery("{\"a\":");
    assert_int_equal(dest_http.render(&d, 1, &cfg, 1, &arena, &out, NULL), ERR_SYNTAX);
    assert_int_equal(dest_http.probe(&cfg, 1773145111900, 255, &arena, &out, NULL), OK);
    assert_slice(header(&out, "webhook-id", NULL), SLICE("probe_00000000000000ff"));
    assert_true(slice_starts(out.body, SLICE("{\"type\":\"malote.probe\",")));
    assert_int_equal(read_settings("{\"url\":\"http://x/\"}", &cfg, NULL), OK);
    assert_int_equal(dest_http.probe(&cfg, 1, 1, &arena, &out, NULL), OK);
    assert_null(header(&out, "webhook-signature", NULL).ptr);
}

static void answers(void **state UNUSED)
{
    static const struct {
        int status;
        enum verdict_kind want;
        int64_t asked_ms, wait_ms;
    } cases[] = {
        { 200, VERDICT_DELIVERED, 0, 0 },
        { 201, VERDICT_DELIVERED, 0, 0 },
        { 204, VERDICT_DELIVERED, 0, 0 },
        { 299, VERDICT_DELIVERED, 0, 0 },
        { 301, VERDICT_DEAD, 0, 0 },
        { 307, VERDICT_DEAD, 0, 0 },
        { 400, VERDICT_DEAD, 0, 0 },
        { 401, VERDICT_UNAUTHORISED, 0, 0 },
        { 403, VERDICT_UNAUTHORISED, 0, 0 },
        { 404, VERDICT_DEAD, 0, 0 },
        { 408, VERDICT_RETRY, 0, 0 },
        { 410, VERDICT_UNAUTHORISED, 0, 0 },
        { 422, VERDICT_DEAD, 5000, 0 },
        { 425, VERDICT_RETRY, 0, 0 },
        { 429, VERDICT_RETRY, 5000, 5000 },
        { 500, VERDICT_RETRY, 0, 0 },
        { 503, VERDICT_RETRY, 120000, 120000 },
        { 599, VERDICT_RETRY, 0, 0 },
        { 0, VERDICT_RETRY, 0, 0 },
        { 101, VERDICT_RETRY, 0, 0 },
        { 429, VERDICT_RETRY, INT64_MAX, 86400000 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reply r = { .status = cases[i].status,
                           .retry_after_ms = cases[i].asked_ms,
                           .error = SLICE("reset") };
        struct verdict v = dest_http.judge(&r, 1, NULL, &arena);
        if (v.kind != cases[i].want || v.wait_ms != cases[i].wait_ms)
            fail_msg("%d: %s", cases[i].status, v.reason);
    }
}

static void bad_settings(void **state UNUSED)
{
    static const char *const cases[] = {
        "{}",
        "{\"url\":\"ftp://x\"}",
        "{\"url\":\"https://x/#y\"}",
        "{\"url\":\"https://x\",\"secret\":\"\"}",
        "{\"url\":\"https://x\",\"secret\":\"whsec_short\"}",
        "{\"url\":\"https://x\",\"secret\":\"whsec_!!!!\"}",
        "{\"url\":\"https://x\",\"secret\":\"whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"}",
        "{\"url\":\"https://x\",\"secret\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}",
        "{\"url\":\"https://x\",\"headers\":{\"a b\":\"c\"}}",
        "{\"url\":\"https://x\",\"headers\":{\"X\":\"a\\r\\nb: c\"}}",
        "{\"url\":\"https://x\",\"headers\":{\"Webhook-Id\":\"1\"}}",
        "{\"url\":\"https://x\",\"headers\":{\"Content-Length\":\"1\"}}",
        "{\"url\":\"https://x\",\"secret_headers\":[\"Host: y\"]}",
        "{\"url\":\"https://x\",\"method\":\"GET\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct settings cfg;
        struct why why = { .code = OK };
        if (read_settings(cases[i], &cfg, &why) != ERR_SYNTAX) fail_msg("taken: %s", cases[i]);
        assert_null(strstr(why.text, "MfKQ9r8"));
    }
}

static void full_arena_is_a_limit(void **state UNUSED)
{
    struct settings cfg;
    struct outgoing out;
    struct outgoing_delivery d = delivery("{\"a\":1}");
    assert_int_equal(
        read_settings("{\"url\":\"https://x\",\"secret\":\"s\",\"headers\":{\"X\":\"1\"}}", &cfg,
                      NULL),
        OK);
    enum err rc = ERR_LIMIT;
    uint64_t nth = 1;
    for (; rc != OK && nth < 100; nth++) {
        arena_fail_nth(nth);
        rc = dest_http.render(&d, 1, &cfg, 1, &arena, &out, NULL);
        assert_true(rc == OK || rc == ERR_LIMIT);
    }
    assert_int_equal(rc, OK);
    assert_true(nth > 4);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = { TEST(published_vectors), TEST(requests), TEST(answers),
                                        TEST(bad_settings), TEST(full_arena_is_a_limit) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
