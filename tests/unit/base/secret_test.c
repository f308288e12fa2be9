/* secret_test.c: a secret is covered however it is written, and nothing else is. */
#include "base/secret.h"

#include "test.h"

static const struct {
    const char *text, *secret, *want;
} cases[] = {
    { "a sesame, sesame", "sesame", "a ***, ***" },
    { "sesame", "sesame", "***" },
    { "sesam", "sesame", "sesam" },
    { "abc", "abc", "abc" }, /* too short to be told from a word */
    { "aaaaa", "aaaa", "***a" },
    { "", "sesame", "" },
    /* JSON */
    { "{\"s\":\"ab\\/cd\"}", "ab/cd", "{\"s\":\"***\"}" },
    { "{\"s\":\"\\u0061b/c\\u0064\",\"t\":1}", "ab/cd", "{\"s\":\"***\",\"t\":1}" },
    { "{\"s\":\"\\u0061\\u0062\\u002F\\u0063\\u0064\"}", "ab/cd", "{\"s\":\"***\"}" },
    { "x\\\"y\\\\z\\b\\f\\n\\r\\t.", "x\"y\\z\b\f\n\r\t", "***." },
    { "\\u00e7\xc3\xa3o\\u2028.", "\xc3\xa7\xc3\xa3o\xe2\x80\xa8", "***." },
    { "\\uD83D\\ude00!!!!?", "\xf0\x9f\x98\x80!!!!", "***?" },
    { "\\u00", "\\u00", "***" }, /* as it stands */
    { "\\ud83dabcd", "abcd", "\\ud83d***" },
    { "\\ud83d\\u0061bcd", "abcd", "\\ud83d***" },
    { "\\ude00\\u0061bcd", "abcd", "\\ude00***" },
    { "\\u00zz\\u0061bcd", "abcd", "\\u00zz***" },
    { "\\q\\u0061bcd", "abcd", "\\q***" },
    { "ab\\/c", "ab/cd", "ab\\/c" },
    { "ab\\\\n\\/", "ab\\n/", "***" }, /* read once, not twice */
    { "\\", "abcd", "\\" },
    { "ab\\", "ab\\c", "ab\\" },
    { "\\u", "abcd", "\\u" },
    { "\\uD83D\\u", "abcd", "\\uD83D\\u" },
    /* forms and queries */
    { "s=ab%2fcd&t=1", "ab/cd", "s=***&t=1" },
    { "s=%61%62%2F%63%64&t=%20", "ab/cd", "s=***&t=%20" },
    { "s=a+b%3D&t=a+b=", "a b=", "s=***&t=***" },
    { "s=a+b%3D&t=a%2bb=", "a+b=", "s=***&t=***" },
    { "100%ab%2fcd%", "ab/cd", "100%ab%2fcd%" }, /* %ab is a byte of its own */
    { "100% ab%2fcd%", "ab/cd", "100% ***%" },
    { "%", "ab/cd", "%" },
    { "ab%2", "ab/cd", "ab%2" },
    { "ab%5Cn%2541%2F", "ab\\n%41/", "***" },
    /* one within another */
    { "payload=%7B%22s%22%3A%22ab%5C%2Fcd%22%7D", "ab/cd", "payload=%7B%22s%22%3A%22***%22%7D" },
    { "payload=%7B%22s%22%3A%22%5Cu0061b/cd%22%7D", "ab/cd", "payload=%7B%22s%22%3A%22***%22%7D" },
    { "{\"p\":\"{\\\"s\\\":\\\"ab\\\\\\/cd\\\"}\"}", "ab/cd",
      "{\"p\":\"{\\\"s\\\":\\\"***\\\"}\"}" },
    { "url=https%3A%2F%2Fx%3Fs%3Dab%252Fcd%26t", "ab/cd", "url=https%3A%2F%2Fx%3Fs%3D***%26t" },
    { "[\"q?s=ab%2Fcd\",\"ab\\/cd\",\"ab/cd\"]", "ab/cd", "[\"q?s=***\",\"***\",\"***\"]" },
};

static void hiding(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, 1 << 14);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        slice text = test_exact(slice_str(cases[i].text)),
              secret = test_exact(slice_str(cases[i].secret));
        assert_slice(secret_hide(text, secret, &a), slice_str(cases[i].want));
        free((void *)(uintptr_t)text.ptr);
        free((void *)(uintptr_t)secret.ptr);
    }
    arena_free(&a);
}

static void without_memory(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, 4);
    assert_slice(secret_hide(SLICE("a sesame"), SLICE("sesame"), &a), SLICE("***"));
    assert_slice(secret_hide(SLICE("a ses%61me"), SLICE("sesame"), &a), SLICE("***"));
    assert_slice(secret_hide(SLICE("a simsim"), SLICE("sesame"), &a), SLICE("a simsim"));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hiding),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
