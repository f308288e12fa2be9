/* fill.h: a template's placeholders, {{name}} or {{name|what else}}, filled from a recipient's values. Pure.
 *
 * A value goes into the text of a JSON string and is written as one: whatever stands in it, it cannot become a member or end the
 * string. Names are compared without case, accents and surrounding blanks. */
#ifndef MALOTE_CAMPAIGN_FILL_H
#define MALOTE_CAMPAIGN_FILL_H

#include "base/buf.h"
#include "base/json.h"

enum {
    FILL_NAME_MAX = 64,     /* bytes of a name */
    FILL_VALUE_MAX = 1024,  /* of one value */
    FILL_VALUES_MAX = 4096, /* of all values of a recipient, as JSON */
    FILL_TEXT_MAX = 32 * 1024
};

/* Are the placeholders of `template` (any JSON) well written? */
MUST_CHECK enum err fill_check(json *template, struct why *why);
/* A name in the form that values are kept under: folded; empty when it is none. In `arena`. */
slice fill_name(slice name, struct arena *arena);
/* A value fit for a template: one line, single blanks. In `arena`; .ptr NULL when the arena is full. */
slice fill_value(slice value, struct arena *arena);
/* `template` with its placeholders filled from `values` (an object, names as of fill_name; NULL: each with an "x", to try it), as JSON
 * text in `arena`. ERR_SYNTAX: no value for a placeholder, *missing names it. */
MUST_CHECK enum err fill_render(json *template, json *values, struct arena *arena, slice *out,
                                slice *missing, struct why *why);

#endif
