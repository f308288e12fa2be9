/* lead.c: leads that a site's own form posts, by JSON or as a plain form. Settings and field
 * names: docs/sources/lead.md.
 *
 * Why so: the browser itself posts, so the key is public and only keeps strangers' noise out;
 * what it says about a person is that person's own word (ORIGIN_LEAD), and the address it comes
 * from is the visitor's unless a server posts. */
#include "base/text.h"
#include "crypto/hash.h"
#include "sources/clean.h"
#include "sources/source.h"

enum setting_index { SET_WRITE_KEY, SET_ORIGINS, SET_SERVER_SIDE, SET_COUNT };

static const struct setting settings[] = {
    [SET_WRITE_KEY] = { .name = "write_key",
                        .type = SETTING_LIST,
                        .required = true,
                        .max = 256,
                        .help = "Public key the site sends along; two while it is being changed." },
    [SET_ORIGINS] = { .name = "origins",
                      .type = SETTING_LIST,
                      .fallback = "[]",
                      .max = 256,
                      .help = "Sites that may post from a browser (https://www.example.com); \"*\" "
                              "for any." },
    [SET_SERVER_SIDE] = { .name = "server_side",
                          .type = SETTING_BOOL,
                          .fallback = "false",
                          .help = "The site's server posts: its address is not the visitor's." },
};
_Static_assert(ARRAY_LEN(settings) == SET_COUNT, "every setting is in the table");

enum {
    LEAD_FIELDS_MAX = 200,           /* fields of one post that are looked at */
    LEAD_DEDUPE_MS = 10 * 60 * 1000, /* the same post again within this window is a repeat */
};

/* Names a field may have, best first; compared exactly. */
struct alias {
    const char *name;
    enum contact_field field;
};
static const struct alias aliases[] = {
    { "email", CONTACT_email },
    { "e-mail", CONTACT_email },
    { "e_mail", CONTACT_email },
    { "mail", CONTACT_email },
    { "your-email", CONTACT_email },
    { "phone", CONTACT_phone },
    { "phone_number", CONTACT_phone },
    { "mobile", CONTACT_phone },
    { "tel", CONTACT_phone },
    { "telefone", CONTACT_phone },
    { "celular", CONTACT_phone },
    { "whatsapp", CONTACT_phone },
    { "document", CONTACT_document },
    { "documento", CONTACT_document },
    { "cpf", CONTACT_document },
    { "cnpj", CONTACT_document },
    { "cpf_cnpj", CONTACT_document },
    { "external_id", CONTACT_external_id },
    { "user_id", CONTACT_external_id },
    { "first_name", CONTACT_first_name },
    { "firstname", CONTACT_first_name },
    { "primeiro_nome", CONTACT_first_name },
    { "last_name", CONTACT_last_name },
    { "lastname", CONTACT_last_name },
    { "sobrenome", CONTACT_last_name },
    { "name", CONTACT_name },
    { "full_name", CONTACT_name },
    { "nome", CONTACT_name },
    { "nome_completo", CONTACT_name },
    { "your-name", CONTACT_name },
    { "birth_date", CONTACT_birth_date },
    { "birthdate", CONTACT_birth_date },
    { "birthday", CONTACT_birth_date },
    { "data_nascimento", CONTACT_birth_date },
    { "gender", CONTACT_gender },
    { "sexo", CONTACT_gender },
    { "city", CONTACT_city },
    { "cidade", CONTACT_city },
    { "state", CONTACT_state },
    { "estado", CONTACT_state },
    { "uf", CONTACT_state },
    { "zip", CONTACT_zip },
    { "zip_code", CONTACT_zip },
    { "zipcode", CONTACT_zip },
    { "postal_code", CONTACT_zip },
    { "cep", CONTACT_zip },
    { "country", CONTACT_country },
    { "pais", CONTACT_country },
    { "street", CONTACT_street },
    { "endereco", CONTACT_street },
    { "fbp", CONTACT_fbp },
    { "_fbp", CONTACT_fbp },
    { "fbc", CONTACT_fbc },
    { "_fbc", CONTACT_fbc },
    { "fbclid", CONTACT_fbclid },
    { "ip", CONTACT_client_ip },
    { "client_ip", CONTACT_client_ip },
    { "user_agent", CONTACT_user_agent },
    { "userAgent", CONTACT_user_agent },
    { "consent", CONTACT_consent },
    { "consentimento", CONTACT_consent },
    { "utm_source", CONTACT_utm_source },
    { "utm_medium", CONTACT_utm_medium },
    { "utm_campaign", CONTACT_utm_campaign },
    { "utm_term", CONTACT_utm_term },
    { "utm_content", CONTACT_utm_content },
    { "page_url", CONTACT_page_url },
    { "url", CONTACT_page_url },
    { "page", CONTACT_page_url },
    { "referrer", CONTACT_referrer },
    { "referer", CONTACT_referrer },
};

