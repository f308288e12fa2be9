/* campaign_test.c: whose answer it is, counted once, whatever the order; and that a recipient's state follows from what is stored. */
#include "records/campaign.h"

#include "hub.h"
#include "test.h"

enum { HOUR_MS = 3600 * 1000, ANA = 70, BIA = 71 };
#define SENT_MS 1773144000000LL

static struct hub hub;

/* Two campaigns to one person, an hour apart, with 72 and 1 hours for an answer; a third to somebody else. */
static int setup(void **state UNUSED)
{
    struct why why;
    hub_open(&hub);
    hub_run(
        &hub,
        "INSERT INTO campaigns (id, workspace_id, name, destination_id, state, busy, "
        "category, template, per_minute, "
        "reply_ms, next_us, segment, segment_after, reason, created_ms, started_ms, finished_ms, "
        "updated_ms) VALUES "
        "(1, 1, 'a', 1, 3, 0, 'marketing', '{}', 60, 259200000, 0, '', 0, '', 0, 0, 0, 0), "
        "(2, 1, 'b', 1, 3, 0, 'marketing', '{}', 60, 3600000, 0, '', 0, '', 0, 0, 0, 0)");
    hub_run(&hub, "INSERT INTO campaign_recipients (id, workspace_id, campaign_id, contact_id, "
                  "state, delivery_id, message_id, sent_ms, "
                  "replied_ms, stopped_ms, created_ms, updated_ms, person, reason, data) VALUES "
                  "(11, 1, 1, 70, 3, 101, 201, 1773144000000, 0, 0, 0, 0, '+1', '', '{}'), "
                  "(12, 1, 2, 70, 3, 102, 202, 1773147600000, 0, 0, 0, 0, '+1', '', '{}'), "
                  "(13, 1, 1, 71, 3, 103, 203, 1773144000000, 0, 0, 0, 0, '+2', '', '{}'), "
                  "(14, 2, 1, 70, 3, 104, 204, 1773144000000, 0, 0, 0, 0, '+1', '', '{}')");
    hub_run(&hub, "INSERT INTO messages (id, workspace_id, source_id, contact_id, conversation_id, "
                  "ticket_id, media_id, delivery_id, "
                  "campaign_id, channel, account, external_id, direction, origin, type, at_ms, "
                  "status, status_ms, edited_ms, "
                  "revoked_ms, created_ms, updated_ms, reply_to, text, data) VALUES "
                  "(201, 1, 1, 70, 0, 0, 0, 101, 1, 'whatsapp', '1', 'w1', 2, 4, 'template', 0, 1, "
                  "0, 0, 0, 0, 0, '', '', ''), "
                  "(202, 1, 1, 70, 0, 0, 0, 102, 2, 'whatsapp', '1', 'w2', 2, 4, 'template', 0, 1, "
                  "0, 0, 0, 0, 0, '', '', ''), "
                  "(203, 1, 1, 71, 0, 0, 0, 103, 1, 'whatsapp', '1', 'w3', 2, 4, 'template', 0, 1, "
                  "0, 0, 0, 0, 0, '', '', '')");
    hub_run(&hub, "INSERT INTO deliveries (id, workspace_id, destination_id, route_id, event_id, "
                  "key, state, priority, due_ms, "
                  "attempts, first_attempt_ms, outcome_unknown, archived, reason, created_ms, "
                  "updated_ms) VALUES "
                  "(101, 1, 1, 0, 1, 'message:1', 2, 3, 0, 1, 0, 0, 0, '', 0, 0), "
                  "(103, 1, 1, 0, 3, 'message:3', 0, 3, 0, 0, 0, 0, 0, '', 0, 0)");
    return store_begin(hub.store, &why) == OK ? 0 : -1;
}
static int teardown(void **state UNUSED)
{
    store_rollback(hub.store);
    hub_close(&hub);
    return 0;
}

/* Reads what the test itself wrote: its transaction is open. */
static int64_t column(uint64_t id, int n)
{
    bool row = false;
    struct stmt *q = store_stmt(hub.store, SQL_CAMPAIGNS_RECIPIENTS, NULL);
    stmt_i64(q, 1, 1);
    stmt_i64(q, 2, id == 12 ? 2 : 1);
    stmt_i64(q, 3, (int64_t)id + 1);
    stmt_i64(q, 4, 1);
    assert_int_equal(stmt_step(q, &row, NULL), OK);
    int64_t value = row ? stmt_col_i64(q, n) : -1;
    stmt_reset(q);
    return value;
}
enum { STATE = 1, REPLIED = 8, STOPPED = 9 };

static void heard(uint64_t contact, int64_t at_ms, const char *quoted, bool stop,
                  enum message_origin origin)
{
    struct arena a;
    struct why why;
    arena_init(&a, 1 << 16);
    struct apply_ctx ctx = { .store = hub.store,
                             .ids = &hub.ids,
                             .arena = &a,
                             .workspace_id = 1,
                             .occurred_ms = at_ms,
                             .now_ms = at_ms };
    struct message m = {
        .direction = MESSAGE_IN, .origin = origin, .at_ms = at_ms, .reply_to = slice_str(quoted)
    };
    assert_int_equal(campaign_heard(&ctx, origin ? &m : NULL, contact, stop, &why), OK);
    arena_free(&a);
}

