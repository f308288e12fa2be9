/* contact.c: one person per workspace, found by external id, document, e-mail, phone or WhatsApp user id; field by field merging.
 *
 * Invariants: (1) an identity (kind, value) belongs to one contact. (2) Two contacts whose document or external id differ are two
 * people, whatever phone or e-mail they share: a weaker match never joins them. (3) A field keeps the word of the highest rank,
 * and among equals the latest (of two fields the earliest) by the event's own time, so the order of arrival does not matter.
 * Stored form of a field: "email":["value",rank,ms,"origin"]. */
#include "base/brazil.h"
#include "base/json.h"
#include "base/text.h"
#include "records/conversation.h"

enum {
    CONTACT_TEXT_MAX = 64 * 1024,
    FIELD_VALUE_MAX = 1024,
    USER_ID_MAX = 160,
    USER_ID_COUNTRY_MIN = 2
};

static const enum contact_field identity_field[IDENTITY_COUNT] = {
    CONTACT_external_id, CONTACT_document, CONTACT_email, CONTACT_phone, CONTACT_wa_user_id
};

struct stored_field {
    slice value, origin;
    int64_t rank, ms;
};

struct stored {
    uint64_t id;
    struct stored_field field[CONTACT_FIELD_COUNT];
    struct stored_field fbclid_ms; /* .value is the number as text */
};

static void read_field(json *v, struct stored_field *out)
{
    if (yyjson_arr_size(v) != 4) return;
    out->value = json_str(yyjson_arr_get(v, 0));
    out->origin = json_str(yyjson_arr_get(v, 3));
    if (!json_i64(yyjson_arr_get(v, 1), &out->rank) || !json_i64(yyjson_arr_get(v, 2), &out->ms))
        *out = (struct stored_field){ .rank = 0 };
}

static enum err load(struct apply_ctx *ctx, uint64_t id, struct stored *out, struct why *why)
{
    *out = (struct stored){ .id = id };
    bool row = false;
    struct stmt *q = store_stmt(ctx->store, SQL_CONTACT_GET, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    enum err rc = stmt_step(q, &row, why);
    slice text = rc == OK && row ? arena_dup(ctx->arena, stmt_col_text(q, 0)) : SLICE("{}");
    stmt_reset(q);
    json *v = NULL;
    if (rc == OK) rc = json_parse(text, ctx->arena, &v, why);
    if (rc != OK) return rc;
    for (size_t i = 0; i < CONTACT_FIELD_COUNT; i++)
        read_field(json_get(v, contact_field_name[i]), &out->field[i]);
    read_field(json_get(v, "fbclid_ms"), &out->fbclid_ms);
    return OK;
}

static void put_field(struct buf *b, const char *name, const struct stored_field *f)
{
    if (f->value.len == 0) return;
    json_begin_array(b, name);
    json_put_str(b, NULL, f->value);
    json_put_i64(b, NULL, f->rank);
    json_put_i64(b, NULL, f->ms);
    json_put_str(b, NULL, f->origin);
    json_end_array(b);
}

static enum err save(struct apply_ctx *ctx, const struct stored *s, bool fresh, struct why *why)
{
    struct buf b = buf_in(ctx->arena, CONTACT_TEXT_MAX);
    json_begin_object(&b, NULL);
    for (size_t i = 0; i < CONTACT_FIELD_COUNT; i++)
        put_field(&b, contact_field_name[i], &s->field[i]);
    put_field(&b, "fbclid_ms", &s->fbclid_ms);
    json_end_object(&b);
    if (!buf_ok(&b))
        return why_set(why, ERR_SYNTAX, "contact larger than %d bytes", CONTACT_TEXT_MAX);
    struct stmt *q = store_stmt(ctx->store, fresh ? SQL_CONTACT_ADD : SQL_CONTACT_SET, why);
    stmt_i64(q, fresh ? 2 : 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, fresh ? 1 : 2, (int64_t)s->id);
    if (fresh)
        stmt_i64(q, 3, ctx->now_ms), stmt_text(q, 4, buf_slice(&b));
    else
        stmt_text(q, 3, buf_slice(&b)), stmt_i64(q, 4, ctx->now_ms);
    return stmt_run(q, why);
}

/* Of these the earliest word stays. */
static bool is_first(enum contact_field f)
{
    return f == CONTACT_ctwa_first_clid || f == CONTACT_ctwa_first_at;
}

/* True when f2 should replace f1. A tie goes to the greater text, so that shuffled arrival ends the same. */
static bool better(const struct stored_field *now, const struct stored_field *fresh, bool first)
{
    if (fresh->value.len == 0) return false;
    if (now->value.len == 0 || fresh->rank != now->rank)
        return now->value.len == 0 || fresh->rank > now->rank;
    if (fresh->ms != now->ms) return (fresh->ms < now->ms) == first;
    return slice_cmp(fresh->value, now->value) > 0;
}

static bool merge_field(struct stored_field *now, const struct stored_field *fresh, bool first)
{
    if (!better(now, fresh, first)) return false;
    *now = *fresh;
    return true;
}

/* A field is stored as [value, origin, ...]: fields.h. */
slice contact_text(json *fields, const char *name)
{
    return json_str(yyjson_arr_get(json_get(fields, name), 0));
}

bool contact_is_user_id(slice id)
{
    size_t dot = slice_find(id, '.');
    if (dot < USER_ID_COUNTRY_MIN || dot + 1 >= id.len || id.len > USER_ID_MAX) return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        bool country = c >= 'A' && c <= 'Z';
        bool plain = country || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' ||
                     c == '_' || c == '-';
        if (i < dot ? !country : !plain) return false;
    }
    return true;
}

