/* order_test.c: an order only moves forward, whatever order its messages arrive in. */
#include "test.h"

#include "shuffle.h"

static struct hub hub;

static int setup(void **state UNUSED)
{
    struct why why;
    hub_open(&hub);
    return store_begin(hub.store, &why) == OK ? 0 : -1;
}

static int teardown(void **state UNUSED)
{
    store_rollback(hub.store);
    hub_close(&hub);
    return 0;
}

struct step {
    enum order_status status;
    int64_t amount, paid_ms; /* -1, 0: says nothing */
    const char *method;
};

static struct order apply(uint64_t workspace_id, const struct step *s, struct arena *a)
{
    struct apply_ctx ctx = shuffle_ctx(&hub, workspace_id, a);
    struct order *o = order_new(a), out;
    struct why why = { .code = OK };
    uint64_t id;
    o->number = SLICE("p-1");
    o->status = s->status;
    o->has_amount = s->amount >= 0;
    o->amount = s->amount;
    o->paid_ms = s->paid_ms;
    o->payment_method = slice_str(s->method);
    if (order_apply(&ctx, o, 0, &out, &id, &why) != OK) fail_msg("%s", why.text);
    return out;
}

/* Each row: messages about one order; whatever their order, the last column comes out. */
static void every_order_of_arrival(void **state UNUSED)
{
    static const struct {
        struct step steps[5];
        enum order_status want;
        int64_t amount, paid_ms;
        const char *method;
    } cases[] = {
        { { { ORDER_CREATED, 100, 0, "" },
            { ORDER_PENDING, 100, 0, "pix" },
            { ORDER_REFUSED, 100, 0, "card" },
            { ORDER_PAID, 110, 5000, "card" },
            { ORDER_NONE, -1, 0, NULL } },
          ORDER_PAID,
          110,
          5000,
          "card" },
        { { { ORDER_PENDING, 100, 0, "" },
            { ORDER_PAID, 110, 5000, "pix" },
            { ORDER_CANCELLED, -1, 0, "" },
            { ORDER_DELIVERED, -1, 0, "" },
            { ORDER_NONE, -1, 0, "" } },
          ORDER_DELIVERED,
          0,
          5000,
          NULL },
        { { { ORDER_CREATED, 1, 0, "" },
            { ORDER_PAID, 2, 5000, "" },
            { ORDER_REFUNDED, 3, 0, "" },
            { ORDER_CHARGEBACK, 4, 0, "boleto" },
            { ORDER_PENDING, 5, 0, "" } },
          ORDER_CHARGEBACK,
          4,
          5000,
          "boleto" },
        { { { ORDER_CANCELLED, 7, 0, "pix" },
            { ORDER_REFUSED, 6, 0, "" },
            { ORDER_PENDING, 5, 0, "" },
            { ORDER_CREATED, 4, 0, "" },
            { ORDER_NONE, 3, 0, "" } },
          ORDER_CANCELLED,
          7,
          0,
          "pix" },
    };
    struct arena a;
    uint64_t workspace_id = 0;
    arena_init(&a, 1 << 24);
    for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
        size_t order[5] = { 0, 1, 2, 3, 4 };
        do {
            struct order last = { 0 };
            enum order_status highest = ORDER_NONE;
            workspace_id++;
            arena_reset(&a);
            for (size_t i = 0; i < 5; i++) {
                const struct step *s = &cases[c].steps[order[i]];
                last = apply(workspace_id, s, &a);
                if (s->status > highest) highest = s->status;
                assert_int_equal(last.status, highest); /* never backwards, not even in between */
            }
            assert_int_equal(last.status, cases[c].want);
            assert_int_equal(last.paid_ms, cases[c].paid_ms);
            if (cases[c].amount) assert_int_equal(last.amount, cases[c].amount);
            if (cases[c].method) assert_slice(last.payment_method, slice_str(cases[c].method));
        } while (shuffle_next(order, 5));
    }
    assert_int_equal(workspace_id, 4 * 120);
    arena_free(&a);
}

