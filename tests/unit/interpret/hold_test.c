/* hold_test.c: what a channel says of an account, in every order of arrival: the destination ends held, or not, alike. */
#include "test.h"

#include "hub.h"
#include "interpret/hold.h"
#include "records/apply.h"
#include "records/notice.h"
#include "../records/shuffle.h"

enum { WORDS_MAX = 5, ARENA_BYTES = 1 << 20 };
#define BASE_MS 1760000000000
#define NOW_MS (BASE_MS + 1000000)

static struct hub hub;

static int setup(void **state UNUSED)
{
    hub_open(&hub);
    hub_run(&hub,
            "INSERT INTO destinations (id, workspace_id, name, kind, settings, secrets, hold, "
            "created_ms, updated_ms) VALUES (1, 1, 'zap', 'whatsapp-cloud', '{}', X'', '', "
            "1, 1)");
    hub_configure(&hub, "{\"destinations\":[{\"name\":\"zap\",\"kind\":\"whatsapp-cloud\","
                        "\"phone_number_id\":\"106\",\"access_token\":\"t\"}]}");
    return 0;
}

static int teardown(void **state UNUSED)
{
    hub_close(&hub);
    return 0;
}

struct word {
    int64_t after_ms;
    enum own_fact_kind matter;
    const char *reason; /* "": it is over */
    int64_t until_ms;   /* after BASE_MS; 0: for good */
    const char *number; /* NULL: all of the account's */
};

#define SAY(after_ms, matter, reason, until_ms, number)                                            \
    {                                                                                              \
        (after_ms), (matter), (reason), (until_ms), (number)                                       \
    }

static void tell(const struct word *w, struct arena *a)
{
    struct why why = { .code = OK };
    struct config *config = config_hold(&hub.config);
    struct interpret_ctx ctx = { .store = hub.store,
                                 .ids = &hub.ids,
                                 .log = &hub.log,
                                 .config = config,
                                 .arena = a,
                                 .now_ms = NOW_MS };
    const struct stored_event e = { .id = 5,
                                    .workspace_id = HUB_WORKSPACE,
                                    .event = { .occurred_ms = BASE_MS + w->after_ms } };
    const struct account_hold h = { .who = { .channel = SLICE("whatsapp"),
                                             .owner = SLICE("9"),
                                             .number = slice_str(w->number ? w->number : "") },
                                    .matter = w->matter,
                                    .reason = slice_str(w->reason),
                                    .word = SLICE("WORD"),
                                    .until_ms = w->until_ms ? BASE_MS + w->until_ms : 0 };
    if (hold_apply(&ctx, &e, &h, true, &why) != OK) fail_msg("%s", why.text);
    config_release(config);
}

static slice hold(struct arena *a)
{
    struct why why;
    bool row = false;
    struct stmt *q = store_stmt(hub.store, SQL_HOLD_GET, &why);
    stmt_i64(q, 1, HUB_WORKSPACE);
    stmt_i64(q, 2, 1);
    assert_int_equal(stmt_step(q, &row, &why), OK);
    assert_true(row);
    slice text = arena_dup(a, stmt_col_text(q, 1));
    stmt_reset(q);
    return text;
}

/* The number as its webhooks name it. */
static void know(const char *owner, const char *number, struct arena *a)
{
    struct why why;
    struct apply_ctx ctx = shuffle_ctx(&hub, HUB_WORKSPACE, a);
    const struct own_number n = { SLICE("whatsapp"), SLICE("106"), slice_str(owner),
                                  slice_str(number), false };
    bool changed;
    assert_int_equal(own_number_apply(&ctx, &n, &changed, &why), OK);
}

