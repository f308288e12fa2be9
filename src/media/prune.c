/* prune.c: see prune.h. */
#include "media/prune.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum {
    STEP_ROWS = 100,
    ORPHAN_AGE_MS = 60 * 60 * 1000 /* a younger one may be on its way to its row */
};
_Static_assert((int)STEP_ROWS <= (int)PRUNE_GONE_MAX, "a step's files have room");

enum err prune_is_used(struct store *s, slice hash, bool *used, struct why *why)
{
    bool row = false;
    struct stmt *q = store_stmt(s, SQL_PRUNE_USED, why);
    stmt_text(q, 1, hash);
    enum err rc = stmt_step(q, &row, why);
    *used = rc != OK || (row && stmt_col_i64(q, 0) > 0);
    stmt_reset(q);
    return rc;
}

enum err prune_drop(struct store *s, uint64_t workspace_id, uint64_t id, enum sql change,
                    struct prune_gone *gone, struct why *why)
{
    bool row = false;
    CHECK(gone->count < PRUNE_GONE_MAX);
    struct stmt *q = store_stmt(s, SQL_PRUNE_FILE, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    enum err rc = stmt_step(q, &row, why);
    slice hash = rc == OK && row ? stmt_col_text(q, 0) : (slice){ NULL, 0 };
    bool kept = hash.len == FILES_HASH_LEN;
    if (kept) memcpy(gone->hash[gone->count++], hash.ptr, hash.len);
    stmt_reset(q);
    if (rc == OK && kept && gone->remote) {
        q = store_stmt(s, SQL_MEDIA_REMOVAL_ADD, why);
        stmt_i64(q, 1, (int64_t)workspace_id);
        stmt_text(q, 2, slice_of(gone->hash[gone->count - 1], FILES_HASH_LEN));
        stmt_i64(q, 3, clock_wall_ms());
        rc = stmt_run(q, why);
    }
    if (rc != OK) return rc;
    q = store_stmt(s, change, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    return stmt_run(q, why);
}

/* *gone: nobody meant it. */
static enum err remove_unused(const struct pruner *p, slice hash, bool dry_run, bool *gone,
                              struct why *why)
{
    bool used = true;
    depot_lock(p->depot);
    enum err rc = prune_is_used(p->store, hash, &used, why);
    if (rc == OK && !used && !dry_run) rc = depot_remove(p->depot, hash, why);
    depot_unlock(p->depot);
    *gone = rc == OK && !used;
    return rc;
}

enum err prune_bytes(const struct pruner *p, struct prune_gone *gone, int64_t *removed, bool *wake,
                     struct why *why)
{
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < gone->count; i++) {
        bool away = false;
        rc = remove_unused(p, slice_of(gone->hash[i], FILES_HASH_LEN), false, &away, why);
        *removed += away;
    }
    *wake = *wake || (gone->count > 0 && gone->remote);
    gone->count = 0;
    return rc;
}

/* ---- by age ---- */

struct step {
    struct {
        uint64_t id, workspace_id;
    } row[STEP_ROWS];
    size_t count;
    struct prune_gone gone;
};

static enum err forget(void *ctx, struct store *s, struct why *why)
{
    struct step *t = ctx;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < t->count; i++)
        rc = prune_drop(s, t->row[i].workspace_id, t->row[i].id, SQL_PRUNE_FORGET, &t->gone, why);
    return rc;
}

static enum err read_step(const struct pruner *p, struct prune_run *run, struct step *t,
                          struct why *why)
{
    bool row = true;
    enum err rc;
    struct stmt *q = store_stmt(p->store, SQL_PRUNE_OLD, why);
    stmt_i64(q, 1, (int64_t)run->workspace_id);
    stmt_i64(q, 2, (int64_t)run->after);
    stmt_i64(q, 3, (int64_t)id_at(run->before_ms));
    stmt_i64(q, 4, STEP_ROWS);
    while ((rc = stmt_step(q, &row, why)) == OK && row && t->count < STEP_ROWS) {
        run->after = (uint64_t)stmt_col_i64(q, 0);
        t->row[t->count].id = run->after;
        t->row[t->count++].workspace_id = (uint64_t)stmt_col_i64(q, 1);
        run->bytes += stmt_col_i64(q, 2);
    }
    stmt_reset(q);
    return rc;
}

enum err prune_old(const struct pruner *p, struct prune_run *run, bool *more, struct why *why)
{
    int64_t removed = 0;
    struct step *t = calloc(1, sizeof *t);
    *more = false;
    if (!t) return why_set(why, ERR_LIMIT, "out of memory");
    t->gone.remote = p->depot->remote;
    enum err rc = read_step(p, run, t, why);
    if (rc == OK && t->count > 0 && !run->dry_run) rc = journal_call(p->journal, forget, t, why);
    if (rc == OK) rc = prune_bytes(p, &t->gone, &removed, &run->wake, why);
    if (rc == OK) run->files += (int64_t)t->count;
    *more = rc == OK && t->count == STEP_ROWS;
    free(t);
    return rc;
}

/* ---- by meaning ---- */

struct look {
    const struct pruner *pruner;
    struct prune_run *run;
};

static enum err see_file(void *ctx, const struct files_entry *e, struct why *why)
{
    struct look *l = ctx;
    bool gone = false;
    enum err rc = remove_unused(l->pruner, e->hash, l->run->dry_run, &gone, why);
    l->run->orphans += gone;
    l->run->bytes += gone ? e->size : 0;
    return rc;
}

enum err prune_orphans(const struct pruner *p, struct prune_run *run, unsigned part,
                       struct why *why)
{
    struct look l = { p, run };
    return depot_part(p->depot, part, clock_wall_ms() - ORPHAN_AGE_MS, see_file, &l, why);
}
