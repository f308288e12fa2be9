/* upload.c: POST /api/media: keeps a file that is to be sent. Its bytes go to disk as they come, a piece at a time; nothing of a stranger's
 * body is read before his key was. What is acknowledged is on disk, row and file; a bucket follows by itself. */
#include "api/routes.h"
#include "base/clock.h"
#include "base/text.h"

enum { FILE_NAME_BYTES_MAX = 240, MIME_MAX = 100 };

/* One upload; in the exchange's arena. */
struct upload {
    struct app *app;
    uint64_t workspace_id, id;
    size_t place; /* in app.uploads */
    slice mime, filename;
    struct files_draft draft;
    char hash[FILES_HASH_LEN];
    int64_t now_ms;
};

size_t api_upload_streams(slice method, slice path)
{
    bool mine = slice_eq(path, SLICE("/api/media")) || slice_eq(path, SLICE("/api/v1/media"));
    return mine && slice_eq(method, SLICE("POST")) ? UPLOAD_BYTES_MAX : 0;
}

/* How many places one workspace may have. */
static size_t share(struct app *app)
{
    struct config *config = config_hold(&app->config);
    size_t most = config->workspace_count > 1 ? UPLOADS_SHARE_MAX : UPLOADS_MAX;
    config_release(config);
    return most;
}

/* Taken first and counted after: two at the same time may both be sent away, but never both stay. */
static bool take_place(struct app *app, uint64_t workspace_id, size_t *place)
{
    size_t own = 0;
    for (*place = 0; *place < UPLOADS_MAX; (*place)++) {
        uint64_t nobody = 0;
        if (atomic_compare_exchange_strong(&app->uploads[*place], &nobody, workspace_id)) break;
    }
    if (*place == UPLOADS_MAX) return false;
    for (size_t i = 0; i < UPLOADS_MAX; i++) own += atomic_load(&app->uploads[i]) == workspace_id;
    if (own <= share(app)) return true;
    atomic_store(&app->uploads[*place], 0);
    return false;
}

/* However the exchange ended: what was not kept is gone. */
static void upload_drop(struct api_exchange *x)
{
    struct upload *u = x->kept;
    files_drop(&u->draft);
    atomic_store(&u->app->uploads[u->place], 0);
    x->kept = NULL;
    x->drop = NULL;
}

/* For display and for Meta, never a path: no control characters, which includes line ends. */
static bool is_name(slice name)
{
    bool good = name.len <= FILE_NAME_BYTES_MAX && text_utf8_valid(name);
    for (size_t i = 0; i < name.len; i++)
        good = good && (unsigned char)name.ptr[i] >= ' ' && name.ptr[i] != 0x7f;
    return good;
}

static bool is_type(slice mime)
{
    size_t slashes = 0;
    slice bare = slice_trim(slice_sub(mime, 0, slice_find(mime, ';')));
    for (size_t i = 0; i < mime.len; i++)
        if ((unsigned char)mime.ptr[i] < ' ' || (unsigned char)mime.ptr[i] >= 0x7f ||
            mime.ptr[i] == '"')
            return false;
    for (size_t i = 0; i < bare.len; i++) slashes += bare.ptr[i] == '/';
    return slashes == 1 && bare.len > 2 && mime.len <= MIME_MAX;
}