/* Messages made up from few values, so that they often agree, contradict each other and happen at one instant. */
static struct order *made_up(uint32_t *chance, int64_t *occurred_ms, struct arena *a)
{
    static const slice words[] = { { "", 0 }, SLICE_INIT("a"), SLICE_INIT("b"), SLICE_INIT("ba") };
    struct order *o = order_new(a);
    uint32_t n = *chance = *chance * 1664525 + 1013904223;
#define PICK(count) ((n = n * 22695477 + 1) >> 20) % (count)
    o->number = SLICE("p-1");
    o->status = (enum order_status)(PICK(3) * 3); /* none, refused, delivered */
    *occurred_ms = 1000 + PICK(2);
    o->payment_method = words[PICK(4)];
    o->reason = words[PICK(4)];
    o->installments = PICK(3);
    o->fees = (int64_t)(PICK(3)) - 1;
    o->paid_ms = PICK(3);
    o->has_amount = PICK(2);
    o->amount = o->has_amount ? PICK(3) : 0;
    o->item_count = PICK(3);
    o->items = arena_new(a, struct order_item, 2);
    for (size_t i = 0; i < o->item_count; i++)
        o->items[i] = (struct order_item){ .id = words[1 + PICK(3)], .quantity = 1, .price = -1 };
#undef PICK
    return o;
}

/* Whatever five messages say, each order of their arrival ends in the same order, to the last detail. */
static void every_detail_in_every_order_of_arrival(void **state UNUSED)
{
    enum { CASES = 60, MESSAGES = 5 };
    struct arena kept, a;
    uint64_t workspace_id = 0;
    uint32_t chance = 7;
    arena_init(&kept, 1 << 24);
    arena_init(&a, 1 << 24);
    for (size_t c = 0; c < CASES; c++) {
        size_t order[MESSAGES] = { 0, 1, 2, 3, 4 };
        struct order *message[MESSAGES];
        int64_t occurred_ms[MESSAGES];
        slice first = { NULL, 0 };
        for (size_t i = 0; i < MESSAGES; i++) message[i] = made_up(&chance, &occurred_ms[i], &kept);
        do {
            struct order last = { 0 };
            struct why why = { .code = OK };
            uint64_t id;
            workspace_id++;
            arena_reset(&a);
            for (size_t i = 0; i < MESSAGES; i++) {
                struct apply_ctx ctx = shuffle_ctx(&hub, workspace_id, &a);
                ctx.occurred_ms = occurred_ms[order[i]];
                if (order_apply(&ctx, message[order[i]], 0, &last, &id, &why) != OK)
                    fail_msg("%s", why.text);
            }
            struct buf b = buf_in(&kept, 1 << 16);
            record_json_order(&b, NULL, &last, 0);
            if (first.len == 0)
                first = buf_slice(&b);
            else if (!slice_eq(first, buf_slice(&b)))
                fail_msg("case %zu, order %zu%zu%zu%zu%zu:\n%.*s\n%.*s", c, order[0], order[1],
                         order[2], order[3], order[4], SLICE_ARG(first), SLICE_ARG(buf_slice(&b)));
        } while (shuffle_next(order, MESSAGES));
    }
    arena_free(&a);
    arena_free(&kept);
}

/* Whose word a detail is, row by row; a tie at one instant goes to the greater. */
static void whose_word_counts(void **state UNUSED)
{
    static const struct {
        struct {
            enum order_status status;
            int64_t occurred_ms;
            const char *method;
        } steps[3];
        const char *want;
    } cases[] = {
        { { { ORDER_PENDING, 9, "pix" }, { ORDER_PAID, 1, "card" }, { ORDER_NONE, 1, "" } },
          "card" },
        { { { ORDER_PAID, 1, "card" }, { ORDER_PENDING, 9, "pix" }, { ORDER_NONE, 99, "x" } },
          "card" },
        { { { ORDER_PAID, 2, "new" }, { ORDER_PAID, 1, "old" }, { ORDER_NONE, 3, "" } }, "new" },
        { { { ORDER_PAID, 2, "a" }, { ORDER_PAID, 2, "b" }, { ORDER_PAID, 2, "ab" } }, "b" },
        { { { ORDER_REFUNDED, 9, "" },
            { ORDER_CREATED, 2, "boleto" },
            { ORDER_PENDING, 1, "pix" } },
          "pix" },
    };
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
        size_t order[3] = { 0, 1, 2 };
        do {
            struct order out = { 0 };
            struct why why = { .code = OK };
            uint64_t id;
            static uint64_t workspace_id;
            arena_reset(&a);
            workspace_id++;
            for (size_t i = 0; i < 3; i++) {
                struct apply_ctx ctx = shuffle_ctx(&hub, workspace_id, &a);
                struct order *o = order_new(&a);
                o->number = SLICE("p-1");
                o->status = cases[c].steps[order[i]].status;
                o->payment_method = slice_str(cases[c].steps[order[i]].method);
                ctx.occurred_ms = cases[c].steps[order[i]].occurred_ms;
                if (order_apply(&ctx, o, 0, &out, &id, &why) != OK) fail_msg("%s", why.text);
            }
            assert_slice(out.payment_method, slice_str(cases[c].want));
        } while (shuffle_next(order, 3));
    }
    arena_free(&a);
}

