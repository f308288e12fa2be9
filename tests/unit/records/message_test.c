/* message_test.c: messages, statuses, edits, reactions, history and tickets in any order, each up to three times: the records end
 * alike. MALOTE_SHUFFLE=n: so many changes (10000 is worth a look now and then). */
#include "test.h"

#include "shuffle.h"

enum {
    PEOPLE = 40,
    CHANGES_DEFAULT = 2000,
    DAY_MS = 24 * 3600 * 1000,
    ARENA_BYTES = 1 << 20,
    BASE_S = 1760000000,
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

static uint32_t seed;
static uint32_t roll(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)seed * below) >> 32);
}

/* One change; everything about it follows from its number, so that it can be made again and again. */
struct made {
    struct contact contact;
    struct message message;
    struct media media;
    struct message_status status;
    struct message_edit edit;
    struct message_reaction reaction;
    struct changes changes;
};

static slice wamid(struct arena *a, uint32_t n) { return arena_printf(a, "wamid.%u", n); }

/* People come by number, by user id, or by both: one in three ways each, and all are one person at the end. */
static void make_contact(struct made *m, uint32_t person, uint32_t way, struct arena *a)
{
    if (way != 1) {
        m->contact.field[CONTACT_phone] = arena_printf(a, "+55119%08u", 90000000 + person);
        m->contact.field[CONTACT_wa_id] = arena_printf(a, "5511%08u", 90000000 + person);
    }
    if (way != 0) m->contact.field[CONTACT_wa_user_id] = arena_printf(a, "BR.%u", 1000 + person);
    m->contact.field[CONTACT_wa_name] = arena_printf(a, "Pessoa %u", person);
    m->changes.contact = &m->contact;
}

static void make_message(struct made *m, uint32_t n, enum message_origin origin, int64_t at,
                         struct arena *a)
{
    bool in = origin == MESSAGE_BY_WEBHOOK || (origin == MESSAGE_BY_HISTORY && n % 2);
    bool placeholder = origin == MESSAGE_BY_HISTORY && n % 5 == 0;
    m->message = (struct message){ .channel = SLICE("whatsapp"),
                                   .account = SLICE("106540352242922"),
                                   .external_id = wamid(a, n),
                                   .direction = in ? MESSAGE_IN : MESSAGE_OUT,
                                   .origin = origin,
                                   .type = placeholder ? SLICE("media_placeholder") : SLICE("text"),
                                   .at_ms = at,
                                   .text = placeholder ? SLICE("") : arena_printf(a, "text %u", n),
                                   .data = SLICE("{}") };
    if (!in && origin == MESSAGE_BY_HISTORY) {
        m->message.state = (enum message_state)(1 + n % 5);
        m->message.state_ms = at;
    }
    if (!placeholder && n % 7 == 0) {
        m->media =
            (struct media){ .external_id = arena_printf(a, "%u", n), .kind = SLICE("image") };
        m->message.type = SLICE("image");
        m->message.media = &m->media;
    }
    m->changes.message = &m->message;
}

static void make_status(struct made *m, uint32_t n, uint32_t rank, int64_t at, struct arena *a)
{
    static const enum message_state states[] = {
        MESSAGE_SENT,   MESSAGE_DELIVERED, MESSAGE_READ,
        MESSAGE_PLAYED, MESSAGE_FAILED,    MESSAGE_NO_STATE
    };
    m->status = (struct message_status){ .channel = SLICE("whatsapp"),
                                         .external_id = wamid(a, n),
                                         .word = slice_str(message_state_name[states[rank]]),
                                         .state = states[rank],
                                         .at_ms = at,
                                         .data = SLICE("{}") };
    if (m->status.word.len == 0) m->status.word = SLICE("warning");
    m->changes.message_status = &m->status;
}

