/* stop_test.c: the delivery loop ends while the writer still has deliveries for it. */
#include "test.h"

#include <unistd.h>

#include "base/clock.h"
#include "deliver/deliver.h"
#include "hub.h"

enum { DEST = 1, GRACE_MS = 2000 };

static struct hub hub;
static struct guard guard;

/* A turn of the writer that found room, goes on until the loop was told to stop, and then hands over what was born in it. */
struct slow_turn {
    struct journal_job job;
    struct deliver *deliver;
    struct leased *born;
    _Atomic bool running;
};

static enum err slow_run(struct journal_job *job, struct store *s UNUSED, struct why *why UNUSED)
{
    struct slow_turn *t = (struct slow_turn *)(void *)job;
    atomic_store(&t->running, true);
    while (deliver_room(t->deliver) > 0) usleep(1000);
    usleep(100000); /* the loop is at its end */
    return OK;
}

static void slow_done(struct journal_job *job, enum err rc UNUSED, const struct why *why UNUSED)
{
    struct slow_turn *t = (struct slow_turn *)(void *)job;
    if (t->born) deliver_hand(t->deliver, t->born);
}

static int setup(void **state UNUSED)
{
    hub_open(&hub);
    hub_configure(&hub, "{\"destinations\":[{\"name\":\"crm\",\"kind\":\"http\","
                        "\"url\":\"https://crm.example/\",\"secret\":\"sesame-sesame\"}]}");
    hub_run(&hub, "INSERT INTO events VALUES (4, 1, 9, 8, 'order.paid', '', 'k', '', 70, 80, 1);"
                  "INSERT INTO event_data VALUES (4, 1, 0, 0, 90, '', '{\"id\":\"evt_4\"}')");
    hub_unlock(&hub);
    return 0;
}

static int teardown(void **state UNUSED)
{
    hub_close(&hub);
    return 0;
}

/* Runs the loop, stops it during a slow turn, and stops the writer. */
static void stop_during(struct leased *born)
{
    struct why why = { .code = OK };
    struct deliver_options o = { .log = &hub.log,
                                 .metrics = &hub.metrics,
                                 .ids = &hub.ids,
                                 .config = &hub.config,
                                 .guard = &guard };
    struct slow_turn t = { .job = { .run = slow_run, .done = slow_done }, .born = born };
    struct journal *j = hub_journal(&hub, false);
    if (deliver_new(&o, &t.deliver, &why) != OK) fail_msg("%s", why.text);
    journal_post(j, &t.job);
    while (!atomic_load(&t.running)) usleep(1000);
    if (deliver_start(t.deliver, j, &why) != OK) fail_msg("%s", why.text);
    usleep(100000); /* its claim waits behind the slow turn */
    deliver_stop(t.deliver, GRACE_MS);
    journal_stop(j);
    deliver_free(t.deliver);
}

static void is_given_back(void)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "SELECT COUNT(*) FROM deliveries WHERE state = 0 AND outcome_unknown = 0 AND "
             "attempts = 0 AND first_attempt_ms = 0 AND due_ms <= %lld",
             (long long)clock_wall_ms());
    assert_int_equal(hub_count(&hub, sql), 1);
}

static void born_after_the_loop_was_told(void **state UNUSED)
{
    struct leased *born = leased_new(SLICE("k"), SLICE("order.paid"), SLICE("shop"), SLICE("{}"));
    assert_non_null(born);
    hub_run(&hub,
            "INSERT INTO deliveries VALUES (11, 1, 1, 5, 4, 'k', 1, 1, 9000000000000, 0, 0, 0, 0, "
            "'', 60, 9000000000000, '', 0)");
    born->id = 11;
    born->workspace_id = HUB_WORKSPACE;
    born->destination_id = DEST;
    born->lease_until_ms = 9000000000000; /* far away: nobody else claims it */
    stop_during(born);
    is_given_back();
}

static void claimed_after_the_loop_was_told(void **state UNUSED)
{
    hub_run(&hub, "INSERT INTO deliveries VALUES (11, 1, 1, 5, 4, 'k', 0, 1, 10, 0, 0, 0, 0, '', "
                  "60, 60, '', 0)");
    stop_during(NULL);
    is_given_back();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(born_after_the_loop_was_told, setup, teardown),
        cmocka_unit_test_setup_teardown(claimed_after_the_loop_was_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
