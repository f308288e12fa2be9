/* json_test.c: broken characters in what others wrote: strict refuses, lenient reads U+FFFD in their place and nothing else. */
#include "test.h"

#include "base/json.h"
#include "base/text.h"

#define R "\xef\xbf\xbd"

/* A text as it comes between the quotes of {"t":"…","n":1}; what it is read as. NULL: as it is no JSON, however read. */
static const struct {
    slice in;
    const char *out;
} rows[] = {
    /* surrogates without a partner */
    { SLICE_INIT("oi \\ud83d"), "oi " R },
    { SLICE_INIT("\\uDC00 oi"), R " oi" },
    { SLICE_INIT("\\ud83d\\ud83d\\ude00"), R "\xf0\x9f\x98\x80" },
    { SLICE_INIT("\\ude00\\ud83d"), R R },
    { SLICE_INIT("\\ud83dx\\ude00"), R "x" R },
    { SLICE_INIT("\\ud83d\\n"), R "\n" },
    { SLICE_INIT("\\ud83d\\\\ude00"), R "\\ude00" },
    { SLICE_INIT("\\\\ud83d \\ud83d"), "\\ud83d " R },
    { SLICE_INIT("\\\" \\ud83d"), "\" " R },
    { SLICE_INIT("\xff \\ud83d\\ude00 \\u00e9"), R " \xf0\x9f\x98\x80 \xc3\xa9" },
    /* bytes that are no UTF-8: one stand-in for each maximal subpart */
    { SLICE_INIT("S\xe3o"), "S" R "o" },
    { SLICE_INIT("\xc0\xaf"), R R },
    { SLICE_INIT("\xe0\x80\xaf"), R R R },
    { SLICE_INIT("\xe2\x82x"), R "x" },
    { SLICE_INIT("\xe2\x82"), R },
    { SLICE_INIT("\xe2"), R },
    { SLICE_INIT("\xed\xa0\x80"), R R R },
    { SLICE_INIT("\xf0\x9f\x98"), R },
    { SLICE_INIT("\xf0\x9f\x98\xe2\x82\xac"), R "\xe2\x82\xac" },
    { SLICE_INIT("\xf0\x8f\x80\x80"), R R R R },
    { SLICE_INIT("\xf4\x90\x80\x80"), R R R R },
    { SLICE_INIT("\xf4\x8f\xbf"), R },
    { SLICE_INIT("\xf8\x88\x80"), R R R },
    { SLICE_INIT("\x80"), R },
    { SLICE_INIT("caf\xe9 \xff\xfe"), "caf" R " " R R },
    /* nothing else is forgiven */
    { SLICE_INIT("\\ud83d\\x"), NULL },
    { SLICE_INIT("\\ud83"), NULL },
    { SLICE_INIT("\\ud83g\xff"), NULL },
    { SLICE_INIT("\xff\x01"), NULL },
    { SLICE_INIT("\\\xff"), NULL },
    { SLICE_INIT("\\\xc3\xa9"), NULL },
    { SLICE_INIT("\xff\",}"), NULL },
};

static void broken(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        struct why why = { 0 };
        json *root = NULL;
        arena_init(&a, 100000);
        slice text =
            test_exact(arena_printf(&a, "{\"t\":\"%.*s\",\"n\":1}", SLICE_ARG(rows[i].in)));
        assert_int_equal(json_parse(text, &a, &root, &why), ERR_SYNTAX);
        enum err rc = json_parse_lenient(text, &a, &root, &why);
        if (rows[i].out) {
            if (rc != OK) fail_msg("row %zu: %s", i, why.text);
            assert_slice(json_get_text(root, "t"), slice_str(rows[i].out));
            assert_slice(json_get_text(root, "n"), SLICE("1"));
        } else {
            if (rc != ERR_SYNTAX || root || why.text[0] == 0) fail_msg("row %zu was read", i);
        }
        free((void *)(uintptr_t)text.ptr);
        arena_free(&a);
    }
}

/* Names too; and outside of strings a broken byte is no white space. */
static void elsewhere(void **state UNUSED)
{
    struct arena a;
    json *root = NULL;
    arena_init(&a, 100000);
    assert_int_equal(json_parse_lenient(SLICE("{\"\\ud83d\":\"\xff\"}"), &a, &root, NULL), OK);
    assert_slice(json_get_text(root, R), SLICE(R));
    static const char *const never[] = {
        "", " ", "\xff", "{\"a\":\xff 1}", "{\"a\":1}\xff", "\\ud83d", "\"\xff"
    };
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        assert_int_equal(json_parse_lenient(slice_str(never[i]), &a, &root, NULL), ERR_SYNTAX);
    arena_free(&a);
}

/* A body as large as it may be is read in the room that a sound one has: the first try gives its room back. */
static void room(void **state UNUSED)
{
    enum { BYTES = 300000 };
    struct arena a;
    json *root = NULL;
    char *text = malloc(BYTES);
    memset(text, 'x', BYTES);
    memcpy(text, "[\"\xff", 3);
    memcpy(text + BYTES - 2, "\"]", 2);
    arena_init(&a, 5 * BYTES);
    assert_int_equal(json_parse_lenient(slice_of(text, BYTES), &a, &root, NULL), OK);
    assert_int_equal(json_text(yyjson_arr_get(root, 0)).len, BYTES - 4 + 2);
    assert_false(a.full);
    arena_free(&a);
    free(text);
}

/* Sound text is read as ever, at any depth that is allowed. */
static void sound(void **state UNUSED)
{
    static const char *const texts[] = { "{}", "[\"\\ud83d\\ude00\",1.50,\"\\\\ud83d\"]",
                                         "\"\xc3\xa9\"" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct arena a;
        json *strict = NULL, *lenient = NULL;
        arena_init(&a, 100000);
        assert_int_equal(json_parse(slice_str(texts[i]), &a, &strict, NULL), OK);
        assert_int_equal(json_parse_lenient(slice_str(texts[i]), &a, &lenient, NULL), OK);
        assert_slice(json_print(lenient, &a), json_print(strict, &a));
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(broken), cmocka_unit_test(elsewhere),
                                        cmocka_unit_test(room), cmocka_unit_test(sound) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
