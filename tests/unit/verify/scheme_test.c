/* scheme_test.c: every vector of tests/golden/signatures, and tables for what the vectors leave
 * out. */
#include "verify/scheme.h"

#include "base/text.h"

#include "test.h"

static const char *tests_dir;

enum { HEADERS_MAX = 8, SECRETS_MAX = 4 };

/* One request to verify and the secrets for it. */
struct attempt {
    struct request r;
    struct header headers[HEADERS_MAX];
    struct setting_pair secrets[SECRETS_MAX];
    struct scheme s;
};

/* The vectors name schemes and places that are settings here. */
static void pick_scheme(struct attempt *at, slice name, json *vector)
{
    if (slice_eq(name, SLICE("mercadopago"))) name = SLICE("mercado-pago");
    if (scheme_find(name, &at->s.kind)) return;
    at->s.kind = SCHEME_TOKEN;
    at->s.header = json_get_text(vector, "token_header");
    at->s.query = json_get_text(vector, "token_param");
    if (slice_eq(name, SLICE("signature-header"))) {
        at->s.kind = SCHEME_HMAC;
        at->s.hash = HASH_SHA256;
        at->s.header = SLICE("Signature");
    }
}

static void read_vector(json *v, struct attempt *at)
{
    size_t index, max;
    json *key, *val;
    *at = (struct attempt){ 0 };
    pick_scheme(at, json_get_text(v, "scheme"), v);
    yyjson_obj_foreach(json_get(v, "headers"), index, max, key, val)
    {
        assert_true(index < HEADERS_MAX);
        at->headers[index] = (struct header){ json_str(key), json_text(val) };
        at->r.header_count = max;
    }
    yyjson_arr_foreach(json_get(v, "secrets"), index, max, val)
    {
        assert_true(index < SECRETS_MAX);
        at->secrets[index].value = json_str(val);
        at->s.secret_count = max;
    }
    slice url = json_get_text(v, "url");
    size_t mark = slice_find(url, '?');
    at->r.query = slice_sub(url, mark + 1, url.len);
    at->r.headers = at->headers;
    at->r.body = test_exact(json_get_text(v, "body"));
    at->s.secrets = at->secrets;
    (void)json_i64(json_get(v, "tolerance_seconds"), &at->s.tolerance_s);
}

static void vectors(void **state UNUSED)
{
    /* Reasons of the vectors that are our words as well. */
    static const char *const words[] = { "expired",    "too_new",       "missing_signature",
                                         "missing_id", "bad_timestamp", "missing_timestamp",
                                         "wrong_token" };
    struct arena a;
    arena_init(&a, 1 << 24);
    json *root = NULL, *v;
    slice file = test_file(tests_dir, "golden/signatures/signatures.json", &a);
    assert_int_equal(json_parse(file, &a, &root, NULL), OK);
    json *list = json_get(root, "vectors");
    size_t index, max, wrong = 0, named = 0;
    assert_int_equal(yyjson_arr_size(list), 99);
    yyjson_arr_foreach(list, index, max, v)
    {
        struct attempt at;
        struct why why = { 0 };
        int64_t now = 0;
        read_vector(v, &at);
        assert_true(json_i64(json_get(v, "now"), &now));
        assert_int_equal(scheme_check(&at.s, &why), OK);
        bool want = json_truth(json_get(v, "valid"));
        /* A timestamp in whole seconds counts the whole of our second. */
        enum err rc = scheme_verify(&at.s, &at.r, now * 1000 + (want ? 999 : 0), &a, &why);
        if (rc != (want ? OK : ERR_DENIED)) {
            print_error("%.*s: %s %s\n", SLICE_ARG(json_get_text(v, "id")), err_name(rc), why.text);
            wrong++;
        }
        for (size_t i = 0; i < ARRAY_LEN(words); i++) {
            if (!slice_eq(json_get_text(v, "reason"), slice_str(words[i]))) continue;
            assert_string_equal(why.text, words[i]);
            named++;
        }
        for (size_t i = 0; i < at.s.secret_count; i++) /* reasons never give a secret away */
            if (at.secrets[i].value.len > 3)
                assert_int_equal(slice_find_slice(slice_str(why.text), at.secrets[i].value),
                                 strlen(why.text));
        free((void *)(uintptr_t)at.r.body.ptr);
    }
    assert_int_equal(wrong, 0);
    assert_true(named >= 10);
    arena_free(&a);
}

