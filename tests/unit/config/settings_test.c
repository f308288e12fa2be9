/* settings_test.c: every type of setting with what it takes and what it refuses; durations. */
#include "test.h"

#include "config/tables.h"

enum { TEXT, SHORT, URL, INT, BOOL, CHOICE, LIST, MAP, NEEDED, HIDDEN, HIDDEN_LIST, SET_COUNT };
static const char *const choices[] = { "red", "green", NULL };
static const struct setting table[] = {
    [TEXT] = { "text", SETTING_TEXT, .fallback = "a \"quoted\" default" },
    [SHORT] = { "short", SETTING_TEXT, .max = 3 },
    [URL] = { .name = "url", .type = SETTING_URL },
    [INT] = { "int", SETTING_INT, .fallback = "7", .min = -5, .max = 1000 },
    [BOOL] = { "bool", SETTING_BOOL, .fallback = "true" },
    [CHOICE] = { "choice", SETTING_CHOICE, .fallback = "green", .choices = choices },
    [LIST] = { "list", SETTING_LIST, .fallback = "[\"x\",\"y\"]", .max = 8 },
    [MAP] = { "map", SETTING_MAP, .fallback = "{\"k\":\"v\"}" },
    [NEEDED] = { "needed", SETTING_TEXT, .required = true },
    [HIDDEN] = { "hidden", SETTING_TEXT, .secret = true, .max = 16 },
    [HIDDEN_LIST] = { "hidden_list", SETTING_LIST, .secret = true },
};
_Static_assert(ARRAY_LEN(table) == SET_COUNT, "every setting has its row");

static enum err read(const char *text, struct arena *a, struct settings *out, struct why *why)
{
    static const char *const ignore[] = { "name", NULL };
    json *v = NULL;
    if (json_parse(slice_str(text), a, &v, why) != OK) fail_msg("%s: %s", text, why->text);
    enum err rc = settings_read(table, SET_COUNT, v, ignore, a, out, why);
    return rc == OK ? settings_check_given(out, why) : rc;
}

