/* fill_test.c: placeholders: filled, defaulted, missing; whatever a value holds, it stays the text of one string. */
#include "campaign/fill.h"

#include "test.h"

static const struct {
    const char *template, *values, *want; /* want NULL: a value is missing */
} cases[] = {
    { "{\"a\":\"Oi {{nome}}!\"}", "{\"nome\":\"Ana\"}", "{\"a\":\"Oi Ana!\"}" },
    { "{\"a\":[\"{{ Nome }}\",\"{{NOME}}{{nome}}\"]}", "{\"nome\":\"A\"}",
      "{\"a\":[\"A\",\"AA\"]}" },
    { "{\"a\":\"{{N\xc3\xbamero}}\"}", "{\"numero\":\"7\"}", "{\"a\":\"7\"}" },
    { "{\"a\":\"{{nome|cliente}}\"}", "{}", "{\"a\":\"cliente\"}" },
    { "{\"a\":\"{{nome|cliente}}\"}", "{\"nome\":\"Ana\"}", "{\"a\":\"Ana\"}" },
    { "{\"a\":\"{{nome}}\"}", "{}", NULL },
    { "{\"a\":\"{{nome|}}\"}", "{}", NULL },
    { "{\"a\":\"plain } { text\",\"n\":1,\"t\":true,\"z\":null}", "{}",
      "{\"a\":\"plain } { text\",\"n\":1,\"t\":true,\"z\":null}" },
    /* what would be JSON, were it not text */
    { "{\"a\":\"{{x}}\"}", "{\"x\":\"\\\",\\\"to\\\":\\\"+5511\"}",
      "{\"a\":\"\\\",\\\"to\\\":\\\"+5511\"}" },
    { "{\"a\":\"{{x}}\"}", "{\"x\":\"\\\\\"}", "{\"a\":\"\\\\\"}" },
    /* a value is not looked at for placeholders */
    { "{\"a\":\"{{x}}\"}", "{\"x\":\"{{y}}\",\"y\":\"no\"}", "{\"a\":\"{{y}}\"}" },
    { "{\"a\":\"{{x}}\"}", "{\"x\":\"=HYPERLINK(1)\"}", "{\"a\":\"=HYPERLINK(1)\"}" },
    /* members' names are not filled */
    { "{\"{{x}}\":\"1\"}", "{\"x\":\"y\"}", "{\"{{x}}\":\"1\"}" },
};

static void rendering(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json *template = NULL, *values = NULL, *back = NULL;
        slice out, missing;
        struct why why;
        assert_int_equal(json_parse(slice_str(cases[i].template), &a, &template, NULL), OK);
        assert_int_equal(json_parse(slice_str(cases[i].values), &a, &values, NULL), OK);
        assert_int_equal(fill_check(template, &why), OK);
        enum err rc = fill_render(template, values, &a, &out, &missing, &why);
        if (!cases[i].want) {
            assert_int_equal(rc, ERR_SYNTAX);
            assert_slice(missing, SLICE("nome"));
            continue;
        }
        assert_int_equal(rc, OK);
        assert_slice(out, slice_str(cases[i].want));
        assert_int_equal(json_parse(out, &a, &back, NULL), OK);
        assert_int_equal(yyjson_obj_size(back), yyjson_obj_size(template));
        arena_reset(&a);
    }
    arena_free(&a);
}

/* Whatever allocation fails: the right text, or ERR_LIMIT; never "no value". */
static void out_of_memory(void **state UNUSED)
{
    struct arena a, keep;
    json *template = NULL, *values = NULL;
    arena_init(&keep, 1 << 16);
    assert_int_equal(
        json_parse(SLICE("{\"a\":[\"Oi {{nome}} {{cupom|DEZ}}\",\"{{nome}}\"],\"n\":12}"), &keep,
                   &template, NULL),
        OK);
    assert_int_equal(json_parse(SLICE("{\"nome\":\"Ana\"}"), &keep, &values, NULL), OK);
    enum err rc = ERR_LIMIT;
    for (uint64_t nth = 1; rc != OK; nth++) {
        slice out, missing;
        struct why why;
        arena_init(&a, 1 << 20);
        arena_fail_nth(nth);
        rc = fill_render(template, values, &a, &out, &missing, &why);
        arena_fail_nth(0);
        if (rc == OK)
            assert_slice(out, SLICE("{\"a\":[\"Oi Ana DEZ\",\"Ana\"],\"n\":12}"));
        else
            assert_int_equal(rc, ERR_LIMIT);
        arena_free(&a);
        assert_true(nth < 100);
    }
    arena_free(&keep);
}

static void mistakes(void **state UNUSED)
{
    static const char *const bad[] = {
        "[\"{{\"]",
        "[\"{{}}\"]",
        "[\"{{nome\"]",
        "[\"{{ }}\"]",
        "[\"{{a{b}}\"]",
        "{\"x\":{\"y\":\"{{|b}}\"}}",
        ("[\"{{nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
         "}}\"]")
    };
    struct arena a;
    struct why why;
    arena_init(&a, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        json *v = NULL;
        assert_int_equal(json_parse(slice_str(bad[i]), &a, &v, NULL), OK);
        assert_int_equal(fill_check(v, &why), ERR_SYNTAX);
    }
    arena_free(&a);
}

static void values(void **state UNUSED)
{
    static const struct {
        const char *in, *want;
    } lines[] = {
        { "  Ana \t\r\n Maria ", "Ana Maria" }, { "", "" }, { " \n ", "" }, { "a\tb", "a b" }
    };
    struct arena a;
    arena_init(&a, 1 << 12);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_slice(fill_value(slice_str(lines[i].in), &a), slice_str(lines[i].want));
    assert_slice(fill_name(SLICE(" Primeiro NOME "), &a), SLICE("primeiro nome"));
    assert_int_equal(fill_name(SLICE(" \t"), &a).len, 0);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(rendering),
                                        cmocka_unit_test(out_of_memory), cmocka_unit_test(mistakes),
                                        cmocka_unit_test(values) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