/* A request that verifies, then one change at a time. */
#define BODY "{\"test\": 2432232314}"
#define WHSEC "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define GOOD "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define PUBLIC_KEY "whpk_Ln67+A8TOKZ6+NmsY9jbFGICMYS6KO1iuzRzNtnrVLw="
/* HMAC-SHA256 of the same message, keyed with the bytes of PUBLIC_KEY: what anyone could make. */
#define FORGED "v1,j51yTRFWwFxJzPWOzWHlbxeJYwCvtpbZVGeCssDgO7k="

static enum err try_standard(const char *secret, const char *id, const char *signature, bool twice,
                             struct why *why)
{
    struct arena a;
    arena_init(&a, 1 << 16);
    const struct header headers[] = {
        { SLICE("webhook-id"), slice_str(id) },
        { SLICE("webhook-timestamp"), SLICE("1614265330") },
        { SLICE("webhook-signature"), slice_str(signature) },
        { SLICE("Webhook-Signature"), slice_str(signature) },
    };
    struct request r = { .headers = headers, .header_count = twice ? 4 : 3, .body = SLICE(BODY) };
    struct setting_pair secrets[] = { { .value = slice_str(secret) } };
    struct scheme s = { .kind = SCHEME_STANDARD_WEBHOOKS, .secrets = secrets, .secret_count = 1 };
    enum err rc = scheme_verify(&s, &r, 1614265330000, &a, why);
    arena_free(&a);
    return rc;
}

