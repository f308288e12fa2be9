/* disposition.h: the name under which a file is handed out: the header Content-Disposition (RFC 6266), of a name that a stranger gave. */
#ifndef MALOTE_BASE_DISPOSITION_H
#define MALOTE_BASE_DISPOSITION_H

#include "base/arena.h"

enum { DISPOSITION_NAME_MAX = 200 /* bytes */ };

/* `way; filename="…"; filename*=UTF-8''…`: the name without its folders, control characters, quotes and what turns the direction of
 * writing, cut before its end (".pdf") when it is too long; `otherwise` (plain ASCII) when nothing of it is left. .ptr NULL when the
 * arena is full. */
slice disposition_of(const char *way, slice name, slice otherwise, struct arena *arena);

#endif
