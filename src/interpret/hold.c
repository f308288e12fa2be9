/* hold.c: see hold.h. Which destinations: those whose number is known to belong to the account, and, if nothing is known of the
 * account's numbers yet, those whose number nothing is known of: a message too few is better than a number that is lost for good. Where
 * others' numbers come in, too, nothing is guessed: it may as well be one of theirs. */
#include "interpret/hold.h"

#include "records/apply.h"
#include "records/notice.h"

enum { HOLD_ARENA_MAX = 64 * 1024, EXPIRE_MAX = 64 /* the rest a moment later */ };

/* One destination, and what is said of its number. */
struct judged {
    struct store *store;
    struct id_maker *ids;
    struct log *log;
    const struct destination *to;
    struct own_number who; /* account: the destination's; number: its digits, if known */
    slice word;            /* why it is looked at, for people */
    int64_t now_ms;
    bool changed;
};

/* The digits of the destination's number, if it is the owner's as far as is known; else nothing is said of it any more. */
static enum err find_number(struct judged *j, struct arena *arena, struct why *why)
{
    bool row = false;
    struct stmt *q = store_stmt(j->store, SQL_OWN_NUMBER_GET, why);
    stmt_i64(q, 1, (int64_t)j->to->workspace_id);
    stmt_text(q, 2, j->who.channel);
    stmt_text(q, 3, j->who.account);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row && slice_eq(stmt_col_text(q, 0), j->who.owner))
        j->who.number = arena_dup(arena, slice_sub(stmt_col_text(q, 1), 0, OWN_DIGITS_MAX));
    else if (rc == OK && row)
        j->who.owner = (slice){ NULL, 0 };
    stmt_reset(q);
    return rc;
}

static enum err tell(struct judged *j, slice reason, struct why *why)
{
    const struct destination *to = j->to;
    bool held = reason.len > 0;
    if (held)
        LOG(j->log, LOG_ERROR, "destination.held", log_str("destination", to->name),
            log_str("why", reason));
    else
        LOG(j->log, LOG_WARN, "destination.released", log_str("destination", to->name),
            log_str("why", j->word));
    struct notice n = { .workspace_id = to->workspace_id,
                        .destination_id = to->id,
                        .alert = held ? SLICE("destination_held") : SLICE("destination_released"),
                        .reason = held ? reason : j->word,
                        .at_ms = j->now_ms };
    j->changed = true;
    return notice_add(j->store, j->ids, &n, j->now_ms, why);
}

static enum err set(struct judged *j, slice owner, const struct own_view_fact *f, struct why *why)
{
    bool held = f->value.len > 0;
    struct stmt *q = store_stmt(j->store, SQL_HOLD_SET, why);
    stmt_i64(q, 1, (int64_t)j->to->workspace_id);
    stmt_i64(q, 2, (int64_t)j->to->id);
    stmt_text(q, 3, f->value);
    stmt_text(q, 4, held ? owner : SLICE(""));
    stmt_i64(q, 5, held ? f->until_ms : 0);
    stmt_text(q, 6, owner);
    enum err rc = stmt_run(q, why);
    return rc == OK && store_changes(j->store) > 0 ? tell(j, f->value, why) : rc;
}

static enum err judge(struct judged *j, struct why *why)
{
    bool row = false;
    int64_t person_ms = 0, until_ms = 0;
    struct arena arena;
    struct own_view_fact f = { .at_ms = 0 };
    slice hold = { NULL, 0 }, owner = { NULL, 0 }, asked = j->who.owner;
    arena_init(&arena, HOLD_ARENA_MAX);
    struct stmt *q = store_stmt(j->store, SQL_HOLD_GET, why);
    stmt_i64(q, 1, (int64_t)j->to->workspace_id);
    stmt_i64(q, 2, (int64_t)j->to->id);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) {
        person_ms = stmt_col_i64(q, 0);
        hold = arena_dup(&arena, stmt_col_text(q, 1));
        owner = arena_dup(&arena, stmt_col_text(q, 2));
        until_ms = stmt_col_i64(q, 3);
    }
    stmt_reset(q);
    if (asked.len == 0) asked = j->who.owner = owner; /* whose word holds it */
    bool ours = row && asked.len > 0 && (hold.len == 0 || slice_eq(owner, asked));
    if (rc == OK && ours) rc = find_number(j, &arena, why);
    if (rc == OK && ours && j->who.owner.len > 0)
        rc = own_state_hold(j->store, j->to->workspace_id, &j->who, person_ms, j->now_ms, &arena,
                            &f, why);
    /* The fault of what was said, and no full disk: an event that cannot be understood fails alone. */
    if (arena.full && (rc == OK || rc == ERR_LIMIT))
        rc = why_set(why, ERR_SYNTAX, "what is known of the number is too large");
    if (rc == OK && ours && (!slice_eq(f.value, hold) || (hold.len > 0 && f.until_ms != until_ms)))
        rc = set(j, asked, &f, why);
    arena_free(&arena);
    return rc;
}