static const slice form_type = SLICE_INIT("application/x-www-form-urlencoded");

/* ---- the body, in either form ---- */

struct post {
    json *root; /* NULL: a form */
    slice form;
};

/* Every name of the tables is looked for in every field, so their number has a limit. */
static enum err check_count(const struct post *p, struct why *why)
{
    size_t count = p->root ? yyjson_obj_size(p->root) : 0;
    for (slice item, rest = p->form;
         !p->root && count <= LEAD_FIELDS_MAX && slice_cut(&rest, '&', &item);)
        count++;
    return count <= LEAD_FIELDS_MAX
               ? OK
               : why_set(why, ERR_LIMIT, "more than %d fields", LEAD_FIELDS_MAX);
}

static enum err read_post(struct request *r, struct arena *arena, struct post *p, struct why *why)
{
    *p = (struct post){ 0 };
    if (request_is_type(r, SLICE("multipart/form-data")))
        return why_set(why, ERR_SYNTAX,
                       "multipart/form-data is not taken: post JSON or a urlencoded form");
    if (request_is_type(r, form_type)) {
        p->form = r->body;
        return check_count(p, why);
    }
    /* Any other type: sendBeacon sends JSON as text/plain. */
    enum err rc = request_json(r, arena, &p->root, why);
    if (rc == OK && !yyjson_is_obj(p->root))
        return why_set(why, ERR_SYNTAX, "a lead must be a JSON object");
    return rc == OK ? check_count(p, why) : rc;
}

/* Value of field `name`; absent: no ptr. *number: it was a JSON number. */
static slice get(const struct post *p, const char *name, struct cleaner *cl, bool *number)
{
    *number = false;
    if (p->root) {
        json *v = json_get(p->root, name);
        *number = yyjson_is_raw(v);
        if (yyjson_is_bool(v)) return yyjson_get_bool(v) ? SLICE("true") : SLICE("false");
        return json_text(v);
    }
    slice raw = text_query_get(p->form, slice_str(name), NULL);
    if (raw.len == 0) return raw;
    slice value = text_url_decode(raw, cl->arena);
    if (!value.ptr) cl->full = true;
    return value;
}

/* ---- verify ---- */

static bool origin_allowed(const struct settings *cfg, slice origin)
{
    const struct setting_value *list = settings_get(cfg, SET_ORIGINS);
    for (size_t i = 0; i < list->count; i++) {
        slice allowed = list->items[i].value;
        if (slice_eq(allowed, SLICE("*")) || (allowed.len > 0 && slice_eq_nocase(allowed, origin)))
            return true;
    }
    return false;
}

/* The key as sent: header, else query, else body; the first that is there counts. A repeated one
 * counts as wrong. */
static bool sent_key(struct request *r, struct cleaner *cl, slice *key)
{
    size_t count = request_header_count(r, SLICE("x-write-key"));
    *key = request_header(r, SLICE("x-write-key"));
    if (count > 0) return count == 1;
    *key = text_query_get(r->query, SLICE("write_key"), &count);
    if (count == 0 && request_is_type(r, form_type))
        *key = text_query_get(r->body, SLICE("write_key"), &count);
    if (count > 0) {
        *key = text_url_decode(*key, cl->arena);
        return count == 1 && key->ptr;
    }
    struct post p;
    if (read_post(r, cl->arena, &p, NULL) != OK || !p.root) return false;
    *key = json_str(json_get(p.root, "write_key"));
    return key->len > 0;
}

