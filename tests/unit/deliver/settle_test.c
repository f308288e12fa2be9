/* settle_test.c: claiming and settling against a real database. */
#include "test.h"

#include "base/clock.h"
#include "deliver/settle.h"
#include "hub.h"

enum { DEST = 2, OTHER = 3 };

static struct hub hub;
static int64_t now_ms;

static int setup(void **state UNUSED)
{
    hub_open(&hub);
    now_ms = clock_wall_ms();
    hub_run(&hub, "INSERT INTO events VALUES (4, 1, 9, 8, 'order.paid', '', 'k', '', 70, 80, 1);"
                  "INSERT INTO event_data VALUES (4, 1, 0, 0, 90, '', '{\"id\":\"evt_4\"}')");
    return 0;
}

static int teardown(void **state UNUSED)
{
    hub_close(&hub);
    return 0;
}

static void add(int64_t id, int destination, enum delivery_state state, enum priority p,
                int64_t due_ms, int64_t updated_ms)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "INSERT INTO deliveries VALUES (%lld, 1, %d, 5, 4, 'k%lld', %d, %d, %lld, 0, 0, 0, 0, "
             "'', 60, %lld, '', 0)",
             (long long)id, destination, (long long)id, (int)state, (int)p, (long long)due_ms,
             (long long)updated_ms);
    hub_run(&hub, sql);
}

static int64_t row(const char *column, int64_t id)
{
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT %s FROM deliveries WHERE id = %lld", column, (long long)id);
    return hub_count(&hub, sql);
}

static void claim(struct claim_job *j, size_t max, int64_t boot_ms)
{
    struct why why = { .code = OK };
    *j = (struct claim_job){
        .workspace_id = 1, .destination_id = DEST, .max = max, .boot_ms = boot_ms
    };
    assert_int_equal(store_begin(hub.store, &why), OK);
    if (claim_run(&j->job, hub.store, &why) != OK) fail_msg("%s", why.text);
    assert_int_equal(store_commit(hub.store, &why), OK);
}

static void forget(struct claim_job *j)
{
    for (struct leased *d = j->list, *next; d; d = next) {
        next = d->next;
        leased_free(d);
    }
    j->list = NULL;
}

static void best_class_first(void **state UNUSED)
{
    static const int64_t want[] = { 12, 11, 16, 13, 15, 14 };
    struct claim_job j;
    add(11, DEST, DELIVERY_WAITING, PRIORITY_HIGH, 20, 60);
    add(12, DEST, DELIVERY_WAITING, PRIORITY_HIGH, 10, 60);
    add(13, DEST, DELIVERY_WAITING, PRIORITY_LOW, 1, 60);
    add(14, DEST, DELIVERY_WAITING, PRIORITY_RETRY, 3, 60);
    add(15, DEST, DELIVERY_WAITING, PRIORITY_RETRY, 2, 60);
    add(16, DEST, DELIVERY_WAITING, PRIORITY_NORMAL, 99, 60);
    add(17, OTHER, DELIVERY_WAITING, PRIORITY_HIGH, 1, 60);
    claim(&j, 4, now_ms);
    assert_int_equal(j.count, 4);
    assert_true(j.more);
    size_t i = 0;
    for (const struct leased *d = j.list; d; d = d->next) assert_int_equal(d->id, want[i++]);
    const struct leased *d = j.list;
    assert_int_equal(d->event_id, 4);
    assert_int_equal(d->source_id, 9);
    assert_slice(d->key, SLICE("k12"));
    assert_slice(d->type, SLICE("order.paid"));
    assert_slice(d->data, SLICE("{\"id\":\"evt_4\"}"));
    assert_int_equal(d->occurred_ms, 70);
    assert_int_equal(d->created_ms, 60);
    assert_false(d->outcome_unknown);
    assert_int_equal(row("state", 12), DELIVERY_LEASED);
    assert_true(row("due_ms", 12) >= now_ms + LEASE_MS);
    forget(&j);
    claim(&j, 4, now_ms);
    assert_int_equal(j.count, 2);
    assert_false(j.more);
    for (d = j.list; d; d = d->next) assert_int_equal(d->id, want[i++]);
    forget(&j);
    assert_int_equal(row("state", 17), DELIVERY_WAITING);
    claim(&j, 4, now_ms);
    assert_int_equal(j.count, 0);
}

