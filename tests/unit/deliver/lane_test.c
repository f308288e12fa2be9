/* lane_test.c: turns among the classes, breaker, pause, rate, backoff. All times are arguments. */
#include "test.h"

#include "deliver/lane.h"

enum { NOW = 1000000 };

static struct destination destination(void)
{
    return (struct destination){ .id = 1, .enabled = true, .concurrency = 4, .batch_max = 1 };
}

/* The queues point into the lane: it is made in place. */
static void lane_start(struct lane *lane, const struct destination *to)
{
    lane_init(lane, 1, to->id);
    lane->to = to;
}

static void push(struct lane *lane, enum priority p, int64_t ready_us)
{
    struct leased *d = leased_new(SLICE("k"), SLICE("t"), SLICE("s"), SLICE("{}"));
    d->priority = p;
    d->ready_us = ready_us;
    lane_push(lane, d);
}

static void classes_take_turns(void **state UNUSED)
{
    enum { EACH = 400, CYCLES = 10 };
    static const size_t share[PRIORITY_COUNT] = { 16, 8, 4, 2, 1 };
    struct destination to = destination();
    struct lane lane;
    size_t got[PRIORITY_COUNT] = { 0 };
    lane_start(&lane, &to);
    for (int p = 0; p < PRIORITY_COUNT; p++)
        for (int i = 0; i < EACH; i++) push(&lane, (enum priority)p, p * 1000 + i);
    int64_t last[PRIORITY_COUNT] = { -1, -1, -1, -1, -1 };
    for (int i = 0; i < 31 * CYCLES; i++) {
        struct leased *d = lane_pop(&lane);
        got[d->priority]++;
        assert_true(d->ready_us > last[d->priority]); /* first come, first served within a class */
        last[d->priority] = d->ready_us;
        leased_free(d);
    }
    for (int p = 0; p < PRIORITY_COUNT; p++) assert_int_equal(got[p], share[p] * CYCLES);
    size_t rest = 0;
    for (struct leased *d; (d = lane_pop(&lane)); rest++) leased_free(d);
    assert_int_equal(rest, PRIORITY_COUNT * EACH - 31 * CYCLES);
    assert_int_equal(lane.waiting, 0);
}

static void a_class_alone_is_not_kept_waiting(void **state UNUSED)
{
    struct destination to = destination();
    for (int p = 0; p < PRIORITY_COUNT; p++) {
        struct lane lane;
        lane_start(&lane, &to);
        assert_true(lane_oldest_us(&lane) == INT64_MAX);
        push(&lane, (enum priority)p, 7);
        push(&lane, (enum priority)p, 9);
        assert_true(lane_oldest_us(&lane) == 7);
        for (int i = 0; i < 2; i++) {
            struct leased *d = lane_pop(&lane);
            assert_non_null(d);
            leased_free(d);
        }
        assert_null(lane_pop(&lane));
        push(&lane, (enum priority)p, 11); /* the emptied queue takes again */
        leased_free(lane_pop(&lane));
    }
}

/* One step: what happens at a time, and the gate right after it. */
struct step {
    enum { GATE, SEND, VERDICT } what;
    enum verdict_kind verdict;
    int64_t wait_ms, at_ms;
    enum lane_gate gate;
    int64_t again_ms; /* behind NOW; -1: when something happens */
};

static void walk(const char *name, struct lane *lane, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct step *s = &steps[i];
        int64_t again_ms = 0, now_ms = NOW + s->at_ms,
                want_ms = s->again_ms < 0 ? INT64_MAX : NOW + s->again_ms;
        struct verdict v = verdict_of(s->verdict, s->wait_ms, "test");
        if (s->what == SEND) lane_sent(lane, now_ms);
        if (s->what == VERDICT) lane_verdict(lane, &v, true, now_ms);
        enum lane_gate gate = lane_gate(lane, now_ms, &again_ms);
        if (gate != s->gate || again_ms != want_ms)
            fail_msg("%s, step %zu: gate %d again %lld", name, i, (int)gate,
                     (long long)(again_ms - NOW));
    }
}

#define FAIL(at, gate, again)                                                                      \
    { SEND, 0, 0, at, LANE_OPEN, -1 }, { VERDICT, VERDICT_RETRY, 0, at, gate, again }