enum err contact_find_recipient(struct store *store, uint64_t workspace_id, slice to, uint64_t *id,
                                struct why *why)
{
    struct brazil_phone phone;
    if (brazil_phone(to, &phone, NULL) == OK)
        return contact_find(store, workspace_id, IDENTITY_PHONE, brazil_phone_text(&phone), id,
                            why);
    return contact_find(store, workspace_id,
                        slice_starts(to, SLICE("+")) ? IDENTITY_PHONE : IDENTITY_WA_USER, to, id,
                        why);
}

enum err contact_find(struct store *store, uint64_t workspace_id, enum contact_identity kind,
                      slice value, uint64_t *id, struct why *why)
{
    bool row = false;
    struct stmt *q = store_stmt(store, SQL_CONTACT_IDENTITY_FIND, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_i64(q, 2, kind);
    stmt_text(q, 3, value);
    enum err rc = stmt_step(q, &row, why);
    *id = rc == OK && row ? (uint64_t)stmt_col_i64(q, 0) : 0;
    stmt_reset(q);
    return rc;
}

static enum err claim(struct apply_ctx *ctx, enum contact_identity kind, slice value, uint64_t id,
                      struct why *why)
{
    struct stmt *q = store_stmt(ctx->store, SQL_CONTACT_IDENTITY_ADD, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, kind);
    stmt_text(q, 3, value);
    stmt_i64(q, 4, (int64_t)id);
    return stmt_run(q, why);
}

/* Two people for certain: both have a document, or an external id, and they differ (invariant 2). */
static bool conflict(slice document_a, slice external_a, slice document_b, slice external_b)
{
    return (document_a.len && document_b.len && !slice_eq(document_a, document_b)) ||
           (external_a.len && external_b.len && !slice_eq(external_a, external_b));
}

static bool conflicts(const struct stored *s, slice document, slice external)
{
    return conflict(s->field[CONTACT_document].value, s->field[CONTACT_external_id].value, document,
                    external);
}

/* `gone` turns out to be the same person as `kept`: everything of it moves over. */
static enum err join(struct apply_ctx *ctx, struct stored *kept, const struct stored *gone,
                     struct why *why)
{
    for (size_t i = 0; i < CONTACT_FIELD_COUNT; i++)
        (void)merge_field(&kept->field[i], &gone->field[i], is_first((enum contact_field)i));
    (void)merge_field(&kept->fbclid_ms, &gone->fbclid_ms, false);
    static const enum sql moves[] = {
        SQL_CONTACT_MOVE_IDENTITIES, SQL_CONTACT_MOVE_ORDERS,     SQL_CONTACT_MOVE_SUBSCRIPTIONS,
        SQL_CONTACT_MOVE_CHECKOUTS,  SQL_CONTACT_MOVE_RECIPIENTS, SQL_CONTACT_MOVE_GROUP_MESSAGES,
        SQL_CONTACT_MARK_MERGED
    };
    for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
        struct stmt *q = store_stmt(ctx->store, moves[i], why);
        stmt_i64(q, 1, (int64_t)ctx->workspace_id);
        stmt_i64(q, 2, (int64_t)gone->id);
        stmt_i64(q, 3, (int64_t)kept->id);
        if (moves[i] == SQL_CONTACT_MARK_MERGED) stmt_i64(q, 4, ctx->now_ms);
        enum err rc = stmt_run(q, why);
        if (rc != OK) return rc;
    }
    return conversation_join(ctx, gone->id, kept->id, why);
}

