/* giveup.c: a campaign whose messages are refused one after another for one reason is paused: the reason is then not the recipient but
 * the template, or the number, and would be everybody's. And so is one of which the channel, having taken it, sends no more for now
 * (records/campaign.c, try_again), or whose template it will not
 * send any more. */
#include "base/clock.h"
#include "campaign/loop.h"
#include "outbox/outbox.h"
#include "records/apply.h"

struct give_up {
    const struct campaign *campaign;
    slice reason;
    int64_t now_ms;
};

/* With its alert; neither if a person was faster. */
static enum err give_up_run(void *ctx, struct store *s, bool *drop, struct why *why)
{
    const struct give_up *g = ctx;
    struct stmt *q = store_stmt(s, SQL_CAMPAIGN_GIVE_UP, why);
    stmt_i64(q, 1, (int64_t)g->campaign->workspace_id);
    stmt_i64(q, 2, (int64_t)g->campaign->id);
    stmt_i64(q, 3, g->now_ms);
    stmt_text(q, 4, g->reason);
    enum err rc = stmt_run(q, why);
    *drop = rc != OK || store_changes(s) == 0;
    return rc;
}

static enum err give_up(struct campaigner *c, struct give_up *g, struct config *config,
                        const struct destination *to, bool *paused, struct why *why)
{
    LOG(c->o.log, LOG_WARN, "campaign.paused", log_id("campaign", ID_CAMPAIGN, g->campaign->id),
        log_str("why", g->reason));
    *paused = true;
    const struct outbox_alert alert = { .alert = SLICE("campaign_paused"),
                                        .to = to,
                                        .campaign_id = g->campaign->id,
                                        .campaign = g->campaign->name,
                                        .reason = g->reason,
                                        .at_ms = g->now_ms };
    struct journal_entry *e = outbox_alert(config, c->o.log, &alert);
    return e ? journal_call_entry(c->journal, give_up_run, g, e, why)
             : why_set(why, ERR_LIMIT, "out of memory");
}

/* The last that failed, if they are enough, are of one reason and all failed since the campaign was started: *first is the id of the
 * earliest of them; else 0. */
static enum err read_last(struct campaigner *c, const struct campaign *m, slice *reason,
                          int64_t *first, struct why *why)
{
    int64_t count = 0;
    bool row = true, same = true;
    enum err rc = OK;
    *first = 0;
    struct stmt *q = store_stmt(c->reader, SQL_CAMPAIGN_FAILED_LAST, why);
    stmt_i64(q, 1, (int64_t)m->workspace_id);
    stmt_i64(q, 2, (int64_t)m->id);
    stmt_i64(q, 3, CAMPAIGN_GIVE_UP);
    while (same && (rc = stmt_step(q, &row, why)) == OK && row) {
        if (count++ == 0) *reason = arena_dup(&c->arena, stmt_col_text(q, 1));
        same = slice_eq(*reason, stmt_col_text(q, 1)) && stmt_col_i64(q, 2) > m->updated_ms;
        *first = stmt_col_i64(q, 0);
    }
    stmt_reset(q);
    if (!same || count < CAMPAIGN_GIVE_UP) *first = 0;
    return rc;
}

enum err campaign_template_check(struct store *s, const struct destination *to, slice template,
                                 struct arena *arena, struct why *why)
{
    const struct dest_messages *m = to->kind->messages;
    json *root = NULL;
    slice text = arena_printf(arena, "{\"template\":%.*s}", SLICE_ARG(template)), name, language;
    enum err rc = json_parse(text, arena, &root, why);
    if (rc != OK || !m->template || !m->template(root, &name, &language)) return rc;
    return template_check(s, to->workspace_id, slice_str(m->channel), m->account(&to->cfg), name,
                          language, arena, why);
}

enum err campaign_check(struct campaigner *c, const struct campaign *m, struct config *config,
                        const struct destination *to, bool *paused, struct why *why)
{
    struct give_up g = { .campaign = m, .now_ms = clock_wall_ms() };
    slice reason = { NULL, 0 };
    int64_t first = 0;
    bool taken = false;
    *paused = false;
    if (m->limited.len > 0) {
        g.reason = m->limited;
        return give_up(c, &g, config, to, paused, why);
    }
    struct why refused = { .code = OK };
    enum err rc = campaign_template_check(c->reader, to, m->template, &c->arena, &refused);
    if (rc == ERR_DENIED) {
        g.reason = slice_str(refused.text);
        return give_up(c, &g, config, to, paused, why);
    }
    if (rc != OK) return why_set(why, rc, "%s", refused.text);
    rc = read_last(c, m, &reason, &first, why);
    if (rc != OK || first == 0) return rc;
    struct stmt *q = store_stmt(c->reader, SQL_CAMPAIGN_TAKEN_SINCE, why);
    stmt_i64(q, 1, (int64_t)m->workspace_id);
    stmt_i64(q, 2, (int64_t)m->id);
    stmt_i64(q, 3, first);
    rc = stmt_step(q, &taken, why);
    stmt_reset(q);
    if (rc != OK || taken) return rc;
    g.reason =
        arena_printf(&c->arena, "%d in a row failed: %.*s", CAMPAIGN_GIVE_UP, SLICE_ARG(reason));
    return give_up(c, &g, config, to, paused, why);
}
