/* hand_test.c: what is of another's account goes to the workspace it belongs to, once, or stays as a failed event that can be replayed. */
#include "test.h"

#include <time.h>

#include "hub.h"
#include "interpret/interpret.h"

enum { APP = 1, SHOP, OTHER, WAIT_MS = 20000 };

#define SOURCE(name, workspace, more)                                                              \
    "{\"name\":\"" name "\",\"workspace\":\"" workspace "\",\"kind\":\"whatsapp-cloud\"," more "}"
#define APP_SETTINGS(accounts)                                                                     \
    "\"app_secret\":\"s\",\"numbers\":[\"1\"],\"accounts\":{" accounts "}"
#define CONFIG(accounts, accept)                                                                   \
    "{\"workspaces\":[\"shop\",\"other\"],\"sources\":[" SOURCE(                                   \
        "app", "default",                                                                          \
        APP_SETTINGS(accounts)) "," SOURCE("wa", "shop",                                           \
                                           "\"accept_from\":[\"" accept                            \
                                           "\"]") "," SOURCE("wa", "other",                        \
                                                             "\"app_secret\":\"s\"") "]}"
#define MAPPED CONFIG("\"2\":\"shop/wa\"", "default/app")

#define CHANGE(number, messages)                                                                   \
    "{\"field\":\"messages\",\"value\":{\"messaging_product\":\"whatsapp\",\"metadata\":{"         \
    "\"display_phone_number\":\"5511955550100\",\"phone_number_id\":\"" number "\"},"              \
    "\"messages\":[" messages "]}}"
#define TEXT(id, words)                                                                            \
    "{\"from\":\"5511999990001\",\"id\":\"" id "\",\"timestamp\":\"1750000000\",\"type\":"         \
    "\"text\",\"text\":{\"body\":\"" words "\"}}"
#define BODY(changes)                                                                              \
    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"77\",\"time\":1750000001,"     \
    "\"changes\":[" changes "]}]}"
#define BOTH                                                                                       \
    BODY(CHANGE("1", TEXT("m.1", "ours")) "," CHANGE(                                              \
        "2", TEXT("m.2", "theirs") "," TEXT("m.3", "too")))

static struct hub hub;

static int setup(void **state UNUSED)
{
    hub_open(&hub);
    hub_run(&hub, "INSERT INTO workspaces VALUES (2, 'shop', 0, 1), (3, 'other', 0, 1)");
    hub_unlock(&hub);
    return 0;
}

static int teardown(void **state UNUSED)
{
    hub_close(&hub);
    return 0;
}

#define COUNT(sql) hub_count(&hub, "SELECT COUNT(*) FROM " sql)

static void wait_for(const char *sql, int64_t count)
{
    for (int ms = 0; ms < WAIT_MS; ms += 5) {
        if (hub_count(&hub, sql) == count) return;
        nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
    }
    fail_msg("in vain: %s", sql);
}

#define MARK "(SELECT m.event_id FROM marks m WHERE m.name = 'interpreted')"
#define DONE "EXISTS (SELECT 1 FROM event_data x WHERE x.id = events.id AND x.problem = '')"

static void quiet(void)
{
    wait_for("SELECT COUNT(*) FROM events WHERE state = 4 OR state = 0 AND id > " MARK, 0);
}

static struct journal_receipt take_in(struct journal *j, uint64_t source_id, const char *body)
{
    struct why why;
    struct journal_receipt r = { 0 };
    struct journal_entry *e = hub_entry(&hub, source_id, slice_str(body));
    if (journal_enter(j, e, &r, &why) != OK) fail_msg("%s", why.text);
    return r;
}

static void replay_failed(struct journal *j)
{
    hub_run(&hub, "UPDATE events SET state = 4 WHERE state = 2");
    journal_replay(j);
    quiet();
}

