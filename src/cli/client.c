/* client.c: talks to a running hub and prints what it answers. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/cli.h"

enum { ANSWER_MAX = 64 * 1024 * 1024, COLUMNS_MAX = 12, CELL_MAX = 60 };

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    buf_add(ctx, slice_of(bytes, size * count));
    return size * count;
}

static slice hub_url(struct args *a, slice path)
{
    const char *url = cli_env("MALOTE_URL", NULL);
    if (url) return arena_printf(a->arena, "%s%.*s", url, SLICE_ARG(path));
    return arena_printf(a->arena, "http://%s%.*s", cli_env("MALOTE_LISTEN", "127.0.0.1:7070"),
                        SLICE_ARG(path));
}

enum err client_call(struct args *a, const char *method, slice path, slice body, long *status,
                     json **out, slice *text, struct why *why)
{
    slice url = hub_url(a, path);
    const char *key = cli_env("MALOTE_API_KEY", cli_env("MALOTE_ADMIN_KEY", NULL));
    struct buf answer = buf_in(a->arena, ANSWER_MAX);
    slice type = arena_printf(a->arena, "Content-Type: %s", a->type ? a->type : "application/json");
    struct curl_slist *headers = curl_slist_append(NULL, type.ptr);
    if (key) {
        slice line = arena_printf(a->arena, "X-API-Key: %s", key);
        headers = curl_slist_append(headers, line.ptr);
    }
    *status = 0;
    *out = NULL;
    CURL *easy = curl_easy_init();
    CHECK(easy && url.ptr && headers);
    curl_easy_setopt(easy, CURLOPT_URL, url.ptr);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
    if (body.ptr) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.ptr);
    }
    CURLcode code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    *text = buf_slice(&answer);
    if (code != CURLE_OK)
        return why_set(
            why, ERR_REMOTE,
            "no hub answers at %.*s (%s); start one with `malote serve` or set MALOTE_URL",
            SLICE_ARG(url), curl_easy_strerror(code));
    (void)!json_parse(*text, a->arena, out, NULL);
    return OK;
}

int client_do(struct args *a, const char *method, slice path, slice body, json **out)
{
    struct why why;
    long status = 0;
    slice text;
    if (client_call(a, method, path, body, &status, out, &text, &why) != OK)
        return cli_fail(EXIT_FAILED, "%s", why.text);
    if (status >= 200 && status < 300) return EXIT_OK;
    slice message = json_get_text(json_get(*out, "error"), "message");
    if (status == 401 && !cli_env("MALOTE_API_KEY", cli_env("MALOTE_ADMIN_KEY", NULL)))
        return cli_fail(EXIT_FAILED, "the hub wants a key: set MALOTE_API_KEY (the admin key was "
                                     "printed at the first start)");
    return cli_fail(EXIT_FAILED, "%.*s (HTTP %ld)",
                    SLICE_ARG(message.len ? message : SLICE("failed")), status);
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