/* Looks anew at a destination, for what is said of the owner. */
static enum err look_at(struct interpret_ctx *ctx, const struct destination *to,
                        const struct own_number *n, slice word, struct why *why)
{
    struct judged j = { .store = ctx->store,
                        .ids = ctx->ids,
                        .log = ctx->log,
                        .to = to,
                        .who = { .channel = n->channel,
                                 .account = to->kind->messages->account(&to->cfg),
                                 .owner = n->owner },
                        .word = word,
                        .now_ms = ctx->now_ms };
    enum err rc = judge(&j, why);
    ctx->held = ctx->held || j.changed;
    return rc;
}

static bool is_of(const struct destination *to, uint64_t workspace_id, slice channel)
{
    return to->workspace_id == workspace_id && to->kind->messages &&
           slice_eq(slice_str(to->kind->messages->channel), channel);
}

enum err hold_apply(struct interpret_ctx *ctx, const struct stored_event *e,
                    const struct account_hold *h, bool guess, struct why *why)
{
    const struct own_fact fact = { h->matter, h->reason, h->until_ms };
    enum err rc =
        own_state_fact(ctx->store, e->workspace_id, &h->who, &fact, e->event.occurred_ms, why);
    slice word = arena_printf(ctx->arena, "account: the channel says %.*s", SLICE_ARG(h->word));
    for (size_t i = 0; rc == OK && i < ctx->config->destination_count; i++) {
        const struct destination *to = &ctx->config->destinations[i];
        bool meant = false;
        if (!is_of(to, e->workspace_id, h->who.channel) || h->who.owner.len == 0) continue;
        rc = own_number_is_meant(ctx->store, e->workspace_id, &h->who,
                                 to->kind->messages->account(&to->cfg), guess, &meant, why);
        if (rc == OK && meant) rc = look_at(ctx, to, &h->who, word, why);
    }
    return rc;
}

enum err hold_learned(struct interpret_ctx *ctx, uint64_t workspace_id, const struct own_number *n,
                      struct why *why)
{
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < ctx->config->destination_count; i++) {
        const struct destination *to = &ctx->config->destinations[i];
        if (is_of(to, workspace_id, n->channel) &&
            slice_eq(to->kind->messages->account(&to->cfg), n->account))
            rc = look_at(ctx, to, n, SLICE("account: the number is not of those it was said of"),
                         why);
    }
    return rc;
}

enum err hold_expire(struct store *s, struct id_maker *ids, struct log *log,
                     const struct config *config, int64_t now_ms, struct why *why)
{
    uint64_t id[EXPIRE_MAX];
    size_t count = 0;
    bool row = true;
    enum err rc = OK;
    struct stmt *q = store_stmt(s, SQL_HOLD_OVER, why);
    stmt_i64(q, 1, now_ms);
    while (count < EXPIRE_MAX && (rc = stmt_step(q, &row, why)) == OK && row)
        id[count++] = (uint64_t)stmt_col_i64(q, 0);
    stmt_reset(q);
    for (size_t i = 0; rc == OK && i < count; i++) {
        const struct destination *to = config_destination_by_id(config, id[i]);
        if (!to || !to->kind->messages) continue;
        struct judged j = { .store = s,
                            .ids = ids,
                            .log = log,
                            .to = to,
                            .who = { .channel = slice_str(to->kind->messages->channel),
                                     .account = to->kind->messages->account(&to->cfg) },
                            .word = SLICE("account: the restriction is over"),
                            .now_ms = now_ms };
        rc = judge(&j, why);
        if (rc == ERR_SYNTAX) {
            LOG(log, LOG_ERROR, "destination.not_judged", log_str("destination", to->name),
                log_why(why));
            rc = OK;
        }
    }
    return rc;
}