/* Before the body. */
void api_upload(struct call *c)
{
    struct why why;
    struct arena *a = c->x->arena;
    slice mime = slice_trim(request_header(&c->x->request, SLICE("content-type")));
    slice name = call_query(c, "filename");
    struct upload *u = arena_new(a, struct upload, 1);
    if (!is_type(mime)) {
        reply_error(c, 415, "type_required", "say in Content-Type what the file is: image/jpeg");
        return;
    }
    if (!is_name(name)) {
        reply_error(c, 400, "invalid", "`filename` has at most %d bytes of plain text",
                    FILE_NAME_BYTES_MAX);
        return;
    }
    size_t place;
    if (!u || !take_place(c->app, c->key.workspace_id, &place)) {
        reply_put_header(c, "Retry-After", SLICE("2"));
        reply_error(c, 503, "overloaded", "too many files are being uploaded already");
        return;
    }
    *u = (struct upload){ .app = c->app,
                          .workspace_id = c->key.workspace_id,
                          .place = place,
                          .mime = arena_dup(a, mime),
                          .filename = arena_dup(a, name),
                          .now_ms = clock_wall_ms() };
    u->id = id_next(&c->app->ids, u->now_ms);
    enum err rc = files_begin(&c->app->depot.kept, u->id, &u->draft, &why);
    c->x->kept = u;
    c->x->drop = upload_drop;
    if (rc == OK)
        c->x->more = true;
    else
        reply_err(c, ERR_IO, &why);
}

static enum err upload_run(void *ctx, struct store *s, struct why *why)
{
    const struct upload *u = ctx;
    struct stmt *q = store_stmt(s, SQL_API_MEDIA_UPLOAD, why);
    stmt_i64(q, 1, (int64_t)u->id);
    stmt_i64(q, 2, (int64_t)u->workspace_id);
    stmt_text(q, 3, u->mime);
    stmt_text(q, 4, slice_of(u->hash, FILES_HASH_LEN));
    stmt_i64(q, 5, u->draft.size);
    stmt_text(q, 6, u->filename);
    stmt_i64(q, 7, u->app->depot.remote ? MEDIA_PENDING : MEDIA_DOWNLOADED);
    stmt_i64(q, 8, u->now_ms);
    return stmt_run(q, why);
}

static enum err keep(struct upload *u, struct why *why)
{
    struct depot *depot = &u->app->depot;
    slice hash = files_digest(&u->draft, u->hash);
    depot_lock(depot);
    enum err rc = files_keep(&depot->kept, &u->draft, hash, why);
    if (rc == OK) rc = journal_call(u->app->journal, upload_run, u, why);
    depot_unlock(depot);
    return rc;
}

void api_upload_piece(struct call *c)
{
    struct why why;
    struct upload *u = c->x->kept;
    bool last = c->x->piece == API_LAST;
    enum err rc = files_add(&u->draft, c->x->request.body, &why);
    if (rc == OK && !last) {
        c->x->more = true;
        return;
    }
    if (rc == OK && u->draft.size == 0) {
        reply_error(c, 400, "empty", "the body is the file, and it is empty");
        return;
    }
    if (rc == OK) rc = keep(u, &why);
    if (rc != OK) {
        reply_err(c, rc == ERR_LIMIT ? ERR_IO : rc,
                  &why); /* a full disk is no fault of the body's size */
        return;
    }
    media_wake(c->app->media);
    json_begin_object(&c->out, NULL);
    put_id(&c->out, "id", ID_MEDIA, (int64_t)u->id);
    json_put_str(&c->out, "mime", u->mime);
    json_put_str(&c->out, "sha256", slice_of(u->hash, FILES_HASH_LEN));
    json_put_i64(&c->out, "size", u->draft.size);
    json_put_opt(&c->out, "filename", u->filename);
    json_end_object(&c->out);
    reply_json(c, 201);
}

enum err api_upload_check(struct call *c, const struct dest_messages *m, json *message,
                          struct why *why)
{
    uint64_t id;
    bool row = false;
    slice name = m->file ? m->file(message) : (slice){ NULL, 0 };
    if (name.len == 0) return OK;
    if (id_parse(ID_MEDIA, name, &id) != OK)
        return why_set(why, ERR_MISSING, "there is no such file");
    struct stmt *q = store_stmt(c->store, SQL_API_MEDIA_ONE, why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && (!row || stmt_col_text(q, 11).len == 0))
        rc = why_set(why, ERR_MISSING, "there is no such file: see /api/media/{id}/info");
    if (rc == OK) rc = m->file_fits(message, stmt_col_text(q, 4), stmt_col_i64(q, 6), why);
    stmt_reset(q);
    return rc;
}