static void replies(void **state UNUSED)
{
    heard(ANA, SENT_MS - 5000, "", false, MESSAGE_BY_WEBHOOK); /* before it */
    heard(ANA, SENT_MS + 1000, "", false, MESSAGE_BY_HISTORY); /* of long ago, told now */
    heard(0, SENT_MS + 1000, "", false, MESSAGE_BY_WEBHOOK);
    heard(BIA, SENT_MS + 73LL * HOUR_MS, "", false, MESSAGE_BY_WEBHOOK); /* too late */
    assert_int_equal(column(11, REPLIED), 0);
    assert_int_equal(column(13, REPLIED), 0);
    heard(ANA, SENT_MS + 90 * 60 * 1000, "", false, MESSAGE_BY_WEBHOOK); /* the later campaign's */
    assert_int_equal(column(12, REPLIED), SENT_MS + 90 * 60 * 1000);
    assert_int_equal(column(11, REPLIED), 0);
    heard(ANA, SENT_MS + 3 * HOUR_MS, "", false,
          MESSAGE_BY_WEBHOOK); /* its hour is over: the earlier one's */
    assert_int_equal(column(11, REPLIED), SENT_MS + 3 * HOUR_MS);
    heard(ANA, SENT_MS + 2000, "", false, MESSAGE_BY_WEBHOOK); /* comes late, was first */
    assert_int_equal(column(11, REPLIED), SENT_MS + 2000);
    heard(ANA, SENT_MS + 4000, "", false, MESSAGE_BY_WEBHOOK);
    assert_int_equal(column(11, REPLIED), SENT_MS + 2000);
    heard(BIA, SENT_MS + 100LL * HOUR_MS, "w3", false, MESSAGE_BY_WEBHOOK); /* quoted: whenever */
    assert_int_equal(column(13, REPLIED), SENT_MS + 100LL * HOUR_MS);
    heard(BIA, SENT_MS + 2000, "w1", false,
          MESSAGE_BY_WEBHOOK); /* what went to somebody else cannot be quoted for it */
    assert_int_equal(column(11, REPLIED), SENT_MS + 2000);
    assert_int_equal(column(13, REPLIED), SENT_MS + 2000);
}

static void stops(void **state UNUSED)
{
    heard(ANA, SENT_MS + 5000, "", true, MESSAGE_BY_WEBHOOK);
    assert_int_equal(column(11, STOPPED), SENT_MS + 5000);
    assert_int_equal(column(11, REPLIED), SENT_MS + 5000);
    heard(ANA, SENT_MS + 9000, "", true, MESSAGE_BY_WEBHOOK);
    assert_int_equal(column(11, STOPPED), SENT_MS + 5000);
    heard(BIA, SENT_MS + 5000, "", true, (enum message_origin)0); /* told Meta: no answer to us */
    assert_int_equal(column(13, STOPPED), SENT_MS + 5000);
    assert_int_equal(column(13, REPLIED), 0);
}

static void following(void **state UNUSED)
{
    static const struct {
        enum message_state message;
        enum campaign_recipient want;
    } cases[] = {
        { MESSAGE_READ, RECIPIENT_READ },     { MESSAGE_DELIVERED, RECIPIENT_READ },
        { MESSAGE_SENT, RECIPIENT_READ },     { MESSAGE_PLAYED, RECIPIENT_READ },
        { MESSAGE_FAILED, RECIPIENT_FAILED }, { MESSAGE_READ, RECIPIENT_FAILED },
    };
    struct arena a;
    struct why why;
    arena_init(&a, 1 << 16);
    struct apply_ctx ctx = {
        .store = hub.store, .ids = &hub.ids, .arena = &a, .workspace_id = 1, .now_ms = SENT_MS
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct message_status st = { .channel = SLICE("whatsapp"),
                                     .account = SLICE("1"),
                                     .external_id = SLICE("w1"),
                                     .word = SLICE("x"),
                                     .state = cases[i].message,
                                     .at_ms = SENT_MS + (int64_t)i,
                                     .data = SLICE("{\"errors\":[{\"code\":131049}]}") };
        assert_int_equal(message_status_apply(&ctx, &st, &why), OK);
        assert_int_equal(column(11, STATE), cases[i].want);
    }
    /* its delivery is in no hurry */
    assert_int_equal(campaign_follow(hub.store, 1, 103, SENT_MS, &why), OK);
    assert_int_equal(column(13, STATE),
                     RECIPIENT_ACCEPTED); /* the message was accepted, whatever the row says */
    assert_int_equal(campaign_follow(hub.store, 1, 999, SENT_MS, &why), OK);
    assert_int_equal(campaign_follow(hub.store, 2, 104, SENT_MS, &why), OK);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(replies, setup, teardown),
                                        cmocka_unit_test_setup_teardown(stops, setup, teardown),
                                        cmocka_unit_test_setup_teardown(following, setup,
                                                                        teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