static void breaker(void **state UNUSED)
{
    static const struct step steps[] = {
        FAIL(0, LANE_OPEN, -1),
        FAIL(1, LANE_OPEN, -1),
        FAIL(2, LANE_OPEN, -1),
        FAIL(3, LANE_OPEN, -1),
        FAIL(4, LANE_BROKEN, 5004), /* the fifth in a row opens it */
        { GATE, 0, 0, 5003, LANE_BROKEN, 5004 },
        { GATE, 0, 0, 5004, LANE_OPEN, -1 }, /* half-open: one may go */
        { SEND, 0, 0, 5004, LANE_FULL, -1 },
        { VERDICT, VERDICT_RETRY, 0, 5005, LANE_BROKEN, 15005 }, /* twice as long */
        { GATE, 0, 0, 15005, LANE_OPEN, -1 },
        { SEND, 0, 0, 15005, LANE_FULL, -1 },
        { VERDICT, VERDICT_DELIVERED, 0, 15006, LANE_OPEN, -1 }, /* closed */
        FAIL(20000, LANE_OPEN, -1),
        FAIL(20001, LANE_OPEN, -1),
        FAIL(20002, LANE_OPEN, -1),
        FAIL(20003, LANE_OPEN, -1),
        { SEND, 0, 0, 20004, LANE_OPEN, -1 },
        { VERDICT, VERDICT_DEAD, 0, 20004, LANE_OPEN,
          -1 }, /* it answers: not a failure of the destination */
        FAIL(20005, LANE_OPEN, -1),
        FAIL(20006, LANE_OPEN, -1),
        FAIL(20007, LANE_OPEN, -1),
        FAIL(20008, LANE_OPEN, -1),
        FAIL(20009, LANE_BROKEN, 25009), /* and the first wait again */
    };
    struct destination to = destination();
    struct lane lane;
    lane_start(&lane, &to);
    walk("breaker", &lane, steps, ARRAY_LEN(steps));
}

static void breaker_wait_has_a_maximum(void **state UNUSED)
{
    struct destination to = destination();
    struct lane lane;
    lane_start(&lane, &to);
    int64_t now_ms = NOW, again_ms = 0, longest_ms = 0;
    struct verdict retry = verdict_of(VERDICT_RETRY, 0, "down");
    for (int i = 0; i < 40; i++) {
        if (lane_gate(&lane, now_ms, &again_ms) == LANE_BROKEN) {
            if (again_ms - now_ms > longest_ms) longest_ms = again_ms - now_ms;
            now_ms = again_ms;
            assert_int_equal(lane_gate(&lane, now_ms, &again_ms), LANE_OPEN);
        }
        lane_sent(&lane, now_ms);
        lane_verdict(&lane, &retry, true, now_ms);
    }
    assert_int_equal(longest_ms, BREAKER_WAIT_MAX_MS);
}

static void late_answers_do_not_reopen(void **state UNUSED)
{
    struct destination to = destination();
    struct lane lane;
    lane_start(&lane, &to);
    struct verdict retry = verdict_of(VERDICT_RETRY, 0, "down");
    int64_t again_ms;
    to.concurrency = 8;
    for (int i = 0; i < 8; i++) lane_sent(&lane, NOW);
    for (int i = 0; i < 8; i++)
        lane_verdict(&lane, &retry, true, NOW + i * 100); /* five open it, three come late */
    assert_int_equal(lane_gate(&lane, NOW + 800, &again_ms), LANE_BROKEN);
    assert_int_equal(again_ms, NOW + 400 + BREAKER_WAIT_FIRST_MS);
}

/* One alert for one outage, and none for what only the hub's own alerts suffer. Letters: f an ordinary event fails, a alerts alone
 * fail, d delivered, x refused for good, w the breaker's wait is over; upper case: and that is told. */
