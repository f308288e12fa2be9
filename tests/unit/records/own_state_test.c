/* own_state_test.c: what a channel tells of our numbers and templates, in every order of arrival and repeated: what is known ends alike. */
#include "test.h"

#include "shuffle.h"

enum { ARENA_BYTES = 1 << 20, HOUR_MS = 3600 * 1000, WORDS_MAX = 6 };
#define DAY_MS ((int64_t)24 * HOUR_MS)
#define BASE_MS 1760000000000

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

/* One thing that is told: a fact, a chunk of the history, or that a number was seen. */
struct word {
    int64_t after_ms;
    const char *number; /* "": of all the owner's; NULL: of number 106 alone, which is seen */
    struct own_fact fact;
    struct own_chunk chunk;
    bool history, in_app;
};

static void tell(struct apply_ctx *ctx, const struct word *w)
{
    struct why why;
    struct own_number n = { SLICE("whatsapp"), SLICE("106"), SLICE("9"), SLICE("5511"), w->in_app };
    struct own_state o = { .who = { .channel = n.channel, .owner = n.owner } };
    struct changes c = { .contact = NULL };
    struct applied applied;
    ctx->occurred_ms = BASE_MS + w->after_ms;
    if (w->number || w->history) c.own_state = &o;
    if (!w->number) c.own_number = &n;
    if (w->history) {
        o.who.account = n.account;
        o.chunk = &w->chunk;
    } else if (w->number) {
        o.who.number = slice_str(w->number);
        o.fact[o.fact_count++] = w->fact;
    }
    assert_int_equal(apply_changes(ctx, &c, &applied, &why), OK);
}

