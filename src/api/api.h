/* api.h: everything the hub answers besides the sources' paths: /api/, /health, /status, /metrics, <path>/stats. */
#ifndef MALOTE_API_API_H
#define MALOTE_API_API_H

#include "listen/listen.h"

/* Answers one request; ctx is the struct app. Runs on an API thread. */
bool api_handle(struct api_exchange *x, void *ctx);

#endif
