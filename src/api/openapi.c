/* openapi.c: the OpenAPI 3.0 document, written from the table in routes.c, so that it cannot fall behind. */
#include "api/routes.h"

static void put_parameter(struct buf *b, slice name, const char *in, bool required)
{
    json_begin_object(b, NULL);
    json_put_str(b, "name", name);
    json_put_str(b, "in", slice_str(in));
    if (required) json_put_bool(b, "required", true);
    json_begin_object(b, "schema");
    json_put_str(b, "type", SLICE("string"));
    json_end_object(b);
    json_end_object(b);
}

static void put_parameters(struct buf *b, const struct api_route *r)
{
    slice rest = slice_str(r->path), part;
    json_begin_array(b, "parameters");
    while (slice_cut(&rest, '/', &part))
        if (part.len > 2 && part.ptr[0] == '{')
            put_parameter(b, slice_sub(part, 1, part.len - 1), "path", true);
    rest = slice_str(r->query);
    while (r->query && slice_cut(&rest, ' ', &part)) put_parameter(b, part, "query", false);
    json_end_array(b);
}

static void put_operation(struct buf *b, const struct api_route *r)
{
    char method[8] = "";
    for (size_t i = 0; i < sizeof method - 1 && r->method[i]; i++)
        method[i] = (char)(r->method[i] + 32);
    json_begin_object(b, method);
    json_put_str(b, "summary", slice_str(r->summary));
    put_parameters(b, r);
    if (r->public) {
        json_begin_array(b, "security");
        json_end_array(b);
    } else {
        json_put_str(b, "x-role", slice_str(key_role_name[r->role]));
        json_begin_array(b, "x-roles");
        for (int role = 0; role < ROLE_COUNT; role++)
            if (keys_may((enum key_role)role, r->role))
                json_put_str(b, NULL, slice_str(key_role_name[role]));
        json_end_array(b);
    }
    json_begin_object(b, "responses");
    json_begin_object(b, "default");
    json_put_str(b, "description", SLICE("JSON; an error is {\"error\":{\"code\",\"message\"}}"));
    json_end_object(b);
    json_end_object(b);
    json_end_object(b);
}

void api_openapi(struct call *c)
{
    struct buf *b = &c->out;
    json_begin_object(b, NULL);
    json_put_str(b, "openapi", SLICE("3.0.3"));
    json_begin_object(b, "info");
    json_put_str(b, "title", SLICE("Malote"));
    json_put_str(b, "version", SLICE(MALOTE_VERSION));
    json_end_object(b);
    json_put_raw(b, "components",
                 SLICE("{\"securitySchemes\":{\"key\":{\"type\":\"apiKey\",\"in\":\"header\","
                       "\"name\":\"X-API-Key\"},"
                       "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"}}}"));
    json_put_raw(b, "security", SLICE("[{\"key\":[]},{\"bearer\":[]}]"));
    json_begin_object(b, "paths");
    for (size_t i = 0; i < api_route_count; i++) {
        bool first =
            true; /* routes of one path may stand apart in the table: written where the path comes first */
        for (size_t j = 0; j < i; j++)
            first = first && strcmp(api_routes[j].path, api_routes[i].path) != 0;
        if (!first) continue;
        json_begin_object(b, api_routes[i].path);
        for (size_t j = i; j < api_route_count; j++)
            if (strcmp(api_routes[j].path, api_routes[i].path) == 0)
                put_operation(b, &api_routes[j]);
        json_end_object(b);
    }
    json_end_object(b);
    json_end_object(b);
    reply_json(c, 200);
}
