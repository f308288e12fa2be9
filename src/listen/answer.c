/* answer.c: answers in the one shape every error has, and their way into libmicrohttpd. */
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "listen/exchange.h"

void answer_error(struct exchange *x, int status, const char *code, const char *fmt, ...)
{
    char message[WHY_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    struct arena a;
    arena_init(&a, 8192);
    struct buf b = buf_in(&a, sizeof x->text);
    json_begin_object(&b, NULL);
    json_begin_object(&b, "error");
    json_put_str(&b, "code", slice_str(code));
    json_put_str(&b, "message", slice_str(message));
    json_end_object(&b);
    json_end_object(&b);
    slice text =
        buf_ok(&b) ? buf_slice(&b) : SLICE("{\"error\":{\"code\":\"error\",\"message\":\"\"}}");
    memcpy(x->text, text.ptr, text.len);
    x->answer = slice_of(x->text, text.len);
    arena_free(&a);
    x->type = (slice){ NULL, 0 };
    x->status = status;
    x->stage = STAGE_ANSWER;
}

void answer_header(struct exchange *x, const char *name, const char *fmt, ...)
{
    if (x->header_count == ANSWER_HEADERS_MAX) return;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(x->header_value[x->header_count], sizeof x->header_value[0], fmt, args);
    va_end(args);
    x->header_name[x->header_count++] = name;
}

enum MHD_Result answer_queue(struct exchange *x)
{
    /* The texts live until the request is completed, which libmicrohttpd tells after it has let the response go. */
    struct MHD_Response *r =
        x->api.file ? MHD_create_response_from_fd_at_offset64(x->api.file_len, x->api.file,
                                                              x->api.file_from)
                    : MHD_create_response_from_buffer(
                          x->answer.len, (void *)(uintptr_t)(x->answer.len ? x->answer.ptr : ""),
                          MHD_RESPMEM_PERSISTENT);
    if (!r) return MHD_NO;
    x->api.file = 0; /* libmicrohttpd closes it with the response */
    char type[80] = "application/json";
    if (x->type.len) (void)snprintf(type, sizeof type, "%.*s", SLICE_ARG(x->type));
    (void)MHD_add_response_header(r, "Content-Type", type);
    for (size_t i = 0; i < x->header_count; i++)
        (void)MHD_add_response_header(r, x->header_name[i], x->header_value[i]);
    for (size_t i = 0; i < x->api.header_count; i++)
        (void)MHD_add_response_header(r, x->api.headers[i].name.ptr, x->api.headers[i].value.ptr);
    enum MHD_Result rc = MHD_queue_response(x->connection, (unsigned)x->status, r);
    MHD_destroy_response(r);
    return rc;
}