/* Bounds a value and drops what no database stores: NUL and other control characters. */
static slice clean(slice v, struct arena *a)
{
    v = text_utf8_cut(v, FIELD_VALUE_MAX);
    size_t bad = 0;
    for (size_t i = 0; i < v.len; i++) bad += (unsigned char)v.ptr[i] < 0x20;
    if (bad == 0) return v;
    char *out = arena_alloc(a, v.len + 1);
    size_t n = 0;
    for (size_t i = 0; out && i < v.len; i++)
        if ((unsigned char)v.ptr[i] >= 0x20) out[n++] = v.ptr[i];
    return out ? slice_of(out, n) : (slice){ NULL, 0 };
}

/* One way to find a person. */
struct identity {
    enum contact_identity kind;
    slice value;
    bool owned; /* it is known already, whoever it belongs to */
};
enum { IDENTITIES_MAX = IDENTITY_COUNT + 2 };

/* The identities that an event names, strongest first, former ones last. */
static size_t list_identities(const struct contact *c, struct arena *a,
                              struct identity out[IDENTITIES_MAX])
{
    struct identity all[IDENTITIES_MAX];
    size_t n = 0;
    for (int kind = 0; kind < IDENTITY_COUNT; kind++)
        all[kind] = (struct identity){ .kind = (enum contact_identity)kind,
                                       .value = c->field[identity_field[kind]] };
    all[IDENTITY_COUNT] = (struct identity){ .kind = IDENTITY_PHONE, .value = c->former_phone };
    all[IDENTITY_COUNT + 1] =
        (struct identity){ .kind = IDENTITY_WA_USER, .value = c->former_wa_user_id };
    for (size_t i = 0; i < IDENTITIES_MAX; i++) {
        all[i].value = clean(all[i].value, a);
        if (all[i].value.len > 0) out[n++] = all[i];
    }
    return n;
}

/* Finds the person, joining contacts that turn out to be one. found->id 0: nobody yet. */
static enum err resolve(struct apply_ctx *ctx, const struct contact *c, struct identity *ways,
                        size_t count, struct stored *found, bool *changed, struct why *why)
{
    *found = (struct stored){ .id = 0 };
    for (size_t i = 0; i < count; i++) {
        uint64_t id = 0;
        enum err rc =
            contact_find(ctx->store, ctx->workspace_id, ways[i].kind, ways[i].value, &id, why);
        ways[i].owned = id != 0;
        if (rc != OK) return rc;
        if (id == 0 || id == found->id) continue;
        struct stored other;
        rc = load(ctx, id, &other, why);
        if (rc != OK) return rc;
        if (conflicts(&other, c->field[CONTACT_document], c->field[CONTACT_external_id])) continue;
        if (found->id == 0) {
            *found = other;
            continue;
        }
        if (conflicts(&other, found->field[CONTACT_document].value,
                      found->field[CONTACT_external_id].value))
            continue;
        rc = join(ctx, found, &other, why);
        *changed = true;
        if (rc != OK) return rc;
    }
    return OK;
}

