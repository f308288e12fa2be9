/* pair_test.c: who must wait, in which order, and that nothing waits for ever. All times are arguments. */
#include "test.h"

#include "deliver/pair.h"

enum { NOW = 1000000, ANA = 7, BIA = 8 };

static void one_at_a_time_in_order(void **state UNUSED)
{
    struct pairs p = { 0 };
    assert_int_equal(pair_ask(&p, ANA, 1, NOW), 0); /* nothing known: no wait, nothing kept */
    pair_done(&p, ANA, 1);
    assert_int_equal(p.count, 0);
    pair_wait(&p, ANA, 1, NOW + 6000);
    assert_int_equal(pair_ask(&p, ANA, 3, NOW), NOW + 6000 + PAIR_AGAIN_MS);
    assert_int_equal(pair_ask(&p, ANA, 2, NOW), NOW + 6000 + PAIR_AGAIN_MS);
    assert_int_equal(pair_ask(&p, BIA, 4, NOW), 0);
    int64_t now = NOW + 6000;
    assert_true(pair_ask(&p, ANA, 2, now) > now); /* the first is before it */
    assert_int_equal(pair_ask(&p, ANA, 1, now), 0);
    assert_true(pair_ask(&p, ANA, 2, now) > now); /* and under way */
    pair_done(&p, ANA, 1);
    assert_true(pair_ask(&p, ANA, 3, now) > now);
    assert_true(pair_ask(&p, ANA, 5, now) > now); /* a new one is last */
    assert_int_equal(pair_ask(&p, ANA, 2, now), 0);
    pair_wait(&p, ANA, 2, now + 6000); /* refused again */
    assert_true(pair_ask(&p, ANA, 3, now) >= now + 6000);
    now += 6000;
    for (uint64_t id = 2; id <= 5; id += id == 3 ? 2 : 1) {
        assert_int_equal(pair_ask(&p, ANA, id, now), 0);
        pair_done(&p, ANA, id);
    }
    assert_null(p.first);
    assert_int_equal(p.count, 0);
}

static void what_does_not_come_back_holds_up_nobody(void **state UNUSED)
{
    struct pairs p = { 0 };
    pair_wait(&p, ANA, 1, NOW);
    pair_forget(&p, 1);
    assert_int_equal(pair_ask(&p, ANA, 2, NOW), 0);
    pair_done(&p, ANA, 2);
    assert_int_equal(p.count, 0);
    pair_wait(&p, ANA, 3, NOW);
    assert_true(pair_ask(&p, ANA, 4, NOW + PAIR_LATE_MS) > 0);
    assert_int_equal(pair_ask(&p, ANA, 4, NOW + PAIR_LATE_MS + 1), 0);
    pair_free(&p);
    assert_int_equal(p.count, 0);
}

static void bounded(void **state UNUSED)
{
    struct pairs p = { 0 };
    for (uint64_t who = 1; who <= PAIRS_MAX + 1; who++) pair_wait(&p, who, who, NOW + (int64_t)who);
    assert_int_equal(p.count, PAIRS_MAX);
    assert_int_equal(pair_ask(&p, 1, 1000, NOW), 0); /* its wait would have ended first */
    assert_true(pair_ask(&p, PAIRS_MAX + 1, 1000, NOW) > 0);
    for (uint64_t id = 2000; id < 2000 + 2 * PAIR_WAITING_MAX; id++)
        assert_true(pair_ask(&p, 2, id, NOW) > NOW);
    pair_wait(&p, 0, 1, NOW + 1);
    assert_int_equal(pair_ask(&p, 0, 1, NOW), 0);
    pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time_in_order),
        cmocka_unit_test(what_does_not_come_back_holds_up_nobody),
        cmocka_unit_test(bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