/* The other's two messages live there alone; here is one event that says whose they are, and nothing of what they say. */
static void check_both(void)
{
    assert_int_equal(COUNT("events WHERE workspace_id = 1"), 2);
    assert_int_equal(COUNT("events WHERE workspace_id = 2 AND " DONE), 2);
    assert_int_equal(COUNT("messages WHERE workspace_id = 1 AND text = 'ours'"), 1);
    assert_int_equal(COUNT("messages WHERE workspace_id = 1"), 1);
    assert_int_equal(COUNT("messages WHERE workspace_id = 2 AND text IN ('theirs', 'too')"), 2);
    assert_int_equal(COUNT("contacts WHERE workspace_id = 2"), 1);
    assert_int_equal(COUNT("tickets WHERE workspace_id = 2"), 1);
    assert_int_equal(COUNT("requests WHERE workspace_id = 2 AND path = '' AND remote = ''"), 1);
    assert_int_equal(COUNT("requests WHERE workspace_id = 2 AND body LIKE '%ours%'"), 0);
    assert_int_equal(
        COUNT("event_data WHERE workspace_id = 1 AND (data LIKE '%theirs%' OR data LIKE '%m.2%')"),
        0);
    assert_int_equal(
        COUNT("events WHERE workspace_id = 1 AND type = 'whatsapp.other_account' AND " DONE), 1);
    assert_int_equal(COUNT("request_origins WHERE workspace_id = 2 AND from_workspace_id = 1 AND "
                           "from_locator = '/entry/0/changes/1'"),
                     1);
    assert_int_equal(
        hub_count(&hub, "SELECT SUM(handed) FROM source_minutes WHERE workspace_id = 1"), 1);
    assert_int_equal(
        hub_count(&hub, "SELECT SUM(events) FROM source_minutes WHERE workspace_id = 2"), 2);
}

static void two_numbers_in_one_body(void **state UNUSED)
{
    hub_configure(&hub, MAPPED);
    struct journal *j = hub_journal(&hub, true);
    assert_int_equal(take_in(j, APP, BOTH).events, 2);
    quiet();
    check_both();
    for (int i = 0; i < 3; i++) { /* Meta repeats, the same and with another time */
        assert_int_equal(take_in(j, APP, BOTH).duplicates, 2);
        quiet();
    }
    take_in(
        j, APP,
        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"77\",\"changes\":[" CHANGE(
            "2", TEXT("m.2", "theirs")) "]}]}");
    quiet();
    assert_int_equal(COUNT("events WHERE workspace_id = 2"), 2);
    assert_int_equal(COUNT("messages WHERE workspace_id = 2"), 2);
    hub_run(&hub, "UPDATE events SET state = 4 WHERE workspace_id = 1");
    journal_replay(j);
    quiet();
    assert_int_equal(COUNT("events WHERE workspace_id = 2"), 2);
    journal_stop(j);
}

/* What was kept and not interpreted when the process ended; and what was handed on and not interpreted. */
static void after_a_restart(void **state UNUSED)
{
    hub_configure(&hub, MAPPED);
    struct journal *j = hub_journal(&hub, false);
    take_in(j, APP, BOTH);
    journal_stop(j);
    assert_int_equal(COUNT("events"), 2);
    j = hub_journal(&hub, true);
    wait_for("SELECT COUNT(*) FROM events", 4);
    quiet();
    journal_stop(j);
    check_both();
    j = hub_journal(&hub, true); /* its keys are known by now from the store alone */
    assert_int_equal(take_in(j, APP, BOTH).duplicates, 2);
    take_in(j, SHOP, BODY(CHANGE("2", TEXT("m.3", "too"))));
    quiet();
    assert_int_equal(COUNT("events WHERE workspace_id = 2"), 2);
    journal_stop(j);
}

/* Kept, counted, shown; then somebody says whose it is. */
static void unknown_number(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, 1 << 16);
    hub_configure(&hub, CONFIG("", "default/app"));
    struct journal *j = hub_journal(&hub, true);
    take_in(j, APP, BOTH);
    quiet();
    assert_int_equal(COUNT("events WHERE state = 2"), 1);
    assert_non_null(
        strstr(hub_text(&hub, "SELECT problem FROM event_data WHERE problem <> ''", &a).ptr,
               "account 2 belongs to no source"));
    assert_int_equal(hub_count(&hub, "SELECT SUM(unclaimed) FROM source_minutes"), 1);
    wait_for("SELECT SUM(failed) FROM source_minutes", 1);
    assert_int_equal(hub.metrics.counter[METRIC_events_unclaimed], 1);
    assert_int_equal(COUNT("events WHERE workspace_id <> 1"), 0);
    hub_configure(&hub, MAPPED);
    replay_failed(j);
    check_both();
    assert_int_equal(hub.metrics.counter[METRIC_events_handed], 1);
    replay_failed(j);
    check_both();
    journal_stop(j);
    arena_free(&a);
}

