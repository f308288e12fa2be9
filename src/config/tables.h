/* tables.h: from a JSON object to a typed source, destination or route: the kind's table and the common one read together. */
#ifndef MALOTE_CONFIG_TABLES_H
#define MALOTE_CONFIG_TABLES_H

#include "config/config.h"

/* A source kind looks it up by its name (settings_named): with it a source needs no proof of its own. */
#define TABLES_ACCEPTS "accept_from"

/* Fill what the settings decide; id, workspace, name, kind and times are the caller's. `given` may hold name, kind and id besides. */
MUST_CHECK enum err tables_read_source(const struct source_kind *kind, json *given, struct arena *a,
                                       struct source *out, struct why *why);
MUST_CHECK enum err tables_read_destination(const struct dest_kind *kind, json *given,
                                            struct arena *a, struct destination *out,
                                            struct why *why);
MUST_CHECK enum err tables_read_route(const struct config *c, json *given, struct arena *a,
                                      struct route *out, struct why *why);

/* Members of a record that are no settings; NULL-terminated. */
extern const char *const tables_identity[];

/* One JSON object out of the shown settings and the opened secrets (both JSON objects as text): what is checked when a person
 * writes it is what is read when it is loaded. */
MUST_CHECK enum err tables_join(slice settings, slice secrets, struct arena *a, json **out,
                                struct why *why);

/* "90", "90s", "5m", "2h", "7d" in milliseconds; ERR_SYNTAX, ERR_LIMIT (over a year). */
MUST_CHECK enum err tables_duration(slice text, int64_t *ms, struct why *why);

#endif