/* A row of before whose words were told apart: it is all the word of its state. */
static void a_row_without_told(void **state UNUSED)
{
    struct arena a;
    struct why why;
    arena_init(&a, 1 << 20);
    static const struct step paid = { ORDER_PAID, 3990, 5000, "pix" },
                             late = { ORDER_PENDING, 1, 0, "card" },
                             refund = { ORDER_REFUNDED, -1, 0, "back" };
    apply(1, &paid, &a);
    assert_int_equal(store_commit(hub.store, &why), OK);
    slice data = hub_text(&hub, "SELECT data FROM orders", &a);
    assert_true(slice_find_slice(data, SLICE("\"told\":[5,1000,")) < data.len);
    hub_run(&hub, "UPDATE orders SET data = json_remove(data, '$.told')");
    assert_int_equal(store_begin(hub.store, &why), OK);
    struct order out = apply(1, &late, &a);
    assert_int_equal(out.amount, 3990);
    assert_slice(out.payment_method, SLICE("pix"));
    out = apply(1, &refund, &a);
    assert_int_equal(out.amount, 3990);
    assert_slice(out.payment_method, SLICE("back"));
    arena_free(&a);
}

static void the_row_follows(void **state UNUSED)
{
    struct arena a;
    struct why why;
    arena_init(&a, 1 << 20);
    static const struct step steps[] = { { ORDER_PAID, 3990, 5000, "pix" },
                                         { ORDER_PENDING, 3990, 0, "" } };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) apply(1, &steps[i], &a);
    assert_int_equal(store_commit(hub.store, &why), OK);
    assert_int_equal(
        hub_count(
            &hub,
            "SELECT COUNT(*) FROM orders WHERE status = 5 AND amount = 3990 AND paid_ms = 5000"),
        1);
    assert_int_equal(hub_count(&hub, "SELECT COUNT(*) FROM orders"), 1);
    assert_int_equal(store_begin(hub.store, &why), OK);
    arena_free(&a);
}

/* A message that is larger than an order may be is the message's fault: it must not look like a full disk, which the writer
 * would wait for. */
static void too_large_is_final(void **state UNUSED)
{
    struct arena a;
    struct order *o, out;
    struct why why;
    uint64_t id;
    static char text[4096];
    memset(text, 'x', sizeof text);
    arena_init(&a, 1 << 24);
    o = order_new(&a);
    o->number = SLICE("p-1");
    o->items = arena_new(&a, struct order_item, ORDER_ITEMS_MAX);
    o->item_count = ORDER_ITEMS_MAX;
    for (size_t i = 0; i < ORDER_ITEMS_MAX; i++)
        o->items[i] =
            (struct order_item){ .name = slice_of(text, sizeof text), .quantity = 1, .price = -1 };
    struct apply_ctx ctx = shuffle_ctx(&hub, 1, &a);
    assert_int_equal(order_apply(&ctx, o, 0, &out, &id, &why), ERR_SYNTAX);
    assert_non_null(strstr(why.text, "larger"));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_order_of_arrival, setup, teardown),
        cmocka_unit_test_setup_teardown(every_detail_in_every_order_of_arrival, setup, teardown),
        cmocka_unit_test_setup_teardown(whose_word_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_without_told, setup, teardown),
        cmocka_unit_test_setup_teardown(the_row_follows, setup, teardown),
        cmocka_unit_test_setup_teardown(too_large_is_final, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
