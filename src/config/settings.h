/* settings.h: the typed settings of one source or destination.
 *
 * A kind declares one table of `struct setting`; from it come the validation, the API's and the file's fields, the help and
 * the docs. Values are read once, when the configuration changes, into a `struct settings` that never changes afterwards. */
#ifndef MALOTE_CONFIG_SETTINGS_H
#define MALOTE_CONFIG_SETTINGS_H

#include "base/json.h"

enum setting_type {
    SETTING_TEXT,
    SETTING_URL, /* absolute http:// or https:// */
    SETTING_INT, /* within min..max */
    SETTING_BOOL,
    SETTING_CHOICE, /* one of `choices` */
    SETTING_LIST,   /* of texts; a single text is taken as a list of one */
    SETTING_MAP,    /* text -> text */
};

struct setting {
    const char *name; /* key in the file and in the API */
    enum setting_type type;
    bool required; /* there, and neither empty nor blanks alone */
    bool secret;   /* sealed at rest, never shown, never empty; TEXT or LIST only */
    const char *
        fallback; /* default as text, NULL: absent; a MAP's as JSON object text, a LIST's as JSON array text */
    int64_t min,
        max; /* INT: range. TEXT, LIST: max = longest text in bytes (0: SETTING_TEXT_MAX) */
    const char *const *choices; /* CHOICE: NULL-terminated */
    const char *help;           /* one sentence for people */
};

enum { SETTING_TEXT_MAX = 4096, SETTING_LIST_MAX = 256 };

struct setting_pair {
    slice name, value;
};

struct setting_value {
    bool present;               /* false: neither given nor defaulted */
    slice text;                 /* TEXT, URL, CHOICE */
    int64_t number;             /* INT, BOOL (0/1) */
    struct setting_pair *items; /* LIST: .value; MAP: both */
    size_t count;
};

/* Values stand in the order of the kind's table: a kind indexes them with its own enum. */
struct settings {
    const struct setting *table;
    struct setting_value *values;
    size_t count;
};

/* Reads object `given` (NULL = empty object) against `table` (count entries) into *out, in `arena`, which must outlive it.
 * Keys listed in `ignore` (NULL-terminated, may be NULL) are left to the caller; any other unknown key is an error.
 * ERR_SYNTAX with "setting `name`: what is wrong" (values are not repeated: they may be secret). */
MUST_CHECK enum err settings_read(const struct setting *table, size_t count, json *given,
                                  const char *const *ignore, struct arena *arena,
                                  struct settings *out, struct why *why);

/* What is refused when it is given, though it may stand in a store of before it was refused, which must load: a required setting or a
 * secret that is empty. */
MUST_CHECK enum err settings_check_given(const struct settings *s, struct why *why);

static inline const struct setting_value *settings_get(const struct settings *s, size_t index)
{
    CHECK(index < s->count);
    return &s->values[index];
}
static inline slice settings_text(const struct settings *s, size_t index)
{
    return settings_get(s, index)->text;
}
static inline int64_t settings_i64(const struct settings *s, size_t index)
{
    return settings_get(s, index)->number;
}
static inline bool settings_bool(const struct settings *s, size_t index)
{
    return settings_get(s, index)->number != 0;
}

/* The value of the setting called so, of whichever table; NULL when there is no such setting. */
const struct setting_value *settings_named(const struct settings *s, const char *name);

/* Value of `name` in a MAP; .ptr NULL when absent. */
slice settings_map_find(const struct setting_value *map, slice name);
/* ... in the MAP at index. */
slice settings_map_get(const struct settings *s, size_t index, slice name);

#endif
