/* formats_test.c: every vector of tests/golden/formats against base/brazil, base/money and
 * base/time. */
#include "base/brazil.h"
#include "base/money.h"
#include "base/time.h"

#include "test.h"

static const char *tests_dir;

enum { OUT_MAX = 512 };

/* What our code makes of one vector: the output as text, or the error word. */
struct outcome {
    bool good;
    char text[OUT_MAX];
    size_t len;
};

static void put(struct outcome *o, slice s)
{
    assert_true(o->len + s.len < OUT_MAX);
    if (s.len) memcpy(o->text + o->len, s.ptr, s.len);
    o->len += s.len;
}

static struct outcome settle(enum err rc, const struct why *why, slice text)
{
    struct outcome o = { .good = rc == OK };
    put(&o, rc == OK ? text : slice_str(why->text));
    return o;
}

static struct outcome run_phone(slice in, json *vector)
{
    struct why why = { 0 };
    struct brazil_phone p = { 0 };
    enum err rc = brazil_phone(in, &p, &why);
    if (rc == OK) {
        assert_slice(slice_str(brazil_phone_type_name[p.type]), json_get_text(vector, "type"));
        assert_int_equal(p.ninth_digit_added, json_truth(json_get(vector, "ninth_digit_added")));
    }
    return settle(rc, &why, brazil_phone_text(&p));
}

static struct outcome run_document(slice in, bool number, bool company)
{
    struct why why = { 0 };
    char out[BRAZIL_CNPJ_LEN] = "";
    size_t len = company ? BRAZIL_CNPJ_LEN : BRAZIL_CPF_LEN;
    enum err rc = number    ? brazil_document(in, true, out, &len, &why)
                  : company ? brazil_cnpj(in, out, &why)
                            : brazil_cpf(in, out, &why);
    return settle(rc, &why, slice_of(out, len));
}

static struct outcome run_name(slice in, struct arena *a)
{
    struct why why = { 0 };
    struct brazil_name n = { 0 };
    enum err rc = brazil_name(in, a, &n, &why);
    struct outcome o = settle(rc, &why, n.display);
    if (rc == OK) {
        put(&o, SLICE("|"));
        put(&o, n.first);
        put(&o, SLICE("|"));
        put(&o, n.last);
    }
    return o;
}

static struct outcome run_amount(json *input, bool cents)
{
    struct why why = { 0 };
    char text[32];
    int64_t n = 0;
    enum err rc = cents ? money_cents_from_json(input, &n, &why) : money_from_json(input, &n, &why);
    snprintf(text, sizeof text, "%lld", (long long)n);
    return settle(rc, &why, slice_str(text));
}

static struct outcome run_date(slice in)
{
    struct why why = { 0 };
    char text[TIME_TEXT_MAX];
    int64_t ms = 0;
    bool bare = false;
    enum err rc = time_parse(in, &ms, &bare, &why);
    slice out =
        time_format(bare ? ms - 2 * 3600000 : ms, text); /* midnight there is 02:00 or 03:00 UTC */
    return settle(rc, &why, bare ? slice_sub(out, 0, 10) : out);
}

static struct outcome run(json *vector, slice in, struct arena *a)
{
    slice kind = json_get_text(vector, "kind");
    bool number = yyjson_is_raw(json_get(vector, "input"));
    struct why why = { 0 };
    if (slice_eq(kind, SLICE("phone"))) return run_phone(in, vector);
    if (slice_eq(kind, SLICE("cpf"))) return run_document(in, number, false);
    if (slice_eq(kind, SLICE("cnpj"))) return run_document(in, number, true);
    if (slice_eq(kind, SLICE("name"))) return run_name(in, a);
    if (slice_eq(kind, SLICE("date"))) return run_date(in);
    if (slice_eq(kind, SLICE("amount")))
        return run_amount(json_get(vector, "input"),
                          slice_eq(json_get_text(vector, "unit"), SLICE("cents")));
    if (slice_eq(kind, SLICE("cep"))) {
        char out[BRAZIL_CEP_LEN];
        enum err rc = brazil_cep(in, out, &why);
        return settle(rc, &why, slice_of(out, sizeof out));
    }
    assert_slice(kind, SLICE("state"));
    slice code = { NULL, 0 };
    enum err rc = brazil_state(in, &code, &why);
    return settle(rc, &why, code);
}

