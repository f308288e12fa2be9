/* who.h: the person of a list's row: beside the contact's id its name and number, so that a list can be read without asking once more
 * for each row. Statements bring contacts.fields along by a join. */
#ifndef MALOTE_API_WHO_H
#define MALOTE_API_WHO_H

#include "api/reply.h"

/* "contact", "contact_name" and "contact_phone", "***" for keys that may not see personal data; nothing of what is not known.
 * fields: as contacts holds them, or empty. */
void who_put(struct call *c, int64_t contact_id, slice fields);

#endif