/* All that is known of the number, in one line. */
static slice known(uint64_t workspace_id, const char *number, struct arena *a)
{
    struct why why;
    struct own_view v;
    const struct own_number n = { SLICE("whatsapp"), SLICE("106"), SLICE("9"), slice_str(number),
                                  false };
    bool app = false;
    assert_int_equal(own_state_read(hub.store, workspace_id, &n, a, &v, &why), OK);
    struct stmt *q = store_stmt(hub.store, SQL_CONFIG_IN_APP, &why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_text(q, 2, n.channel);
    stmt_text(q, 3, n.account);
    assert_int_equal(stmt_step(q, &app, &why), OK);
    stmt_reset(q);
    struct buf b = buf_in(a, 4096);
    for (int i = 1; i < OWN_FACT_COUNT; i++)
        if (v.fact[i].at_ms > 0)
            buf_printf(&b, "%d=%.*s@%lld ", i, SLICE_ARG(v.fact[i].value),
                       (long long)(v.fact[i].at_ms - BASE_MS));
    if (v.chunks > 0)
        buf_printf(&b, "phase %lld, %lld %%, %lld chunks, at %lld, done %lld ", (long long)v.phase,
                   (long long)v.progress, (long long)v.chunks, (long long)(v.history_ms - BASE_MS),
                   (long long)(v.done_ms ? v.done_ms - BASE_MS : 0));
    if (v.declined_ms > 0) buf_printf(&b, "declined %lld ", (long long)v.declined);
    if (app) buf_printf(&b, "app");
    return slice_trim(buf_slice(&b));
}

#define FACT(kind_, value_) .fact = { .kind = (kind_), .value = SLICE_INIT(value_) }
#define CHUNK(phase_, chunk_, progress_)                                                           \
    .history = true, .chunk = { false, (phase_), (chunk_), (progress_) }

static const struct {
    struct word words[WORDS_MAX];
    const char *want;
} cases[] = {
    /* the newest counts, of the number or of the account; of two at once the one with more to say */
    { { { .after_ms = 10, .number = "5511", FACT(OWN_QUALITY, "FLAGGED") },
        { .after_ms = 20, .number = "5511", FACT(OWN_QUALITY, "UNFLAGGED") },
        { .after_ms = 15, .number = "", FACT(OWN_QUALITY, "UPGRADE") },
        { .after_ms = 30, .number = "5522", FACT(OWN_QUALITY, "DOWNGRADE") } },
      "1=UNFLAGGED@20" },
    { { { .after_ms = 10, .number = "5511", FACT(OWN_LIMIT, "TIER_250") },
        { .after_ms = 20, .number = "", FACT(OWN_LIMIT, "2000") },
        { .after_ms = 20, .number = "", FACT(OWN_LIMIT, "10000") } },
      "2=2000@20" },
    { { { .after_ms = 10, .number = "5511", FACT(OWN_NAME, "Loja") },
        { .after_ms = 5, .number = "5511", FACT(OWN_NAME, "Loja antiga") },
        { .after_ms = 7, .number = "", FACT(OWN_UPDATE, "ACCOUNT_VIOLATION") },
        { .after_ms = 6, .number = "", FACT(OWN_UPDATE, "PARTNER_ADDED") } },
      "3=Loja@10 4=ACCOUNT_VIOLATION@7" },
    /* progress never goes back, and its end may overtake what comes before it */
    { { { .after_ms = 10, .number = NULL, CHUNK(0, 0, 20) },
        { .after_ms = 20, .number = NULL, CHUNK(0, 1, 55) },
        { .after_ms = 40, .number = NULL, CHUNK(2, 0, 100) },
        { .after_ms = 50, .number = NULL, CHUNK(1, 0, 70) } },
      "phase 2, 100 %, 4 chunks, at 50, done 40" },
    /* a chunk that is repeated is one */
    { { { .after_ms = 10, .number = NULL, CHUNK(0, 0, 20) },
        { .after_ms = 10, .number = NULL, CHUNK(0, 0, 20) },
        { .after_ms = 12, .number = NULL, CHUNK(0, 0, 20) } },
      "phase 0, 20 %, 1 chunks, at 12, done 0" },
    /* weeks later: another transfer, which begins anew */
    { { { .after_ms = 10, .number = NULL, CHUNK(0, 0, 60) },
        { .after_ms = 20, .number = NULL, CHUNK(1, 5, 100) },
        { .after_ms = 30 * DAY_MS, .number = NULL, CHUNK(0, 0, 10) },
        { .after_ms = 30 * DAY_MS + 5, .number = NULL, CHUNK(0, 1, 15) } },
      "phase 0, 15 %, 2 chunks, at 2592000005, done 0" },
    /* declined, and allowed after all */
    { { { .after_ms = 10, .number = NULL, .history = true, .chunk = { true, 0, 0, 2593109 } } },
      "declined 2593109" },
    { { { .after_ms = 10, .number = NULL, .history = true, .chunk = { true, 0, 0, 2593109 } },
        { .after_ms = DAY_MS, .number = NULL, CHUNK(0, 0, 5) } },
      "phase 0, 5 %, 1 chunks, at 86400000, done 0" },
    /* used in the app: shown by what only such a number has, or said */
    { { { .after_ms = 10, .number = NULL },
        { .after_ms = 5, .number = NULL, .in_app = true },
        { .after_ms = 20, .number = NULL } },
      "app" },
    { { { .after_ms = 10, .number = NULL },
        { .after_ms = 5, .number = "", FACT(OWN_IN_APP, "ACCOUNT_RECONNECTED") } },
      "5=ACCOUNT_RECONNECTED@5 app" },
    { { { .after_ms = 10, .number = NULL },
        { .after_ms = 5, .number = "5522", FACT(OWN_IN_APP, "ACCOUNT_RECONNECTED") } },
      "" },
};

static bool is_word(const struct word *w) { return w->after_ms > 0; }

static void any_order(void **state UNUSED)
{
    uint64_t workspace_id = 1000;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t n = 0, order[WORDS_MAX] = { 0, 1, 2, 3, 4, 5 };
        while (n < WORDS_MAX && is_word(&cases[i].words[n])) n++;
        do {
            struct arena a;
            arena_init(&a, ARENA_BYTES);
            struct apply_ctx ctx = shuffle_ctx(&hub, ++workspace_id, &a);
            for (size_t k = 0; k < n; k++) tell(&ctx, &cases[i].words[order[k]]);
            tell(&ctx, &cases[i].words[order[0]]); /* once more */
            slice got = known(workspace_id, "5511", &a);
            if (!slice_eq(got, slice_str(cases[i].want)))
                fail_msg("case %zu: got \"%.*s\", want \"%s\"", i, SLICE_ARG(got), cases[i].want);
            arena_free(&a);
        } while (n > 1 && shuffle_next(order, n));
    }
}

