/* time.h: instants as milliseconds since 1970 UTC, to and from text. Pure: the clock itself is base/clock.h. */
#ifndef MALOTE_BASE_TIME_H
#define MALOTE_BASE_TIME_H

#include "base/err.h"
#include "base/slice.h"

enum { TIME_TEXT_MAX = 32 };

/* "2026-03-10T12:18:30.500Z" written into `out`; returns it as a slice. Years 0001..9999, else "". */
slice time_format(int64_t unix_ms, char out[TIME_TEXT_MAX]);

/* Reads the forms that Brazilian platforms send (facts: docs/formats.md): ISO 8601 with 'T' or a blank, a fraction of 1 to 9
 * digits (cut to ms), 'Z' or an offset; "dd/mm/yyyy[ HH:MM[:SS]]"; a bare date; Unix seconds or ms (from 10^11 up: ms).
 * Text without a zone is America/Sao_Paulo (UTC-3; UTC-2 in its summers up to February 2019).
 *   *bare_date  set when there was no time of day (may be NULL); *out is then midnight in Sao Paulo
 * ERR_SYNTAX for anything else, impossible days and "0000-00-00". */
MUST_CHECK enum err time_parse(slice text, int64_t *out, bool *bare_date, struct why *why);

/* Days since 1970-01-01 of a proleptic Gregorian date; month 1..12, day 1..31 (not checked). */
int64_t time_days_from_civil(int64_t year, unsigned month, unsigned day);

#endif