/* It is ours after all: what was kept whole comes in anew, message by message. */
static void unknown_number_of_our_own(void **state UNUSED)
{
    hub_configure(&hub, CONFIG("", "default/app"));
    struct journal *j = hub_journal(&hub, true);
    take_in(j, APP, BODY(CHANGE("9", TEXT("m.8", "a") "," TEXT("m.9", "b"))));
    quiet();
    assert_int_equal(COUNT("events WHERE state = 2"), 1);
    hub_configure(&hub, "{\"sources\":[" SOURCE("app", "default",
                                                "\"app_secret\":\"s\",\"numbers\":[\"9\"]") "]}");
    replay_failed(j);
    assert_int_equal(COUNT("messages WHERE workspace_id = 1"), 2);
    assert_int_equal(COUNT("events WHERE workspace_id = 1 AND " DONE), 3);
    journal_stop(j);
}

/* Nobody pulls and nobody pushes: each of these leaves the event failed where it came in, and nothing anywhere else. */
static void both_sides_must_agree(void **state UNUSED)
{
    static const char *const configs[] = {
        CONFIG("\"2\":\"other/wa\"", "default/app"), /* does not accept from anybody */
        CONFIG("\"2\":\"shop/wa\"", "other/wa"),     /* accepts from somebody else */
        CONFIG("\"2\":\"shop/wa\"", "default/wa"),
        CONFIG("\"2\":\"nowhere/wa\"", "default/app"), /* no such workspace */
        CONFIG("\"2\":\"shop/none\"", "default/app"),
        CONFIG("\"2\":\"shop/malote\"", "default/app"), /* the hub's own */
        CONFIG("\"3\":\"shop/wa\"", "default/app"), /* another number */
        "{\"workspaces\":[\"shop\",\"other\"],\"sources\":[" SOURCE(
            "app", "default",
            APP_SETTINGS(
                "\"2\":\"shop/wa\"")) "," SOURCE("wa", "shop",
                                                 "\"accept_from\":[\"default/"
                                                 "app\"],\"enabled\":false") "," SOURCE("wa",
                                                                                        "other",
                                                                                        "\"app_"
                                                                                        "secret"
                                                                                        "\":"
                                                                                        "\"s\","
                                                                                        "\"numb"
                                                                                        "ers\":"
                                                                                        "[\"1\""
                                                                                        ",\"2\""
                                                                                        "]") "]"
                                                                                             "}",
        "{\"workspaces\":[\"shop\",\"other\"],\"sources\":[" SOURCE(
            "app", "default",
            APP_SETTINGS(
                "\"2\":\"shop/wa\"")) "," SOURCE("wa", "shop",
                                                 "\"accept_from\":[\"default/"
                                                 "app\"],\"body_max\":1024") "," SOURCE("wa",
                                                                                        "other",
                                                                                        "\"app_"
                                                                                        "secret"
                                                                                        "\":"
                                                                                        "\"s\","
                                                                                        "\"acce"
                                                                                        "pt_"
                                                                                        "from\""
                                                                                        ":["
                                                                                        "\"defa"
                                                                                        "ult/"
                                                                                        "app\"]"
                                                                                        ",\"num"
                                                                                        "bers\""
                                                                                        ":["
                                                                                        "\"2\""
                                                                                        "]") "]"
                                                                                             "}",
    };
    for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
        hub_close(&hub);
        (void)setup(NULL);
        hub_configure(&hub, configs[i]);
        struct journal *j = hub_journal(&hub, true);
        struct arena a;
        arena_init(&a, 1 << 16);
        struct buf b = buf_in(&a, 1 << 14);
        buf_printf(&b, "%s", BODY(CHANGE("2", TEXT("m.2", "%1024s"))));
        slice body = arena_printf(&a, buf_slice(&b).ptr, "x");
        take_in(j, APP, body.ptr);
        quiet();
        if (COUNT("events WHERE state = 2") != 1 || COUNT("events") != 1 || COUNT("requests") != 1)
            fail_msg("%s", configs[i]);
        journal_stop(j);
        arena_free(&a);
    }
}

