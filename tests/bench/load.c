/* load.c: the bench's client. Posts Cakto webhooks of about 1 kB, each a new order with a header signature, or WhatsApp messages, over
 * keep-alive connections from one thread; prints one line: requests/s, latencies, errors.
 *
 *   load HOST PORT PATH --connections N --seconds S [--rate R] [--first I] [--kind cakto|whatsapp]
 *
 * Without --rate as fast as answers come. With it, requests have planned times and latency counts from the plan, so that a stall
 * is seen by all requests it delays and not by one. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/time.h"
#include "crypto/hash.h"
#include "metrics/metrics.h"

enum { CONNECTIONS_MAX = 1024, MESSAGE_MAX = 4096 };
static const char secret[] = "7d0c5a1e-0000-4000-8000-00000000ca01";

struct connection {
    int fd;
    char out[MESSAGE_MAX], in[MESSAGE_MAX];
    size_t out_len, out_at, in_len;
    int64_t planned_us;
    bool busy;
};

struct load {
    const char *host, *path;
    int port, connections, seconds;
    double rate;
    bool whatsapp;
    uint64_t sequence;
    struct connection at[CONNECTIONS_MAX];
    struct histogram latency;
    uint64_t ok, refused, broken;
};

/* The request of this second, with runs of control characters where each one differs. Writing it anew for every request would
 * cost as much as sending it, on the cores that the server needs. */
enum place { ORDER_HEAD = 1, ORDER_TAIL, REF, MAIL, PHONE, PHONE_AGAIN, SIGNATURE, PLACE_COUNT };
struct template
{
    int64_t second;
    char text[MESSAGE_MAX], stamp[24];
    size_t len, body, stamp_len, at[PLACE_COUNT], width[PLACE_COUNT];
};

static const char *blank(enum place place, int width, char out[80])
{
    memset(out, place, (size_t)width);
    out[width] = '\0';
    return out;
}

/* The body of this second; returns its length. */
/* The keys of a real "purchase_approved" (tests/golden/cakto/), with the shape of their values. */
static int cakto_body(int64_t second, char *body, size_t size, char run[PLACE_COUNT][80])
{
    char when[TIME_TEXT_MAX + 1];
    when[time_format(second * 1000, when).len] = '\0';
    return snprintf(
        body, size,
        "{\"secret\":\"%s\",\"event\":\"purchase_approved\",\"data\":{\"id\":\"%s-0000-4000-"
        "8000-%s\",\"refId\":\"B%s\",\"customer\":{\"name\":\"Cliente Exemplo\",\"birthDate\":null,"
        "\"email\":\"c%s@example.com\",\"phone\":\"55119%s\",\"docNumber\":null},"
        "\"offer\":{\"id\":\"exOfr01\",\"name\":\"Curso Exemplo\",\"price\":39.9},"
        "\"offer_type\":\"main\",\"product\":{\"name\":\"Curso Exemplo\","
        "\"id\":\"0d5f7f0e-11aa-4c3e-9a51-0f4b6a4e0001\",\"short_id\":\"49bruPi\","
        "\"supportEmail\":\"suporte@example.com\",\"type\":\"unique\"},"
        "\"checkoutUrl\":\"https://pay.cakto.com.br/exOfr01\",\"status\":\"paid\","
        "\"baseAmount\":39.9,\"discount\":null,\"amount\":39.9,\"commissions\":[{\"user\":"
        "\"produtor@example.com\",\"totalAmount\":36.91,\"percentage\":100.0,\"type\":"
        "\"producer\"}],\"fees\":2.99,\"paymentMethod\":\"pix\",\"installments\":1,"
        "\"utm_source\":\"facebook\",\"utm_campaign\":\"black-friday\",\"paidAt\":\"%s\","
        "\"createdAt\":\"%s\",\"pix\":{\"qrCode\":\"00020101021226810014br.gov.bcb.pix2559pix."
        "example.test/qr/v2/0b1e8a56-77b9-4d0f-9f48-7d99303bf5f25204000053039865802BR5909CAKTO "
        "PAY6009SAO PAULO62070503***63043CFE\"}}}",
        secret, blank(ORDER_HEAD, 8, run[1]), blank(ORDER_TAIL, 12, run[2]), blank(REF, 12, run[3]),
        blank(MAIL, 12, run[4]), blank(PHONE, 8, run[5]), when, when);
}

