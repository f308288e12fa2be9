/* text_test.c: tables for numbers, encodings, UTF-8 and globs. */
#include "base/text.h"

#include "base/brazil.h"
#include "test.h"

static void numbers(void **state UNUSED)
{
    static const struct {
        const char *in;
        enum err want;
        uint64_t value;
    } cases[] = {
        { "0", OK, 0 },
        { "42", OK, 42 },
        { "", ERR_SYNTAX, 0 },
        { "4 2", ERR_SYNTAX, 0 },
        { "-1", ERR_SYNTAX, 0 },
        { "18446744073709551615", OK, UINT64_MAX },
        { "18446744073709551616", ERR_LIMIT, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t n = 0;
        assert_int_equal(text_u64(slice_str(cases[i].in), UINT64_MAX, &n, NULL), cases[i].want);
        assert_true(n == cases[i].value);
    }
    int64_t n = 0;
    assert_int_equal(text_i64(SLICE("-9223372036854775808"), INT64_MIN, INT64_MAX, &n, NULL), OK);
    assert_true(n == INT64_MIN);
    assert_int_equal(text_i64(SLICE("-9223372036854775809"), INT64_MIN, INT64_MAX, &n, NULL),
                     ERR_LIMIT);
}

static void base64_is_strict(void **state UNUSED)
{
    static const struct {
        const char *in;
        bool pad;
        enum err want;
        const char *out;
    } cases[] = {
        { "Zm9v", true, OK, "foo" },      { "Zm8=", true, OK, "fo" },
        { "Zg==", true, OK, "f" },        { "Zg", true, ERR_SYNTAX, "" },
        { "Zg", false, OK, "f" },         { "Zh==", true, ERR_SYNTAX, "" },
        { "Z===", true, ERR_SYNTAX, "" }, { "Zm9v\n", true, ERR_SYNTAX, "" },
        { "Z-_v", true, ERR_SYNTAX, "" }, { "", true, OK, "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t out[16];
        size_t len = 0;
        slice in = test_exact(slice_str(cases[i].in));
        assert_int_equal(text_unbase64(in, cases[i].pad, out, sizeof out, &len), cases[i].want);
        if (cases[i].want == OK) assert_slice(slice_of(out, len), slice_str(cases[i].out));
        free((void *)(uintptr_t)in.ptr);
    }
    char text[16];
    assert_slice(text_base64(SLICE("fo"), text), SLICE("Zm8="));
}

static void utf8(void **state UNUSED)
{
    assert_true(text_utf8_valid(SLICE("São Paulo 😀")));
    assert_false(text_utf8_valid(SLICE("\xc0\x80")));
    assert_false(text_utf8_valid(SLICE("\xed\xa0\x80")));
    assert_false(text_utf8_valid(SLICE("\xf4\x90\x80\x80")));
    assert_false(text_utf8_valid(SLICE("a\xe2\x82")));
}

static void urls(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, 1 << 16);
    assert_slice(text_url_decode(SLICE("a%20b+c%2"), &a), SLICE("a b c%2"));
    assert_slice(text_url_decode(SLICE("%41"), &a), SLICE("A"));
    assert_slice(text_url_encode(SLICE("a b/ç"), &a), SLICE("a%20b%2F%C3%A7"));
    size_t count = 0;
    assert_slice(text_query_get(SLICE("x=1&data.id=7&x=2"), SLICE("x"), &count), SLICE("1"));
    assert_int_equal(count, 2);
    assert_slice(text_query_get(SLICE("data%2Eid=7"), SLICE("data.id"), NULL), SLICE("7"));
    assert_null(text_query_get(SLICE("y"), SLICE("x"), NULL).ptr);
    arena_free(&a);
}

static void globs(void **state UNUSED)
{
    assert_true(text_glob(SLICE("order.*"), SLICE("order.paid")));
    assert_true(text_glob(SLICE("*"), SLICE("")));
    assert_true(text_glob(SLICE("*.paid"), SLICE("order.paid")));
    assert_false(text_glob(SLICE("order.*"), SLICE("orders.paid")));
    assert_false(text_glob(SLICE("order.paid"), SLICE("order.paid.x")));
}

static void digits(void **state UNUSED)
{
    static const char *const none[] = { "", "+1", "1 ", "1a", "1/2", "1:" };
    for (size_t i = 0; i < ARRAY_LEN(none); i++) assert_false(text_is_digits(slice_str(none[i])));
    assert_true(text_is_digits(SLICE("0123456789")));
    assert_false(text_is_digits(slice_of("1\0", 2)));
}

/* Either form of a Brazilian mobile is one number; what is none stays as the channel has it. */
static void numbers_of_channels(void **state UNUSED)
{
    static const struct {
        const char *digits, *want;
    } cases[] = { { "551199990005", "+5511999990005" },
                  { "5511999990005", "+5511999990005" },
                  { "5215512345678", "+5215512345678" },
                  { "12345", "+12345" } };
    struct arena a;
    arena_init(&a, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_slice(brazil_phone_of(slice_str(cases[i].digits), &a), slice_str(cases[i].want));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(utf8),
        cmocka_unit_test(urls),
        cmocka_unit_test(globs),
        cmocka_unit_test(digits),
        cmocka_unit_test(numbers_of_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
