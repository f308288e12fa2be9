/* origin.c: what a request that was handed over was cut from still holds the person: that part is erased there, too.
 *
 * The rest of that body stays as it is, so that what else is in it can still be shown and replayed. Where only the person's names are to go,
 * from what others wrote, the event's own request is treated alike. Two requests, two statements: they may
 * be of different workspaces, on different machines. */
#include "api/routes.h"

enum {
    ORIGINS_MAX = 8, /* handed on from hand to hand */
    LOCATOR_PARTS_MAX = 16,
    ORIGIN_ARENA_MAX = 8 * BODY_MAX_HIGHEST
};

#define ERASED SLICE("{\"erased\":true}")

struct origin {
    uint64_t workspace_id, request_id;
    slice locator;
};

/* From which request `o` was cut, into *o; false: from none. */
static enum err next(struct store *s, struct arena *a, struct origin *o, bool *found,
                     struct why *why)
{
    struct stmt *q = store_stmt(s, SQL_ORIGIN_OF, why);
    stmt_i64(q, 1, (int64_t)o->workspace_id);
    stmt_i64(q, 2, (int64_t)o->request_id);
    enum err rc = stmt_step(q, found, why);
    if (rc == OK && *found)
        *o = (struct origin){ (uint64_t)stmt_col_i64(q, 0), (uint64_t)stmt_col_i64(q, 1),
                              arena_dup(a, stmt_col_text(q, 2)) };
    stmt_reset(q);
    return rc;
}

/* What the pointer leads to: erased, or without the names. */
static void put_erased(struct buf *b, const char *key, json *v, const struct mention_names *names)
{
    if (names)
        mention_put_without(b, key, v, names);
    else
        json_put_raw(b, key, ERASED);
}

/* v as JSON, but what the pointer leads to. Each step down takes a part of the pointer, which is our own. */
static void put_but(struct buf *b, const char *key, json *v, slice pointer, size_t parts,
                    const struct mention_names *names)
{
    slice rest = pointer, part = { NULL, 0 };
    bool here = pointer.len == 0 || parts == LOCATOR_PARTS_MAX;
    if (here || !slice_cut(&rest, '/', &part) || !slice_cut(&rest, '/', &part)) {
        put_erased(b, key, v, names);
        return;
    }
    slice below = slice_sub(pointer, (size_t)(part.ptr + part.len - pointer.ptr), pointer.len);
    size_t index = 0, max;
    if (yyjson_is_arr(v)) {
        json *one, *at = json_at(v, slice_sub(pointer, 0, part.len + 1));
        json_begin_array(b, key);
        yyjson_arr_foreach(v, index, max, one)
        {
            if (one == at)
                put_but(b, NULL, one, below, parts + 1, names);
            else
                json_put_raw(b, NULL, json_print(one, b->arena));
        }
        json_end_array(b);
    } else if (yyjson_is_obj(v)) {
        json_begin_object(b, key);
        yyjson_obj_iter it = yyjson_obj_iter_with(v);
        for (json *name; (name = yyjson_obj_iter_next(&it));) {
            json *one = yyjson_obj_iter_get_val(name);
            if (slice_eq(json_str(name), part))
                put_but(b, yyjson_get_str(name), one, below, parts + 1, names);
            else
                json_put_raw(b, yyjson_get_str(name), json_print(one, b->arena));
        }
        json_end_object(b);
    } else {
        put_erased(b, key, v, names);
    }
}

static enum err erase_part(struct store *s, struct arena *a, const struct origin *o,
                           const struct mention_names *names, struct why *why)
{
    bool found = false;
    json *root = NULL;
    slice body = { NULL, 0 };
    struct stmt *q = store_stmt(s, SQL_ORIGIN_BODY, why);
    stmt_i64(q, 1, (int64_t)o->workspace_id);
    stmt_i64(q, 2, (int64_t)o->request_id);
    enum err rc = stmt_step(q, &found, why);
    if (rc == OK && found) body = arena_dup(a, stmt_col_text(q, 0));
    stmt_reset(q);
    if (rc != OK || body.len == 0) return rc; /* gone, or erased as a whole */
    struct buf b = buf_in(a, 2 * BODY_MAX_HIGHEST);
    if (json_parse_lenient(body, a, &root, NULL) == OK && json_at(root, o->locator))
        put_but(&b, NULL, root, o->locator, 0, names);
    if (!buf_ok(&b) || a->full)
        return why_set(why, ERR_LIMIT, "a request is too large to be erased in part");
    q = store_stmt(s, SQL_ORIGIN_SET, why);
    stmt_i64(q, 1, (int64_t)o->workspace_id);
    stmt_i64(q, 2, (int64_t)o->request_id);
    stmt_blob(q, 3, buf_slice(&b)); /* a body that cannot be read any more goes whole */
    return stmt_run(q, why);
}

static enum err erase_parts(struct store *s, uint64_t workspace_id, uint64_t event_id,
                            const struct mention_names *names, struct why *why)
{
    struct arena a;
    struct origin o = { .workspace_id = workspace_id };
    bool found = false;
    arena_init(&a, ORIGIN_ARENA_MAX);
    struct stmt *q = store_stmt(s, SQL_ORIGIN_REQUEST, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_i64(q, 2, (int64_t)event_id);
    enum err rc = stmt_step(q, &found, why);
    if (rc == OK && found) {
        o.request_id = (uint64_t)stmt_col_i64(q, 0);
        o.locator = arena_dup(&a, stmt_col_text(q, 1));
    }
    stmt_reset(q);
    if (rc == OK && found && names) rc = erase_part(s, &a, &o, names, why);
    for (size_t i = 0; rc == OK && found && i < ORIGINS_MAX; i++) {
        rc = next(s, &a, &o, &found, why);
        if (rc == OK && found) rc = erase_part(s, &a, &o, names, why);
    }
    arena_free(&a);
    return rc;
}

enum err api_origin_erase(struct store *s, uint64_t workspace_id, uint64_t event_id,
                          struct why *why)
{
    return erase_parts(s, workspace_id, event_id, NULL, why);
}

enum err api_origin_unname(struct store *s, uint64_t workspace_id, uint64_t event_id,
                           const struct mention_names *names, struct why *why)
{
    return erase_parts(s, workspace_id, event_id, names, why);
}
