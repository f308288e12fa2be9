/* who.c: see who.h. */
#include "api/who.h"

#include "records/apply.h"

/* The name the firm knows comes before the one of the profile, which is often none. */
void who_put(struct call *c, int64_t contact_id, slice fields)
{
    json *v = NULL;
    put_id(&c->out, "contact", ID_CONTACT, contact_id);
    if (fields.len == 0 || json_parse(fields, c->x->arena, &v, NULL) != OK) return;
    slice name = contact_text(v, "name"), phone = contact_text(v, "phone");
    slice wa_id = contact_text(v, "wa_id");
    if (name.len == 0) name = contact_text(v, "wa_saved_name");
    if (name.len == 0) name = contact_text(v, "wa_name");
    if (phone.len == 0 && wa_id.len > 0)
        phone = arena_printf(c->x->arena, "+%.*s", SLICE_ARG(wa_id));
    if (name.len > 0) json_put_str(&c->out, "contact_name", c->key.pii ? name : SLICE("***"));
    if (phone.len > 0) json_put_str(&c->out, "contact_phone", c->key.pii ? phone : SLICE("***"));
}
