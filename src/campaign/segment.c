/* segment.c: who of the contacts a campaign goes to: a few conditions, all of which must hold. The contacts are walked by the campaign
 * thread (collect.c). */
#include "base/brazil.h"
#include "base/time.h"
#include "base/text.h"
#include "campaign/campaign.h"
#include "config/tables.h"
#include "records/apply.h"
#include "records/fields.h"

enum { SEGMENT_TEXT_MAX = 8192, WORD_MAX = 256 };

static slice fold(slice s, struct arena *a)
{
    s = slice_trim(s);
    char *room = s.len > 0 && s.len <= WORD_MAX ? arena_raw(a, s.len) : NULL;
    return room ? brazil_fold(s, room) : (slice){ NULL, 0 };
}

/* A time, or how long ago; as a number when it comes from the store. */
static enum err read_time(json *v, const char *key, int64_t now_ms, int64_t *out, struct why *why)
{
    slice text = json_get_text(v, key);
    int64_t back_ms = 0;
    if (!json_get(v, key)) return OK;
    if (yyjson_is_raw(json_get(v, key)) && text_i64(text, 0, INT64_MAX, out, NULL) == OK) return OK;
    if (tables_duration(text, &back_ms, NULL) == OK)
        *out = now_ms - back_ms;
    else if (time_parse(text, out, NULL, NULL) != OK || *out <= 0)
        return why_set(why, ERR_SYNTAX,
                       "`segment`: %s is a time (2026-03-10T12:00:00Z) or how long ago (30d)", key);
    return OK;
}

static enum err read_word(json *v, const char *key, struct arena *a, slice *out, struct why *why)
{
    if (!json_get(v, key)) return OK;
    *out = fold(json_get_text(v, key), a);
    return out->len > 0 ? OK
                        : why_set(why, ERR_SYNTAX, "`segment`: %s is text of at most %d bytes", key,
                                  WORD_MAX);
}

/* Every member must be known: a condition misspelt would send to everybody. */
static enum err check_members(json *v, const char *const *known, size_t count, struct why *why)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(v);
    for (json *k; (k = yyjson_obj_iter_next(&it));) {
        size_t i = 0;
        while (i < count && !slice_eq(json_str(k), slice_str(known[i]))) i++;
        if (i == count)
            return why_set(why, ERR_SYNTAX, "`segment` has no condition \"%.*s\"",
                           SLICE_ARG(slice_sub(json_str(k), 0, 40)));
    }
    return OK;
}

static enum err read_order(json *v, int64_t now_ms, struct arena *a, struct campaign_segment *g,
                           struct why *why)
{
    static const char *const known[] = { "status", "since", "product" };
    if (!v) return OK;
    if (!yyjson_is_obj(v)) return why_set(why, ERR_SYNTAX, "`segment`: order is an object");
    enum err rc = check_members(v, known, ARRAY_LEN(known), why);
    slice status = json_get_text(v, "status");
    g->order = true;
    for (int i = 1; i < ORDER_STATUS_COUNT; i++)
        if (slice_eq(status, slice_str(order_status_name[i]))) g->order_status = i;
    if (rc == OK && json_get(v, "status") && g->order_status == ORDER_NONE)
        rc = why_set(why, ERR_SYNTAX, "`segment`: unknown order.status");
    if (rc == OK) rc = read_time(v, "since", now_ms, &g->order_since_ms, why);
    return rc == OK ? read_word(v, "product", a, &g->product, why) : rc;
}

enum err campaign_segment_read(json *v, int64_t now_ms, struct arena *arena,
                               struct campaign_segment *g, struct why *why)
{
    static const char *const known[] = { "order", "city", "state", "wrote_since",
                                         "not_wrote_since" };
    slice state = json_get_text(v, "state"), code;
    *g = (struct campaign_segment){ .order_status = ORDER_NONE };
    if (!yyjson_is_obj(v) || yyjson_obj_size(v) == 0)
        return why_set(why, ERR_SYNTAX, "`segment` is an object with at least one condition");
    enum err rc = check_members(v, known, ARRAY_LEN(known), why);
    if (rc == OK) rc = read_order(json_get(v, "order"), now_ms, arena, g, why);
    if (rc == OK) rc = read_word(v, "city", arena, &g->city, why);
    if (rc == OK) rc = read_word(v, "state", arena, &g->state, why);
    if (rc == OK && brazil_state(state, &code, NULL) == OK) g->state = fold(code, arena);
    if (rc == OK) rc = read_time(v, "wrote_since", now_ms, &g->wrote_since_ms, why);
    if (rc == OK) rc = read_time(v, "not_wrote_since", now_ms, &g->silent_since_ms, why);
    return rc;
}

