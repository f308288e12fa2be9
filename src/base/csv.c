/* csv.c: see csv.h. */
#include "base/csv.h"

#include "base/text.h"

static bool is_end(char c) { return c == '\n' || c == '\r'; }

/* The separator that the first line has most of, outside quotes; a comma when it has none. */
static char find_separator(slice text)
{
    static const char known[] = { ',', ';', '\t' };
    size_t count[ARRAY_LEN(known)] = { 0 }, best = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len && (quoted || !is_end(text.ptr[i])); i++) {
        if (text.ptr[i] == '"') quoted = !quoted;
        for (size_t k = 0; k < ARRAY_LEN(known); k++)
            count[k] += !quoted && text.ptr[i] == known[k];
    }
    for (size_t k = 1; k < ARRAY_LEN(known); k++)
        if (count[k] > count[best]) best = k;
    return known[best];
}

void csv_open(struct csv *c, slice text)
{
    if (slice_starts(text, SLICE("\xef\xbb\xbf"))) text = slice_sub(text, 3, text.len);
    *c = (struct csv){ .text = text, .line = 1, .separator = find_separator(text) };
}

/* Where reading stands within a record. */
struct cursor {
    struct csv *csv;
    struct why *why;
    size_t line_start; /* of the line `at` is in */
};

static size_t column_of(const struct cursor *k, size_t at)
{
    size_t n = 1;
    for (size_t i = k->line_start; i < at; i++)
        n += ((unsigned char)k->csv->text.ptr[i] & 0xc0) != 0x80;
    return n;
}

static enum err wrong(const struct cursor *k, size_t at, const char *what)
{
    return why_set(k->why, ERR_SYNTAX, "line %llu, column %zu: %s",
                   (unsigned long long)k->csv->line, column_of(k, at), what);
}

/* Over a line end, "\r\n" being one. */
static void step_line(struct cursor *k)
{
    struct csv *c = k->csv;
    bool two =
        c->text.ptr[c->at] == '\r' && c->at + 1 < c->text.len && c->text.ptr[c->at + 1] == '\n';
    c->at += two ? 2 : 1;
    c->line++;
    k->line_start = c->at;
}

/* Bytes that may stand in a cell: UTF-8 without NUL. */
static enum err check_bytes(struct cursor *k, size_t from)
{
    slice rest = slice_sub(k->csv->text, from, k->csv->at);
    for (size_t step; rest.len > 0; rest = slice_sub(rest, step, rest.len)) {
        step = text_utf8_step(rest);
        size_t at = (size_t)(rest.ptr - k->csv->text.ptr);
        if (step == 0) return wrong(k, at, "this is not UTF-8: save the file as \"CSV UTF-8\"");
        if (rest.ptr[0] == '\0') return wrong(k, at, "a NUL byte");
    }
    return OK;
}

static enum err read_plain(struct cursor *k, slice *out)
{
    struct csv *c = k->csv;
    size_t from = c->at;
    while (c->at < c->text.len && c->text.ptr[c->at] != c->separator && !is_end(c->text.ptr[c->at]))
        c->at++;
    *out = slice_sub(c->text, from, c->at);
    return check_bytes(k, from);
}

static enum err read_quoted(struct cursor *k, struct arena *arena, slice *out)
{
    struct csv *c = k->csv;
    size_t open = c->at, from = ++c->at, doubled = 0;
    uint32_t open_line = c->line;
    size_t open_column = column_of(k, open), piece = from;
    for (;; c->at++) {
        if (c->at == c->text.len)
            return why_set(k->why, ERR_SYNTAX, "line %u, column %zu: this quote is never closed",
                           open_line, open_column);
        if (is_end(c->text.ptr[c->at])) {
            enum err rc = check_bytes(k, piece);
            if (rc != OK) return rc;
            step_line(k);
            piece = c->at--; /* the loop steps */
        } else if (c->text.ptr[c->at] == '"') {
            if (c->at + 1 == c->text.len || c->text.ptr[c->at + 1] != '"') break;
            doubled++;
            c->at++;
        }
    }
    enum err rc = check_bytes(k, piece);
    slice raw = slice_sub(c->text, from, c->at++);
    if (rc == OK && c->at < c->text.len && c->text.ptr[c->at] != c->separator &&
        !is_end(c->text.ptr[c->at]))
        rc = wrong(k, c->at, "text behind a closing quote: a quote inside a cell is written twice");
    if (rc != OK) return rc;
    *out = raw;
    if (doubled == 0) return OK;
    char *copy = arena_raw(arena, raw.len);
    size_t n = 0;
    if (!copy) return why_set(k->why, ERR_LIMIT, "out of memory");
    for (size_t i = 0; i < raw.len; i++) {
        copy[n++] = raw.ptr[i];
        i += raw.ptr[i] == '"';
    }
    *out = slice_of(copy, n);
    return OK;
}

static enum err read_record(struct cursor *k, struct arena *arena, struct csv_record *out)
{
    struct csv *c = k->csv;
    enum err rc = OK;
    out->count = 0;
    for (;;) {
        if (out->count == CSV_CELLS_MAX) return wrong(k, c->at, "more than 100 cells");
        out->line[out->count] = c->line;
        out->column[out->count] = (uint32_t)column_of(k, c->at);
        slice *cell = &out->cell[out->count++];
        bool quoted = c->at < c->text.len && c->text.ptr[c->at] == '"';
        rc = quoted ? read_quoted(k, arena, cell) : read_plain(k, cell);
        if (rc != OK) return rc;
        if (c->at == c->text.len) return OK;
        if (is_end(c->text.ptr[c->at])) {
            step_line(k);
            return OK;
        }
        c->at++;
    }
}

/* Nothing but separators: what a spreadsheet writes for an empty row. */
static bool is_blank(const struct csv_record *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (slice_trim(r->cell[i]).len > 0) return false;
    return true;
}

enum err csv_next(struct csv *c, struct arena *arena, struct csv_record *out, bool *more,
                  struct why *why)
{
    struct cursor k = { .csv = c, .why = why };
    *more = false;
    while (c->at < c->text.len) {
        k.line_start = c->at;
        enum err rc = read_record(&k, arena, out);
        if (rc != OK) return rc;
        if (is_blank(out)) continue;
        *more = true;
        return OK;
    }
    return OK;
}