static void next_due(void **state UNUSED)
{
    struct claim_job j;
    claim(&j, 10, now_ms);
    assert_true(j.count == 0 && j.next_due_ms == INT64_MAX && !j.more);
    add(11, DEST, DELIVERY_WAITING, PRIORITY_LOW, now_ms + 3600000, 60);
    add(12, DEST, DELIVERY_WAITING, PRIORITY_RETRY, now_ms + 1800000, 60);
    add(13, DEST, DELIVERY_DELIVERED, PRIORITY_HIGH, now_ms + 1, 60);
    add(14, DEST, DELIVERY_DEAD, PRIORITY_HIGH, now_ms + 1, 60);
    add(15, DEST, DELIVERY_CANCELLED, PRIORITY_HIGH, 1, 60);
    add(16, OTHER, DELIVERY_WAITING, PRIORITY_HIGH, now_ms + 1, 60);
    claim(&j, 10, now_ms);
    assert_int_equal(j.count, 0);
    assert_int_equal(j.next_due_ms, now_ms + 1800000);
}

static void leases(void **state UNUSED)
{
    const int64_t boot_ms = now_ms - 1000;
    static const struct {
        int64_t id;
        const char *what;
        int64_t due, updated;
        bool claimed;
    } cases[] = {
        { 11, "another process's, its lease still runs: that process is gone", 200000, -5000,
          true },
        { 12, "our own, its lease still runs", 200000, 500, false },
        { 13, "our own, run out", -1, 500, true },
        { 14, "another process's, run out", -1, -5000, true },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        add(cases[i].id, DEST, DELIVERY_LEASED, PRIORITY_NORMAL, now_ms + cases[i].due,
            boot_ms + cases[i].updated);
    struct claim_job j;
    claim(&j, 10, boot_ms);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct leased *d = j.list;
        while (d && d->id != (uint64_t)cases[i].id) d = d->next;
        if ((d != NULL) != cases[i].claimed) fail_msg("%s", cases[i].what);
        if (!d) continue;
        assert_true(d->outcome_unknown); /* it may have been sent */
        assert_int_equal(d->first_attempt_ms, boot_ms + cases[i].updated);
        assert_int_equal(row("outcome_unknown", cases[i].id), 1);
        assert_int_equal(row("first_attempt_ms", cases[i].id), boot_ms + cases[i].updated);
    }
    assert_int_equal(row("updated_ms", 12), boot_ms + 500);
    forget(&j);
}

static struct settlement *settled(int64_t id, enum delivery_state state, int64_t due_ms,
                                  const char *reason, bool attempted)
{
    struct leased *d = leased_new(SLICE("k"), SLICE("t"), SLICE("s"), SLICE("{}"));
    d->id = (uint64_t)id;
    d->workspace_id = 1;
    d->priority = PRIORITY_NOTIFY;
    d->attempts = 3;
    d->lease_until_ms = now_ms + 1000; /* as the rows below have it: the fence */
    d->first_attempt_ms = 555;
    d->outcome_unknown = true;
    struct settlement *s = settlement_new(d, state, due_ms, reason);
    s->attempted = attempted;
    s->at_ms = now_ms;
    s->status = 503;
    s->verdict = VERDICT_RETRY;
    s->request = arena_dup(&s->arena, SLICE("POST"));
    return s;
}

