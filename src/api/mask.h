/* mask.h: personal data and secrets out of what the API shows. Pure. */
#ifndef MALOTE_API_MASK_H
#define MALOTE_API_MASK_H

#include "base/json.h"

/* JSON text with the values of personal members (e-mail, phone, names, documents, addresses, click ids, hashed user data …)
 * replaced by "***", at any depth, also inside strings that hold JSON. Text that is no JSON becomes "***". In `arena`;
 * always valid JSON. */
slice mask_personal(slice text, struct arena *arena);
/* A key, or "***" when it holds a WhatsApp message id: those have the person's number inside, in base64. */
slice mask_key(slice key);
/* `text` with every occurrence of each secret replaced by "***", however it is written there: see secret_hide. */
slice mask_secrets(slice text, const slice *secrets, size_t count, struct arena *arena);

#endif
