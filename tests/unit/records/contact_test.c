/* contact_test.c: who is who, whose word counts, and that the order of arrival does not matter. */
#include "test.h"

#include "shuffle.h"

/* One change: up to six fields, by whom and when. */
struct change {
    enum origin_rank rank;
    int64_t ms;
    struct {
        enum contact_field field;
        const char *value;
    } said[6];
    int64_t fbclid_ms;
};

static struct hub hub;

static int setup(void **state UNUSED)
{
    hub_open(&hub);
    struct why why;
    return store_begin(hub.store, &why) == OK ? 0 : -1;
}

static int teardown(void **state UNUSED)
{
    store_rollback(hub.store);
    hub_close(&hub);
    return 0;
}

/* Applies a change; returns the contact's id. *out (may be NULL) borrows from `a`. */
static uint64_t apply(uint64_t workspace_id, const struct change *c, struct arena *a,
                      struct contact *out)
{
    struct contact said = { .fbclid_ms = c->fbclid_ms }, merged;
    struct why why = { .code = OK };
    uint64_t id = 0;
    for (size_t i = 0; i < ARRAY_LEN(c->said) && c->said[i].value; i++)
        said.field[c->said[i].field] = slice_str(c->said[i].value);
    struct apply_ctx ctx = shuffle_ctx(&hub, workspace_id, a);
    ctx.rank = c->rank;
    ctx.origin = c->rank == ORIGIN_LEAD ? SLICE("site") : SLICE("shop");
    ctx.occurred_ms = c->ms;
    if (contact_apply(&ctx, &said, out ? out : &merged, &id, &why) != OK) fail_msg("%s", why.text);
    return id;
}

static int64_t number(const char *format, uint64_t workspace_id)
{
    char sql[512];
    struct why why = { .code = OK };
    struct hub look = hub;
    assert_int_equal(store_commit(hub.store, &why), OK);
    snprintf(sql, sizeof sql, format, (unsigned long long)workspace_id);
    int64_t n = hub_count(&look, sql);
    assert_int_equal(store_begin(hub.store, &why), OK);
    return n;
}

#define CONTACTS "SELECT COUNT(*) FROM contacts WHERE merged_into = 0 AND workspace_id = %llu"

static void found_by_each_identity(void **state UNUSED)
{
    static const struct {
        enum contact_field field;
        const char *value;
    } cases[] = {
        { CONTACT_external_id, "u-1" },
        { CONTACT_document, "52998224725" },
        { CONTACT_email, "ana@example.com" },
        { CONTACT_phone, "+5511999990005" },
    };
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct change first = { ORIGIN_PLATFORM, 10, { { cases[i].field, cases[i].value } }, 0 };
        struct change later = {
            ORIGIN_PLATFORM, 20, { { cases[i].field, cases[i].value }, { CONTACT_name, "Ana" } }, 0
        };
        struct change other = { ORIGIN_PLATFORM, 30, { { cases[i].field, "somebody-else" } }, 0 };
        struct contact merged;
        uint64_t id = apply(i + 1, &first, &a, NULL);
        assert_true(id != 0);
        assert_true(apply(i + 1, &later, &a, &merged) == id);
        assert_slice(merged.field[CONTACT_name], SLICE("Ana"));
        assert_true(apply(i + 1, &other, &a, NULL) != id);
        assert_true(apply(99, &first, &a, NULL) != id); /* another workspace knows nobody */
    }
    struct change nobody = { ORIGIN_PLATFORM, 10, { { CONTACT_name, "Ana" } }, 0 };
    struct contact merged;
    assert_true(apply(1, &nobody, &a, &merged) ==
                0); /* nothing to be found by again: kept with the event only */
    assert_slice(merged.field[CONTACT_name], SLICE("Ana"));
    arena_free(&a);
}