static int whatsapp_body(int64_t second, char *body, size_t size, char run[PLACE_COUNT][80])
{
    return snprintf(
        body, size,
        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"102290129340398\","
        "\"changes\":["
        "{\"field\":\"messages\",\"value\":{\"messaging_product\":\"whatsapp\",\"metadata\":{"
        "\"display_phone_number\":\"15550783881\",\"phone_number_id\":\"106540352242922\"},"
        "\"contacts\":["
        "{\"profile\":{\"name\":\"Cliente "
        "Exemplo\"},\"wa_id\":\"55119%s\"}],\"messages\":[{\"from\":"
        "\"55119%s\",\"id\":\"wamid.%s%s\",\"timestamp\":\"%lld\",\"type\":\"text\",\"text\":{"
        "\"body\":"
        "\"Oi, o meu pedido %s ainda n\\u00e3o chegou\"}}]}}]}]}",
        blank(PHONE, 8, run[PHONE]), blank(PHONE_AGAIN, 8, run[PHONE_AGAIN]),
        blank(ORDER_HEAD, 8, run[1]), blank(ORDER_TAIL, 12, run[2]), (long long)second,
        blank(REF, 12, run[3]));
}

static void template_write(const struct load *l, struct template *t, int64_t second)
{
    char body[2048], run[PLACE_COUNT][80];
    int len = l->whatsapp ? whatsapp_body(second, body, sizeof body, run)
                          : cakto_body(second, body, sizeof body, run);
    t->second = second;
    t->stamp_len = (size_t)snprintf(t->stamp, sizeof t->stamp, "%lld", (long long)second);
    char proof[256];
    blank(SIGNATURE, 64, run[SIGNATURE]);
    if (l->whatsapp)
        (void)snprintf(proof, sizeof proof, "X-Hub-Signature-256: sha256=%s", run[SIGNATURE]);
    else
        (void)snprintf(proof, sizeof proof, "X-Cakto-Timestamp: %s\r\nX-Cakto-Signature: v1=%s",
                       t->stamp, run[SIGNATURE]);
    t->len = (size_t)snprintf(t->text, sizeof t->text,
                              "POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: "
                              "application/json\r\n%s\r\nContent-Length: %d\r\n\r\n%s",
                              l->path, l->host, l->port, proof, len, body);
    CHECK(t->len < sizeof t->text);
    t->body = t->len - (size_t)len;
    for (int place = ORDER_HEAD; place < PLACE_COUNT; place++) {
        const char *from = strchr(t->text, place);
        t->at[place] = from ? (size_t)(from - t->text) : 0;
        t->width[place] = from ? strspn(from, (char[]){ (char)place, '\0' }) : 0;
    }
}

static void put_number(const struct template *t, char *out, enum place place, uint64_t n,
                       unsigned base)
{
    for (size_t i = t->width[place]; i > 0; i--, n /= base)
        out[t->at[place] + i - 1] = "0123456789abcdef"[n % base];
}

static void build(struct load *l, struct connection *c)
{
    static struct template t;
    char hex[2 * HASH_BYTES_MAX];
    uint8_t mac[HASH_BYTES_MAX];
    int64_t second = clock_wall_ms() / 1000;
    if (t.second != second) template_write(l, &t, second);
    uint64_t n = ++l->sequence;
    memcpy(c->out, t.text, t.len);
    put_number(&t, c->out, ORDER_HEAD, n * 2654435761u & 0xffffffff, 16);
    put_number(&t, c->out, ORDER_TAIL, n, 16);
    put_number(&t, c->out, REF, n, 10);
    put_number(&t, c->out, MAIL, n, 10);
    /* On WhatsApp a thousand people write again and again. */
    put_number(&t, c->out, PHONE, l->whatsapp ? n % 1000 + 10000000 : n, 10);
    put_number(&t, c->out, PHONE_AGAIN, n % 1000 + 10000000, 10);
    const slice parts[] = { slice_of(t.stamp, t.stamp_len), SLICE("."),
                            slice_of(c->out + t.body, t.len - t.body) };
    size_t skip = l->whatsapp ? 2 : 0; /* the body alone */
    size_t mac_len =
        hash_hmac(HASH_SHA256, slice_str(secret), parts + skip, ARRAY_LEN(parts) - skip, mac);
    slice sig = text_hex(slice_of(mac, mac_len), hex);
    memcpy(c->out + t.at[SIGNATURE], sig.ptr, sig.len);
    c->out_len = t.len;
    c->out_at = c->in_len = 0;
}