static void settling(void **state UNUSED)
{
    for (int64_t id = 11; id <= 14; id++)
        add(id, DEST, DELIVERY_LEASED, PRIORITY_NOTIFY, now_ms + 1000, 60);
    add(16, DEST, DELIVERY_LEASED, PRIORITY_NOTIFY, now_ms + 2000, 60); /* leased anew since */
    add(15, DEST, DELIVERY_CANCELLED, PRIORITY_NOTIFY, 1,
        60); /* by a person, while it was under way */
    struct settlement *all[] = {
        settled(11, DELIVERY_WAITING, 777, "HTTP 503", true),
        settled(12, DELIVERY_DELIVERED, 0, "", true),
        settled(13, DELIVERY_DEAD, 0, "HTTP 410", true),
        settled(14, DELIVERY_WAITING, 888, "", false),
        settled(15, DELIVERY_WAITING, 999, "HTTP 503", true),
        settled(16, DELIVERY_WAITING, 999, "", false),
    };
    for (size_t i = 0; i + 1 < ARRAY_LEN(all); i++) all[i]->next = all[i + 1];
    struct settle_job j = { .ids = &hub.ids, .list = all[0] };
    struct why why = { .code = OK };
    assert_int_equal(store_begin(hub.store, &why), OK);
    if (settle_run(&j.job, hub.store, &why) != OK) fail_msg("%s", why.text);
    assert_int_equal(store_commit(hub.store, &why), OK);
    const struct {
        int64_t id;
        enum delivery_state state;
        enum priority p;
        int64_t due;
    } want[] = {
        { 11, DELIVERY_WAITING, PRIORITY_RETRY, 777 }, /* retries go behind what is new */
        { 12, DELIVERY_DELIVERED, PRIORITY_NOTIFY, 0 },
        { 13, DELIVERY_DEAD, PRIORITY_NOTIFY, 0 },
        { 14, DELIVERY_WAITING, PRIORITY_NOTIFY, 888 }, /* given back unsent: keeps its class */
        { 15, DELIVERY_CANCELLED, PRIORITY_NOTIFY, 1 },
        { 16, DELIVERY_LEASED, PRIORITY_NOTIFY, now_ms + 2000 }, /* not ours any more */
    };
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_int_equal(row("state", want[i].id), want[i].state);
        assert_int_equal(row("priority", want[i].id), want[i].p);
        assert_int_equal(row("due_ms", want[i].id), want[i].due);
    }
    assert_int_equal(row("attempts", 11), 3);
    assert_int_equal(row("first_attempt_ms", 11), 555);
    assert_int_equal(row("outcome_unknown", 11), 1);
    assert_int_equal(row("reason = 'HTTP 410'", 13), 1);
    assert_int_equal(hub_count(&hub, "SELECT COUNT(*) FROM attempts"), 4);
    assert_int_equal(
        hub_count(&hub, "SELECT COUNT(*) FROM attempts WHERE delivery_id = 11 AND status = 503"
                        " AND request = 'POST' AND reply = ''"),
        1);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) settlement_free(all[i]);
}

static void holding(void **state UNUSED)
{
    static const struct {
        int64_t id;
        const char *reason;
        bool fresh;
    } cases[] = {
        { DEST, "unauthorised: 401", true },
        { DEST, "unauthorised: 403", false },  /* it is on hold: the first reason stays */
        { OTHER, "unauthorised: 403", false }, /* deleted meanwhile */
    };
    struct why why;
    hub_run(&hub,
            "INSERT INTO destinations (id, workspace_id, name, kind, settings, secrets, hold, "
            "created_ms, updated_ms) VALUES (2, 1, 'crm', 'http', '{}', X'', '', 1, 1)");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool fresh = !cases[i].fresh;
        assert_int_equal(settle_hold(hub.store, 1, (uint64_t)cases[i].id,
                                     slice_str(cases[i].reason), 77 + (int64_t)i, &fresh, &why),
                         OK);
        if (fresh != cases[i].fresh) fail_msg("%s", cases[i].reason);
        assert_int_equal(hub_count(&hub, "SELECT COUNT(*) FROM destinations WHERE hold = "
                                         "'unauthorised: 401' AND updated_ms = 77"),
                         1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(best_class_first, setup, teardown),
        cmocka_unit_test_setup_teardown(next_due, setup, teardown),
        cmocka_unit_test_setup_teardown(leases, setup, teardown),
        cmocka_unit_test_setup_teardown(settling, setup, teardown),
        cmocka_unit_test_setup_teardown(holding, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
