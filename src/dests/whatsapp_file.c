/* whatsapp_file.c: files of ours for messages: what Meta takes of which type, and how it is given one.
 * Facts: docs/destinations/whatsapp-cloud.md. What Meta alone can know (the codec in a video) is left to its answer. */
#include "base/text.h"
#include "dests/whatsapp_cloud.h"

enum { KIB = 1024, MIB = 1024 * 1024, HEAD_MAX = 1024 };

/* The types that Meta lists; "": any. */
static const struct {
    const char *type, *mime;
    int64_t max;
} taken[] = {
    { "image", "image/jpeg", 5 * MIB },  { "image", "image/png", 5 * MIB },
    { "audio", "audio/aac", 16 * MIB },  { "audio", "audio/amr", 16 * MIB },
    { "audio", "audio/mp4", 16 * MIB },  { "audio", "audio/mpeg", 16 * MIB },
    { "audio", "audio/ogg", 16 * MIB },  { "video", "video/mp4", 16 * MIB },
    { "video", "video/3gpp", 16 * MIB }, { "sticker", "image/webp", 500 * KIB },
    { "document", "", 100 * MIB },
};

static void lead(struct whatsapp_file_place *p, json *v) { p->way[p->depth++] = v; }

/* v[type], if it names a file. */
static bool ends_at(struct whatsapp_file_place *p, json *v, slice type)
{
    json *file = type.len > 0 ? json_get_slice(v, type) : NULL;
    if (!json_get(file, "media")) return false;
    p->type = type;
    lead(p, file);
    return true;
}

/* components[] -> the header -> parameters[] -> the one with a file. */
static bool find_in_template(struct whatsapp_file_place *p, json *template)
{
    size_t i, is, k, ks;
    json *component, *parameter, *components = json_get(template, "components");
    yyjson_arr_foreach(components, i, is, component)
    {
        json *parameters = json_get(component, "parameters");
        if (!slice_eq_nocase(json_get_text(component, "type"), SLICE("header"))) continue;
        yyjson_arr_foreach(parameters, k, ks, parameter)
        {
            *p = (struct whatsapp_file_place){
                .way = { template, components, component, parameters, parameter }, .depth = 5
            };
            if (ends_at(p, parameter, json_get_text(parameter, "type"))) return true;
        }
    }
    return false;
}

struct whatsapp_file_place whatsapp_file_place(json *message)
{
    struct whatsapp_file_place p = { .depth = 0 };
    slice type = json_get_text(message, "type");
    json *v = type.len > 0 ? json_get_slice(message, type) : NULL, *header = json_get(v, "header");
    bool found = false;
    for (size_t i = 0; !found && i < ARRAY_LEN(taken); i++)
        found = slice_eq(type, slice_str(taken[i].type)) && ends_at(&p, message, type);
    if (!found && slice_eq(type, SLICE("template"))) found = find_in_template(&p, v);
    if (!found && slice_eq(type, SLICE("interactive"))) {
        p = (struct whatsapp_file_place){ .way = { v, header }, .depth = 2 };
        found = ends_at(&p, header, json_get_text(header, "type"));
    }
    return found ? p : (struct whatsapp_file_place){ .depth = 0 };
}

slice whatsapp_file(json *message)
{
    const struct whatsapp_file_place p = whatsapp_file_place(message);
    return p.depth > 0 ? json_get_text(p.way[p.depth - 1], "media") : (slice){ NULL, 0 };
}

enum err whatsapp_file_fits(json *message, slice mime, int64_t size, struct why *why)
{
    slice type = whatsapp_file_place(message).type;
    slice bare = slice_trim(slice_sub(mime, 0, slice_find(mime, ';')));
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        if (!slice_eq(type, slice_str(taken[i].type))) continue;
        if (taken[i].mime[0] && !slice_eq_nocase(bare, slice_str(taken[i].mime))) continue;
        if (size <= taken[i].max) return OK;
        return why_set(why, ERR_SYNTAX, "WhatsApp takes at most %d KiB as %s, this file has %d",
                       (int)(taken[i].max / KIB), taken[i].type, (int)((size + KIB - 1) / KIB));
    }
    return why_set(why, ERR_SYNTAX,
                   "WhatsApp takes no file of this type as %.*s; a document may be any",
                   SLICE_ARG(slice_sub(type, 0, 16)));
}

/* multipart/form-data (RFC 7578). The boundary is made of the file's own digest: no file holds its own. */
enum err whatsapp_file_upload(const struct outgoing_file *f, const struct settings *cfg,
                              struct arena *arena, struct outgoing *out, slice *before,
                              slice *after, struct why *why)
{
    slice boundary = arena_printf(arena, "malote-%.*s", SLICE_ARG(slice_sub(f->sha256, 0, 40)));
    slice type = arena_printf(arena, "multipart/form-data; boundary=%.*s", SLICE_ARG(boundary));
    struct buf b = buf_in(arena, HEAD_MAX);
    static const char field[] =
        "--%.*s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%.*s\r\n";
    buf_printf(&b, field, SLICE_ARG(boundary), "messaging_product", 8, "whatsapp");
    buf_printf(&b, field, SLICE_ARG(boundary), "type", SLICE_ARG(f->mime));
    buf_printf(&b,
               "--%.*s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n"
               "Content-Type: %.*s\r\n\r\n",
               SLICE_ARG(boundary), SLICE_ARG(f->mime));
    *before = buf_slice(&b);
    *after = arena_printf(arena, "\r\n--%.*s--\r\n", SLICE_ARG(boundary));
    if (!buf_ok(&b) || !after->ptr || !type.ptr)
        return why_set(why, ERR_LIMIT, "no memory left for the request");
    return whatsapp_cloud_request("POST", "/media", (slice){ NULL, 0 }, type, cfg, arena, out, why);
}

struct verdict whatsapp_file_uploaded(const struct reply *r, const struct settings *cfg,
                                      struct arena *arena)
{
    json *root = NULL;
    /* Given twice is given once: only messages must not be repeated on a guess. */
    if (r->status == 0)
        return verdict_of(VERDICT_RETRY, 0, "uploading: %.*s",
                          SLICE_ARG(slice_sub(r->error, 0, 160)));
    if (r->status == 408 || r->status >= 500)
        return verdict_of(VERDICT_RETRY, 0, "uploading: HTTP %d", r->status);
    if (r->status < 200 || r->status > 299) return whatsapp_judge(r, 1, cfg, arena);
    slice id = json_parse(r->body, arena, &root, NULL) == OK ? json_get_text(root, "id")
                                                             : (slice){ NULL, 0 };
    if (id.len == 0 || id.len > REMOTE_ID_MAX)
        return verdict_of(VERDICT_RETRY, 0, "uploading: an answer without an id");
    struct verdict v = verdict_of(VERDICT_DELIVERED, 0, "there");
    memcpy(v.remote_id, id.ptr, id.len);
    return v;
}