static void what_is_taken(void **state UNUSED)
{
    static const struct {
        const char *given;
        size_t index;
        const char *text;
        int64_t number;
        size_t count;
    } cases[] = {
        { "{\"needed\":\"n\"}", TEXT, "a \"quoted\" default", 0, 0 },
        { "{\"needed\":\"n\",\"name\":\"ignored\"}", NEEDED, "n", 0, 0 },
        { "{\"needed\":\"n\",\"text\":\"\"}", TEXT, "", 0, 0 },
        { "{\"needed\":\"n\",\"text\":null}", TEXT, "a \"quoted\" default", 0, 0 },
        { "{\"needed\":\"n\",\"text\":\"ação\"}", TEXT, "ação", 0, 0 },
        { "{\"needed\":\"n\",\"text\":123456789012345678901}", TEXT, "123456789012345678901", 0,
          0 },
        { "{\"needed\":\"n\",\"short\":\"abc\"}", SHORT, "abc", 0, 0 },
        { "{\"needed\":\"n\",\"url\":\"https://a.example/x?y=1\"}", URL, "https://a.example/x?y=1",
          0, 0 },
        { "{\"needed\":\"n\",\"url\":\"http://a.example/u@x\"}", URL, "http://a.example/u@x", 0,
          0 },
        { "{\"needed\":\"n\"}", INT, "", 7, 0 },
        { "{\"needed\":\"n\",\"int\":-5}", INT, "", -5, 0 },
        { "{\"needed\":\"n\",\"int\":\"1000\"}", INT, "", 1000, 0 },
        { "{\"needed\":\"n\"}", BOOL, "", 1, 0 },
        { "{\"needed\":\"n\",\"bool\":false}", BOOL, "", 0, 0 },
        { "{\"needed\":\"n\",\"bool\":\"false\"}", BOOL, "", 0, 0 },
        { "{\"needed\":\"n\"}", CHOICE, "green", 0, 0 },
        { "{\"needed\":\"n\",\"choice\":\"red\"}", CHOICE, "red", 0, 0 },
        { "{\"needed\":\"n\"}", LIST, "", 0, 2 },
        { "{\"needed\":\"n\",\"list\":[]}", LIST, "", 0, 0 },
        { "{\"needed\":\"n\",\"list\":\"one\"}", LIST, "", 0, 1 },
        { "{\"needed\":\"n\",\"list\":[\"a\",\"b\",\"c\"]}", LIST, "", 0, 3 },
        { "{\"needed\":\"n\"}", MAP, "", 0, 1 },
        { "{\"needed\":\"n\",\"map\":{}}", MAP, "", 0, 0 },
        { "{\"needed\":\"n\",\"map\":{\"a\":\"1\",\"b\":\"2\"}}", MAP, "", 0, 2 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        struct settings s;
        struct why why = { .code = OK };
        arena_init(&a, 1 << 20);
        if (read(cases[i].given, &a, &s, &why) != OK) fail_msg("%s: %s", cases[i].given, why.text);
        assert_slice(settings_text(&s, cases[i].index), slice_str(cases[i].text));
        assert_int_equal(settings_i64(&s, cases[i].index), cases[i].number);
        assert_int_equal(settings_get(&s, cases[i].index)->count, cases[i].count);
        arena_free(&a);
    }
}

static void what_is_refused(void **state UNUSED)
{
    static const struct {
        const char *given, *says;
    } cases[] = {
        { "{}", "`needed`: is required" },
        { "{\"needed\":null}", "`needed`: is required" },
        { "{\"needed\":\"\"}", "`needed`: is required and must not be empty" },
        { "{\"needed\":\" \\t\\n\"}", "`needed`: is required and must not be empty" },
        { "{\"needed\":\"n\",\"hidden\":\"\"}", "`hidden`: is empty" },
        { "{\"needed\":\"n\",\"hidden\":\"  \"}", "`hidden`: is empty" },
        { "{\"needed\":\"n\",\"hidden_list\":\"\"}", "`hidden_list`: is empty" },
        { "{\"needed\":\"n\",\"hidden_list\":[\"hunter2\",\"\"]}", "`hidden_list`: is empty" },
        { "[]", "must be an object" },
        { "{\"needed\":\"n\",\"colour\":\"red\"}", "unknown setting `colour`" },
        { "{\"needed\":\"n\",\"text\":{}}", "`text`: text is expected" },
        { "{\"needed\":\"n\",\"text\":[]}", "`text`: text is expected" },
        { "{\"needed\":\"n\",\"text\":true}", "`text`: text is expected" },
        { "{\"needed\":\"n\",\"short\":\"abcd\"}", "`short`: too long" },
        { "{\"needed\":\"n\",\"url\":\"ftp://a.example\"}", "`url`" },
        { "{\"needed\":\"n\",\"url\":\"a.example\"}", "`url`" },
        { "{\"needed\":\"n\",\"url\":\"https://\"}", "`url`" },
        { "{\"needed\":\"n\",\"url\":\"https://a b\"}", "`url`" },
        { "{\"needed\":\"n\",\"url\":\"https://u:p@a.example\"}", "no user or password" },
        { "{\"needed\":\"n\",\"int\":-6}", "`int`: must be -5 to 1000" },
        { "{\"needed\":\"n\",\"int\":1001}", "`int`: must be -5 to 1000" },
        { "{\"needed\":\"n\",\"int\":1.5}", "`int`: a whole number" },
        { "{\"needed\":\"n\",\"int\":\"7x\"}", "`int`: a whole number" },
        { "{\"needed\":\"n\",\"int\":99999999999999999999}", "`int`" },
        { "{\"needed\":\"n\",\"bool\":\"yes\"}", "`bool`: true or false" },
        { "{\"needed\":\"n\",\"bool\":1}", "`bool`: true or false" },
        { "{\"needed\":\"n\",\"choice\":\"blue\"}", "must be one of red, green" },
        { "{\"needed\":\"n\",\"choice\":[\"red\"]}", "`choice`" },
        { "{\"needed\":\"n\",\"list\":[[]]}", "`list`" },
        { "{\"needed\":\"n\",\"list\":[\"longer than eight\"]}", "`list`: too long" },
        { "{\"needed\":\"n\",\"map\":\"x\"}", "`map`: a map" },
        { "{\"needed\":\"n\",\"map\":{\"a\":{}}}", "`map`" },
        { "{\"needed\":\"n\",\"hidden\":\"hunter2-hunter2-hunter2\"}", "`hidden`: too long" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        struct settings s;
        struct why why = { .code = OK };
        arena_init(&a, 1 << 20);
        assert_int_equal(read(cases[i].given, &a, &s, &why), ERR_SYNTAX);
        if (!strstr(why.text, cases[i].says)) fail_msg("%s: %s", cases[i].given, why.text);
        assert_null(strstr(why.text, "hunter2")); /* values may be secret */
        arena_free(&a);
    }
}

/* What must be there must say something, whatever its type. */
static void required_and_empty(void **state UNUSED)
{
    static const struct {
        enum setting_type type;
        const char *given;
        enum err want;
    } cases[] = {
        { SETTING_TEXT, "\"x\"", OK },
        { SETTING_TEXT, "\"\"", ERR_SYNTAX },
        { SETTING_TEXT, "\" \"", ERR_SYNTAX },
        { SETTING_URL, "\"https://a.example\"", OK },
        { SETTING_URL, "\"\"", ERR_SYNTAX },
        { SETTING_INT, "0", OK },
        { SETTING_BOOL, "false", OK },
        { SETTING_CHOICE, "\"red\"", OK },
        { SETTING_CHOICE, "\"\"", ERR_SYNTAX },
        { SETTING_LIST, "[\"\",\"x\"]", OK },
        { SETTING_LIST, "[]", ERR_SYNTAX },
        { SETTING_LIST, "\"\"", ERR_SYNTAX },
        { SETTING_LIST, "[\"\",\" \"]", ERR_SYNTAX },
        { SETTING_MAP, "{\"k\":\"v\"}", OK },
        { SETTING_MAP, "{}", ERR_SYNTAX },
        { SETTING_MAP, "{\"k\":\"\"}", ERR_SYNTAX },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct setting one = {
            .name = "one", .type = cases[i].type, .required = true, .choices = choices
        };
        struct arena a;
        struct settings s;
        struct why why = { .code = OK };
        json *v = NULL;
        arena_init(&a, 1 << 20);
        slice text = arena_printf(&a, "{\"one\":%s}", cases[i].given);
        assert_int_equal(json_parse(text, &a, &v, &why), OK);
        enum err rc = settings_read(&one, 1, v, NULL, &a, &s, &why);
        if (rc == OK) rc = settings_check_given(&s, &why);
        if (rc != cases[i].want) fail_msg("%d %s: %s", cases[i].type, cases[i].given, why.text);
        arena_free(&a);
    }
}

static void too_many(void **state UNUSED)
{
    struct arena a;
    struct settings s;
    struct why why = { .code = OK };
    arena_init(&a, 1 << 20);
    struct buf b = buf_in(&a, 1 << 16);
    json_begin_object(&b, NULL);
    json_put_str(&b, "needed", SLICE("n"));
    json_begin_array(&b, "list");
    for (int i = 0; i <= SETTING_LIST_MAX; i++) json_put_str(&b, NULL, SLICE("x"));
    json_end_array(&b);
    json_end_object(&b);
    buf_byte(&b, '\0');
    assert_int_equal(read(buf_slice(&b).ptr, &a, &s, &why), ERR_SYNTAX);
    assert_non_null(strstr(why.text, "too many"));
    assert_int_equal(settings_read(table, SET_COUNT, NULL, NULL, &a, &s, &why),
                     ERR_SYNTAX); /* NULL: {} */
    arena_free(&a);
}

static void maps(void **state UNUSED)
{
    struct arena a;
    struct settings s;
    struct why why = { .code = OK };
    arena_init(&a, 1 << 20);
    assert_int_equal(read("{\"needed\":\"n\",\"map\":{\"a\":\"1\",\"b\":\"\"}}", &a, &s, &why), OK);
    assert_slice(settings_map_get(&s, MAP, SLICE("a")), SLICE("1"));
    assert_non_null(settings_map_get(&s, MAP, SLICE("b")).ptr);
    assert_null(settings_map_get(&s, MAP, SLICE("c")).ptr);
    arena_free(&a);
}

static void durations(void **state UNUSED)
{
    static const struct {
        const char *text;
        enum err want;
        int64_t ms;
    } cases[] = {
        { "0", OK, 0 },
        { "90", OK, 90000 },
        { "90s", OK, 90000 },
        { "250ms", OK, 250 },
        { "5m", OK, 300000 },
        { "2h", OK, 7200000 },
        { "7d", OK, 604800000 },
        { "366d", OK, 31622400000 },
        { "367d", ERR_SYNTAX, 0 },
        { "", ERR_SYNTAX, 0 },
        { "s", ERR_SYNTAX, 0 },
        { "ms", ERR_SYNTAX, 0 },
        { "-5s", ERR_SYNTAX, 0 },
        { "+5s", ERR_SYNTAX, 0 },
        { "1.5h", ERR_SYNTAX, 0 },
        { "5 m", ERR_SYNTAX, 0 },
        { "5w", ERR_SYNTAX, 0 },
        { "5mm", ERR_SYNTAX, 0 },
        { "0x5s", ERR_SYNTAX, 0 },
        { "5M", ERR_SYNTAX, 0 },
        { "99999999999999999999s", ERR_SYNTAX, 0 },
        { "31622400001ms", ERR_SYNTAX, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t ms = -1;
        slice text = test_exact(slice_str(cases[i].text));
        enum err rc = tables_duration(text, &ms, NULL);
        if (rc != cases[i].want) fail_msg("\"%s\": %s", cases[i].text, err_name(rc));
        assert_int_equal(ms, cases[i].want == OK ? cases[i].ms : -1);
        free((void *)(uintptr_t)text.ptr);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_taken),
                                        cmocka_unit_test(what_is_refused),
                                        cmocka_unit_test(required_and_empty),
                                        cmocka_unit_test(too_many),
                                        cmocka_unit_test(maps),
                                        cmocka_unit_test(durations) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
