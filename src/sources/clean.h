/* clean.h: values from outside made fit for records: one place where wrong types, control
 * characters, broken encodings and unusable values end, for every source kind.
 *
 * The rule: a value that cannot be used is treated as absent, never as an error; one bad field
 * must not cost the event. */
#ifndef MALOTE_SOURCES_CLEAN_H
#define MALOTE_SOURCES_CLEAN_H

#include "records/records.h"
#include "base/json.h"

enum {
    CLEAN_TEXT_MAX = 4096,    /* bytes of one text; a longer one is treated as absent */
    CLEAN_ID_MAX = 200,       /* of an id that becomes part of a key */
    CLEAN_JSON_MAX = 1 << 20, /* of `custom` */
    CLEAN_EMAIL_MAX = 254,    /* RFC 5321 */
    CLEAN_INSTALLMENTS_MAX = 999,
};

/* Where results go. `full` is sticky: the arena ran out, what was read since is not to be
 * trusted; see clean_end. */
struct cleaner {
    struct arena *arena;
    bool full;
};

/* OK, or ERR_LIMIT when the arena ran out. */
MUST_CHECK enum err clean_end(const struct cleaner *cl, struct why *why);

/* Trimmed text without control characters (line ends and tabs become blanks). Bytes that are not
 * UTF-8 are read as ISO-8859-1, which is what old forms send. Empty when nothing is left or it
 * is too long. */
slice clean_text(struct cleaner *cl, slice in);
/* The same for a JSON string or number; empty for every other type and for NULL. */
slice clean_value(struct cleaner *cl, json *v);
/* The same, at most CLEAN_ID_MAX bytes, and without a character that could not be read (U+FFFD). */
slice clean_id(struct cleaner *cl, json *v);
/* Instant in ms; 0 when absent, unreadable or before 1970. */
int64_t clean_time(json *v);
/* Cents from reais; -1 when absent or unreadable. */
int64_t clean_money(json *v);
/* Whole number within 1..max; 0 when absent or out of range. */
int64_t clean_count(json *v, int64_t max);
/* v as JSON text without NUL characters inside its strings (stores and programs in C end texts
 * at them); empty when NULL. */
slice clean_json(struct cleaner *cl, json *v);

/* Brings `in` into the form that records.h states for field f, and stores it. Nothing happens
 * when `in` is empty or unusable, but for phone_error and document_error, which say why. A name
 * also fills first_name and last_name when these are empty. `number`: it was a JSON number and
 * may have lost leading zeros. */
void clean_contact(struct cleaner *cl, struct contact *c, enum contact_field f, slice in,
                   bool number);
void clean_contact_value(struct cleaner *cl, struct contact *c, enum contact_field f, json *v);
/* A name out of first and last name when there is none, and country "br" when phone or document
 * is Brazilian. */
void clean_contact_end(struct cleaner *cl, struct contact *c);
/* Does the contact name anybody: by e-mail, phone, document, external id, name or a browser id? */
bool clean_contact_known(const struct contact *c);

/* An event type out of a platform's word: "<kind>.<word>", [a-z0-9_.] only, at most
 * EVENT_TYPE_MAX bytes. */
slice clean_type(struct cleaner *cl, slice kind, slice word);

#endif
