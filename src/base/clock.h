/* clock.h: the two clocks. Pure code takes times as arguments; only the loops and threads read these. */
#ifndef MALOTE_BASE_CLOCK_H
#define MALOTE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Wall clock, ms since 1970 UTC: signatures, display, due times that are stored. */
static inline int64_t clock_wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Monotonic µs: waits and durations inside the process. */
static inline int64_t clock_mono_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
static inline int64_t clock_mono_ms(void) { return clock_mono_us() / 1000; }

/* So long from now, for pthread_cond_timedwait: by the condition's clock. */
static inline struct timespec clock_after_us(clockid_t clock, int64_t us)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_sec += us / 1000000;
    t.tv_nsec += us % 1000000 * 1000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

#endif