static void vectors(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    json *root = NULL;
    slice file = test_file(tests_dir, "golden/formats/brazil-formats.json", &a);
    assert_int_equal(json_parse(file, &a, &root, NULL), OK);
    json *list = json_get(root, "vectors");
    size_t index, max, wrong = 0;
    json *v;
    assert_int_equal(yyjson_arr_size(list), 121);
    yyjson_arr_foreach(list, index, max, v)
    {
        slice in = test_exact(json_get_text(v, "input"));
        struct outcome got = run(v, in, &a);
        free((void *)(uintptr_t)in.ptr);
        json *output = json_get(v, "output");
        slice want = json_text(output);
        if (yyjson_is_obj(output))
            want = arena_printf(&a, "%.*s|%.*s|%.*s", SLICE_ARG(json_get_text(output, "display")),
                                SLICE_ARG(json_get_text(output, "first")),
                                SLICE_ARG(json_get_text(output, "last")));
        if (!output) want = json_get_text(v, "error");
        if (got.good == (output != NULL) && slice_eq(slice_of(got.text, got.len), want)) continue;
        print_error("%.*s: got %.*s, want %.*s\n", SLICE_ARG(json_get_text(v, "id")), (int)got.len,
                    got.text, SLICE_ARG(want));
        wrong++;
    }
    assert_int_equal(wrong, 0);
    arena_free(&a);
}

static void more_dates(void **state UNUSED)
{
    static const struct {
        const char *in, *want; /* want NULL: refused */
    } cases[] = {
        { "2019-02-16 22:59:59", "2019-02-17T00:59:59.000Z" },
        { "2019-02-16 23:30:00", "2019-02-17T01:30:00.000Z" }, /* exists twice: the first reading */
        { "2019-02-17 00:00:00", "2019-02-17T03:00:00.000Z" },
        { "2018-11-03 23:59:59", "2018-11-04T02:59:59.000Z" },
        { "2018-11-04 00:30:00",
          "2018-11-04T03:30:00.000Z" }, /* does not exist: counted on from winter */
        { "2018-11-04 01:00:00", "2018-11-04T03:00:00.000Z" },
        { "1985-11-02 01:00:00", "1985-11-02T03:00:00.000Z" },
        { "1986-03-14 12:00:00", "1986-03-14T14:00:00.000Z" },
        { "1999-12-31T23:59:59.999999999-00:30", "2000-01-01T00:29:59.999Z" },
        { "2024-02-29T00:00:00+0530", "2024-02-28T18:30:00.000Z" },
        { "2024-02-29 00:00+00", "2024-02-29T00:00:00.000Z" },
        { "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z" },
        { "253402300799999", "9999-12-31T23:59:59.999Z" },
        { "99999999999", "5138-11-16T09:46:39.000Z" }, /* the last number that is seconds */
        { "100000000000", "1973-03-03T09:46:40.000Z" },
        { "31/12/2025 23:59:59", "2026-01-01T02:59:59.000Z" },
        { "2024", NULL },
        { "20240310", NULL },
        { "253402300800000", NULL },
        { "2100-02-29", NULL },
        { "2025-13-01", NULL },
        { "2025-00-10", NULL },
        { "2025-01-10T24:00:00", NULL },
        { "2025-01-10T10:60", NULL },
        { "2025-01-10T10", NULL },
        { "2025-01-10T10:00:00.", NULL },
        { "2025-01-10T10:00:00.1234567890Z", NULL },
        { "2025-01-10T10:00:00+24:00", NULL },
        { "2025-01-10T10:00:00+3", NULL },
        { "2025-01-10T10:00:00ZZ", NULL },
        { "2025-01-10Z", NULL },
        { "1/2/2025", NULL },
        { "01-02-2025", NULL },
        { "2025-01-10 ", "2025-01-10T03:00:00.000Z" },
        { "-1580163342", NULL },
        { "1580163342.5", NULL },
        { "18446744073709551616", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[TIME_TEXT_MAX];
        int64_t ms = 0;
        slice in = test_exact(slice_str(cases[i].in));
        enum err rc = time_parse(in, &ms, NULL, NULL);
        if (rc != (cases[i].want ? OK : ERR_SYNTAX)) fail_msg("%s: %s", cases[i].in, err_name(rc));
        if (cases[i].want) assert_slice(time_format(ms, text), slice_str(cases[i].want));
        free((void *)(uintptr_t)in.ptr);
    }
}

static void more_money(void **state UNUSED)
{
    static const struct {
        const char *json, *want; /* want begins with a digit: cents */
    } cases[] = {
        { "0.30000000000000004", "30" },
        { "19.989999999999998", "1999" },
        { "1234567.8900000001", "123456789" },
        { "0.009999999999999787", "1" },
        { "1e2", "10000" },
        { "1.5E1", "1500" },
        { "1250e-2", "1250" },
        { "5e-17", "too_many_decimals" },
        { "0e999", "0" },
        { "-0.0", "0" },
        { "1e400", "too_large" },
        { "1e99999999999999999999", "too_large" },
        { "9999999999999.99", "999999999999999" },
        { "10000000000000", "1000000000000000" },
        { "10000000000000.01", "too_large" },
        { "99999999999999999999999999", "too_large" },
        { "4.3500000001", "too_many_decimals" },
        { "1.234", "too_many_decimals" }, /* a number token is never ambiguous */
        { "-0.01", "negative" },
        { "\"0.30000000000000004\"", "30" },
        { "\"R$\xc2\xa0"
          "1.234,50\"",
          "123450" },
        { "\"-R$ 5,00\"", "negative" },
        { "\"R$ -5,00\"", "negative" },
        { "\"1.234.567\"", "123456700" },
        { "\"1,234,567.89\"", "123456789" },
        { "\"1.234,567\"", "too_many_decimals" },
        { "\"12.34,56\"", "not_a_number" },
        { "\"1,2,3\"", "not_a_number" },
        { "\"1,234\"", "ambiguous" },
        { "\"0.125\"", "too_many_decimals" },
        { "\"1e2\"", "not_a_number" },
        { "\"5,\"", "not_a_number" },
        { "\",5\"", "not_a_number" },
        { "\"R$\"", "not_a_number" },
        { "\"12\\u00003\"", "not_a_number" },
        { "null", "not_a_number" },
        { "true", "not_a_number" },
        { "[1]", "not_a_number" },
    };
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json *v = NULL;
        struct why why = { 0 };
        int64_t cents = -7;
        char got[32];
        assert_int_equal(json_parse(slice_str(cases[i].json), &a, &v, NULL), OK);
        enum err rc = money_from_json(v, &cents, &why);
        if (rc == OK)
            snprintf(got, sizeof got, "%lld", (long long)cents);
        else
            assert_int_equal(cents, -7);
        assert_slice(slice_str(rc == OK ? got : why.text), slice_str(cases[i].want));
    }
    int64_t cents = 0;
    assert_int_equal(money_parse_cents(SLICE("10000.0"), &cents, NULL), ERR_SYNTAX);
    assert_int_equal(money_parse_cents(SLICE(" 1990 "), &cents, NULL), OK);
    assert_int_equal(cents, 1990);
    assert_int_equal(money_parse_cents(SLICE("99999999999999999999"), &cents, NULL), ERR_LIMIT);
    arena_free(&a);
}

