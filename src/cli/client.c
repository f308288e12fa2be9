/* client.c: talks to a running hub and prints what it answers. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/cli.h"

enum { ANSWER_MAX = 64 * 1024 * 1024, COLUMNS_MAX = 12, CELL_MAX = 60 };

/* One call under way: where its bytes come from and go to. */
struct transfer {
    CURL *easy;
    const struct client_stream *stream;
    int64_t sent;
    struct buf text; /* of the answer, unless it goes to a file */
};

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (t->stream->to && status == 200) return fwrite(bytes, 1, size * count, t->stream->to);
    buf_add(&t->text, slice_of(bytes, size * count));
    return size * count;
}

/* A file that is not what it was when its length was told is not sent. */
static size_t on_read(char *bytes, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    int64_t left = t->stream->size < 0 ? INT64_MAX : t->stream->size - t->sent;
    size_t want = (uint64_t)left < size * count ? (size_t)left : size * count;
    size_t n = fread(bytes, 1, want, t->stream->from);
    t->sent += (int64_t)n;
    bool short_of = n == 0 && want > 0 && t->stream->size >= 0;
    return ferror(t->stream->from) || short_of ? CURL_READFUNC_ABORT : n;
}

static slice hub_url(struct args *a, slice path)
{
    const char *url = cli_env("MALOTE_URL", NULL);
    if (url) return arena_printf(a->arena, "%s%.*s", url, SLICE_ARG(path));
    return arena_printf(a->arena, "http://%s%.*s", cli_env("MALOTE_LISTEN", "127.0.0.1:7070"),
                        SLICE_ARG(path));
}

static struct curl_slist *headers_of(struct args *a, const struct client_stream *s)
{
    const char *key = cli_env("MALOTE_API_KEY", cli_env("MALOTE_ADMIN_KEY", NULL));
    slice line = arena_printf(a->arena, "Content-Type: %s", a->type ? a->type : "application/json");
    struct curl_slist *headers = curl_slist_append(NULL, line.ptr);
    if (s->from && s->size < 0) headers = curl_slist_append(headers, "Transfer-Encoding: chunked");
    if (!key) return headers;
    line = arena_printf(a->arena, "X-API-Key: %s", key);
    return curl_slist_append(headers, line.ptr);
}

static void put_body(struct transfer *t, slice body)
{
    if (t->stream->from) {
        curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->stream->size);
        curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
    } else if (body.ptr) {
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, body.ptr);
    }
}

/* *status 0 when the hub could not be reached (why says so). The answer is parsed into *out (NULL when it is no JSON). */
static enum err call(struct args *a, const char *method, slice path, slice body,
                     const struct client_stream *s, long *status, json **out, struct why *why)
{
    slice url = hub_url(a, path);
    struct curl_slist *headers = headers_of(a, s);
    struct transfer t = { .easy = curl_easy_init(), .stream = s };
    t.text = buf_in(a->arena, ANSWER_MAX);
    *status = 0;
    *out = NULL;
    CHECK(t.easy && url.ptr && headers);
    put_body(&t, body);
    curl_easy_setopt(t.easy, CURLOPT_URL, url.ptr);
    curl_easy_setopt(t.easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(t.easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(t.easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(t.easy, CURLOPT_WRITEDATA, &t);
    CURLcode code = curl_easy_perform(t.easy);
    curl_easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE, status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(t.easy);
    if (code != CURLE_OK && (*status > 0 || t.sent > 0))
        return why_set(why, ERR_REMOTE, "it broke off (%s)", curl_easy_strerror(code));
    if (code != CURLE_OK)
        return why_set(
            why, ERR_REMOTE,
            "no hub answers at %.*s (%s); start one with `malote serve` or set MALOTE_URL",
            SLICE_ARG(url), curl_easy_strerror(code));
    (void)!json_parse(buf_slice(&t.text), a->arena, out, NULL);
    return OK;
}

static int do_call(struct args *a, const char *method, slice path, slice body,
                   const struct client_stream *s, json **out)
{
    struct why why;
    long status = 0;
    if (call(a, method, path, body, s, &status, out, &why) != OK)
        return cli_fail(EXIT_FAILED, "%s", why.text);
    if (status >= 200 && status < 300) return EXIT_OK;
    slice message = json_get_text(json_get(*out, "error"), "message");
    if (status == 401 && !cli_env("MALOTE_API_KEY", cli_env("MALOTE_ADMIN_KEY", NULL)))
        return cli_fail(EXIT_FAILED, "the hub wants a key: set MALOTE_API_KEY (the admin key was "
                                     "printed at the first start)");
    return cli_fail(EXIT_FAILED, "%.*s (HTTP %ld)",
                    SLICE_ARG(message.len ? message : SLICE("failed")), status);
}

int client_do(struct args *a, const char *method, slice path, slice body, json **out)
{
    static const struct client_stream none = { .from = NULL };
    return do_call(a, method, path, body, &none, out);
}

int client_pass(struct args *a, const char *method, slice path, const struct client_stream *s,
                json **out)
{
    return do_call(a, method, path, (slice){ NULL, 0 }, s, out);
}

/* ---- printing ---- */

static slice cell(json *item, slice column, struct arena *a)
{
    json *v = json_get_slice(item, column);
    slice text = json_text(v);
    if (yyjson_is_bool(v))
        text = yyjson_get_bool(v) ? SLICE("yes") : SLICE("no");
    else if (v && !text.ptr)
        text = json_print(v, a);
    return text;
}

/* Cells wider than a column are cut; the terminal's control characters are not passed on. */
static void put_cell(slice text, size_t width, bool last)
{
    size_t shown = text.len > CELL_MAX && !last ? CELL_MAX : text.len;
    for (size_t i = 0; i < shown; i++)
        putchar((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f ? '?' : text.ptr[i]);
    for (size_t i = shown; !last && i < width + 2; i++) putchar(' ');
}

static void print_table(struct args *a, json *items, const char *columns)
{
    slice name[COLUMNS_MAX], rest = slice_str(columns), item;
    size_t width[COLUMNS_MAX], count = 0;
    while (count < COLUMNS_MAX && slice_cut(&rest, ' ', &item)) {
        width[count] = item.len;
        name[count++] = item;
    }
    for (size_t i = 0; i < yyjson_arr_size(items); i++)
        for (size_t n = 0; n < count; n++) {
            size_t len = cell(yyjson_arr_get(items, i), name[n], a->arena).len;
            if (len > CELL_MAX) len = CELL_MAX;
            if (len > width[n]) width[n] = len;
        }
    for (size_t n = 0; n < count; n++) put_cell(name[n], width[n], n + 1 == count);
    putchar('\n');
    for (size_t i = 0; i < yyjson_arr_size(items); i++) {
        for (size_t n = 0; n < count; n++)
            put_cell(cell(yyjson_arr_get(items, i), name[n], a->arena), width[n], n + 1 == count);
        putchar('\n');
    }
}

static void print_pretty(json *v)
{
    size_t len = 0;
    char *text = yyjson_val_write(v, YYJSON_WRITE_PRETTY, &len);
    if (text) printf("%s\n", text);
    free(text);
}

void client_print(struct args *a, json *v, const char *columns)
{
    json *items = json_get(v, "items");
    if (a->json || !items || !columns) {
        if (v) print_pretty(v);
        return;
    }
    print_table(a, items, columns);
    slice next = json_get_text(v, "next");
    if (next.len) printf("\nmore: --cursor %.*s\n", SLICE_ARG(next));
}