static void lead_wins_field_by_field(void **state UNUSED)
{
    static const struct change platform = { ORIGIN_PLATFORM,
                                            900,
                                            { { CONTACT_email, "ana@example.com" },
                                              { CONTACT_name, "ANA" },
                                              { CONTACT_city, "Santos" },
                                              { CONTACT_zip, "11010000" } },
                                            0 };
    static const struct change lead = { ORIGIN_LEAD,
                                        100,
                                        { { CONTACT_email, "ana@example.com" },
                                          { CONTACT_name, "Ana Lima" },
                                          { CONTACT_fbp, "fb.1.2.3" } },
                                        0 };
    static const struct change newer = { ORIGIN_PLATFORM,
                                         950,
                                         { { CONTACT_email, "ana@example.com" },
                                           { CONTACT_name, "ANA L" },
                                           { CONTACT_city, "Campinas" } },
                                         0 };
    static const struct change *const orders[][3] = { { &platform, &lead, &newer },
                                                      { &lead, &newer, &platform },
                                                      { &newer, &platform, &lead } };
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        struct contact c;
        for (size_t k = 0; k < 3; k++) apply(i + 1, orders[i][k], &a, &c);
        assert_slice(c.field[CONTACT_name],
                     SLICE("Ana Lima")); /* the person's own word, although older */
        assert_slice(c.field[CONTACT_city], SLICE("Campinas")); /* the latest word of equals */
        assert_slice(c.field[CONTACT_zip], SLICE("11010000"));  /* nobody else says anything */
        assert_slice(c.field[CONTACT_fbp], SLICE("fb.1.2.3"));
    }
    arena_free(&a);
}

/* Of the ads that a person came by the first and the latest, whatever order they are heard of in. */
static void first_and_latest_ad(void **state UNUSED)
{
#define CAME(ms, clid)                                                                             \
    {                                                                                              \
        ORIGIN_PLATFORM, ms,                                                                       \
            { { CONTACT_phone, "+5511999990005" },                                                 \
              { CONTACT_ctwa_clid, clid },                                                         \
              { CONTACT_ctwa_at, clid "-at" },                                                     \
              { CONTACT_ctwa_first_clid, clid },                                                   \
              { CONTACT_ctwa_first_at, clid "-at" } },                                             \
            0                                                                                      \
    }
    static const struct change came[] = { CAME(10, "b"), CAME(20, "c"), CAME(30, "a") };
    size_t order[] = { 0, 1, 2 }, count = 0;
    struct arena a;
    arena_init(&a, 1 << 20);
    do {
        struct contact c;
        count++;
        for (size_t i = 0; i < 3; i++) apply(100 + count, &came[order[i]], &a, &c);
        assert_slice(c.field[CONTACT_ctwa_clid], SLICE("a"));
        assert_slice(c.field[CONTACT_ctwa_at], SLICE("a-at"));
        assert_slice(c.field[CONTACT_ctwa_first_clid], SLICE("b"));
        assert_slice(c.field[CONTACT_ctwa_first_at], SLICE("b-at"));
    } while (shuffle_next(order, 3));
    assert_int_equal(count, 6);
    arena_free(&a);
}

static slice stored(uint64_t workspace_id, struct arena *a)
{
    char sql[512];
    struct why why = { .code = OK };
    assert_int_equal(store_commit(hub.store, &why), OK);
    snprintf(sql, sizeof sql,
             "SELECT group_concat(t, ' ') FROM (SELECT fields AS t FROM contacts WHERE "
             "workspace_id = %llu AND merged_into = 0"
             " UNION ALL SELECT * FROM (SELECT kind || ':' || value FROM contact_identities WHERE "
             "workspace_id = %llu ORDER BY 1))",
             (unsigned long long)workspace_id, (unsigned long long)workspace_id);
    slice text = hub_text(&hub, sql, a);
    assert_int_equal(store_begin(hub.store, &why), OK);
    return text;
}

/* Five words about one person, tied together by different identities; 120 orders, one outcome. */
static void every_order_ends_alike(void **state UNUSED)
{
    static const struct change changes[] = {
        { ORIGIN_PLATFORM,
          10,
          { { CONTACT_email, "ana@example.com" },
            { CONTACT_phone, "+5511999990005" },
            { CONTACT_document, "52998224725" },
            { CONTACT_name, "ANA SILVA" },
            { CONTACT_consent, "granted" } },
          0 },
        { ORIGIN_LEAD,
          5,
          { { CONTACT_email, "ana@example.com" },
            { CONTACT_fbp, "fb.1.1.1" },
            { CONTACT_name, "Ana" },
            { CONTACT_utm_source, "ig" },
            { CONTACT_fbclid, "one" } },
          77 },
        { ORIGIN_PLATFORM,
          20,
          { { CONTACT_phone, "+5511999990005" },
            { CONTACT_city, "Santos" },
            { CONTACT_last_name, "Souza" } },
          0 },
        { ORIGIN_LEAD,
          7,
          { { CONTACT_external_id, "u-1" },
            { CONTACT_phone, "+5511999990005" },
            { CONTACT_fbclid, "two" },
            { CONTACT_utm_source, "yt" } },
          78 },
        { ORIGIN_PLATFORM,
          20,
          { { CONTACT_document, "52998224725" },
            { CONTACT_external_id, "u-1" },
            { CONTACT_last_name, "Tavares" },
            { CONTACT_consent, "denied" } },
          0 },
    };
    size_t order[ARRAY_LEN(changes)] = { 0, 1, 2, 3, 4 }, count = 0;
    struct arena a, keep;
    slice want = { NULL, 0 };
    arena_init(&a, 1 << 24);
    arena_init(&keep, 1 << 20);
    do {
        count++;
        arena_reset(&a);
        for (size_t i = 0; i < ARRAY_LEN(order); i++) apply(count, &changes[order[i]], &a, NULL);
        slice got = stored(count, &a);
        if (!want.ptr) {
            want = arena_dup(&keep, got);
            assert_true(slice_find_slice(want, SLICE("Tavares")) <
                        want.len); /* of two words of one moment the greater */
            assert_true(slice_find_slice(want, SLICE("\"denied\"")) < want.len);
        } else if (!slice_eq(got, want)) {
            fail_msg("order %zu%zu%zu%zu%zu gives\n%.*s\nnot\n%.*s", order[0], order[1], order[2],
                     order[3], order[4], SLICE_ARG(got), SLICE_ARG(want));
        }
    } while (shuffle_next(order, ARRAY_LEN(order)));
    assert_int_equal(count, 120);
    arena_free(&a);
    arena_free(&keep);
}

