/* meta_judge_test.c: every row of the answers table of docs/destinations/meta-capi.md, and what a
 * reason may not hold. */
#include "dests/meta_capi.h"

#include "test.h"

#define ERROR(code) "{\"error\":{\"message\":\"m\",\"type\":\"OAuthException\",\"code\":" code "}}"
#define ERROR2(code, sub)                                                                          \
    "{\"error\":{\"message\":\"m\",\"code\":" code ",\"error_subcode\":" sub                       \
    ",\"fbtrace_id\":\"T\"}}"
#define PASSING(code) "{\"error\":{\"code\":" code ",\"is_transient\":true}}"
#define USAGE                                                                                      \
    "{\"12\":[{\"type\":\"ads\",\"estimated_time_to_regain_access\":3},{\"estimated_time_to_"      \
    "regain_access\":7}]}"

static struct arena arena;
static struct settings cfg;

static int setup(void **state UNUSED)
{
    static const char given[] =
        "{\"pixel_id\":\"1234567890\",\"access_token\":\"EAAshort\",\"app_secret\":\"hush\"}";
    json *root;
    arena_init(&arena, 1 << 20);
    assert_int_equal(json_parse(SLICE(given), &arena, &root, NULL), OK);
    assert_int_equal(settings_read(dest_meta_capi.settings, dest_meta_capi.setting_count, root,
                                   NULL, &arena, &cfg, NULL),
                     OK);
    return 0;
}

static int teardown(void **state UNUSED)
{
    arena_free(&arena);
    return 0;
}

static struct verdict judge(int status, const char *body, size_t count, const char *usage,
                            int64_t retry_after_ms)
{
    struct dest_header header = { SLICE("x-business-use-case-usage"), slice_str(usage), false };
    slice exact = test_exact(slice_str(body));
    struct reply r = { .status = status,
                       .body = exact,
                       .headers = &header,
                       .header_count = usage ? 1 : 0,
                       .retry_after_ms = retry_after_ms,
                       .error = status ? SLICE("") : SLICE("timed out after 10000 ms") };
    struct verdict v = dest_meta_capi.judge(&r, count, &cfg, &arena);
    free((void *)(uintptr_t)exact.ptr);
    return v;
}

