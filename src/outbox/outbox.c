/* outbox.c: see outbox.h. */
#include "outbox/outbox.h"

#include "base/brazil.h"
#include "base/id.h"
#include "base/text.h"
#include "records/records.h"

static slice digits_of(slice s) { return slice_starts(s, SLICE("+")) ? slice_sub(s, 1, s.len) : s; }

slice outbox_recipient(slice to, struct arena *arena)
{
    struct brazil_phone phone;
    slice digits = digits_of(to);
    bool plain = text_is_digits(digits);
    if (contact_is_user_id(to)) return to;
    /* With a country code it goes as it is: WhatsApp's own form may lack the ninth digit. */
    if (plain && (to.len != digits.len || digits.len > 11))
        return arena_printf(arena, "+%.*s", SLICE_ARG(digits));
    return brazil_phone(to, &phone, NULL) == OK ? arena_dup(arena, brazil_phone_text(&phone)) : to;
}

enum err outbox_destination(const struct config *config, uint64_t workspace_id, slice name,
                            const struct destination **out, struct why *why)
{
    size_t count = 0;
    *out = NULL;
    for (size_t i = 0; i < config->destination_count; i++) {
        const struct destination *d = &config->destinations[i];
        if (d->workspace_id != workspace_id || !d->kind->messages) continue;
        if (name.len > 0 && !slice_eq(name, d->name)) continue;
        *out = d;
        count++;
    }
    if (count == 1) return OK;
    if (name.len > 0)
        return why_set(why, ERR_MISSING, "there is no destination \"%.*s\" that sends messages",
                       SLICE_ARG(slice_sub(name, 0, NAME_MAX_BYTES)));
    if (count == 0) return why_set(why, ERR_MISSING, "there is no destination that sends messages");
    return why_set(why, ERR_SYNTAX, "there are %zu destinations that send messages: name one",
                   count);
}

/* The event as a request of the hub's own: no method, no path, nobody sent it. Takes the entry. */
static struct journal_entry *finish(struct journal_entry *e, struct log *log, struct buf *b,
                                    int64_t at_ms)
{
    struct why why;
    e->request = (struct request){ .body = buf_slice(b), .received_ms = at_ms };
    if (buf_ok(b) && journal_entry_read(e, log, &why) == OK && e->events.count == 1) return e;
    journal_entry_free(e);
    return NULL;
}

struct journal_entry *outbox_alert(struct config *config, struct log *log,
                                   const struct outbox_alert *a)
{
    const struct source *own =
        config_source_builtin(config, a->to ? a->to->workspace_id : a->workspace_id);
    struct journal_entry *e = own ? journal_entry_new(config, own) : NULL;
    if (!e) return NULL;
    struct buf b = buf_in(&e->arena, OUTBOX_ALERT_MAX);
    json_begin_object(&b, NULL);
    json_put_str(&b, "alert", a->alert);
    if (a->campaign_id) json_put_str(&b, "campaign", a->campaign);
    json_put_id(&b, "campaign_id", ID_CAMPAIGN, a->campaign_id);
    if (a->to) {
        json_put_str(&b, "destination", a->to->name);
        json_put_id(&b, "destination_id", ID_DESTINATION, a->to->id);
    } else {
        json_put_id(&b, "event_id", ID_EVENT, a->event_id);
        json_put_opt(&b, "account", a->account);
        json_put_opt(&b, "number", a->number);
    }
    json_put_str(&b, "reason", a->reason);
    json_put_time(&b, "at", a->at_ms);
    json_end_object(&b);
    return finish(e, log, &b, a->at_ms);
}

struct journal_entry *outbox_entry(struct config *config, struct log *log,
                                   const struct outbox_message *m)
{
    const struct dest_messages *kind = m->to->kind->messages;
    const struct source *own = config_source_builtin(config, m->to->workspace_id);
    struct journal_entry *e = own ? journal_entry_new(config, own) : NULL;
    if (!e) return NULL;
    struct buf b = buf_in(&e->arena, OUTBOX_TEXT_MAX);
    json_begin_object(&b, NULL);
    json_put_str(&b, "key", m->key);
    json_put_id(&b, "destination_id", ID_DESTINATION, m->to->id);
    json_put_id(&b, "delivery_id", ID_DELIVERY, m->delivery_id);
    json_put_id(&b, "message_id", ID_MESSAGE, m->message_id);
    json_put_id(&b, "campaign_id", ID_CAMPAIGN, m->campaign_id);
    json_put_str(&b, "channel", slice_str(kind->channel));
    json_put_str(&b, "account", kind->account(&m->to->cfg));
    json_put_time(&b, "at", m->at_ms);
    json_put_raw(&b, "message", json_print(m->message, &e->arena));
    json_end_object(&b);
    return finish(e, log, &b, m->at_ms);
}