/* Times are BASE_MS and so many ms; it is looked at 1,000,000 ms after BASE_MS. */
static const struct {
    struct word words[WORDS_MAX];
    const char *hold;
} cases[] = {
    { { SAY(2000, OWN_BAN, "ban", 0, NULL), SAY(5000, OWN_BAN, "", 0, NULL) }, "" },
    { { SAY(5000, OWN_BAN, "ban", 0, NULL), SAY(2000, OWN_BAN, "", 0, NULL) },
      "ban" }, /* banned anew */
    { { SAY(2000, OWN_BAN, "ban", 0, NULL), SAY(3000, OWN_BAN, "", 0, NULL),
        SAY(4000, OWN_BAN, "ban 2", 0, NULL) },
      "ban 2" },
    { { SAY(2000, OWN_BAN, "ban", 0, NULL), SAY(2000, OWN_BAN, "", 0, NULL) },
      "ban" }, /* at once: the careful guess */
    /* a word undoes what it is about, and nothing else */
    { { SAY(2000, OWN_BAN, "ban", 0, NULL), SAY(5000, OWN_LINK, "", 0, NULL) }, "ban" },
    { { SAY(2000, OWN_LINK, "gone", 0, NULL), SAY(3000, OWN_BAN, "ban", 0, NULL),
        SAY(5000, OWN_BAN, "", 0, NULL) },
      "gone" },
    { { SAY(2000, OWN_DELETED, "deleted", 0, NULL), SAY(5000, OWN_LINK, "", 0, NULL),
        SAY(5000, OWN_BAN, "", 0, NULL) },
      "deleted" },
    /* the newest reason is shown */
    { { SAY(2000, OWN_LINK, "gone", 0, NULL), SAY(3000, OWN_BAN, "ban", 0, NULL),
        SAY(4000, OWN_RESTRICTION, "less", 0, NULL) },
      "less" },
    /* over by itself: it was, it will be, something else holds */
    { { SAY(2000, OWN_RESTRICTION, "less", 500000, NULL) }, "" },
    { { SAY(2000, OWN_RESTRICTION, "less", 2000000, NULL) }, "less" },
    { { SAY(2000, OWN_RESTRICTION, "less", 0, NULL),
        SAY(3000, OWN_RESTRICTION, "less", 500000, NULL) },
      "" },
    { { SAY(2000, OWN_RESTRICTION, "less", 500000, NULL), SAY(3000, OWN_BAN, "ban", 0, NULL) },
      "ban" },
    /* one number of the account */
    { { SAY(2000, OWN_LINK, "gone", 0, "5511") }, "gone" },
    { { SAY(2000, OWN_LINK, "gone", 0, "5522") }, "" },
    { { SAY(2000, OWN_LINK, "gone", 0, NULL), SAY(5000, OWN_LINK, "", 0, "5511") }, "" },
    { { SAY(2000, OWN_LINK, "gone", 0, NULL), SAY(5000, OWN_LINK, "", 0, "5522") }, "gone" },
};

static void any_order(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t n = 0, order[WORDS_MAX] = { 0, 1, 2, 3, 4 };
        while (n < WORDS_MAX && cases[i].words[n].after_ms > 0) n++;
        do {
            struct arena a;
            struct why why;
            arena_init(&a, ARENA_BYTES);
            assert_int_equal(store_begin(hub.store, &why), OK);
            know("9", "5511", &a);
            for (size_t k = 0; k < n; k++) tell(&cases[i].words[order[k]], &a);
            tell(&cases[i].words[order[0]], &a);
            slice got = hold(&a);
            store_rollback(hub.store);
            if (!slice_eq(got, slice_str(cases[i].hold)))
                fail_msg("case %zu: got \"%.*s\", want \"%s\"", i, SLICE_ARG(got), cases[i].hold);
            arena_free(&a);
        } while (n > 1 && shuffle_next(order, n));
    }
}

static void learn(const char *owner, const char *number, struct arena *a)
{
    struct why why;
    struct config *config = config_hold(&hub.config);
    struct interpret_ctx ctx = { .store = hub.store,
                                 .ids = &hub.ids,
                                 .log = &hub.log,
                                 .config = config,
                                 .arena = a,
                                 .now_ms = NOW_MS };
    const struct own_number n = { SLICE("whatsapp"), SLICE("106"), slice_str(owner),
                                  slice_str(number), false };
    know(owner, number, a);
    assert_int_equal(hold_learned(&ctx, HUB_WORKSPACE, &n, &why), OK);
    config_release(config);
}

/* Whose number it is comes to be known after what was said of the account: the same as before it. */
static void known_too_late(void **state UNUSED)
{
    static const struct {
        const char *owner, *number, *hold;
    } numbers[] = {
        { "9", "5511", "ban" }, { "9", "", "ban" }, { "9", "5522", "" }, { "8", "5511", "" }
    };
    static const struct word ban = SAY(2000, OWN_BAN, "ban", 0, "5511"),
                             old = SAY(1500, OWN_BAN, "", 0, NULL);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        struct arena a;
        struct why why;
        arena_init(&a, ARENA_BYTES);
        assert_int_equal(store_begin(hub.store, &why), OK);
        know("7", "", &a); /* another's, as far as is known: nothing is guessed */
        tell(&ban, &a);
        tell(&old, &a);
        assert_slice(hold(&a), SLICE(""));
        learn(numbers[i].owner, numbers[i].number, &a);
        assert_slice(hold(&a), slice_str(numbers[i].hold));
        store_rollback(hub.store);
        arena_free(&a);
    }
}

/* ---- steps: what is told of, and what such words leave alone ---- */

static int64_t notices(void)
{
    struct why why;
    struct arena a;
    struct notice n;
    int64_t count = 0;
    arena_init(&a, ARENA_BYTES);
    for (bool found = true; found; count += found)
        assert_int_equal(notice_take(hub.store, &a, &n, &found, &why), OK);
    arena_free(&a);
    return count;
}

static void run(enum sql sql, const slice *texts, size_t count)
{
    struct why why;
    struct stmt *q = store_stmt(hub.store, sql, &why);
    stmt_i64(q, 1, HUB_WORKSPACE);
    stmt_i64(q, 2, 1);
    for (size_t i = 0; i < count; i++) stmt_text(q, (int)i + 3, texts[i]);
    if (sql == SQL_SETTLE_HOLD) stmt_i64(q, 4, 1);
    if (sql == SQL_CONFIG_DESTINATION_SET) stmt_i64(q, 6, BASE_MS + 100000);
    assert_int_equal(stmt_run(q, &why), OK);
}