/* Two that name each other for one number: it ends where it began. */
static void no_end_without_end(void **state UNUSED)
{
    hub_configure(
        &hub, "{\"workspaces\":[\"shop\"],\"sources\":[" SOURCE(
                  "app", "default",
                  "\"app_secret\":\"s\",\"accept_from\":[\"shop/wa\"],\"accounts\":{\"2\":\"shop/"
                  "wa\"}") "," SOURCE("wa", "shop",
                                      "\"accept_from\":[\"default/"
                                      "app\"],\"accounts\":{\"2\":\"default/app\"}") "]}");
    struct journal *j = hub_journal(&hub, true);
    take_in(j, APP, BODY(CHANGE("2", TEXT("m.2", "x"))));
    quiet();
    journal_stop(j);
    assert_int_equal(COUNT("events"), 2);
    assert_int_equal(COUNT("messages"), 0);
}

/* A whole account: what names no number, and numbers that nobody listed. */
static void by_account(void **state UNUSED)
{
    hub_configure(&hub, CONFIG("\"77\":\"shop/wa\"", "default/app"));
    struct journal *j = hub_journal(&hub, true);
    take_in(j, APP,
            BODY("{\"field\":\"account_update\",\"value\":{\"event\":\"PARTNER_REMOVED\"}}," CHANGE(
                "5", TEXT("m.5", "x")) "," CHANGE("1", TEXT("m.1", "ours"))));
    quiet();
    journal_stop(j);
    assert_int_equal(COUNT("events WHERE workspace_id = 2 AND type = 'whatsapp.account_update'"),
                     1);
    assert_int_equal(COUNT("messages WHERE workspace_id = 2"), 1);
    assert_int_equal(COUNT("messages WHERE workspace_id = 1 AND text = 'ours'"), 1);
}

#define ALL_ACCEPT(accounts)                                                                       \
    "{\"workspaces\":[\"shop\",\"other\"],\"sources\":[" SOURCE(                                   \
        "app", "default",                                                                          \
        APP_SETTINGS(                                                                              \
            accounts)) "," SOURCE("wa", "shop",                                                    \
                                  "\"accept_from\":[\"default/app\"]") "," SOURCE("wa", "other",   \
                                                                                  "\"accept_"      \
                                                                                  "from\":["       \
                                                                                  "\"default/"     \
                                                                                  "app\"]") "]}"
#define ENDED(account, more)                                                                       \
    "{\"entry\":[{\"id\":\"" account "\",\"changes\":[{\"field\":\"account_update\",\"value\":{"   \
    "\"event\":\"ACCOUNT_DELETED\"" more "}}]}]}"
#define UPDATES(workspace)                                                                         \
    COUNT("events WHERE workspace_id = " workspace " AND type = 'whatsapp.account_update'")