static void put_ms(struct buf *b, const char *key, int64_t ms)
{
    if (ms > 0) json_put_i64(b, key, ms);
}

slice campaign_segment_text(const struct campaign_segment *g, struct arena *arena)
{
    struct buf b = buf_in(arena, SEGMENT_TEXT_MAX);
    json_begin_object(&b, NULL);
    if (g->order) {
        json_begin_object(&b, "order");
        if (g->order_status != ORDER_NONE)
            json_put_str(&b, "status", slice_str(order_status_name[g->order_status]));
        put_ms(&b, "since", g->order_since_ms);
        json_put_opt(&b, "product", g->product);
        json_end_object(&b);
    }
    json_put_opt(&b, "city", g->city);
    json_put_opt(&b, "state", g->state);
    put_ms(&b, "wrote_since", g->wrote_since_ms);
    put_ms(&b, "not_wrote_since", g->silent_since_ms);
    json_end_object(&b);
    return buf_slice(&b);
}

static bool field_is(json *fields, const char *name, slice want, struct arena *a)
{
    return want.len == 0 || slice_eq(fold(contact_text(fields, name), a), want);
}

static bool has_product(slice data, slice want, struct arena *a)
{
    json *v = NULL;
    struct order o;
    if (want.len == 0) return true;
    if (json_parse(data, a, &v, NULL) != OK || fields_read_order(v, a, &o) != OK) return false;
    for (size_t i = 0; i < o.item_count; i++)
        if (slice_eq(fold(o.items[i].name, a), want) || slice_eq(fold(o.items[i].id, a), want))
            return true;
    return false;
}

static enum err has_order(const struct campaign_segment *g, struct store *s, uint64_t workspace_id,
                          uint64_t contact_id, struct arena *a, bool *has, struct why *why)
{
    bool row = true;
    enum err rc;
    *has = false;
    struct stmt *q = store_stmt(s, SQL_CAMPAIGN_SEGMENT_ORDERS, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_i64(q, 2, (int64_t)contact_id);
    while ((rc = stmt_step(q, &row, why)) == OK && row && !*has) {
        int64_t paid_ms = stmt_col_i64(q, 2);
        int64_t at_ms = g->order_status == ORDER_PAID && paid_ms > 0 ? paid_ms : stmt_col_i64(q, 1);
        *has = (g->order_status == ORDER_NONE || stmt_col_i64(q, 0) == g->order_status) &&
               at_ms >= g->order_since_ms && has_product(stmt_col_text(q, 3), g->product, a);
    }
    stmt_reset(q);
    return rc;
}

enum err campaign_segment_has(const struct campaign_segment *g, struct store *s,
                              uint64_t workspace_id, uint64_t contact_id, json *fields,
                              struct arena *arena, bool *has, struct why *why)
{
    bool row = false;
    enum err rc = OK;
    *has = field_is(fields, "city", g->city, arena) && field_is(fields, "state", g->state, arena);
    if (*has && (g->wrote_since_ms > 0 || g->silent_since_ms > 0)) {
        struct stmt *q = store_stmt(s, SQL_CAMPAIGN_SEGMENT_WROTE, why);
        stmt_i64(q, 1, (int64_t)workspace_id);
        stmt_i64(q, 2, (int64_t)contact_id);
        rc = stmt_step(q, &row, why);
        int64_t last_ms = rc == OK && row ? stmt_col_i64(q, 0) : 0;
        stmt_reset(q);
        *has = (g->wrote_since_ms == 0 || last_ms >= g->wrote_since_ms) &&
               (g->silent_since_ms == 0 || last_ms < g->silent_since_ms);
    }
    if (rc == OK && *has && g->order)
        rc = has_order(g, s, workspace_id, contact_id, arena, has, why);
    return rc;
}