static void told_once(void **state UNUSED)
{
    static const struct word ban = SAY(2000, OWN_BAN, "ban", 0, NULL),
                             end = SAY(5000, OWN_BAN, "", 0, NULL);
    struct arena a;
    struct why why;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(store_begin(hub.store, &why), OK);
    know("9", "5511", &a);
    tell(&ban, &a);
    tell(&ban, &a);
    assert_int_equal(notices(), 1);
    tell(&end, &a);
    tell(&end, &a);
    tell(&ban, &a);
    assert_int_equal(notices(), 1);
    store_rollback(hub.store);
    arena_free(&a);
}

/* A token that was refused is no affair of the account's words. */
static void other_holds_stay(void **state UNUSED)
{
    static const struct word words[] = { SAY(2000, OWN_BAN, "ban", 0, NULL),
                                         SAY(5000, OWN_BAN, "", 0, NULL) };
    const slice reason = SLICE("unauthorised: 401");
    struct arena a;
    struct why why;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(store_begin(hub.store, &why), OK);
    know("9", "5511", &a);
    run(SQL_SETTLE_HOLD, &reason, 1);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) tell(&words[i], &a);
    assert_slice(hold(&a), reason);
    assert_int_equal(notices(), 0);
    store_rollback(hub.store);
    arena_free(&a);
}

/* A person who resumes knows better than what was said before; what is said later counts, whatever came between. */
static void a_person_knows_better(void **state UNUSED)
{
    static const struct word ban = SAY(2000, OWN_BAN, "ban", 0, NULL),
                             gone = SAY(3000, OWN_LINK, "gone", 0, NULL),
                             later = SAY(200000, OWN_BAN, "ban 2", 0, NULL),
                             end = SAY(300000, OWN_BAN, "", 0, NULL);
    const slice set[] = { SLICE("zap"), SLICE("{}"), SLICE("") };
    struct arena a;
    struct why why;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(store_begin(hub.store, &why), OK);
    know("9", "5511", &a);
    tell(&ban, &a);
    run(SQL_CONFIG_DESTINATION_SET, set, ARRAY_LEN(set));
    tell(&ban, &a);
    tell(&gone, &a);
    assert_slice(hold(&a), SLICE(""));
    tell(&later, &a);
    assert_slice(hold(&a), SLICE("ban 2"));
    tell(&end, &a); /* and not back to what the person ended */
    assert_slice(hold(&a), SLICE(""));
    store_rollback(hub.store);
    arena_free(&a);
}

/* What has a time ends by itself, unless something else holds; the time of another's number does nothing. */
static void over_by_itself(void **state UNUSED)
{
    static const struct word less = SAY(2000, OWN_RESTRICTION, "less", 2000000, NULL),
                             ban = SAY(1500, OWN_BAN, "ban", 0, NULL);
    struct config *config = config_hold(&hub.config);
    for (int with_ban = 0; with_ban < 2; with_ban++) {
        struct arena a;
        struct why why;
        arena_init(&a, ARENA_BYTES);
        assert_int_equal(store_begin(hub.store, &why), OK);
        know("9", "5511", &a);
        tell(&less, &a);
        if (with_ban) tell(&ban, &a);
        (void)notices();
        assert_int_equal(
            hold_expire(hub.store, &hub.ids, &hub.log, config, BASE_MS + 1999999, &why), OK);
        assert_slice(hold(&a), SLICE("less"));
        for (int i = 0; i < 2; i++)
            assert_int_equal(
                hold_expire(hub.store, &hub.ids, &hub.log, config, BASE_MS + 2000000, &why), OK);
        assert_slice(hold(&a), with_ban ? SLICE("ban") : SLICE(""));
        assert_int_equal(notices(), 1);
        store_rollback(hub.store);
        arena_free(&a);
    }
    config_release(config);
}

/* Nothing is known of the number: held by the guess, and released by the same account's word alone. */
static void guessed(void **state UNUSED)
{
    static const struct word ban = SAY(2000, OWN_BAN, "ban", 0, NULL),
                             end = SAY(5000, OWN_BAN, "", 0, NULL);
    struct arena a;
    struct why why;
    arena_init(&a, ARENA_BYTES);
    for (int belongs = 0; belongs < 2; belongs++) {
        assert_int_equal(store_begin(hub.store, &why), OK);
        tell(&ban, &a);
        assert_slice(hold(&a), SLICE("ban"));
        if (belongs) know("9", "5511", &a);
        tell(&end, &a);
        assert_slice(hold(&a), SLICE(""));
        store_rollback(hub.store);
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order),
        cmocka_unit_test(known_too_late),
        cmocka_unit_test(told_once),
        cmocka_unit_test(other_holds_stay),
        cmocka_unit_test(a_person_knows_better),
        cmocka_unit_test(over_by_itself),
        cmocka_unit_test(guessed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
