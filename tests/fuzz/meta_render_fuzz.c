/* meta_render_fuzz.c: whatever an event's JSON holds, the request is valid JSON without null, "" or
 * [], says every hashed value as a digest, has its part inside its body, and is the same twice. */
#include "base/text.h"
#include "dests/meta_params.h"

static const char given[] =
    "{\"pixel_id\":\"1\",\"access_token\":\"EAAfuzz0token\",\"country\":\"br\"}";

static void check_value(json *v)
{
    size_t i, max;
    json *key, *child;
    CHECK(!yyjson_is_null(v));
    CHECK(!yyjson_is_str(v) || yyjson_get_len(v) > 0);
    CHECK(!yyjson_is_arr(v) || yyjson_arr_size(v) > 0);
    CHECK(!yyjson_is_obj(v) || yyjson_obj_size(v) > 0);
    yyjson_arr_foreach(v, i, max, child) check_value(child);
    yyjson_obj_foreach(v, i, max, key, child)
    {
        if (!slice_eq(json_str(key), SLICE("extinfo")))
            check_value(child); /* the one list of texts that may be empty */
    }
}

/* 64 or 32 hex digits, perhaps with the mark of Meta's libraries behind them. */
static void check_digests(json *user)
{
    size_t i, max;
    json *key, *list;
    yyjson_obj_foreach(user, i, max, key, list)
    {
        const struct meta_param *p = meta_params_find(META_IN_USER, json_str(key));
        if (!p || p->type != META_TYPE_HASHED) continue;
        size_t j, count;
        json *v;
        yyjson_arr_foreach(list, j, count, v)
        {
            uint8_t bytes[32];
            size_t len;
            slice text = json_str(v), hex = slice_sub(text, 0, slice_find(text, '.'));
            CHECK(text_unhex(hex, bytes, sizeof bytes, &len) == OK && (len == 32 || len == 16));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct settings cfg;
    struct outgoing out, again;
    json *root;
    arena_init(&arena, 32 << 20);
    CHECK(json_parse(SLICE(given), &arena, &root, NULL) == OK);
    CHECK(settings_read(dest_meta_capi.settings, dest_meta_capi.setting_count, root, NULL, &arena,
                        &cfg, NULL) == OK);
    struct outgoing_delivery d = { .event = { .id = SLICE("evt_1"),
                                              .type = SLICE("order.paid"),
                                              .occurred_ms = 1773145110500,
                                              .data = slice_of(data, size) } };
    const int64_t now_ms = 1773145111000;
    if (dest_meta_capi.delivery_key(&d.event, &cfg, &arena, &d.key, NULL) != OK) goto out;
    CHECK(d.key.len > 0 && d.key.len <= DELIVERY_KEY_MAX);
    struct verdict v = dest_meta_capi.admit(&d, &cfg, now_ms, &arena);
    CHECK(v.kind == VERDICT_DELIVERED || (v.kind == VERDICT_DEAD && v.reason[0]));
    if (v.kind != VERDICT_DELIVERED ||
        dest_meta_capi.render(&d, 1, &cfg, now_ms, &arena, &out, NULL) != OK)
        goto out;
    CHECK(d.part.ptr > out.body.ptr && d.part.ptr + d.part.len < out.body.ptr + out.body.len);
    CHECK(json_parse(out.body, &arena, &root, NULL) == OK);
    check_value(root);
    check_digests(json_at(root, SLICE("/data/0/user_data")));
    CHECK(dest_meta_capi.render(&d, 1, &cfg, now_ms, &arena, &again, NULL) == OK);
    CHECK(slice_eq(out.body, again.body));
out:
    arena_free(&arena);
    return 0;
}