/* Messages come in fours of one id's neighbourhood: webhook, echo, history of either, then what is said of them. */
static void make(uint32_t n, uint32_t count, struct made *m, struct arena *a)
{
    seed = n * 2654435761u + 7;
    (void)roll(10);
    *m = (struct made){ .changes = { 0 } };
    uint32_t target = roll(count), what = n % 8;
    int64_t at = ((int64_t)BASE_S + roll(10 * 86400)) * 1000;
    if (what <=
        3) { /* a message: webhook, echo, or history; every eighth id is told by two of them */
        static const enum message_origin origins[] = { MESSAGE_BY_WEBHOOK, MESSAGE_BY_ECHO,
                                                       MESSAGE_BY_HISTORY, MESSAGE_BY_HISTORY };
        uint32_t id = what == 3 ? n - 3 : n;
        seed = id * 2654435761u + 7; /* both tell the same of it */
        (void)roll(10);
        at = ((int64_t)BASE_S + roll(10 * 86400)) * 1000;
        uint32_t person = (id / 8) % PEOPLE;
        make_contact(m, person, n % 3, a);
        make_message(m, id, origins[what], at, a);
        if (what == 3) m->message.direction = MESSAGE_IN, m->message.state = MESSAGE_NO_STATE;
    } else if (what <= 5) {
        make_status(m, target, roll(6), at, a);
    } else if (what == 6) {
        m->edit = (struct message_edit){ .channel = SLICE("whatsapp"),
                                         .external_id = wamid(a, target),
                                         .edit_id = wamid(a, n),
                                         .kind = n % 3 ? MESSAGE_EDIT : MESSAGE_REVOKE,
                                         .at_ms = at,
                                         .text = arena_printf(a, "edited %u", n),
                                         .data = SLICE("{}") };
        m->changes.message_edit = &m->edit;
    } else {
        /* Every other time one of theirs was read as well. */
        if (n % 16 == 15) m->changes.message_read = wamid(a, target / 8 * 8);
        m->reaction = (struct message_reaction){
            .channel = SLICE("whatsapp"),
            .external_id = wamid(a, target / 8),
            .reaction_id = wamid(a, n),
            .reactor = arena_printf(a, "+55%u", roll(3)),
            .emoji = roll(3) ? arena_printf(a, "e%u", n) : SLICE(""),
            .at_ms = ((int64_t)BASE_S + roll(5)) * 1000,
        };
        m->changes.message_reaction = &m->reaction;
    }
}

static void apply_one(uint64_t workspace_id, uint32_t n, uint32_t count, struct arena *a)
{
    struct made m;
    struct applied applied;
    struct why why = { .code = OK };
    arena_reset(a);
    make(n, count, &m, a);
    struct apply_ctx ctx = shuffle_ctx(&hub, workspace_id, a);
    ctx.occurred_ms = ((int64_t)BASE_S + n) * 1000;
    if (apply_changes(&ctx, &m.changes, &applied, &why) != OK) fail_msg("%s", why.text);
}

/* Everything that is stored, without ids. A contact is told by its user id. */
static slice dump(uint64_t workspace_id, struct arena *a)
{
    static const char query[] =
        "WITH w(id) AS (SELECT %llu), p AS (SELECT c.id, json_extract(c.fields, '$.wa_user_id[0]') "
        "AS who FROM contacts c, w"
        " WHERE c.workspace_id = w.id AND c.merged_into = 0)"
        " SELECT group_concat(line, char(10)) FROM (SELECT line FROM ("
        " SELECT 'p ' || fields AS line FROM contacts, w WHERE workspace_id = w.id AND merged_into "
        "= 0"
        " UNION ALL SELECT 'i ' || kind || value || who FROM contact_identities i, w, p WHERE "
        "workspace_id = w.id AND p.id ="
        " contact_id"
        " UNION ALL SELECT 'c ' || who || ' ' || window_until_ms || ' ' || last_message_ms || ' ' "
        "|| last_in_ms || ' ' ||"
        " last_out_ms || ' ' || messages_in || ' ' || messages_out || ' ' || read_ms || ' ' || "
        "(SELECT COUNT(*) FROM messages x WHERE x.conversation_id = c.id AND x.at_ms > c.read_ms "
        "AND x.direction = 1 AND x.origin > 1) FROM conversations c, w, p "
        "WHERE workspace_id = w.id AND"
        " p.id = contact_id"
        " UNION ALL SELECT 't ' || who || ' ' || state || ' ' || opened_ms || ' ' || closed_ms || "
        "' ' || first_reply_ms FROM"
        " tickets, w, p WHERE workspace_id = w.id AND p.id = contact_id"
        " UNION ALL SELECT 'm ' || m.external_id || ' ' || who || ' ' || (m.conversation_id <> 0) "
        "|| "
        "COALESCE(t.opened_ms, 0) || ' '"
        " || (media_id <> 0) || direction || origin || type || ' ' || at_ms || ' ' || status || ' "
        "' || status_ms || ' ' ||"
        " edited_ms || ' ' || revoked_ms || text FROM messages m JOIN w ON m.workspace_id = w.id "
        "JOIN p ON p.id ="
        " m.contact_id LEFT JOIN tickets t ON t.id = m.ticket_id"
        " UNION ALL SELECT 's ' || external_id || status || at_ms || rank FROM message_statuses, w "
        "WHERE workspace_id = w.id"
        " UNION ALL SELECT 'e ' || external_id || edit_id || kind || text FROM message_edits, w "
        "WHERE workspace_id = w.id"
        " UNION ALL SELECT 'r ' || external_id || reactor || emoji || at_ms FROM "
        "message_reactions, w WHERE workspace_id = w.id"
        " UNION ALL SELECT 'x ' || external_id FROM message_reads, w WHERE workspace_id = w.id"
        " UNION ALL SELECT 'f ' || external_id || state FROM media, w WHERE workspace_id = w.id"
        ") ORDER BY line)";
    char sql[4096];
    struct why why = { .code = OK };
    assert_int_equal(store_commit(hub.store, &why), OK);
    snprintf(sql, sizeof sql, query, (unsigned long long)workspace_id);
    slice text = hub_text(&hub, sql, a);
    assert_int_equal(store_begin(hub.store, &why), OK);
    return text;
}

