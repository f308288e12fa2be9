/* api.c: minimal for now. */
#include "api/api.h"

#include "app.h"

void api_handle(struct api_exchange *x, void *ctx)
{
    struct app *app = ctx;
    struct buf b = buf_in(x->arena, 1 << 20);
    if (slice_eq(x->request.path, SLICE("/metrics"))) {
        metrics_write(&app->metrics, &b);
        x->type = SLICE("text/plain; version=0.0.4");
    } else {
        buf_add(&b, SLICE("{\"status\":\"ok\"}"));
    }
    x->status = 200;
    x->body = buf_slice(&b);
}
