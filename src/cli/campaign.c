/* campaign.c: `malote campaign`: made from a JSON or YAML file, its list uploaded in pieces that the API takes, started and stopped. */
#include <stdio.h>

#include "base/csv.h"
#include "base/text.h"
#include "cli/cli.h"

enum { PIECE_BYTES = 512 * 1024, PROBLEMS_SHOWN_MAX = 1000 };

/* ---- the list ---- */

struct totals {
    int64_t added, duplicates, problems, shown;
};

static int64_t number_of(json *v, const char *key)
{
    int64_t n = 0;
    return json_i64(json_get(v, key), &n) ? n : 0;
}

/* One piece: the header and whole records. `line` is the file's line that stands in the piece's second one. */
static int send_piece(struct args *a, slice path, slice header, slice records, uint64_t line,
                      uint64_t header_lines, struct totals *t)
{
    json *v = NULL;
    struct buf body = buf_in(a->arena, 2 * PIECE_BYTES + header.len);
    buf_add(&body, header);
    if (header.len > 0 && header.ptr[header.len - 1] != '\n') buf_byte(&body, '\n');
    buf_add(&body, records);
    if (!buf_ok(&body))
        return cli_fail(EXIT_FAILED, "line %llu: one record is too large",
                        (unsigned long long)line);
    a->type = "text/csv";
    int rc = client_do(a, "POST", path, buf_slice(&body), &v);
    a->type = NULL;
    if (rc != EXIT_OK) return rc;
    t->added += number_of(v, "added");
    t->duplicates += number_of(v, "duplicates");
    t->problems += number_of(v, "problems");
    json *lines = json_get(v, "lines"), *one;
    size_t i, max;
    yyjson_arr_foreach(lines, i, max, one)
    {
        if (t->shown++ >= PROBLEMS_SHOWN_MAX) break;
        fprintf(stderr, "line %llu, column %lld: %.*s\n",
                (unsigned long long)(line + (uint64_t)number_of(one, "line") - header_lines - 1),
                (long long)number_of(one, "column"), SLICE_ARG(json_get_text(one, "problem")));
    }
    return EXIT_OK;
}

/* Cut between records: a quoted cell may hold line ends. Each piece gets the header. */
static int upload(struct args *a, slice path, slice text)
{
    struct csv c;
    struct why why;
    struct totals t = { 0 };
    struct csv_record *r = arena_new(a->arena, struct csv_record, 1);
    bool more = false;
    int rc = EXIT_OK;
    csv_open(&c, text);
    if (!r || csv_next(&c, a->arena, r, &more, &why) != OK || !more)
        return cli_fail(EXIT_FAILED, "%s", r && more ? "out of memory" : "the list has no header");
    size_t from = c.at;
    slice header = slice_sub(c.text, 0, from);
    uint64_t line = c.line, header_lines = c.line - 1 ? c.line - 1 : 1;
    do {
        size_t end = c.at;
        uint64_t end_line = c.line; /* in the file */
        if (csv_next(&c, a->arena, r, &more, &why) != OK)
            return cli_fail(EXIT_FAILED, "%s", why.text);
        if (more && c.at - from < PIECE_BYTES) continue;
        if (!more || end == from) end = c.at, end_line = c.line;
        if (end > from)
            rc = send_piece(a, path, header, slice_sub(c.text, from, end), line, header_lines, &t);
        from = end;
        line = end_line;
    } while (rc == EXIT_OK && more);
    if (rc != EXIT_OK) return rc;
    if (a->json)
        printf("{\"added\":%lld,\"duplicates\":%lld,\"problems\":%lld}\n", (long long)t.added,
               (long long)t.duplicates, (long long)t.problems);
    else
        printf("added %lld, in the campaign already %lld, not taken %lld\n", (long long)t.added,
               (long long)t.duplicates, (long long)t.problems);
    return EXIT_OK;
}

/* ---- the rest ---- */

static slice path_to(struct args *a, const char *rest)
{
    slice id = text_url_encode(slice_str(a->word[1]), a->arena);
    return arena_printf(a->arena, "/api/campaigns/%.*s%s", SLICE_ARG(id), rest);
}

static int create(struct args *a, slice path)
{
    struct why why;
    slice text, body;
    json *v = NULL;
    enum err rc = cli_read_file(a->word[1], a->arena, &text, &why);
    if (rc == OK) rc = yaml_to_json(text, a->word[1], a->arena, &body, &why);
    if (rc != OK) return cli_fail(EXIT_FAILED, "%s", why.text);
    int code = client_do(a, "POST", path, body, &v);
    if (code == EXIT_OK) client_print(a, v, NULL);
    return code;
}

static int recipients(struct args *a)
{
    struct why why;
    slice text, phone = args_flag(a, "phone");
    slice path = path_to(a, "/recipients");
    if (cli_read_file(a->word[2], a->arena, &text, &why) != OK)
        return cli_fail(EXIT_FAILED, "%s", why.text);
    if (phone.len > 0)
        path = arena_printf(a->arena, "%.*s?phone=%.*s", SLICE_ARG(path),
                            SLICE_ARG(text_url_encode(phone, a->arena)));
    return upload(a, path, text);
}

static int show_list(struct args *a)
{
    static const char *const names[] = { "state", "limit", "cursor" };
    json *v = NULL;
    struct buf b = buf_in(a->arena, 4096);
    buf_add(&b, path_to(a, "/recipients"));
    for (size_t i = 0, n = 0; i < ARRAY_LEN(names); i++) {
        slice value = args_flag(a, names[i]);
        if (value.len > 0)
            buf_printf(&b, "%c%s=%.*s", n++ ? '&' : '?', names[i],
                       SLICE_ARG(text_url_encode(value, a->arena)));
    }
    int rc = client_do(a, "GET", buf_slice(&b), (slice){ NULL, 0 }, &v);
    if (rc == EXIT_OK) client_print(a, v, "id state to reason sent_at replied_at");
    return rc;
}

int cli_campaign(struct args *a, const struct command *c)
{
    static const struct {
        const char *verb, *method, *rest;
    } acts[] = { { "start", "POST", "/start" }, { "resume", "POST", "/resume" },
                 { "pause", "POST", "/pause" }, { "cancel", "POST", "/cancel" },
                 { "delete", "DELETE", "" },    { "show", "GET", "" } };
    slice verb = slice_str(a->word[0]);
    json *v = NULL;
    if (slice_eq(verb, SLICE("recipients")) && a->count == 3) return recipients(a);
    if (a->count != 2) return cli_fail(EXIT_USAGE, "usage: malote %s", c->usage);
    if (slice_eq(verb, SLICE("create"))) return create(a, slice_str(c->path));
    if (slice_eq(verb, SLICE("list"))) return show_list(a);
    for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
        if (!slice_eq(verb, slice_str(acts[i].verb))) continue;
        slice body =
            slice_eq(slice_str(acts[i].method), SLICE("POST")) ? SLICE("{}") : (slice){ NULL, 0 };
        int rc = client_do(a, acts[i].method, path_to(a, acts[i].rest), body, &v);
        if (rc == EXIT_OK) client_print(a, v, NULL);
        return rc;
    }
    return cli_fail(EXIT_USAGE, "usage: malote %s", c->usage);
}
