/* meta_normalise_test.c: holds every vector of golden/meta/normalisation.json; lower case beside
 * the C library's; addresses. */
#include "dests/meta_normalise.h"

#include "base/json.h"
#include "crypto/hash.h"
#include "dests/meta_case.h"
#include "dests/meta_click.h"
#include "test.h"

enum { ARENA_BYTES = 16 << 20, VECTORS = 309 };

static const char *const field_names[META_FIELD_COUNT] = {
    "em",      "ph",          "fn",      "ln",     "ge", "db",   "ct",   "st",   "zp",
    "country", "external_id", "f5first", "f5last", "fi", "dobd", "dobm", "doby", "currency",
};

static struct arena arena;
static struct buf work;
static json *golden;

static int open_golden(void **state)
{
    arena_init(&arena, ARENA_BYTES);
    work = meta_normalise_work(&arena);
    slice text = test_file(*state, "golden/meta/normalisation.json", &arena);
    assert_int_equal(json_parse(text, &arena, &golden, NULL), OK);
    return 0;
}

static enum meta_field field_of(slice name)
{
    for (size_t i = 0; i < META_FIELD_COUNT; i++)
        if (slice_eq(name, slice_str(field_names[i]))) return (enum meta_field)i;
    fail_msg("no field %.*s", SLICE_ARG(name));
    return META_FIELD_COUNT;
}

/* One outcome of a vector: a word ("error", "omit") or an object with the normal form and its
 * digest. */
static bool is_outcome(json *want, const struct meta_normal *got, slice sent, bool hashed)
{
    slice word = json_str(want);
    if (word.len == 0 && yyjson_is_null(json_get(want, "normalised")))
        word = json_get_text(want, "sha256");
    if (slice_eq(word, SLICE("error"))) return got->usable == META_UNUSABLE;
    if (slice_eq(word, SLICE("omit"))) return got->usable == META_ABSENT;
    if (!slice_eq(json_get_text(want, "normalised"), got->text)) return false;
    return !hashed || slice_eq(json_get_text(want, "sha256"), sent);
}

static void vectors(void **state UNUSED)
{
    json *all = json_get(golden, "vectors"), *v, *other;
    size_t i, max, j, others;
    assert_int_equal(yyjson_arr_size(all), VECTORS);
    yyjson_arr_foreach(all, i, max, v)
    {
        enum meta_field field = field_of(json_get_text(v, "field"));
        slice kind = json_get_text(v, "kind"), raw = test_exact(json_get_text(v, "input")), sent;
        struct meta_normal got;
        assert_int_equal(meta_normalise_hash(field, raw, &work, &sent), OK);
        assert_int_equal(meta_normalise(field, raw, &work, &got), OK);
        bool hashed = field != META_FIELD_CURRENCY;
        bool held = is_outcome(v, &got, sent, hashed);
        yyjson_arr_foreach(json_get(v, "accept"), j, others, other)
        {
            held = held || is_outcome(other, &got, sent, hashed);
        }
        if (slice_eq(kind, SLICE("passthrough"))) held = held && got.usable == META_DIGEST;
        if (!held)
            fail_msg("%.*s: \"%.*s\" became %d \"%.*s\"", SLICE_ARG(json_get_text(v, "id")),
                     SLICE_ARG(raw), (int)got.usable, SLICE_ARG(got.text));
        free((void *)(uintptr_t)raw.ptr);
    }
}

