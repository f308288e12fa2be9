/* csv_fuzz.c: whatever the bytes are, a record ends, its cells lie in the text or the arena, lines only grow, and what was read can be
 * written with every cell in quotes and read back the same. */
#include "fuzz.h"

#include "base/csv.h"

static void put_cell(struct buf *b, slice cell)
{
    buf_byte(b, '"');
    for (size_t i = 0; i < cell.len; i++) {
        if (cell.ptr[i] == '"') buf_byte(b, '"');
        buf_byte(b, cell.ptr[i]);
    }
    buf_byte(b, '"');
}

static void check_same(const struct csv_record *r, char separator, struct arena *a)
{
    struct buf b = buf_in(a, FUZZ_ARENA_BYTES / 4);
    struct csv again;
    struct csv_record s;
    bool more = false;
    for (size_t i = 0; i < r->count; i++) {
        if (i > 0) buf_byte(&b, separator);
        put_cell(&b, r->cell[i]);
    }
    if (!buf_ok(&b)) return;
    csv_open(&again, buf_slice(&b));
    again.separator = separator;
    CHECK(csv_next(&again, a, &s, &more, NULL) == OK && more && s.count == r->count);
    for (size_t i = 0; i < r->count; i++) CHECK(slice_eq(s.cell[i], r->cell[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct csv c;
    struct csv_record r;
    struct why why = { .code = OK };
    bool more = true;
    uint32_t line = 0;
    arena_init(&a, FUZZ_ARENA_BYTES);
    csv_open(&c, slice_of((const char *)data, size));
    while (more) {
        size_t before = c.at;
        enum err rc = csv_next(&c, &a, &r, &more, &why);
        CHECK(c.at <= c.text.len && c.line >= line);
        if (rc != OK) {
            CHECK(rc == ERR_SYNTAX && why.text[0] != 0);
            break;
        }
        if (!more) break;
        CHECK(c.at > before && r.line[0] > line && r.count >= 1 && r.count <= CSV_CELLS_MAX);
        line = r.line[0];
        for (size_t i = 0; i < r.count; i++) {
            fuzz_touch(r.cell[i]);
            CHECK(text_utf8_valid(r.cell[i]) && r.column[i] >= 1 && r.line[i] >= line);
        }
        check_same(&r, c.separator, &a);
        arena_reset(&a);
    }
    arena_free(&a);
    return 0;
}
