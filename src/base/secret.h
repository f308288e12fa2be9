/* secret.h: takes secrets out of texts that people will see. Pure. */
#ifndef MALOTE_BASE_SECRET_H
#define MALOTE_BASE_SECRET_H

#include "base/arena.h"

/* A shorter one would tear up ordinary words. */
enum { SECRET_LEN_MIN = 4 };

/* `text` with every occurrence of `secret` replaced by "***", as it stands or as JSON and forms may write it ("a\/b", "\u0061/b",
 * "a%2Fb", also one within another). `text` itself when there is none or the secret is shorter than SECRET_LEN_MIN, "***" when
 * the arena is full. */
slice secret_hide(slice text, slice secret, struct arena *arena);

#endif
