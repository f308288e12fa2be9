/* malote_test.c: what the hub tells of itself, and that nobody else can. */
#include "test.h"

#include "kind.h"

extern const struct source_kind source_malote;

#define HELD                                                                                       \
    "{\"alert\":\"destination_held\",\"destination\":\"pixel\",\"destination_id\":\"dst_1\","      \
    "\"reason\":\"unauthorised: \\u00e9\",\"at\":\"2026-03-10T12:18:30.500Z\"}"

static void what_comes_of_it(void **state UNUSED)
{
    static const struct {
        const char *body;
        const char *want; /* NULL: it cannot be read */
    } cases[] = {
        { HELD,
          "[{\"type\":\"malote.alert\",\"name\":\"destination_held\","
          "\"key\":\"destination_held:dst_1:1773145110500\","
          "\"occurred_at\":\"2026-03-10T12:18:30.500Z\",\"custom\":{"
          "\"alert\":\"destination_held\",\"destination\":\"pixel\",\"destination_id\":\"dst_1\","
          "\"reason\":\"unauthorised: é\",\"at\":\"2026-03-10T12:18:30.500Z\"}}]" },
        /* of an account: one for the event that told it */
        { "{\"alert\":\"account_security\",\"event_id\":\"evt_1\",\"account\":\"9\",\"reason\":"
          "\"r\","
          "\"at\":\"2026-03-10T12:18:30.500Z\"}",
          "[{\"type\":\"malote.alert\",\"name\":\"account_security\","
          "\"key\":\"account_security:evt_1:1773145110500\","
          "\"occurred_at\":\"2026-03-10T12:18:30.500Z\",\"custom\":{"
          "\"alert\":\"account_security\",\"event_id\":\"evt_1\",\"account\":\"9\",\"reason\":"
          "\"r\","
          "\"at\":\"2026-03-10T12:18:30.500Z\"}}]" },
        { "{\"alert\":\"a\",\"destination_id\":\"dst_1\"}", NULL },
        { "{\"alert\":\"a\",\"at\":\"2026-03-10T12:18:30.500Z\"}", NULL },
        { "{\"destination_id\":\"dst_1\",\"at\":\"2026-03-10T12:18:30.500Z\"}", NULL },
        { "[]", NULL },
        { "", NULL },
        { "{", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        struct settings cfg = { 0 };
        struct why why = { 0 };
        slice out = { NULL, 0 };
        arena_init(&a, 1 << 20);
        struct request r = { .body = test_exact(slice_str(cases[i].body)) };
        enum err rc = kind_run(&source_malote, &r, &cfg, &a, &out, &why);
        assert_int_equal(rc, cases[i].want ? OK : ERR_SYNTAX);
        if (cases[i].want) assert_slice(out, slice_str(cases[i].want));
        assert_int_equal(source_malote.verify(&r, &cfg, 0, &a, &why), ERR_DENIED);
        free((void *)(uintptr_t)r.body.ptr);
        arena_free(&a);
    }
}

static void whose_types(void **state UNUSED)
{
    assert_true(event_is_own(SLICE("malote.alert")));
    assert_true(event_is_own(SLICE("malote.")));
    assert_false(event_is_own(SLICE("malote")));
    assert_false(event_is_own(SLICE("x.malote.alert")));
    assert_false(event_is_own(SLICE("")));
}

static void out_of_memory(void **state UNUSED)
{
    struct request r = { .body = SLICE(HELD) };
    assert_in_range(kind_out_of_memory(&source_malote, "{}", &r), 5, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_of_it),
        cmocka_unit_test(whose_types),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