/* A number that left the app: its channel, asked, says so; what is seen later counts again. */
static void left_the_app(void **state UNUSED)
{
    struct arena a;
    struct why why;
    arena_init(&a, ARENA_BYTES);
    struct apply_ctx ctx = shuffle_ctx(&hub, 999, &a);
    const struct word echo = { .after_ms = 5, .number = NULL, .in_app = true };
    const struct word later = { .after_ms = 2 * DAY_MS, .number = NULL, .in_app = true };
    tell(&ctx, &echo);
    assert_slice(known(999, "5511", &a), SLICE("app"));
    for (int i = 0; i < 2; i++)
        assert_int_equal(own_number_asked(hub.store, 999, SLICE("whatsapp"), SLICE("106"), false,
                                          BASE_MS + HOUR_MS, &why),
                         OK);
    tell(&ctx, &echo);
    assert_slice(known(999, "5511", &a), SLICE(""));
    tell(&ctx, &later);
    assert_slice(known(999, "5511", &a), SLICE("app"));
    arena_free(&a);
}

/* Each message of the app tells it: one write a day. */
static void no_write_for_what_is_known(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES);
    struct apply_ctx ctx = shuffle_ctx(&hub, 998, &a);
    const struct word words[] = { { .after_ms = HOUR_MS, .number = NULL, .in_app = true },
                                  { .after_ms = HOUR_MS + 1, .number = NULL, .in_app = true },
                                  { .after_ms = 5, .number = NULL } };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        tell(&ctx, &words[i]);
        assert_int_equal(store_changes(hub.store), i == 0);
    }
    arena_free(&a);
}

/* Within a transaction the number that was noted last is not noted again; any other, and any that has more to say, is. */
static void noted_once(void **state UNUSED)
{
    static const struct {
        const char *account, *owner, *number;
        bool in_app;
        int64_t after_ms;
        bool noted;
    } steps[] = {
        { "106", "9", "5511", false, 5, true },   { "106", "9", "5511", false, 6, false },
        { "107", "9", "5511", false, 7, true },   { "106", "9", "5511", false, 8, true },
        { "106", "95", "511", false, 9, true }, /* not to be mixed up */
        { "106", "9", "5511", true, 10, true },   { "106", "9", "5511", true, 11, false },
        { "106", "9", "5511", false, 12, false }, { "106", "9", "5511", true, 2 * DAY_MS, true },
    };
    struct arena a;
    struct why why;
    struct own_seen seen = { .len = 0 };
    arena_init(&a, ARENA_BYTES);
    struct apply_ctx ctx = shuffle_ctx(&hub, 997, &a);
    ctx.seen = &seen;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        bool changed = false, row = false;
        const struct own_number n = { SLICE("whatsapp"), slice_str(steps[i].account),
                                      slice_str(steps[i].owner), slice_str(steps[i].number),
                                      steps[i].in_app };
        ctx.occurred_ms = BASE_MS + steps[i].after_ms;
        ctx.workspace_id = 2000 + i; /* a row of its own shows whether it was written */
        seen.workspace_id = ctx.workspace_id;
        assert_int_equal(own_number_apply(&ctx, &n, &changed, &why), OK);
        struct stmt *q = store_stmt(hub.store, SQL_OWN_NUMBER_GET, &why);
        stmt_i64(q, 1, (int64_t)ctx.workspace_id);
        stmt_text(q, 2, n.channel);
        stmt_text(q, 3, n.account);
        assert_int_equal(stmt_step(q, &row, &why), OK);
        stmt_reset(q);
        if (row != steps[i].noted || changed != row) fail_msg("step %zu", i);
    }
    seen.workspace_id = 996; /* another's number is another */
    bool changed = false;
    const struct own_number n = { SLICE("whatsapp"), SLICE("106"), SLICE("9"), SLICE("5511"),
                                  false };
    assert_int_equal(own_number_apply(&ctx, &n, &changed, &why), OK);
    assert_int_equal(seen.workspace_id, ctx.workspace_id);
    arena_free(&a);
}

/* ---- templates ---- */

static const struct {
    int64_t after_ms;
    const char *state, *reason, *quality, *category;
} told[] = {
    { 10, "APPROVED", "", "", "UTILITY" },   { 30, "PAUSED", "", "", "" },
    { 30, "PAUSED", "LOW_QUALITY", "", "" }, { 20, "REJECTED", "ABUSE", "", "" },
    { 40, "", "", "RED", "MARKETING" },      { 35, "", "", "YELLOW", "AUTHENTICATION" },
};

