/* csv.h: comma-separated text, record by record (RFC 4180), as spreadsheets write it. Pure.
 *
 * Taken as well: a byte order mark, `;` or a tab as the separator (whichever the first line has most of), line ends of any system,
 * blank lines. Not taken, and said with line and column: a quote that is never closed, text behind a closing quote, bytes that are no
 * UTF-8, NUL, more than CSV_CELLS_MAX cells. */
#ifndef MALOTE_BASE_CSV_H
#define MALOTE_BASE_CSV_H

#include "base/arena.h"

enum { CSV_CELLS_MAX = 100 };

struct csv {
    slice text;
    size_t at; /* where the next record begins */
    uint32_t line;
    char separator;
};

/* Cells borrow from the text, or lie in the arena when they had quotes inside. Lines and columns from 1, columns in characters. */
struct csv_record {
    slice cell[CSV_CELLS_MAX];
    uint32_t line[CSV_CELLS_MAX], column[CSV_CELLS_MAX]; /* where the cell begins */
    size_t count;
};

void csv_open(struct csv *c, slice text);
/* The next record that is not blank: OK with *more; ERR_SYNTAX "line 3, column 14: …" (never what stands there), ERR_LIMIT arena full. */
MUST_CHECK enum err csv_next(struct csv *c, struct arena *arena, struct csv_record *out, bool *more,
                             struct why *why);

#endif
