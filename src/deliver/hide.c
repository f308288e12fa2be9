/* hide.c: a server may say back what we sent it ("Malformed access token EAAB…"). Our secrets are taken out of what it says before
 * anybody sees or keeps it: before it is judged, since reasons quote it. */
#include "base/secret.h"
#include "deliver/loop.h"

/* A key may be said without its mark. */
static slice without_key(slice text, slice secret, struct arena *a)
{
    text = secret_hide(text, secret, a);
    return slice_starts(secret, SLICE("whsec_"))
               ? secret_hide(text, slice_sub(secret, 6, secret.len), a)
               : text;
}

void hide_secrets(struct wire_call *call, const struct settings *cfg)
{
    slice text = call->reply.body;
    for (size_t i = 0; i < cfg->count && text.len > 0; i++) {
        const struct setting_value *v = &cfg->values[i];
        if (!cfg->table[i].secret || !v->present) continue;
        text = without_key(text, v->text, call->arena);
        for (size_t n = 0; n < v->count; n++)
            text = without_key(text, v->items[n].value, call->arena);
    }
    for (size_t i = 0; i < call->out.header_count && text.len > 0;
         i++) /* "X-Token: sesame" is said back as the value alone */
        if (call->out.headers[i].secret)
            text = secret_hide(text, call->out.headers[i].value, call->arena);
    call->reply.body = text;
}
