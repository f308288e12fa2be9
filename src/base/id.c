/* id.c: time-ordered ids. */
#include "base/id.h"

#include <stdio.h>

static const int64_t EPOCH_MS = 1704067200000; /* 2024-01-01T00:00:00Z */
enum { SEQ_BITS = 14, NODE_BITS = 8, LOW_BITS = SEQ_BITS + NODE_BITS, ID_DIGITS = 13 };

static const char *const prefixes[] = { "wsp_", "src_", "req_", "evt_", "con_", "ord_", "sub_",
                                        "chk_", "rte_", "dst_", "dlv_", "att_", "key_", "msg_",
                                        "cnv_", "tkt_", "med_", "cam_", "rcp_", "num_", "tpl_" };
_Static_assert(ARRAY_LEN(prefixes) == ID_KIND_COUNT, "every id has a prefix");

uint64_t id_at(int64_t unix_ms)
{
    const int64_t most = INT64_MAX >> LOW_BITS; /* an id fits into a signed column */
    if (unix_ms <= EPOCH_MS) return 0;
    return unix_ms - EPOCH_MS > most ? (uint64_t)INT64_MAX
                                     : (uint64_t)(unix_ms - EPOCH_MS) << LOW_BITS;
}

int64_t id_ms(uint64_t id) { return (int64_t)(id >> LOW_BITS) + EPOCH_MS; }

uint64_t id_next(struct id_maker *m, int64_t now_ms)
{
    uint64_t floor = id_at(now_ms) | (uint64_t)m->node << SEQ_BITS;
    uint64_t last = atomic_load_explicit(&m->last, memory_order_relaxed), id;
    do {
        id = last + 1;
        if ((id & ((1u << SEQ_BITS) - 1)) ==
            0) /* sequence used up: borrow the next millisecond, keep the node bits */
            id = id_at(id_ms(last) + 1) | (uint64_t)m->node << SEQ_BITS;
        if (id < floor) id = floor;
    } while (!atomic_compare_exchange_weak_explicit(&m->last, &last, id, memory_order_relaxed,
                                                    memory_order_relaxed));
    return id;
}

void id_above(struct id_maker *m, uint64_t id)
{
    uint64_t last = atomic_load_explicit(&m->last, memory_order_relaxed);
    while (last < id && !atomic_compare_exchange_weak_explicit(
                            &m->last, &last, id, memory_order_relaxed, memory_order_relaxed)) {
    }
}

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz"; /* Crockford: no i, l, o, u */

slice id_text(enum id_kind kind, uint64_t id, char out[ID_TEXT_MAX])
{
    CHECK((unsigned)kind < ID_KIND_COUNT);
    memcpy(out, prefixes[kind], 4);
    for (int i = ID_DIGITS; i-- > 0; id >>= 5) out[4 + i] = digits[id & 31];
    out[4 + ID_DIGITS] = '\0';
    return slice_of(out, 4 + ID_DIGITS);
}

enum err id_parse(enum id_kind kind, slice text, uint64_t *id)
{
    CHECK((unsigned)kind < ID_KIND_COUNT);
    if (text.len != 4 + ID_DIGITS || memcmp(text.ptr, prefixes[kind], 4) != 0) return ERR_SYNTAX;
    uint64_t n = 0;
    for (size_t i = 4; i < text.len; i++) {
        char c = text.ptr[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c + 32);
        const char *at = c ? strchr(digits, c) : NULL;
        if (!at || n > UINT64_MAX >> 5) return ERR_SYNTAX;
        n = n << 5 | (uint64_t)(at - digits);
    }
    if (n > INT64_MAX) return ERR_SYNTAX;
    *id = n;
    return OK;
}
