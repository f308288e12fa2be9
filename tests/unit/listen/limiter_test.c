/* limiter_test.c: buckets hold a minute's worth, refill evenly, and do not share. Times are arguments. */
#include "test.h"

#include "listen/limiter.h"

static struct limiter limiter;

static int setup(void **state UNUSED)
{
    limiter_init(&limiter);
    return 0;
}

static void takes_and_refills(void **state UNUSED)
{
    enum { START = 5000 };
    for (uint32_t i = 0; i < 60; i++) {
        struct limit l = limiter_take(&limiter, 1, 60, START);
        assert_true(l.allowed);
        assert_int_equal(l.limit, 60);
        assert_int_equal(l.remaining, 59 - i);
    }
    static const struct {
        int64_t at_ms;
        bool allowed;
    } cases[] = {
        { 0, false },    { 999, false }, { 1000, true }, { 1000, false },
        { 1999, false }, { 3000, true }, { 3000, true }, { 3000, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (limiter_take(&limiter, 1, 60, START + cases[i].at_ms).allowed != cases[i].allowed)
            fail_msg("step %zu", i);
    struct limit refused = limiter_take(&limiter, 1, 60, START + 3000);
    assert_false(refused.allowed);
    assert_int_equal(refused.remaining, 0);
    assert_true(refused.reset_s >= 1 && refused.reset_s <= 2);
    for (int i = 0; i < 60; i++)
        assert_true(
            limiter_take(&limiter, 1, 60, START + 3600000).allowed); /* full, never fuller */
    assert_false(limiter_take(&limiter, 1, 60, START + 3600000).allowed);
}

static void no_limit(void **state UNUSED)
{
    for (int i = 0; i < 1000; i++) assert_true(limiter_take(&limiter, 1, 0, 5000).allowed);
}

static void apart(void **state UNUSED)
{
    assert_true(limiter_take(&limiter, 1, 1, 5000).allowed);
    assert_false(limiter_take(&limiter, 1, 1, 5000).allowed);
    assert_true(limiter_take(&limiter, 2, 1, 5000).allowed);
    assert_true(limiter_take(&limiter, UINT64_MAX, 1, 5000).allowed);
}

/* A changed limit holds at once: tokens above it are lost. */
static void lowered(void **state UNUSED)
{
    assert_true(limiter_take(&limiter, 1, 1000, 5000).allowed);
    assert_int_equal(limiter_take(&limiter, 1, 10, 5000).remaining, 9);
}

/* More ids than buckets: nobody is refused who has not used his own. */
static void more_ids_than_buckets(void **state UNUSED)
{
    for (uint64_t id = 1; id <= 4 * LIMITER_BUCKETS_MAX; id++)
        assert_true(limiter_take(&limiter, id, 1, 5000 + (int64_t)id).allowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(takes_and_refills, setup),
        cmocka_unit_test_setup(no_limit, setup),
        cmocka_unit_test_setup(apart, setup),
        cmocka_unit_test_setup(lowered, setup),
        cmocka_unit_test_setup(more_ids_than_buckets, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
