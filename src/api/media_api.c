/* media_api.c: the files of messages: what is known of them, and their bytes.
 *
 * The bytes are a stranger's: they are never sniffed, and whatever a browser could run is handed out as a download, so that a file
 * cannot act in the name of the hub's own pages (THREATS.md). */
#include <unistd.h>

#include "api/routes.h"
#include "base/clock.h"
#include "base/disposition.h"
#include "base/mime.h"
#include "base/text.h"

/* What a browser shows without running anything in it. SVG, HTML, XML and PDF are not among them. */
static bool is_harmless(slice type)
{
    static const slice types[] = {
        SLICE_INIT("image/jpeg"), SLICE_INIT("image/png"),  SLICE_INIT("image/webp"),
        SLICE_INIT("image/gif"),  SLICE_INIT("audio/ogg"),  SLICE_INIT("audio/mpeg"),
        SLICE_INIT("audio/mp4"),  SLICE_INIT("audio/aac"),  SLICE_INIT("audio/amr"),
        SLICE_INIT("video/mp4"),  SLICE_INIT("video/3gpp"),
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (slice_eq_nocase(type, types[i])) return true;
    return false;
}

/* "audio/ogg; codecs=opus" -> "audio/ogg"; empty unless it is type/subtype of harmless characters. */
static slice bare_type(slice mime)
{
    slice type = slice_trim(slice_sub(mime, 0, slice_find(mime, ';')));
    size_t slashes = 0;
    for (size_t i = 0; i < type.len; i++) {
        unsigned char ch = (unsigned char)type.ptr[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                      (ch >= '0' && ch <= '9') || ch == '.' || ch == '+' || ch == '-';
        slashes += ch == '/';
        if (!letter && ch != '/') return (slice){ NULL, 0 };
    }
    return slashes == 1 && type.len < 80 ? type : (slice){ NULL, 0 };
}

/* What the file is said to be: its declared type when nothing runs under it, whether it is shown or downloaded. */
static slice said_type(slice type, struct arena *a)
{
    if (slice_eq_nocase(type, SLICE("text/plain"))) return SLICE("text/plain; charset=utf-8");
    slice said = mime_is_passive(type) ? arena_dup(a, type) : (slice){ NULL, 0 };
    return said.len > 0 ? said : SLICE("application/octet-stream");
}

/* What a person can do about one that is not here. */
static slice advice(int64_t state, bool named)
{
    if (state == MEDIA_EXPIRED)
        return SLICE("a retry finds it only while the platform has it; else ask for it to be sent "
                     "again");
    if (state != MEDIA_FAILED) return (slice){ NULL, 0 };
    return named ? SLICE("retry it when the problem is gone")
                 : SLICE("ask for it to be sent again"); /* nothing to fetch it by */
}

static void put_media(struct call *c, struct stmt *q)
{
    int64_t state = stmt_col_i64(q, 8);
    json_begin_object(&c->out, NULL);
    put_id(&c->out, "id", ID_MEDIA, stmt_col_i64(q, 0));
    put_id(&c->out, "message", ID_MESSAGE, stmt_col_i64(q, 1));
    json_put_str(&c->out, "channel", stmt_col_text(q, 2));
    json_put_str(&c->out, "kind", stmt_col_text(q, 3));
    json_put_opt(&c->out, "mime", stmt_col_text(q, 4));
    json_put_opt(&c->out, "sha256", stmt_col_text(q, 5));
    if (stmt_col_i64(q, 6)) json_put_i64(&c->out, "size", stmt_col_i64(q, 6));
    if (stmt_col_text(q, 7).len)
        json_put_str(&c->out, "filename", c->key.pii ? stmt_col_text(q, 7) : SLICE("***"));
    json_put_str(&c->out, "state",
                 slice_str(state > 0 && state < MEDIA_STATE_COUNT ? media_state_name[state] : ""));
    json_put_i64(&c->out, "tries", stmt_col_i64(q, 9));
    if (state == MEDIA_PENDING) json_put_time(&c->out, "due_at", stmt_col_i64(q, 10));
    json_put_opt(&c->out, "problem", stmt_col_text(q, 12));
    json_put_opt(&c->out, "advice", advice(state, stmt_col_i64(q, 15) != 0));
    json_put_time(&c->out, "created_at", stmt_col_i64(q, 13));
    json_put_time(&c->out, "updated_at", stmt_col_i64(q, 14));
    json_end_object(&c->out);
}

void api_media_list(struct call *c)
{
    struct page p;
    struct why why;
    slice name = call_query(c, "state");
    int64_t state = 0;
    for (int64_t i = 1; name.len && i < MEDIA_STATE_COUNT; i++)
        if (slice_eq(name, slice_str(media_state_name[i]))) state = i;
    enum err rc = page_read(c, &p, &why);
    if (rc == OK && name.len && !state)
        rc = why_set(&why, ERR_SYNTAX,
                     "state is pending, downloading, downloaded, failed or expired");
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    struct stmt *q = store_stmt(c->store, SQL_API_MEDIA, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, p.before);
    stmt_i64(q, 3, state);
    stmt_i64(q, 4, p.limit);
    page_put(c, q, &p, ID_MEDIA, put_media);
}

static enum err find(struct call *c, struct stmt **q, uint64_t *id, struct why *why)
{
    bool row = false;
    if (id_parse(ID_MEDIA, c->param[0], id) != OK)
        return why_set(why, ERR_MISSING, "no such media");
    *q = store_stmt(c->store, SQL_API_MEDIA_ONE, why);
    stmt_i64(*q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(*q, 2, (int64_t)*id);
    enum err rc = stmt_step(*q, &row, why);
    return rc == OK && !row ? why_set(why, ERR_MISSING, "no such media") : rc;
}

void api_media_info(struct call *c)
{
    struct why why;
    struct stmt *q = NULL;
    uint64_t id;
    enum err rc = find(c, &q, &id, &why);
    if (rc == OK) put_media(c, q);
    stmt_reset(q);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}

/* One range of RFC 9110, 14.1.2: "bytes=0-99", "bytes=100-", "bytes=-50". Several, or anything else: all of the file, as allowed.
 * False: it lies outside. */
static bool read_range(slice range, uint64_t size, uint64_t *from, uint64_t *len, bool *part)
{
    uint64_t first = 0, last = size ? size - 1 : 0;
    *from = 0;
    *len = size;
    *part = false;
    if (!slice_starts(range, SLICE("bytes="))) return true;
    range = slice_sub(range, 6, range.len);
    size_t dash = slice_find(range, '-');
    slice a = slice_trim(slice_sub(range, 0, dash)),
          b = slice_trim(slice_sub(range, dash < range.len ? dash + 1 : dash, range.len));
    if (dash == range.len || (a.len == 0 && b.len == 0)) return true;
    if ((a.len && text_u64(a, INT64_MAX, &first, NULL) != OK) ||
        (b.len && text_u64(b, INT64_MAX, &last, NULL) != OK))
        return true;
    if (a.len && b.len && last < first) return true;
    if (a.len == 0) { /* the last so many */
        if (last == 0) return false;
        first = last < size ? size - last : 0;
        last = size - 1;
    }
    if (first >= size) return false;
    if (last >= size) last = size - 1;
    *from = first;
    *len = last - first + 1;
    *part = true;
    return true;
}

/* What its row says of a file: for the headers. */
struct file_about {
    int64_t id;
    slice mime, filename;
};

static struct file_about about(const struct call *c, struct stmt *q)
{
    return (struct file_about){ stmt_col_i64(q, 0), arena_dup(c->x->arena, stmt_col_text(q, 4)),
                                arena_dup(c->x->arena, stmt_col_text(q, 7)) };
}

static void put_disposition(struct call *c, const struct file_about *f, bool harmless)
{
    char id[ID_TEXT_MAX];
    slice end = mime_extension(f->mime);
    slice otherwise =
        arena_printf(c->x->arena, "%.*s.%.*s", SLICE_ARG(id_text(ID_MEDIA, (uint64_t)f->id, id)),
                     SLICE_ARG(end.len ? end : SLICE("bin")));
    slice value =
        disposition_of(harmless ? "inline" : "attachment", f->filename, otherwise, c->x->arena);
    reply_put_header(c, "Content-Disposition", value.ptr ? value : SLICE("attachment"));
}

static void send_file(struct call *c, int fd, uint64_t size, const struct file_about *f)
{
    struct arena *a = c->x->arena;
    uint64_t from, len;
    bool part;
    slice type = bare_type(f->mime);
    reply_put_header(c, "X-Content-Type-Options", SLICE("nosniff"));
    reply_put_header(c, "Content-Security-Policy", SLICE("default-src 'none'; sandbox"));
    reply_put_header(c, "Cache-Control", SLICE("private, no-store"));
    reply_put_header(c, "Accept-Ranges", SLICE("bytes"));
    if (!read_range(request_header(&c->x->request, SLICE("range")), size, &from, &len, &part)) {
        close(fd);
        reply_put_header(c, "Content-Range",
                         arena_printf(a, "bytes */%llu", (unsigned long long)size));
        reply_error(c, 416, "range", "the file has %llu bytes", (unsigned long long)size);
        return;
    }
    put_disposition(c, f, is_harmless(type));
    if (part)
        reply_put_header(c, "Content-Range",
                         arena_printf(a, "bytes %llu-%llu/%llu", (unsigned long long)from,
                                      (unsigned long long)(from + len - 1),
                                      (unsigned long long)size));
    c->x->type = said_type(type, a);
    c->x->status = part ? 206 : 200;
    c->x->file = fd;
    c->x->file_from = from;
    c->x->file_len = len;
}

/* ---- a file that is in the bucket alone ---- */

struct later {
    struct media_wait wait; /* first */
    struct app *app;
    struct api_exchange *x;
    struct file_about about;
};

/* On the media thread; quick. */
static void file_came(struct media_wait *w, enum err rc, int fd, int64_t size,
                      const struct why *why)
{
    struct later *l = (struct later *)(void *)w;
    struct call c = { .app = l->app, .x = l->x, .out = buf_in(l->x->arena, API_REPLY_MAX) };
    if (rc == ERR_BUSY) reply_put_header(&c, "Retry-After", SLICE("5"));
    if (rc == OK)
        send_file(&c, fd, (uint64_t)size, &l->about);
    else
        reply_err(&c, rc, why);
    listen_answer(c.x);
}

/* OK: the exchange sleeps until the media thread has the file; neither a listen loop nor a thread of the API waits. */
static enum err wait_for_file(struct call *c, slice hash, const struct file_about *f,
                              struct why *why)
{
    struct later *l = arena_new(c->x->arena, struct later, 1);
    if (!l || hash.len != FILES_HASH_LEN) return why_set(why, ERR_MISSING, "no such file");
    l->wait.done = file_came;
    l->app = c->app;
    l->x = c->x;
    l->about = *f;
    memcpy(l->wait.hash, hash.ptr, FILES_HASH_LEN);
    enum err rc = media_wait_for(c->app->media, &l->wait, why);
    c->later = rc == OK; /* c is this thread's; x is not any more */
    return rc;
}

/* The bytes. They are personal data: a key that may not see such gets none. */
void api_media_bytes(struct call *c)
{
    struct why why;
    struct stmt *q = NULL;
    uint64_t id;
    int fd = -1;
    int64_t size = 0;
    struct file_about f = { .id = 0 };
    enum err rc = c->key.pii ? find(c, &q, &id, &why)
                             : why_set(&why, ERR_DENIED, "this key may not see personal data");
    /* With `storage` it is whole, though it may not be in the bucket yet. */
    if (rc == OK && stmt_col_text(q, 11).len == 0)
        rc = why_set(&why, ERR_MISSING, "the file is not here: see /api/media/%.*s/info",
                     SLICE_ARG(c->param[0]));
    if (rc == OK) {
        f = about(c, q);
        rc = depot_read(&c->app->depot, stmt_col_text(q, 11), &fd, &size, &why);
        if (rc == ERR_MISSING && c->app->depot.remote)
            rc = wait_for_file(c, stmt_col_text(q, 11), &f, &why);
    }
    if (rc == OK && !c->later)
        send_file(c, fd, (uint64_t)size, &f);
    else if (rc != OK)
        reply_err(c, rc, &why);
    stmt_reset(q);
}

enum err api_media_remove(struct call *c, struct prune_gone *gone, int64_t *removed,
                          struct why *why)
{
    struct pruner p = { c->store, c->app->journal, &c->app->depot };
    bool wake = false;
    enum err rc = prune_bytes(&p, gone, removed, &wake, why);
    if (wake) media_wake(c->app->media);
    return rc;
}

struct again {
    uint64_t workspace_id, id;
    int64_t now_ms;
    bool found;
};

static enum err again_run(void *ctx, struct store *s, struct why *why)
{
    struct again *a = ctx;
    struct stmt *q = store_stmt(s, SQL_API_MEDIA_RETRY, why);
    stmt_i64(q, 1, (int64_t)a->workspace_id);
    stmt_i64(q, 2, (int64_t)a->id);
    stmt_i64(q, 3, a->now_ms);
    enum err rc = stmt_run(q, why);
    a->found = rc == OK && store_changes(s) > 0;
    return rc;
}

void api_media_retry(struct call *c)
{
    struct why why;
    struct again a = { .workspace_id = c->key.workspace_id, .now_ms = clock_wall_ms() };
    enum err rc = id_parse(ID_MEDIA, c->param[0], &a.id) == OK
                      ? OK
                      : why_set(&why, ERR_MISSING, "no such media");
    if (rc == OK) rc = journal_call(c->app->journal, again_run, &a, &why);
    if (rc == OK && !a.found)
        rc =
            call_has(c, SQL_API_MEDIA_ONE, a.id)
                ? why_set(&why, ERR_CONFLICT, "only a file that failed or expired is fetched again")
                : why_set(&why, ERR_MISSING, "no such media");
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    media_wake(c->app->media);
    json_begin_object(&c->out, NULL);
    put_id(&c->out, "id", ID_MEDIA, (int64_t)a.id);
    json_put_str(&c->out, "state", SLICE("pending"));
    json_end_object(&c->out);
    reply_json(c, 200);
}