static void templates_in_any_order(void **state UNUSED)
{
    uint64_t workspace_id = 50000;
    size_t order[ARRAY_LEN(told)] = { 0, 1, 2, 3, 4, 5 };
    do {
        struct arena a;
        struct why why;
        bool row = false;
        arena_init(&a, ARENA_BYTES);
        struct apply_ctx ctx = shuffle_ctx(&hub, ++workspace_id, &a);
        for (size_t i = 0; i < ARRAY_LEN(told); i++) {
            const size_t k = order[i];
            const struct template_word t = { SLICE("whatsapp"),
                                             SLICE("9"),
                                             SLICE("oi"),
                                             SLICE("pt_BR"),
                                             slice_str(told[k].state),
                                             slice_str(told[k].reason),
                                             slice_str(told[k].quality),
                                             slice_str(told[k].category) };
            ctx.occurred_ms = BASE_MS + told[k].after_ms;
            assert_int_equal(template_apply(&ctx, &t, &why), OK);
        }
        struct stmt *q = store_stmt(hub.store, SQL_TEMPLATES_LIST, &why);
        stmt_i64(q, 1, (int64_t)workspace_id);
        stmt_i64(q, 2, INT64_MAX);
        stmt_text(q, 3, SLICE("oi"));
        stmt_text(q, 4, SLICE(""));
        stmt_i64(q, 5, 2);
        assert_int_equal(stmt_step(q, &row, &why), OK);
        assert_true(row);
        const struct {
            int column;
            const char *want;
        } columns[] = {
            { 4, "pt_BR" }, { 5, "PAUSED" }, { 6, "LOW_QUALITY" }, { 8, "RED" }, { 10, "MARKETING" }
        };
        for (size_t i = 0; i < ARRAY_LEN(columns); i++)
            assert_slice(stmt_col_text(q, columns[i].column), slice_str(columns[i].want));
        assert_int_equal(stmt_step(q, &row, &why), OK);
        assert_false(row);
        stmt_reset(q);
        arena_free(&a);
    } while (shuffle_next(order, ARRAY_LEN(told)));
}

/* Which of them may be sent: by the account that the number belongs to, in whichever form the language is written. */
static void what_may_be_sent(void **state UNUSED)
{
    static const struct {
        const char *state, *owner, *language, *account, *why; /* why NULL: it may */
    } sends[] = {
        { "APPROVED", "9", "pt_BR", "106", NULL },
        { "FLAGGED", "9", "pt_BR", "106", NULL },
        { "PAUSED", "9", "pt_BR", "106",
          "template oi (pt_BR) is PAUSED, ABUSE since 2025-10-09T08:53: wait until the channel "
          "ends "
          "the pause, or send another" },
        { "REJECTED", "9", "pt-BR", "106",
          "template oi (pt_BR) is REJECTED, ABUSE since 2025-10-09T08:53: edit it at the channel "
          "and "
          "have it approved" },
        { "DISABLED", "9", "pt_BR", "106",
          "template oi (pt_BR) is DISABLED, ABUSE since 2025-10-09T08:53: send another" },
        { "PENDING_DELETION", "9", "pt_BR", "106",
          "template oi (pt_BR) is PENDING_DELETION, ABUSE since 2025-10-09T08:53: it is being "
          "deleted: send another" },
        { "DISABLED", "9", "en", "106", NULL },    /* another language is another template */
        { "DISABLED", "8", "pt_BR", "106", NULL }, /* another account's */
        { "DISABLED", "9", "pt_BR", "107", NULL }, /* nothing is known of the number */
    };
    for (size_t i = 0; i < ARRAY_LEN(sends); i++) {
        struct arena a;
        struct why why = { .code = OK };
        arena_init(&a, ARENA_BYTES);
        struct apply_ctx ctx = shuffle_ctx(&hub, 60000 + i, &a);
        const struct word seen = { .after_ms = 5, .number = NULL };
        tell(&ctx, &seen);
        const struct template_word t = { SLICE("whatsapp"),
                                         slice_str(sends[i].owner),
                                         SLICE("oi"),
                                         SLICE("pt_BR"),
                                         slice_str(sends[i].state),
                                         SLICE("ABUSE"),
                                         SLICE(""),
                                         SLICE("") };
        assert_int_equal(template_apply(&ctx, &t, &why), OK);
        enum err rc =
            template_check(hub.store, 60000 + i, SLICE("whatsapp"), slice_str(sends[i].account),
                           SLICE("oi"), slice_str(sends[i].language), &a, &why);
        assert_int_equal(rc, sends[i].why ? ERR_DENIED : OK);
        if (sends[i].why) assert_string_equal(why.text, sends[i].why);
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order),
        cmocka_unit_test(left_the_app),
        cmocka_unit_test(no_write_for_what_is_known),
        cmocka_unit_test(noted_once),
        cmocka_unit_test(templates_in_any_order),
        cmocka_unit_test(what_may_be_sent),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
