/* message_json.c: names of what messages may be, and their part of an event's JSON (docs/events.md). */
#include "base/id.h"
#include "records/records.h"

const char *const message_direction_name[3] = { "", "in", "out" };
const char *const message_origin_name[] = { "", "history", "echo", "webhook", "api" };
_Static_assert(ARRAY_LEN(message_origin_name) == MESSAGE_ORIGIN_COUNT, "every origin has a name");
const char *const message_edit_name[] = { "", "edit", "revoke", "original", "unread" };
_Static_assert(ARRAY_LEN(message_edit_name) == MESSAGE_EDIT_KIND_COUNT, "every kind has a name");
const char *const message_state_name[] = { "",     "accepted", "sent",  "delivered",
                                           "read", "played",   "failed" };
_Static_assert(ARRAY_LEN(message_state_name) == MESSAGE_STATE_COUNT, "every state has a name");
const char *const media_state_name[] = { "",           "pending", "downloading",
                                         "downloaded", "failed",  "expired" };
_Static_assert(ARRAY_LEN(media_state_name) == MEDIA_STATE_COUNT, "every state has a name");
const char *const ticket_state_name[] = { "", "open", "closed" };
_Static_assert(ARRAY_LEN(ticket_state_name) == TICKET_STATE_COUNT, "every state has a name");

static void put_media(struct buf *b, const struct media *m)
{
    json_begin_object(b, "media");
    json_put_opt(b, "external_id", m->external_id);
    json_put_opt(b, "kind", m->kind);
    json_put_opt(b, "mime", m->mime);
    json_put_opt(b, "sha256", m->sha256);
    if (m->size > 0) json_put_i64(b, "size", m->size);
    json_put_opt(b, "filename", m->filename);
    json_put_opt(b, "problem", m->problem);
    json_end_object(b);
}

/* The link of a file is left out: it is a key to it for some minutes, and of no use after. */
void record_json_message(struct buf *b, const char *key, const struct message *m, uint64_t id)
{
    json_begin_object(b, key);
    json_put_id(b, "id", ID_MESSAGE, id);
    json_put_str(b, "channel", m->channel);
    json_put_opt(b, "account", m->account);
    json_put_str(b, "external_id", m->external_id);
    json_put_opt(b, "group", m->peer);
    json_put_opt(b, "direction", slice_str(message_direction_name[m->direction]));
    json_put_opt(b, "origin", slice_str(message_origin_name[m->origin]));
    json_put_str(b, "type", m->type);
    json_put_time(b, "at", m->at_ms);
    json_put_opt(b, "text", m->text);
    json_put_opt(b, "reply_to", m->reply_to);
    json_put_opt(b, "status", slice_str(message_state_name[m->state]));
    if (m->media) put_media(b, m->media);
    if (m->data.len) json_put_raw(b, "data", m->data);
    json_end_object(b);
}

void record_json_message_status(struct buf *b, const char *key, const struct message_status *s)
{
    json_begin_object(b, key);
    json_put_str(b, "channel", s->channel);
    json_put_opt(b, "account", s->account);
    json_put_str(b, "external_id", s->external_id);
    json_put_opt(b, "recipient", s->recipient);
    json_put_str(b, "status", s->word);
    json_put_time(b, "at", s->at_ms);
    json_put_opt(b, "callback", s->callback);
    if (s->data.len) json_put_raw(b, "data", s->data);
    json_end_object(b);
}

void record_json_message_edit(struct buf *b, const char *key, const struct message_edit *e)
{
    json_begin_object(b, key);
    json_put_str(b, "channel", e->channel);
    json_put_opt(b, "account", e->account);
    json_put_str(b, "external_id", e->external_id);
    json_put_str(b, "edit_id", e->edit_id);
    json_put_str(b, "kind", slice_str(message_edit_name[e->kind]));
    json_put_opt(b, "direction", slice_str(message_direction_name[e->direction]));
    json_put_time(b, "at", e->at_ms);
    json_put_opt(b, "text", e->text);
    if (e->data.len) json_put_raw(b, "data", e->data);
    json_end_object(b);
}

void record_json_message_reaction(struct buf *b, const char *key, const struct message_reaction *r)
{
    json_begin_object(b, key);
    json_put_str(b, "channel", r->channel);
    json_put_opt(b, "account", r->account);
    json_put_str(b, "external_id", r->external_id);
    json_put_str(b, "reaction_id", r->reaction_id);
    json_put_opt(b, "reactor", r->reactor);
    json_put_str(b, "emoji", r->emoji);
    json_put_time(b, "at", r->at_ms);
    json_end_object(b);
}
