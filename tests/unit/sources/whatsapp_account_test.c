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
        assert_int_equal(rc, cases[i].good ? OK : ERR_SYNTAX);
        arena_free(&a);
    }
}

/* Which updates of an account end its sending, and what is said of them. */
static void accounts_that_may_not_send(void **state UNUSED)
{
    static const struct {
        const char *value, *reason, *owner, *number; /* NULL: no hold */
    } cases[] = {
        { "\"event\":\"ACCOUNT_OFFBOARDED\"",
          "account: the account was offboarded (ACCOUNT_OFFBOARDED)", "9", "" },
        { "\"event\":\"ACCOUNT_DELETED\",\"phone_number\":\"+5511955550100\"",
          "account: the account was deleted (ACCOUNT_DELETED)", "9", "5511955550100" },
        { "\"event\":\"PARTNER_REMOVED\",\"waba_info\":{\"waba_id\":\"77\"},"
          "\"disconnection_info\":{\"reason\":\"PRIMARY_INACTIVITY\"}",
          "account: the number was disconnected from this app (PARTNER_REMOVED, "
          "PRIMARY_INACTIVITY)",
          "77", "" },
        { "\"event\":\"PARTNER_REMOVED\",\"disconnection_info\":{\"reason\":\"<b>5511</b>\"}",
          "account: the number was disconnected from this app (PARTNER_REMOVED)", "9", "" },
        { "\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":\"DISABLE\"}",
          "account: Meta disabled the account (DISABLED_UPDATE, DISABLE)", "9", "" },
        { "\"event\":\"DISABLED_UPDATE\"", "account: Meta disabled the account (DISABLED_UPDATE)",
          "9", "" },
        { "\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":\"REINSTATE\"}", NULL,
          NULL, NULL },
        { "\"event\":\"ACCOUNT_RESTRICTION\"",
          "account: Meta restricts the account (ACCOUNT_RESTRICTION)", "9", "" },
        { "\"event\":\"ACCOUNT_RESTRICTION\",\"restriction_info\":[{\"restriction_type\":"
          "\"RESTRICTED_ADD_PHONE_NUMBER_ACTION\"}]",
          NULL, NULL, NULL },
        { "\"event\":\"ACCOUNT_RESTRICTION\",\"restriction_info\":[{\"restriction_type\":"
          "\"RESTRICTED_BIZ_INITIATED_MESSAGING\",\"expiration\":1773143999}]",
          NULL, NULL, NULL }, /* it is over already */
        { "\"event\":\"ACCOUNT_RESTRICTION\",\"restriction_info\":[{\"restriction_type\":"
          "\"RESTRICTED_BIZ_INITIATED_MESSAGING\",\"expiration\":1773230400},"
          "{\"restriction_type\":\"RESTRICTED_CUSTOMER_INITIATED_MESSAGING\",\"expiration\":"
          "1773316800}]",
          "account: Meta restricts the account (ACCOUNT_RESTRICTION, "
          "RESTRICTED_CUSTOMER_INITIATED_MESSAGING) until 2026-03-12T12:00:00.000Z",
          "9", "" },
        { "\"event\":\"ACCOUNT_VIOLATION\"", NULL, NULL, NULL },
        { "\"event\":\"ACCOUNT_RECONNECTED\"", NULL, NULL, NULL },
        { "\"event\":{\"x\":1}", NULL, NULL, NULL },
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
        assert_int_equal(hold != NULL, cases[i].reason != NULL);
        if (hold) {
            assert_slice(json_get_text(hold, "reason"), slice_str(cases[i].reason));
            assert_slice(json_get_text(hold, "owner"), slice_str(cases[i].owner));
            assert_slice(json_get_text(hold, "number"), slice_str(cases[i].number));
        }
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
          "b/wa", false, false },
        { ",\"accounts\":{\"9\":\"b/wa\"}", "account_alerts", "\"event\":\"ACCOUNT_DELETED\"",
          "b/wa", false, false },
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
        json *part = json_get(hold, "part");
        assert_int_equal(part != NULL, cases[i].told);
        if (part) assert_slice(json_print(part, &a), body);
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whose_it_is),
        cmocka_unit_test(settings_of_accounts),
        cmocka_unit_test(accounts_that_may_not_send),
        cmocka_unit_test(accounts_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
