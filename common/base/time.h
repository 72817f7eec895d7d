/*
 * time.h - clocks, read only by programs and the event loop; engines are
 * told the time.
 */
#ifndef COMMON_BASE_TIME_H
#define COMMON_BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attributes.h"

/* Microseconds of a clock that never goes back. */
uint64_t time_monotonic_us(void);

/* Seconds since 1970, UTC. */
uint64_t time_wall_s(void);

/* "YYYYMMDD[HHMM[SS]][Z]" as seconds since 1970; without Z in local time.
 * ERR_FORMAT. */
int time_parse_stamp(const char *text, uint64_t *ret_s) MUST_CHECK;

#endif
