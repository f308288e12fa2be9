/* delivery_test.c: the table of moves, as delivery.h tells it. */
#include "test.h"

#include "deliver/delivery.h"

static void moves(void **state UNUSED)
{
    /* from: waiting, leased, delivered, dead, cancelled (rows); to: the same (columns) */
    static const char *const want[DELIVERY_STATE_COUNT] = {
        "-L+DC", "W-+DC", "W----", "W-+--", "W----",
    };
    for (int from = 0; from < DELIVERY_STATE_COUNT; from++)
        for (int to = 0; to < DELIVERY_STATE_COUNT; to++)
            if (delivery_may((enum delivery_state)from, (enum delivery_state)to) !=
                (want[from][to] != '-'))
                fail_msg("%s -> %s", delivery_state_name[from], delivery_state_name[to]);
    assert_false(delivery_may(DELIVERY_STATE_COUNT, DELIVERY_WAITING));
    assert_false(delivery_may(DELIVERY_WAITING, DELIVERY_STATE_COUNT));
}

static void one_block(void **state UNUSED)
{
    slice data = test_exact(SLICE("{\"id\":\"evt_1\"}"));
    struct leased *d = leased_new(SLICE("k"), SLICE("order.paid"), (slice){ NULL, 0 }, data);
    free((void *)(uintptr_t)data.ptr);
    assert_non_null(d);
    assert_slice(d->key, SLICE("k"));
    assert_slice(d->type, SLICE("order.paid"));
    assert_int_equal(d->source.len, 0);
    assert_slice(d->data, SLICE("{\"id\":\"evt_1\"}"));
    assert_int_equal(d->bytes, sizeof *d + 1 + 10 + 14);
    assert_int_equal(d->attempts, 0);
    leased_free(d);
    leased_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(moves), cmocka_unit_test(one_block) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
