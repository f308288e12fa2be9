/* mask_test.c: what is masked is valid JSON always, also where it could not be looked into. */
#include "test.h"

#include "api/mask.h"

static slice nested(struct arena *a, const char *open, size_t levels, const char *inner,
                    const char *close)
{
    slice out = arena_printf(a, "%s", inner);
    for (size_t i = 0; i < levels; i++)
        out = arena_printf(a, "%s%.*s%s", open, SLICE_ARG(out), close);
    return out;
}

static void masked(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    const struct {
        slice in;
        const char *out;
    } rows[] = {
        { SLICE_INIT("{\"phone\":\"+5511\",\"type\":\"x\"}"),
          "{\"phone\":\"***\",\"type\":\"x\"}" },
        { SLICE_INIT("no JSON"), "\"***\"" },
        { SLICE_INIT("{\"a\":\"[1,2\"}"), "{\"a\":\"***\"}" },
        { SLICE_INIT("{\"a\":\"{\\\"email\\\":\\\"x\\\"}\"}"),
          "{\"a\":\"{\\\"email\\\":\\\"***\\\"}\"}" },
        { nested(&a, "[", JSON_DEPTH_MAX + 1, "1", "]"), "\"***\"" },
        { arena_printf(&a, "{\"a\":\"%.*s\"}",
                       SLICE_ARG(nested(&a, "[", JSON_DEPTH_MAX + 1, "1", "]"))),
          "{\"a\":\"***\"}" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json *v = NULL;
        slice out = mask_personal(rows[i].in, &a);
        assert_slice(out, slice_str(rows[i].out));
        assert_int_equal(json_parse(out, &a, &v, NULL), OK);
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(masked) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
