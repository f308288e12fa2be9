/* whatsapp_account_test.c: whose a change is, and which of them end an account's sending. */
#include "test.h"

#include "whatsapp_run.h"

/* Whose a change is; what is not the source's own stays one event, handed over whole. */
static void whose_it_is(void **state UNUSED)
{
    static const struct {
        const char *settings, *to; /* to: NULL = the source's own */
    } cases[] = {
        { "", NULL },
        { ",\"numbers\":[\"107\",\"106\"]", NULL },
        { ",\"numbers\":[\"107\"]", "" },
        { ",\"accounts\":{\"107\":\"b/wa\"}", "" },
        { ",\"accounts\":{\"106\":\"b/wa\"}", "b/wa" },
        { ",\"accounts\":{\"1\":\"c/wa\"}", "c/wa" },
        { ",\"accounts\":{\"1\":\"c/wa\",\"106\":\"b/wa\"}", "b/wa" },
        { ",\"numbers\":[\"106\"],\"accounts\":{\"1\":\"c/wa\"}", NULL },
    };
    slice body = SLICE(MESSAGE("\"type\":\"text\",\"text\":{\"body\":\"x\"}"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        slice settings = arena_printf(&a, "{\"app_secret\":\"s\"%s}", cases[i].settings);
        struct result r = run_with(settings.ptr, body, &a);
        assert_int_equal(r.rc, OK);
        json *handed = json_get(r.event, "hand_over");
        assert_int_equal(handed == NULL, cases[i].to == NULL);
        if (!handed) assert_slice(json_get_text(r.event, "type"), SLICE("message.received"));
        if (handed) {
            assert_slice(json_get_text(r.event, "type"), SLICE("whatsapp.other_account"));
            assert_slice(json_get_text(handed, "to"), slice_str(cases[i].to));
            assert_slice(json_get_text(handed, "locator"), SLICE("/entry/0/changes/0"));
            assert_slice(json_print(json_get(handed, "body"), &a), body);
            assert_int_equal(slice_find_slice(json_get_text(r.event, "key"), SLICE("wamid")),
                             json_get_text(r.event, "key").len);
        }
        arena_free(&a);
    }
}

static void settings_of_accounts(void **state UNUSED)
{
    static const struct {
        const char *settings;
        bool good;
    } cases[] = {
        { "{}", false },
        { "{\"app_secret\":[]}", false },
        { "{\"app_secret\":\"s\",\"accounts\":{\"1\":\"b/wa\"}}", true },
        { "{\"app_secret\":\"s\",\"accounts\":{\"1\":\"\"}}", false },
        { "{\"app_secret\":\"s\",\"numbers\":[\"1\"],\"accounts\":{\"1\":\"b/wa\"}}", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        struct settings cfg;
        struct why why;
        json *given = NULL;
        arena_init(&a, 1 << 20);
        assert_int_equal(json_parse(slice_str(cases[i].settings), &a, &given, NULL), OK);
        enum err rc =
            settings_read(kind->settings, kind->setting_count, given, NULL, &a, &cfg, &why);
        if (rc == OK) rc = kind->check(&cfg, &why);
        if (rc == OK) rc = kind->check_given(&cfg, &why);
        assert_int_equal(rc, cases[i].good ? OK : ERR_SYNTAX);
        arena_free(&a);
    }
}

/* Which updates of an account end its sending, and which say that it is over; what is said of them. */
static void accounts_that_may_not_send(void **state UNUSED)
{
    static const struct {
        const char *value, *matter, *reason, *owner, *number; /* matter NULL: says nothing of it */
        const char *until;
    } cases[] = {
        { "\"event\":\"ACCOUNT_OFFBOARDED\"", "link",
          "account: the account was offboarded (ACCOUNT_OFFBOARDED)", "9", "", "" },
        { "\"event\":\"ACCOUNT_DELETED\",\"phone_number\":\"+5511955550100\"", "deleted",
          "account: the account was deleted (ACCOUNT_DELETED)", "9", "5511955550100", "" },
        { "\"event\":\"PARTNER_REMOVED\",\"waba_info\":{\"waba_id\":\"77\"},"
          "\"disconnection_info\":{\"reason\":\"PRIMARY_INACTIVITY\"}",
          "link",
          "account: the number was disconnected from this app (PARTNER_REMOVED, "
          "PRIMARY_INACTIVITY)",
          "77", "", "" },
        { "\"event\":\"PARTNER_REMOVED\",\"disconnection_info\":{\"reason\":\"<b>5511</b>\"}",
          "link", "account: the number was disconnected from this app (PARTNER_REMOVED)", "9", "",
          "" },
        { "\"event\":\"PARTNER_ADDED\",\"waba_info\":{\"waba_id\":\"77\"}", "link", "", "77", "",
          "" },
        { "\"event\":\"ACCOUNT_RECONNECTED\"", "link", "", "9", "", "" },
        { "\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":\"DISABLE\"}", "ban",
          "account: Meta disabled the account (DISABLED_UPDATE, DISABLE)", "9", "", "" },
        { "\"event\":\"DISABLED_UPDATE\"", "ban",
          "account: Meta disabled the account (DISABLED_UPDATE)", "9", "", "" },
        { "\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":\"REINSTATE\"}", "ban",
          "", "9", "", "" },
        { "\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":\"SCHEDULE_FOR_"
          "DISABLE\"}",
          NULL, NULL, NULL, NULL, NULL },
        { "\"event\":\"ACCOUNT_RESTRICTION\"", "restriction",
          "account: Meta restricts the account (ACCOUNT_RESTRICTION)", "9", "", "" },
        { "\"event\":\"ACCOUNT_RESTRICTION\",\"restriction_info\":[{\"restriction_type\":"
          "\"RESTRICTED_ADD_PHONE_NUMBER_ACTION\"}]",
          NULL, NULL, NULL, NULL, NULL },
        /* Over already: that it is so is for the day on which it is looked at, and not for when it came. */
        { "\"event\":\"ACCOUNT_RESTRICTION\",\"restriction_info\":[{\"restriction_type\":"
          "\"RESTRICTED_BIZ_INITIATED_MESSAGING\",\"expiration\":1773143999}]",
          "restriction",
          "account: Meta restricts the account (ACCOUNT_RESTRICTION, "
          "RESTRICTED_BIZ_INITIATED_MESSAGING) until 2026-03-10T11:59:59.000Z",
          "9", "", "2026-03-10T11:59:59.000Z" },
        { "\"event\":\"ACCOUNT_RESTRICTION\",\"restriction_info\":[{\"restriction_type\":"
          "\"RESTRICTED_BIZ_INITIATED_MESSAGING\",\"expiration\":1773230400},"
          "{\"restriction_type\":\"RESTRICTED_CUSTOMER_INITIATED_MESSAGING\",\"expiration\":"
          "1773316800}]",
          "restriction",
          "account: Meta restricts the account (ACCOUNT_RESTRICTION, "
          "RESTRICTED_CUSTOMER_INITIATED_MESSAGING) until 2026-03-12T12:00:00.000Z",
          "9", "", "2026-03-12T12:00:00.000Z" },
        { "\"event\":\"ACCOUNT_VIOLATION\"", NULL, NULL, NULL, NULL, NULL },
        { "\"event\":{\"x\":1}", NULL, NULL, NULL, NULL, NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        slice body = arena_printf(&a,
                                  "{\"entry\":[{\"id\":\"9\",\"time\":1773140000,\"changes\":[{"
                                  "\"field\":\"account_update\",\"value\":{%s}}]}]}",
                                  cases[i].value);
        struct result res = run_with(SETTINGS, body, &a);
        assert_int_equal(res.rc, OK);
        json *hold = json_get(res.event, "hold");
        assert_int_equal(hold != NULL, cases[i].matter != NULL);
        if (hold) {
            assert_slice(json_get_text(hold, "matter"), slice_str(cases[i].matter));
            assert_slice(json_get_text(hold, "reason"), slice_str(cases[i].reason));
            assert_slice(json_get_text(hold, "owner"), slice_str(cases[i].owner));
            assert_slice(json_get_text(hold, "number"), slice_str(cases[i].number));
            assert_slice(json_get_text(hold, "until"), slice_str(cases[i].until));
        }
        arena_free(&a);
    }
}

/* What else is told of our own end: field by field, with what is no word of Meta's left out. */
static void what_is_told_of_us(void **state UNUSED)
{
    static const struct {
        const char *field, *value,
            *want; /* want: a part of the event as it is printed; "": nothing */
    } cases[] = {
        { "phone_number_quality_update",
          "\"display_phone_number\":\"+55 11 95555-0100\",\"event\":\"ONBOARDING\","
          "\"max_daily_conversations_per_business\":\"TIER_2K\",\"current_limit\":\"TIER_250\"",
          "\"own_state\":{\"owner\":\"9\",\"number\":\"5511955550100\",\"quality\":\"ONBOARDING\","
          "\"limit\":\"TIER_2K\"}" },
        { "phone_number_quality_update", "\"event\":\"<b>\",\"current_limit\":250",
          "\"own_state\":{\"owner\":\"9\",\"limit\":\"250\"}" },
        { "phone_number_quality_update", "\"event\":[1]", "" },
        { "business_capability_update", "\"max_daily_conversation_per_phone\":2000",
          "\"own_state\":{\"owner\":\"9\",\"limit\":\"2000\"}" },
        { "phone_number_name_update",
          "\"display_phone_number\":\"1555\",\"decision\":\"REJECTED\","
          "\"requested_verified_name\":\"Loja\"",
          "" },
        { "account_update", "\"event\":\"ACCOUNT_RECONNECTED\",\"phone_number\":\"1555\"",
          "\"own_state\":{\"owner\":\"9\",\"number\":\"1555\",\"update\":\"ACCOUNT_RECONNECTED\","
          "\"in_app\":\"ACCOUNT_RECONNECTED\"}" },
        { "account_update", "\"event\":\"PARTNER_REMOVED\"",
          "\"own_state\":{\"owner\":\"9\",\"update\":\"PARTNER_REMOVED\"}" },
        { "account_update", "\"event\":\"ACCOUNT_VIOLATION\"",
          "\"notice\":{\"alert\":\"account_violation\",\"owner\":\"9\",\"reason\":"
          "\"account_update: ACCOUNT_VIOLATION\"}" },
        { "account_alerts", "\"alert_info\":{\"alert_type\":\"INCREASED_CAPABILITIES\"}",
          "\"notice\":{\"alert\":\"account_alert\",\"owner\":\"9\",\"reason\":"
          "\"account_alerts: INCREASED_CAPABILITIES\"}" },
        { "security", "\"event\":\"PIN_CHANGED\",\"requester\":\"615\"",
          "\"notice\":{\"alert\":\"account_security\",\"owner\":\"9\",\"reason\":"
          "\"security: PIN_CHANGED\"}" },
        { "message_template_quality_update",
          "\"message_template_name\":\"oi\",\"message_template_language\":\"pt-BR\","
          "\"previous_quality_score\":\"GREEN\",\"new_quality_score\":\"RED\"",
          "\"template\":{\"owner\":\"9\",\"name\":\"oi\",\"language\":\"pt_BR\",\"quality\":"
          "\"RED\"}" },
        { "template_category_update",
          "\"message_template_name\":\"oi\",\"message_template_language\":\"pt_BR\","
          "\"previous_category\":\"UTILITY\",\"new_category\":\"MARKETING\"",
          "\"template\":{\"owner\":\"9\",\"name\":\"oi\",\"language\":\"pt_BR\","
          "\"category\":\"MARKETING\"}" },
        { "message_template_status_update", "\"event\":\"PAUSED\",\"message_template_name\":\"oi\"",
          "" }, /* in which language? */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        slice body = arena_printf(&a,
                                  "{\"entry\":[{\"id\":\"9\",\"time\":1773140000,\"changes\":[{"
                                  "\"field\":\"%s\",\"value\":{%s}}]}]}",
                                  cases[i].field, cases[i].value);
        struct result res = run_with(SETTINGS, body, &a);
        assert_int_equal(res.rc, OK);
        slice got = json_print(res.event, &a), want = slice_str(cases[i].want);
        bool none = !json_get(res.event, "own_state") && !json_get(res.event, "template") &&
                    !json_get(res.event, "notice");
        if (want.len == 0 ? !none : slice_find_slice(got, want) == got.len)
            fail_msg("%s: got %.*s, want %s", cases[i].field, SLICE_ARG(got), cases[i].want);
        arena_free(&a);
    }
}

/* Pieces of the history; numbers that are none, or too large, count for nothing. */
static void chunks_of_history(void **state UNUSED)
{
    static const struct {
        const char *chunk, *want;
    } cases[] = {
        { "\"metadata\":{\"phase\":1,\"chunk_order\":\"2\",\"progress\":55}",
          "\"account\":\"106\",\"phase\":1,\"chunk\":2,\"progress\":55}" },
        { "\"errors\":[{\"code\":2593109}]", "\"account\":\"106\",\"declined\":2593109}" },
        { "\"metadata\":{\"phase\":1,\"chunk_order\":2}", "" },
        { "\"metadata\":{\"phase\":1,\"chunk_order\":2,\"progress\":101}", "" },
        { "\"metadata\":{\"phase\":-1,\"chunk_order\":2,\"progress\":1}", "" },
        { "\"metadata\":{\"phase\":1,\"chunk_order\":100001,\"progress\":1}", "" },
        { "\"errors\":[{\"code\":\"x\"}]", "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        slice body =
            arena_printf(&a,
                         "{\"entry\":[{\"id\":\"9\",\"changes\":[{\"field\":\"history\",\"value\":{"
                         "\"metadata\":{\"phone_number_id\":\"106\"},\"history\":[{%s}]}}]}]}",
                         cases[i].chunk);
        struct result res = run_with(SETTINGS, body, &a);
        assert_int_equal(res.rc, OK);
        assert_true(json_truth(json_get(res.event, "in_app")));
        slice got = json_print(json_get(res.event, "own_state"), &a),
              want = slice_str(cases[i].want);
        assert_int_equal(got.len == 0, want.len == 0);
        if (want.len > 0) assert_true(slice_find_slice(got, want) < got.len);
        arena_free(&a);
    }
}

/* It is told on with the whole change where others have numbers of the app; alone it is nobody else's business. */
static void accounts_of_others(void **state UNUSED)
{
    static const struct {
        const char *settings, *field, *value;
        const char *to; /* NULL: it stays */
        bool held, told;
    } cases[] = {
        { "", "account_update", "\"event\":\"ACCOUNT_DELETED\"", NULL, true, false },
        { ",\"numbers\":[\"107\"]", "account_update", "\"event\":\"ACCOUNT_DELETED\"", NULL, true,
          false },
        { ",\"accounts\":{\"107\":\"b/wa\"}", "account_update", "\"event\":\"ACCOUNT_DELETED\"",
          NULL, true, true },
        { ",\"accounts\":{\"9\":\"b/wa\"}", "account_update", "\"event\":\"ACCOUNT_DELETED\"",
          "b/wa", true, true },
        { ",\"accounts\":{\"9\":\"b/wa\"}", "account_update", "\"event\":\"ACCOUNT_VIOLATION\"",
          "b/wa", false, true },
        { ",\"accounts\":{\"9\":\"b/wa\"}", "account_alerts", "\"event\":\"ACCOUNT_DELETED\"",
          "b/wa", false, true },
        { ",\"accounts\":{\"107\":\"b/wa\"}", "message_template_status_update",
          "\"event\":\"PAUSED\",\"message_template_name\":\"oi\","
          "\"message_template_language\":\"en\"",
          NULL, false, true },
        { ",\"accounts\":{\"107\":\"b/wa\"}", "account_review_update", "\"decision\":\"APPROVED\"",
          NULL, false, false },
        { ",\"accounts\":{\"77\":\"c/wa\",\"9\":\"b/wa\"}", "account_update",
          "\"event\":\"PARTNER_REMOVED\",\"waba_info\":{\"waba_id\":\"77\"}", "c/wa", true, true },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        slice settings = arena_printf(&a, "{\"app_secret\":\"s\"%s}", cases[i].settings);
        slice body = arena_printf(&a,
                                  "{\"entry\":[{\"id\":\"9\",\"time\":1773140000,\"changes\":[{"
                                  "\"field\":\"%s\",\"value\":{%s}}]}]}",
                                  cases[i].field, cases[i].value);
        struct result r = run_with(settings.ptr, body, &a);
        assert_int_equal(r.rc, OK);
        json *handed = json_get(r.event, "hand_over"), *hold = json_get(r.event, "hold");
        assert_int_equal(handed != NULL, cases[i].to != NULL);
        if (handed) assert_slice(json_get_text(handed, "to"), slice_str(cases[i].to));
        assert_int_equal(hold != NULL, cases[i].held);
        json *part = json_get(r.event, "share");
        assert_int_equal(part != NULL, cases[i].told);
        if (part) assert_slice(json_print(part, &a), body);
        arena_free(&a);
    }
}

/* Whichever allocation fails: no half of what was told. */
static void out_of_memory(void **state UNUSED)
{
    static const char *const changes[] = {
        "{\"field\":\"account_update\",\"value\":{\"event\":\"PARTNER_REMOVED\",\"phone_number\":"
        "\"1555\",\"disconnection_info\":{}}}",
        "{\"field\":\"account_update\",\"value\":{\"event\":\"ACCOUNT_VIOLATION\"}}",
        "{\"field\":\"security\",\"value\":{\"event\":\"PIN_CHANGED\"}}",
        "{\"field\":\"phone_number_name_update\",\"value\":{\"decision\":\"APPROVED\","
        "\"requested_verified_name\":\"Loja\\u0007\"}}",
        "{\"field\":\"message_template_status_update\",\"value\":{\"event\":\"PAUSED\","
        "\"message_template_name\":\"oi\",\"message_template_language\":\"pt-BR\"}}",
        "{\"field\":\"history\",\"value\":{\"metadata\":{\"phone_number_id\":\"106\"},\"history\":["
        "{\"metadata\":{\"phase\":1,\"chunk_order\":2,\"progress\":3}}]}}",
    };
    static const char *const settings[] = {
        SETTINGS, "{\"app_secret\":\"s\",\"accounts\":{\"107\":\"b/wa\"}}",
        "{\"app_secret\":\"s\",\"accounts\":{\"9\":\"b/wa\"}}"
    };
    for (size_t i = 0; i < ARRAY_LEN(changes) * ARRAY_LEN(settings); i++) {
        struct arena a;
        arena_init(&a, 1 << 16);
        slice body =
            arena_printf(&a, "{\"entry\":[{\"id\":\"9\",\"time\":1773140000,\"changes\":[%s]}]}",
                         changes[i / ARRAY_LEN(settings)]);
        struct request r = { .body = body, .received_ms = 1773144000000 };
        assert_true(kind_out_of_memory(kind, settings[i % ARRAY_LEN(settings)], &r) > 3);
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whose_it_is),
        cmocka_unit_test(settings_of_accounts),
        cmocka_unit_test(accounts_that_may_not_send),
        cmocka_unit_test(what_is_told_of_us),
        cmocka_unit_test(chunks_of_history),
        cmocka_unit_test(accounts_of_others),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
