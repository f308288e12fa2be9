/* mention.c: what a person goes by, and where it stands. Everything is read on the API thread's connection, a page at a time: statuses,
 * messages and events have no index by whom they name; a person asks once, every event would pay for it. */
#include "api/mention.h"

#include "base/text.h"
#include "records/apply.h"

enum {
    NAME_MIN = 5,        /* bytes: what is shorter tells nobody apart */
    BRAZIL_OLD_LEN = 12, /* 55, DDD, eight digits */
    BRAZIL_NINTH_AT = 4, /* where the ninth digit is put before them */
    PAGE_ARENA_MAX = 16 << 20,
    PLACE_ARENA_MAX = 64 << 20, /* as many statuses with as much data as there may be in a page */
};

/* ---- names ---- */

static bool add(struct mention_names *n, slice name)
{
    if (name.len < NAME_MIN || mention_is(n, name)) return true;
    if (!name.ptr || n->count == MENTION_NAMES_MAX) return false;
    n->at[n->count++] = name;
    return true;
}

static bool add_digits(struct mention_names *n, slice digits, struct arena *a)
{
    return add(n, digits) && add(n, arena_printf(a, "+%.*s", SLICE_ARG(digits)));
}

/* A Brazilian mobile's other form, as channels still write it; empty: there is none. */
static slice other_form(slice digits, struct arena *a)
{
    slice head = slice_sub(digits, 0, BRAZIL_NINTH_AT),
          tail = slice_sub(digits, BRAZIL_NINTH_AT, digits.len);
    if (!slice_starts(digits, SLICE("55"))) return (slice){ NULL, 0 };
    if (digits.len == BRAZIL_OLD_LEN && tail.ptr[0] >= '6')
        return arena_printf(a, "%.*s9%.*s", SLICE_ARG(head), SLICE_ARG(tail));
    if (digits.len == BRAZIL_OLD_LEN + 1 && tail.ptr[0] == '9')
        return arena_printf(a, "%.*s%.*s", SLICE_ARG(head),
                            SLICE_ARG(slice_sub(tail, 1, tail.len)));
    return (slice){ NULL, 0 };
}

static bool add_forms(struct mention_names *n, slice name, struct arena *a)
{
    slice digits = slice_starts(name, SLICE("+")) ? slice_sub(name, 1, name.len) : name;
    if (!text_is_digits(digits)) return add(n, arena_dup(a, name));
    slice other = other_form(digits, a);
    return add_digits(n, arena_dup(a, digits), a) && (other.len == 0 || add_digits(n, other, a));
}

/* The fields hold what no identity does: the parent id, and the channel's own form of the number. */
static bool add_fields(struct mention_names *n, slice text, struct arena *a)
{
    static const char *const fields[] = { "phone", "wa_id", "wa_user_id", "wa_parent_id" };
    json *root = NULL;
    bool room = true;
    if (json_parse(text, a, &root, NULL) != OK) return !a->full;
    for (size_t i = 0; room && i < ARRAY_LEN(fields); i++)
        room = add_forms(n, contact_text(root, fields[i]), a);
    return room;
}

enum err mention_names(struct call *c, uint64_t id, struct mention_names *n, struct why *why)
{
    static const enum sql from[] = { SQL_MENTION_IDENTITIES, SQL_MENTION_FIELDS };
    enum err rc = OK;
    bool room = true;
    for (size_t i = 0; rc == OK && room && i < ARRAY_LEN(from); i++) {
        bool row = true;
        struct stmt *q = store_stmt(c->store, from[i], why);
        stmt_i64(q, 1, (int64_t)c->key.workspace_id);
        stmt_i64(q, 2, (int64_t)id);
        while (room && (rc = stmt_step(q, &row, why)) == OK && row)
            room = from[i] == SQL_MENTION_FIELDS ? add_fields(n, stmt_col_text(q, 0), c->x->arena)
                                                 : add_forms(n, stmt_col_text(q, 0), c->x->arena);
        stmt_reset(q);
    }
    if (rc == OK && !room)
        rc = why_set(why, ERR_LIMIT, "the person goes by more than %d names", MENTION_NAMES_MAX);
    return rc;
}

bool mention_is(const struct mention_names *n, slice text)
{
    for (size_t i = 0; i < n->count; i++)
        if (slice_eq(n->at[i], text)) return true;
    return false;
}

bool mention_in(const struct mention_names *n, slice text)
{
    for (size_t i = 0; i < n->count; i++) /* one with a + is found without it */
        if (n->at[i].ptr[0] != '+' && slice_find_slice(text, n->at[i]) < text.len) return true;
    return false;
}

/* ---- JSON: depth is bounded by JSON_DEPTH_MAX at parsing ---- */

