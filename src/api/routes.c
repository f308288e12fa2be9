/* routes.c: the table. Order does not matter but for reading. */
#include "api/routes.h"

#define LIST_QUERY "limit cursor"

const struct api_route api_routes[] = {
    { "GET", "/health", ROLE_READER, false, true, api_health, "Is the process alive", NULL },
    { "GET", "/health/detailed", ROLE_READER, true, false, api_health_detailed, "Each part: store, writer, deliveries, disk", NULL },
    { "GET", "/status", ROLE_READER, true, false, api_status, "Version, uptime, queues, destinations", NULL },
    { "GET", "/metrics", ROLE_READER, true, false, api_metrics, "Prometheus text format", NULL },
    { "GET", "/api/openapi.json", ROLE_READER, false, true, api_openapi, "This document", NULL },
    { "GET", "/api/kinds", ROLE_READER, false, false, api_kinds, "Source and destination kinds with their settings", NULL },

    { "GET", "/api/sources", ROLE_READER, false, false, api_sources, "All sources", NULL },
    { "POST", "/api/sources", ROLE_ADMIN, false, false, api_sources, "Create a source", NULL },
    { "GET", "/api/sources/{name}", ROLE_READER, false, false, api_source, "One source", NULL },
    { "PUT", "/api/sources/{name}", ROLE_ADMIN, false, false, api_source, "Replace a source's settings; secrets not given stay", NULL },
    { "PATCH", "/api/sources/{name}", ROLE_ADMIN, false, false, api_source, "Change some settings of a source", NULL },
    { "DELETE", "/api/sources/{name}", ROLE_ADMIN, false, false, api_source, "Delete a source; what it received stays", NULL },
    { "POST", "/api/sources/{name}/send", ROLE_OPERATOR, false, false, api_send, "Post a signed sample to the source: {\"event\":\"…\"}", NULL },

    { "GET", "/api/destinations", ROLE_READER, false, false, api_destinations, "All destinations", NULL },
    { "POST", "/api/destinations", ROLE_ADMIN, false, false, api_destinations, "Create a destination", NULL },
    { "GET", "/api/destinations/{name}", ROLE_READER, false, false, api_destination, "One destination", NULL },
    { "PUT", "/api/destinations/{name}", ROLE_ADMIN, false, false, api_destination, "Replace a destination's settings; secrets not given stay", NULL },
    { "PATCH", "/api/destinations/{name}", ROLE_ADMIN, false, false, api_destination, "Change some settings of a destination", NULL },
    { "DELETE", "/api/destinations/{name}", ROLE_ADMIN, false, false, api_destination, "Delete a destination and cancel what waits for it", NULL },
    { "POST", "/api/destinations/{name}/probe", ROLE_OPERATOR, false, false, api_probe, "Test the connection", NULL },
    { "POST", "/api/destinations/{name}/pause", ROLE_OPERATOR, false, false, api_pause, "Kill switch: no new attempts within a second", NULL },
    { "POST", "/api/destinations/{name}/resume", ROLE_OPERATOR, false, false, api_resume, "End the kill switch or a hold", NULL },

    { "GET", "/api/routes", ROLE_READER, false, false, api_routes_list, "All routes", NULL },
    { "POST", "/api/routes", ROLE_ADMIN, false, false, api_routes_list, "Create a route", NULL },
    { "GET", "/api/routes/{name}", ROLE_READER, false, false, api_route_one, "One route", NULL },
    { "PUT", "/api/routes/{name}", ROLE_ADMIN, false, false, api_route_one, "Replace a route", NULL },
    { "PATCH", "/api/routes/{name}", ROLE_ADMIN, false, false, api_route_one, "Change some settings of a route", NULL },
    { "DELETE", "/api/routes/{name}", ROLE_ADMIN, false, false, api_route_one, "Delete a route; its deliveries stay", NULL },
    { "POST", "/api/apply", ROLE_ADMIN, false, false, api_apply, "Make the configuration as given: {sources, destinations, routes}", "dry_run prune" },
    { "GET", "/api/export", ROLE_ADMIN, false, false, api_export, "The configuration without secrets", NULL },

    { "GET", "/api/events", ROLE_READER, false, false, api_events, "Events, newest first", "source type state since until " LIST_QUERY },
    { "GET", "/api/events/stats", ROLE_READER, false, false, api_stats, "Totals; the same as /api/stats", NULL },
    { "GET", "/api/events/{id}", ROLE_READER, false, false, api_event, "One event with its data and deliveries", NULL },
    { "POST", "/api/events/{id}/retry", ROLE_OPERATOR, false, false, api_event_retry, "Interpret and route it again", NULL },
    { "POST", "/api/events/replay", ROLE_OPERATOR, false, false, api_replay, "Interpret and route again by {source, type, state, since, until, dry_run}", NULL },
    { "GET", "/api/requests", ROLE_READER, false, false, api_requests, "Requests as received, newest first", "source problem since until " LIST_QUERY },
    { "GET", "/api/requests/{id}", ROLE_READER, false, false, api_request, "One request; its body for keys that may see personal data", NULL },

    { "GET", "/api/deliveries", ROLE_READER, false, false, api_deliveries, "Deliveries, newest first", "destination state since until " LIST_QUERY },
    { "GET", "/api/deliveries/{id}", ROLE_READER, false, false, api_delivery, "One delivery with its attempts", NULL },
    { "POST", "/api/deliveries/{id}/retry", ROLE_OPERATOR, false, false, api_delivery_retry, "A dead, cancelled or waiting one: try now", NULL },
    { "POST", "/api/deliveries/{id}/resend", ROLE_OPERATOR, false, false, api_delivery_resend, "Send again, also when delivered; same event id", NULL },
    { "POST", "/api/deliveries/{id}/cancel", ROLE_OPERATOR, false, false, api_delivery_cancel, "Never send it", NULL },

    { "GET", "/api/dead-letters", ROLE_READER, false, false, api_dead, "Dead deliveries and failed events, newest first", "kind destination archived " LIST_QUERY },
    { "GET", "/api/dead-letters/stats", ROLE_READER, false, false, api_dead_stats, "Dead letters by destination or source and reason", NULL },
    { "POST", "/api/dead-letters/retry", ROLE_OPERATOR, false, false, api_dead_retry_all, "Retry by {kind, destination, source, since, until, reason}", NULL },
    { "POST", "/api/dead-letters/{id}/retry", ROLE_OPERATOR, false, false, api_dead_retry, "Retry one", NULL },
    { "POST", "/api/dead-letters/{id}/archive", ROLE_OPERATOR, false, false, api_dead_archive, "Put one aside", NULL },
    { "DELETE", "/api/dead-letters/{id}", ROLE_ADMIN, false, false, api_dead_delete, "Delete one for good", NULL },

    { "GET", "/api/contacts", ROLE_READER, false, false, api_contacts, "Contacts, newest first", "email phone document " LIST_QUERY },
    { "GET", "/api/contacts/{id}", ROLE_READER, false, false, api_contact, "One contact with the origin of each field", NULL },
    { "GET", "/api/orders", ROLE_READER, false, false, api_orders, "Orders, newest first", "status " LIST_QUERY },
    { "GET", "/api/orders/{number}", ROLE_READER, false, false, api_order, "One order by its number", NULL },
    { "GET", "/api/stats", ROLE_READER, false, false, api_stats, "Totals", NULL },

    { "GET", "/api/keys", ROLE_ADMIN, false, false, api_keys, "API keys (never the keys themselves)", NULL },
    { "POST", "/api/keys", ROLE_ADMIN, false, false, api_keys, "Make a key: {name, role, rate_per_min, personal_data}; shown once", NULL },
    { "DELETE", "/api/keys/{name}", ROLE_ADMIN, false, false, api_key, "Delete a key", NULL },
};
const size_t api_route_count = ARRAY_LEN(api_routes);
