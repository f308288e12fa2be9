/* csv_test.c: what spreadsheets write, and what is said of what they should not. */
#include "base/csv.h"
#include "base/buf.h"

#include "test.h"

/* Cells are printed [a][b], a record's line before them: "2:[a][b]". */
static const struct {
    const char *text, *want; /* want: the records, or the error */
} cases[] = {
    { "", "" },
    { "a", "1:[a]" },
    { "a,b\nc,d\n", "1:[a][b]2:[c][d]" },
    { "a;b\r\nc;d\r\n", "1:[a][b]2:[c][d]" },
    { "a\tb\rc\td", "1:[a][b]2:[c][d]" },
    { "\xef\xbb\xbfnome,fone\nAna,1", "1:[nome][fone]2:[Ana][1]" },
    { "a,\n,b\n", "1:[a][]2:[][b]" },
    { "a,b\n\n  \n,\n;;\nc,d", "1:[a][b]5:[;;]6:[c][d]" },
    { "\"a,b\";c", "1:[a,b][c]" },    /* the comma is quoted: ; it is */
    { "a;b,c,d\n", "1:[a;b][c][d]" }, /* more commas than semicolons */
    { "\"a\"\"b\",\"\"\n", "1:[a\"b][]" },
    { "\"\"\"\"\n", "1:[\"]" },
    { "\"two\nlines\",b\nc,d", "1:[two\nlines][b]3:[c][d]" },
    { "\"two\r\nlines\",b\r\nc,d", "1:[two\r\nlines][b]3:[c][d]" },
    { "a\"b,c", "1:[a\"b][c]" }, /* a quote within a plain cell is a quote */
    { " \"a\",b", "1:[ \"a\"][b]" },
    { "=1+1,@x", "1:[=1+1][@x]" }, /* formulas are text */
    { "a,b\n\"c", "line 2, column 1: this quote is never closed" },
    { "a,b\n\"c\n\n", "line 2, column 1: this quote is never closed" },
    { "a,b\nc,\"d\"e", "line 2, column 6: text behind a closing quote: a quote inside a cell is "
                       "written twice" },
    { "a\n\"x\ny\"z", "line 3, column 3: text behind a closing quote: a quote inside a cell is "
                      "written twice" },
    { "a,b\n\xc3\xa9\xc3\xa9,\xe9", "line 2, column 4: this is not UTF-8: save the file as \"CSV "
                                    "UTF-8\"" },
    { "\"\xe9\"", "line 1, column 2: this is not UTF-8: save the file as \"CSV UTF-8\"" },
    { "\"a\n\xe9\"", "line 2, column 1: this is not UTF-8: save the file as \"CSV UTF-8\"" },
};

static slice run(slice text, struct arena *a)
{
    struct csv c;
    struct csv_record r;
    struct why why = { .code = OK };
    struct buf b = buf_in(a, 4096);
    bool more = true;
    csv_open(&c, text);
    while (more) {
        if (csv_next(&c, a, &r, &more, &why) != OK) return arena_dup(a, slice_str(why.text));
        if (!more) break;
        buf_printf(&b, "%u:", r.line[0]);
        for (size_t i = 0; i < r.count; i++) {
            buf_byte(&b, '[');
            buf_add(&b, r.cell[i]);
            buf_byte(&b, ']');
        }
    }
    return buf_slice(&b);
}

static void tables(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        slice text = test_exact(slice_str(cases[i].text));
        assert_slice(run(text, &a), slice_str(cases[i].want));
        free((void *)(uintptr_t)text.ptr);
        arena_reset(&a);
    }
    slice nul = run(slice_of("a,b\nc,\0d", 8), &a);
    assert_slice(nul, SLICE("line 2, column 3: a NUL byte"));
    arena_free(&a);
}

static void columns(void **state UNUSED)
{
    struct arena a;
    struct csv c;
    struct csv_record r;
    bool more = false;
    arena_init(&a, 1 << 12);
    csv_open(&c, SLICE("\xc3\xa9t\xc3\xa9,\"x\ny\",z\n"));
    assert_int_equal(csv_next(&c, &a, &r, &more, NULL), OK);
    assert_int_equal(r.count, 3);
    assert_int_equal(r.column[0], 1);
    assert_int_equal(r.column[1], 5); /* characters, not bytes */
    assert_int_equal(r.column[2], 4); /* in the line where the cell before it ended */
    assert_int_equal(r.line[1], 1);
    assert_int_equal(r.line[2], 2);
    arena_free(&a);
}

static void limits(void **state UNUSED)
{
    struct arena a;
    struct why why;
    struct csv c;
    struct csv_record r;
    bool more = false;
    char text[2 * CSV_CELLS_MAX + 2];
    arena_init(&a, 1 << 12);
    memset(text, ',', sizeof text);
    csv_open(&c, slice_of(text, CSV_CELLS_MAX - 1));
    assert_int_equal(csv_next(&c, &a, &r, &more, &why), OK);
    assert_false(more); /* nothing but separators */
    text[0] = 'a';
    csv_open(&c, slice_of(text, CSV_CELLS_MAX));
    assert_int_equal(csv_next(&c, &a, &r, &more, &why), OK);
    assert_int_equal(r.count, CSV_CELLS_MAX);
    csv_open(&c, slice_of(text, CSV_CELLS_MAX + 1));
    assert_int_equal(csv_next(&c, &a, &r, &more, &why), ERR_SYNTAX);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(tables), cmocka_unit_test(columns),
                                        cmocka_unit_test(limits) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