bool mention_holds(const struct mention_names *n, json *v)
{
    size_t index, max;
    json *key, *one;
    if (yyjson_is_arr(v)) {
        yyjson_arr_foreach(v, index, max, one)
        {
            if (mention_holds(n, one)) return true;
        }
        return false;
    }
    yyjson_obj_foreach(v, index, max, key, one)
    {
        if (mention_holds(n, one)) return true;
    }
    return mention_is(n, json_text(v));
}

void mention_put_without(struct buf *b, const char *key, json *v, const struct mention_names *n)
{
    size_t index, max;
    json *name, *one;
    if (!mention_holds(n, v)) {
        json_put_raw(b, key, json_print(v, b->arena));
    } else if (yyjson_is_arr(v)) {
        json_begin_array(b, key);
        yyjson_arr_foreach(v, index, max, one) mention_put_without(b, NULL, one, n);
        json_end_array(b);
    } else if (yyjson_is_obj(v)) {
        json_begin_object(b, key);
        yyjson_obj_foreach(v, index, max, name, one)
            mention_put_without(b, yyjson_get_str(name), one, n);
        json_end_object(b);
    } else {
        json_put_str(b, key, SLICE("erased"));
    }
}

static bool text_holds(const struct mention_names *n, slice text, struct arena *scratch)
{
    json *root = NULL;
    if (!mention_in(n, text)) return false;
    arena_reset(scratch);
    return json_parse(text, scratch, &root, NULL) != OK || mention_holds(n, root);
}

/* ---- pages ---- */

static struct mention_status status_of(struct stmt *q)
{
    return (struct mention_status){ .external_id = stmt_col_text(q, 0),
                                    .recipient = stmt_col_text(q, 1),
                                    .status = stmt_col_text(q, 2),
                                    .at_ms = stmt_col_i64(q, 3),
                                    .event_id = (uint64_t)stmt_col_i64(q, 4),
                                    .data = stmt_col_text(q, 5) };
}

static struct mention_status copy_of(const struct mention_status *s, struct arena *a)
{
    struct mention_status copy = *s;
    copy.external_id = arena_dup(a, s->external_id);
    copy.recipient = arena_dup(a, s->recipient);
    copy.status = arena_dup(a, s->status);
    copy.data = arena_dup(a, s->data);
    return copy;
}

struct mention_place *mention_open(struct call *c)
{
    struct mention_place *p = arena_new(c->x->arena, struct mention_place, 1);
    for (size_t i = 0; p && i < ARRAY_LEN(p->room); i++) arena_init(&p->room[i], PLACE_ARENA_MAX);
    return p;
}

void mention_close(struct mention_place *place)
{
    for (size_t i = 0; i < ARRAY_LEN(place->room); i++) arena_free(&place->room[i]);
}

enum err mention_statuses(struct call *c, const struct mention_names *n,
                          struct mention_place *place, struct why *why)
{
    struct arena scratch, *arena = &place->room[place->turn ^= 1];
    size_t rows = 0;
    bool row = true;
    enum err rc;
    place->count = 0;
    arena_reset(arena);
    arena_init(&scratch, PAGE_ARENA_MAX);
    struct stmt *q = store_stmt(c->store, SQL_MENTION_STATUSES, why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_text(q, 2, place->last.external_id);
    stmt_text(q, 3, place->last.recipient);
    stmt_text(q, 4, place->last.status);
    stmt_i64(q, 5, place->last.at_ms);
    stmt_i64(q, 6, MENTION_PAGE);
    while ((rc = stmt_step(q, &row, why)) == OK && row && rows < MENTION_PAGE) {
        struct mention_status s = status_of(q);
        if (mention_is(n, s.recipient) || text_holds(n, s.data, &scratch))
            place->found[place->count++] = copy_of(&s, arena);
        if (++rows == MENTION_PAGE) place->last = copy_of(&s, arena);
    }
    stmt_reset(q);
    arena_free(&scratch);
    place->end = rows < MENTION_PAGE;
    return rc == OK && arena->full ? why_set(why, ERR_LIMIT, "out of memory") : rc;
}

enum err mention_page(struct call *c, const struct mention_names *n, enum sql sql, uint64_t *after,
                      bool *end, uint64_t out[MENTION_PAGE], size_t *count, struct why *why)
{
    struct arena scratch;
    size_t rows = 0;
    bool row = true;
    enum err rc;
    *count = 0;
    arena_init(&scratch, PAGE_ARENA_MAX);
    struct stmt *q = store_stmt(c->store, sql, why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)*after);
    stmt_i64(q, 3, MENTION_PAGE);
    while ((rc = stmt_step(q, &row, why)) == OK && row && rows < MENTION_PAGE) {
        rows++;
        *after = (uint64_t)stmt_col_i64(q, 0);
        if (text_holds(n, stmt_col_text(q, 1), &scratch)) out[(*count)++] = *after;
    }
    stmt_reset(q);
    arena_free(&scratch);
    *end = rows < MENTION_PAGE;
    return rc;
}
