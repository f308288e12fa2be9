/* whatsapp_send_fuzz.c: any message, any event, any answer: what is admitted is rendered as one JSON object, the same twice, with the
 * delivery's id in it; a verdict has a reason and a bounded id. */
#include "dests/whatsapp_cloud.h"

static const char given[] =
    "{\"access_token\":\"EAAfuzz0token\",\"phone_number_id\":\"106\",\"templates\":{\"order.paid\":"
    "\"ola pt_BR /contact/first_name\"}}";

static void check_sent(struct outgoing_delivery *d, const struct settings *cfg, struct arena *arena)
{
    struct outgoing out, again;
    json *root;
    struct verdict v = dest_whatsapp_cloud.admit(d, cfg, 1, arena);
    CHECK(v.kind == VERDICT_DELIVERED || (v.kind == VERDICT_DEAD && v.reason[0]));
    if (v.kind != VERDICT_DELIVERED ||
        dest_whatsapp_cloud.render(d, 1, cfg, 1, arena, &out, NULL) != OK)
        return;
    CHECK(json_parse(out.body, arena, &root, NULL) == OK && yyjson_is_obj(root));
    bool mark = slice_eq(json_get_text(root, "status"), SLICE("read"));
    CHECK(mark || slice_eq(json_get_text(root, "biz_opaque_callback_data"), d->id));
    CHECK(dest_whatsapp_cloud.render(d, 1, cfg, 1, arena, &again, NULL) == OK);
    CHECK(slice_eq(out.body, again.body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = { 0, 200, 400, 401, 500 };
    struct arena arena;
    struct settings cfg;
    json *root;
    slice input = slice_of(data, size), key;
    arena_init(&arena, 32 << 20);
    CHECK(json_parse(SLICE(given), &arena, &root, NULL) == OK);
    CHECK(settings_read(dest_whatsapp_cloud.settings, dest_whatsapp_cloud.setting_count, root, NULL,
                        &arena, &cfg, NULL) == OK);
    struct outgoing_delivery d = {
        .id = SLICE("dlv_1"),
        .event = { .id = SLICE("evt_1"),
                   .type = SLICE("message.outgoing"),
                   .data =
                       arena_printf(&arena, "{\"custom\":{\"message\":%.*s}}", SLICE_ARG(input)) }
    };
    check_sent(&d, &cfg, &arena);
    d.event.type = SLICE("order.paid");
    d.event.data = input;
    if (dest_whatsapp_cloud.delivery_key(&d.event, &cfg, &arena, &key, NULL) == OK)
        check_sent(&d, &cfg, &arena);
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        struct reply r = { .status = statuses[i], .sent = true, .body = input };
        struct verdict v = dest_whatsapp_cloud.judge(&r, 1, &cfg, &arena);
        CHECK((unsigned)v.kind < VERDICT_COUNT && v.reason[0]);
        CHECK(memchr(v.remote_id, 0, sizeof v.remote_id) != NULL);
        CHECK(v.kind == VERDICT_DELIVERED || !v.remote_id[0]);
    }
    arena_free(&arena);
    return 0;
}