static void first_difference(slice got, slice want)
{
    slice g, w;
    while (slice_cut(&got, '\n', &g) && slice_cut(&want, '\n', &w))
        if (!slice_eq(g, w)) fail_msg("got  %.*s\nwant %.*s", SLICE_ARG(g), SLICE_ARG(w));
    fail_msg("one has more lines");
}

static void any_order_and_repeated(void **state UNUSED)
{
    const char *given = getenv("MALOTE_SHUFFLE");
    uint32_t count = given ? (uint32_t)strtoul(given, NULL, 10) : CHANGES_DEFAULT;
    uint32_t *order = calloc((size_t)count * 3, sizeof *order);
    struct arena a, keep;
    arena_init(&a, ARENA_BYTES);
    arena_init(&keep, (size_t)1 << 28);
    for (uint32_t n = 0; n < count; n++) apply_one(1, n, count, &a);
    slice want = dump(1, &keep);
    assert_true(want.len > count * 10);
    for (uint64_t turn = 2; turn < 5; turn++) {
        size_t all = 0;
        for (uint32_t n = 0; n < count; n++)
            for (uint32_t k = 0; k <= (n + turn) % 3; k++) order[all++] = n;
        seed = (uint32_t)turn;
        for (size_t i = all; i > 1; i--) {
            size_t k = roll((uint32_t)i);
            uint32_t swap = order[i - 1];
            order[i - 1] = order[k];
            order[k] = swap;
        }
        for (size_t i = 0; i < all; i++) apply_one(turn, order[i], count, &a);
        slice got = dump(turn, &keep);
        if (!slice_eq(got, want)) first_difference(got, want);
    }
    free(order);
    arena_free(&a);
    arena_free(&keep);
}

/* ---- what counts, whatever came first ---- */

static void apply_changes_of(struct made *m, struct arena *a)
{
    struct applied applied;
    struct why why = { .code = OK };
    struct apply_ctx ctx = shuffle_ctx(&hub, 1, a);
    if (apply_changes(&ctx, &m->changes, &applied, &why) != OK) fail_msg("%s", why.text);
}

static void say_edit(const char *id, int64_t at_ms, const char *text, struct arena *a)
{
    struct made m = { .edit = { .external_id = SLICE("wamid.2"),
                                .edit_id = slice_str(id),
                                .kind = text ? MESSAGE_EDIT : MESSAGE_REVOKE,
                                .at_ms = at_ms,
                                .text = slice_str(text) } };
    m.changes.message_edit = &m.edit;
    apply_changes_of(&m, a);
}

static void say_status(enum message_state state, int64_t at_ms, struct arena *a)
{
    struct made m = { .status = { .external_id = SLICE("wamid.2"),
                                  .word = slice_str(message_state_name[state]),
                                  .state = state,
                                  .at_ms = at_ms } };
    m.changes.message_status = &m.status;
    apply_changes_of(&m, a);
}