static void preferred_answers(void **state UNUSED)
{
    static const struct {
        enum meta_field field;
        const char *in;
        enum meta_usable usable;
        const char *out;
    } cases[] = {
        { META_FIELD_FN, "JOÃO", META_TEXT, "joão" },
        { META_FIELD_FN, "ŠĀRŪNAS Łukasz", META_TEXT, "šārūnasłukasz" },
        { META_FIELD_FN, "ИВАН", META_TEXT, "иван" },
        { META_FIELD_FN, "ΑΛΈΞΗΣ", META_TEXT, "αλέξησ" },
        { META_FIELD_LN, "O’Brien-Müller", META_TEXT, "obrienmüller" },
        { META_FIELD_EM,
          " \xc2\xa0"
          "Ana+Loja@Exemplo.COM.BR\xe3\x80\x80",
          META_TEXT, "ana+loja@exemplo.com.br" },
        { META_FIELD_EM, "ana..b@exemplo.com", META_UNUSABLE, "" },
        { META_FIELD_PH, "+5511999990005", META_TEXT, "5511999990005" },
        { META_FIELD_DB, "1990-01-31", META_TEXT, "19900131" },
        { META_FIELD_DB, "31/01/1990", META_TEXT, "19900131" },
        { META_FIELD_DB, "1990-02-29", META_UNUSABLE, "" },
        { META_FIELD_DB, "1899-12-31", META_UNUSABLE, "" },
        { META_FIELD_DB, "00000000", META_UNUSABLE, "" },
        { META_FIELD_ST, "Minas Gerais", META_TEXT, "minasgerais" },
        { META_FIELD_ST, "MG", META_TEXT, "mg" },
        { META_FIELD_COUNTRY, "Brasil", META_TEXT, "br" },
        { META_FIELD_COUNTRY, "uk", META_TEXT, "gb" },
        { META_FIELD_COUNTRY, "zz", META_UNUSABLE, "" },
        { META_FIELD_ZP, "01310-100", META_TEXT, "01310" },
        { META_FIELD_EM, "A665A45920422F9D417E4867EFDC4FB8A04A1F3FFF1FA07E998E86F7F7A27AE3.AQ",
          META_DIGEST, "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3.AQ" },
        { META_FIELD_FN, "\xff\xfe", META_UNUSABLE, "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct meta_normal got;
        slice raw = test_exact(slice_str(cases[i].in));
        assert_int_equal(meta_normalise(cases[i].field, raw, &work, &got), OK);
        assert_slice(got.text, slice_str(cases[i].out));
        assert_int_equal(got.usable, cases[i].usable);
        free((void *)(uintptr_t)raw.ptr);
    }
}

static void never_hashed_values_pass(void **state UNUSED)
{
    json *v;
    size_t i, max;
    yyjson_arr_foreach(json_get(golden, "never_hashed"), i, max, v)
    {
        slice field = json_get_text(v, "field"), in = json_get_text(v, "input");
        assert_slice(in, json_get_text(v, "send"));
        if (slice_eq(field, SLICE("client_ip_address"))) assert_true(meta_normalise_ip_ok(in));
        if (slice_eq(field, SLICE("fbc")) || slice_eq(field, SLICE("fbp")))
            assert_true(meta_click_ok(in));
    }
}

static void click_ids(void **state UNUSED)
{
    json *v;
    size_t i, max;
    yyjson_arr_foreach(json_get(golden, "click_ids"), i, max, v)
    {
        slice op = json_get_text(v, "op"), want = json_get_text(v, "expect"),
              id = json_get_text(v, "fbclid");
        int64_t index = 0, ms = 0;
        (void)json_i64(json_get(v, "subdomain_index"), &index);
        if (slice_eq(op, SLICE("build_fbc"))) {
            assert_true(json_i64(json_get(v, "first_seen_ms"), &ms));
            assert_slice(meta_click_build(id, ms, (int)index, &arena), want);
        } else if (slice_eq(op, SLICE("merge_fbc"))) {
            assert_true(json_i64(json_get(v, "now_ms"), &ms));
            assert_slice(meta_click_merge(json_get_text(v, "cookie"), id, ms, (int)index, &arena),
                         want);
        } else if (slice_eq(op, SLICE("fbclid_from_url"))) {
            assert_slice(meta_click_from_url(json_get_text(v, "url"), &arena), want);
        } else if (slice_eq(op, SLICE("pick_fbclid"))) {
            assert_slice(
                meta_click_pick(json_get_text(v, "query"), json_get_text(v, "referrer"), &arena),
                want);
        } else {
            slice cookie = test_exact(json_get_text(v, "value"));
            assert_int_equal(meta_click_ok(cookie), json_truth(json_get(v, "valid")));
            free((void *)(uintptr_t)cookie.ptr);
        }
    }
    assert_false(meta_click_id_ok(SLICE("a.b")));
    assert_false(meta_click_id_ok(SLICE("a b")));
    assert_null(meta_click_build(SLICE("abc"), 0, 1, &arena).ptr);
}

static void addresses(void **state UNUSED)
{
    static const struct {
        const char *in;
        bool ok;
    } cases[] = {
        { "8.8.8.8", true },
        { "10.0.0.1", false },
        { "172.16.0.1", false },
        { "172.32.0.1", true },
        { "192.168.1.1", false },
        { "127.0.0.1", false },
        { "169.254.1.1", false },
        { "100.64.0.1", false },
        { "224.0.0.1", false },
        { "8.8.8.8:80", false },
        { " 8.8.8.8", false },
        { "8.8.8.8, 1.1.1.1", false },
        { "2804:14c::1", true },
        { "::1", false },
        { "::", false },
        { "fd00::1", false },
        { "fe80::1", false },
        { "fe80::1%eth0", false },
        { "::ffff:10.0.0.1", false },
        { "::ffff:8.8.8.8", true },
        { "ff02::1", false },
        { "", false },
        { "example.com", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        slice in = test_exact(slice_str(cases[i].in));
        if (meta_normalise_ip_ok(in) != cases[i].ok) fail_msg("%s", cases[i].in);
        free((void *)(uintptr_t)in.ptr);
    }
}

static void other_spellings(void **state UNUSED)
{
    slice out;
    assert_int_equal(meta_normalise_city_ascii(SLICE("sãopaulo"), &arena, &out), OK);
    assert_slice(out, SLICE("sopaulo"));
    assert_int_equal(meta_normalise_city_ascii(SLICE("recife"), &arena, &out), OK);
    assert_int_equal(out.len, 0);
    assert_int_equal(meta_normalise_city_ascii(SLICE("東京a"), &arena, &out), OK);
    assert_int_equal(out.len, 0);
    assert_slice(meta_normalise_state_twin(SLICE("sp")), SLICE("sãopaulo"));
    assert_slice(meta_normalise_state_twin(SLICE("minasgerais")), SLICE("mg"));
    assert_int_equal(meta_normalise_state_twin(SLICE("xx")).len, 0);
}

static void lower_case_is_stable(void **state UNUSED)
{
    assert_int_equal(meta_case_lower(0xc7), 0xe7);
    assert_int_equal(meta_case_lower(0xd7), 0xd7);
    assert_int_equal(meta_case_lower(0x178), 0xff);
    assert_int_equal(meta_case_lower(0x42f), 0x44f);
    for (uint32_t code = 0; code < 0x11000; code++) {
        uint32_t low = meta_case_lower(code);
        assert_int_equal(meta_case_lower(low), low);
    }
}

static void full_arena_is_a_limit(void **state UNUSED)
{
    struct arena small;
    arena_init(&small, 1 << 16);
    slice out;
    enum err rc = ERR_LIMIT;
    uint64_t nth = 1;
    for (; rc != OK && nth < 20; nth++) {
        arena_reset(&small);
        arena_fail_nth(nth);
        struct buf small_work = meta_normalise_work(&small);
        rc = meta_normalise_hash(META_FIELD_EM, SLICE("ana@exemplo.com"), &small_work, &out);
        assert_true(rc == OK || (rc == ERR_LIMIT && out.len == 0));
    }
    arena_fail_nth(0);
    assert_int_equal(rc, OK);
    assert_true(nth > 2);
    arena_free(&small);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(preferred_answers),
        cmocka_unit_test(never_hashed_values_pass),
        cmocka_unit_test(click_ids),
        cmocka_unit_test(addresses),
        cmocka_unit_test(other_spellings),
        cmocka_unit_test(lower_case_is_stable),
        cmocka_unit_test(full_arena_is_a_limit),
    };
    char *dir = argc > 1 ? argv[1] : NULL;
    void *state = dir;
    if (open_golden(&state) != 0) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
