/* arena_test.c: an arena never grows past its maximum, and says so. */
#include "test.h"

static void maximum(void **state UNUSED)
{
    static const size_t sizes[] = { 1, 16, 17, 100, 4096, 16384, 16385, 100000 };
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct arena a;
        size_t total = 0;
        arena_init(&a, 200000);
        for (char *p; (p = arena_alloc(&a, sizes[i])); total += sizes[i]) {
            assert_int_equal((uintptr_t)p % 16, 0);
            for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(p[k], 0);
            memset(p, 0xff, sizes[i]);
            assert_false(a.full);
        }
        assert_true(total > 0 && total <= 200000 && a.used <= 200000);
        assert_true(a.full);
        arena_reset(&a);
        assert_false(a.full);
        assert_non_null(arena_alloc(&a, sizes[i]));
        arena_free(&a);
        arena_free(&a);
    }
}

static void goes_back(void **state UNUSED)
{
    static const size_t before[] = { 0, 10, 20000 };
    for (size_t i = 0; i < ARRAY_LEN(before); i++) {
        struct arena a;
        arena_init(&a, 100000);
        slice kept = before[i] ? arena_printf(&a, "%*d", (int)before[i], 7) : SLICE("");
        struct arena_mark mark = arena_mark(&a);
        size_t used = a.used;
        for (int turn = 0; turn < 5; turn++) { /* each has all the room that the first had */
            while (arena_alloc(&a, 7000)) {
            }
            while (arena_alloc(&a, 16)) {
            }
            assert_true(a.full);
            arena_rewind(&a, mark);
            assert_false(a.full);
            assert_int_equal(a.used, used);
        }
        assert_int_equal(kept.len, before[i]);
        if (kept.len) assert_int_equal(kept.ptr[kept.len - 1], '7');
        arena_free(&a);
    }
}

static void odd_sizes(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, 1000);
    assert_non_null(arena_alloc(&a, 0));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 8));
    assert_true(a.full);
    assert_null(arena_alloc_array(&a, SIZE_MAX / 2, 3));
    arena_reset(&a);
    assert_slice(arena_dup(&a, (slice){ NULL, 0 }), SLICE(""));
    assert_slice(arena_printf(&a, "%s-%d", "x", 7), SLICE("x-7"));
    assert_null(arena_dup(&a, slice_of("", 5000)).ptr);
    assert_null(arena_printf(&a, "%2000d", 1).ptr);
    arena_free(&a);
}

static void nth_fails(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, 1000);
    arena_fail_nth(3);
    for (int i = 1; i <= 5; i++) assert_true((arena_alloc(&a, 8) == NULL) == (i == 3));
    arena_fail_nth(1);
    arena_fail_nth(0);
    assert_non_null(arena_alloc(&a, 8));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(maximum), cmocka_unit_test(odd_sizes),
                                        cmocka_unit_test(nth_fails), cmocka_unit_test(goes_back) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