static void more_brazil(void **state UNUSED)
{
    static const struct {
        const char *in, *want;
    } phones[] = {
        { "+55 (0) 11 98765-4321", "+5511987654321" },
        { "00351912345678", "+351912345678" },
        { "+55 99999-0014", "missing_ddd" },
        { "+5", "bad_length" },
        { "+55", "bad_length" },
        { "+", "empty" },
        { "11 7777-8888", "+551177778888" },
        { "11 1234-5678", "invalid_subscriber" },
        { "+0123456789", "bad_length" },
        { "11987654321111111111111111111111", "bad_length" },
        { "1198765\xc2\xa0"
          "4321",
          "+5511987654321" },
        { "123@g.us", "not_a_phone" },
    };
    for (size_t i = 0; i < ARRAY_LEN(phones); i++) {
        struct brazil_phone p = { 0 };
        struct why why = { 0 };
        slice in = test_exact(slice_str(phones[i].in));
        enum err rc = brazil_phone(in, &p, &why);
        assert_slice(rc == OK ? brazil_phone_text(&p) : slice_str(why.text),
                     slice_str(phones[i].want));
        free((void *)(uintptr_t)in.ptr);
    }
    char out[BRAZIL_CNPJ_LEN];
    size_t len = 0;
    assert_int_equal(brazil_document(SLICE("191"), true, out, &len, NULL), OK); /* 000.000.001-91 */
    assert_slice(slice_of(out, len), SLICE("00000000191"));
    assert_int_equal(brazil_document(SLICE("191"), false, out, &len, NULL), ERR_SYNTAX);
    assert_int_equal(brazil_document(SLICE("12.ABC.345/01DE-35"), false, out, &len, NULL), OK);
    assert_slice(slice_of(out, len), SLICE("12ABC34501DE35"));
    struct arena a;
    struct brazil_name n;
    arena_init(&a, 1 << 16);
    assert_int_equal(brazil_name(SLICE("PEDRO DE ALCÂNTARA II"), &a, &n, NULL), OK);
    assert_slice(n.display, SLICE("Pedro de Alcântara II"));
    assert_int_equal(brazil_name(SLICE("DA\xc2\xa0SILVA"), &a, &n, NULL), OK);
    assert_slice(n.display, SLICE("Da Silva"));
    assert_int_equal(brazil_name(SLICE("Jo\xe3o"), &a, &n, NULL), ERR_SYNTAX);
    char room[32];
    assert_slice(brazil_fold(SLICE("Sa\xcc\x83o ÉÇ"), room), SLICE("sao ec"));
    arena_free(&a);
}

int main(int argc, char **argv)
{
    tests_dir = argc > 1 ? argv[1] : "tests";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(more_dates),
        cmocka_unit_test(more_money),
        cmocka_unit_test(more_brazil),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