static enum err verify(struct request *r, const struct settings *cfg, int64_t now_ms UNUSED,
                       struct arena *arena, struct why *why)
{
    const struct setting_value *keys = settings_get(cfg, SET_WRITE_KEY);
    struct cleaner cl = { .arena = arena };
    slice origin = request_header(r, SLICE("origin")), key;
    /* Browsers name their origin on every post across sites, also of plain forms, to which no
     * preflight applies. */
    if (origin.ptr && !origin_allowed(cfg, origin))
        return why_set(why, ERR_DENIED, "origin_not_allowed");
    if (!sent_key(r, &cl, &key)) return why_set(why, ERR_DENIED, "missing_write_key");
    bool good = false;
    for (size_t i = 0; i < keys->count; i++)
        good |= keys->items[i].value.len > 0 && hash_equal(key, keys->items[i].value);
    return good ? OK : why_set(why, ERR_DENIED, "wrong_write_key");
}

static enum err check(const struct settings *cfg, struct why *why)
{
    const struct setting_value *keys = settings_get(cfg, SET_WRITE_KEY),
                               *origins = settings_get(cfg, SET_ORIGINS);
    for (size_t i = 0; i < keys->count; i++)
        if (keys->items[i].value.len == 0)
            return why_set(why, ERR_SYNTAX, "setting `write_key`: a key is empty");
    if (keys->count == 0) return why_set(why, ERR_SYNTAX, "setting `write_key`: is required");
    for (size_t i = 0; i < origins->count; i++) {
        slice o = origins->items[i].value;
        size_t scheme = slice_starts(o, SLICE("https://"))  ? 8
                        : slice_starts(o, SLICE("http://")) ? 7
                                                            : 0;
        slice host = slice_sub(o, scheme, o.len);
        if (slice_eq(o, SLICE("*"))) continue;
        if (scheme == 0 || host.len == 0 || slice_find(host, '/') < host.len ||
            slice_find(host, '*') < host.len)
            return why_set(why, ERR_SYNTAX,
                           "setting `origins`: https://host without a path, or \"*\"");
    }
    return OK;
}

/* ---- split and interpret ---- */

/* Is the sender the visitor's own browser? Then its address and name are the visitor's. */
static bool from_visitor(const struct request *r, const struct settings *cfg)
{
    return !settings_bool(cfg, SET_SERVER_SIDE) && !request_is_relayed(r);
}

/* Whose double click it is: without an id of its own, a post is the same as another one when
 * every byte of it, the visitor's address and browser are the same within one window of ten
 * minutes. A later lead differs in something or comes later, so none is lost; a repeat across
 * the edge of two windows is kept twice, which does less harm. */
static slice digest_key(const struct request *r, const struct settings *cfg, struct cleaner *cl)
{
    uint8_t digest[HASH_BYTES_MAX];
    char hex[2 * HASH_BYTES_MAX];
    slice window = arena_printf(cl->arena, "%lld", (long long)(r->received_ms / LEAD_DEDUPE_MS));
    const slice parts[] = { window,
                            SLICE("\n"),
                            from_visitor(r, cfg) ? r->remote : SLICE(""),
                            SLICE("\n"),
                            request_header(r, SLICE("user-agent")),
                            SLICE("\n"),
                            r->query,
                            SLICE("\n"),
                            r->body };
    size_t len = hash_digest(HASH_SHA256, parts, ARRAY_LEN(parts), digest);
    slice key =
        arena_printf(cl->arena, "post:%.*s", SLICE_ARG(text_hex(slice_of(digest, len), hex)));
    if (!window.ptr || !key.ptr) cl->full = true;
    return key;
}

/* Values that stand in the page's address are taken from there when the post itself has none. */
static void read_page_url(struct cleaner *cl, struct contact *c)
{
    static const struct alias params[] = {
        { "fbclid", CONTACT_fbclid },         { "utm_source", CONTACT_utm_source },
        { "utm_medium", CONTACT_utm_medium }, { "utm_campaign", CONTACT_utm_campaign },
        { "utm_term", CONTACT_utm_term },     { "utm_content", CONTACT_utm_content },
    };
    slice url = c->field[CONTACT_page_url];
    slice query = slice_sub(url, slice_find(url, '?') + 1, slice_find(url, '#'));
    for (size_t i = 0; i < ARRAY_LEN(params); i++) {
        if (c->field[params[i].field].len > 0) continue;
        slice raw = text_query_get(query, slice_str(params[i].name), NULL);
        if (raw.len == 0) continue;
        slice value = text_url_decode(raw, cl->arena);
        if (!value.ptr) cl->full = true;
        clean_contact(cl, c, params[i].field, value, false);
    }
}

