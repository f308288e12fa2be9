/* lead_test.c: keys, origins, both body forms, aliases, and which posts are one lead. */
#include "test.h"

#include "kind.h"

extern const struct source_kind source_lead;

#define SETTINGS "{\"write_key\":[\"old\",\"wk 1\"],\"origins\":[\"https://www.example.com\"]}"

/* One post; the members left out are absent. */
struct post {
    const char *body, *query, *type, *key, *origin, *remote, *agent, *path;
    int64_t received_ms;
};

static struct request request_of(const struct post *p, struct header headers[4])
{
    const struct header all[] = {
        { SLICE("Content-Type"), slice_str(p->type) },
        { SLICE("x-write-key"), slice_str(p->key) },
        { SLICE("Origin"), slice_str(p->origin) },
        { SLICE("User-Agent"), slice_str(p->agent) },
    };
    struct request r = { .headers = headers,
                         .path = slice_str(p->path),
                         .query = slice_str(p->query),
                         .remote = slice_str(p->remote),
                         .received_ms = p->received_ms ? p->received_ms : 1773144000000 };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].value.ptr) headers[r.header_count++] = all[i];
    r.body = test_exact(slice_str(p->body));
    return r;
}

static enum err try_verify(const char *settings, struct post p, const char *word)
{
    struct arena a;
    struct header headers[4];
    struct why why = { 0 };
    arena_init(&a, 1 << 20);
    struct settings cfg = kind_settings(&source_lead, settings, &a);
    struct request r = request_of(&p, headers);
    enum err rc = source_lead.verify(&r, &cfg, 0, &a, &why);
    if (word) assert_string_equal(why.text, word);
    free((void *)(uintptr_t)r.body.ptr);
    arena_free(&a);
    return rc;
}

#define FORM "application/x-www-form-urlencoded; charset=UTF-8"

