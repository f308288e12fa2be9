/* id_test.c: ids are ordered, survive a clock that steps back, and print and parse back. */
#include "base/id.h"

#include "test.h"

static void ids_grow_even_when_the_clock_does_not(void **state UNUSED)
{
    struct id_maker m = { .node = 3 };
    uint64_t last = 0;
    for (int i = 0; i < 100000; i++) {
        uint64_t id = id_next(&m, 1800000000000 - i / 1000);
        assert_true(id > last);
        assert_int_equal(id >> 14 & 255, 3);
        last = id;
    }
}

static void ids_go_on_above_what_is_stored(void **state UNUSED)
{
    struct id_maker before = { .node = 0 }, after = { .node = 0 };
    uint64_t stored = id_next(&before, 1800000000000);
    id_above(&after, stored);
    id_above(&after, stored - 1000);
    assert_true(id_next(&after, 1700000000000) >
                stored); /* restarted, and the clock stepped back */
}

static void text_round_trip(void **state UNUSED)
{
    char text[ID_TEXT_MAX], later[ID_TEXT_MAX];
    struct id_maker m = { .node = 0 };
    uint64_t a = id_next(&m, 1800000000000), b = id_next(&m, 1800000000001), back = 0;
    assert_int_equal(id_ms(a), 1800000000000);
    slice s = id_text(ID_EVENT, a, text);
    assert_true(slice_cmp(s, id_text(ID_EVENT, b, later)) < 0);
    assert_int_equal(id_parse(ID_EVENT, s, &back), OK);
    assert_int_equal(back, a);
    assert_int_equal(id_parse(ID_ORDER, s, &back), ERR_SYNTAX);
    assert_int_equal(id_parse(ID_EVENT, SLICE("evt_!!!!!!!!!!!!!"), &back), ERR_SYNTAX);
    assert_int_equal(id_parse(ID_EVENT, SLICE("evt_zzzzzzzzzzzzz"), &back), ERR_SYNTAX);
}

static void moments_outside_all_ids(void **state UNUSED)
{
    assert_int_equal(id_at(INT64_MIN), 0);
    assert_int_equal(id_at(0), 0);
    assert_true(id_at(1800000000001) > id_at(1800000000000));
    assert_true(id_at(INT64_MAX) == (uint64_t)INT64_MAX); /* the year 9999 is after everything */
    assert_true(id_at(253402300799000) == (uint64_t)INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_grow_even_when_the_clock_does_not),
        cmocka_unit_test(ids_go_on_above_what_is_stored),
        cmocka_unit_test(text_round_trip),
        cmocka_unit_test(moments_outside_all_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
