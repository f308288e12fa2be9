/* thread.h: a thread with a name, so that `top -H`, perf and core dumps say which one it is. */
#ifndef MALOTE_BASE_THREAD_H
#define MALOTE_BASE_THREAD_H

#include <pthread.h>

#include "base/err.h"

/* `name` has at most 15 bytes (Linux). The caller joins it. */
static inline enum err thread_start(pthread_t *out, const char *name, void *(*run)(void *),
                                    void *ctx, struct why *why)
{
    if (pthread_create(out, NULL, run, ctx) != 0)
        return why_set(why, ERR_IO, "cannot start the thread \"%s\"", name);
    (void)pthread_setname_np(*out, name);
    return OK;
}

#endif
