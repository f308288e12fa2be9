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
        cmocka_unit_test_setup_teardown(the_row_follows, setup, teardown),
        cmocka_unit_test_setup_teardown(too_large_is_final, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
