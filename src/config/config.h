/* config.h: sources, destinations and routes as one immutable snapshot.
 *
 * A change builds a new snapshot and swaps it in; whoever works with the old one keeps it alive by its reference. So no stage
 * ever sees half a change, and the hot path takes no lock but one counter. */
#ifndef MALOTE_CONFIG_CONFIG_H
#define MALOTE_CONFIG_CONFIG_H

#include <pthread.h>
#include <stdatomic.h>

#include "config/limits.h"
#include "crypto/seal.h"
#include "dests/dest.h"
#include "sources/source.h"
#include "store/store.h"

/* A tenant: everything else belongs to exactly one. */
struct workspace {
    uint64_t id;
    slice name;
    bool
        enabled; /* false: its sources and destinations count as disabled, whatever they say themselves */
    int64_t created_ms;
    size_t bytes; /* that its records take of the snapshot */
};

/* The workspace `default`: it exists from the start, and its admins are the installation's owners, who alone make and end others. */
enum { WORKSPACE_OWNER = 1, WORKSPACES_MAX = 1000 };

struct source {
    uint64_t id, workspace_id;
    slice workspace;  /* its name: part of the usual path */
    slice name, path; /* no path: a builtin one, nothing comes in */
    const struct source_kind *kind;
    struct settings cfg;   /* the kind's own, indexed by its enum; then the common ones */
    size_t body_max;       /* bytes */
    uint32_t rate_per_min; /* 0 = unlimited */
    bool enabled;
    const struct setting_value
        *accepts; /* "workspace/source": who may hand it requests (interpret/hand.h) */
    int64_t created_ms, updated_ms;
};

enum priority {
    PRIORITY_HIGH,
    PRIORITY_NORMAL,
    PRIORITY_NOTIFY,
    PRIORITY_LOW,
    PRIORITY_RETRY,
    PRIORITY_COUNT
};
extern const char
    *const priority_name[PRIORITY_COUNT + 1]; /* NULL-terminated, for the setting's choices */

struct destination {
    uint64_t id, workspace_id;
    slice name;
    const struct dest_kind *kind;
    struct settings cfg;
    bool enabled; /* false: the kill switch */
    slice hold;   /* not empty: held by a verdict, e.g. "unauthorised: …", until resumed */
    int64_t hold_until_ms; /* then it is over by itself (interpret/hold.h); 0: not */
    bool
        in_app; /* its number is used in the channel's app, too: rate_per_min is what that allows */
    int64_t retry_ms[RETRIES_MAX];
    size_t retry_count;
    uint32_t rate_per_min; /* 0 = unlimited */
    uint32_t concurrency;
    int64_t deadline_ms; /* 0 = none: give up so long after creation */
    int64_t timeout_ms;
    size_t batch_max;
    int64_t linger_ms;
    int64_t created_ms, updated_ms;
};

struct route {
    uint64_t id, workspace_id;
    slice name;
    const struct source *from; /* NULL = every source */
    slice *patterns;           /* globs of event types */
    size_t pattern_count;
    const struct destination *to;
    enum priority priority;
    int64_t delay_ms;
    bool enabled;
    int64_t created_ms, updated_ms;
};

struct config {
    _Atomic uint32_t refs;
    struct arena arena;
    struct workspace *workspaces;
    struct source *sources;
    struct destination *destinations;
    struct route *routes;
    /* The sources by path (those that have one) and by id, sorted. NULL: not loaded from a store. */
    const struct source **by_path, **by_id;
    size_t path_count;
    size_t workspace_count, source_count, destination_count, route_count;
};

/* Where the current snapshot hangs. */
struct config_box {
    pthread_mutex_t lock;
    struct config *current;
    _Atomic uint64_t generation; /* grows with each swap */
};

/* Reads everything from the store and opens the secrets. ERR_DENIED (another master key), ERR_SYNTAX (a stored setting is no
 * longer valid: why names the record), ERR_IO. Gives *out with one reference. */
MUST_CHECK enum err config_load(struct store *s, const struct seal_key *key, struct config **out,
                                struct why *why);
/* The same in less memory, and within the share of that workspace: may a change of its records stay? What comes without being asked,
 * a hold say, then still finds room, and one tenant leaves room for the others. ERR_CONFLICT with the reason. */
MUST_CHECK enum err config_check(struct store *s, const struct seal_key *key, uint64_t workspace_id,
                                 struct why *why);

void config_box_init(struct config_box *box);
/* Takes `fresh` and lets the old one go. */
void config_swap(struct config_box *box, struct config *fresh);
/* The current snapshot with a reference of the caller's. */
struct config *config_hold(struct config_box *box);
/* One more reference to a snapshot already held. */
struct config *config_share(struct config *c);
void config_release(struct config *c);

const struct workspace *config_workspace_by_id(const struct config *c, uint64_t id);
const struct workspace *config_workspace_by_name(const struct config *c, slice name);
/* The one that listens there; one without a path never does. */
const struct source *config_source_by_path(const struct config *c, slice path);
/* The hub's own source of a workspace; NULL only in a configuration that was not loaded from a store. */
const struct source *config_source_builtin(const struct config *c, uint64_t workspace_id);
const struct source *config_source_by_id(const struct config *c, uint64_t id);
const struct source *config_source_by_name(const struct config *c, uint64_t workspace_id,
                                           slice name);
const struct destination *config_destination_by_id(const struct config *c, uint64_t id);
const struct destination *config_destination_by_name(const struct config *c, uint64_t workspace_id,
                                                     slice name);
const struct route *config_route_by_id(const struct config *c, uint64_t id);
const struct route *config_route_by_name(const struct config *c, uint64_t workspace_id, slice name);

/* The settings every source, destination or route has beside its kind's, as tables for help and docs. */
extern const struct setting config_source_common[], config_dest_common[], config_route_settings[];
extern const size_t config_source_common_count, config_dest_common_count,
    config_route_setting_count;

/* Why a builtin source stays as it is; %s is its name. */
#define CONFIG_BUILTIN_WORD "the source %s is the hub's own: it cannot be made, changed or deleted"

enum config_noun { CONFIG_SOURCE, CONFIG_DESTINATION, CONFIG_ROUTE };

/* Checks one object as it comes from the API or a file ({"name","kind", settings…}) against `c` (for references and for
 * clashes of name and path; `id` is the record itself when it is changed, 0 when new), and splits it for storage:
 *   *settings  JSON of what may be shown, *secrets  JSON of the secret ones, both in `arena`; secrets not given are taken from
 *   `old_secrets` (JSON, may be empty), so that a change need not repeat them.
 * ERR_SYNTAX, ERR_CONFLICT (name or path taken), ERR_MISSING (unknown kind or reference): why says which field. */
struct config_draft {
    slice name, kind, settings, secrets;
};
MUST_CHECK enum err config_draft(const struct config *c, enum config_noun noun,
                                 uint64_t workspace_id, uint64_t id, json *given, slice old_secrets,
                                 struct arena *arena, struct config_draft *out, struct why *why);

/* Is it fit to be the name of a record or a workspace? ERR_SYNTAX: why tells. */
MUST_CHECK enum err config_name_check(slice name, struct why *why);

/* The context a record's secrets are sealed under. */
slice config_seal_context(enum config_noun noun, uint64_t id, struct arena *arena);

#endif
