/* buf_test.c: any text written as a JSON string reads back as it was, wherever in it the odd byte stands. */
#include "test.h"

#include "base/buf.h"
#include "base/json.h"

enum { LENGTH = 20 };

static void every_byte_everywhere(void **state UNUSED)
{
    for (unsigned c = 1; c < 256; c++)
        for (size_t at = 0; at < LENGTH; at++) {
            struct arena a;
            struct why why;
            json *root = NULL;
            char text[LENGTH + 1] = "abcdefghijklmnopqrst";
            text[at] = (char)c;
            arena_init(&a, 1 << 16);
            struct buf b = buf_in(&a, 1024);
            json_put_str(&b, NULL, slice_of(text, LENGTH));
            slice out = buf_slice(&b);
            for (size_t i = 0; i < out.len; i++) assert_true((unsigned char)out.ptr[i] >= 0x20);
            if (json_parse(out, &a, &root, &why) != OK)
                fail_msg("%02x at %zu: %s", c, at, why.text);
            if (c < 0x80)
                assert_slice(json_str(root), slice_of(text, LENGTH));
            else /* no UTF-8 */
                assert_int_equal(json_str(root).len, LENGTH + 2);
            arena_free(&a);
        }
}

static void letters_of_more_bytes(void **state UNUSED)
{
    static const char text[] = "ação é 1234567 \xf0\x9f\x99\x82 \"dito\" C:\\x\n\tfim";
    struct arena a;
    struct why why;
    json *root = NULL;
    arena_init(&a, 1 << 16);
    struct buf b = buf_in(&a, 1024);
    json_put_str(&b, NULL, slice_str(text));
    assert_int_equal(json_parse(buf_slice(&b), &a, &root, &why), OK);
    assert_slice(json_str(root), slice_str(text));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_byte_everywhere),
                                        cmocka_unit_test(letters_of_more_bytes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