/* The visitor's click id as Meta's cookie would hold it: fb.1.<ms of the first sight>.<fbclid>. */
static void read_click(struct cleaner *cl, const struct request *r, struct contact *c)
{
    slice fbclid = c->field[CONTACT_fbclid];
    if (fbclid.len == 0) return;
    if (slice_find(fbclid, ' ') < fbclid.len) {
        c->field[CONTACT_fbclid] = (slice){ NULL, 0 };
        return;
    }
    c->fbclid_ms = r->received_ms;
    if (c->field[CONTACT_fbc].len > 0) return;
    c->field[CONTACT_fbc] =
        arena_printf(cl->arena, "fb.1.%lld.%.*s", (long long)r->received_ms, SLICE_ARG(fbclid));
    if (!c->field[CONTACT_fbc].ptr) cl->full = true;
}

static struct contact *read_contact(struct cleaner *cl, const struct request *r,
                                    const struct settings *cfg, const struct post *p)
{
    struct contact *c = arena_new(cl->arena, struct contact, 1);
    bool number = false;
    if (!c) {
        cl->full = true;
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        if (c->field[aliases[i].field].len > 0) continue;
        slice value = get(p, aliases[i].name, cl, &number);
        if (value.len > 0) clean_contact(cl, c, aliases[i].field, value, number);
    }
    if (from_visitor(r, cfg)) {
        if (c->field[CONTACT_client_ip].len == 0)
            clean_contact(cl, c, CONTACT_client_ip, r->remote, false);
        if (c->field[CONTACT_user_agent].len == 0)
            clean_contact(cl, c, CONTACT_user_agent, request_header(r, SLICE("user-agent")), false);
    }
    read_page_url(cl, c);
    read_click(cl, r, c);
    clean_contact_end(cl, c);
    return c;
}

static bool is_known(slice name)
{
    if (slice_eq(name, SLICE("write_key"))) return true;
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
        if (slice_eq(name, slice_str(aliases[i].name))) return true;
    return false;
}

static void put_extra(struct cleaner *cl, struct buf *b, slice name, slice value)
{
    slice key = clean_text(cl, name), text = clean_text(cl, value);
    if (key.len == 0 || text.len == 0) return;
    key = arena_dup(cl->arena, key); /* with the NUL that the writer needs */
    if (!key.ptr)
        cl->full = true;
    else
        json_put_str(b, key.ptr, text);
}

/* Fields that are nobody's alias: the form's own questions, as texts. */
static slice read_custom(struct cleaner *cl, const struct post *p)
{
    struct buf b = buf_in(cl->arena, CLEAN_JSON_MAX);
    json_begin_object(&b, NULL);
    if (p->root) {
        yyjson_obj_iter it = yyjson_obj_iter_with(p->root);
        for (json *key; (key = yyjson_obj_iter_next(&it));) {
            json *v = yyjson_obj_iter_get_val(key);
            slice text = yyjson_is_bool(v) ? (yyjson_get_bool(v) ? SLICE("true") : SLICE("false"))
                                           : json_text(v);
            if (!is_known(json_str(key))) put_extra(cl, &b, json_str(key), text);
        }
    } else {
        slice item, rest = p->form;
        while (slice_cut(&rest, '&', &item)) {
            size_t eq = slice_find(item, '=');
            slice name = text_url_decode(slice_sub(item, 0, eq), cl->arena);
            slice value = text_url_decode(slice_sub(item, eq + 1, item.len), cl->arena);
            if (!name.ptr || !value.ptr)
                cl->full = true;
            else if (!is_known(name))
                put_extra(cl, &b, name, value);
        }
    }
    bool any = b.comma;
    json_end_object(&b);
    if (!buf_ok(&b)) cl->full = true;
    return any ? buf_slice(&b) : (slice){ NULL, 0 };
}

/* `submission_id` is known to be the post's own. `id` may as well be the form's, the same for every
 * visitor, so it counts together with who it is. */
