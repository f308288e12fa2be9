/* routes.h: the table of everything the API answers; openapi.c writes the OpenAPI document from it. One file per resource. */
#ifndef MALOTE_API_ROUTES_H
#define MALOTE_API_ROUTES_H

#include "api/mention.h"
#include "media/prune.h"

struct api_route {
    const char *method;
    const char *path;   /* "/api/sources/{name}"; parts in braces become c->param[] */
    enum key_role role; /* which role it takes: keys_may */
    bool open;          /* no key needed from this machine (loopback); with one from elsewhere */
    bool public;        /* no key needed at all */
    void (*handle)(struct call *c);
    const char *summary;
    const char *query; /* names of query parameters, blank-separated; NULL: none */
};
extern const struct api_route api_routes[];
extern const size_t api_route_count;

/* config_api.c */
void api_sources(struct call *c);
void api_source(struct call *c);
void api_destinations(struct call *c);
void api_destination(struct call *c);
void api_routes_list(struct call *c);
void api_route_one(struct call *c);
void api_kinds(struct call *c);
void api_probe(struct call *c);
void api_pause(struct call *c);
void api_resume(struct call *c);
/* apply.c */
void api_apply(struct call *c);
void api_export(struct call *c);
/* send.c */
void api_send(struct call *c);
/* ingest.c */
void api_ingest(struct call *c);
/* message_send.c */
void api_message_send(struct call *c);
/* campaigns.c */
void api_campaigns(struct call *c);
void api_campaign(struct call *c);
void api_campaign_start(struct call *c);
void api_campaign_pause(struct call *c);
void api_campaign_cancel(struct call *c);
/* campaign_recipients.c */
void api_campaign_recipients(struct call *c);
/* events.c */
void api_events(struct call *c);
void api_event(struct call *c);
void api_event_retry(struct call *c);
void api_replay(struct call *c);
void api_requests(struct call *c);
void api_request(struct call *c);
/* reread.c */
void api_request_retry(struct call *c);
void api_requests_retry(struct call *c);
/* deliveries.c */
void api_deliveries(struct call *c);
void api_delivery(struct call *c);
void api_delivery_retry(struct call *c);
void api_delivery_resend(struct call *c);
void api_delivery_cancel(struct call *c);
/* dead.c */
void api_dead(struct call *c);
void api_dead_stats(struct call *c);
void api_dead_retry_all(struct call *c);
void api_dead_retry(struct call *c);
void api_dead_archive(struct call *c);
void api_dead_delete(struct call *c);
/* records_api.c */
void api_contacts(struct call *c);
void api_contact(struct call *c);
/* person.c */
void api_contact_export(struct call *c);
/* person_erase.c */
void api_contact_erase(struct call *c);
/* origin.c: in the request that the event's own was cut from, if it was handed over; on the writer. */
MUST_CHECK enum err api_origin_erase(struct store *s, uint64_t workspace_id, uint64_t event_id,
                                     struct why *why);
/* The names alone: in the event's part of its own request, and in what that was cut from. */
MUST_CHECK enum err api_origin_unname(struct store *s, uint64_t workspace_id, uint64_t event_id,
                                      const struct mention_names *names, struct why *why);
void api_orders(struct call *c);
void api_order(struct call *c);
/* message_stats.c */
void api_message_stats(struct call *c);
/* search.c */
void api_messages_search(struct call *c);
/* media_api.c */
void api_media_list(struct call *c);
void api_media_info(struct call *c);
void api_media_bytes(struct call *c);
void api_media_retry(struct call *c);
/* After a step that dropped rows of files: their bytes, as prune_bytes; the bucket is told. */
MUST_CHECK enum err api_media_remove(struct call *c, struct prune_gone *gone, int64_t *removed,
                                     struct why *why);
/* upload.c */
void api_upload(struct call *c);
void api_upload_piece(struct call *c);
/* May the message carry the file that it names, if it names one? */
MUST_CHECK enum err api_upload_check(struct call *c, const struct dest_messages *m, json *message,
                                     struct why *why);
/* listen_options.streams */
size_t api_upload_streams(slice method, slice path);
/* media_prune.c */
void api_media_prune(struct call *c);
/* messages.c */
void api_messages_list(struct call *c);
void api_message(struct call *c);
void api_conversations(struct call *c);
void api_conversation(struct call *c);
/* tickets.c */
void api_tickets(struct call *c);
void api_ticket(struct call *c);
void api_ticket_close(struct call *c);
void api_ticket_reopen(struct call *c);
void api_ticket_assign(struct call *c);
/* numbers.c */
void api_numbers(struct call *c);
/* templates.c */
void api_templates(struct call *c);
/* stats.c */
void api_stats(struct call *c);
void api_source_stats(struct call *c, const struct source *s);
void api_health(struct call *c);
void api_health_detailed(struct call *c);
void api_status(struct call *c);
void api_metrics(struct call *c);
/* keys_api.c */
void api_keys(struct call *c);
void api_key(struct call *c);
/* Shared by events.c, deliveries.c and dead.c: events to be interpreted once more; one delivery moved by a statement of deliveries.sql. */
MUST_CHECK enum err api_events_replay(struct call *c, uint64_t *ids, size_t count, size_t *changed,
                                      struct why *why);
MUST_CHECK enum err api_delivery_move(struct call *c, enum sql sql, uint64_t id, const char *reason,
                                      bool *moved, struct why *why);
/* workspaces.c: for the installation's owners, who have an admin key of `default`. */
void api_workspaces(struct call *c);
void api_workspace(struct call *c);
void api_workspace_enable(struct call *c);
void api_workspace_disable(struct call *c);
void api_workspace_key(struct call *c);
/* openapi.c */
void api_openapi(struct call *c);

#endif