static bool merge_all(struct apply_ctx *ctx, const struct contact *c, struct stored *s)
{
    bool changed = false;
    for (size_t i = 0; i < CONTACT_FIELD_COUNT; i++) {
        struct stored_field fresh = { clean(c->field[i], ctx->arena), ctx->origin, ctx->rank,
                                      ctx->occurred_ms };
        changed = merge_field(&s->field[i], &fresh, is_first((enum contact_field)i)) || changed;
    }
    if (c->fbclid_ms > 0) {
        slice text = arena_printf(ctx->arena, "%lld", (long long)c->fbclid_ms);
        struct stored_field fresh = { text, ctx->origin, ctx->rank, ctx->occurred_ms };
        changed = merge_field(&s->fbclid_ms, &fresh, false) || changed;
    }
    return changed;
}

enum err contact_went_to(struct apply_ctx *ctx, uint64_t delivery_id, slice wa_id, slice user_id,
                         struct why *why)
{
    bool row = false;
    struct contact said = { .fbclid_ms = 0 }, after;
    struct stored s;
    struct stmt *q = store_stmt(ctx->store, SQL_CONTACT_OF_DELIVERY, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)delivery_id);
    enum err rc = stmt_step(q, &row, why);
    uint64_t id = rc == OK && row ? (uint64_t)stmt_col_i64(q, 0) : 0;
    stmt_reset(q);
    if (rc != OK || id == 0) return rc;
    rc = load(ctx, id, &s, why);
    if (rc == OK && s.field[CONTACT_phone].value.len + s.field[CONTACT_wa_user_id].value.len == 0)
        return OK; /* erased while the message was under way */
    said.field[CONTACT_wa_id] = wa_id;
    if (wa_id.len > 0) said.field[CONTACT_phone] = brazil_phone_of(wa_id, ctx->arena);
    said.field[CONTACT_wa_user_id] = contact_is_user_id(user_id) ? user_id : (slice){ NULL, 0 };
    static const enum contact_field told[] = { CONTACT_phone, CONTACT_wa_id, CONTACT_wa_user_id };
    bool news = false;
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        news = news || (said.field[told[i]].len > 0 &&
                        !slice_eq(said.field[told[i]], s.field[told[i]].value));
    said.former_phone = s.field[CONTACT_phone].value; /* the same person under these, too */
    said.former_wa_user_id = s.field[CONTACT_wa_user_id].value;
    return rc == OK && news ? contact_apply(ctx, &said, &after, &id, why) : rc;
}

enum err contact_apply(struct apply_ctx *ctx, const struct contact *given, struct contact *out,
                       uint64_t *id, struct why *why)
{
    *out = *given;
    *id = 0;
    struct contact said = *given;
    const struct contact *c = &said;
    struct identity ways[IDENTITIES_MAX];
    bool changed = false;
    for (int kind = 0; kind < IDENTITY_COUNT; kind++)
        said.field[identity_field[kind]] = clean(said.field[identity_field[kind]], ctx->arena);
    size_t count = list_identities(c, ctx->arena, ways);
    if (count == 0)
        return OK; /* nobody to be found again: what the event says stays with the event */
    struct stored s;
    enum err rc = resolve(ctx, c, ways, count, &s, &changed, why);
    if (rc != OK) return rc;
    bool fresh = s.id == 0;
    if (fresh) s.id = id_next(ctx->ids, ctx->now_ms);
    changed = merge_all(ctx, c, &s) || changed;
    if (fresh || changed) rc = save(ctx, &s, fresh, why);
    for (size_t i = 0; rc == OK && i < count; i++)
        if (!ways[i].owned) rc = claim(ctx, ways[i].kind, ways[i].value, s.id, why);
    for (size_t i = 0; i < CONTACT_FIELD_COUNT; i++) out->field[i] = s.field[i].value;
    if (text_i64(s.fbclid_ms.value, 0, INT64_MAX, &out->fbclid_ms, NULL) != OK)
        out->fbclid_ms = c->fbclid_ms;
    *id = s.id;
    return rc;
}
