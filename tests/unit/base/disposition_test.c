/* disposition_test.c: names of files in a header, as strangers give them. */
#include "base/disposition.h"

#include "test.h"

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define E_50 "éééééééééééééééééééééééééééééééééééééééééééééééééé"
#define E_50_CODED C_10 C_10 C_10 C_10 C_10
#define C_10 "%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9"
#define U_50                                                                                       \
    "__________"                                                                                   \
    "__________"                                                                                   \
    "__________"                                                                                   \
    "__________"                                                                                   \
    "__________"

static void names(void **state UNUSED)
{
    static const struct {
        const char *name, *plain, *coded;
    } cases[] = {
        { "foto.jpg", "foto.jpg", "foto.jpg" },
        { "or\xc3\xa7"
          "amento 1.pdf",
          "or_amento 1.pdf", "or%C3%A7amento%201.pdf" },
        { "", "med_1.bin", "med_1.bin" },
        { "../../evil.html", "evil.html", "evil.html" },
        { "C:\\temp\\a.txt", "a.txt", "a.txt" },
        { "/etc/", "med_1.bin", "med_1.bin" },
        { "..", "med_1.bin", "med_1.bin" },
        { " .htaccess ", "htaccess", "htaccess" },
        { "a\"; filename=\"b.exe", "a; filename=b.exe", "a%3B%20filename%3Db.exe" },
        { "a\r\nX-Evil: 1.txt", "aX-Evil: 1.txt", "aX-Evil%3A%201.txt" },
        { "100%.txt", "100_.txt", "100%25.txt" },
        { "gpj.\xe2\x80\xae"
          "exe",
          "gpj.exe", "gpj.exe" }, /* turned around, it would end in "jpg" */
        { "a\xff\x80.txt\xc3", "a.txt", "a.txt" },
        { "\xc2\x85\x7f", "med_1.bin", "med_1.bin" },
        { FIFTY FIFTY FIFTY FIFTY FIFTY ".pdf",
          FIFTY FIFTY FIFTY "0123456789"
                            "0123456789"
                            "0123456789"
                            "0123456789"
                            "012345.pdf",
          FIFTY FIFTY FIFTY "0123456789"
                            "0123456789"
                            "0123456789"
                            "0123456789"
                            "012345.pdf" },
        { "x" E_50 E_50 ".png",
          "x" U_50 "________________________________"
          "_______________.png",
          "x" E_50_CODED C_10 C_10 C_10 C_10 "%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9.png" },
        { FIFTY FIFTY FIFTY FIFTY ".0123456789012345", FIFTY FIFTY FIFTY FIFTY,
          FIFTY FIFTY FIFTY FIFTY },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        char want[2048];
        arena_init(&a, 65536);
        slice in = test_exact(slice_str(cases[i].name));
        slice got = disposition_of("inline", in, SLICE("med_1.bin"), &a);
        (void)snprintf(want, sizeof want, "inline; filename=\"%s\"; filename*=UTF-8''%s",
                       cases[i].plain, cases[i].coded);
        assert_slice(got, slice_str(want));
        free((void *)(uintptr_t)in.ptr);
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(names) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