static void documents_keep_people_apart(void **state UNUSED)
{
    static const struct change changes[] = {
        { ORIGIN_PLATFORM,
          10,
          { { CONTACT_document, "52998224725" }, { CONTACT_phone, "+5511999990005" } },
          0 },
        { ORIGIN_PLATFORM,
          20,
          { { CONTACT_document, "11144477735" }, { CONTACT_phone, "+5511999990005" } },
          0 },
        { ORIGIN_PLATFORM,
          30,
          { { CONTACT_document, "52998224725" }, { CONTACT_email, "casa@example.com" } },
          0 },
        { ORIGIN_PLATFORM,
          40,
          { { CONTACT_document, "11144477735" }, { CONTACT_email, "casa@example.com" } },
          0 },
        { ORIGIN_LEAD,
          50,
          { { CONTACT_email, "casa@example.com" }, { CONTACT_phone, "+5511999990005" } },
          0 },
    };
    size_t order[ARRAY_LEN(changes)] = { 0, 1, 2, 3, 4 };
    uint64_t workspace_id = 0;
    struct arena a;
    arena_init(&a, 1 << 24);
    do {
        uint64_t id[ARRAY_LEN(changes)];
        workspace_id++;
        arena_reset(&a);
        for (size_t i = 0; i < ARRAY_LEN(order); i++)
            id[order[i]] = apply(workspace_id, &changes[order[i]], &a, NULL);
        assert_true(id[0] == id[2] && id[1] == id[3] && id[0] != id[1]);
    } while (shuffle_next(order, ARRAY_LEN(order)));
    assert_int_equal(
        number(
            "SELECT COUNT(*) - 2 * COUNT(DISTINCT workspace_id) FROM contacts WHERE merged_into = 0"
            " AND fields LIKE '%%\"document\"%%' AND workspace_id <> %llu",
            0),
        0);
    arena_free(&a);
}

static void external_ids_keep_people_apart(void **state UNUSED)
{
    static const struct change one = {
        ORIGIN_PLATFORM, 10, { { CONTACT_external_id, "a" }, { CONTACT_email, "x@example.com" } }, 0
    };
    static const struct change two = {
        ORIGIN_PLATFORM, 20, { { CONTACT_external_id, "b" }, { CONTACT_email, "x@example.com" } }, 0
    };
    struct arena a;
    arena_init(&a, 1 << 20);
    uint64_t first = apply(1, &one, &a, NULL), second = apply(1, &two, &a, NULL);
    assert_true(first != second);
    assert_true(apply(1, &one, &a, NULL) == first);
    assert_true(apply(1, &two, &a, NULL) == second);
    assert_int_equal(number(CONTACTS, 1), 2);
    arena_free(&a);
}