static void standard_webhooks_traps(void **state UNUSED)
{
    static const struct {
        const char *secret, *id, *signature;
        bool twice;
        const char *word; /* "" = verifies */
    } cases[] = {
        { WHSEC, "msg_p5jXN8AQM9LWM0D4loKWxJek", GOOD, false, "" },
        { WHSEC, "msg_p5jXN8AQM9LWM0D4loKWxJek", GOOD, true, "repeated_header" },
        { WHSEC, "msg_p5jXN8AQM9LWM0D4loKWxJek.1", GOOD, false, "bad_id" },
        { WHSEC, "", GOOD, false, "missing_id" },
        { "", "msg_p5jXN8AQM9LWM0D4loKWxJek", GOOD, false, "no_secret" },
        { "whsec_", "msg_p5jXN8AQM9LWM0D4loKWxJek", GOOD, false, "bad_signature" },
        { "whsec_!!", "msg_p5jXN8AQM9LWM0D4loKWxJek", GOOD, false, "bad_signature" },
        { PUBLIC_KEY, "msg_p5jXN8AQM9LWM0D4loKWxJek", FORGED, false, "bad_signature" },
        { WHSEC, "msg_p5jXN8AQM9LWM0D4loKWxJek",
          "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", false, "bad_signature" },
        { WHSEC, "msg_p5jXN8AQM9LWM0D4loKWxJek",
          "V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", false, "bad_signature" },
        { WHSEC, "msg_p5jXN8AQM9LWM0D4loKWxJek",
          "v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a " GOOD,
          false, "too_many_signatures" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct why why = { 0 };
        enum err rc =
            try_standard(cases[i].secret, cases[i].id, cases[i].signature, cases[i].twice, &why);
        assert_string_equal(why.text, cases[i].word);
        assert_int_equal(rc, cases[i].word[0] ? ERR_DENIED : OK);
    }
}

static enum err run_one(struct scheme s, const struct header *headers, size_t count, slice query,
                        slice body, const char *secret)
{
    struct arena a;
    arena_init(&a, 1 << 16);
    struct setting_pair secrets[] = { { .value = slice_str(secret) } };
    struct request r = { .headers = headers, .header_count = count, .query = query, .body = body };
    s.secrets = secrets;
    s.secret_count = 1;
    enum err rc = scheme_verify(&s, &r, 1800000000000, &a, NULL);
    arena_free(&a);
    return rc;
}

static void no_weaker_way_in(void **state UNUSED)
{
    slice body = SLICE("{\"secret\":\"s3\",\"event\":\"x\"}");
    struct scheme cakto = { .kind = SCHEME_CAKTO };
    struct header time_only[] = { { SLICE("X-Cakto-Timestamp"), SLICE("1800000000") } };
    struct header empty[] = { { SLICE("x-cakto-signature"), SLICE("") } };
    assert_int_equal(run_one(cakto, NULL, 0, SLICE(""), body, "s3"), OK);
    assert_int_equal(run_one(cakto, time_only, 1, SLICE(""), body, "s3"), ERR_DENIED);
    assert_int_equal(run_one(cakto, empty, 1, SLICE(""), body, "s3"), ERR_DENIED);
    assert_int_equal(run_one(cakto, NULL, 0, SLICE(""), SLICE("{\"secret\":\"\"}"), ""),
                     ERR_DENIED);
    assert_int_equal(run_one(cakto, NULL, 0, SLICE(""), SLICE("{\"secret\":7}"), "7"), ERR_DENIED);
    assert_int_equal(run_one(cakto, NULL, 0, SLICE(""), SLICE("[]"), "s3"), ERR_DENIED);
    assert_int_equal(run_one(cakto, NULL, 0, SLICE(""), SLICE(""), "s3"), ERR_DENIED);

    struct scheme query = { .kind = SCHEME_TOKEN, .query = SLICE("t") };
    assert_int_equal(run_one(query, NULL, 0, SLICE("t=a%2Bb"), body, "a+b"), OK);
    assert_int_equal(run_one(query, NULL, 0, SLICE("t=a%2Bb&t=a%2Bb"), body, "a+b"), ERR_DENIED);
    assert_int_equal(run_one(query, NULL, 0, SLICE("t="), body, ""), ERR_DENIED);
    struct scheme bearer = { .kind = SCHEME_TOKEN,
                             .header = SLICE("authorization"),
                             .prefix = SLICE("Bearer ") };
    struct header token[] = { { SLICE("Authorization"), SLICE("Bearer abc") } };
    assert_int_equal(run_one(bearer, token, 1, SLICE(""), body, "abc"), OK);
    assert_int_equal(run_one(bearer, token, 1, SLICE(""), body, "Bearer abc"), ERR_DENIED);
}

/* One empty secret among several must not let in what anyone can sign, nor an empty token. */
static void empty_secret_beside_a_real_one(void **state UNUSED)
{
    static const struct header by_nobody[] = {
        { SLICE_INIT("X-Hub-Signature-256"),
          SLICE_INIT("sha256="
                     "22f8eea909400af98adf3681a9f31923ef6b7fcba4abb553d92823a3e9d5c25e") },
    };
    const struct setting_pair secrets[] = { { .value = SLICE("") }, { .value = SLICE("real") } };
    struct arena a;
    arena_init(&a, 1 << 16);
    struct scheme s = { .kind = SCHEME_GITHUB, .secrets = secrets, .secret_count = 2 };
    struct request r = { .headers = by_nobody, .header_count = 1, .body = SLICE("{}") };
    assert_int_equal(scheme_verify(&s, &r, 0, &a, NULL), ERR_DENIED);
    s = (struct scheme){ .kind = SCHEME_TOKEN,
                         .secrets = secrets,
                         .secret_count = 2,
                         .header = SLICE("x-hub-signature-256"),
                         .prefix = by_nobody[0].value };
    assert_int_equal(scheme_verify(&s, &r, 0, &a, NULL), ERR_DENIED);
    arena_free(&a);
}

/* What we sign by a template must be what we verify by it. */
static void own_templates(void **state UNUSED)
{
    static const struct {
        enum hash_kind hash;
        bool base64;
        const char *template, *message;
    } cases[] = {
        { HASH_SHA1, false, "", BODY },
        { HASH_SHA512, true, "{body}", BODY },
        { HASH_SHA256, false, "{timestamp}.{body}", "1800000000." BODY },
        { HASH_SHA256, true, "v0:{timestamp}:{id}:{body}!", "v0:1800000000:m-1:" BODY "!" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t mac[HASH_BYTES_MAX];
        char text[2 * HASH_BYTES_MAX + 3] = "p=";
        slice message = slice_str(cases[i].message), template = slice_str(cases[i].template),
              key = SLICE("k");
        slice raw = slice_of(mac, hash_hmac(cases[i].hash, key, &message, 1, mac));
        slice sent = cases[i].base64 ? text_base64(raw, text + 2) : text_hex(raw, text + 2);
        struct header headers[] = {
            { SLICE("X-Sig"), slice_of(text, sent.len + 2) },
            { SLICE("X-Time"), SLICE("1800000000") },
            { SLICE("X-Id"), SLICE("m-1") },
        };
        struct scheme s = { .kind = SCHEME_HMAC,
                            .header = SLICE("x-sig"),
                            .prefix = SLICE("p="),
                            .hash = cases[i].hash,
                            .base64 = cases[i].base64,
                            .template = template };
        if (slice_find_slice(template, SLICE("{timestamp}")) < template.len)
            s.timestamp_header = SLICE("x-time");
        if (slice_find_slice(template, SLICE("{id}")) < template.len) s.id_header = SLICE("x-id");
        struct setting_pair secret = { .value = key };
        s.secrets = &secret;
        s.secret_count = 1;
        assert_int_equal(scheme_check(&s, NULL), OK);
        assert_int_equal(run_one(s, headers, 3, SLICE(""), SLICE(BODY), "k"), OK);
        assert_int_equal(run_one(s, headers, 3, SLICE(""), SLICE(BODY " "), "k"), ERR_DENIED);
        text[5] = text[5] == '0' ? '1' : '0';
        assert_int_equal(run_one(s, headers, 3, SLICE(""), SLICE(BODY), "k"), ERR_DENIED);
    }
}

/* Two ways to cut the same signed bytes: only the honest one verifies. */
static void boundaries_do_not_shift(void **state UNUSED)
{
    uint8_t mac[HASH_BYTES_MAX];
    char hex[2 * HASH_BYTES_MAX];
    slice message = SLICE("a|b|{}");
    slice sent = text_hex(slice_of(mac, hash_hmac(HASH_SHA256, SLICE("k"), &message, 1, mac)), hex);
    struct header honest[] = { { SLICE("sig"), sent }, { SLICE("id"), SLICE("a") } };
    struct header shifted[] = { { SLICE("sig"), sent }, { SLICE("id"), SLICE("a|b") } };
    struct scheme own = { .kind = SCHEME_HMAC,
                          .hash = HASH_SHA256,
                          .header = SLICE("sig"),
                          .id_header = SLICE("id"),
                          .template = SLICE("{id}|{body}") };
    assert_int_equal(run_one(own, honest, 2, SLICE(""), SLICE("b|{}"), "k"), OK);
    assert_int_equal(run_one(own, shifted, 2, SLICE(""), SLICE("{}"), "k"), ERR_DENIED);

    message = SLICE("id:1;request-id:r;ts:1800000000;");
    sent = text_hex(slice_of(mac, hash_hmac(HASH_SHA256, SLICE("k"), &message, 1, mac)), hex);
    char list[256];
    int len = snprintf(list, sizeof list, "ts=1800000000,v1=%.*s", SLICE_ARG(sent));
    struct header pair[] = { { SLICE("x-signature"), slice_of(list, (size_t)len) },
                             { SLICE("x-request-id"), SLICE("r") } };
    struct scheme mercado = { .kind = SCHEME_MERCADO_PAGO };
    assert_int_equal(run_one(mercado, pair, 2, SLICE("data.id=1"), SLICE(""), "k"), OK);
    assert_int_equal(run_one(mercado, pair, 1, SLICE("data.id=1;request-id:r"), SLICE(""), "k"),
                     ERR_DENIED);
}

static void settings_that_do_not_go_together(void **state UNUSED)
{
    static struct setting_pair secret = { .value = SLICE_INIT("s") },
                               empty = { .value = SLICE_INIT("") };
    const struct {
        struct scheme s;
        enum err want;
    } cases[] = {
        { { .kind = SCHEME_NONE }, OK },
        { { .kind = SCHEME_NONE, .secrets = &secret, .secret_count = 1 }, ERR_SYNTAX },
        { { .kind = SCHEME_GITHUB }, ERR_SYNTAX },
        { { .kind = SCHEME_GITHUB, .secrets = &secret, .secret_count = 1 }, OK },
        { { .kind = SCHEME_GITHUB, .secrets = &empty, .secret_count = 1 }, ERR_SYNTAX },
        { { .kind = SCHEME_GITHUB, .secrets = &secret, .secret_count = 1, .header = SLICE("x") },
          ERR_SYNTAX },
        { { .kind = SCHEME_TOKEN, .secrets = &secret, .secret_count = 1 }, ERR_SYNTAX },
        { { .kind = SCHEME_TOKEN, .secrets = &secret, .secret_count = 1, .header = SLICE("x") },
          OK },
        { { .kind = SCHEME_TOKEN,
            .secrets = &secret,
            .secret_count = 1,
            .header = SLICE("x"),
            .query = SLICE("y") },
          ERR_SYNTAX },
        { { .kind = SCHEME_TOKEN, .secrets = &secret, .secret_count = 1, .pointer = SLICE("a") },
          ERR_SYNTAX },
        { { .kind = SCHEME_TOKEN,
            .secrets = &secret,
            .secret_count = 1,
            .header = SLICE("x"),
            .template = SLICE("{body}") },
          ERR_SYNTAX },
        { { .kind = SCHEME_HMAC, .secrets = &secret, .secret_count = 1 }, ERR_SYNTAX },
        { { .kind = SCHEME_HMAC, .secrets = &secret, .secret_count = 1, .pointer = SLICE("/a") },
          ERR_SYNTAX },
        { { .kind = SCHEME_HMAC, .secrets = &secret, .secret_count = 1, .query = SLICE("x") }, OK },
        { { .kind = SCHEME_HMAC,
            .secrets = &secret,
            .secret_count = 1,
            .query = SLICE("x"),
            .template = SLICE("{timestamp}") },
          ERR_SYNTAX },
        { { .kind = SCHEME_HMAC,
            .secrets = &secret,
            .secret_count = 1,
            .query = SLICE("x"),
            .template = SLICE("{timestamp}{body}") },
          ERR_SYNTAX },
        { { .kind = SCHEME_HMAC,
            .secrets = &secret,
            .secret_count = 1,
            .query = SLICE("x"),
            .timestamp_header = SLICE("t") },
          ERR_SYNTAX },
        { { .kind = SCHEME_HMAC,
            .secrets = &secret,
            .secret_count = 1,
            .query = SLICE("x"),
            .id_header = SLICE("t"),
            .template = SLICE("{id}|{body}") },
          OK },
        { { .kind = SCHEME_HMAC,
            .secrets = &secret,
            .secret_count = 1,
            .query = SLICE("x"),
            .template = SLICE("{body}{secret}") },
          ERR_SYNTAX },
        { { .kind = SCHEME_STANDARD_WEBHOOKS, .secrets = &secret, .secret_count = 1 }, ERR_SYNTAX },
        { { .kind = SCHEME_WOOVI_RSA, .secrets = &secret, .secret_count = 1 }, ERR_SYNTAX },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct why why = { 0 };
        if (scheme_check(&cases[i].s, &why) != cases[i].want) fail_msg("case %zu: %s", i, why.text);
    }
}

int main(int argc, char **argv)
{
    tests_dir = argc > 1 ? argv[1] : "tests";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(standard_webhooks_traps),
        cmocka_unit_test(no_weaker_way_in),
        cmocka_unit_test(own_templates),
        cmocka_unit_test(boundaries_do_not_shift),
        cmocka_unit_test(empty_secret_beside_a_real_one),
        cmocka_unit_test(settings_that_do_not_go_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