static void what_is_told(void **state UNUSED)
{
    static const char *const walks[] = {
        "ffffF",         "ffffFff", /* five, once, however many come late */
        "ffffFwfwfwfwf", "ffffFwdffffF", /* opening again is the same outage; after a success another begins */
        "ffffFwxffffF",  "ffffdffff",   /* an answer ends it, whatever it says */
        "aaaaaaaa",      "aaaaawawawa", /* alerts alone are never told of */
        "aaaaawF",       "aaaaFwf",     /* ... until something else suffers too */
        "aaaaF",         "faaaA",        "fdaaaaa", "aaaaawdaaaaa",
    };
    for (size_t i = 0; i < ARRAY_LEN(walks); i++) {
        struct destination to = destination();
        struct lane lane;
        lane_start(&lane, &to);
        int64_t now_ms = NOW, again_ms;
        to.concurrency = 100;
        for (const char *c = walks[i]; *c; c++) {
            char what = (char)(*c | 0x20);
            if (what == 'w') {
                now_ms = lane.open_until_ms;
                assert_int_equal(lane_gate(&lane, now_ms, &again_ms), LANE_OPEN);
                continue;
            }
            struct verdict v = verdict_of(what == 'd'   ? VERDICT_DELIVERED
                                          : what == 'x' ? VERDICT_DEAD
                                                        : VERDICT_RETRY,
                                          0, "test");
            lane_sent(&lane, now_ms);
            if (lane_verdict(&lane, &v, what != 'a', now_ms) != (*c < 'a'))
                fail_msg("%s, letter %d", walks[i], (int)(c - walks[i]));
        }
    }
}

static void pause(void **state UNUSED)
{
    static const struct step steps[] = {
        { SEND, 0, 0, 0, LANE_OPEN, -1 },
        { VERDICT, VERDICT_PAUSE, 1500, 0, LANE_PAUSED, 1500 }, /* the other side's own wish */
        { GATE, 0, 0, 1500, LANE_OPEN, -1 },
        { SEND, 0, 0, 1500, LANE_OPEN, -1 },
        { VERDICT, VERDICT_PAUSE, 0, 2000, LANE_PAUSED,
          62000 }, /* without one: a minute, then two */
        { GATE, 0, 0, 62000, LANE_OPEN, -1 },
        { SEND, 0, 0, 62000, LANE_OPEN, -1 },
        { SEND, 0, 0, 62000, LANE_OPEN, -1 },
        { VERDICT, VERDICT_PAUSE, 0, 62000, LANE_PAUSED, 182000 },
        { VERDICT, VERDICT_PAUSE, 10, 62000, LANE_PAUSED,
          182000 }, /* a shorter wish does not shorten it */
        { SEND, 0, 0, 182000, LANE_OPEN, -1 },
        { VERDICT, VERDICT_DELIVERED, 0, 182000, LANE_OPEN, -1 },
        { SEND, 0, 0, 182000, LANE_OPEN, -1 },
        { VERDICT, VERDICT_PAUSE, 0, 182000, LANE_PAUSED, 242000 }, /* a minute again */
    };
    struct destination to = destination();
    struct lane lane;
    lane_start(&lane, &to);
    walk("pause", &lane, steps, ARRAY_LEN(steps));
}

/* The fuller the other side's limit, the longer until the next request; what is said last counts. */
static void slow(void **state UNUSED)
{
    static const struct {
        unsigned used_pct;
        int64_t wait_ms;
    } cases[] = { { 0, 0 },      { 79, 0 },      { 80, 2857 },       { 90, 31428 },
                  { 99, 57142 }, { 100, 60000 }, { UINT_MAX, 60000 } };
    static const enum verdict_kind kinds[] = { VERDICT_DELIVERED, VERDICT_RETRY, VERDICT_DEAD,
                                               VERDICT_SPLIT };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
            struct destination to = destination();
            struct lane lane;
            int64_t again_ms, wait_ms = cases[i].wait_ms;
            lane_start(&lane, &to);
            struct verdict v = verdict_of(kinds[k], 0, "test");
            v.used_pct = cases[i].used_pct;
            lane_sent(&lane, NOW);
            lane_verdict(&lane, &v, true, NOW);
            assert_int_equal(lane_gate(&lane, NOW, &again_ms), wait_ms ? LANE_FULL : LANE_OPEN);
            assert_true(again_ms == (wait_ms ? NOW + wait_ms : INT64_MAX));
            assert_int_equal(lane_gate(&lane, NOW + wait_ms, &again_ms), LANE_OPEN);
        }
    }
}