static void every_row(void **state UNUSED)
{
    static const struct {
        int status;
        const char *body;
        size_t count;
        enum verdict_kind want;
        int64_t wait_ms, retry_after_ms;
        const char *usage;
    } cases[] = {
        { 200, "{\"events_received\":1,\"messages\":[],\"fbtrace_id\":\"A\"}", 1, VERDICT_DELIVERED,
          0, 0, NULL },
        { 200, "{\"events_received\":1,\"messages\":[\"currency?\"]}", 1, VERDICT_DELIVERED, 0, 0,
          NULL },
        { 200, "{\"events_received\":50}", 50, VERDICT_DELIVERED, 0, 0, NULL },
        { 200, "{\"events_received\":49}", 50, VERDICT_SPLIT, 0, 0, NULL },
        { 200, "{\"events_received\":0}", 1, VERDICT_RETRY, 0, 0, NULL },
        { 200, "{}", 1, VERDICT_RETRY, 0, 0, NULL },
        { 200, "{\"id\":\"1234567890\",\"name\":\"Loja\"}", 1, VERDICT_DELIVERED, 0, 0, NULL },
        { 200, "{\"id\":\"2\"}", 1, VERDICT_RETRY, 0, 0, NULL },
        { 200, "<html>", 1, VERDICT_RETRY, 0, 0, NULL },
        { 200, "", 1, VERDICT_RETRY, 0, 0, NULL },
        { 200, "[1]", 1, VERDICT_RETRY, 0, 0, NULL },
        { 200, ERROR("190"), 1, VERDICT_UNAUTHORISED, 0, 0, NULL },
        /* transient */
        { 0, "", 1, VERDICT_RETRY, 0, 0, NULL },
        { 0, "", 50, VERDICT_RETRY, 0, 0, NULL },
        { 400, ERROR("1"), 1, VERDICT_RETRY, 0, 0, NULL },
        { 400, ERROR("2"), 50, VERDICT_RETRY, 0, 0, NULL },
        { 400, PASSING("100"), 1, VERDICT_RETRY, 0, 0, NULL },
        { 400, PASSING("368"), 1, VERDICT_RETRY, 0, 0, NULL },
        { 400, PASSING("99999"), 1, VERDICT_RETRY, 0, 0, NULL },
        { 408, "", 1, VERDICT_RETRY, 0, 0, NULL },
        { 500, "oops", 1, VERDICT_RETRY, 0, 0, NULL },
        { 500, ERROR("99999"), 1, VERDICT_RETRY, 0, 0, NULL },
        { 502, "<html>", 1, VERDICT_RETRY, 0, 0, NULL },
        { 503, "", 1, VERDICT_RETRY, 30000, 30000, NULL },
        { 504, "", 1, VERDICT_RETRY, 0, 0, NULL },
        { 400, "not json", 1, VERDICT_RETRY, 0, 0, NULL },
        { 404, "<html>", 1, VERDICT_RETRY, 0, 0, NULL },
        /* rate limits */
        { 400, ERROR("4"), 1, VERDICT_PAUSE, 60000, 0, NULL },
        { 403, PASSING("4"), 1, VERDICT_PAUSE, 60000, 0, NULL },
        { 400, ERROR2("17", "2446079"), 50, VERDICT_PAUSE, 60000, 0, NULL },
        { 400, ERROR("32"), 1, VERDICT_PAUSE, 60000, 0, NULL },
        { 400, ERROR("341"), 1, VERDICT_PAUSE, 60000, 0, NULL },
        { 400, ERROR2("613", "1487742"), 1, VERDICT_PAUSE, 60000, 0, NULL },
        { 400, ERROR("80000"), 1, VERDICT_PAUSE, 60000, 0, NULL },
        { 400, ERROR("80004"), 1, VERDICT_PAUSE, 420000, 0, USAGE },
        { 400, ERROR("80014"), 1, VERDICT_PAUSE, 60000, 0, "nonsense" },
        { 429, "", 1, VERDICT_PAUSE, 90000, 90000, NULL },
        { 429, "", 1, VERDICT_PAUSE, 60000, 1000, NULL },
        { 429, "{}", 1, VERDICT_PAUSE, 86400000, INT64_MAX, NULL },
        /* credentials and configuration */
        { 400, ERROR("190"), 1, VERDICT_UNAUTHORISED, 0, 0, NULL },
        { 400, ERROR2("190", "463"), 50, VERDICT_UNAUTHORISED, 0, 0, NULL },
        { 400, PASSING("190"), 1, VERDICT_UNAUTHORISED, 0, 0, NULL },
        { 400, ERROR("102"), 1, VERDICT_UNAUTHORISED, 0, 0, NULL },
        { 400, ERROR("3"), 1, VERDICT_UNAUTHORISED, 0, 0, NULL },
        { 403, ERROR("10"), 1, VERDICT_UNAUTHORISED, 0, 0, NULL },
        { 403, ERROR("200"), 1, VERDICT_UNAUTHORISED, 0, 0, NULL },
        { 403, ERROR("299"), 1, VERDICT_UNAUTHORISED, 0, 0, NULL },
        { 400, ERROR2("100", "33"), 50, VERDICT_UNAUTHORISED, 0, 0, NULL },
        { 400, ERROR("2635"), 1, VERDICT_UNAUTHORISED, 0, 0, NULL },
        { 401, "", 1, VERDICT_UNAUTHORISED, 0, 0, NULL },
        { 403, "<html>", 1, VERDICT_UNAUTHORISED, 0, 0, NULL },
        { 401, ERROR("99999"), 1, VERDICT_UNAUTHORISED, 0, 0, NULL },
        /* the event */
        { 400, ERROR("100"), 1, VERDICT_DEAD, 0, 0, NULL },
        { 400, ERROR2("100", "2804003"), 1, VERDICT_DEAD, 0, 0, NULL },
        { 400, ERROR2("100", "2804050"), 50, VERDICT_SPLIT, 0, 0, NULL },
        { 400, ERROR("2500"), 1, VERDICT_DEAD, 0, 0, NULL },
        { 400, ERROR("2500"), 2, VERDICT_SPLIT, 0, 0, NULL },
        { 400, ERROR("368"), 1, VERDICT_UNAUTHORISED, 0, 0, NULL },
        { 400, ERROR("99999"), 1, VERDICT_DEAD, 0, 0, NULL },
        { 404, ERROR("803"), 2, VERDICT_SPLIT, 0, 0, NULL },
        { 400, "{}", 1, VERDICT_DEAD, 0, 0, NULL },
        { 400, "{\"error\":\"text\"}", 1, VERDICT_DEAD, 0, 0, NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct verdict v = judge(cases[i].status, cases[i].body, cases[i].count, cases[i].usage,
                                 cases[i].retry_after_ms);
        if (v.kind != cases[i].want || v.wait_ms != cases[i].wait_ms)
            fail_msg("row %zu (%d %s): %s %lld \"%s\"", i, cases[i].status, cases[i].body,
                     verdict_name[v.kind], (long long)v.wait_ms, v.reason);
        assert_true(v.reason[0] != '\0');
    }
}

static void reasons_hold_nothing_private(void **state UNUSED)
{
    static const char *const texts[] = {
        "Invalid token EAAshort given",
        "token=EAAshort.",
        "proof hush!",
        "Bad e-mail ana@example.com here",
        "phone +5511999990005",
        "hash 62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
        "EAAGm0PX4ZCpsBAKZCtZB3wZBZCZC other token",
    };
    static const char *const forbidden[] = { "EAAshort",      "hush",     "ana@",
                                             "5511999990005", "62a14e44", "EAAGm0PX4" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        slice body =
            arena_printf(&arena, "{\"error\":{\"code\":100,\"message\":\"%s\"}}", texts[i]);
        struct verdict v = judge(400, body.ptr, 1, NULL, 0);
        for (size_t j = 0; j < ARRAY_LEN(forbidden); j++)
            if (strstr(v.reason, forbidden[j])) fail_msg("%s", v.reason);
        assert_non_null(strstr(v.reason, "[hidden]"));
    }
    struct verdict v =
        judge(400,
              "{\"error\":{\"code\":100,\"error_subcode\":2804003,\"message\":\"m\","
              "\"error_user_msg\":\"O evento é antigo\\ndemais\",\"fbtrace_id\":\"AbC\"}}",
              1, NULL, 0);
    assert_string_equal(v.reason,
                        "Meta refuses the event: 100/2804003 O evento é antigo?demais (HTTP 400)");
}

/* The headers are from outside: what is no percentage says nothing, and the worst counts. */
static void usage(void **state UNUSED)
{
    static const struct {
        const char *app, *business;
        unsigned want;
    } cases[] = {
        { NULL, NULL, 0 },
        { "{\"call_count\":12,\"total_time\":3,\"total_cputime\":2}", NULL, 12 },
        { "{\"call_count\":1,\"total_time\":80,\"total_cputime\":2}", NULL, 80 },
        { "{\"call_count\":1,\"total_time\":2,\"total_cputime\":99}", NULL, 99 },
        { "{\"call_count\":\"85\"}", NULL, 85 },
        { "{\"call_count\":100}", NULL, 100 },
        { "{\"call_count\":7000000000}", NULL, 100 },
        { "{\"call_count\":-85}", NULL, 0 },
        { "{\"call_count\":99999999999999999999}", NULL, 0 },
        { "{\"call_count\":true,\"total_time\":[85],\"total_cputime\":{}}", NULL, 0 },
        { "[85]", NULL, 0 },
        { "85", "85", 0 },
        { "{\"call_count\":85", "{\"1\":[{\"call_count\":85}]", 0 },
        { "", "", 0 },
        { NULL, "{\"1\":[{\"type\":\"ads_management\",\"call_count\":91,\"total_time\":1}]}", 91 },
        { NULL, "{\"1\":[{\"call_count\":5},{\"total_time\":82}],\"2\":[{\"call_count\":8}]}", 82 },
        { "{\"call_count\":30}", "{\"1\":[{\"call_count\":5}]}", 30 },
        { "{\"call_count\":30}", "{\"1\":{\"call_count\":95},\"2\":[95],\"3\":null}", 30 },
        { NULL, "{\"call_count\":95}", 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dest_header headers[2];
        struct reply r = { .status = 200,
                           .body = SLICE("{\"events_received\":1}"),
                           .headers = headers };
        slice app = test_exact(slice_str(cases[i].app ? cases[i].app : "")),
              business = test_exact(slice_str(cases[i].business ? cases[i].business : ""));
        if (cases[i].app)
            headers[r.header_count++] = (struct dest_header){ SLICE("x-app-usage"), app, false };
        if (cases[i].business)
            headers[r.header_count++] =
                (struct dest_header){ SLICE("x-business-use-case-usage"), business, false };
        struct verdict v = dest_meta_capi.judge(&r, 1, &cfg, &arena);
        if (v.used_pct != cases[i].want || v.kind != VERDICT_DELIVERED)
            fail_msg("row %zu: %u %%, %s", i, v.used_pct, verdict_name[v.kind]);
        free((void *)(uintptr_t)app.ptr);
        free((void *)(uintptr_t)business.ptr);
    }
}

/* It is told beside refusals too. */
static void usage_beside_a_refusal(void **state UNUSED)
{
    struct verdict v = judge(400, ERROR("100"), 1, "{\"1\":[{\"call_count\":93}]}", 0);
    assert_int_equal(v.kind, VERDICT_DEAD);
    assert_int_equal(v.used_pct, 93);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_row, setup, teardown),
        cmocka_unit_test_setup_teardown(usage, setup, teardown),
        cmocka_unit_test_setup_teardown(usage_beside_a_refusal, setup, teardown),
        cmocka_unit_test_setup_teardown(reasons_hold_nothing_private, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
