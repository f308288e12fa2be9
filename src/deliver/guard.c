/* guard.c: special-purpose address ranges, and the operator's exceptions. */
#include "deliver/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/text.h"

#define V4(a, b, c, d, n)                                                                          \
    {                                                                                              \
        { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d }, 96 + (n)                         \
    }

/* RFC 6890 and its updates: nothing of this is a destination on the public internet. */
static const struct guard_net special[] = {
    V4(0, 0, 0, 0, 8),
    V4(10, 0, 0, 0, 8),
    V4(100, 64, 0, 0, 10),
    V4(127, 0, 0, 0, 8),
    V4(169, 254, 0, 0, 16),
    V4(172, 16, 0, 0, 12),
    V4(192, 0, 0, 0, 24),
    V4(192, 0, 2, 0, 24),
    V4(192, 88, 99, 0, 24),
    V4(192, 168, 0, 0, 16),
    V4(198, 18, 0, 0, 15),
    V4(198, 51, 100, 0, 24),
    V4(203, 0, 113, 0, 24),
    V4(224, 0, 0, 0, 4),
    V4(240, 0, 0, 0, 4),
    { { 0 }, 96 }, /* ::, ::1 and IPv4-compatible */
    { { 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff },
      96 },                 /* IPv4-translated (RFC 2765): would carry a private IPv4 address */
    { { 0x01, 0x00 }, 64 }, /* discard */
    { { 0x00, 0x64, 0xff, 0x9b }, 32 }, /* NAT64: would carry a private IPv4 address */
    { { 0x20, 0x01, 0x00 }, 23 },       /* IETF assignments, Teredo */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
    { { 0x20, 0x02 }, 16 },             /* 6to4: carries an IPv4 address */
    { { 0x3f, 0xff }, 20 },             /* documentation */
    { { 0x5f, 0x00 }, 16 },             /* segment routing */
    { { 0xfc }, 7 },                    /* unique local */
    { { 0xfe, 0x80 }, 10 },             /* link-local */
    { { 0xfe, 0xc0 }, 10 },             /* site-local, deprecated */
    { { 0xff }, 8 },                    /* multicast */
};

static bool in_net(const uint8_t addr[16], const struct guard_net *net)
{
    unsigned whole = net->bits / 8, rest = net->bits % 8;
    if (memcmp(addr, net->addr, whole) != 0) return false;
    return rest == 0 || ((addr[whole] ^ net->addr[whole]) >> (8 - rest)) == 0;
}

/* An IPv4 address as IPv6: ::ffff:a.b.c.d. */
static void map_v4(const void *v4, uint8_t out[16])
{
    memset(out, 0, 10);
    memset(out + 10, 0xff, 2);
    memcpy(out + 12, v4, 4);
}

static bool to_16(const struct sockaddr *sa, uint8_t out[16])
{
    if (sa->sa_family == AF_INET)
        map_v4(&((const struct sockaddr_in *)(const void *)sa)->sin_addr, out);
    else if (sa->sa_family == AF_INET6)
        memcpy(out, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
    else
        return false;
    return true;
}

bool guard_lists(const struct guard *g, const struct sockaddr *sa)
{
    uint8_t addr[16];
    if (!to_16(sa, addr)) return false;
    for (size_t i = 0; i < g->count; i++)
        if (in_net(addr, &g->allowed[i])) return true;
    return false;
}

bool guard_allows(const struct guard *g, const struct sockaddr *sa)
{
    uint8_t addr[16];
    if (!to_16(sa, addr)) return false;
    if (guard_lists(g, sa)) return true;
    for (size_t i = 0; i < ARRAY_LEN(special); i++)
        if (in_net(addr, &special[i])) return false;
    return true;
}

static enum err read_net(slice item, struct guard_net *out, struct why *why)
{
    char text[64];
    size_t slash = slice_find(item, '/');
    if (slash >= sizeof text) return why_set(why, ERR_SYNTAX, "not a network: %.40s", item.ptr);
    memcpy(text, item.ptr, slash);
    text[slash] = '\0';
    struct in_addr v4;
    unsigned longest = 128, base = 0;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        map_v4(&v4, out->addr);
        longest = 32;
        base = 96;
    } else if (inet_pton(AF_INET6, text, out->addr) != 1) {
        return why_set(why, ERR_SYNTAX, "\"%s\" is no address", text);
    }
    uint64_t bits = longest;
    if (slash < item.len &&
        text_u64(slice_sub(item, slash + 1, item.len), longest, &bits, NULL) != OK)
        return why_set(why, ERR_SYNTAX, "bad prefix length behind \"%s\"", text);
    out->bits = base + (unsigned)bits;
    return OK;
}

enum err guard_read(slice text, struct guard *out, struct why *why)
{
    *out = (struct guard){ .count = 0 };
    for (size_t from = 0; from < text.len;) {
        size_t to = from;
        while (to < text.len && text.ptr[to] != ',' && text.ptr[to] != ' ') to++;
        slice item = slice_sub(text, from, to);
        from = to + 1;
        if (item.len == 0) continue;
        if (out->count == GUARD_NETS_MAX)
            return why_set(why, ERR_LIMIT, "more than %d networks", GUARD_NETS_MAX);
        enum err rc = read_net(item, &out->allowed[out->count], why);
        if (rc != OK) return rc;
        out->count++;
    }
    return OK;
}
