/* money.h: amounts as integer cents, out of text and JSON. Exact: no amount ever passes through
 * a double.
 *
 * The unit (reais or cents) belongs to the source that sends it, never to the key it stands
 * under; so there are two families of functions and the caller picks. Facts: docs/formats.md. On
 * error `why` holds one word: "empty", "not_a_number", "negative", "too_many_decimals",
 * "ambiguous", "not_an_integer" (all ERR_SYNTAX) or "too_large" (ERR_LIMIT), and *cents is
 * untouched. */
#ifndef MALOTE_BASE_MONEY_H
#define MALOTE_BASE_MONEY_H

#include "base/json.h"

/* Ten trillion reais: above any payment, and a thousand of them still add up within 64 bits. */
#define MONEY_CENTS_MAX ((int64_t)1000000000000000)

/* Reais as people and platforms write them: "39,90", "R$ 1.234,56", "1,234.56", "5.00", "100".
 * The last of two different marks is the decimal one; a mark that occurs twice groups thousands.
 * One mark before exactly three digits ("1.234") is ambiguous. More than two decimals are an
 * error unless they are binary noise, see money_from_json. */
MUST_CHECK enum err money_parse(slice text, int64_t *cents, struct why *why);

/* Reais as a JSON number, or as a string (money_parse). Exponents are taken. Binary noise is
 * rounded away: a number of 15 or more significant digits whose digits after the cents begin
 * with four zeros or four nines (0.30000000000000004 is 30). */
MUST_CHECK enum err money_from_json(json *v, int64_t *cents, struct why *why);

/* Whole cents: digits as a JSON number (10000, 10000.0, 1e4) or as a string ("1990"). */
MUST_CHECK enum err money_cents_from_json(json *v, int64_t *cents, struct why *why);
MUST_CHECK enum err money_parse_cents(slice text, int64_t *cents, struct why *why);

#endif