static void held(void **state UNUSED)
{
    struct destination to = destination();
    struct lane lane;
    lane_start(&lane, &to);
    int64_t again_ms;
    assert_int_equal(lane_gate(&lane, NOW, &again_ms), LANE_OPEN);
    to.enabled = false;
    assert_int_equal(lane_gate(&lane, NOW, &again_ms), LANE_HELD);
    to.enabled = true;
    to.hold = SLICE("unauthorised");
    assert_int_equal(lane_gate(&lane, NOW, &again_ms), LANE_HELD);
    lane.to = NULL;
    assert_int_equal(lane_gate(&lane, NOW, &again_ms), LANE_HELD);
    assert_true(again_ms == INT64_MAX);
}

static void concurrency(void **state UNUSED)
{
    static const struct step steps[] = {
        { SEND, 0, 0, 0, LANE_OPEN, -1 },
        { SEND, 0, 0, 0, LANE_OPEN, -1 },
        { SEND, 0, 0, 0, LANE_OPEN, -1 },
        { SEND, 0, 0, 0, LANE_FULL, -1 },
        { VERDICT, VERDICT_DELIVERED, 0, 1, LANE_OPEN, -1 },
    };
    struct destination to = destination();
    struct lane lane;
    lane_start(&lane, &to);
    walk("concurrency", &lane, steps, ARRAY_LEN(steps));
}

/* Sends whenever the gate opens for ten minutes; never more than the rate, and all of it. */
static void rate(void **state UNUSED)
{
    static const uint32_t rates[] = { 1, 30, 60, 600, 6000 };
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct destination to = destination();
        to.rate_per_min = rates[i];
        struct lane lane;
        lane_start(&lane, &to);
        struct verdict done = verdict_of(VERDICT_DELIVERED, 0, "ok");
        int64_t now_ms = NOW, again_ms, sent = 0, burst = 0;
        while (now_ms < NOW + 10 * 60000) {
            enum lane_gate gate = lane_gate(&lane, now_ms, &again_ms);
            if (gate == LANE_OPEN) {
                lane_sent(&lane, now_ms);
                lane_verdict(&lane, &done, true, now_ms);
                sent++;
                if (now_ms == NOW) burst++;
                continue;
            }
            assert_int_equal(gate, LANE_FULL);
            assert_true(again_ms > now_ms);
            now_ms = again_ms;
        }
        int64_t whole = 10 * (int64_t)rates[i], spare = rates[i] / 60 > 1 ? rates[i] / 60 : 1;
        assert_int_equal(burst, spare); /* one second's worth at once, no more */
        assert_true(sent <= whole + spare);
        /* A wait is rounded up to the millisecond: slow rates reach all of it, the fastest nine tenths. */
        assert_true(sent >= whole * 9 / 10 - 1);
    }
}

static void backoff(void **state UNUSED)
{
    struct destination to = destination();
    to.retry_ms[0] = 5000;
    to.retry_ms[1] = 30000;
    to.retry_ms[2] = 0;
    to.retry_count = 3;
    static const struct {
        uint32_t attempts;
        int64_t floor_ms;
        double chance;
        int64_t want;
    } cases[] = {
        { 1, 0, 0, 5000 },    { 1, 0, 1, 6000 },  { 1, 0, 0.5, 5500 }, { 1, 90000, 0, 90000 },
        { 1, 5500, 1, 6000 }, { 2, 0, 0, 30000 }, { 2, 0, 1, 36000 },  { 3, 0, 1, 0 },
        { 3, 7, 0, 7 },       { 4, 0, 0, -1 },    { 4, 90000, 0, -1 }, { UINT32_MAX, 0, 0, -1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(
            lane_backoff_ms(&to, cases[i].attempts, cases[i].floor_ms, cases[i].chance),
            cases[i].want);
    to.retry_count = 0;
    assert_int_equal(lane_backoff_ms(&to, 1, 0, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_take_turns),
        cmocka_unit_test(a_class_alone_is_not_kept_waiting),
        cmocka_unit_test(breaker),
        cmocka_unit_test(breaker_wait_has_a_maximum),
        cmocka_unit_test(what_is_told),
        cmocka_unit_test(late_answers_do_not_reopen),
        cmocka_unit_test(pause),
        cmocka_unit_test(slow),
        cmocka_unit_test(held),
        cmocka_unit_test(concurrency),
        cmocka_unit_test(rate),
        cmocka_unit_test(backoff),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