/* That an account may not send any more is for all whose numbers are known to be of it, and for nobody else. */
static void the_end_of_an_account(void **state UNUSED)
{
    hub_configure(&hub, ALL_ACCEPT("\"2\":\"shop/wa\",\"3\":\"shop/wa\",\"4\":\"other/wa\""));
    struct journal *j = hub_journal(&hub, true);
    take_in(j, APP, ENDED("77", ""));
    quiet();
    assert_int_equal(UPDATES("1"), 1);
    assert_int_equal(COUNT("events"), 1); /* nothing is known of it yet */
    take_in(j, APP, BODY(CHANGE("2", TEXT("m.2", "x")) "," CHANGE("3", TEXT("m.3", "x"))));
    quiet();
    assert_int_equal(COUNT("own_numbers WHERE workspace_id = 1 AND owner = '77'"), 2);
    assert_int_equal(COUNT("own_numbers WHERE workspace_id = 2 AND owner = '77'"), 2);
    assert_int_equal(COUNT("own_numbers WHERE workspace_id = 3"), 0);
    for (int i = 0; i < 2; i++) { /* repeated, once */
        take_in(j, APP, ENDED("77", ",\"x\":1"));
        quiet();
        assert_int_equal(UPDATES("1"), 2);
        assert_int_equal(UPDATES("2"), 1);
        assert_int_equal(UPDATES("3"), 0);
    }
    take_in(j, APP, ENDED("78", ",\"x\":2"));
    take_in(j, APP, BODY(CHANGE("4", TEXT("m.4", "x"))));
    quiet();
    assert_int_equal(UPDATES("2") + UPDATES("3"), 1);
    take_in(j, APP, ENDED("5", ",\"x\":3,\"waba_info\":{\"waba_id\":\"77\"}"));
    quiet();
    assert_int_equal(UPDATES("2"), 2);
    assert_int_equal(UPDATES("3"), 1);
    take_in(j, APP, ENDED("77", ",\"phone_number\":\"5511955550199\"")); /* another number of it */
    quiet();
    assert_int_equal(UPDATES("2") + UPDATES("3"), 3);
    /* The account is one's, a number of it another's; a source that does not accept is no reason to forget the others. */
    hub_configure(&hub, ALL_ACCEPT("\"77\":\"shop/wa\",\"2\":\"shop/none\",\"4\":\"other/wa\""));
    take_in(j, APP, ENDED("77", ",\"x\":4"));
    quiet();
    assert_int_equal(UPDATES("2"), 3);
    assert_int_equal(UPDATES("3"), 2);
    assert_int_equal(COUNT("events WHERE NOT " DONE), 0);
    journal_stop(j);
}

/* Taken for another's by a mapping that was wrong: when that is gone it is the app's own, and no duplicate of what was thought of it. */
static void ours_after_all(void **state UNUSED)
{
    hub_configure(&hub, CONFIG("\"901\":\"shop/none\"", "default/app"));
    struct journal *j = hub_journal(&hub, true);
    take_in(j, APP, ENDED("901", ""));
    quiet();
    assert_int_equal(COUNT("events WHERE state = 2"), 1);
    hub_configure(&hub, MAPPED);
    replay_failed(j);
    assert_int_equal(UPDATES("1"), 1);
    assert_int_equal(COUNT("events WHERE NOT " DONE), 0);
    journal_stop(j);
}

/* Among thousands, with one that cannot be understood in between: all arrive, once, whatever parts the writer makes of them. */
static void many(void **state UNUSED)
{
    enum { MANY = 300 };
    hub_configure(&hub, MAPPED);
    struct journal *j = hub_journal(&hub, true);
    struct arena a;
    arena_init(&a, 1 << 24);
    for (int i = 0; i < MANY; i++) {
        slice body =
            arena_printf(&a,
                         "{\"entry\":[{\"id\":\"77\",\"changes\":[" CHANGE(
                             "%d", TEXT("w.%d", "x")) "," CHANGE("1", TEXT("o.%d", "y")) "]}]}",
                         i % 10 == 3 ? 8 : 2, i, i);
        take_in(j, APP, body.ptr);
        /* Behind the mark nothing waits any more: after a kill it would not be looked for. */
        assert_int_equal(COUNT("events WHERE state = 0 AND id <= " MARK " AND NOT " DONE), 0);
    }
    quiet();
    journal_stop(j);
    assert_int_equal(COUNT("messages WHERE workspace_id = 1"), MANY);
    assert_int_equal(COUNT("messages WHERE workspace_id = 2"), MANY * 9 / 10);
    assert_int_equal(COUNT("events WHERE workspace_id = 1 AND state = 2"), MANY / 10);
    assert_int_equal(COUNT("requests WHERE workspace_id = 2"), MANY * 9 / 10);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_numbers_in_one_body, setup, teardown),
        cmocka_unit_test_setup_teardown(after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_number, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_number_of_our_own, setup, teardown),
        cmocka_unit_test_setup_teardown(both_sides_must_agree, setup, teardown),
        cmocka_unit_test_setup_teardown(no_end_without_end, setup, teardown),
        cmocka_unit_test_setup_teardown(by_account, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_of_an_account, setup, teardown),
        cmocka_unit_test_setup_teardown(ours_after_all, setup, teardown),
        cmocka_unit_test_setup_teardown(many, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
