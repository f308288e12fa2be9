/* log_test.c: one call is one line, whatever a field holds. */
#include "test.h"

#include "base/json.h"
#include "base/log.h"

/* Writes one line with an odd field; returns what came out, to be freed. */
static char *line_of(bool as_json, slice odd)
{
    char *text = NULL;
    size_t len = 0;
    struct log log = { .out = open_memstream(&text, &len), .json = as_json, .level = LOG_INFO };
    LOG(&log, LOG_WARN, "verify.denied", log_str("path", odd), log_int("bytes", -7),
        log_id("event", ID_EVENT, 5), log_cstr("none", NULL));
    LOG(&log, LOG_DEBUG, "too.quiet", log_cstr("x", "y"));
    fclose(log.out);
    assert_int_equal(log.counts[LOG_WARN], 1);
    assert_int_equal(log.counts[LOG_DEBUG], 0);
    assert_int_equal(strlen(text), len); /* no NUL in it */
    return text;
}

static void no_line_is_forged(void **state UNUSED)
{
    static const slice cases[] = {
        SLICE_INIT("plain"),
        SLICE_INIT(""),
        SLICE_INIT("two words"),
        SLICE_INIT("x\n2026-01-01T00:00:00.000Z error hub.stopped why=\"gone\""),
        SLICE_INIT("\r\n\r\n"),
        SLICE_INIT("nul\0behind"),
        SLICE_INIT("\x1b[31mred\x1b[0m"),
        SLICE_INIT("\" level=error \""),
        SLICE_INIT("\x7f\x01"),
        SLICE_INIT("a\",\"level\":\"error"),
        SLICE_INIT("\xff\xfe"),
        SLICE_INIT("ação"),
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (int as_json = 0; as_json < 2; as_json++) {
            slice odd = test_exact(cases[i]);
            char *text = line_of(as_json, odd);
            slice line = slice_str(text);
            assert_int_equal(slice_find(line, '\n'), line.len - 1); /* one line, its end */
            for (size_t k = 0; k + 1 < line.len; k++)
                assert_true((unsigned char)text[k] >= 0x20 && (as_json || text[k] != 0x7f));
            if (as_json) {
                struct arena a;
                json *v = NULL;
                arena_init(&a, 1 << 16);
                assert_int_equal(json_parse(line, &a, &v, NULL), OK);
                assert_int_equal(yyjson_obj_size(v), 7);
                assert_slice(json_get_text(v, "level"), SLICE("warn"));
                assert_slice(json_get_text(v, "what"), SLICE("verify.denied"));
                assert_slice(json_get_text(v, "bytes"), SLICE("-7"));
                arena_free(&a);
            } else {
                assert_int_equal(slice_find_slice(line, SLICE("verify.denied")),
                                 31); /* behind time and level */
                assert_int_equal(slice_find_slice(line, SLICE("\" level=error")), line.len);
            }
            free(text);
            free((void *)(uintptr_t)odd.ptr);
        }
}

/* A line longer than a line may be is left out, not cut in the middle of a character or left without its end. */
static void too_long(void **state UNUSED)
{
    static char text[10000];
    memset(text, 'x', sizeof text);
    for (int as_json = 0; as_json < 2; as_json++) {
        char *out = line_of(as_json, slice_of(text, sizeof text));
        size_t len = strlen(out);
        assert_true(len == 0 || out[len - 1] == '\n');
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(no_line_is_forged),
                                        cmocka_unit_test(too_long) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