/* `late`: how many of the words about the message come after it. */
static void latest_words_count(void **state UNUSED)
{
    for (int late = 0; late < 8; late++) {
        struct arena a;
        struct why why = { .code = OK };
        struct made m = { .changes = { 0 } };
        arena_init(&a, ARENA_BYTES);
        for (int turn = 0; turn < 2; turn++) {
            if ((late >> 0 & 1) == turn)
                say_edit("e1", 500, "newest", &a), say_edit("r1", 900, NULL, &a);
            if ((late >> 1 & 1) == turn)
                say_edit("e0", 300, "older", &a), say_edit("r0", 800, NULL, &a);
            if ((late >> 2 & 1) == turn)
                say_status(MESSAGE_READ, 700, &a), say_status(MESSAGE_DELIVERED, 600, &a),
                    say_status(MESSAGE_READ, 650, &a);
            make_contact(&m, 1, 0, &a);
            make_message(&m, 2, MESSAGE_BY_HISTORY, 200, &a);
            m.message.state = MESSAGE_SENT;
            if (turn == 0) apply_changes_of(&m, &a);
        }
        make_message(&m, 3, MESSAGE_BY_HISTORY, 100, &a);
        assert_int_equal(m.message.direction, MESSAGE_IN);
        apply_changes_of(&m, &a);
        assert_int_equal(store_commit(hub.store, &why), OK);
        slice got =
            hub_text(&hub,
                     "SELECT text || ' ' || edited_ms || ' ' || revoked_ms || ' ' || status "
                     "|| ' ' || status_ms || ' ' || ticket_id || ' ' || window_until_ms FROM "
                     "messages m JOIN conversations c ON c.id = m.conversation_id WHERE "
                     "m.external_id = 'wamid.2'",
                     &a);
        assert_slice(got, SLICE("newest 500 800 4 650 0 0")); /* history: no ticket, no window */
        got = hub_text(&hub,
                       "SELECT at_ms || ' ' || text FROM message_edits WHERE external_id = "
                       "'wamid.2' AND kind = 3 AND edit_id = ''",
                       &a);
        assert_slice(got, SLICE("200 text 2"));
        hub_run(&hub, "DELETE FROM messages; DELETE FROM message_edits; DELETE FROM "
                      "message_statuses; DELETE FROM conversations");
        assert_int_equal(store_begin(hub.store, &why), OK);
        arena_free(&a);
    }
}

/* ---- tickets ---- */

/* One step: a message that comes in or goes out at a minute, or the closing of the open ticket. */
struct step {
    char what; /* i in, o out, h history in, c close, m out by a campaign, r a reaction of ours */
    int minute;
};

static void run_steps(uint64_t workspace_id, const struct step *steps, int64_t reopen_ms,
                      struct arena *a)
{
    for (uint32_t n = 0; steps[n].what; n++) {
        int64_t at = ((int64_t)BASE_S + steps[n].minute * 60) * 1000;
        struct made m = { .changes = { 0 } };
        struct applied applied;
        struct why why = { .code = OK };
        if (steps[n].what == 'c') {
            char sql[256];
            assert_int_equal(store_commit(hub.store, &why), OK);
            snprintf(sql, sizeof sql,
                     "UPDATE tickets SET state = 2, closed_ms = %lld WHERE state = 1 AND "
                     "workspace_id = %llu",
                     (long long)at, (unsigned long long)workspace_id);
            hub_run(&hub, sql);
            assert_int_equal(store_begin(hub.store, &why), OK);
            continue;
        }
        make_contact(&m, 1, 2, a);
        make_message(&m, n + 1,
                     steps[n].what == 'h'   ? MESSAGE_BY_HISTORY
                     : steps[n].what == 'i' ? MESSAGE_BY_WEBHOOK
                                            : MESSAGE_BY_ECHO,
                     at, a);
        m.message.ticket_reopen_ms = reopen_ms;
        if (steps[n].what == 'm') m.message.campaign_id = 9;
        if (steps[n].what == 'r') m.message.type = SLICE("reaction");
        struct apply_ctx ctx = shuffle_ctx(&hub, workspace_id, a);
        if (apply_changes(&ctx, &m.changes, &applied, &why) != OK) fail_msg("%s", why.text);
    }
}