static void who_may_post(void **state UNUSED)
{
    static const struct {
        struct post p;
        const char *word; /* "" = may */
    } cases[] = {
        { { .body = "{}", .key = "wk 1" }, "" },
        { { .body = "{}", .key = "old" }, "" },
        { { .body = "{}", .key = "wk" }, "wrong_write_key" },
        { { .body = "{}", .key = "" }, "wrong_write_key" },
        { { .body = "{}" }, "missing_write_key" },
        { { .body = "{}", .query = "write_key=wk%201" }, "" },
        { { .body = "{}", .query = "write_key=wk%201&write_key=wk%201" }, "missing_write_key" },
        { { .body = "{\"write_key\":\"wk 1\"}" }, "" },
        { { .body = "{\"write_key\":\"wk 1\"}", .key = "no" }, "wrong_write_key" },
        { { .body = "{\"write_key\":\"wk 1\"}", .query = "write_key=no" }, "wrong_write_key" },
        { { .body = "{\"write_key\":[\"wk 1\"]}" }, "missing_write_key" },
        { { .body = "write_key=wk+1&email=a@b.c", .type = FORM }, "" },
        { { .body = "write_key=wk+1&write_key=wk+1", .type = FORM }, "missing_write_key" },
        { { .body = "write_key=wk+1", .type = "multipart/form-data; boundary=x" },
          "missing_write_key" },
        { { .body = "{}", .key = "old", .origin = "https://www.example.com" }, "" },
        { { .body = "{}", .key = "old", .origin = "https://example.com" }, "origin_not_allowed" },
        { { .body = "{}", .key = "old", .origin = "https://www.example.com.evil.test" },
          "origin_not_allowed" },
        { { .body = "{}", .key = "old", .origin = "null" }, "origin_not_allowed" },
        { { .body = "{}", .key = "old", .origin = "" }, "origin_not_allowed" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum err rc = try_verify(SETTINGS, cases[i].p, cases[i].word);
        assert_int_equal(rc, cases[i].word[0] ? ERR_DENIED : OK);
    }
    struct post any = { .body = "{}", .key = "k", .origin = "null" };
    assert_int_equal(try_verify("{\"write_key\":\"k\",\"origins\":\"*\"}", any, ""), OK);
    assert_int_equal(try_verify("{\"write_key\":\"k\"}", any, "origin_not_allowed"), ERR_DENIED);
}

static json *run(const char *settings, struct post p, struct arena *a, enum err want)
{
    struct header headers[4];
    struct why why = { 0 };
    slice out = { NULL, 0 };
    json *list = NULL;
    struct settings cfg = kind_settings(&source_lead, settings, a);
    struct request r = request_of(&p, headers);
    enum err rc = kind_run(&source_lead, &r, &cfg, a, &out, &why);
    if (rc != want) fail_msg("%s: %s %s", p.body, err_name(rc), why.text);
    free((void *)(uintptr_t)r.body.ptr);
    if (rc != OK) return NULL;
    assert_int_equal(json_parse(out, a, &list, NULL), OK);
    assert_int_equal(slice_find_slice(out, SLICE("\\u0000")), out.len);
    return yyjson_arr_get_first(list);
}

static void fields(void **state UNUSED)
{
    static const struct {
        const char *type, *body, *pointer, *want; /* want NULL: absent */
    } cases[] = {
        { NULL, "{\"nome\":\"MARIA DA SILVA\",\"celular\":\"(11) 98765-4321\"}", "/contact/name",
          "Maria da Silva" },
        { NULL, "{\"nome\":\"MARIA DA SILVA\",\"celular\":\"(11) 98765-4321\"}", "/contact/phone",
          "+5511987654321" },
        { NULL, "{\"first_name\":\"ana\",\"sobrenome\":\"de lima\"}", "/contact/name",
          "Ana de Lima" },
        { NULL, "{\"first_name\":\"ana\",\"name\":\"Ana B\"}", "/contact/last_name", NULL },
        { NULL, "{\"email\":\"a@b.c\",\"cpf\":11144477735}", "/contact/document", "11144477735" },
        { NULL, "{\"email\":\"a@b.c\",\"ip\":\"2001:db8::1\"}", "/contact/client_ip",
          "2001:db8::1" },
        { NULL, "{\"email\":\"a@b.c\",\"ip\":\"999.1.1.1\"}", "/contact/client_ip", "203.0.113.7" },
        { NULL, "{\"email\":\"a@b.c\"}", "/contact/user_agent", "Mozilla/5.0" },
        { NULL, "{\"email\":\"a@b.c\",\"user_agent\":\"X\"}", "/contact/user_agent", "X" },
        { NULL, "{\"email\":\"a@b.c\",\"fbclid\":\"IwAR1\"}", "/contact/fbc",
          "fb.1.1773144000000.IwAR1" },
        { NULL, "{\"email\":\"a@b.c\",\"fbclid\":\"IwAR1\",\"fbc\":\"fb.1.2.x\"}", "/contact/fbc",
          "fb.1.2.x" },
        { NULL, "{\"email\":\"a@b.c\",\"fbclid\":\"a b\"}", "/contact/fbc", NULL },
        { NULL, "{\"email\":\"a@b.c\",\"page_url\":\"https://x.y/?fbclid=Iw%2B1&utm_source=fb#f\"}",
          "/contact/fbclid", "Iw+1" },
        { NULL, "{\"email\":\"a@b.c\",\"page_url\":\"https://x.y/?utm_source=fb#fbclid=no\"}",
          "/contact/utm_source", "fb" },
        { NULL, "{\"email\":\"a@b.c\",\"consent\":false}", "/contact/consent", "denied" },
        { NULL, "{\"email\":\"a@b.c\",\"consent\":\"N\xc3\x83O\"}", "/contact/consent", "denied" },
        { NULL, "{\"email\":\"a@b.c\",\"consent\":\"maybe\"}", "/contact/consent", NULL },
        { NULL, "{\"email\":\"a@b.c\",\"birth_date\":\"31/01/1990\"}", "/contact/birth_date",
          "1990-01-31" },
        { NULL, "{\"email\":\"a@b.c\",\"birth_date\":\"1990-01-31T00:00:00Z\"}",
          "/contact/birth_date", "1990-01-31" },
        { NULL, "{\"email\":\"a@b.c\",\"birth_date\":633830400}", "/contact/birth_date", NULL },
        { NULL, "{\"email\":\"a@b.c\",\"sexo\":\"Feminino\",\"uf\":\"s\xc3\xa3o paulo\"}",
          "/contact/gender", "f" },
        { NULL, "{\"email\":\"a@b.c\",\"uf\":\"s\xc3\xa3o paulo\"}", "/contact/state", "SP" },
        { NULL, "{\"email\":\"a@b.c\",\"state\":\"California\",\"zip\":\"90210\"}", "/contact/zip",
          "90210" },
        { NULL, "{\"email\":\"a\\u0000@b.c\",\"x\":\"y\\u0000z\"}", "/custom/x", "yz" },
        { NULL, "{\"email\":\"a@b.c\",\"x\\u0000y\":\"1\"}", "/custom/xy", "1" },
        { NULL, "{\"email\":\"a@b.c\",\"write_key\":\"k\"}", "/custom", NULL },
        { NULL, "{\"email\":\"a@b.c\",\"lgpd\":true}", "/custom/lgpd", "true" },
        { "text/plain", "{\"email\":\"a@b.c\"}", "/contact/email", "a@b.c" },
        { FORM, "email=A%40b.c&nome=Jo%E3o+Silva", "/contact/name", "João Silva" }, /* ISO-8859-1 */
        { FORM, "email=A%40b.c&nome=Jo%C3%A3o", "/contact/first_name", "João" },
        { FORM, "email=a%40b.c%00&x%00=1%002", "/custom/x", "12" },
        { FORM, "email=a@b.c&mensagem=oi%0Atudo+bem", "/custom/mensagem", "oi tudo bem" },
        { FORM, "&&=&email&email=a@b.c&=x", "/contact/email", NULL },
        { FORM, "phone=123", "/contact/phone_error", "bad_length" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        struct post p = { .body = cases[i].body,
                          .type = cases[i].type,
                          .remote = "203.0.113.7",
                          .agent = "Mozilla/5.0" };
        bool nobody = strstr(cases[i].body, "&&=") != NULL;
        json *e = run(SETTINGS, p, &a, nobody ? ERR_SYNTAX : OK);
        json *v = json_at(e, slice_str(cases[i].pointer));
        if (cases[i].want)
            assert_slice(json_text(v), slice_str(cases[i].want));
        else if (v)
            fail_msg("%s: %s is there", cases[i].body, cases[i].pointer);
        arena_free(&a);
    }
}

/* The address and the browser are the visitor's only when the visitor's browser sent it: not a site's server, not a holder of a key. */
static void whose_address(void **state UNUSED)
{
    static const struct {
        const char *settings, *path;
        bool visitor;
    } cases[] = {
        { "{\"write_key\":\"k\"}", "/api/lead", true },
        { "{\"write_key\":\"k\"}", "/api/events/lead", true },
        { "{\"write_key\":\"k\",\"server_side\":true}", "/api/lead", false },
        { "{\"write_key\":\"k\"}", "/api/events", false },
        { "{\"write_key\":\"k\"}", "/api/v1/events", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        struct post p = { .body = "{\"email\":\"a@b.c\"}",
                          .remote = "203.0.113.7",
                          .agent = "node",
                          .path = cases[i].path };
        json *e = run(cases[i].settings, p, &a, OK);
        if ((json_at(e, SLICE("/contact/client_ip")) != NULL) != cases[i].visitor ||
            (json_at(e, SLICE("/contact/user_agent")) != NULL) != cases[i].visitor)
            fail_msg("%s with %s", cases[i].path, cases[i].settings);
        arena_free(&a);
    }
}

static void refused(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, 1 << 22);
    run(SETTINGS, (struct post){ .body = "x", .type = "multipart/form-data; boundary=x" }, &a,
        ERR_SYNTAX);
    run(SETTINGS, (struct post){ .body = "[]" }, &a, ERR_SYNTAX);
    run(SETTINGS, (struct post){ .body = "" }, &a, ERR_SYNTAX);
    run(SETTINGS, (struct post){ .body = "{\"message\":\"hi\"}" }, &a, ERR_SYNTAX);
    run(SETTINGS, (struct post){ .body = "{\"email\":\"a\xff@b.c\"}" }, &a, ERR_SYNTAX);
    struct buf b = buf_in(&a, 1 << 16);
    for (int i = 0; i < 70; i++) buf_add(&b, SLICE("["));
    for (int i = 0; i < 70; i++) buf_add(&b, SLICE("]"));
    buf_byte(&b, 0);
    run(SETTINGS, (struct post){ .body = buf_slice(&b).ptr }, &a, ERR_LIMIT);
    b = buf_in(&a, 1 << 16);
    buf_add(&b, SLICE("email=a@b.c"));
    for (int i = 0; i < 300; i++) buf_add(&b, SLICE("&a=b"));
    buf_byte(&b, 0);
    run(SETTINGS, (struct post){ .body = buf_slice(&b).ptr, .type = FORM }, &a, ERR_LIMIT);
    arena_free(&a);
}

static void double_clicks(void **state UNUSED)
{
    static const char *const body = "{\"email\":\"a@b.c\"}";
    const int64_t t = 1773144000000;
    static const struct {
        const char *body, *remote;
        int64_t later_ms;
        bool same;
    } cases[] = {
        { "{\"email\":\"a@b.c\"}", "192.0.2.1", 1500, true },
        { "{\"email\":\"a@b.c\"}", "192.0.2.1", 11 * 60 * 1000, false }, /* asks again */
        { "{\"email\":\"a@b.c\",\"product\":\"x\"}", "192.0.2.1", 1500, false },
        { "{\"email\":\"a@b.c\"}", "192.0.2.2", 1500, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        struct post first = { .body = body, .remote = "192.0.2.1", .received_ms = t };
        struct post second = { .body = cases[i].body,
                               .remote = cases[i].remote,
                               .received_ms = t + cases[i].later_ms };
        slice one = json_get_text(run(SETTINGS, first, &a, OK), "key");
        slice two = json_get_text(run(SETTINGS, second, &a, OK), "key");
        assert_int_equal(slice_eq(one, two), cases[i].same);
        assert_int_equal(slice_find(one, '@'), one.len); /* no personal data in keys */
        arena_free(&a);
    }
    struct arena a;
    arena_init(&a, 1 << 20);
    struct post own = { .body = "{\"email\":\"a@b.c\",\"submission_id\":77}" };
    assert_slice(json_get_text(run(SETTINGS, own, &a, OK), "key"), SLICE("id:77"));
    /* `id` may be the form's: two people are two leads, one person twice is one */
    struct post ana = { .body = "{\"email\":\"a@b.c\",\"id\":\"form-1\"}" };
    struct post ana_again = { .body = "{\"email\":\"A@b.c\",\"id\":\"form-1\",\"t\":2}" };
    struct post bia = { .body = "{\"email\":\"b@b.c\",\"id\":\"form-1\"}" };
    slice key = json_get_text(run(SETTINGS, ana, &a, OK), "key");
    assert_slice(json_get_text(run(SETTINGS, ana_again, &a, OK), "key"), key);
    assert_false(slice_eq(json_get_text(run(SETTINGS, bia, &a, OK), "key"), key));
    arena_free(&a);
}

static void settings_and_cors(void **state UNUSED)
{
    static const char *const wrong[] = {
        "{\"write_key\":\"\"}",
        "{\"write_key\":[]}",
        "{\"write_key\":\"k\",\"origins\":[\"www.example.com\"]}",
        "{\"write_key\":\"k\",\"origins\":[\"https://www.example.com/\"]}",
        "{\"write_key\":\"k\",\"origins\":[\"https://*.example.com\"]}",
    };
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct settings cfg;
        json *given = NULL;
        assert_int_equal(json_parse(slice_str(wrong[i]), &a, &given, NULL), OK);
        enum err rc = settings_read(source_lead.settings, source_lead.setting_count, given, NULL,
                                    &a, &cfg, NULL);
        if (rc == OK) rc = source_lead.check(&cfg, NULL);
        assert_int_equal(rc, ERR_SYNTAX);
    }
    struct settings cfg = kind_settings(&source_lead, SETTINGS, &a);
    assert_true(source_lead.cors_origin(&cfg, SLICE("https://WWW.example.com")));
    assert_false(source_lead.cors_origin(&cfg, SLICE("")));
    struct sample s;
    assert_int_equal(source_lead.sample(SLICE(""), &cfg, 0, 1, &a, &s, NULL), OK);
    struct request r = { .headers = s.headers, .header_count = s.header_count, .body = s.body };
    assert_int_equal(source_lead.verify(&r, &cfg, 0, &a, NULL), OK);
    arena_free(&a);
}

static void out_of_memory(void **state UNUSED)
{
    static const struct header form[] = { { SLICE_INIT("Content-Type"), SLICE_INIT(FORM) } };
    struct request r = {
        .body = SLICE(
            "{\"first_name\":\"ana\",\"last_name\":\"de lima\",\"email\":\"a@b.c\",\"phone\":"
            "\"11987654321\",\"cpf\":11144477735,\"page_url\":\"https://x.y/?fbclid=1\",\"q\":1,"
            "\"ip\":\"192.0.2.1\",\"country\":\"BR\",\"zip\":\"01310100\",\"id\":1}"),
        .received_ms = 1773144000000,
    };
    assert_true(kind_out_of_memory(&source_lead, SETTINGS, &r) < 300);
    r.headers = form;
    r.header_count = 1;
    r.body = SLICE("email=a%40b.c&nome=Ana&birth_date=31/01/1990&x=1&fbclid=1&cep=01310100");
    assert_true(kind_out_of_memory(&source_lead, SETTINGS, &r) < 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_post),      cmocka_unit_test(fields),
        cmocka_unit_test(whose_address),     cmocka_unit_test(refused),
        cmocka_unit_test(out_of_memory),     cmocka_unit_test(double_clicks),
        cmocka_unit_test(settings_and_cors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