static void joining_moves_what_hangs_on_it(void **state UNUSED)
{
    static const struct change by_mail = {
        ORIGIN_PLATFORM, 10, { { CONTACT_email, "ana@example.com" } }, 0
    };
    static const struct change by_phone = {
        ORIGIN_PLATFORM, 20, { { CONTACT_phone, "+5511999990005" } }, 0
    };
    static const struct change both = { ORIGIN_PLATFORM,
                                        30,
                                        { { CONTACT_email, "ana@example.com" },
                                          { CONTACT_phone, "+5511999990005" } },
                                        0 };
    struct why why;
    struct arena a;
    arena_init(&a, 1 << 20);
    uint64_t one = apply(1, &by_mail, &a, NULL), two = apply(1, &by_phone, &a, NULL);
    assert_true(one != two);
    const struct {
        uint64_t contact;
        const char *number;
    } owned[] = { { one, "p-1" }, { two, "p-2" } };
    for (size_t i = 0; i < ARRAY_LEN(owned); i++) {
        struct apply_ctx ctx = shuffle_ctx(&hub, 1, &a);
        struct order *o = order_new(&a), order;
        struct subscription s = { .number = slice_str(owned[i].number) }, subscription;
        struct checkout *c = checkout_new(&a), checkout;
        uint64_t id;
        o->number = c->number = slice_str(owned[i].number);
        assert_int_equal(order_apply(&ctx, o, owned[i].contact, &order, &id, &why), OK);
        assert_int_equal(subscription_apply(&ctx, &s, owned[i].contact, &subscription, &id, &why),
                         OK);
        assert_int_equal(checkout_apply(&ctx, c, owned[i].contact, &checkout, &id, &why), OK);
    }
    uint64_t kept = apply(1, &both, &a, NULL);
    assert_true(kept == one || kept == two);
    assert_int_equal(number(CONTACTS, 1), 1);
    assert_int_equal(number("SELECT COUNT(DISTINCT contact_id) FROM (SELECT contact_id FROM orders "
                            "UNION ALL SELECT contact_id"
                            " FROM subscriptions UNION ALL SELECT contact_id FROM checkouts UNION "
                            "ALL SELECT contact_id"
                            " FROM contact_identities) WHERE contact_id <> %llu",
                            kept),
                     0);
    assert_int_equal(number("SELECT COUNT(*) FROM contacts WHERE merged_into = %llu", kept), 1);
    assert_true(apply(1, &by_mail, &a, NULL) == kept && apply(1, &by_phone, &a, NULL) == kept);
    arena_free(&a);
}

static void odd_values(void **state UNUSED)
{
    struct arena a;
    struct contact c;
    static char longest[4096];
    memset(longest, 'x', sizeof longest - 1);
    struct change control = { ORIGIN_PLATFORM,
                              1,
                              { { CONTACT_email, "a\tna@exa\nmple.com" },
                                { CONTACT_name, longest } },
                              0 };
    struct change plain = { ORIGIN_PLATFORM, 1, { { CONTACT_email, "ana@example.com" } }, 0 };
    arena_init(&a, 1 << 20);
    uint64_t id = apply(1, &control, &a, &c);
    assert_slice(c.field[CONTACT_email], SLICE("ana@example.com"));
    assert_int_equal(c.field[CONTACT_name].len, 1024);
    assert_true(apply(1, &plain, &a, NULL) == id);
    arena_free(&a);
}

/* One rule for all who meet a user id: webhooks, messages, lists. */
static void user_ids(void **state UNUSED)
{
    static const struct {
        const char *id;
        bool is;
    } cases[] = {
        { "BR.13491208655302741918", true },
        { "US.ENT.11815799212886844830", true },
        { "BR.aZ-_9", true },
        { "", false },
        { "BR.", false },
        { ".1", false },
        { "B.1", false },
        { "br.1", false },
        { "B1.2", false },
        { "BR1349", false },
        { "BR.1 2", false },
        { "BR.\xc3\xa1", false },
        { "+5511999990005", false },
        { "ana@example.com", false },
    };
    char longest[161];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (contact_is_user_id(slice_str(cases[i].id)) != cases[i].is) fail_msg("%s", cases[i].id);
    memset(longest, '1', sizeof longest);
    memcpy(longest, "BR.", 3);
    assert_true(contact_is_user_id(slice_of(longest, 160)));
    assert_false(contact_is_user_id(slice_of(longest, 161)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(found_by_each_identity, setup, teardown),
        cmocka_unit_test_setup_teardown(lead_wins_field_by_field, setup, teardown),
        cmocka_unit_test_setup_teardown(first_and_latest_ad, setup, teardown),
        cmocka_unit_test(user_ids),
        cmocka_unit_test_setup_teardown(every_order_ends_alike, setup, teardown),
        cmocka_unit_test_setup_teardown(documents_keep_people_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(external_ids_keep_people_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(joining_moves_what_hangs_on_it, setup, teardown),
        cmocka_unit_test_setup_teardown(odd_values, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