static void tickets(void **state UNUSED)
{
    static const struct {
        struct step steps[8];
        int reopen_min;
        const char *want; /* state:opened-closed/first reply(messages), minutes */
    } cases[] = {
        { { { 'i', 5 }, { 'o', 7 } }, 0, "1:5-0/7(2)" },
        { { { 'o', 7 }, { 'i', 5 } }, 0, "1:5-0/7(2)" },
        { { { 'o', 3 }, { 'i', 5 } }, 0, "1:5-0/0(1)" }, /* written before anybody asked */
        { { { 'i', 5 }, { 'o', 7 }, { 'i', 2 } }, 0, "1:2-0/7(3)" },
        { { { 'i', 5 }, { 'o', 3 }, { 'o', 4 }, { 'i', 2 } }, 0, "1:2-0/3(4)" },
        /* neither a campaign nor a reaction answers, also when it came first */
        { { { 'i', 5 }, { 'm', 6 }, { 'r', 7 }, { 'o', 8 } }, 0, "1:5-0/8(4)" },
        { { { 'm', 6 }, { 'r', 7 }, { 'i', 5 } }, 0, "1:5-0/0(3)" },
        { { { 'h', 1 } }, 0, "" }, /* history opens nothing */
        { { { 'h', 1 }, { 'i', 5 } }, 0, "1:5-0/0(1)" },
        { { { 'i', 5 }, { 'c', 10 }, { 'i', 20 } }, 0, "2:5-10/0(1) 1:20-0/0(1)" },
        { { { 'i', 5 }, { 'c', 10 }, { 'i', 9 } }, 0, "2:5-10/0(2)" }, /* late, not new */
        { { { 'i', 5 }, { 'c', 10 }, { 'o', 12 } }, 0, "2:5-10/0(1)" },
        { { { 'i', 5 }, { 'c', 10 }, { 'i', 20 } }, 30, "1:5-0/0(2)" }, /* reopened */
        { { { 'i', 5 }, { 'c', 10 }, { 'o', 12 }, { 'i', 20 } }, 30, "1:5-0/12(3)" },
        { { { 'i', 5 }, { 'c', 10 }, { 'i', 50 } }, 30, "2:5-10/0(1) 1:50-0/0(1)" },
        { { { 'i', 5 }, { 'c', 10 }, { 'i', 20 }, { 'i', 15 } }, 0, "2:5-10/0(1) 1:15-0/0(2)" },
        { { { 'i', 5 }, { 'c', 10 }, { 'i', 20 }, { 'i', 4 } }, 0, "2:4-10/0(2) 1:20-0/0(1)" },
    };
    struct arena a;
    arena_init(&a, ARENA_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char sql[1024];
        struct why why = { .code = OK };
        run_steps(i + 1, cases[i].steps, cases[i].reopen_min * 60000, &a);
        assert_int_equal(store_commit(hub.store, &why), OK);
        snprintf(sql, sizeof sql,
                 "SELECT COALESCE(group_concat(line, ' '), '') FROM (SELECT state || ':' || "
                 "(opened_ms / 60000 - %d) || '-' ||"
                 " max(0, closed_ms / 60000 - %d) || '/' || max(0, first_reply_ms / 60000 - %d) || "
                 "'(' || (SELECT COUNT(*) FROM"
                 " messages m WHERE m.ticket_id = t.id) || ')' AS line FROM tickets t WHERE "
                 "workspace_id = %zu ORDER BY opened_ms)",
                 BASE_S / 60, BASE_S / 60, BASE_S / 60, i + 1);
        slice got = hub_text(&hub, sql, &a);
        if (!slice_eq(got, slice_str(cases[i].want)))
            fail_msg("case %zu: got %.*s, want %s", i, SLICE_ARG(got), cases[i].want);
        assert_int_equal(store_begin(hub.store, &why), OK);
    }
    arena_free(&a);
}

/* ---- contacts ---- */

static uint64_t apply_contact(const struct contact *c, int64_t ms, struct arena *a)
{
    struct contact out;
    struct why why = { .code = OK };
    uint64_t id = 0;
    struct apply_ctx ctx = shuffle_ctx(&hub, 1, a);
    ctx.occurred_ms = ms;
    if (contact_apply(&ctx, c, &out, &id, &why) != OK) fail_msg("%s", why.text);
    return id;
}

/* A number moves, a user id changes: the person stays one, whatever comes first. */
static void moved_contacts(void **state UNUSED)
{
    struct contact old = { .field = { [CONTACT_phone] = SLICE("+5511999990001") } },
                   moved = { .field = { [CONTACT_phone] = SLICE("+5511999990002") },
                             .former_phone = SLICE("+5511999990001") },
                   now = { .field = { [CONTACT_phone] = SLICE("+5511999990002") } },
                   user = { .field = { [CONTACT_wa_user_id] = SLICE("BR.2") },
                            .former_wa_user_id = SLICE("BR.1") },
                   before = { .field = { [CONTACT_wa_user_id] = SLICE("BR.1") } };
    struct arena a;
    arena_init(&a, ARENA_BYTES);
    uint64_t one = apply_contact(&now, 30, &a), two = apply_contact(&old, 10, &a);
    assert_true(one != two);
    uint64_t kept = apply_contact(&moved, 20, &a);
    assert_true(apply_contact(&now, 30, &a) == kept && apply_contact(&old, 10, &a) == kept);
    uint64_t who = apply_contact(&before, 10, &a);
    assert_true(apply_contact(&user, 20, &a) == who && apply_contact(&before, 5, &a) == who);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_order_and_repeated, setup, teardown),
        cmocka_unit_test_setup_teardown(latest_words_count, setup, teardown),
        cmocka_unit_test_setup_teardown(tickets, setup, teardown),
        cmocka_unit_test_setup_teardown(moved_contacts, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