static slice read_key(struct cleaner *cl, const struct request *r, const struct settings *cfg,
                      const struct post *p, const struct contact *c)
{
    uint8_t digest[HASH_BYTES_MAX];
    char hex[2 * HASH_BYTES_MAX];
    bool number;
    slice own = clean_text(cl, get(p, "submission_id", cl, &number));
    slice id = clean_text(cl, get(p, "id", cl, &number));
    if (own.len + id.len == 0) return digest_key(r, cfg, cl);
    const slice who[] = { c->field[CONTACT_email],       SLICE("\n"),
                          c->field[CONTACT_phone],       SLICE("\n"),
                          c->field[CONTACT_document],    SLICE("\n"),
                          c->field[CONTACT_external_id], SLICE("\n"),
                          c->field[CONTACT_name] };
    size_t len = hash_digest(HASH_SHA256, who, ARRAY_LEN(who), digest);
    slice parts[] = { SLICE("id"), own.len > 0 ? own : id,
                      text_hex(slice_of(digest, len / 2), hex) };
    slice key = event_key(cl->arena, parts, own.len > 0 ? 2 : 3);
    if (!key.ptr) cl->full = true;
    return key;
}

static enum err split(struct request *r, const struct settings *cfg, struct arena *arena,
                      struct event_list *out, struct why *why)
{
    struct cleaner cl = { .arena = arena };
    struct post p;
    enum err rc = read_post(r, arena, &p, why);
    if (rc != OK) return rc;
    const struct contact *c = read_contact(&cl, r, cfg, &p);
    if (cl.full) return clean_end(&cl, why);
    if (!clean_contact_known(c) && c->phone_error.len == 0 && c->document_error.len == 0)
        return why_set(
            why, ERR_SYNTAX,
            "no field says who it is: name, email, phone, document, external_id, fbp, fbclid");
    struct event *e = event_list_add(out, arena);
    if (!e) return why_set(why, ERR_LIMIT, "too many events");
    e->type = SLICE("lead.created");
    e->name = SLICE("");
    e->locator = SLICE("");
    e->key = read_key(&cl, r, cfg, &p, c);
    return clean_end(&cl, why);
}

static enum err interpret(struct request *r, const struct event *e UNUSED,
                          const struct settings *cfg, struct arena *arena, struct changes *out,
                          struct why *why)
{
    struct cleaner cl = { .arena = arena };
    struct post p;
    *out = (struct changes){ 0 };
    enum err rc = read_post(r, arena, &p, why);
    if (rc != OK) return rc;
    out->contact = read_contact(&cl, r, cfg, &p);
    out->custom = read_custom(&cl, &p);
    return clean_end(&cl, why);
}

static bool cors_origin(const struct settings *cfg, slice origin)
{
    return origin.len > 0 && origin_allowed(cfg, origin);
}

static enum err sample(slice name, const struct settings *cfg, int64_t now_ms UNUSED,
                       uint64_t nonce, struct arena *arena, struct sample *out, struct why *why)
{
    const struct setting_value *keys = settings_get(cfg, SET_WRITE_KEY);
    if (name.len > 0 && !slice_eq(name, SLICE("lead.created")))
        return why_set(why, ERR_MISSING, "known is lead.created");
    if (keys->count == 0) return why_set(why, ERR_MISSING, "the source has no write key");
    struct buf b = buf_in(arena, CLEAN_JSON_MAX);
    json_begin_object(&b, NULL);
    json_put_str(&b, "submission_id",
                 arena_printf(arena, "sample-%016llx", (unsigned long long)nonce));
    json_put_str(&b, "name", SLICE("Cliente Exemplo"));
    json_put_str(&b, "email", SLICE("cliente.exemplo@example.com"));
    json_put_str(&b, "phone", SLICE("+55 11 99999-0005"));
    json_put_str(&b, "page_url", SLICE("https://www.example.com/?utm_source=sample"));
    json_end_object(&b);
    *out = (struct sample){ .query = SLICE(""), .body = buf_slice(&b), .header_count = 2 };
    out->headers[0] = (struct header){ SLICE("Content-Type"), SLICE("application/json") };
    out->headers[1] = (struct header){ SLICE("X-Write-Key"), keys->items[0].value };
    return buf_ok(&b) ? OK : why_set(why, ERR_LIMIT, "arena full");
}

const struct source_kind source_lead = {
    .name = "lead",
    .abi = SOURCE_ABI,
    .title = "Lead form",
    .settings = settings,
    .setting_count = ARRAY_LEN(settings),
    .overload = OVERLOAD_REFUSE,
    .rank = ORIGIN_LEAD,
    .cors = true,
    .check = check,
    .verify = verify,
    .split = split,
    .interpret = interpret,
    .cors_origin = cors_origin,
    .sample = sample,
};
