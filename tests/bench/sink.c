/* sink.c: the bench's Graph API: answers every POST at once with as many events_received as the body has events, and counts them.
 * One thread, keep-alive. GET gives {"events":n,"last_us":monotonic µs of the last}.   usage: sink PORT */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum { PEERS_MAX = 1024, MESSAGE_MAX = 4 * 1024 * 1024 };

struct peer {
    char *in;
    size_t len;
};

static size_t events_in(slice body)
{
    size_t count = 0;
    for (size_t at; (at = slice_find_slice(body, SLICE("\"event_name\""))) < body.len; count++)
        body = slice_sub(body, at + 12, body.len);
    return count;
}

/* Length of the whole message at the start of `in`, 0 while it is not complete. */
static size_t message_len(slice in, slice *body)
{
    size_t end = slice_find_slice(in, SLICE("\r\n\r\n"));
    if (end == in.len) return 0;
    size_t at = slice_find_slice(slice_sub(in, 0, end), SLICE("Content-Length: "));
    uint64_t len = 0;
    slice number = slice_sub(in, at + 16, end);
    (void)!text_u64(slice_sub(number, 0, slice_find(number, '\r')), MESSAGE_MAX, &len, NULL);
    *body = slice_sub(in, end + 4, end + 4 + len);
    return in.len >= end + 4 + len ? end + 4 + len : 0;
}

static bool serve(int fd, struct peer *p, uint64_t *events, int64_t *last_us)
{
    ssize_t n = read(fd, p->in + p->len, MESSAGE_MAX - p->len);
    if (n <= 0) return false;
    p->len += (size_t)n;
    slice body;
    for (size_t used; (used = message_len(slice_of(p->in, p->len), &body)) > 0;) {
        char answer[256], text[128];
        size_t count = events_in(body);
        bool get = slice_starts(slice_of(p->in, p->len), SLICE("GET"));
        if (count) *last_us = clock_mono_us();
        *events += count;
        int len = get ? snprintf(text, sizeof text, "{\"events\":%llu,\"last_us\":%lld}",
                                 (unsigned long long)*events, (long long)*last_us)
                      : snprintf(text, sizeof text,
                                 "{\"events_received\":%zu,\"fbtrace_id\":\"x\"}", count);
        int total = snprintf(
            answer, sizeof answer,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
            len, text);
        if (write(fd, answer, (size_t)total) != total) return false;
        memmove(p->in, p->in + used, p->len - used);
        p->len -= used;
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct peer peers[PEERS_MAX];
    if (argc != 2) return 2;
    struct sockaddr_in sa = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)atoi(argv[1])),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int web = socket(AF_INET, SOCK_STREAM, 0), one = 1, epoll = epoll_create1(0);
    (void)setsockopt(web, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(web, (struct sockaddr *)&sa, sizeof sa) != 0 || listen(web, 512) != 0) return 1;
    struct epoll_event e = { .events = EPOLLIN, .data.fd = web }, ready[64];
    (void)epoll_ctl(epoll, EPOLL_CTL_ADD, web, &e);
    uint64_t events = 0;
    int64_t last_us = 0;
    for (;;) {
        int count = epoll_wait(epoll, ready, 64, -1);
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            if (fd == web) {
                int fresh = accept(web, NULL, NULL);
                if (fresh < 0 || fresh >= PEERS_MAX) continue;
                (void)setsockopt(fresh, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                if (!peers[fresh].in) peers[fresh].in = malloc(MESSAGE_MAX);
                peers[fresh].len = 0;
                e = (struct epoll_event){ .events = EPOLLIN, .data.fd = fresh };
                (void)epoll_ctl(epoll, EPOLL_CTL_ADD, fresh, &e);
            } else if (!serve(fd, &peers[fd], &events, &last_us)) {
                close(fd);
            }
        }
    }
}
