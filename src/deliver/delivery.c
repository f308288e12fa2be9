/* delivery.c: the state machine of a delivery. */
#include "deliver/delivery.h"

#include <stdlib.h>

const char *const delivery_state_name[] = { "waiting", "leased", "delivered", "dead", "cancelled" };
_Static_assert(ARRAY_LEN(delivery_state_name) == DELIVERY_STATE_COUNT, "every state has a name");

bool delivery_may(enum delivery_state from, enum delivery_state to)
{
    static const uint8_t moves[DELIVERY_STATE_COUNT] = {
        [DELIVERY_WAITING] = 1 << DELIVERY_LEASED | 1 << DELIVERY_CANCELLED | 1 << DELIVERY_DEAD |
                             1 << DELIVERY_DELIVERED,
        [DELIVERY_LEASED] = 1 << DELIVERY_DELIVERED | 1 << DELIVERY_WAITING | 1 << DELIVERY_DEAD |
                            1 << DELIVERY_CANCELLED,
        [DELIVERY_DELIVERED] = 1 << DELIVERY_WAITING,
        [DELIVERY_DEAD] = 1 << DELIVERY_WAITING | 1 << DELIVERY_DELIVERED,
        [DELIVERY_CANCELLED] = 1 << DELIVERY_WAITING,
    };
    return (unsigned)from < DELIVERY_STATE_COUNT && (unsigned)to < DELIVERY_STATE_COUNT &&
           (moves[from] >> to & 1);
}

static slice put(struct leased *d, size_t *at, slice s)
{
    slice copy = { d->text + *at, s.len };
    if (s.len) memcpy(d->text + *at, s.ptr, s.len);
    *at += s.len;
    return copy;
}

struct leased *leased_with_file(slice key, slice type, slice source, slice data, slice file)
{
    size_t at = 0,
           bytes = sizeof(struct leased) + key.len + type.len + source.len + data.len + file.len;
    struct leased *d = malloc(bytes);
    if (!d) return NULL;
    *d = (struct leased){ .bytes = bytes };
    d->key = put(d, &at, key);
    d->type = put(d, &at, type);
    d->source = put(d, &at, source);
    d->data = put(d, &at, data);
    d->file = put(d, &at, file);
    return d;
}

struct leased *leased_new(slice key, slice type, slice source, slice data)
{
    return leased_with_file(key, type, source, data, (slice){ NULL, 0 });
}

void leased_free(struct leased *d) { free(d); }

void leased_free_list(struct leased *list)
{
    for (struct leased *next; list; list = next) {
        next = list->next;
        leased_free(list);
    }
}