static int dial(const struct load *l)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)l->port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (inet_pton(AF_INET, l->host, &sa.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
        fprintf(stderr, "load: cannot connect to %s:%d: %s\n", l->host, l->port, strerror(errno));
        exit(1);
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void push(struct load *l, struct connection *c)
{
    ssize_t n = write(c->fd, c->out + c->out_at, c->out_len - c->out_at);
    if (n > 0)
        c->out_at += (size_t)
            n; /* a request fits the socket's buffer; the rest would go with the next event */
    else if (n < 0 && errno != EAGAIN)
        l->broken++;
}

static void start(struct load *l, struct connection *c, int64_t planned_us)
{
    build(l, c);
    c->planned_us = planned_us;
    c->busy = true;
    push(l, c);
}

/* True when the whole answer is in. */
static bool answered(struct load *l, struct connection *c)
{
    ssize_t n = read(c->fd, c->in + c->in_len, sizeof c->in - c->in_len);
    if (n <= 0) {
        if (n < 0 && errno == EAGAIN) return false;
        l->broken++;
        close(c->fd);
        c->fd = -1;
        return true;
    }
    c->in_len += (size_t)n;
    slice in = slice_of(c->in, c->in_len);
    size_t end = slice_find_slice(in, SLICE("\r\n\r\n"));
    if (end == in.len) return false;
    size_t at = slice_find_slice(in, SLICE("Content-Length: "));
    uint64_t len = 0;
    slice number = slice_sub(in, at + 16, end);
    (void)!text_u64(slice_sub(number, 0, slice_find(number, '\r')), MESSAGE_MAX, &len, NULL);
    if (in.len < end + 4 + len) return false;
    if (slice_starts(in, SLICE("HTTP/1.1 200")))
        l->ok++;
    else
        l->refused++;
    return true;
}

static void run(struct load *l)
{
    int epoll = epoll_create1(0);
    int64_t from_us = clock_mono_us(), until_us = from_us + (int64_t)l->seconds * 1000000,
            next_us = from_us;
    for (int i = 0; i < l->connections; i++) {
        struct epoll_event e = { .events = EPOLLIN, .data.u32 = (uint32_t)i };
        l->at[i].fd = dial(l);
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, l->at[i].fd, &e);
        if (l->rate == 0) start(l, &l->at[i], clock_mono_us());
    }
    int free_from = 0;
    for (int64_t now_us; (now_us = clock_mono_us()) < until_us;) {
        for (int tried = 0; l->rate > 0 && next_us <= now_us && tried < l->connections; tried++) {
            struct connection *c = &l->at[free_from];
            free_from = (free_from + 1) % l->connections;
            if (c->busy) continue;
            start(l, c, next_us);
            next_us += (int64_t)(1e6 / l->rate);
        }
        struct epoll_event ready[256];
        /* Sleeps to the next planned moment, or, when every connection waits, to the next answer: a client that polls would take
         * a core from the server beside it. */
        int64_t wait_us = l->rate > 0 && next_us > now_us ? next_us - now_us : 100000;
        struct timespec wait = { wait_us / 1000000, wait_us % 1000000 * 1000 };
        int count = epoll_pwait2(epoll, ready, 256, &wait, NULL);
        now_us = clock_mono_us();
        for (int i = 0; i < count; i++) {
            struct connection *c = &l->at[ready[i].data.u32];
            if (!answered(l, c)) continue;
            histogram_add(&l->latency, now_us - c->planned_us);
            c->busy = false;
            if (c->fd < 0) exit(1);
            if (l->rate == 0) start(l, c, now_us);
        }
    }
    double took = (double)(clock_mono_us() - from_us) / 1e6;
    printf("{\"requests_per_s\":%.0f,\"ok\":%llu,\"refused\":%llu,\"broken\":%llu,\"p50_us\":%lld,"
           "\"p95_us\":%lld,\"p99_us\":%lld}\n",
           (double)(l->ok + l->refused) / took, (unsigned long long)l->ok,
           (unsigned long long)l->refused, (unsigned long long)l->broken,
           (long long)histogram_quantile(&l->latency, 0.5),
           (long long)histogram_quantile(&l->latency, 0.95),
           (long long)histogram_quantile(&l->latency, 0.99));
}

int main(int argc, char **argv)
{
    static struct load l;
    if (argc < 4) {
        fprintf(stderr,
                "usage: load HOST PORT PATH --connections N --seconds S [--rate R] [--first I] "
                "[--kind cakto|whatsapp]\n");
        return 2;
    }
    l.host = argv[1];
    l.port = atoi(argv[2]);
    l.path = argv[3];
    l.connections = 64;
    l.seconds = 5;
    l.sequence = (uint64_t)time(NULL) << 24;
    for (int i = 4; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--connections") == 0)
            l.connections = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--seconds") == 0)
            l.seconds = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--rate") == 0)
            l.rate = atof(argv[i + 1]);
        else if (strcmp(argv[i], "--first") == 0)
            l.sequence = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--kind") == 0)
            l.whatsapp = strcmp(argv[i + 1], "whatsapp") == 0;
    }
    if (l.connections < 1 || l.connections > CONNECTIONS_MAX) return 2;
    run(&l);
    return 0;
}
