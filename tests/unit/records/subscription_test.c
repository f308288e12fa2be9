/* subscription_test.c: a subscription's state is that of its latest event by the event's own time. */
#include "test.h"

#include "shuffle.h"

static struct hub hub;

static int setup(void **state UNUSED)
{
    struct why why;
    hub_open(&hub);
    return store_begin(hub.store, &why) == OK ? 0 : -1;
}

static int teardown(void **state UNUSED)
{
    store_rollback(hub.store);
    hub_close(&hub);
    return 0;
}

struct step {
    enum subscription_status status;
    int64_t ms, period; /* period 0: says nothing */
};

static void every_order_of_arrival(void **state UNUSED)
{
    static const struct {
        struct step steps[4];
        enum subscription_status want;
        int64_t period; /* 0: not compared */
    } cases[] = {
        { { { SUBSCRIPTION_TRIAL, 10, 1 },
            { SUBSCRIPTION_ACTIVE, 20, 2 },
            { SUBSCRIPTION_PAST_DUE, 30, 2 },
            { SUBSCRIPTION_ACTIVE, 40, 3 } },
          SUBSCRIPTION_ACTIVE,
          3 },
        { { { SUBSCRIPTION_ACTIVE, 10, 1 },
            { SUBSCRIPTION_CANCELLED, 30, 0 },
            { SUBSCRIPTION_ACTIVE, 20, 0 },
            { SUBSCRIPTION_PAUSED, 25, 0 } },
          SUBSCRIPTION_CANCELLED,
          0 },
        /* at one instant the state further on */
        { { { SUBSCRIPTION_ACTIVE, 10, 1 },
            { SUBSCRIPTION_CANCELLED, 10, 1 },
            { SUBSCRIPTION_PAST_DUE, 10, 1 },
            { SUBSCRIPTION_TRIAL, 10, 1 } },
          SUBSCRIPTION_CANCELLED,
          1 },
        /* what says nothing about the state changes nothing of it, however late it is */
        { { { SUBSCRIPTION_NONE, 90, 0 },
            { SUBSCRIPTION_ACTIVE, 10, 1 },
            { SUBSCRIPTION_PAUSED, 20, 0 },
            { SUBSCRIPTION_NONE, 5, 0 } },
          SUBSCRIPTION_PAUSED,
          0 },
    };
    struct arena a;
    struct why why;
    uint64_t workspace_id = 0, id;
    arena_init(&a, 1 << 24);
    for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
        size_t order[4] = { 0, 1, 2, 3 };
        do {
            struct subscription last = { 0 };
            workspace_id++;
            arena_reset(&a);
            for (size_t i = 0; i < 4; i++) {
                const struct step *s = &cases[c].steps[order[i]];
                struct subscription said = { .number = SLICE("s-1"),
                                             .status = s->status,
                                             .period = s->period };
                struct apply_ctx ctx = shuffle_ctx(&hub, workspace_id, &a);
                ctx.occurred_ms = s->ms;
                assert_int_equal(subscription_apply(&ctx, &said, 0, &last, &id, &why), OK);
            }
            if (last.status != cases[c].want)
                fail_msg("case %zu, order %zu%zu%zu%zu: %s", c, order[0], order[1], order[2],
                         order[3], subscription_status_name[last.status]);
            if (cases[c].period) assert_int_equal(last.period, cases[c].period);
        } while (shuffle_next(order, 4));
    }
    arena_free(&a);
}

static void checkout_stays_abandoned(void **state UNUSED)
{
    struct arena a;
    struct why why;
    arena_init(&a, 1 << 20);
    for (uint64_t ws = 1; ws <= 2; ws++) {
        struct checkout out = { 0 };
        for (int turn = 0; turn < 2; turn++) {
            struct apply_ctx ctx = shuffle_ctx(&hub, ws, &a);
            struct checkout *c = checkout_new(&a);
            uint64_t id;
            c->number = SLICE("c-1");
            c->abandoned = (turn == 0) == (ws == 1);
            assert_int_equal(checkout_apply(&ctx, c, 0, &out, &id, &why), OK);
        }
        assert_true(out.abandoned);
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_order_of_arrival, setup, teardown),
        cmocka_unit_test_setup_teardown(checkout_stays_abandoned, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
