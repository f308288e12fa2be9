/* campaign_test.c: pace, who a number belongs to, and who is of a segment. */
#include "campaign/campaign.h"

#include "hub.h"
#include "test.h"

enum { NOW_US_S = 1773144000 };
static const int64_t NOW_US = NOW_US_S * 1000000LL;

static void pace(void **state UNUSED)
{
    static const struct {
        int64_t per_minute, behind_us, due;
    } cases[] = {
        { 60, -1, 0 },           { 60, 0, 1 },           { 60, 999999, 1 },     { 60, 1000000, 2 },
        { 60, 3600000000LL, 2 }, /* an hour's pause is not made up for */
        { 1, 3600000000LL, 1 },  { 6000, 0, 1 },         { 6000, 9999, 1 },     { 6000, 10000, 2 },
        { 6000, 1000000, 101 },  { 6000, 5000000, 101 }, { 4800, 1000000, 81 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(campaign_due(cases[i].per_minute, NOW_US - cases[i].behind_us, NOW_US),
                         cases[i].due);
    assert_int_equal(campaign_ahead(1), 2);
    assert_int_equal(campaign_ahead(60), 2);
    assert_int_equal(campaign_ahead(6000), 200);
    struct destination to = { .rate_per_min = 30 };
    assert_int_equal(campaign_pace(60, &to), 30);
    assert_int_equal(campaign_pace(20, &to), 20);
    to.rate_per_min = 0;
    assert_int_equal(campaign_pace(60, &to), 60);
}

static void people(void **state UNUSED)
{
    static const struct {
        const char *in, *want; /* NULL: nobody's */
    } cases[] = {
        { "+5511999990005", "+5511999990005" },
        { "5511999990005", "+5511999990005" },
        { "551199990005", "+5511999990005" }, /* without the ninth digit: the same person */
        { "+551199990005", "+5511999990005" },
        { "11999990005", "+5511999990005" },
        { "(11) 99999-0005", "+5511999990005" },
        { " 11 9999-0005 ", "+5511999990005" },
        { "+16505550100", "+16505550100" },
        { "BR.1349A", "BR.1349A" },
        { "", NULL },
        { "123", NULL },
        { "ana@example.com", NULL },
        { "5,51199E+12", NULL },
        { "+55", NULL },
        { "+55119", NULL },
        { "=5511999990005", NULL },
        { "99999-0005", NULL },
        { "br.1349", NULL },
        { "BR.", NULL },
    };
    struct arena a;
    struct why why;
    arena_init(&a, 1 << 14);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        slice person, text = test_exact(slice_str(cases[i].in));
        enum err rc = campaign_person_of(text, &a, &person, &why);
        assert_int_equal(rc, cases[i].want ? OK : ERR_SYNTAX);
        if (cases[i].want) assert_slice(person, slice_str(cases[i].want));
        free((void *)(uintptr_t)text.ptr);
    }
    arena_free(&a);
}

/* ---- segments ---- */

static struct hub hub;
static int setup(void **state UNUSED)
{
    hub_open(&hub);
    hub_run(&hub,
            "INSERT INTO orders (id, workspace_id, source_id, contact_id, number, status, amount, "
            "currency, created_ms, "
            "paid_ms, updated_ms, data) VALUES (1, 1, 1, 7, 'a', 5, 100, 'BRL', 1000, 2000, 2000, "
            "'{\"items\":[{\"id\":\"p1\",\"name\":\"Curso de P\xc3\xa3o\"}]}'), "
            "(2, 1, 1, 8, 'b', 2, 100, 'BRL', 5000, 0, 5000, '{}'), "
            "(3, 2, 1, 9, 'c', 5, 100, 'BRL', 5000, 5000, 5000, '{}')");
    hub_run(&hub, "INSERT INTO conversations (id, workspace_id, contact_id, channel, account, "
                  "peer, window_until_ms, "
                  "last_message_ms, last_in_ms, last_out_ms, messages_in, messages_out, "
                  "created_ms, updated_ms) "
                  "VALUES (1, 1, 7, 'whatsapp', '1', '', 0, 0, 3000, 0, 1, 0, 0, 0)");
    return 0;
}
static int teardown(void **state UNUSED)
{
    hub_close(&hub);
    return 0;
}

static void segments(void **state UNUSED)
{
    static const struct {
        const char *segment;
        uint64_t contact;
        bool has;
    } cases[] = {
        { "{\"city\":\"sao paulo\"}", 7, true },
        { "{\"city\":\" S\xc3\xa3o PAULO\"}", 7, true },
        { "{\"city\":\"Santos\"}", 7, false },
        { "{\"state\":\"S\xc3\xa3o Paulo\"}", 7, true },
        { "{\"state\":\"sp\",\"city\":\"Santos\"}", 7, false },
        { "{\"order\":{}}", 7, true },
        { "{\"order\":{}}", 10, false },
        { "{\"order\":{}}", 9, false }, /* of another workspace */
        { "{\"order\":{\"status\":\"paid\"}}", 7, true },
        { "{\"order\":{\"status\":\"paid\"}}", 8, false },
        { "{\"order\":{\"status\":\"paid\",\"since\":\"1970-01-01T00:00:02Z\"}}", 7, true },
        { "{\"order\":{\"status\":\"paid\",\"since\":\"1970-01-01T00:00:03Z\"}}", 7, false },
        { "{\"order\":{\"product\":\"curso de pao\"}}", 7, true },
        { "{\"order\":{\"product\":\"p1\"}}", 7, true },
        { "{\"order\":{\"product\":\"p2\"}}", 7, false },
        { "{\"wrote_since\":\"1970-01-01T00:00:03Z\"}", 7, true },
        { "{\"wrote_since\":\"1970-01-01T00:00:04Z\"}", 7, false },
        { "{\"not_wrote_since\":\"1970-01-01T00:00:04Z\"}", 7, true },
        { "{\"not_wrote_since\":\"1970-01-01T00:00:03Z\"}", 7, false },
        { "{\"not_wrote_since\":\"30d\"}", 8, true }, /* never wrote */
    };
    struct arena a;
    struct why why;
    json *fields = NULL;
    arena_init(&a, 1 << 20);
    assert_int_equal(
        json_parse(
            SLICE("{\"city\":[\"S\xc3\xa3o Paulo\",1,1,\"x\"],\"state\":[\"SP\",1,1,\"x\"]}"), &a,
            &fields, NULL),
        OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct campaign_segment g, again;
        json *v = NULL, *stored = NULL;
        bool has = !cases[i].has;
        assert_int_equal(json_parse(slice_str(cases[i].segment), &a, &v, NULL), OK);
        assert_int_equal(campaign_segment_read(v, NOW_US / 1000, &a, &g, &why), OK);
        /* what is stored is read as the same, whenever */
        slice text = campaign_segment_text(&g, &a);
        assert_int_equal(json_parse(text, &a, &stored, NULL), OK);
        assert_int_equal(campaign_segment_read(stored, NOW_US, &a, &again, &why), OK);
        assert_slice(campaign_segment_text(&again, &a), text);
        assert_int_equal(
            campaign_segment_has(&again, hub.store, 1, cases[i].contact, fields, &a, &has, &why),
            OK);
        if (has != cases[i].has)
            fail_msg("%s, contact %llu", cases[i].segment, (unsigned long long)cases[i].contact);
    }
    static const char *const bad[] = { "{}",
                                       "[]",
                                       "{\"cityy\":\"x\"}",
                                       "{\"city\":1.5,\"x\":1}",
                                       "{\"order\":1}",
                                       "{\"order\":{\"stats\":\"paid\"}}",
                                       "{\"order\":{\"status\":\"payed\"}}",
                                       "{\"wrote_since\":\"yesterday\"}",
                                       "{\"city\":\"  \"}" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct campaign_segment g;
        json *v = NULL;
        assert_int_equal(json_parse(slice_str(bad[i]), &a, &v, NULL), OK);
        if (campaign_segment_read(v, NOW_US / 1000, &a, &g, &why) != ERR_SYNTAX)
            fail_msg("taken: %s", bad[i]);
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(pace), cmocka_unit_test(people),
                                        cmocka_unit_test_setup_teardown(segments, setup,
                                                                        teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
